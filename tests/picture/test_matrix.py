"""Matrices as pictures: numbers where there is room, a shade a letter, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.analysis.layer_matrix import Letters, Matrix
from allconv.picture.matrix import MOST_WRITTEN, SHADES, Entry, MatrixDrawing, Side

SVG = "{http://www.w3.org/2000/svg}"
MOST = 40_000  # bytes


def tree(picture: str) -> ElementTree.Element:
    """A picture as XML."""
    return ElementTree.fromstring(picture)  # noqa: S314 (it is our own)


def texts(picture: str) -> list[str]:
    """Its texts, each `text` and `tspan` by itself."""
    found = [each for each in tree(picture).iter() if each.tag in (SVG + "text", SVG + "tspan")]
    return [each.text for each in found if each.text]


def drawn(picture: str) -> list[list[str]]:
    """The texts in the cells, row by row."""
    rows = [
        each for each in tree(picture).iter(SVG + "text") if each.find(SVG + "tspan") is not None
    ]
    return [[span.text or "" for span in row] for row in rows]


def shades(picture: str) -> Counter[str]:
    """How many cells there are of each shade."""
    paths = [each for each in tree(picture).iter(SVG + "path") if "stroke-opacity" in each.attrib]
    return Counter({each.attrib["stroke-opacity"]: each.attrib["d"].count("M") for each in paths})


def conv(kernel: int, size: int, **settings: int) -> Matrix:
    """The matrix of a convolution of one channel."""
    return ac.as_matrix(nn.Conv2d(1, 1, kernel, **settings), (1, 1, size, size))


def test_the_matrix_of_the_lecture_has_its_numbers_and_its_letters() -> None:
    """4 x 16, each of nine weights in four cells of one shade, zeros between."""
    w = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    matrix = ac.as_matrix(F.conv2d, (1, 1, 4, 4), w)
    numbers, letters = matrix.svg(), matrix.svg(letters=True)
    assert drawn(numbers) == [[f"{n:g}" for n in row] for row in matrix.to_dense()]
    assert " ".join(drawn(letters)[0]) == "w₀₀ w₀₁ w₀₂ 0 w₁₀ w₁₁ w₁₂ 0 w₂₀ w₂₁ w₂₂ 0 0 0 0 0"
    assert list(shades(numbers).values()) == [4] * 9
    assert "w[0,0,1,2] = 6" in texts(numbers)
    assert "9 different entries, each at 4 places." in texts(numbers)


def test_rows_and_columns_have_their_names_in_their_colours() -> None:
    """x above, y at the left; the other way round in the transpose."""
    matrix = ac.as_matrix(F.conv1d, (1, 1, 4), np.array([[[1.0, 2, 3]]]))
    for each, (rows, columns) in ((matrix, "yx"), (matrix.T, "xy")):
        picture = each.svg()
        sides = {g.attrib["class"]: g for g in tree(picture).iter(SVG + "g") if "class" in g.attrib}
        names = {role: [t.text for t in sides[role]] for role in (rows, columns)}
        assert names["x"] == ["x₀", "x₁", "x₂", "x₃"]
        assert names["y"] == ["y₀", "y₁"]
        assert {f"{rows}[0,0,·]", f"{columns}[0,0,·]"} <= set(texts(picture))


def test_names_of_several_digits_are_told_apart() -> None:
    """x₁,₁₂ is another cell than x₁₁,₂."""
    names = texts(ac.as_matrix(nn.AvgPool2d((1, 6)), (1, 1, 2, 12)).svg(most=24))
    assert {"x₀,₀", "x₁,₁₁"} <= set(names)


def test_a_large_matrix_has_cells_alone() -> None:
    """Every entry is there, in the shades of the taps, in as many paths."""
    matrix = conv(3, 12, padding=1)
    picture = matrix.svg()
    assert drawn(picture) == []
    assert sum(shades(picture).values()) == len(matrix.rows) > MOST_WRITTEN
    assert len(shades(picture)) == 9


def test_channels_share_the_shades_of_taps() -> None:
    """Of 108 weights those at one tap have one shade."""
    matrix = ac.as_matrix(nn.Conv2d(3, 4, 3), (1, 3, 5, 5))
    assert list(shades(matrix.svg()).values()) == [len(matrix.rows) // 9] * 9
    many = ac.as_matrix(nn.Linear(20, 5), (1, 20))
    assert len(shades(many.svg())) == SHADES


def test_what_is_left_out_is_said() -> None:
    """The first and the last rows and columns are drawn, with a gap; the word is in the label."""
    matrix = conv(5, 28)
    picture = matrix.svg()
    word = "Left out in the middle: 416 of 576 rows and 624 of 784 columns."
    assert word in texts(picture)
    assert word in tree(picture).attrib["aria-label"]
    assert {"y₀,₀", "y₂₃,₂₃", "x₀,₀", "x₂₇,₂₇"} <= set(texts(picture))
    few = ac.as_matrix(lambda x: x * 2.0, (100,)).svg(most=6)
    assert drawn(few)[0] == ["2", "0", "0", "0", "…", "0", "0"]
    assert drawn(few)[4] == ["…"] * 7
    assert drawn(few)[-1] == ["0", "0", "0", "0", "…", "0", "2"]
    assert "Left out in the middle: 94 of 100 rows and 94 of 100 columns." in texts(few)


def test_entries_at_one_place_are_added() -> None:
    """Where padding mirrors the image one weight or two stand at a place."""
    matrix = ac.as_matrix(
        lambda x: F.conv1d(F.pad(x, (2, 2), mode="reflect"), np.array([[[1.0, 2, 4]]])), (1, 1, 6)
    )
    assert drawn(matrix.svg()) == [[f"{n:g}" for n in row] for row in matrix.to_dense()]
    assert drawn(matrix.svg(letters=True))[1][1] == "w₀+w₂"


KINDS: dict[str, tuple[Callable[[], Matrix], str]] = {
    "pooling": (lambda: ac.as_matrix(nn.AvgPool2d(2), (1, 1, 4, 4)), "1/4"),
    "one number": (lambda: ac.as_matrix(lambda x: x * 2.0, (1,)), "One number at 1 place."),
    "a sum": (lambda: ac.as_matrix(lambda x: x.sum(), (5,)), "y"),
    "none": (lambda: ac.as_matrix(lambda x: x[:0], (3,)), "0 x 3, 0 entries: y (0,) from x (3,)"),
    "not finite": (
        lambda: ac.as_matrix(F.conv1d, (1, 1, 2), np.array([[[np.nan, -np.inf]]])), "-inf"
    ),
    "large numbers": (
        lambda: ac.as_matrix(F.conv1d, (1, 1, 2), np.array([[[1e300, -123456.0]]])), "-123456"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_matrices(kind: str) -> None:
    """Each is drawn, and says what is there."""
    make, said = KINDS[kind]
    assert said in texts(make().svg())


HUGE: dict[str, Callable[[], Matrix]] = {
    "sparse": lambda: ac.as_matrix(nn.Conv2d(4, 8, 3, padding=1), (1, 4, 32, 32)),
    "dense": lambda: ac.as_matrix(nn.Linear(784, 300), (1, 784)),
    "wide": lambda: ac.as_matrix(lambda x: x.sum(), (100_000,)),
    "long names": lambda: ac.as_matrix(
        nn.AvgPool3d((1, 1, 500)), (1, 1, 20, 20, 500)
    ),
    "long numbers": lambda: ac.as_matrix(nn.Linear(40, 17), (1, 40)),
}  # fmt: skip


@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.parametrize("letters", [False, True])
@pytest.mark.parametrize("most", [None, 26, 1000])
def test_a_picture_is_small(kind: str, letters: bool, most: int | None) -> None:
    """Whatever the size and whatever is asked for."""
    assert len(HUGE[kind]().svg(letters=letters, most=most).encode()) <= MOST


def test_nothing_is_drawn_outside_or_over_another_text() -> None:
    """Names of columns stand apart; the picture is as wide and high as what it holds."""
    for matrix in (conv(3, 4), conv(3, 8, padding=1), conv(5, 28)):
        root = tree(matrix.svg())
        width, height = (float(root.attrib[name]) for name in ("width", "height"))
        (columns,) = (g for g in root.iter(SVG + "g") if g.attrib.get("class") == "x")
        at = [
            float(each.attrib.get("x") or each.attrib["transform"][10:].split()[0])
            for each in columns
        ]
        assert all(b - a >= 10 for a, b in pairwise(at))
        assert 0 < at[0] < at[-1] < width
        lines = [float(t.attrib["y"]) for t in root.iter(SVG + "text") if "y" in t.attrib]
        assert min(lines) > 0
        assert max(lines) < height


def test_names_from_outside_are_text() -> None:
    """A letter, a title and a name that look like markup."""
    bad = "</text><script>alert(1)</script>"
    grid = MatrixDrawing(
        bad,
        Side("y", bad, [bad, None]),
        Side("x", bad, [bad]),
        [Entry(0, 0, bad, 0)],
        [bad],
        [(0, bad)],
    )
    picture = grid.svg()
    assert texts(picture).count(bad) == 7
    assert list(tree(picture).iter(SVG + "script")) == []
    places = np.zeros(1, np.int64)
    letters = Letters(bad, (1,), places, np.ones(1))
    named = Matrix(places, places, np.ones(1), letters, (1,), (1,))
    assert list(tree(named.svg(letters=True)).iter(SVG + "script")) == []


def test_themes() -> None:
    """Auto follows the reader; the others are one set of colours."""
    matrix = conv(1, 2)
    assert "prefers-color-scheme" in matrix.svg()
    assert "prefers-color-scheme" not in matrix.svg("light") + matrix.svg("dark")
