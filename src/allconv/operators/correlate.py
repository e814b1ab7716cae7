"""Correlation, its transpose and the gradient of its weights: three views of one form.

    T(x, w, y) = sum over n, g, o, c and all j, k, i with b*j + p = s*i + d*k
                 of  x[n, g, c, j] * w[g, o, c, k] * y[n, g, o, i]

Leaving out `y`, `x` or `w` gives `Correlate`, `CorrelateTranspose` and `CorrelateWeight`. The
derivative of any of them is another of them with the same window, to any order.

Shapes: x (N, G*C, *I), w (G*O, C, *K), y (N, G*O, *P); N is the batch, G the groups. Where weights
are local (see `local`) every output cell has its own: w (G*O, C, *K, *P), and biases likewise.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.operators.base import Array, Spec, Values, narrow, wide
from allconv.operators.reduce import Sum
from allconv.operators.windowed import Index, WindowOperator, meeting_grids, taps


@dataclass(frozen=True)
class Trilinear(WindowOperator):
    """What the three views share: the window, the groups and how the arrays are split."""

    groups: int = 1

    forward: ClassVar[type[ForwardView]]
    transpose: ClassVar[type[TransposeView]]
    weight: ClassVar[type[WeightView]]

    @property
    @abstractmethod
    def is_local(self) -> bool:
        """Whether every output cell has weights of its own."""

    def __post_init__(self) -> None:
        if self.groups < 1:
            raise ArgumentError(f"groups must be at least 1, got {self.groups}")

    def check(self, *x: Spec) -> None:
        dtypes = dict.fromkeys(spec.dtype for spec in x)
        if len(dtypes) > 1:
            raise ShapeError(f"{self.name}: {' and '.join(dtypes)} meet; convert one with .astype")

    def check_x(self, x: Spec) -> None:
        """Refuse an input of another rank or size than the window's."""
        expected = 2 + len(self.window.axes)
        if x.rank != expected:
            raise ShapeError(
                f"x has {x.rank} axes, {x.shape}; (N, C, *I) with {expected} is expected"
            )
        if x.shape[2:] != self.window.input:
            raise ShapeError(f"x is {x.shape}; the window is made for {self.window.input}")
        self.check_channels("x", x.shape[1])

    @property
    def weight_sizes(self) -> tuple[int, ...]:
        """The axes of weights behind their channels: the taps and, if local, the output cells."""
        return self.window.kernel + self.window.output * self.is_local

    def check_w(self, w: Spec) -> None:
        """Refuse weights of another size than the window's."""
        if w.shape[2:] != self.weight_sizes or w.rank < 2:
            raise ShapeError(f"w is {w.shape}; (O, C/groups, *{self.weight_sizes}) is expected")
        self.check_channels("w", w.shape[0])

    def check_y(self, y: Spec) -> None:
        """Refuse an output of another size than the window's."""
        if y.shape[2:] != self.window.output or y.rank < 2:
            raise ShapeError(f"y is {y.shape}; (N, O, *{self.window.output}) is expected")
        self.check_channels("y", y.shape[1])

    def check_bias(self, given: tuple[Spec, ...], channels: int, cells: tuple[int, ...]) -> None:
        """Refuse a bias, if there is one, that is not one a channel (or, local, one a cell)."""
        expected = (channels, *cells * self.is_local)
        if given and given[0].shape != expected:
            raise ShapeError(f"bias is {given[0].shape}; {expected} is expected")

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

    def biased(self, out: Array, bias: tuple[Array, ...]) -> None:
        """Add a bias, if there is one, to the split sums."""
        for each in bias:
            own = self.split(each, 0)
            out += own.reshape(*own.shape, *(1,) * (out.ndim - 1 - own.ndim))

    def bias_gradient(self, g: Any) -> Any:
        """The sum over all that a bias is added to."""
        cells = () if self.is_local else range(2, 2 + len(self.window.axes))
        return Sum((0, *cells))(g)

    def of_tap(self, k: Index, i: Index) -> Index:
        """Where the split weights (G, O, C, ...) of tap `k` lie for these cells."""
        return (slice(None), slice(None), slice(None), *k, *i * self.is_local)


@dataclass(frozen=True)
class ForwardView(Trilinear):
    """y from x and w: `Correlate`, and `Local`."""

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
        self.check_bias(x[2:], x[1].shape[0], self.window.output)

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((x[0].shape[0], x[1].shape[0], *self.window.output)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, w = self.split(x[0], 1), self.split(x[1], 0)
        y = np.zeros((len(data), *w.shape[:2], *self.window.output), np.result_type(data, w))
        self.biased(y, x[2:])
        for k in taps(self.window):
            i, j = meeting_grids(self.window, k)
            y[(..., *i)] += np.einsum(
                "ngc...,goc...->ngo...", data[(..., *j)], w[self.of_tap(k, i)]
            )
        return (narrow(self.merge(y, 1), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        gx = self.transpose(self.window, self.groups)(x[1], gy[0])
        gw = self.weight(self.window, self.groups)(x[0], gy[0])
        return (gx, gw) if len(x) == 2 else (gx, gw, self.bias_gradient(gy[0]))

    def cost(self, *x: Spec) -> int:
        (y,) = self.shape(*x)
        return y.size * x[1].shape[1] * self.window.taps


@dataclass(frozen=True)
class TransposeView(Trilinear):
    """x from w and y: `CorrelateTranspose`, and `LocalTranspose`."""

    inputs: ClassVar[tuple[str, ...]] = ("w", "y", "b?")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_w(x[0])
        self.check_y(x[1])
        if x[0].shape[0] != x[1].shape[1]:
            raise ShapeError(
                f"w is {x[0].shape}; y has {x[1].shape[1]} channels, not {x[0].shape[0]}"
            )
        self.check_bias(x[2:], x[0].shape[1] * self.groups, self.window.input)

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        w, y = x[:2]
        return (y.with_shape((y.shape[0], w.shape[1] * self.groups, *self.window.input)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        w, y = self.split(x[0], 0), self.split(x[1], 1)
        shape = (len(y), self.groups, w.shape[2], *self.window.input)
        out = np.zeros(shape, np.result_type(w, y))
        self.biased(out, x[2:])
        for k in taps(self.window):
            i, j = meeting_grids(self.window, k)
            out[(..., *j)] += np.einsum("ngo...,goc...->ngc...", y[(..., *i)], w[self.of_tap(k, i)])
        return (narrow(self.merge(out, 1), x[1]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        gw = self.weight(self.window, self.groups)(gy[0], x[1])
        g = self.forward(self.window, self.groups)(gy[0], x[0])
        return (gw, g) if len(x) == 2 else (gw, g, self.bias_gradient(gy[0]))

    def cost(self, *x: Spec) -> int:
        return x[1].size * x[0].shape[1] * self.window.taps


@dataclass(frozen=True)
class WeightView(Trilinear):
    """w from x and y: `CorrelateWeight`, and `LocalWeight`."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_x(x[0])
        self.check_y(x[1])
        if x[0].shape[0] != x[1].shape[0]:
            raise ShapeError(f"x is a batch of {x[0].shape[0]}, y of {x[1].shape[0]}")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        data, y = x
        return (data.with_shape((y.shape[1], data.shape[1] // self.groups, *self.weight_sizes)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, y = self.split(x[0], 1), self.split(x[1], 1)
        shape = (self.groups, y.shape[2], data.shape[2], *self.weight_sizes)
        w = np.zeros(shape, np.result_type(data, y))
        for k in taps(self.window):
            i, j = meeting_grids(self.window, k)
            terms = np.einsum("ngc...,ngo...->goc...", data[(..., *j)], y[(..., *i)])
            shared = () if self.is_local else tuple(range(3, terms.ndim))
            w[self.of_tap(k, i)] = terms.sum(shared)
        return (narrow(self.merge(w, 0), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        gx = self.transpose(self.window, self.groups)(gy[0], x[1])
        return gx, self.forward(self.window, self.groups)(x[0], gy[0])

    def cost(self, *x: Spec) -> int:
        return x[1].size * (x[0].shape[1] // self.groups) * self.window.taps


class _Shared(Trilinear):
    """Weights that are the same at every output cell."""

    is_local: ClassVar[bool] = False


class Correlate(_Shared, ForwardView):
    """y[n,g,o,i] = b[g,o] + sum over c, k of x[n,g,c,j] * w[g,o,c,k]; the forward pass.

    The linear layer is the case of no axes: x (N, C), w (O, C).
    """


class CorrelateTranspose(_Shared, TransposeView):
    """x[n,g,c,j] = sum over o, k of w[g,o,c,k] * y[n,g,o,i]: the gradient of the input, which is
    transposed convolution ("deconvolution")."""


class CorrelateWeight(_Shared, WeightView):
    """w[g,o,c,k] = sum over n, i of x[n,g,c,j] * y[n,g,o,i]: the gradient of the weights."""


_Shared.forward, _Shared.transpose, _Shared.weight = Correlate, CorrelateTranspose, CorrelateWeight
