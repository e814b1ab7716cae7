"""Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167).

Shapes: x (N, C, *S), everything of a channel (C,). n = N * prod(S) values a channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide
from allconv.operators.pointwise import Sqrt
from allconv.operators.reduce import Broadcast, Sum


def over_channels(vector: Any, rank: int) -> Any:
    """A (C,) vector as (1, C, 1, ...), to meet an array of `rank` axes."""
    return vector.reshape((1, -1, *(1,) * (rank - 2)))


@dataclass(frozen=True)
class _Normalization(Operator):
    """What the operators of batch normalisation share."""

    eps: float

    def __post_init__(self) -> None:
        if not self.eps > 0:
            raise ArgumentError(f"eps must be above 0, got {self.eps}")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_floats(*x)
        if x[0].rank < 2:
            raise ShapeError(f"x is {x[0].shape}; (N, C, ...) is expected")
        for name, each in zip(self.inputs, x, strict=True):
            if name == "gy":
                fits = each.shape == x[0].shape
            else:
                fits = name == "x" or each.shape == x[0].shape[1:2]
            if not fits:
                expected = x[0].shape if name == "gy" else f"({x[0].shape[1]},)"
                raise ShapeError(
                    f"{name} is {each.shape}; {expected} is expected for x {x[0].shape}"
                )

    def normal(self, x: Array, mean: Array, variance: Array) -> Array:
        """(x - mean) / sqrt(variance + eps), on float64 arrays."""
        rank = x.ndim
        scale = np.sqrt(over_channels(variance, rank) + self.eps)
        return np.asarray((x - over_channels(mean, rank)) / scale)


@dataclass(frozen=True)
class Normalize(_Normalization):
    """y = (x - mean) / sqrt(variance + eps) * gamma + beta, with given statistics (inference)."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "mean", "variance", "gamma", "beta")

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, mean, variance, gamma, beta = map(wide, x)
        rank = data.ndim
        y = self.normal(data, mean, variance) * over_channels(gamma, rank)
        return (narrow(y + over_channels(beta, rank), x[0]),)

    def expand(self, *x: Any) -> Values:
        """The same in elementary operators, through which its gradient is taken."""
        data, mean, variance, gamma, beta = x
        rank = len(data.shape)
        scale = gamma / Sqrt()(variance + self.eps)
        return ((data - over_channels(mean, rank)) * over_channels(scale, rank)
                + over_channels(beta, rank),)  # fmt: skip

    def cost(self, *x: Spec) -> int:
        return x[0].size


@dataclass(frozen=True)
class BatchNorm(_Normalization):
    """Normalisation by the batch's own statistics: y, mean, variance (biased), as in training."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "gamma", "beta")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        if not x[0].size:
            raise ShapeError(f"x is {x[0].shape}: a batch without values has no mean and variance")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return x[0], x[1], x[1]

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, gamma, beta = map(wide, x)
        axes = (0, *range(2, data.ndim))
        mean, variance = data.mean(axes), data.var(axes)
        y = self.normal(data, mean, variance) * over_channels(gamma, data.ndim)
        y += over_channels(beta, data.ndim)
        return narrow(y, x[0]), narrow(mean, x[0]), narrow(variance, x[0])

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        data, gamma = x[:2]
        count, rank = data.shape[0] * prod(data.shape[2:]), len(data.shape)
        gx = ggamma = gbeta = None
        if gy[0] is not None:
            gradient = BatchNormGradient(self.eps)
            gx, ggamma, gbeta = gradient(data, gamma, y[1], y[2], gy[0])
        if gy[1] is not None:
            share = Broadcast(data.shape)(over_channels(gy[1] * (1.0 / count), rank))
            gx = share if gx is None else gx + share
        if gy[2] is not None:
            share = (data - over_channels(y[1], rank)) * over_channels(gy[2] * (2.0 / count), rank)
            gx = share if gx is None else gx + share
        return gx, ggamma, gbeta

    def cost(self, *x: Spec) -> int:
        return 3 * x[0].size


@dataclass(frozen=True)
class BatchNormGradient(_Normalization):
    """The gradients of x, gamma and beta through `BatchNorm`.

    gbeta = sum gy; ggamma = sum gy*xhat; gx = gamma*rstd * (gy - gbeta/n - xhat*ggamma/n)
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "gamma", "mean", "variance", "gy")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return x[0], x[1], x[1]

    def define(self, *x: Array) -> tuple[Array, ...]:
        data, gamma, mean, variance, gy = map(wide, x)
        rank, axes = data.ndim, (0, *range(2, data.ndim))
        xhat = self.normal(data, mean, variance)
        count = data.size / len(gamma)
        gbeta, ggamma = gy.sum(axes), (gy * xhat).sum(axes)
        centred = gy - over_channels(gbeta / count, rank)
        centred -= xhat * over_channels(ggamma / count, rank)
        gx = centred * over_channels(gamma / np.sqrt(variance + self.eps), rank)
        return narrow(gx, x[0]), narrow(ggamma, x[0]), narrow(gbeta, x[0])

    def expand(self, *x: Any) -> Values:
        """The same in elementary operators, through which its gradient is taken."""
        data, gamma, mean, variance, gy = x
        rank = len(data.shape)
        axes, share = (0, *range(2, rank)), 1.0 / (data.shape[0] * prod(data.shape[2:]))
        rstd = 1.0 / Sqrt()(variance + self.eps)
        xhat = (data - over_channels(mean, rank)) * over_channels(rstd, rank)
        gbeta, ggamma = Sum(axes)(gy), Sum(axes)(gy * xhat)
        centred = gy - over_channels(gbeta * share, rank)
        centred = centred - xhat * over_channels(ggamma * share, rank)
        return centred * over_channels(gamma * rstd, rank), ggamma, gbeta

    def cost(self, *x: Spec) -> int:
        return 4 * x[0].size
