"""Sums over axes, and broadcasting, which is their transpose.

Compiled sums of floats add their numbers in one order, whatever the memory layout, the other axes,
the number of threads and the width of vectors, so that equal numbers give equal bits. (The sign of
a sum that is zero is not promised.) The definitions below add in float64, in any order.

A *run* of numbers is added in sixteen partial sums: number i belongs to partial sum i mod 16, which
takes its numbers in ascending order. Then halves are added onto each other: partial sum i + 8 onto
i, then i + 4, i + 2, i + 1.

A sum over several axes, of an array of any rank, takes them in groups:

1. Space, the axes from 2 on. Along the last of them the cells 0 to 31, 32 to 63, ... are runs, each
   of which becomes one number; then along the axis before it, and so on to the first; then along
   the last one again, until one number is left. An axis that has one is passed over.
2. The channels, axis 1: runs of 4096, again until one is left. (Up to 4096 channels are one run.)
3. The batch, axis 0 (of a vector: all there is): runs of 32, again until one is left.

Axes that are not summed do not matter: a sum over channels is the same in a part of the image as in
the whole, a sum over space in any batch. A mean is the sum, divided once; so is a pooling whose
window is the whole input. `Softmax` and the cross-entropy add their classes as one run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide


@dataclass(frozen=True)
class Reduction(Operator):
    """Base: axes that disappear (or stay with size 1 when `keep`)."""

    axes: tuple[int, ...]
    keep: bool = False

    def check(self, *x: Spec) -> None:
        inside = all(0 <= axis < x[0].rank for axis in self.axes)
        if not inside or len(set(self.axes)) < len(self.axes):
            name = self.name.lower()
            raise ShapeError(
                f"{name}: axes are {self.axes}; axes of {x[0].shape}, each once, are expected"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(self.result_shape(x[0].shape)),)

    def kept_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape with 1 along the axes."""
        return tuple(1 if a in self.axes else n for a, n in enumerate(shape))

    def result_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape with 1 along the axes if they are kept, else without them."""
        if self.keep:
            return self.kept_shape(shape)
        return tuple(n for a, n in enumerate(shape) if a not in self.axes)


@dataclass(frozen=True)
class Sum(Reduction):
    """The sum over some axes, which disappear (or stay with size 1 when `keep`)."""

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (narrow(np.asarray(wide(x[0]).sum(self.axes, keepdims=self.keep)), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (Broadcast(x[0].shape)(gy[0].reshape(self.kept_shape(x[0].shape))),)


@dataclass(frozen=True)
class Broadcast(Operator):
    """An array repeated to a larger shape by NumPy's rule."""

    to: tuple[int, ...]

    def check(self, *x: Spec) -> None:
        try:
            fits = broadcast_shape(x[0].shape, self.to) == self.to
        except ShapeError:
            fits = False
        if not fits:
            raise ShapeError(f"{x[0].shape} does not broadcast to {self.to}")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(self.to),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (np.broadcast_to(x[0], self.to).copy(),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (sum_to(gy[0], x[0].shape),)


def broadcast_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which arrays of these shapes broadcast together, whatever their sizes."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    joined = []
    for sizes in zip(*padded, strict=True):
        others = {n for n in sizes if n != 1}
        if len(others) > 1:
            raise ShapeError(f"{' and '.join(map(str, shapes))} do not broadcast together")
        joined.append(others.pop() if others else 1)
    return tuple(joined)


def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which an array of `shape` was broadcast to it."""
    lead = len(g.shape) - len(shape)
    repeated = tuple(
        axis
        for axis, n in enumerate(g.shape)
        if axis < lead or (shape[axis - lead] == 1 and n != 1)
    )
    if not repeated:
        return g
    return Sum(repeated)(g).reshape(shape)


def full_like(x: Any, number: float) -> Any:
    """A symbolic array of the shape and dtype of `x` that holds one number, whatever `x` holds."""
    return Broadcast(x.shape)(x.builder.scalar(number, x.dtype))
