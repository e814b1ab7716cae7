"""Workings as HTML tables, which notebooks show: inputs in their colours, every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from allconv.picture.markup import Markup, between, element, joined
from allconv.picture.table import SIZE, coloured, for_notebook, line, table
from allconv.show import text

if TYPE_CHECKING:
    from allconv.show.array_view import ArrayView
    from allconv.show.terms import Cell, Factor, Term
    from allconv.show.working import Working

HEAD = ("cell", "what meets", "numbers", "products", "total")
TERMS_ALONE = 100  # terms of a cell that is shown by itself


def working_table(working: Working) -> str:
    """A heading, and a table for the result and each gradient."""
    said = [line(each) for each in (working.title, working.note) if each]
    views = list(working)
    return for_notebook(*said, *(_view(view, len(views)) for view in views))


def view_table(view: ArrayView) -> str:
    """A row a cell; a large view is abridged, with a word on how to see the others."""
    return for_notebook(_view(view, 1))


def cell_table(cell: Cell) -> str:
    """One cell; of many terms the first."""
    return for_notebook(table(HEAD, [_row(cell, TERMS_ALONE)]))


def _view(view: ArrayView, views: int) -> Markup:
    """The table of one of so many views, which share what there is of bytes and of time."""
    most = view.size if view.size <= text.MOST_CELLS else text.FIRST_CELLS
    cells = list(view.first(most, text.MOST_WORK // views))
    if view.size and not cells:
        return line(f"{text.left_out(view, 0)}; {text.python_hint(view)}", kind="soft")
    rows = (_row(cell, text.MOST_TERMS) for cell in cells)
    more = f" cells; {text.python_hint(view)}"
    return table(HEAD, rows, count=view.size, size=SIZE // views, more=more)


def _row(cell: Cell, most: int) -> Sequence[str]:
    terms, label = cell.terms, coloured(cell.name[-1:], cell.label)
    if not terms and cell.bias is None:
        return (label, element("i", cell.empty, class_="soft"), "", "", text.number(cell.total))
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
    return (label, *(_joined(each, cell) for each in columns), total)


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
    return joined(*between(parts, "*"), *divided)


def _joined(parts: Sequence[str], cell: Cell) -> Markup:
    if cell.is_maximum:
        return joined("max(", *between(parts, ", "), ")")
    ends = ("", "") if cell.divisor == 1 else ("(", f") / {cell.divisor}")
    return joined(ends[0], *between(parts, " + "), ends[1])
