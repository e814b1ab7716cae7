"""Operators that compute each element on its own, with NumPy's broadcasting between operands.

Conditions are floats: "true" is greater than 0. Every other activation is written with these in
`allconv.functional.pointwise`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import erf as scalar_erf
from math import pi, sqrt
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide
from allconv.operators.reduce import broadcast_shape, sum_to


@dataclass(frozen=True)
class Pointwise(Operator):
    """Base: operands broadcast together; each has `function` or `compute`, and `partials`."""

    function: ClassVar[np.ufunc]
    """The function of NumPy that it is, if it is one."""

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_floats(*x)
        try:
            broadcast_shape(*(each.shape for each in x))
        except ShapeError as error:
            raise ShapeError(f"{self.name}: {error.message}") from None

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(broadcast_shape(*(each.shape for each in x))),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            return (narrow(np.asarray(self.compute(*map(wide, x))), x[0]),)

    def compute(self, *x: Any) -> Any:
        """The result, on float64 arrays."""
        return self.function(*x)

    @abstractmethod
    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        """The gradient of each operand before broadcasting is undone."""

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        partials = self.partials(x, y[0], gy[0])
        return tuple(
            None if g is None else sum_to(g, each.shape)
            for each, g in zip(x, partials, strict=True)
        )


@dataclass(frozen=True)
class Add(Pointwise):
    """a + b."""

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")
    function = np.add

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return gy, gy


@dataclass(frozen=True)
class Subtract(Pointwise):
    """a - b."""

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")
    function = np.subtract

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return gy, -gy


@dataclass(frozen=True)
class Multiply(Pointwise):
    """a * b."""

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")
    function = np.multiply

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return gy * x[1], gy * x[0]


@dataclass(frozen=True)
class Divide(Pointwise):
    """a / b."""

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")
    function = np.divide

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        share = gy / x[1]
        return share, -(share * y)


@dataclass(frozen=True)
class Maximum(Pointwise):
    """The larger of a and b; NaN if either is, and then both have the gradient; at a tie a has it.

    So max(x, low) follows x at x = low, and max(low, x) does not.
    """

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")
    function = np.maximum

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        second = x[1] - x[0]
        return Select()(second, 0.0, gy), ReluGradient()(second, gy)


@dataclass(frozen=True)
class Negate(Pointwise):
    """-x."""

    function = np.negative

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (-gy,)


@dataclass(frozen=True)
class Absolute(Pointwise):
    """|x|; its gradient at 0 is 0."""

    function = np.absolute

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * (Heaviside()(x[0]) - Heaviside()(-x[0])),)


@dataclass(frozen=True)
class Heaviside(Pointwise):
    """1 where x > 0, else 0; its gradient is 0."""

    def compute(self, *x: Any) -> Any:
        return (x[0] > 0).astype(np.float64)

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (None,)


@dataclass(frozen=True)
class Equal(Pointwise):
    """1 where a and b are equal, else 0, also for NaN; its gradient is 0."""

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")

    def compute(self, *x: Any) -> Any:
        return (x[0] == x[1]).astype(np.float64)

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return None, None


@dataclass(frozen=True)
class Select(Pointwise):
    """a where c > 0, else b; where c is 0 the derivative, to any order, is that of b."""

    inputs: ClassVar[tuple[str, ...]] = ("c", "a", "b")

    def compute(self, *x: Any) -> Any:
        return np.where(x[0] > 0, x[1], x[2])

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return None, Select()(x[0], gy, 0.0), Select()(x[0], 0.0, gy)


@dataclass(frozen=True)
class Relu(Pointwise):
    """max(x, 0); NaN stays NaN; its gradient at 0 is 0."""

    def compute(self, *x: Any) -> Any:
        return np.maximum(x[0], 0.0)

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (ReluGradient()(y, gy),)


@dataclass(frozen=True)
class ReluGradient(Pointwise):
    """g where not y <= 0, else 0: the gradient of `Relu` from its result."""

    inputs: ClassVar[tuple[str, ...]] = ("y", "g")

    def compute(self, *x: Any) -> Any:
        return np.where(x[0] <= 0, 0.0, x[1])

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return None, ReluGradient()(x[0], gy)


@dataclass(frozen=True)
class Exp(Pointwise):
    """e to the x."""

    function = np.exp

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * y,)


@dataclass(frozen=True)
class Log(Pointwise):
    """The natural logarithm."""

    function = np.log

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy / x[0],)


@dataclass(frozen=True)
class Log1p(Pointwise):
    """log(1 + x), accurate near 0."""

    function = np.log1p

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy / (x[0] + 1.0),)


@dataclass(frozen=True)
class Sqrt(Pointwise):
    """The square root."""

    function = np.sqrt

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * 0.5 / y,)


@dataclass(frozen=True)
class Tanh(Pointwise):
    """The hyperbolic tangent."""

    function = np.tanh

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * (1.0 - y * y),)


@dataclass(frozen=True)
class Sigmoid(Pointwise):
    """1 / (1 + exp(-x))."""

    def compute(self, *x: Any) -> Any:
        return 1.0 / (1.0 + np.exp(-x[0]))

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * (y * (1.0 - y)),)


@dataclass(frozen=True)
class Erf(Pointwise):
    """The error function, 2/sqrt(pi) * integral of exp(-t*t) from 0 to x."""

    def compute(self, *x: Any) -> Any:
        return np.vectorize(scalar_erf, otypes=[np.float64])(x[0])

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * Exp()(-(x[0] * x[0])) * (2.0 / sqrt(pi)),)
