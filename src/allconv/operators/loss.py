"""Softmax and its cross-entropy with integer labels.

Shapes: x (N, C, *S), labels int64 (N, *S), loss (N, *S); C is the number of classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide
from allconv.operators.reduce import Sum, full_like


@dataclass(frozen=True)
class _OverAxis(Operator):
    """What softmax and its logarithm share: the axis of the classes."""

    axis: int = 1
    label: ClassVar[str]

    def check(self, *x: Spec) -> None:
        given = x[0]
        if not 0 <= self.axis < given.rank or not given.is_float or not given.shape[self.axis]:
            raise ShapeError(
                f"{self.label} over axis {self.axis} of {given}; floats with that axis are expected"
            )


@dataclass(frozen=True)
class Softmax(_OverAxis):
    """y = exp(x) / sum over the axis of exp(x), shifted by the maximum."""

    label: ClassVar[str] = "softmax"

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = wide(x[0])
        with np.errstate(all="ignore"):
            e = np.exp(data - data.max(self.axis, keepdims=True))
            return (narrow(e / e.sum(self.axis, keepdims=True), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (y[0] * (gy[0] - Sum((self.axis,), keep=True)(gy[0] * y[0])),)


@dataclass(frozen=True)
class LogSoftmax(_OverAxis):
    """y = x - log(sum over the axis of exp(x)), shifted by the maximum."""

    label: ClassVar[str] = "log_softmax"

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = wide(x[0])
        with np.errstate(all="ignore"):
            shifted = data - data.max(self.axis, keepdims=True)
            y = shifted - np.log(np.exp(shifted).sum(self.axis, keepdims=True))
        return (narrow(y, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (gy[0] - Softmax(self.axis)(x[0]) * Sum((self.axis,), keep=True)(gy[0]),)


@dataclass(frozen=True)
class _Entropy(Operator):
    """What cross-entropy and its gradient share: the target distribution."""

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise ArgumentError(f"label smoothing must be at least 0 and below 1: {self.smoothing}")

    def check(self, *x: Spec) -> None:
        if x[0].rank < 2 or not x[0].is_float or not x[0].shape[1]:
            raise ShapeError(f"x is {x[0]}; floats (N, classes, ...) are expected")
        expected = (x[0].shape[0], *x[0].shape[2:])
        if x[1].shape != expected or x[1].dtype != "int64":
            raise ShapeError(f"labels are {x[1]}; int64 {expected} is expected")
        if len(x) > 2 and x[2] != x[0].with_shape(expected):
            raise ShapeError(f"gy is {x[2]}; {x[0].with_shape(expected)} is expected")

    def target(self, labels: Array, classes: int) -> Array:
        """(N, C, *S): 1 - smoothing at the label, plus smoothing / C everywhere."""
        if labels.size and not (labels.min() >= 0 and labels.max() < classes):
            raise ArgumentError(
                f"labels run from {labels.min()} to {labels.max()}; there are {classes} classes"
            )
        hot = np.moveaxis(np.eye(classes)[labels], -1, 1)
        return hot * (1 - self.smoothing) + self.smoothing / classes


@dataclass(frozen=True)
class CrossEntropy(_Entropy):
    """loss = - sum over classes of target * log_softmax(x), one number a sample."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "labels")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(x[1].shape),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        (logs,) = LogSoftmax(1).define(wide(x[0]))
        target = self.target(x[1], x[0].shape[1])
        return (narrow(-np.where(target == 0, 0.0, target * logs).sum(1), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return CrossEntropyGradient(self.smoothing)(x[0], x[1], gy[0]), None

    def cost(self, *x: Spec) -> int:
        return x[0].size


@dataclass(frozen=True)
class CrossEntropyGradient(_Entropy):
    """gx = (softmax(x) - target) * gy."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "labels", "gy")

    def define(self, *x: Array) -> tuple[Array, ...]:
        (p,) = Softmax(1).define(wide(x[0]))
        rest = p - self.target(x[1], x[0].shape[1])
        return (narrow(rest * np.expand_dims(wide(x[2]), 1), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        p = Softmax(1)(x[0])
        per_class = x[2].reshape((x[2].shape[0], 1, *x[2].shape[1:]))
        through = gy[0] * per_class
        gx = p * (through - Sum((1,), keep=True)(through * p))
        ones = full_like(x[2], 1.0)
        return gx, None, Sum((1,))(gy[0] * CrossEntropyGradient(self.smoothing)(x[0], x[1], ones))
