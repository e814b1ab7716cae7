"""An array of which every cell can be explained; cells are worked out when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from allconv.errors import ArgumentError
from allconv.operators.base import Array
from allconv.show.table import view_table
from allconv.show.terms import Cell, Index
from allconv.show.text import view_text


class ArrayView:
    """A result or a gradient, or some cells of it.

    `view[0, 1]` explains one cell; slices choose several (`view[0, :, 2:4]`), as in NumPy.
    """

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str,
        explain: Callable[[Index], Cell],
        places: Array | None = None,
        *,
        work: int = 1,
    ) -> None:
        self.name, self.shape, self.dtype = name, shape, dtype
        self.work = work  # about how many terms are looked at for a cell
        self._explain = explain
        self._places = places  # row-major numbers of the cells; None: all, in order

    @property
    def size(self) -> int:
        """How many cells there are."""
        return prod(self.shape) if self._places is None else self._places.size

    @property
    def is_whole(self) -> bool:
        """Whether no cell of the array is left out."""
        return self._places is None

    def cell(self, number: int) -> Cell:
        """The working of the cell of a number, in row-major order."""
        place = number if self._places is None else int(self._places.ravel()[number])
        if not self.shape:
            return self._explain(())
        return self._explain(tuple(int(c) for c in np.unravel_index(place, self.shape)))

    def __iter__(self) -> Iterator[Cell]:
        return (self.cell(number) for number in range(self.size))

    def first(self, most: int, work: int) -> Iterator[Cell]:
        """The first cells, at most so many; fewer, or none, where they take more work than that."""
        return islice(self, min(most, work // max(self.work, 1)))

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: Any) -> Any:
        if self._places is not None:
            raise ArgumentError(f"these cells of {self.name} are chosen already; index it once")
        places = np.arange(self.size).reshape(self.shape)
        try:
            chosen = places[index]
        except (IndexError, TypeError, ValueError):
            parts = index if isinstance(index, tuple) else (index,)
            asked = ",".join(":" if part == slice(None) else str(part) for part in parts)
            raise ArgumentError(
                f"{self.name}[{asked}] is outside {self.name}, which is {self.shape}"
            ) from None
        if np.ndim(chosen) == 0:
            return self.cell(int(chosen))
        return ArrayView(self.name, self.shape, self.dtype, self._explain, chosen, work=self.work)

    def totals(self) -> Array:
        """The sums (or maxima) of all cells: what the layer returns, or its gradient."""
        shape = self.shape if self._places is None else self._places.shape
        totals = np.fromiter((cell.total for cell in self), np.dtype(self.dtype), self.size)
        return totals.reshape(shape)

    def __str__(self) -> str:
        return view_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return view_table(self)
