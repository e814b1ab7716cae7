"""Activations: each element on its own."""

from __future__ import annotations

from math import sqrt
from typing import Any

from allconv.errors import ArgumentError
from allconv.functional.call import apply, evaluate, public, take_float
from allconv.operators import pointwise as operators


@public
def relu(x: Any, /) -> Any:
    """max(x, 0); NaN stays NaN. Any shape; its gradient at 0 is 0."""
    return apply(operators.Relu(), take_float("x", x))


@public
def leaky_relu(x: Any, /, negative_slope: float = 0.01) -> Any:
    """x where x > 0, else negative_slope * x. Any shape."""
    return evaluate(
        _leaky_relu, take_float("x", x), slope=_number("negative_slope", negative_slope)
    )


@public
def elu(x: Any, /, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha * (exp(x) - 1). Clevert et al. 2016. Any shape."""
    return evaluate(_elu, take_float("x", x), alpha=_number("alpha", alpha))


@public
def gelu(x: Any, /, approximate: str = "none") -> Any:
    """x * Phi(x), Phi the normal distribution; "tanh" is the approximation of the paper.

    Any shape. Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f'approximate is {approximate!r}; "none" and "tanh" are possible')
    return evaluate(_gelu if approximate == "none" else _gelu_tanh, take_float("x", x))


@public
def silu(x: Any, /) -> Any:
    """x * sigmoid(x), also called swish. Any shape."""
    return evaluate(_silu, take_float("x", x))


@public
def sigmoid(x: Any, /) -> Any:
    """1 / (1 + exp(-x)). Any shape."""
    return apply(operators.Sigmoid(), take_float("x", x))


@public
def tanh(x: Any, /) -> Any:
    """The hyperbolic tangent. Any shape."""
    return apply(operators.Tanh(), take_float("x", x))


@public
def softplus(x: Any, /, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta*x)) / beta; x itself where beta*x > threshold. Any shape."""
    scale, limit = _number("beta", beta), _number("threshold", threshold)
    if scale == 0:
        raise ArgumentError("beta is 0; any other number is possible")
    return evaluate(_softplus, take_float("x", x), beta=scale, threshold=limit)


@public
def hardtanh(x: Any, /, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """x between min_val and max_val. Any shape; NaN stays NaN."""
    low, high = _number("min_val", min_val), _number("max_val", max_val)
    if not low < high:
        raise ArgumentError(f"min_val is {low}, max_val {high}; min_val must be below max_val")
    return evaluate(_hardtanh, take_float("x", x), low=low, high=high)


@public
def relu6(x: Any, /) -> Any:
    """min(max(x, 0), 6). Any shape."""
    return evaluate(_hardtanh, take_float("x", x), low=0.0, high=6.0)


@public
def hardswish(x: Any, /) -> Any:
    """x * min(max(x + 3, 0), 6) / 6. Howard et al. 2019, arXiv:1905.02244. Any shape."""
    return evaluate(_hardswish, take_float("x", x))


def _number(name: str, given: Any) -> float:
    try:
        if isinstance(given, bool):
            raise TypeError
        return float(given)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{name} is {given!r}; a number is wanted") from None


def _leaky_relu(x: Any, slope: float) -> Any:
    return apply(operators.Select(), x, x, x * slope)


def _elu(x: Any, alpha: float) -> Any:
    # The exponential of a large x, which is not chosen, would be inf: its gradient 0 * inf.
    below = -apply(operators.Relu(), -x)
    return apply(operators.Select(), x, x, (apply(operators.Exp(), below) - 1.0) * alpha)


def _gelu(x: Any) -> Any:
    return x * 0.5 * (apply(operators.Erf(), x * sqrt(0.5)) + 1.0)


def _gelu_tanh(x: Any) -> Any:
    inner = (x + x * x * x * 0.044715) * 0.7978845608028654  # sqrt(2 / pi)
    return x * 0.5 * (apply(operators.Tanh(), inner) + 1.0)


def _silu(x: Any) -> Any:
    return x * apply(operators.Sigmoid(), x)


def _softplus(x: Any, beta: float, threshold: float) -> Any:
    t = x * beta
    # log(1 + e^t) = max(t, 0) + log1p(e^-|t|), which cannot overflow.
    rest = apply(operators.Log1p(), apply(operators.Exp(), -apply(operators.Absolute(), t)))
    smooth = (apply(operators.Relu(), t) + rest) * (1.0 / beta)
    return apply(operators.Select(), t - threshold, x, smooth)


def _hardtanh(x: Any, low: float, high: float) -> Any:
    raised = apply(operators.Maximum(), x, low)
    return -apply(operators.Maximum(), -raised, -high)


def _hardswish(x: Any) -> Any:
    return x * _hardtanh(x + 3.0, 0.0, 6.0) * (1.0 / 6.0)
