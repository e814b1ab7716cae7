"""How a value depends on another, entry by entry: what a matrix is while it is being put together.

An entry says that a cell of the output has a factor, or a factor times a named weight, times a cell
of the input. Maps follow one after the other (`composed`) and are added (`summed`). Where an entry
would have the names of two weights, the map goes on without names, by numbers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allconv.analysis.layer_matrix import Letters, Matrix
from allconv.analysis.window_terms import MOST_TERMS, Cells
from allconv.errors import LimitError

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class NamedArray:
    """The array whose cells are named in a map."""

    array: Array  # flattened, float64
    shape: tuple[int, ...]
    letter: str


@dataclass(frozen=True, eq=False)
class LinearMap:
    """Entries: row, column and factor; and the weight (-1: none) that the factor multiplies."""

    rows: Cells
    columns: Cells
    factors: Array
    output_shape: tuple[int, ...]
    input_shape: tuple[int, ...]
    weights: NamedArray | None = None
    cells: Cells = field(default_factory=lambda: np.zeros(0, np.int64))
    is_identity: bool = False

    def __post_init__(self) -> None:
        if self.weights is None:
            object.__setattr__(self, "cells", np.full(len(self.rows), -1))

    @classmethod
    def none(cls, output_shape: tuple[int, ...], input_shape: tuple[int, ...]) -> LinearMap:
        """No dependence."""
        nowhere = np.zeros(0, np.int64)
        return cls(nowhere, nowhere, np.zeros(0), output_shape, input_shape)

    @property
    def values(self) -> Array:
        """The number of each entry."""
        if self.weights is None:
            return self.factors
        named = self.cells >= 0
        values = self.factors.copy()
        values[named] *= self.weights.array[self.cells[named]]
        return values

    def numbers(self) -> LinearMap:
        """The same without names; entries at one place are added."""
        place, entry = np.unique(
            self.rows * max(prod(self.input_shape), 1) + self.columns, return_inverse=True
        )
        values = np.bincount(entry.reshape(-1), self.values, len(place))
        rows, columns = np.divmod(place, max(prod(self.input_shape), 1))
        return LinearMap(rows, columns, values, self.output_shape, self.input_shape)

    def scaled(self, factor: float) -> LinearMap:
        """Every entry times a number."""
        return replace(self, factors=self.factors * factor, is_identity=False)

    def transposed(self) -> LinearMap:
        """Rows and columns exchanged."""
        return replace(
            self,
            rows=self.columns,
            columns=self.rows,
            output_shape=self.input_shape,
            input_shape=self.output_shape,
        )

    def matrix(self, bias: Array, dtype: str) -> Matrix:
        """The finished matrix, entries row by row."""
        order = np.lexsort((self.columns, self.rows))
        weights = self.weights or NamedArray(np.zeros(0), (), "w")
        return Matrix(
            self.rows[order],
            self.columns[order],
            self.values[order].astype(dtype),
            Letters(
                weights.letter, weights.shape, self.cells[order], self.factors[order].astype(dtype)
            ),
            self.output_shape,
            self.input_shape,
            bias.astype(dtype) if bias.any() else None,
        )


@dataclass(frozen=True, eq=False)
class Known:
    """An array that does not depend on the input; `cells` are its places in the array it is of."""

    array: Array
    cells: Cells
    source: Array

    @classmethod
    def new(cls, array: Array) -> Known:
        """An array with names of its own."""
        wide = array.astype(np.float64) if array.dtype.kind == "f" else array
        return cls(wide, numbered(array.shape), wide)

    def moved(self, array: Array, cells: Cells) -> Known:
        """The same values at other places."""
        return Known(array, cells, self.source)

    def entries(
        self,
        rows: Cells,
        columns: Cells,
        cells: Cells,
        shapes: tuple[tuple[int, ...], tuple[int, ...]],
        letter: str,
    ) -> LinearMap:
        """A map whose entries are the cells of this array."""
        weights = NamedArray(self.source.reshape(-1), self.source.shape, letter)
        named = self.cells.reshape(-1)[cells]
        return LinearMap(rows, columns, np.ones(len(rows)), *shapes, weights, named)

    def diagonal(self, shape: tuple[int, ...], *, named: bool = True) -> LinearMap:
        """The multiplication by this array, cell by cell."""
        places = np.arange(prod(shape))
        if named and self.array.size > 1:
            cells = np.broadcast_to(numbered(self.array.shape), shape)
            return self.entries(places, places, cells.reshape(-1), (shape, shape), "w")
        factors = np.broadcast_to(self.array, shape).reshape(-1)
        return LinearMap(places, places, factors.astype(float), shape, shape)


def numbered(shape: tuple[int, ...]) -> Cells:
    """The places of the cells of an array in the flattened one.

    >>> numbered((2, 2)).tolist()
    [[0, 1], [2, 3]]
    """
    return np.arange(prod(shape)).reshape(shape)


def identity(shape: tuple[int, ...]) -> LinearMap:
    """Every cell depends on its own."""
    places = np.arange(prod(shape))
    return LinearMap(places, places, np.ones(len(places)), shape, shape, is_identity=True)


def selection(places: Array, input_shape: tuple[int, ...]) -> LinearMap:
    """Every cell is the input's at place - 1, or 0 where that is -1."""
    flat = places.reshape(-1)
    (rows,) = np.nonzero(flat)
    return LinearMap(rows, flat[rows] - 1, np.ones(len(rows)), places.shape, input_shape)


def composed(last: LinearMap, first: LinearMap) -> LinearMap:
    """`last` after `first`: the product of the two matrices."""
    if first.is_identity:
        return last
    if last.weights is not None and first.weights is not None:
        return _product(last.numbers(), first.numbers()).numbers()
    return _product(last, first)


def _product(last: LinearMap, first: LinearMap) -> LinearMap:
    """Entries that share the cell between, of maps of which at most one has names."""
    order = np.argsort(first.rows, kind="stable")
    starts = np.searchsorted(first.rows[order], np.arange(prod(first.output_shape) + 1))
    repeats = np.diff(starts)[last.columns]
    total = int(repeats.sum())
    if total > MOST_TERMS:
        raise LimitError(
            f"the matrix has {total:,} entries; at most {MOST_TERMS:,} are written out: "
            "use a smaller input"
        )
    left = np.repeat(np.arange(len(last.rows)), repeats)
    within = np.arange(total) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    right = order[starts[last.columns[left]] + within]
    named, by = (last, left) if last.weights is not None else (first, right)
    return LinearMap(
        last.rows[left],
        first.columns[right],
        last.factors[left] * first.factors[right],
        last.output_shape,
        first.input_shape,
        named.weights,
        named.cells[by],
    )


def summed(maps: Sequence[LinearMap]) -> LinearMap:
    """The sum of maps of the same shapes."""
    if len(maps) == 1:
        return maps[0]
    weights = [m.weights for m in maps if m.weights is not None]
    if any(each is not weights[0] for each in weights):
        maps = [m.numbers() for m in maps]
        weights = []
    return LinearMap(
        np.concatenate([m.rows for m in maps]),
        np.concatenate([m.columns for m in maps]),
        np.concatenate([m.factors for m in maps]),
        maps[0].output_shape,
        maps[0].input_shape,
        weights[0] if weights else None,
        np.concatenate([m.cells for m in maps]),
    )
