"""The largest, the smallest and the product over axes, and the logarithm of a sum of exponentials.

Of no cells the largest is -inf, the smallest inf, the product 1. NaN comes through.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from allconv.operators.arrange import Slice
from allconv.operators.base import Array, Spec, Values, narrow, wide
from allconv.operators.pointwise import Equal, Exp, Log, Maximum, Multiply, Negate, Select
from allconv.operators.reduce import Broadcast, Reduction, Sum


@dataclass(frozen=True)
class _CellReduction(Reduction):
    """What these share with a sum: the axes, which disappear (or stay with size 1 when `keep`)."""

    nothing: ClassVar[float]  # what no cells give

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_floats(*x)

    def define(self, *x: Array) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            return (narrow(np.asarray(self.reduced(wide(x[0]))), x[0]),)

    @abstractmethod
    def reduced(self, x: Array) -> Array:
        """The result, on float64 arrays."""

    def kept(self, y: Any, shape: tuple[int, ...]) -> Any:
        """A result, or its gradient, with the axes of x."""
        return y.reshape(self.kept_shape(shape))

    def halved(self, x: Any, join: Any) -> Any:
        """The same of a symbolic array: halves of an axis joined cell by cell until one is left."""
        kept = self.kept_shape(x.shape)
        if any(x.shape[axis] == 0 for axis in self.axes):
            x = Broadcast(kept)(x.builder.scalar(self.nothing, x.dtype))
        for axis in self.axes:
            left = []
            while x.shape[axis] > 1:
                half, odd = divmod(x.shape[axis], 2)
                if odd:
                    left.append(Slice.along(axis, x.shape, 2 * half, 1)(x))
                x = join(*(Slice.along(axis, x.shape, at, half)(x) for at in (0, half)))
            for each in left:
                x = join(x, each)
        return x.reshape(self.result_shape(x.shape))


@dataclass(frozen=True)
class _Extreme(_CellReduction):
    """The gradient is shared out evenly between the cells that are the extreme."""

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        chosen = Equal()(x[0], self.kept(y[0], x[0].shape))
        count = Sum(self.axes, keep=True)(chosen)
        return (chosen * (self.kept(gy[0], x[0].shape) / count),)

    @abstractmethod
    def by_halves(self, x: Any) -> Any:
        """The same in elementary operators."""


@dataclass(frozen=True)
class Largest(_Extreme):
    """The largest number over some axes; NaN if there is one."""

    nothing: ClassVar[float] = -np.inf

    def reduced(self, x: Array) -> Array:
        return np.asarray(x.max(self.axes, keepdims=self.keep, initial=-np.inf))

    def by_halves(self, x: Any) -> Any:
        return self.halved(x, Maximum())


@dataclass(frozen=True)
class Smallest(_Extreme):
    """The smallest number over some axes; NaN if there is one."""

    nothing: ClassVar[float] = np.inf

    def reduced(self, x: Array) -> Array:
        return np.asarray(x.min(self.axes, keepdims=self.keep, initial=np.inf))

    def by_halves(self, x: Any) -> Any:
        return self.halved(x, lambda a, b: Negate()(Maximum()(Negate()(a), Negate()(b))))


@dataclass(frozen=True)
class Product(_CellReduction):
    """The product over some axes."""

    nothing: ClassVar[float] = 1.0

    def reduced(self, x: Array) -> Array:
        return np.asarray(x.prod(self.axes, keepdims=self.keep))

    def expand(self, *x: Any) -> Values:
        """The same in elementary operators, through which its gradient is taken, zeros too."""
        return (self.halved(x[0], Multiply()),)


@dataclass(frozen=True)
class LogSumExp(_CellReduction):
    """The logarithm of the sum of exp(x) over some axes, shifted by the largest x."""

    nothing: ClassVar[float] = -np.inf

    def reduced(self, x: Array) -> Array:
        most = x.max(self.axes, keepdims=True, initial=-np.inf)
        most = np.where(np.isfinite(most), most, 0.0)
        total = np.log(np.exp(x - most).sum(self.axes, keepdims=True)) + most
        return np.asarray(total if self.keep else total.squeeze(self.axes))

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        share = Exp()(x[0] - self.kept(y[0], x[0].shape))
        return (share * self.kept(gy[0], x[0].shape),)

    def shifted(self, x: Any) -> Any:
        """The same in other operators; what is not finite is not shifted."""
        most = Largest(self.axes, keep=True)(x)
        most = Select()(np.inf - abs(most), most, 0.0)
        total = Log()(Sum(self.axes, keep=True)(Exp()(x - most))) + most
        return total.reshape(self.result_shape(x.shape))
