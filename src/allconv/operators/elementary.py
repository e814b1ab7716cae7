"""Rounding, signs, powers, remainders, trigonometric and hyperbolic functions, cell by cell.

Those that no kernel computes run by their definition, which plans say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import FLOATS, WHOLE, Array, Discrete, Operator, Spec, Values
from allconv.operators.pointwise import Equal, Log, Pointwise, Select, Sqrt


@dataclass(frozen=True)
class Floor(Pointwise):
    """The largest whole number that is not larger; its gradient is 0."""

    function = np.floor

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (None,)


@dataclass(frozen=True)
class Round(Pointwise):
    """The nearest whole number, the even one of two; its gradient is 0."""

    function = np.rint

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (None,)


@dataclass(frozen=True)
class Sign(Pointwise):
    """1 above 0, -1 below, 0 at 0; NaN stays NaN; its gradient is 0."""

    function = np.sign

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (None,)


@dataclass(frozen=True)
class Power(Pointwise):
    """a to the power b.

    The gradient of a is 0 where b is 0, that of b is 0 where a is 0, and NaN where a is below.
    """

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")
    function = np.power

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        a, b = x
        no_power, no_base = Equal()(b, 0.0), Equal()(a, 0.0)
        slope = b * Power()(Select()(no_power, 1.0, a), b - 1.0)
        log = Log()(Select()(no_base, 1.0, a))
        return gy * slope, gy * Select()(no_base, 0.0, y) * log


@dataclass(frozen=True)
class Remainder(Pointwise):
    """What is left of a divided by b: with the sign of b, or, `truncated`, of a.

    Its gradient is that between its steps: 1, and minus the whole quotient.
    """

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")
    truncated: bool = False

    def compute(self, *x: Any) -> Any:
        return np.fmod(*x) if self.truncated else np.mod(*x)

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        a, b = x
        return gy, -(gy * Round()((a - y) / b))


@dataclass(frozen=True)
class Sin(Pointwise):
    """The sine."""

    function = np.sin

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * Cos()(x[0]),)


@dataclass(frozen=True)
class Cos(Pointwise):
    """The cosine."""

    function = np.cos

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (-(gy * Sin()(x[0])),)


@dataclass(frozen=True)
class Tan(Pointwise):
    """The tangent."""

    function = np.tan

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * (1.0 + y * y),)


@dataclass(frozen=True)
class Arcsin(Pointwise):
    """The angle from -pi/2 to pi/2 whose sine is x."""

    function = np.arcsin

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy / Sqrt()((1.0 - x[0]) * (1.0 + x[0])),)


@dataclass(frozen=True)
class Arccos(Pointwise):
    """The angle from 0 to pi whose cosine is x."""

    function = np.arccos

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (-(gy / Sqrt()((1.0 - x[0]) * (1.0 + x[0]))),)


@dataclass(frozen=True)
class Arctan(Pointwise):
    """The angle from -pi/2 to pi/2 whose tangent is x."""

    function = np.arctan

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy / (1.0 + x[0] * x[0]),)


@dataclass(frozen=True)
class Sinh(Pointwise):
    """The hyperbolic sine."""

    function = np.sinh

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * Cosh()(x[0]),)


@dataclass(frozen=True)
class Cosh(Pointwise):
    """The hyperbolic cosine."""

    function = np.cosh

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy * Sinh()(x[0]),)


@dataclass(frozen=True)
class Arcsinh(Pointwise):
    """The number whose hyperbolic sine is x."""

    function = np.arcsinh

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy / Sqrt()(1.0 + x[0] * x[0]),)


@dataclass(frozen=True)
class Arccosh(Pointwise):
    """The number of at least 0 whose hyperbolic cosine is x."""

    function = np.arccosh

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy / (Sqrt()(x[0] - 1.0) * Sqrt()(x[0] + 1.0)),)


@dataclass(frozen=True)
class Arctanh(Pointwise):
    """The number whose hyperbolic tangent is x."""

    function = np.arctanh

    def partials(self, x: Values, y: Any, gy: Any) -> Values:
        return (gy / ((1.0 - x[0]) * (1.0 + x[0])),)


@dataclass(frozen=True)
class Truth(Discrete):
    """Whether x is above 0, as bool."""

    def check(self, *x: Spec) -> None:
        self.check_floats(*x)

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (Spec(x[0].shape, "bool"),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (np.asarray(np.ascontiguousarray(x[0] > 0)).reshape(x[0].shape),)


@dataclass(frozen=True)
class ToWhole(Discrete):
    """Floats as whole numbers of a dtype: cut towards 0, beyond the dtype its largest or least
    number, NaN as 0."""

    to: str

    def check(self, *x: Spec) -> None:
        self.check_floats(*x)
        if self.to not in WHOLE or self.to == "bool":
            raise ShapeError(f"floats to {self.to}: a dtype of whole numbers is expected")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (Spec(x[0].shape, self.to),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        limits = np.iinfo(self.to)
        whole = np.where(np.isnan(x[0]), 0.0, np.trunc(x[0]))
        largest, least = whole >= float(limits.max), whole <= float(limits.min)
        y = np.where(largest | least, 0.0, whole).astype(self.to)
        y[largest], y[least] = limits.max, limits.min
        return (y,)


@dataclass(frozen=True)
class FromWhole(Discrete):
    """Whole numbers, or bools as 1 and 0, as floats."""

    to: str = "float32"

    def check(self, *x: Spec) -> None:
        if self.to not in FLOATS or x[0].is_float:
            raise ShapeError(f"{x[0].dtype} to {self.to}: whole numbers to floats are expected")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (Spec(x[0].shape, self.to),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (np.array(x[0], self.to, order="C"),)


UFUNCS: dict[str, Operator] = {
    **{
        each.function.__name__: each()
        for each in Pointwise.__subclasses__()
        if hasattr(each, "function")
    },
    "fmod": Remainder(truncated=True),
    "remainder": Remainder(),
}
"""Operators by the name of the NumPy function that each is."""
