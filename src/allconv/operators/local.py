"""Locally connected layers: a correlation whose weights depend on the output cell.

    T(x, w, y) = sum over n, g, o, c and all j, k, i that meet
                 of  x[n,g,c,j] * w[g,o,c,k,i] * y[n,g,o,i]

Shapes: x (N, G*C, *I), w (G*O, C, *K, *P), bias (G*O, *P), y (N, G*O, *P); the bias of the
transpose is (G*C, *I). With equal weights everywhere it is `Correlate`. The three views are closed
under differentiation, as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, Spec, narrow
from allconv.operators.correlate import _Form, meetings, taps
from allconv.operators.reduce import Sum


@dataclass(frozen=True)
class _LocalForm(_Form):
    """What the three views share."""

    def check_w(self, w: Spec) -> None:
        """Refuse weights that are not (O, C/groups, *K, *P)."""
        wanted = (*self.window.kernel, *self.window.output)
        if w.shape[2:] != wanted or w.rank < 2:
            raise ShapeError(f"w is {w.shape}; (O, C/groups, *K, *P) = (O, C/groups, *{wanted})")
        self.check_channels("w", w.shape[0])


@dataclass(frozen=True)
class Local(_LocalForm):
    """y[n,g,o,i] = b[g,o,i] + sum over c, k of x[n,g,c,j] * w[g,o,c,k,i]."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "w", "b?")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_x(x[0])
        self.check_w(x[1])
        if x[0].shape[1] != x[1].shape[1] * self.groups:
            raise ShapeError(
                f"x has {x[0].shape[1]} channels; w is {x[1].shape}, for "
                f"{x[1].shape[1] * self.groups} in {self.groups} groups"
            )
        wanted = (x[1].shape[0], *self.window.output)
        if len(x) > 2 and x[2].shape != wanted:
            raise ShapeError(f"bias is {x[2].shape}; (O, *P) = {wanted} is expected")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((x[0].shape[0], x[1].shape[0], *self.window.output)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, w = self.split(x[0], 1), self.split(x[1], 0)
        y = np.zeros((len(data), *w.shape[:2], *self.window.output), np.result_type(data, w))
        if len(x) > 2:
            y += self.split(x[2], 0)
        for k in taps(self.window):
            i, j = meetings(self.window, k)
            y[(..., *i)] += np.einsum(
                "ngc...,goc...->ngo...", data[(..., *j)], w[(slice(None),) * 3 + k][(..., *i)]
            )
        return (narrow(self.merge(y, 1), x[0]),)

    def adjoint(
        self, x: tuple[Any, ...], y: tuple[Any, ...], gy: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        gx = LocalTranspose(self.window, self.groups)(x[1], gy[0])
        gw = LocalWeight(self.window, self.groups)(x[0], gy[0])
        return (gx, gw) if len(x) == 2 else (gx, gw, Sum((0,))(gy[0]))

    def cost(self, *x: Spec) -> int:
        return x[0].shape[0] * x[1].size


@dataclass(frozen=True)
class LocalTranspose(_LocalForm):
    """x[n,g,c,j] = b[g,c,j] + sum over o, k of w[g,o,c,k,i] * y[n,g,o,i]: without a bias the
    gradient of the input."""

    inputs: ClassVar[tuple[str, ...]] = ("w", "y", "b?")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_w(x[0])
        self.check_y(x[1])
        if x[0].shape[0] != x[1].shape[1]:
            raise ShapeError(
                f"w is {x[0].shape}; y has {x[1].shape[1]} channels, not {x[0].shape[0]}"
            )
        wanted = (x[0].shape[1] * self.groups, *self.window.input)
        if len(x) > 2 and x[2].shape != wanted:
            raise ShapeError(f"bias is {x[2].shape}; (C, *I) = {wanted} is expected")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        w, y = x[:2]
        return (y.with_shape((y.shape[0], w.shape[1] * self.groups, *self.window.input)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        w, y = self.split(x[0], 0), self.split(x[1], 1)
        shape = (len(y), self.groups, w.shape[2], *self.window.input)
        out = np.zeros(shape, np.result_type(w, y))
        if len(x) > 2:
            out += self.split(x[2], 0)
        for k in taps(self.window):
            i, j = meetings(self.window, k)
            out[(..., *j)] += np.einsum(
                "ngo...,goc...->ngc...", y[(..., *i)], w[(slice(None),) * 3 + k][(..., *i)]
            )
        return (narrow(self.merge(out, 1), x[1]),)

    def adjoint(
        self, x: tuple[Any, ...], y: tuple[Any, ...], gy: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        gw = LocalWeight(self.window, self.groups)(gy[0], x[1])
        g = Local(self.window, self.groups)(gy[0], x[0])
        return (gw, g) if len(x) == 2 else (gw, g, Sum((0,))(gy[0]))

    def cost(self, *x: Spec) -> int:
        return x[1].shape[0] * x[0].size


@dataclass(frozen=True)
class LocalWeight(_LocalForm):
    """w[g,o,c,k,i] = sum over n of x[n,g,c,j] * y[n,g,o,i]: the gradient of the weights."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_x(x[0])
        self.check_y(x[1])
        if x[0].shape[0] != x[1].shape[0]:
            raise ShapeError(f"x is a batch of {x[0].shape[0]}, y of {x[1].shape[0]}")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        channels = (x[1].shape[1], x[0].shape[1] // self.groups)
        return (x[0].with_shape((*channels, *self.window.kernel, *self.window.output)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, y = self.split(x[0], 1), self.split(x[1], 1)
        cells = (*self.window.kernel, *self.window.output)
        w = np.zeros((self.groups, y.shape[2], data.shape[2], *cells), np.result_type(data, y))
        for k in taps(self.window):
            i, j = meetings(self.window, k)
            w[(slice(None),) * 3 + k][(..., *i)] = np.einsum(
                "ngc...,ngo...->goc...", data[(..., *j)], y[(..., *i)]
            )
        return (narrow(self.merge(w, 0), x[0]),)

    def adjoint(
        self, x: tuple[Any, ...], y: tuple[Any, ...], gy: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        gx = LocalTranspose(self.window, self.groups)(gy[0], x[1])
        return gx, Local(self.window, self.groups)(x[0], gy[0])

    def cost(self, *x: Spec) -> int:
        return x[1].size * (x[0].shape[1] // self.groups) * self.window.taps
