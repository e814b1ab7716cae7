"""Normalisation of each image, or each vector, by its own statistics: layer, RMS and group norm.

A variance is the mean of squared differences from the mean, taken in two passes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide
from allconv.operators.normalize import over_channels
from allconv.operators.pointwise import Sqrt
from allconv.operators.reduce import Sum


def standardized(x: Any, axes: tuple[int, ...], eps: float, *, centred: bool = True) -> Any:
    """(x - mean) / sqrt(variance + eps) over some axes of a symbolic array; without the mean if
    not `centred`."""
    count = prod(x.shape[axis] for axis in axes) or 1
    rest = x - Sum(axes, keep=True)(x) / count if centred else x
    variance = Sum(axes, keep=True)(rest * rest) / count
    return rest * (1.0 / Sqrt()(variance + eps))


def scaled(y: Any, numbers: Sequence[Any]) -> Any:
    """y times the first number, plus the second, as far as they are given."""
    y = y * numbers[0] if numbers else y
    return y + numbers[1] if len(numbers) > 1 else y


@dataclass(frozen=True)
class _OwnStatistics(Operator):
    """What both kinds share: the axes of a mean, and numbers for what is normalised."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "weight?", "bias?")

    @abstractmethod
    def expected(self, x: Spec) -> tuple[int, ...]:
        """The shape of weight and bias."""

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_floats(*x)
        expected = self.expected(x[0])
        for name, each in zip(("weight", "bias"), x[1:], strict=False):
            if each.shape != expected:
                raise ShapeError(f"{name} is {each.shape}; {expected} is expected for {x[0].shape}")

    def cost(self, *x: Spec) -> int:
        return 3 * x[0].size


@dataclass(frozen=True)
class LayerNorm(_OwnStatistics):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias over the last axes of x.

    Not `centred`, which is RMS norm: y = x / sqrt(mean of x**2 + eps) * weight + bias.
    Shapes: weight and bias those of the last `axes` axes. Ba et al. 2016, arXiv:1607.06450; Zhang
    and Sennrich 2019, arXiv:1910.07467.
    """

    axes: int
    eps: float
    centred: bool = True

    def __post_init__(self) -> None:
        if not self.eps >= 0 or self.axes < 1:
            raise ArgumentError(
                f"axes is {self.axes}, eps {self.eps}; at least 1 and 0 are expected"
            )

    def expected(self, x: Spec) -> tuple[int, ...]:
        if x.rank < self.axes:
            raise ShapeError(f"x is {x.shape}; at least {self.axes} axes are expected")
        return x.shape[x.rank - self.axes :]

    def over(self, rank: int) -> tuple[int, ...]:
        """The axes of a mean."""
        return tuple(range(rank - self.axes, rank))

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, *numbers = map(wide, x)
        if not data.size:
            return (x[0].copy(),)
        over = self.over(data.ndim)
        with np.errstate(all="ignore"):
            rest = data - data.mean(over, keepdims=True) if self.centred else data
            y = rest / np.sqrt((rest * rest).mean(over, keepdims=True) + self.eps)
            y = scaled(y, numbers)
        return (narrow(y, x[0]),)

    def expand(self, *x: Any) -> Values:
        """The same in elementary operators, through which its gradient is taken."""
        y = standardized(x[0], self.over(len(x[0].shape)), self.eps, centred=self.centred)
        return (scaled(y, x[1:]),)


@dataclass(frozen=True)
class GroupNorm(_OwnStatistics):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias, a group of channels each.

    As many groups as channels: instance norm. Shapes: x (N, C, *S), weight and bias (C,). Wu and He
    2018, arXiv:1803.08494; Ulyanov et al. 2016, arXiv:1607.08022.
    """

    groups: int
    eps: float

    def __post_init__(self) -> None:
        if not self.eps >= 0 or self.groups < 1:
            raise ArgumentError(
                f"groups is {self.groups}, eps {self.eps}; at least 1 and 0 are expected"
            )

    def expected(self, x: Spec) -> tuple[int, ...]:
        if x.rank < 2:
            raise ShapeError(f"x is {x.shape}; (N, C, ...) is expected")
        if not x.shape[1] or x.shape[1] % self.groups:
            raise ShapeError(
                f"x has {x.shape[1]} channels; {self.groups} groups do not divide them"
            )
        return x.shape[1:2]

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, *numbers = map(wide, x)
        if not data.size:
            return (x[0].copy(),)
        rows = data.reshape(data.shape[0], self.groups, -1)
        with np.errstate(all="ignore"):
            rest = rows - rows.mean(2, keepdims=True)
            y = rest / np.sqrt((rest * rest).mean(2, keepdims=True) + self.eps)
            y = y.reshape(data.shape)
            y = scaled(y, [over_channels(each, data.ndim) for each in numbers])
        return (narrow(y, x[0]),)

    def expand(self, *x: Any) -> Values:
        """The same in elementary operators, through which its gradient is taken."""
        data, rank = x[0], len(x[0].shape)
        numbers = [over_channels(each, rank) for each in x[1:]]  # before what takes them along
        channels = data.shape[1]
        if rank > 2 and self.groups == channels:
            y = standardized(data, tuple(range(2, rank)), self.eps)
        elif self.groups == 1:
            y = standardized(data, tuple(range(1, rank)), self.eps)
        else:
            sizes = (data.shape[0], self.groups, channels // self.groups, *data.shape[2:])
            y = standardized(data.reshape(sizes), tuple(range(2, rank + 1)), self.eps)
            y = y.reshape(data.shape)
        return (scaled(y, numbers),)
