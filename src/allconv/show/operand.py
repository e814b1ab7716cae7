"""The one window of a call, and the user's arrays that it reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allconv.operators.base import Array
from allconv.operators.windowed import WindowOperator
from allconv.show.terms import Factor, Index


@dataclass(frozen=True)
class Operand:
    """An array of the window and the user's array that it was made of, cell by cell.

    values   as the window reads them
    labels   1 + the place of each cell in the user's array, row-major; 0: padding
    """

    name: str
    values: Array
    labels: Array
    shape: tuple[int, ...]
    dtype: str

    def factor(self, cell: Index) -> Factor:
        """A cell of the window's array, under the index of the user's."""
        label, index = int(self.labels[cell]), None
        if label:
            found = np.unravel_index(label - 1, self.shape) if self.shape else ()
            index = tuple(int(c) for c in found)
        return Factor(self.name, index, self.values[cell].item())

    def cells(self, index: Index) -> list[Index]:
        """The cells of the window's array that hold one cell of the user's: none if it is cropped
        away, several where padding repeats it."""
        label = 1 + int(np.ravel_multi_index(index, self.shape)) if self.shape else 1
        order, ordered = self._order
        low, high = np.searchsorted(ordered, [label, label + 1])
        places = np.sort(order[low:high])
        found = [np.unravel_index(place, self.labels.shape) for place in places]
        return [tuple(int(c) for c in cell) for cell in found]

    def renamed(self, name: str, values: Array) -> Operand:
        """The same cells with other values: those of a gradient."""
        return Operand(name, values, self.labels, self.shape, self.dtype)

    @cached_property
    def _order(self) -> tuple[Array, Array]:
        order = np.argsort(self.labels, axis=None, kind="stable")
        return order, self.labels.ravel()[order]


@dataclass(frozen=True)
class WindowCall:
    """The window of a call, its operands in order, and its result (whose values are not known).

    divisor   by what every sum is divided; None: the operator says
    """

    operator: WindowOperator
    operands: tuple[Operand, ...]
    result: Operand
    divisor: int | None = None
