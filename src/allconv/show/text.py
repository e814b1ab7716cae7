"""Workings as text: terms in columns where a line holds them, a term a line where not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from allconv.operators.base import Array
from allconv.text import counted

if TYPE_CHECKING:
    from allconv.show.array_view import ArrayView
    from allconv.show.terms import Cell, Number, Term
    from allconv.show.working import Working

    Hint = Callable[[ArrayView], str]

WIDTH = 100  # characters of a line
MOST_CELLS = 48  # views of more cells are abridged
MOST_LINES = 200  # so are views of more lines
FIRST_CELLS = 6
MOST_WORK = 40_000  # terms that are looked at to write a view
MOST_TERMS = 48  # in a view; a cell on its own is shown whole
FIRST_TERMS = 8
MOST_NUMBERS = 400  # arrays of more are not written out


def number(value: Any) -> str:
    """A number for people: whole ones whole, others to 8 digits.

    >>> number(14.0), number(-3.10000000001), number(float("nan"))
    ('14', '-3.1', 'nan')
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool | int):
        return str(int(value))
    is_whole = abs(value) < 1e15 and value == int(value)
    return str(int(value)) if is_whole else f"{value:.8g}"


def inside(value: Number) -> str:
    """A number inside a product: negative ones in parentheses."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


def python_hint(view: ArrayView) -> str:
    """How to see other cells of a view, in Python."""
    last = ", ".join(str(n - 1) for n in view.shape)
    return f"print(working.{view.name}[{last}]) shows one, working.{view.name}[...] takes slices"


def working_text(working: Working, hint: Hint = python_hint) -> str:
    """The whole working: what is computed, the result, then each gradient.

    `hint(view)` says how to see the cells of a view that are not shown.
    """
    parts = [f"{working.title}\n({working.note})" if working.note else working.title]
    for view in working:
        parts.append(view_text(view, hint))
        is_small = view.size <= MOST_CELLS and view.size * view.work <= MOST_WORK
        if is_small and len(view.shape) > 0:
            parts.append(array_text(view.name, view.totals()))
    return "\n\n".join(parts)


def view_text(view: ArrayView, hint: Hint = python_hint) -> str:
    """The cells of a view; a large one is abridged, with a word on how to see the others."""
    first = view.first(MOST_CELLS, MOST_WORK)
    cells = [cell_lines(cell, most=MOST_TERMS) for cell in first]
    if view.size > MOST_CELLS or sum(map(len, cells)) > MOST_LINES:
        cells = cells[:FIRST_CELLS]
    lines = [line for cell in cells for line in cell]
    if len(cells) < view.size:
        lines.append(f"... {left_out(view, len(cells))}; {hint(view)}")
    return "\n".join(lines) or f"{view.name} has no cells"


def left_out(view: ArrayView, shown: int) -> str:
    """What is said of the cells of a view after the first so many.

    Where none is shown, because each has too many terms, about how many these are.
    """
    if shown:
        return f"{view.size - shown:,} more cells"
    return f"{view.name} has {counted(view.size, 'cell')} of up to {view.work:,} terms"


def cell_lines(cell: Cell, *, most: int | None = None) -> list[str]:
    """One cell: terms, numbers, products and the total."""
    label = cell.label
    if not cell.terms and cell.bias is None:
        return [f"{label} = {number(cell.total)}    ({cell.empty})"]
    rows = list(_rows(cell))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    if len(label) + sum(widths) + 3 * len(widths) <= WIDTH:
        return _columns(label, cell, rows, widths)
    return _list(label, cell, most)


def _rows(cell: Cell) -> Iterable[list[str]]:
    """The same terms thrice: as names, as numbers, as products."""
    bias = [cell.bias] if cell.bias else []
    spelt = number if len(cell.terms) + len(bias) == 1 else inside
    yield [names(term) for term in cell.terms] + [str(b) for b in bias]
    yield [numbers(term, spelt) for term in cell.terms] + [spelt(b.value) for b in bias]
    yield [spelt(term.product) for term in cell.terms] + [spelt(b.value) for b in bias]


def names(term: Term) -> str:
    """A term by the names of its cells: "x[0]*w[1]"."""
    return _divided("*".join(map(str, term.factors)), term)


def numbers(term: Term, alone: Callable[[Number], str] = inside) -> str:
    """A term by its numbers: "2*(-3)"; `alone` spells the number of a term of one factor."""
    if len(term.factors) == 1 and term.divisor == 1:
        return alone(term.factors[0].value)
    return _divided("*".join(inside(factor.value) for factor in term.factors), term)


def _divided(text: str, term: Term) -> str:
    return text if term.divisor == 1 else f"{text}/{term.divisor}"


def _columns(
    label: str, cell: Cell, rows: Sequence[Sequence[str]], widths: Sequence[int]
) -> list[str]:
    """The terms side by side, a column each, and the total below."""
    joint = ", " if cell.is_maximum else " + "
    lines: list[str] = []
    for row in rows:
        text = joint.join(part.ljust(width) for part, width in zip(row, widths, strict=True))
        line = _wrapped(text, cell).rstrip()
        if not lines or line != lines[-1]:
            lines.append(line)
    total = number(cell.total) + remark(cell)
    if lines[-1] != total:
        lines.append(total)
    indent = " " * len(label)
    return [f"{indent if n else label} = {line}" for n, line in enumerate(lines)]


def _wrapped(text: str, cell: Cell) -> str:
    if cell.is_maximum:
        return f"max({text})"
    return text if cell.divisor == 1 else f"({text}) / {cell.divisor}"


def remark(cell: Cell) -> str:
    """Which term of a maximum won, and whether by being the first of equal ones."""
    if cell.winner is None:
        return ""
    tied = f", the first of {cell.ties()} equal" if cell.ties() > 1 else ""
    return f", from {names(cell.terms[cell.winner])}{tied}"


def _list(label: str, cell: Cell, most: int | None) -> list[str]:
    """A term a line: what meets, the numbers, the product."""
    count = len(cell.terms)
    shown = count if most is None or count <= most else FIRST_TERMS
    table = [
        [names(term), numbers(term, number), number(term.product)]
        for term in islice(cell.terms, shown)
    ]
    if cell.bias is not None:
        value = number(cell.bias.value)
        table.append([str(cell.bias), value, value])
    widths = [max(len(row[k]) for row in table) for k in range(3)]
    lines = [f"{label} = {number(cell.total)}{remark(cell)}, {_said(cell)}"]
    for name, text, value in table:
        line = f"    {name:<{widths[0]}}  {text:<{widths[1]}}  {value:>{widths[2]}}"
        lines.append(line)
    if shown < count:
        at = len(lines) - (cell.bias is not None)
        lines.insert(at, f"    ... {count - shown:,} more terms; the cell alone shows all")
    return lines


def _said(cell: Cell) -> str:
    """What is done with the terms, in words."""
    count = counted(len(cell.terms), "term")
    if cell.is_maximum:
        return f"the largest of {count}"
    part = "" if cell.divisor == 1 else f"1/{cell.divisor} of "
    return f"{part}the sum of {count}" + (" and the bias" if cell.bias is not None else "")


def array_text(name: str, array: Array) -> str:
    """An array in aligned columns: rows are lines, a blank line between planes.

    >>> print(array_text("y", np.array([[1, -2], [30, 4]])))
    y =
         1 -2
        30  4
    """
    if array.size > MOST_NUMBERS or not array.size:
        return f"{name}: {array.size:,} numbers"
    texts = [number(value) for value in array.ravel()]
    if array.ndim == 0 or array.size == array.shape[-1]:
        return f"{name} = {' '.join(texts)}"
    width = max(map(len, texts))
    columns = array.shape[-1]
    lines = [f"{name} ="]
    for start in range(0, array.size, columns):
        row, rows = start // columns, array.shape[-2]
        if row and row % rows == 0:
            lines.append("")
        lines.append(
            "    " + " ".join(text.rjust(width) for text in texts[start : start + columns])
        )
    return "\n".join(lines)
