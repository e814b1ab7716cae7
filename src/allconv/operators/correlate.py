"""Correlation, its transpose and the gradient of its weights: three views of one form.

    T(x, w, y) = sum over n, g, o, c and all j, k, i with b*j + p = s*i + d*k
                 of  x[n, g, c, j] * w[g, o, c, k] * y[n, g, o, i]

Leaving out `y`, `x` or `w` gives `Correlate`, `CorrelateTranspose` and `CorrelateWeight`. The
derivative of any of them is another of them with the same window, to any order.

Shapes: x (N, G*C, *I), w (G*O, C, *K), y (N, G*O, *P); N is the batch, G the groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.operators.base import Array, Operator, Spec, narrow, wide
from allconv.operators.reduce import Sum
from allconv.window import Window

Index = tuple[Any, ...]  # cells of an array: a tap, or an open mesh as np.ix_ gives it


def meetings(window: Window, k: Index) -> tuple[Index, Index]:
    """Open meshes (outputs, inputs) of the cells that meet by tap `k`, one vector an axis."""
    pairs = []
    for axis, tap in zip(window.axes, k, strict=True):
        met = [(i, axis.source(i, tap)) for i in range(axis.output)]
        pairs.append([(i, j) for i, j in met if j is not None])
    i = np.ix_(*(np.array([i for i, _ in axis], np.intp) for axis in pairs))
    j = np.ix_(*(np.array([j for _, j in axis], np.intp) for axis in pairs))
    return i, j


def taps(window: Window) -> Iterator[Index]:
    """Every tap of the kernel, in row-major order."""
    return product(*(range(axis.kernel) for axis in window.axes))


@dataclass(frozen=True)
class _Form(Operator):
    """What the three views share: the window, the groups and how the arrays are split."""

    window: Window
    groups: int = 1

    def __post_init__(self) -> None:
        if self.groups < 1:
            raise ArgumentError(f"groups must be at least 1, got {self.groups}")

    def check(self, *x: Spec) -> None:
        dtypes = dict.fromkeys(spec.dtype for spec in x)
        if len(dtypes) > 1:
            raise ShapeError(f"{self.name}: {' and '.join(dtypes)} meet; convert one with .astype")

    def check_x(self, x: Spec) -> None:
        """Refuse an input of another rank or size than the window's."""
        wanted = 2 + len(self.window.axes)
        if x.rank != wanted:
            raise ShapeError(f"x has {x.rank} axes, {x.shape}; (N, C, *I) with {wanted} is expected")
        if x.shape[2:] != self.window.input:
            raise ShapeError(f"x is {x.shape}; the window is made for {self.window.input}")
        self.check_channels("x", x.shape[1])

    def check_w(self, w: Spec) -> None:
        """Refuse weights of another kernel size than the window's."""
        if w.shape[2:] != self.window.kernel or w.rank < 2:
            raise ShapeError(f"w is {w.shape}; (O, C/groups, *{self.window.kernel}) is expected")
        self.check_channels("w", w.shape[0])

    def check_y(self, y: Spec) -> None:
        """Refuse an output of another size than the window's."""
        if y.shape[2:] != self.window.output or y.rank < 2:
            raise ShapeError(f"y is {y.shape}; (N, O, *{self.window.output}) is expected")
        self.check_channels("y", y.shape[1])

    def check_channels(self, name: str, channels: int) -> None:
        """Refuse channels that the groups do not divide."""
        if channels < 1 or channels % self.groups:
            raise ShapeError(
                f"{name} has {channels} channels; groups={self.groups} do not divide them"
            )

    def split(self, array: Array, axis: int) -> Array:
        """An array with its channel axis split into (G, channels of a group), in wide floats."""
        shape = array.shape
        channels = shape[axis] // self.groups
        return wide(array).reshape(*shape[:axis], self.groups, channels, *shape[axis + 1 :])

    def merge(self, array: Array, axis: int) -> Array:
        """The opposite of `split`."""
        shape = array.shape
        return array.reshape(*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :])


@dataclass(frozen=True)
class Correlate(_Form):
    """y[n,g,o,i] = b[g,o] + sum over c, k of x[n,g,c,j] * w[g,o,c,k]; the forward pass.

    The linear layer is the case of no axes: x (N, C), w (O, C).
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "w", "b?")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_x(x[0])
        self.check_w(x[1])
        channels, given = x[0].shape[1] // self.groups, x[1].shape[1]
        if channels != given:
            raise ShapeError(
                f"x has {x[0].shape[1]} channels, {channels} a group; "
                f"w is {x[1].shape}, for {given}"
            )
        if len(x) > 2 and x[2].shape != x[1].shape[:1]:
            raise ShapeError(f"bias is {x[2].shape}; ({x[1].shape[0]},) is expected")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((x[0].shape[0], x[1].shape[0], *self.window.output)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, w = self.split(x[0], 1), self.split(x[1], 0)
        y = np.zeros((len(data), *w.shape[:2], *self.window.output), np.result_type(data, w))
        if len(x) > 2:
            y += wide(x[2]).reshape(*w.shape[:2], *(1,) * len(self.window.axes))
        for k in taps(self.window):
            i, j = meetings(self.window, k)
            term = np.einsum("ngc...,goc->ngo...", data[(..., *j)], w[(..., *k)])
            y[(..., *i)] += term
        return (narrow(self.merge(y, 1), x[0]),)

    def adjoint(
        self, x: tuple[Any, ...], y: tuple[Any, ...], gy: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        gx = CorrelateTranspose(self.window, self.groups)(x[1], gy[0])
        gw = CorrelateWeight(self.window, self.groups)(x[0], gy[0])
        if len(x) == 2:
            return gx, gw
        return gx, gw, Sum((0, *range(2, 2 + len(self.window.axes))))(gy[0])

    def cost(self, *x: Spec) -> int:
        (y,) = self.shape(*x)
        return y.size * x[1].size // x[1].shape[0]


@dataclass(frozen=True)
class CorrelateTranspose(_Form):
    """x[n,g,c,j] = sum over o, k of w[g,o,c,k] * y[n,g,o,i]: the gradient of the input, which is
    transposed convolution ("deconvolution")."""

    inputs: ClassVar[tuple[str, ...]] = ("w", "y", "b?")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_w(x[0])
        self.check_y(x[1])
        if x[0].shape[0] != x[1].shape[1]:
            raise ShapeError(
                f"w is {x[0].shape}; y has {x[1].shape[1]} channels, not {x[0].shape[0]}"
            )
        channels = x[0].shape[1] * self.groups
        if len(x) > 2 and x[2].shape != (channels,):
            raise ShapeError(f"bias is {x[2].shape}; ({channels},) is expected")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        w, y = x[:2]
        return (y.with_shape((y.shape[0], w.shape[1] * self.groups, *self.window.input)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        w, y = self.split(x[0], 0), self.split(x[1], 1)
        shape = (len(y), self.groups, w.shape[2], *self.window.input)
        out = np.zeros(shape, np.result_type(w, y))
        if len(x) > 2:
            out += wide(x[2]).reshape(*shape[1:3], *(1,) * len(self.window.axes))
        for k in taps(self.window):
            i, j = meetings(self.window, k)
            out[(..., *j)] += np.einsum("ngo...,goc->ngc...", y[(..., *i)], w[(..., *k)])
        return (narrow(self.merge(out, 1), x[1]),)

    def adjoint(
        self, x: tuple[Any, ...], y: tuple[Any, ...], gy: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        gw = CorrelateWeight(self.window, self.groups)(gy[0], x[1])
        g = Correlate(self.window, self.groups)(gy[0], x[0])
        if len(x) == 2:
            return gw, g
        return gw, g, Sum((0, *range(2, 2 + len(self.window.axes))))(gy[0])

    def cost(self, *x: Spec) -> int:
        return x[1].size * x[0].size // x[0].shape[0]


@dataclass(frozen=True)
class CorrelateWeight(_Form):
    """w[g,o,c,k] = sum over n, i of x[n,g,c,j] * y[n,g,o,i]: the gradient of the weights."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_x(x[0])
        self.check_y(x[1])
        if x[0].shape[0] != x[1].shape[0]:
            raise ShapeError(f"x is a batch of {x[0].shape[0]}, y of {x[1].shape[0]}")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        data, y = x
        return (data.with_shape((y.shape[1], data.shape[1] // self.groups, *self.window.kernel)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, y = self.split(x[0], 1), self.split(x[1], 1)
        shape = (self.groups, y.shape[2], data.shape[2], *self.window.kernel)
        w = np.zeros(shape, np.result_type(data, y))
        for k in taps(self.window):
            i, j = meetings(self.window, k)
            terms = np.einsum("ngc...,ngo...->goc...", data[(..., *j)], y[(..., *i)])
            w[(..., *k)] = terms.sum(tuple(range(3, terms.ndim)))
        return (narrow(self.merge(w, 0), x[0]),)

    def adjoint(
        self, x: tuple[Any, ...], y: tuple[Any, ...], gy: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        gx = CorrelateTranspose(self.window, self.groups)(gy[0], x[1])
        return gx, Correlate(self.window, self.groups)(x[0], gy[0])

    def cost(self, *x: Spec) -> int:
        return x[1].size * (x[0].shape[1] // self.groups) * self.window.taps
