"""Workings as HTML tables, which notebooks show; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from allconv.show import text

if TYPE_CHECKING:
    from allconv.show.terms import Cell
    from allconv.show.view import View
    from allconv.show.working import Working

HEAD = ("cell", "what meets", "numbers", "products", "total")


def working_table(working: Working) -> str:
    """A heading, and a table for the result and each gradient."""
    parts = [f"<p>{escape(line)}</p>" for line in (working.title, working.note) if line]
    return "".join([*parts, *map(view_table, working)])


def view_table(view: View) -> str:
    """A row a cell; a large view is abridged, with a word on how to see the others."""
    count = view.size if view.size <= text.MOST_CELLS else text.FIRST_CELLS
    table = cells_table(islice(view, count), most=text.MOST_TERMS)
    if count == view.size:
        return table
    more = f"... {view.size - count:,} more cells; {text.python_hint(view)}"
    return f"{table}<p>{escape(more)}</p>"


def cells_table(cells: Iterable[Cell], *, most: int | None = None) -> str:
    """The rows of some cells under a head."""
    rows = "".join(_row("td", _texts(cell, most)) for cell in cells)
    return f"<table><thead>{_row('th', HEAD)}</thead><tbody>{rows}</tbody></table>"


def _texts(cell: Cell, most: int | None) -> Sequence[str]:
    terms = cell.terms
    cut = most is not None and len(terms) > most
    kept = terms[: text.FIRST_TERMS] if cut else terms
    rest = [f"... {len(terms) - len(kept):,} more"] if cut else []
    bias = [cell.bias] if cell.bias else []
    named = [*map(text.names, kept), *rest, *map(str, bias)]
    numbers = [*map(text.numbers, kept), *rest, *(text.inside(b.value) for b in bias)]
    products = [text.inside(t.product) for t in kept] + rest + numbers[len(numbers) - len(bias) :]
    columns = (_joined(named, cell), _joined(numbers, cell), _joined(products, cell))
    return (cell.label, *columns, text.number(cell.total) + text.remark(cell))


def _joined(parts: Sequence[str], cell: Cell) -> str:
    if cell.is_maximum:
        return f"max({', '.join(parts)})"
    joined = " + ".join(parts)
    return joined if cell.divisor == 1 else f"({joined}) / {cell.divisor}"


def _row(kind: str, texts: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{kind}>{escape(each)}</{kind}>" for each in texts) + "</tr>"
