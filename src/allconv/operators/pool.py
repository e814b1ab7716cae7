"""Pooling: the window of a convolution, without weights and without mixing channels.

`MaxPool` is the window over (max, +); it also returns which tap won, so that its gradient
(`ScatterWindow`) and the gradient of that (`GatherWindow`) only move values. `AveragePool` is the
window with constant weights.

Shapes: x (N, C, *I), y and tap (N, C, *P). Taps are numbered in row-major order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, Spec, Values, narrow, wide
from allconv.operators.windowed import WindowOperator, meeting_grids, taps


@dataclass(frozen=True)
class _Pool(WindowOperator):
    """What the operators of pooling share."""

    def check_size(self, name: str, x: Spec, expected: tuple[int, ...]) -> None:
        """Refuse an array of another rank or size than the window's."""
        if x.rank != 2 + len(expected) or x.shape[2:] != expected:
            raise ShapeError(f"{name} is {x.shape}; (N, C, *{expected}) is expected")

    def check_values(self, name: str, x: Spec, expected: tuple[int, ...]) -> None:
        """Refuse values that are no floats or of another size."""
        self.check_floats(x)
        self.check_size(name, x, expected)

    def check_tap(self, tap: Spec, x: Spec) -> None:
        """Refuse taps that are not those of a `MaxPool` of x's batch and channels."""
        self.check_size("tap", tap, self.window.output)
        if tap.shape[:2] != x.shape[:2] or tap.dtype != "int32":
            expected = (*x.shape[:2], *self.window.output)
            raise ShapeError(f"tap is {tap}; int32 {expected} is expected")


@dataclass(frozen=True)
class MaxPool(_Pool):
    """y[n,c,i] = max over k of x[n,c,j]; tap[n,c,i] = the first k, in row-major order, that has it.

    Padding never wins (a window of padding only gives -inf, tap -1). The first NaN wins over all.
    """

    def check(self, *x: Spec) -> None:
        self.check_values("x", x[0], self.window.input)

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        out = (*x[0].shape[:2], *self.window.output)
        return x[0].with_shape(out), Spec(out, "int32")

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = wide(x[0])
        out = (*data.shape[:2], *self.window.output)
        y, tap = np.full(out, -np.inf), np.full(out, -1, np.int32)
        for number, k in enumerate(taps(self.window)):
            i, j = meeting_grids(self.window, k)
            new, old, won = data[(..., *j)], y[(..., *i)], tap[(..., *i)]
            better = (new > old) | (np.isnan(new) & ~np.isnan(old)) | (won == -1)
            y[(..., *i)] = np.where(better, new, old)
            tap[(..., *i)] = np.where(better, np.int32(number), won)
        return narrow(y, x[0]), tap

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (ScatterWindow(self.window)(gy[0], y[1]),)


@dataclass(frozen=True)
class ScatterWindow(_Pool):
    """x[n,c,j] = sum of y[n,c,i] over the i whose tap leads to j: the gradient of `MaxPool`."""

    inputs: ClassVar[tuple[str, ...]] = ("y", "tap")

    def check(self, *x: Spec) -> None:
        self.check_values("y", x[0], self.window.output)
        self.check_tap(x[1], x[0])

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((*x[0].shape[:2], *self.window.input)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        y, tap = wide(x[0]), x[1]
        out = np.zeros((*y.shape[:2], *self.window.input))
        for number, k in enumerate(taps(self.window)):
            i, j = meeting_grids(self.window, k)
            out[(..., *j)] += np.where(tap[(..., *i)] == number, y[(..., *i)], 0.0)
        return (narrow(out, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return GatherWindow(self.window)(gy[0], x[1]), None


@dataclass(frozen=True)
class GatherWindow(_Pool):
    """y[n,c,i] = x[n,c,j] for the j that the tap of i leads to (0 for tap -1)."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "tap")

    def check(self, *x: Spec) -> None:
        self.check_values("x", x[0], self.window.input)
        self.check_tap(x[1], x[0])

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(x[1].shape),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, tap = wide(x[0]), x[1]
        y = np.zeros(tap.shape)
        for number, k in enumerate(taps(self.window)):
            i, j = meeting_grids(self.window, k)
            y[(..., *i)] = np.where(tap[(..., *i)] == number, data[(..., *j)], y[(..., *i)])
        return (narrow(y, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return ScatterWindow(self.window)(gy[0], x[1]), None


@dataclass(frozen=True)
class _Average(_Pool):
    """What average pooling and its transpose share: by what each sum is divided."""

    count_padding: bool = True

    def counts(self) -> Array:
        """(*P): the cells that each output divides by."""
        if self.count_padding:
            return np.full(self.window.output, float(self.window.taps))
        counts = [
            np.array([max(len(list(axis.meetings(i))), 1) for i in range(axis.output)], float)
            for axis in self.window.axes
        ]
        return np.asarray(prod(np.ix_(*counts)))


@dataclass(frozen=True)
class AveragePool(_Average):
    """y[n,c,i] = sum over k of x[n,c,j] / count, the taps (or only those inside the input)."""

    def check(self, *x: Spec) -> None:
        self.check_values("x", x[0], self.window.input)

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((*x[0].shape[:2], *self.window.output)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = wide(x[0])
        y = np.zeros((*data.shape[:2], *self.window.output))
        for k in taps(self.window):
            i, j = meeting_grids(self.window, k)
            y[(..., *i)] += data[(..., *j)]
        return (narrow(y / self.counts(), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (AveragePoolTranspose(self.window, self.count_padding)(gy[0]),)


@dataclass(frozen=True)
class AveragePoolTranspose(_Average):
    """x[n,c,j] = sum of y[n,c,i] / count over the outputs i that meet j."""

    inputs: ClassVar[tuple[str, ...]] = ("y",)

    def check(self, *x: Spec) -> None:
        self.check_values("y", x[0], self.window.output)

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((*x[0].shape[:2], *self.window.input)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        share = wide(x[0]) / self.counts()
        out = np.zeros((*share.shape[:2], *self.window.input))
        for k in taps(self.window):
            i, j = meeting_grids(self.window, k)
            out[(..., *j)] += share[(..., *i)]
        return (narrow(out, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (AveragePool(self.window, self.count_padding)(gy[0]),)
