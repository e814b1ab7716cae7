"""More activations: shrinking, thresholds, gates, and pieces with learnt or drawn slopes.

As in `functional.pointwise`, a smooth function has the derivatives of its formula where its pieces
meet; where the sides of a kink differ the docstring says which derivative counts, as in PyTorch.
"""

from __future__ import annotations

from math import inf, isfinite, isnan
from typing import Any

from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.functional.call import apply, evaluate, public, take_float, take_floats
from allconv.functional.pointwise import below_by_exp, bounded, leaky_relu, smooth_relu
from allconv.intake.settings import flag, number, whole
from allconv.operators import pointwise as operators
from allconv.operators.arrange import Slice

__all__ = [
    "celu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "logsigmoid",
    "mish",
    "prelu",
    "rrelu",
    "selu",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
]

SELU_ALPHA, SELU_GAMMA = 1.6732632423543772, 1.0507009873554805


@public
def celu(x: Any, /, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha * (exp(x / alpha) - 1). Barron 2017, arXiv:1704.07483.

    Any shape. It is smooth once; at 0 its second derivative is that of the part below.
    """
    scale = number("alpha", alpha, "a number other than 0", lambda n: isfinite(n) and n != 0)
    return evaluate(_celu, take_float("x", x), alpha=scale)


@public
def selu(x: Any, /) -> Any:
    """gamma * elu(x, alpha), alpha 1.673..., gamma 1.0507.... Klambauer et al. 2017,
    arXiv:1706.02515.

    Any shape; at 0 its gradient is that of the part below: gamma * alpha.
    """
    return evaluate(scaled_elu, take_float("x", x), alpha=SELU_ALPHA, gamma=SELU_GAMMA)


@public
def threshold(x: Any, /, threshold: float, value: float) -> Any:
    """x where x > threshold, else value. Any shape; NaN stays NaN; its gradient at the threshold is
    0."""
    least = number("threshold", threshold, fits=lambda n: not isnan(n))
    low = number("value", value)
    return evaluate(_threshold, take_float("x", x), threshold=least, value=low)


@public
def hardsigmoid(x: Any, /) -> Any:
    """min(max(x / 6 + 1 / 2, 0), 1). Any shape; its gradient at -3 and at 3 is 0."""
    return evaluate(hard_sigmoid, take_float("x", x), alpha=1 / 6, beta=0.5)


@public
def mish(x: Any, /) -> Any:
    """x * tanh(softplus(x)). Any shape. Misra 2019, arXiv:1908.08681."""
    return evaluate(_mish, take_float("x", x))


@public
def softsign(x: Any, /) -> Any:
    """x / (1 + abs(x)). Any shape."""
    return evaluate(_softsign, take_float("x", x))


@public
def hardshrink(x: Any, /, lambd: float = 0.5) -> Any:
    """x where abs(x) > lambd, else 0. Any shape; NaN stays NaN; its gradient at both ends is 0."""
    return evaluate(_hardshrink, take_float("x", x), lambd=_least("lambd", lambd))


@public
def softshrink(x: Any, /, lambd: float = 0.5) -> Any:
    """x drawn towards 0 by lambd, 0 where abs(x) <= lambd. Any shape; its gradient at both ends is
    0."""
    return evaluate(_softshrink, take_float("x", x), lambd=_least("lambd", lambd))


@public
def tanhshrink(x: Any, /) -> Any:
    """x - tanh(x). Any shape."""
    return evaluate(_tanhshrink, take_float("x", x))


@public
def logsigmoid(x: Any, /) -> Any:
    """log(sigmoid(x)), without overflow. Any shape."""
    return evaluate(_logsigmoid, take_float("x", x))


@public
def glu(x: Any, /, dim: int = -1) -> Any:
    """a * sigmoid(b), a and b the halves of x along an axis. Dauphin et al. 2017, arXiv:1612.08083.

    Shapes: x (..., 2*n, ...) -> (..., n, ...).
    """
    x = take_float("x", x)
    rank = len(x.shape)
    if not rank:
        raise ShapeError("x has no axes; one of an even size is expected")
    axis = whole("dim", dim, least=-rank, most=rank - 1) % rank
    if x.shape[axis] % 2:
        raise ShapeError(f"x is {x.shape}; an even size along axis {axis} is expected")
    return evaluate(_glu, x, axis=axis)


@public
def prelu(x: Any, /, weight: Any) -> Any:
    """x where x > 0, else weight * x. He et al. 2015, arXiv:1502.01852.

    Shapes: x (N, C, ...), weight (C,) or (1,); with one weight any x. Its gradient at 0 is weight.
    """
    x, weight = take_floats(optional=(), x=x, weight=weight)
    channels = x.shape[1] if len(x.shape) > 1 else 1
    if weight.shape not in ((), (1,), (channels,)):
        raise ShapeError(
            f"weight is {weight.shape}; x is {x.shape}, so ({channels},) or (1,) is expected"
        )
    if weight.shape == (channels,) and len(x.shape) > 1:
        weight = weight.reshape((channels, *(1,) * (len(x.shape) - 2)))
    elif not x.shape:
        weight = weight.reshape(())
    return evaluate(sloped, x, weight)


@public
def rrelu(x: Any, /, lower: float = 1 / 8, upper: float = 1 / 3, *, training: bool = False) -> Any:
    """x where x > 0, else x * (lower + upper) / 2. Xu et al. 2015, arXiv:1505.00853.

    Any shape. In training, which is not supported, the slope would be drawn.
    """
    low, high = number("lower", lower), number("upper", upper)
    if low > high:
        raise ArgumentError(f"lower is {low}, upper {high}; lower must not be above upper")
    if flag("training", training):
        raise UnsupportedError("training is True: slopes are not drawn; use leaky_relu or prelu")
    return leaky_relu(x, (low + high) / 2)


def _least(name: str, given: float) -> float:
    return number(name, given, "a number of at least 0", lambda n: 0 <= n < inf)


def _celu(x: Any, alpha: float) -> Any:
    below = apply(operators.Select(), x, 0.0, x) * (1.0 / alpha)
    return apply(operators.Select(), x, x, (apply(operators.Exp(), below) - 1.0) * alpha)


def scaled_elu(x: Any, alpha: float, gamma: float) -> Any:
    """gamma * elu(x, alpha)."""
    return below_by_exp(x, alpha) * gamma


def _or_nan(x: Any, value: float) -> Any:
    """A number, NaN where x is."""
    return apply(operators.Select(), apply(operators.Equal(), x, x), value, x)


def _threshold(x: Any, threshold: float, value: float) -> Any:
    return apply(operators.Select(), x - threshold, x, _or_nan(x, value))


def hard_sigmoid(x: Any, alpha: float, beta: float) -> Any:
    """min(max(alpha * x + beta, 0), 1)."""
    return bounded(x * alpha + beta, 0.0, 1.0)


def _mish(x: Any) -> Any:
    return x * apply(operators.Tanh(), smooth_relu(x, 1.0, 20.0))


def _softsign(x: Any) -> Any:
    return x / (abs(x) + 1.0)


def _hardshrink(x: Any, lambd: float) -> Any:
    return apply(operators.Select(), abs(x) - lambd, x, _or_nan(x, 0.0))


def _softshrink(x: Any, lambd: float) -> Any:
    return apply(operators.Relu(), x - lambd) - apply(operators.Relu(), -x - lambd)


def _tanhshrink(x: Any) -> Any:
    return x - apply(operators.Tanh(), x)


def _logsigmoid(x: Any) -> Any:
    return -smooth_relu(-x, 1.0, inf)


def _glu(x: Any, axis: int) -> Any:
    half = x.shape[axis] // 2
    first, second = (apply(Slice.along(axis, x.shape, at, half), x) for at in (0, half))
    return first * apply(operators.Sigmoid(), second)


def sloped(x: Any, slope: Any) -> Any:
    """x where x > 0, else slope * x."""
    return apply(operators.Select(), x, x, x * slope)
