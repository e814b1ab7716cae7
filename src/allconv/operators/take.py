"""Cells of an axis by their numbers, added at their numbers, and running sums.

Numbers below 0 count from the end, -1 is the last. A number outside of the axis names no cell:
what is taken there is NaN, and what is added there goes nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, OfAxis, Spec, Values, narrow, wide


def counted(index: Array, size: int) -> Array:
    """Numbers of cells counted from the front; -1 for what names none."""
    front = np.where(index < 0, index + size, index)
    return np.asarray(np.where((front >= 0) & (front < size), front, -1), np.int64)


def _check_index(index: Spec) -> None:
    if index.dtype != "int64" or index.rank != 1:
        raise ShapeError(f"index is {index}; int64 of one axis is expected")


@dataclass(frozen=True)
class Take(OfAxis):
    """y[..., p, ...] = x[..., index[p], ...] along one axis; NaN (or, with `zeros`, 0) where
    index names no cell."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "index")
    zeros: bool = False

    def check(self, *x: Spec) -> None:
        super().check(*x)
        _check_index(x[1])

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_size(self.axis, *x[1].shape),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = np.moveaxis(wide(x[0]), self.axis, 0)
        y = np.full((len(x[1]), *data.shape[1:]), 0.0 if self.zeros else np.nan)
        for p, j in enumerate(counted(x[1], len(data))):
            if j >= 0:
                y[p] = data[j]
        return (narrow(np.moveaxis(y, 0, self.axis), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return AddAt(self.axis, x[0].shape[self.axis])(gy[0], x[1]), None


@dataclass(frozen=True)
class AddAt(OfAxis):
    """x[..., j, ...] = sum of y[..., p, ...] over the p whose index is j: `Take` transposed."""

    inputs: ClassVar[tuple[str, ...]] = ("y", "index")
    size: int

    def check(self, *x: Spec) -> None:
        super().check(*x)
        _check_index(x[1])
        if x[0].shape[self.axis] != x[1].shape[0] or self.size < 0:
            raise ShapeError(
                f"y is {x[0].shape}, index {x[1].shape}; a number for each cell of axis "
                f"{self.axis} is expected"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_size(self.axis, self.size),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = np.moveaxis(wide(x[0]), self.axis, 0)
        out = np.zeros((self.size, *data.shape[1:]))
        with np.errstate(invalid="ignore"):
            for p, j in enumerate(counted(x[1], self.size)):
                if j >= 0:
                    out[j] += data[p]
        return (narrow(np.moveaxis(out, 0, self.axis), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return Take(self.axis, True)(gy[0], x[1]), None


@dataclass(frozen=True)
class RunningSum(OfAxis):
    """y[p] = x[0] + ... + x[p] along one axis, added in that order.

    `exclusive`: up to x[p - 1], the first is 0; `reverse`: from the last cell to the first.
    """

    exclusive: bool = False
    reverse: bool = False

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = np.moveaxis(wide(x[0]), self.axis, 0)
        data = data[::-1] if self.reverse else data
        y = np.zeros(data.shape)
        total = np.zeros(data.shape[1:])
        with np.errstate(invalid="ignore"):
            for p, cell in enumerate(data):
                y[p] = total if self.exclusive else total + cell
                total = total + cell
        y = y[::-1] if self.reverse else y
        return (narrow(np.moveaxis(y, 0, self.axis), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (RunningSum(self.axis, self.exclusive, not self.reverse)(gy[0]),)
