"""Arrays of the lecture as tables of cells, and its words and letters as markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise

import numpy as np

from allconv.lecture.example import CellIndex
from allconv.operators.base import Array
from allconv.picture.markup import Markup, element, joined, text
from allconv.text import printable

MOST = 300
"""Cells of an array that is shown; of a larger one only the shape is told."""

LONGEST = 60  # letters of a cell
ROLES = {"I": "x", "n": "x", "x": "x", "W": "w", "w": "w", "k": "w", "O": "y", "LO": "y", "y": "y"}
"""The array that a letter stands for, whose colour it has."""

_INLINE = re.compile(r"`([^`]+)`|\*([^*\s][^*]*)\*|\[([^]]+)\]\((#[\w-]+)\)")
_INDEXED = re.compile(r"[A-Za-z]+(?:_[\w,]+)?")
_LETTER = re.compile(r"([A-Za-z]+)(\d+(?:,\d+)*)")
_MINUS = re.compile(r"(?<![\w.])-(?=[\d.])")


def words(given: str) -> Markup:
    """A sentence: `code`, *letters* with an index after "_", [links](#place).

    >>> words("*O_1* is `y[0]`")
    '<var class="cy">O<sub>1</sub></var> is <code>y[0]</code>'
    """
    parts: list[str] = []
    end = 0
    for found in _INLINE.finditer(given):
        parts.append(given[end : found.start()])
        code, letter, label, address = found.groups()
        if code:
            parts.append(element("code", code))
        elif letter:
            parts.append(formula(letter))
        else:
            parts.append(element("a", words(label), href=address))
        end = found.end()
    return joined(*parts, given[end:])


def formula(given: str) -> Markup:
    """Letters with what stands between them.

    >>> formula("I_1 + I_2")
    '<var class="cx">I<sub>1</sub></var> + <var class="cx">I<sub>2</sub></var>'
    """
    if "/" in given:
        return element("var", *(_indexed(given)))
    ends = [0, *(place for found in _INDEXED.finditer(given) for place in found.span()), len(given)]
    pieces = [given[a:b] for a, b in pairwise(ends)]
    return joined(*(variable(p) if n % 2 else text(p) for n, p in enumerate(pieces)))


def _indexed(given: str) -> tuple[str, str]:
    name, _, index = given.partition("_")
    return name, element("sub", index) if index else ""


def variable(name: str) -> Markup:
    """A letter in the colour of its array; what follows "_" is its index.

    >>> variable("w_1,2")
    '<var class="cw">w<sub>1,2</sub></var>'
    """
    letter, below = _indexed(name)
    role = ROLES.get(letter)
    return element("var", letter, below, class_=role and f"c{role}")


def cell_text(cell: object) -> Markup:
    """A number with a true minus sign, or a sum of products of letters.

    >>> cell_text("-3.9"), cell_text("W1")
    ('−3.9', '<span class="product"><var class="cw">W<sub>1</sub></var></span>')
    """
    written = printable(str(cell), LONGEST)
    if not _LETTER.search(written) or written[:1].isdigit():
        return text(minus(written))
    parts = []
    for n, product in enumerate(written.split("+")):
        factors = [
            variable(f"{found[1]}_{found[2]}") if found else text(factor)
            for factor in product.split("*")
            for found in [_LETTER.fullmatch(factor)]
        ]
        parts.append(element("span", " + " if n else "", *factors, class_="product"))
    return joined(*parts)


def minus(written: str) -> str:
    """Numbers with the sign that is as wide as a plus."""
    return _MINUS.sub("−", written)


def planes(cells: Array) -> Iterator[tuple[CellIndex, Array]]:
    """The tables of an array: the place of each, and its rows."""
    if cells.ndim < 3:
        yield (), cells.reshape(-1, cells.shape[-1] if cells.ndim else 1)
        return
    for place in np.ndindex(cells.shape[:-2]):
        yield place, cells[place]


def grids(cells: Array, role: str = "", slips: Collection[CellIndex] = ()) -> Markup:
    """An array as tables beside each other.

    role    "x", "w", "y": its colour
    slips   cells that the slide has wrong
    """
    if cells.size > MOST or not cells.size:
        return element("p", f"an array of shape {cells.shape}", class_="soft")

    def cell(place: CellIndex, text: str) -> Markup:
        return element("td", cell_text(text), class_="slip" if place in slips else None)

    return tables(cells, cell, f"cells {role}".strip())


def tables(cells: Array, cell: Callable[[CellIndex, str], Markup], kind: str) -> Markup:
    """An array as tables beside each other: `cell` makes a cell of its index and text."""
    found = []
    for place, rows in planes(cells):
        # A result with fewer axes than a table has its cells in one row.
        lines = [
            [cell((*place, r, c)[-cells.ndim :], text) for c, text in enumerate(row)]
            for r, row in enumerate(rows.tolist())
        ]
        body = element("tbody", *(element("tr", *line) for line in lines))
        found.append(element("table", body, class_=kind))
    return element("div", *found, class_="grids")
