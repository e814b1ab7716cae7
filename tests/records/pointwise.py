"""Records of the operators that compute each element on its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit, ndtr

from allconv import functional as F
from allconv.operators import pointwise
from allconv.operators.base import Array, Operator, Spec
from records.record import (
    Function,
    Record,
    draw_array,
    draw_dtype,
    draw_shape,
    onnx_results,
    refusal,
)


def draw_broadcast(data: st.DataObject, count: int) -> list[tuple[int, ...]]:
    """Shapes that broadcast together: axes of size 1, or missing at the front."""
    full = draw_shape(data)
    shapes = []
    for _ in range(count):
        start = data.draw(st.sampled_from([0, 0, *range(len(full) + 1)]))
        ones = data.draw(st.lists(st.booleans(), min_size=len(full), max_size=len(full)))
        shapes.append(tuple(1 if one else n for n, one in zip(full, ones, strict=True))[start:])
    if count > 1:
        shapes[data.draw(st.integers(0, count - 1))] = full
    return shapes if count > 1 else [full]


def draw(
    data: st.DataObject, operator: type[Operator], scale: float, low: int, high: int
) -> tuple[Operator, tuple[Array, ...]]:
    """Multiples of `scale` in shapes that broadcast."""
    dtype = draw_dtype(data)
    shapes = draw_broadcast(data, len(operator.inputs))
    arrays = (draw_array(data, shape, dtype, low, high) for shape in shapes)
    return operator(), tuple(np.asarray(a * np.array(scale, dtype)) for a in arrays)


def draw_divide(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Denominators that are powers of two: the quotient is exact."""
    dtype = draw_dtype(data)
    over, under = draw_broadcast(data, 2)
    power = draw_array(data, under, dtype, -3, 3)
    return pointwise.Divide(), (draw_array(data, over, dtype), np.asarray(np.exp2(power)))


def brute(operator: Operator, *arrays: Array, scalar: Callable[..., float]) -> tuple[Array, ...]:
    """The scalar function on every element."""
    full = [np.asarray(a, np.float64) for a in np.broadcast_arrays(*arrays)]
    y = np.zeros(full[0].shape)
    for cell in np.ndindex(y.shape):
        y[cell] = scalar(*(float(a[cell]) for a in full))
    return (y,)


def onnx_one(operator: Operator, *arrays: Array, name: str) -> tuple[Any, ...]:
    """The operator of ONNX of that name."""
    return onnx_results(name, arrays)


def numpy_one(operator: Operator, *arrays: Array, function: Callable[..., Any]) -> tuple[Any, ...]:
    """A function of NumPy or SciPy."""
    return (function(*arrays),)


SHAPES = (
    refusal(r"Add: \(2, 3\) and \(4,\) do not broadcast", pointwise.Add, (2, 3), (4,)),
    refusal("Add: float32 and float64 meet", pointwise.Add, (2,), Spec((2,), "float64")),
    refusal("Add takes float32 or float64, not int64", pointwise.Add, (2,), Spec((2,), "int64")),
    refusal("not bool; use .astype", pointwise.Add, Spec((2,), "bool"), (2,)),
)


def record(
    operator: type[Operator],
    scalar: Callable[..., float],
    *outsiders: str | Callable[..., Any],
    scale: float = 1.0,
    low: int = -4,
    high: int = 4,
    **facts: Any,
) -> Record:
    """A record of an operator that one scalar function defines."""
    chosen = tuple(
        partial(onnx_one, name=each) if isinstance(each, str) else partial(numpy_one, function=each)
        for each in outsiders
    )
    drawing = partial(draw, operator=operator, scale=scale, low=low, high=high)
    facts.setdefault("draw", drawing)
    return Record(operator, brute=partial(brute, scalar=scalar), outsiders=chosen, **facts)


def scipy_erf(x: Array) -> Any:
    """SciPy's error function."""
    from scipy.special import erf

    return erf(x)


def scipy_expit(x: Array) -> Any:
    """SciPy's logistic function."""
    from scipy.special import expit

    return expit(x)


def not_positive(x: Array, y: Array, z: Array) -> Any:
    """NumPy's choice by a condition."""
    return np.where(x > 0, y, z)


SMOOTH = {"scale": 0.375, "ulp": 4.0, "outsider_ulp": 8.0}
ABOVE_ZERO = {**SMOOTH, "low": 1, "high": 9, "points": "positive"}

RECORDS = (
    record(pointwise.Add, lambda a, b: a + b, "Add", linear=(("a", "b"),), refusals=SHAPES),
    record(pointwise.Subtract, lambda a, b: a - b, "Sub", linear=(("a", "b"),)),
    record(pointwise.Multiply, lambda a, b: a * b, "Mul", linear=(("a",), ("b",))),
    record(
        pointwise.Divide,
        lambda a, b: a / b,
        "Div",
        draw=draw_divide,
        linear=(("a",),),
        points="positive",
    ),
    record(pointwise.Maximum, max, "Max", points="distinct"),
    record(pointwise.Negate, lambda x: 0.0 - x, "Neg", linear=(("x",),)),
    record(pointwise.Absolute, abs, "Abs", points="distinct"),
    record(
        pointwise.Heaviside,
        lambda x: float(x > 0),
        lambda x: np.heaviside(x, 0),
        points="distinct",
    ),
    record(
        pointwise.Equal,
        lambda a, b: float(a == b),
        lambda a, b: (a == b).astype(float),
        points="distinct",
    ),
    record(
        pointwise.Select,
        lambda c, a, b: a if c > 0 else b,
        not_positive,
        linear=(("a", "b"),),
        fixed=("c",),
        refusals=(
            refusal("Select takes c, a, b; got 2", pointwise.Select, (2,), (2,)),
            refusal(r"\(2,\) and \(3,\) and \(2,\) do not", pointwise.Select, (2,), (3,), (2,)),
        ),
    ),
    record(pointwise.Relu, lambda x: max(x, 0.0), "Relu", points="distinct"),
    record(
        pointwise.ReluGradient,
        lambda y, g: 0.0 if y <= 0 else g,
        linear=(("g",),),
        fixed=("y",),
    ),
    record(pointwise.Exp, math.exp, "Exp", **SMOOTH),
    record(pointwise.Log, math.log, "Log", **ABOVE_ZERO),
    record(pointwise.Log1p, math.log1p, np.log1p, **ABOVE_ZERO),
    record(pointwise.Sqrt, math.sqrt, "Sqrt", **ABOVE_ZERO),
    record(pointwise.Tanh, math.tanh, "Tanh", **SMOOTH),
    record(pointwise.Sigmoid, lambda x: 1 / (1 + math.exp(-x)), scipy_expit, **SMOOTH),
    record(pointwise.Erf, math.erf, scipy_erf, **SMOOTH),
)

FUNCTIONS = (
    Function("relu", torch="x"),
    Function("leaky_relu", torch="x negative_slope=0.01"),
    Function("elu", torch="x alpha=1.0"),
    Function("gelu", torch="x approximate='none'"),
    Function("silu", torch="x"),
    Function("sigmoid", torch="x"),
    Function("tanh", torch="x"),
    Function("softplus", torch="x beta=1.0 threshold=20.0"),
    Function("hardtanh", torch="x min_val=-1.0 max_val=1.0"),
    Function("relu6", torch="x"),
    Function("hardswish", torch="x"),
)


# Activations at their joints, and operators at ties, both zeros and the ends of domains.

Slope = Callable[[Array], Array]


def density(x: Array) -> Array:
    """The normal distribution's."""
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def silu_slopes(x: Array) -> tuple[Array, Array]:
    """Of x * s, where s' = s * (1 - s)."""
    s = expit(x)
    r = s * (1 - s)
    return s + x * r, r * (2 + x * (1 - 2 * s))


def gelu_tanh_slopes(x: Array) -> tuple[Array, Array]:
    """Of x/2 * (1 + tanh u), u = k*(x + a*x**3)."""
    k, a = np.sqrt(2 / np.pi), 0.044715
    t = np.tanh(k * (x + a * x**3))
    u1, u2, r = k * (1 + 3 * a * x * x), 6 * k * a * x, 1 - t * t
    return (1 + t) / 2 + x / 2 * r * u1, r * u1 + x / 2 * (r * u2 - 2 * t * r * u1 * u1)


def row(first: Slope, second: Slope | None = None) -> Callable[[Array], tuple[Array, Array]]:
    """Both derivatives; the second is 0 unless given."""
    return lambda x: (first(x), np.zeros_like(x) if second is None else second(x))


# Function, joints, first and second derivative, how often it is smooth at its joints.
Row = tuple[Callable[[Any], Any], tuple[float, ...], Callable[[Array], tuple[Array, Array]], int]
JOINTS: dict[str, Row] = {
    "relu": (F.relu, (0,), row(lambda x: 1.0 * (x > 0)), 0),
    "leaky_relu": (
        lambda x: F.leaky_relu(x, 0.25), (0,), row(lambda x: np.where(x > 0, 1, 0.25)), 0,
    ),
    "elu": (F.elu, (0,), row(lambda x: np.where(x > 0, 1, np.exp(x)),
                             lambda x: np.where(x > 0, 0, np.exp(x))), 1),
    "elu 2": (lambda x: F.elu(x, 2.0), (0,), row(lambda x: np.where(x > 0, 1, 2 * np.exp(x)),
                                                 lambda x: np.where(x > 0, 0, 2 * np.exp(x))), 0),
    "gelu": (F.gelu, (0,), row(lambda x: ndtr(x) + x * density(x),
                               lambda x: density(x) * (2 - x * x)), 2),
    "gelu tanh": (lambda x: F.gelu(x, "tanh"), (0,), gelu_tanh_slopes, 2),
    "silu": (F.silu, (0,), silu_slopes, 2),
    "sigmoid": (F.sigmoid, (0,), row(lambda x: expit(x) * expit(-x),
                                     lambda x: expit(x) * expit(-x) * (1 - 2 * expit(x))), 2),
    "tanh": (F.tanh, (0,), row(lambda x: 1 - np.tanh(x) ** 2,
                               lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2)), 2),
    "softplus": (F.softplus, (0,), row(expit, lambda x: expit(x) * expit(-x)), 2),
    "softplus 2": (
        lambda x: F.softplus(x, 2.0, 3.0), (0, 1.5),
        row(lambda x: np.where(2 * x > 3, 1, expit(2 * x)),
            lambda x: np.where(2 * x > 3, 0, 2 * expit(2 * x) * expit(-2 * x))), 0,
    ),
    "softplus -1": (lambda x: F.softplus(x, -1.0), (0,),
                    row(lambda x: expit(-x), lambda x: -expit(x) * expit(-x)), 2),
    "hardtanh": (F.hardtanh, (-1, 1), row(lambda x: 1.0 * (np.abs(x) < 1)), 0),
    "relu6": (F.relu6, (0, 6), row(lambda x: 1.0 * ((x > 0) & (x < 6))), 0),
    "hardswish": (
        F.hardswish, (-3, 3),
        row(lambda x: np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5)),
            lambda x: np.where(np.abs(x) < 3, 1 / 3, 0)), 0,
    ),
}  # fmt: skip

X = (0.0, -0.0)
# Operands, and the gradient of each; None: it has none.
Case = tuple[tuple[Any, ...], tuple[Any, ...]]
TIES: dict[type[pointwise.Pointwise], Case] = {
    pointwise.Add: ((X, X), ([1, 1], [1, 1])),
    pointwise.Subtract: ((X, X), ([1, 1], [-1, -1])),
    pointwise.Multiply: ((X, X), ([0, 0], [0, 0])),
    pointwise.Divide: ((X, (1, -1)), ([1, -1], [0, 0])),
    pointwise.Maximum: (((0.0, -0.0, 2, np.nan), (0.0, 0.0, 2, 1)), ([1, 1, 1, 1], [0, 0, 0, 1])),
    pointwise.Negate: ((X,), ([-1, -1],)),
    pointwise.Absolute: ((X,), ([0, 0],)),
    pointwise.Heaviside: ((X,), (None,)),
    pointwise.Equal: ((X, (0, 1)), (None, None)),
    pointwise.Select: ((X, (1, 2), (3, 4)), (None, [0, 0], [1, 1])),
    pointwise.Relu: (((0.0, -0.0, np.nan),), ([0, 0, 1],)),
    pointwise.ReluGradient: ((X, (1, 2)), (None, [0, 0])),
    pointwise.Exp: ((X,), ([1, 1],)),
    pointwise.Log: (((1, 2),), ([1, 0.5],)),
    pointwise.Log1p: ((X,), ([1, 1],)),
    pointwise.Sqrt: (((0.0, 4),), ([np.inf, 0.25],)),
    pointwise.Tanh: ((X,), ([1, 1],)),
    pointwise.Sigmoid: ((X,), ([0.25, 0.25],)),
    pointwise.Erf: ((X,), ([2 / np.sqrt(np.pi)] * 2,)),
}
