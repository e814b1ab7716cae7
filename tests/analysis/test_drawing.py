"""How a matrix is drawn: with the lecture's letters, with numbers, as a table."""

from __future__ import annotations

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.errors import ArgumentError

LECTURE = """\
00 01 02 . 10 11 12 . 20 21 22 . . . . .
. 00 01 02 . 10 11 12 . 20 21 22 . . . .
. . . . 00 01 02 . 10 11 12 . 20 21 22 .
. . . . . 00 01 02 . 10 11 12 . 20 21 22"""


def drawn_cells(text: str) -> list[list[str]]:
    """The cells of a drawn matrix, without its title."""
    return [line[1:-1].split() for line in text.splitlines()[1:]]


def test_the_matrix_of_the_lecture() -> None:
    """i = 4, k = 3, s = 1, p = 0: the 4 x 16 matrix of the slide, letter by letter."""
    matrix = ac.as_matrix(nn.Conv2d(1, 1, 3), (1, 1, 4, 4))
    wanted = [
        ["0" if c == "." else f"w[0,0,{c[0]},{c[1]}]" for c in row.split()]
        for row in LECTURE.splitlines()
    ]
    assert drawn_cells(matrix.text(letters=True)) == wanted
    assert drawn_cells(matrix.T.text(letters=True)) == [list(row) for row in zip(*wanted)]  # noqa: B905 (it is a transpose)


def test_both_jacobians_of_the_lecture() -> None:
    """dO/dI holds the weights, dO/dW the input."""
    x, w = np.array([[[1.0, 2, 3, 4]]]), np.array([[[1.0, 2, 3]]])
    by_input = ac.as_matrix(F.conv1d, (1, 1, 4), w)
    by_weight = ac.as_matrix(lambda w, x: F.conv1d(x, w), (1, 1, 3), x)
    assert drawn_cells(by_input.text(letters=True)) == [
        ["w[0,0,0]", "w[0,0,1]", "w[0,0,2]", "0"],
        ["0", "w[0,0,0]", "w[0,0,1]", "w[0,0,2]"],
    ]
    assert drawn_cells(by_weight.text(letters=True)) == [
        ["x[0,0,0]", "x[0,0,1]", "x[0,0,2]"],
        ["x[0,0,1]", "x[0,0,2]", "x[0,0,3]"],
    ]
    assert drawn_cells(str(by_weight)) == [["1", "2", "3"], ["2", "3", "4"]]


def test_a_turned_kernel_keeps_its_names() -> None:
    """True convolution begins with the last tap."""
    matrix = ac.as_matrix(nn.Conv1d(1, 1, 3, flip=True), (1, 1, 3))
    assert matrix.labels == ("w[0,0,2]", "w[0,0,1]", "w[0,0,0]")
    taken = ac.as_matrix(
        lambda x, w: F.conv1d(x, w, flip=True), (1, 1, 3), np.array([[[1.0, 2, 3]]])
    )
    assert taken.labels == matrix.labels
    np.testing.assert_array_equal(taken.values, [3, 2, 1])


def test_constants_are_fractions() -> None:
    """Average pooling has no weights to name: 1/9, and with a convolution 1/2*w."""
    assert set(ac.as_matrix(nn.AvgPool2d(3), (1, 1, 3, 3)).labels) == {"1/9"}
    chain = nn.Sequential(nn.AvgPool1d(2), nn.Conv1d(1, 1, 1))
    assert set(ac.as_matrix(chain, (1, 1, 2)).labels) == {"1/2*w[0,0,0]"}
    assert ac.as_matrix(lambda x: 0.123456 * x - x, (2,)).labels[0] == "0.1235"
    assert ac.as_matrix(lambda x: -F.conv1d(x, np.ones((1, 1, 1))), (1, 1, 1)).labels == (
        "-w[0,0,0]",
    )


def test_long_matrices_are_cut() -> None:
    """Of more than 40 rows or columns the ends are drawn, and the title says how many there are."""
    matrix = ac.as_matrix(lambda x: x * 2.0, (100,))
    lines = str(matrix).splitlines()
    assert lines[0] == "100 x 100, 100 entries: y (100,) from x (100,)"
    assert len(lines) == 1 + 13
    assert lines[1].split("  ")[:2] == ["[2", "0"]
    assert len(matrix.text(most=100).splitlines()) == 101
    assert repr(matrix) == "<Matrix 100 x 100, 100 entries: y (100,) from x (100,)>"
    with pytest.raises(ArgumentError, match="most is 1"):
        matrix.text(most=1)


def test_picture() -> None:
    """In notebooks: a picture in HTML and as itself, with the words of the title."""
    matrix = ac.as_matrix(F.conv1d, (1, 1, 3), np.array([[[5.0, 7]]]))
    assert matrix.svg() in matrix._repr_html_()
    assert matrix._repr_svg_() == matrix.svg()
    assert matrix.title in matrix.svg()
    with pytest.raises(ArgumentError, match="most is 1"):
        matrix.svg(most=1)
