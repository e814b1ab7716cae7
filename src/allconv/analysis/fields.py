"""What a receptive field is: intervals of cells that move with a cell of a result.

`receptive` finds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from allconv.text import counted


@dataclass(frozen=True)
class Reach:
    """The cells of one axis of the input on which a value depends.

    `along` is the axis of the value that moves it; None: every cell of the value depends on the
    cells from `low` to `high`. The stride is a fraction where a network enlarges its input.
    """

    input: int  # the size of the input along this axis
    along: int | None
    stride: Fraction = Fraction(1)
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)

    @property
    def size(self) -> int:
        """How many cells of the input one cell of the value can see."""
        return floor(self.high - self.low) + 1

    @property
    def offset(self) -> int:
        """The first input cell that cell 0 sees (negative: it lies in the padding)."""
        return ceil(self.low)

    def cells(self, i: int) -> range:
        """The cells of the input, those of the padding left out, that cell i can see."""
        first, last = ceil(self.stride * i + self.low), floor(self.stride * i + self.high)
        return range(max(first, 0), min(last, self.input - 1) + 1)

    def __str__(self) -> str:
        ends = f"{self.offset} to {floor(self.high)}"
        if self.along is None:
            return f"cells {ends} of {self.input}, from everywhere"
        return f"{counted(self.size, 'cell')}, stride {self.stride}, cell 0 sees {ends}"

    def moved(self, along: int | None) -> Reach:
        """The same along another axis of a value."""
        return replace(self, along=along)

    def through(self, step: Fraction, first: Fraction, last: Fraction) -> Reach:
        """Where cell i now stands for the cells from step*i + first to step*i + last."""
        ends = sorted((self.stride * first, self.stride * last))
        return replace(
            self, stride=self.stride * step, low=self.low + ends[0], high=self.high + ends[1]
        )

    def over(self, cells: int) -> Reach:
        """Where one value now stands for all `cells` along the axis."""
        ends = sorted((Fraction(0), self.stride * (cells - 1)))
        low, high = max(self.low + ends[0], Fraction(0)), min(self.high + ends[1], self.last)
        return Reach(self.input, None, Fraction(0), min(low, self.last), max(high, Fraction(0)))

    @property
    def last(self) -> Fraction:
        """The last cell of the input."""
        return Fraction(self.input - 1)


Field = tuple[Reach, ...]  # one for each spatial axis of the input

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


class ReceptiveFields(tuple[Field, ...]):
    """The receptive field of every result of a network; printed, a line an axis."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(line for n, field in enumerate(self) for line in self._lines(n, field))

    def _lines(self, n: int, field: Field) -> Iterator[str]:
        result = f"result {n}: " if len(self) > 1 else ""
        if not field:
            yield f"{result}does not depend on the input's cells"
        names = _axes(field)
        for name, reach in zip(names, field, strict=True):
            yield f"{result}{name.ljust(max(map(len, names)))}  {reach}"

    def _repr_html_(self) -> str:
        from allconv.picture.table import for_notebook, table

        head = ("result", "axis", "cells", "stride", "cell 0 sees", "of")
        rows = [(n, *row) for n, field in enumerate(self) for row in _rows(field)]
        first = 1 if len(self) == 1 else 0
        return for_notebook(table(head[first:], [row[first:] for row in rows]))


def _axes(field: Field) -> tuple[str, ...]:
    return AXES.get(len(field), tuple(f"axis {axis}" for axis in range(len(field))))


def _rows(field: Field) -> Iterator[tuple[str | int, ...]]:
    if not field:
        yield "", 0, "", "does not depend on the input's cells", ""
    for name, reach in zip(_axes(field), field, strict=True):
        ends = f"{reach.offset} to {floor(reach.high)}"
        stride = str(reach.stride)
        if reach.along is None:
            stride, ends = "", f"{ends}, as every cell does"
        yield name, reach.size, stride, ends, reach.input
