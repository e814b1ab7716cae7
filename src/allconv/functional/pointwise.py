"""Activations: each element on its own.

A smooth function has the derivatives of its formula at every point, where it is computed in two
pieces too: pieces are joined by `Select`, which takes the second one at 0, and both its value and
its derivatives there are those of the formula. Where the two sides of a kink differ the docstring
says which derivative counts, as in PyTorch.
"""

from __future__ import annotations

from math import isfinite, isnan, sqrt
from typing import Any

from allconv.errors import ArgumentError
from allconv.functional.call import apply, evaluate, public, take_float
from allconv.intake.settings import choice, number
from allconv.operators import pointwise as operators

__all__ = [
    "elu",
    "gelu",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "relu",
    "relu6",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
]


@public
def relu(x: Any, /) -> Any:
    """max(x, 0); NaN stays NaN. Any shape; its gradient at 0 is 0."""
    return apply(operators.Relu(), take_float("x", x))


@public
def leaky_relu(x: Any, /, negative_slope: float = 0.01) -> Any:
    """x where x > 0, else negative_slope * x. Any shape; its gradient at 0 is negative_slope."""
    return evaluate(_leaky_relu, take_float("x", x), slope=number("negative_slope", negative_slope))


@public
def elu(x: Any, /, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha * (exp(x) - 1). Clevert et al. 2016, arXiv:1511.07289.

    Any shape. At 0 its gradient, and the gradient of that, are those of the part below: alpha.
    """
    return evaluate(below_by_exp, take_float("x", x), alpha=number("alpha", alpha))


@public
def gelu(x: Any, /, approximate: str = "none") -> Any:
    """x * Phi(x), Phi the normal distribution; "tanh" is the approximation of the paper.

    Any shape. Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """
    exact = choice("approximate", approximate, ("none", "tanh")) == "none"
    return evaluate(_gelu if exact else _gelu_tanh, take_float("x", x))


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
    """log(1 + exp(beta*x)) / beta; x itself where beta*x > threshold. Any shape.

    Its gradient is the sigmoid of beta*x up to the threshold, and 1 above.
    """
    scale = number("beta", beta, "a number other than 0", lambda n: isfinite(n) and n != 0)
    limit = number("threshold", threshold, fits=lambda n: not isnan(n))
    return evaluate(smooth_relu, take_float("x", x), beta=scale, threshold=limit)


@public
def hardtanh(x: Any, /, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """x between min_val and max_val. Any shape; NaN stays NaN; its gradient at both ends is 0."""
    low = number("min_val", min_val, fits=lambda n: not isnan(n))
    high = number("max_val", max_val, fits=lambda n: not isnan(n))
    if not low < high:
        raise ArgumentError(f"min_val is {low}, max_val {high}; min_val must be below max_val")
    return evaluate(bounded, take_float("x", x), low=low, high=high)


@public
def relu6(x: Any, /) -> Any:
    """min(max(x, 0), 6). Any shape; its gradient at 0 and at 6 is 0."""
    return evaluate(bounded, take_float("x", x), low=0.0, high=6.0)


@public
def hardswish(x: Any, /) -> Any:
    """x * min(max(x + 3, 0), 6) / 6. Howard et al. 2019, arXiv:1905.02244.

    Any shape; its gradient at -3 is 0 and at 3 is 1: those of the straight parts.
    """
    return evaluate(_hardswish, take_float("x", x))


def _leaky_relu(x: Any, slope: float) -> Any:
    return apply(operators.Select(), x, x, x * slope)


def below_by_exp(x: Any, alpha: float) -> Any:
    """x where x > 0, else alpha * (exp(x) - 1)."""
    # The exponential of a large x, which is not chosen, would be inf: its gradient 0 * inf.
    below = apply(operators.Select(), x, 0.0, x)
    return apply(operators.Select(), x, x, (apply(operators.Exp(), below) - 1.0) * alpha)


def _gelu(x: Any) -> Any:
    return x * 0.5 * (apply(operators.Erf(), x * sqrt(0.5)) + 1.0)


def _gelu_tanh(x: Any) -> Any:
    inner = (x + x * x * x * 0.044715) * 0.7978845608028654  # sqrt(2 / pi)
    return x * 0.5 * (apply(operators.Tanh(), inner) + 1.0)


def _silu(x: Any) -> Any:
    return x * apply(operators.Sigmoid(), x)


def smooth_relu(x: Any, beta: float, threshold: float) -> Any:
    """log(1 + exp(beta*x)) / beta, and x above a threshold."""
    t = x * beta
    # log(1 + e^t) = max(t, 0) + log1p(e^-|t|), which cannot overflow. Both parts are those of
    # t <= 0 at t = 0, so that they have the derivatives of log1p(e^t) there.
    above, below = apply(operators.Select(), t, t, 0.0), apply(operators.Select(), t, -t, t)
    smooth = (above + apply(operators.Log1p(), apply(operators.Exp(), below))) * (1.0 / beta)
    return apply(operators.Select(), t - threshold, x, smooth)


def bounded(x: Any, low: float, high: float) -> Any:
    """x between two numbers."""
    # Bounds come first: at a tie they have the gradient.
    raised = apply(operators.Maximum(), low, x)
    return -apply(operators.Maximum(), -high, -raised)


def _hardswish(x: Any) -> Any:
    return x * bounded(x + 3.0, 0.0, 6.0) * (1.0 / 6.0)
