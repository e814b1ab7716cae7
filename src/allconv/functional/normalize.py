"""Batch normalisation, and local response normalisation over channels."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import apply, evaluate, public, take_float, take_floats
from allconv.intake.settings import flag, number, whole
from allconv.operators.base import Array
from allconv.operators.normalize import BatchNorm, Normalize
from allconv.operators.pool import AveragePool
from allconv.operators.update import MovingAverage
from allconv.window import Window

__all__ = ["batch_norm", "local_response_norm"]


@public
def batch_norm(
    x: Any,
    /,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    training: bool = False,
) -> Any:
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167).

    Shapes: x (N, C, ...), everything else (C,); float32 or float64.
    y = (x - mean) / sqrt(variance + eps) * weight + bias, a channel each.

    In inference mean and variance are the running ones, and y is returned. In training they are the
    batch's, and (y, running_mean, running_var) is returned, with the running ones moved by
    `momentum` towards the batch's mean and its unbiased variance. Nothing is written into.
    """
    if running_mean is None or running_var is None:
        raise ArgumentError("running_mean and running_var are expected; start with zeros and ones")
    x, mean, variance, weight, bias = take_floats(
        optional=("weight", "bias"),
        x=x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias,
    )  # fmt: skip
    if len(x.shape) < 2 or 0 in x.shape[1:]:
        raise ShapeError(f"x is {x.shape}; (N, C, ...) with C at least 1 is expected")
    channels = x.shape[1]
    weight = np.ones(channels, str(x.dtype)) if weight is None else weight
    bias = np.zeros(channels, str(x.dtype)) if bias is None else bias
    given = {"running_mean": mean, "running_var": variance, "weight": weight, "bias": bias}
    for name, each in given.items():
        if each.shape != (channels,):
            raise ShapeError(
                f"{name} is {each.shape}; x has {channels} channels, so ({channels},) is expected"
            )
    eps = number("eps", eps, "a number above 0", lambda n: 0 < n < inf)
    momentum = number("momentum", momentum, "a number from 0 to 1", lambda n: 0 <= n <= 1)
    if not flag("training", training):
        return apply(Normalize(eps), x, mean, variance, weight, bias)
    count = x.shape[0] * prod(x.shape[2:])
    if count < 2:
        raise ShapeError(f"x is {x.shape}: training needs more than one value a channel")
    return evaluate(
        _train, x, mean, variance, weight, bias, eps=eps, momentum=momentum, count=count
    )


def _train(
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any,
    bias: Any,
    *,
    eps: float,
    momentum: float,
    count: int,
) -> tuple[Any, Any, Any]:
    y, mean, variance = apply(BatchNorm(eps), x, weight, bias)
    share: Array = np.array(momentum, str(running_mean.dtype))
    unbiased = variance * (count / (count - 1))
    return (
        y,
        apply(MovingAverage(), running_mean, mean, share),
        apply(MovingAverage(), running_var, unbiased, share),
    )


@public
def local_response_norm(
    x: Any, /, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Local response normalisation (Krizhevsky et al. 2012, section 3.3).

    Shapes: x (N, C, ...) -> the same; float32 or float64.
    y[c] = x[c] / (k + alpha/size * sum of x[c']**2)**beta over `size` channels c' around c, of an
    even number one more before it than after it; channels that do not exist count as 0. alpha and k
    are not negative.

    >>> import numpy as np
    >>> local_response_norm(np.ones((1, 3, 1, 1)), 3, alpha=3.0, beta=1.0).ravel().round(6)
    array([0.333333, 0.25    , 0.333333])
    """
    x = take_float("x", x)
    size = whole("size", size, least=1, most=MOST_AROUND)
    alpha, k = (number(name, n, "a number of at least 0", lambda n: 0 <= n < inf)
                for name, n in (("alpha", alpha), ("k", k)))  # fmt: skip
    beta = number("beta", beta)
    check_channels_exist(x)
    around = (size // 2, (size - 1) // 2)
    return evaluate(respond_locally, x, around=around, alpha=alpha, beta=beta, k=k)


MOST_AROUND = 1 << 20  # channels


def check_channels_exist(x: Any) -> None:
    """Refuse an array without channels or without pixels; an empty batch is legal."""
    if len(x.shape) < 3 or 0 in x.shape[1:]:
        raise ShapeError(
            f"x is {x.shape}; (N, C, ...) of no size 0 and at least 3 axes is expected"
        )


def respond_locally(x: Any, *, around: tuple[int, int], alpha: float, beta: float, k: float) -> Any:
    """Local response normalisation over so many channels before and after each.

    The channels of a pixel are a row over which a mean slides; pixels are its channels.
    """
    batch, channels = x.shape[:2]
    rows = x.reshape((batch, channels, prod(x.shape[2:]))).transpose((0, 2, 1))
    window = Window.forward((channels,), (1 + sum(around),), padding=(around,))
    mean = apply(AveragePool(window, count_padding=True), rows * rows)
    scale = np.exp(np.log(mean * alpha + k) * -beta)
    return (rows * scale).transpose((0, 2, 1)).reshape(x.shape)
