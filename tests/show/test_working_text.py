"""Workings as text and tables, and what is told of what they cannot show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.errors import ArgumentError, LimitError, ShapeError, UnsupportedError


def test_text_of_a_transposed_convolution() -> None:
    """The text: names, numbers, products and sums under each other."""
    x, w = np.array([[[1.0, 10]]]), np.array([[[1.0, -2, 3]]])
    working = ac.working(F.conv_transpose1d, x, w, stride=2)
    assert str(working) == "\n".join(
        [
            "transposed correlation: x (1, 1, 2), w (1, 1, 3) -> y (1, 1, 5); stride 2",
            "",
            "y[0,0,0] = x[0,0,0]*w[0,0,0]",
            "         = 1*1",
            "         = 1",
            "y[0,0,1] = x[0,0,0]*w[0,0,1]",
            "         = 1*(-2)",
            "         = -2",
            "y[0,0,2] = x[0,0,0]*w[0,0,2] + x[0,0,1]*w[0,0,0]",
            "         = 1*3               + 10*1",
            "         = 3                 + 10",
            "         = 13",
            "y[0,0,3] = x[0,0,1]*w[0,0,1]",
            "         = 10*(-2)",
            "         = -20",
            "y[0,0,4] = x[0,0,1]*w[0,0,2]",
            "         = 10*3",
            "         = 30",
            "",
            "y = 1 -2 13 -20 30",
        ]
    )


def test_a_large_working_is_abridged() -> None:
    """Large results show some cells and say how to see others; a cell alone is whole."""
    x, w = np.ones((1, 20, 30, 30)), np.ones((1, 20, 3, 3))
    working = ac.working(F.conv2d, x, w)
    text = str(working)
    assert len(text.splitlines()) < 100
    assert "... 778 more cells; print(working.y[0, 0, 27, 27]) shows one" in text
    assert "... 172 more terms; the cell alone shows all" in text
    assert len(str(working.y[0, 0, 27, 27]).splitlines()) == 181
    assert [cell.index for cell in working.y[0, 0, 5, 3:5]] == [(0, 0, 5, 3), (0, 0, 5, 4)]


def rows_of(html: str) -> list[list[str]]:
    """The texts of the cells of all tables, row by row."""
    table = ElementTree.fromstring(html)  # noqa: S314 (it is our own)
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]


def test_table() -> None:
    """Notebooks show a row a cell, each name and number in the colour of its array."""
    working = ac.working(ac.correlate, [1, -2], [3, 4], grad_output=1)
    html = working._repr_html_()
    assert "-&gt;" in html
    assert rows_of(html) == [
        ["cell", "what meets", "numbers", "products", "total"],
        ["y[0]", "x[0]*w[0] + x[1]*w[1]", "1*3 + (-2)*4", "3 + (-8)", "-5"],
        ["cell", "what meets", "numbers", "products", "total"],
        ["gx[0]", "w[0]*gy[0]", "3*1", "3", "3"],
        ["gx[1]", "w[1]*gy[0]", "4*1", "4", "4"],
        ["cell", "what meets", "numbers", "products", "total"],
        ["gw[0]", "x[0]*gy[0]", "1*1", "1", "1"],
        ["gw[1]", "x[1]*gy[0]", "(-2)*1", "(-2)", "-2"],
    ]
    assert '<i class="x">x[1]</i>*<i class="w">w[1]</i>' in html
    assert '<i class="x">(-2)</i>*<i class="w">4</i>' in html
    assert '<i class="x">gx[0]</i>' in html
    assert rows_of(working.y[0]._repr_html_()) == rows_of(html)[:2]


def test_tables_of_maxima_means_and_cells_without_terms() -> None:
    """What wins is said; what is divided, too; and why a cell has no terms."""
    x = np.array([[[1.0, 5.0, 5.0]]])
    pooled = ac.working(F.max_pool1d, x, 3, grad_output=2.0)
    assert rows_of(pooled.y._repr_html_())[1] == [
        "y[0,0,0]",
        "max(x[0,0,0], x[0,0,1], x[0,0,2])",
        "max(1, 5, 5)",
        "max(1, 5, 5)",
        "5, from x[0,0,1], the first of 2 equal",
    ]
    assert rows_of(pooled.gx._repr_html_())[1] == ["gx[0,0,0]", "no window took it", "", "", "0"]
    mean = rows_of(ac.working(F.avg_pool1d, x, 3).y._repr_html_())[1]
    assert mean[1:3] == ["(x[0,0,0] + x[0,0,1] + x[0,0,2]) / 3", "(1 + 5 + 5) / 3"]


def test_cells_of_too_many_terms_are_counted_instead_of_made() -> None:
    """A gradient of a weight sees the whole image; neither text nor table waits for that."""
    working = ac.working(
        F.conv2d, np.ones((1, 1, 900, 900)), np.ones((1, 1, 3, 3)), np.ones(1), grad_output=1
    )
    said = "gw has 9 cells of up to 806,404 terms; print(working.gw[0, 0, 2, 2]) shows one"
    assert said in str(working)
    assert said in working._repr_html_()
    assert "gb has 1 cell of up to 806,404 terms" in str(working)
    assert "gx[0,0,0,0]" in str(working)


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "two layers": (
        lambda: ac.working(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), np.ones((1, 2))),
        UnsupportedError,
        "one convolution, transposed, .* this computes Correlate, Correlate: pass one layer",
    ),
    "a layer that computes": (
        lambda: ac.working(F.relu, np.ones(3)), UnsupportedError, "this computes Relu",
    ),
    "a result that is padded": (
        lambda: ac.working(lambda x: F.pad(F.max_pool1d(x, 2), (1, 1)), np.ones((1, 1, 4))),
        UnsupportedError,
        "padded, repeated or joined with other arrays; return it as it is",
    ),
    "a result that is joined": (
        lambda: ac.working(
            lambda x: np.concatenate([F.max_pool1d(x, 2), np.ones((1, 1, 2))]), np.ones((1, 1, 4))
        ),
        UnsupportedError,
        "padded, repeated or joined with other arrays; return it as it is",
    ),
    "weights put together": (
        lambda: ac.working(
            lambda a, b: F.conv1d(a, np.concatenate([b, b[:, :, ::-1], a])),
            np.ones((1, 1, 4)), np.ones((1, 1, 4)),
        ),
        UnsupportedError,
        "w is put together of several arrays; pass it as one",
    ),
    "too large": (
        lambda: ac.working(
            F.conv_transpose2d, np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), stride=2**13
        ),
        LimitError,
        "an array of 67,125,249 cells is on the way; .* at most 16,777,216: pass a part",
    ),
    "no layer": (lambda: ac.working(3, np.ones(3)), ArgumentError, "int is neither a layer"),
    "settings of a layer": (
        lambda: ac.working(nn.Linear(2, 2), np.ones((1, 2)), stride=2),
        ArgumentError,
        "stride: a layer has its own settings",
    ),
    "a gradient of another shape": (
        lambda: ac.working(ac.correlate, [1, 2, 3], [1, 2], grad_output=[1, 2, 3]),
        ShapeError,
        r"grad_output is \(3,\); the result is \(2,\)",
    ),
    "a gradient of words": (
        lambda: ac.working(ac.correlate, [1, 2, 3], [1, 2], grad_output=["a", "b"]),
        ArgumentError,
        "real numbers are expected",
    ),
    "a cell outside": (
        lambda: ac.working(ac.correlate, [1, 2, 3], [1, 2]).y[2],
        ArgumentError,
        r"y\[2\] is outside y, which is \(2,\)",
    ),
    "no upstream gradient": (
        lambda: ac.working(ac.correlate, [1, 2, 3], [1, 2]).gx,
        AttributeError,
        "gradients need grad_output",
    ),
    "a kernel too large": (
        lambda: ac.working(ac.correlate, [1, 2], [1, 2, 3]),
        ShapeError,
        "does not fit the padded input",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    """What has no working is refused in a sentence."""
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(
    ("padding", "stride", "told"),
    [
        ("half", 1, "; padding 1"),
        ("full", 2, "; stride 2; padding 2"),
        (((1, 0),), 1, "; padding 1:0"),
        (((0, 2),), 1, "; padding 0:2"),
        (((-1, 0),), 1, "; padding -1:0"),
        (0, 2, "; stride 2"),
    ],
)
def test_the_padding_is_told(padding: Any, stride: int, told: str) -> None:
    """One number where both ends have it, else both."""
    made = ac.working(
        ac.correlate, [1.0, 2, 3, 4, 5, 6], [1.0, 2, 3], padding=padding, stride=stride
    )
    assert made.title.split(")")[-1] == told


@pytest.mark.parametrize(
    ("function", "shapes", "settings", "note"),
    [
        (F.conv1d, ((1, 1, 4), (1, 1, 3)), {}, ""),
        (F.conv1d, ((1, 1, 4), (1, 1, 3)), {"padding": 1}, "padding is zeros, whose terms are"),
        (F.conv1d, ((1, 1, 4), (1, 1, 3)), {"input_dilation": 2}, "the gaps between the cells"),
        (F.conv1d, ((1, 1, 4), (1, 1, 3)), {"padding": ((-1, 0),)}, ""),
        (
            F.conv1d, ((1, 1, 4), (1, 1, 3)), {"padding": 1, "input_dilation": 2},
            "padding and the gaps between the cells are zeros",
        ),
        (F.conv_transpose1d, ((1, 1, 4), (1, 1, 3)), {"padding": 1}, "padding takes cells off"),
        (F.max_pool1d, ((1, 1, 4),), {"kernel_size": 3, "padding": 1}, "it is never the largest"),
        (F.avg_pool1d, ((1, 1, 4),), {"kernel_size": 3, "padding": 1}, "it is zeros, which are"),
        (
            F.avg_pool1d, ((1, 1, 4),),
            {"kernel_size": 3, "padding": 1, "count_include_pad": False}, "which are not counted",
        ),
        (F.linear, ((1, 3), (2, 3)), {}, ""),
    ],
)  # fmt: skip
def test_what_is_not_shown_is_told(
    function: Callable[..., Any],
    shapes: tuple[tuple[int, ...], ...],
    settings: dict[str, Any],
    note: str,
) -> None:
    """The zeros of padding and of gaps, in a line below the title; nothing where there are none."""
    made = ac.working(function, *map(np.ones, shapes), **settings)
    assert note in made.note
    assert bool(note) == bool(made.note)
    lines = str(made).splitlines()
    assert lines[1] == (f"({made.note})" if note else "")
