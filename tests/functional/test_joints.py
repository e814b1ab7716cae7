"""Derivatives where pieces meet: a smooth function has those of its formula at every point.

Every function of `allconv.functional.pointwise` and every pointwise operator has a row here; one
without fails. Points are joints, the cells beside them, and both zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, ndtr

import allconv as ac
from allconv import functional as F
from allconv.functional import pointwise as functions
from allconv.operators import pointwise as operators
from allconv.testing import check_gradients
from allconv.trace import record
from records import pointwise as records

Array = np.ndarray[Any, Any]
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
FUNCTIONS: dict[str, Row] = {
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


def points(joints: tuple[float, ...], dtype: Any) -> Array:
    """The joints, both zeros, numbers just beside them, and others."""
    near = np.array([*joints, 0.0, -0.0], dtype)
    beside = 8 * np.abs(np.spacing(near))  # hardswish rounds x + 3
    return np.concatenate([near + by for by in (0, -beside, beside, dtype(0.25), dtype(-0.25))])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, dtype: Any) -> None:
    """First and second derivatives are those of the formula, or those that the docstring names."""
    function, joints, slopes, _ = FUNCTIONS[name]
    x = points(joints, dtype)
    first = ac.grad(lambda v: function(v).sum())
    second = ac.grad(lambda v: first(v).sum())
    tolerance = 64 * np.finfo(dtype).eps
    for ours, wanted in zip((first(x), second(x)), slopes(x.astype(np.float64)), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", [n for n, row in FUNCTIONS.items() if row[3]])
def test_smooth_functions_at_their_joints(name: str) -> None:
    """Central differences across the joint agree, as often as the function is smooth there."""
    function, joints, _, order = FUNCTIONS[name]
    # Differences look a step to both sides, where the slope of a function smooth once is bent.
    tolerance = 1e-6 if order == 2 else 1e-4
    check_gradients(function, np.array([*joints, 0.0, -0.0]), order=order, tolerance=tolerance)


def test_every_function_has_a_row() -> None:
    """A new activation is looked at where its pieces meet, too."""
    names = {n for n in F.__all__ if getattr(F, n).__module__ == functions.__name__}
    assert names == {name.split()[0] for name in FUNCTIONS}


X = (0.0, -0.0)
# Operands, and the gradient of each; None: it has none.
Case = tuple[tuple[Any, ...], tuple[Any, ...]]
OPERATORS: dict[type[operators.Pointwise], Case] = {
    operators.Add: ((X, X), ([1, 1], [1, 1])),
    operators.Subtract: ((X, X), ([1, 1], [-1, -1])),
    operators.Multiply: ((X, X), ([0, 0], [0, 0])),
    operators.Divide: ((X, (1, -1)), ([1, -1], [0, 0])),
    operators.Maximum: (((0.0, -0.0, 2, np.nan), (0.0, 0.0, 2, 1)), ([1, 1, 1, 1], [0, 0, 0, 1])),
    operators.Negate: ((X,), ([-1, -1],)),
    operators.Absolute: ((X,), ([0, 0],)),
    operators.Heaviside: ((X,), (None,)),
    operators.Select: ((X, (1, 2), (3, 4)), (None, [0, 0], [1, 1])),
    operators.Relu: (((0.0, -0.0, np.nan),), ([0, 0, 1],)),
    operators.ReluGradient: ((X, (1, 2)), (None, [0, 0])),
    operators.Exp: ((X,), ([1, 1],)),
    operators.Log: (((1, 2),), ([1, 0.5],)),
    operators.Log1p: ((X,), ([1, 1],)),
    operators.Sqrt: (((0.0, 4),), ([np.inf, 0.25],)),
    operators.Tanh: ((X,), ([1, 1],)),
    operators.Sigmoid: ((X,), ([0.25, 0.25],)),
    operators.Erf: ((X,), ([2 / np.sqrt(np.pi)] * 2,)),
}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_operators(operator: type[operators.Pointwise]) -> None:
    """At ties, at both zeros and at the end of a domain the gradient is the written one."""
    operands, wanted = OPERATORS[operator]
    arrays = [np.array(each, np.float64) for each in operands]
    _, pull = ac.vjp(lambda *x: record(operator(), *x), *arrays)
    for gradient, each in zip(pull(np.ones(arrays[0].shape)), wanted, strict=True):
        expected = np.zeros(arrays[0].shape) if each is None else each
        np.testing.assert_allclose(gradient, expected, rtol=1e-15)


def test_every_pointwise_operator_has_a_row() -> None:
    """A new pointwise operator joins the table."""
    assert set(OPERATORS) == {record.operator for record in records.RECORDS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_at_nan(name: str) -> None:
    """A NaN is told on by the value, and by a gradient that is not 0."""
    function = FUNCTIONS[name][0]
    x = np.array([np.nan])
    assert np.isnan(function(x)).all()
    assert not (ac.grad(lambda v: function(v).sum())(x) == 0).any()
