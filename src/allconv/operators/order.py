"""Where the largest numbers of an axis are: their indices, as int64, and numbers at indices.

NaN counts as larger than any number, and of equal numbers the first comes first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, Discrete, OfAxis, Spec, Values, narrow, wide


@dataclass(frozen=True)
class _IndexedAlongAxis(OfAxis):
    """What these share: indices along the axis."""

    def check_cells(self, x: Spec) -> None:
        """Refuse an axis without cells, of which none is the largest."""
        if not x.shape[self.axis]:
            raise ShapeError(f"{self.name}: x is {x.shape}; axis {self.axis} has no cells")

    def check_indices(self, x: Spec, index: Spec) -> None:
        """Refuse indices that are not int64 of the same shape but for the axis."""
        same = index.rank == x.rank and all(
            n == m for a, (n, m) in enumerate(zip(x.shape, index.shape, strict=True))
            if a != self.axis
        )  # fmt: skip
        if index.dtype != "int64" or not same:
            raise ShapeError(f"index is {index}; int64 of {x.shape} but for axis {self.axis} fits")

    def inside(self, index: Array, size: int) -> Array:
        """Indices inside of the axis; those outside lead nowhere, here to -1."""
        return np.where((index >= 0) & (index < size), index, -1)


@dataclass(frozen=True)
class ArgExtreme(Discrete, _IndexedAlongAxis):
    """The index along an axis of the largest number (or the smallest): the first, or the last, of
    several."""

    smallest: bool = False
    last: bool = False
    keep: bool = False

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_cells(x[0])

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (replace(x[0].with_size(self.axis, *(1,) * self.keep), dtype="int64"),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = np.flip(wide(x[0]), self.axis) if self.last else wide(x[0])
        find = np.argmin if self.smallest else np.argmax
        index = np.asarray(find(data, self.axis, keepdims=self.keep), np.int64)
        return (np.asarray(x[0].shape[self.axis] - 1 - index if self.last else index),)


@dataclass(frozen=True)
class Hardmax(Discrete, _IndexedAlongAxis):
    """1 at the first of the largest numbers along an axis, else 0; its gradient is 0."""

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_cells(x[0])

    def define(self, *x: Array) -> tuple[Array, ...]:
        y = np.zeros(x[0].shape, x[0].dtype.name)
        index = np.argmax(wide(x[0]), self.axis, keepdims=True)
        np.put_along_axis(y, index, 1, self.axis)
        return (y,)


@dataclass(frozen=True)
class TopK(_IndexedAlongAxis):
    """The `count` largest (or smallest) numbers along an axis, in order, and their indices."""

    count: int = 1
    smallest: bool = False

    def check(self, *x: Spec) -> None:
        super().check(*x)
        if not 0 <= self.count <= x[0].shape[self.axis]:
            raise ShapeError(
                f"{self.name}: count is {self.count}; 0 to {x[0].shape[self.axis]}, the cells of "
                f"axis {self.axis}, are expected"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        found = x[0].with_size(self.axis, self.count)
        return found, replace(found, dtype="int64")

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = wide(x[0])
        none = np.isnan(data)
        keys = np.where(none, 0.0, data if self.smallest else -data)
        order = np.lexsort((keys, none if self.smallest else ~none), axis=self.axis)
        index = np.take(order, np.arange(self.count), self.axis).astype(np.int64)
        index = np.ascontiguousarray(index).reshape(index.shape)
        return narrow(np.take_along_axis(data, index, self.axis), x[0]), index

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        if gy[0] is None:
            return (None,)
        return (PutAlong(self.axis, x[0].shape[self.axis])(gy[0], y[1]),)


@dataclass(frozen=True)
class TakeAlong(_IndexedAlongAxis):
    """y[..., i, ...] = x[..., index[..., i, ...], ...] along an axis; 0 where that is outside."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "index")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_indices(x[0], x[1])

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(x[1].shape),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        size = x[0].shape[self.axis]
        y = np.zeros(x[1].shape)
        index = self.inside(x[1], size)
        if size:
            taken = np.take_along_axis(wide(x[0]), np.maximum(index, 0), self.axis)
            y = np.where(index < 0, 0.0, taken)
        return (narrow(y, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return PutAlong(self.axis, x[0].shape[self.axis])(gy[0], x[1]), None


@dataclass(frozen=True)
class PutAlong(_IndexedAlongAxis):
    """The transpose of `TakeAlong`: numbers added into the cells that their indices name."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "index")
    size: int = 1

    def check(self, *x: Spec) -> None:
        super().check(*x)
        if x[0].shape != x[1].shape or x[1].dtype != "int64" or self.size < 0:
            raise ShapeError(
                f"x is {x[0].shape}, index {x[1]}; int64 of the same shape is expected"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_size(self.axis, self.size),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        (spec,) = self.shape(*map(Spec.of, x))
        index, y = self.inside(x[1], self.size), np.zeros(spec.shape)
        where: list[Array] = list(np.indices(index.shape, sparse=True))
        where[self.axis] = np.maximum(index, 0)
        if self.size:
            np.add.at(y, tuple(where), np.where(index < 0, 0.0, wide(x[0])))
        return (narrow(y, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return TakeAlong(self.axis)(gy[0], x[1]), None
