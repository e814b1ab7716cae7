"""Tables in scratch memory: entries of a few numbers by name, which a unit writes and reads
again."""

from __future__ import annotations

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.view import View
from allconv.engine.kernels.phase_table import ITEM

RUN = ("source", "weight", "terms", "tap")
"""What is written down of a run, terms that follow each other in the band and in the weights: where
it begins there, in bytes, how many terms it has, and its tap of axis 2."""

CELL = ("source", "target", "low", "high")
"""What is written down of a cell: the addresses of what its first tap reads and of its output, and
from which to which of the taps of axis 2 there is a source."""


def entry(code: Code, table: Index, number: Index, names: tuple[str, ...]) -> dict[str, View]:
    """An entry of a table of numbers, by name."""
    here = View(code, code.add(table, code.mul(number, len(names) * ITEM)), ITEM, dtype="int64")
    return {name: here[n] for n, name in enumerate(names)}


def write_entry(code: Code, table: Index, number: Index, numbers: tuple[Index, ...]) -> None:
    """Write an entry of a table."""
    size = len(numbers) * ITEM
    here = View(code, code.add(table, code.mul(number, size)), ITEM, dtype="int64")
    for n, each in enumerate(numbers):
        here[n].store_scalar(code.value(each))
