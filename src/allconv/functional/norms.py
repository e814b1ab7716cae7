"""Layer, RMS, group and instance normalisation: each image, or vector, by its own statistics."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import apply, evaluate, public, take_floats
from allconv.functional.normalize import batch_norm, check_channels_exist
from allconv.intake.settings import flag, is_sequence, number, shape_of, whole
from allconv.operators.base import Array, Spec
from allconv.operators.norms import GroupNorm, LayerNorm
from allconv.operators.reduce import Sum
from allconv.operators.update import MovingAverage

__all__ = ["group_norm", "instance_norm", "layer_norm", "rms_norm"]

NUMBERS = ("weight", "bias")


@public
def layer_norm(
    x: Any,
    /,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Any:
    """Layer normalisation (Ba et al. 2016, arXiv:1607.06450).

    Shapes: x (..., *normalized_shape), weight and bias normalized_shape -> that of x; float32 or
    float64. y = (x - mean) / sqrt(variance + eps) * weight + bias over these last axes.

    >>> import numpy as np
    >>> layer_norm(np.array([[1.0, 3.0]]), 2, eps=0.0)
    array([[-1.,  1.]])
    """
    x, weight, bias = take_floats(optional=NUMBERS, x=x, weight=weight, bias=bias)
    axes = _last_axes(x, normalized_shape)
    return _applied(LayerNorm(axes, _eps(eps)), x, weight, bias)


@public
def rms_norm(
    x: Any, /, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None
) -> Any:
    """Root mean square normalisation (Zhang and Sennrich 2019, arXiv:1910.07467).

    Shapes: x (..., *normalized_shape), weight normalized_shape -> that of x; float32 or float64.
    y = x / sqrt(mean of x**2 + eps) * weight over these last axes; eps is the dtype's own if None.

    >>> import numpy as np
    >>> rms_norm(np.array([[3.0, 3.0]]), 2, eps=0.0)
    array([[1., 1.]])
    """
    x, weight = take_floats(optional=NUMBERS, x=x, weight=weight)
    axes = _last_axes(x, normalized_shape)
    least = float(np.finfo(str(x.dtype)).eps) if eps is None else _eps(eps)
    return _applied(LayerNorm(axes, least, centred=False), x, weight, None)


@public
def group_norm(
    x: Any, /, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Group normalisation (Wu and He 2018, arXiv:1803.08494).

    Shapes: x (N, C, ...), weight and bias (C,) -> that of x; float32 or float64.
    y = (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance those of each of
    `num_groups` groups of the channels of an image.
    """
    x, weight, bias = take_floats(optional=NUMBERS, x=x, weight=weight, bias=bias)
    return _applied(GroupNorm(whole("num_groups", num_groups, least=1), _eps(eps)), x, weight, bias)


@public
def instance_norm(
    x: Any,
    /,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    use_input_stats: bool = True,
) -> Any:
    """Instance normalisation (Ulyanov et al. 2016, arXiv:1607.08022).

    Shapes: x (N, C, ...) of at least 3 axes, everything else (C,) -> that of x; float32 or float64.
    y = (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance those of each channel
    of an image; the running ones with use_input_stats=False.

    If running ones are given beside the input's own, (y, running_mean, running_var) is returned,
    with these moved by `momentum` towards the mean over the batch of the means and of the unbiased
    variances. Nothing is written into.
    """
    if (running_mean is None) != (running_var is None):
        raise ArgumentError("one of running_mean and running_var is None; give both, or none")
    if not flag("use_input_stats", use_input_stats):
        if running_mean is None:
            raise ArgumentError("use_input_stats is False; give running_mean and running_var")
        return batch_norm(x, running_mean, running_var, weight, bias, eps=eps)
    x, mean, variance, weight, bias = take_floats(
        optional=("running_mean", "running_var", *NUMBERS),
        x=x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias,
    )  # fmt: skip
    check_channels_exist(x)
    y = _applied(GroupNorm(x.shape[1], _eps(eps)), x, weight, bias)
    share = number("momentum", momentum, "a number from 0 to 1", lambda n: 0 <= n <= 1)
    if mean is None:
        return y
    if prod(x.shape[2:]) < 2 or not x.shape[0]:
        raise ShapeError(f"x is {x.shape}: running statistics need more than one value a channel")
    for name, each in (("running_mean", mean), ("running_var", variance)):
        if each.shape != x.shape[1:2]:
            raise ShapeError(f"{name} is {each.shape}; x has {x.shape[1]} channels")
    return y, *evaluate(_moved, x, mean, variance, momentum=share)


def _moved(x: Any, running_mean: Any, running_var: Any, *, momentum: float) -> tuple[Any, Any]:
    space = tuple(range(2, len(x.shape)))
    count = prod(x.shape[2:])
    mean = apply(Sum(space, True), x) / count
    rest = x - mean
    variance = apply(Sum(space), rest * rest) / (count - 1)
    share: Array = np.array(momentum, str(running_mean.dtype))
    return (
        apply(MovingAverage(), running_mean, mean.reshape(x.shape[:2]).mean(0), share),
        apply(MovingAverage(), running_var, variance.mean(0), share),
    )


def _eps(eps: float) -> float:
    return number("eps", eps, "a number of at least 0", lambda n: 0 <= n < inf)


def _last_axes(x: Any, normalized_shape: int | Sequence[int]) -> int:
    """How many axes are normalised; refused where they have other sizes."""
    several = is_sequence(normalized_shape)
    expected = shape_of("normalized_shape", normalized_shape if several else [normalized_shape])
    if not expected or tuple(x.shape[-len(expected) :]) != expected:
        raise ShapeError(
            f"normalized_shape is {expected}; x is {x.shape}, and its last axes are expected"
        )
    return len(expected)


def _applied(operator: LayerNorm | GroupNorm, x: Any, weight: Any, bias: Any) -> Any:
    """The operator with the numbers that are given; a bias alone has weights of 1."""
    if bias is None:
        return apply(operator, *(each for each in (x, weight) if each is not None))
    if weight is None:
        weight = np.ones(operator.expected(Spec(tuple(x.shape), str(x.dtype))), str(x.dtype))
    return apply(operator, x, weight, bias)
