"""Workings as HTML tables, which notebooks show: inputs in their colours, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from allconv.picture.markup import Markup, joined
from allconv.picture.table import SIZE, coloured, line, shown, table
from allconv.show import text

if TYPE_CHECKING:
    from allconv.show.terms import Cell, Factor, Term
    from allconv.show.view import View
    from allconv.show.working import Working

HEAD = ("cell", "what meets", "numbers", "products", "total")
ALONE = 100  # terms of a cell that is shown by itself


def working_table(working: Working) -> str:
    """A heading, and a table for the result and each gradient."""
    said = [line(each) for each in (working.title, working.note) if each]
    views = list(working)
    return shown(*said, *(_view(view, SIZE // len(views)) for view in views))


def view_table(view: View) -> str:
    """A row a cell; a large view is abridged, with a word on how to see the others."""
    return shown(_view(view, SIZE))


def cell_table(cell: Cell) -> str:
    """One cell; of many terms the first."""
    return shown(_cells([cell], 1, SIZE, ALONE, ""))


def _view(view: View, size: int) -> Markup:
    count = view.size if view.size <= text.MOST_CELLS else text.FIRST_CELLS
    cells = islice(view, count)
    return _cells(cells, view.size, size, text.MOST_TERMS, f" cells; {text.python_hint(view)}")


def _cells(cells: Iterable[Cell], count: int, size: int, most: int, more: str) -> Markup:
    """The rows of some of `count` cells under a head."""
    return table(HEAD, (_row(cell, most) for cell in cells), count=count, size=size, more=more)


def _row(cell: Cell, most: int) -> Sequence[str]:
    terms = cell.terms
    kept = terms[: text.FIRST_TERMS] if len(terms) > most else terms
    rest = [f"… {len(terms) - len(kept):,} more"] if len(kept) < len(terms) else []
    bias = [cell.bias] if cell.bias else []
    biases = [text.inside(each.value) for each in bias]
    columns = (
        [*map(_names, kept), *rest, *map(str, bias)],
        [*map(_numbers, kept), *rest, *biases],
        [*(text.inside(term.product) for term in kept), *rest, *biases],
    )
    total = text.number(cell.total) + text.remark(cell)
    return (coloured(cell.name[-1:], cell.label), *(_joined(each, cell) for each in columns), total)


def _names(term: Term) -> Markup:
    """A term by the names of its cells: "x[0]*w[1]"."""
    return _divided([_in_colour(factor, str(factor)) for factor in term.factors], term)


def _numbers(term: Term) -> Markup:
    """A term by its numbers: "2*(-3)"."""
    return _divided([_in_colour(each, text.inside(each.value)) for each in term.factors], term)


def _in_colour(factor: Factor, written: str) -> Markup:
    """A factor in the colour of its array; a gradient has that of what it is the gradient of."""
    return coloured(factor.name[-1:] if factor.index is not None else "", written)


def _divided(parts: Sequence[str], term: Term) -> Markup:
    divided = [] if term.divisor == 1 else [f"/{term.divisor}"]
    return joined(*_between(parts, "*"), *divided)


def _joined(parts: Sequence[str], cell: Cell) -> Markup:
    if cell.is_maximum:
        return joined("max(", *_between(parts, ", "), ")")
    ends = ("", "") if cell.divisor == 1 else ("(", f") / {cell.divisor}")
    return joined(ends[0], *_between(parts, " + "), ends[1])


def _between(parts: Sequence[str], joint: str) -> list[str]:
    """Parts with a joint between each two."""
    return [each for part in parts for each in (joint, part)][1:]
