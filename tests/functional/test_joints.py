"""Derivatives where pieces meet: a smooth function has those of its formula at every point.

Every function of `allconv.functional.pointwise` and every pointwise operator has a row in records;
one without fails. Points are joints, the cells beside them, and both zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv.functional import activations
from allconv.functional import pointwise as functions
from allconv.operators import pointwise as operators
from allconv.operators.base import Array
from allconv.testing import check_gradients
from allconv.trace import record
from records import activations as more
from records import elementary as functions_of_cells
from records import pointwise as records

JOINTS = records.JOINTS | more.JOINTS
TIES = records.TIES | functions_of_cells.TIES


def points(joints: tuple[float, ...], dtype: Any) -> Array:
    """The joints, both zeros, numbers just beside them, and others."""
    near = np.array([*joints, 0.0, -0.0], dtype)
    beside = 8 * np.abs(np.spacing(near))  # hardswish rounds x + 3
    return np.concatenate([near + by for by in (0, -beside, beside, dtype(0.25), dtype(-0.25))])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", JOINTS)
def test_functions(name: str, dtype: Any) -> None:
    """First and second derivatives are those of the formula, or those that the docstring names."""
    function, joints, slopes, _ = JOINTS[name]
    x = points(joints, dtype)
    first = ac.grad(lambda v: function(v).sum())
    second = ac.grad(lambda v: first(v).sum())
    tolerance = 64 * np.finfo(dtype).eps
    for ours, expected in zip((first(x), second(x)), slopes(x.astype(np.float64)), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", [n for n, row in JOINTS.items() if row[3]])
def test_smooth_functions_at_their_joints(name: str) -> None:
    """Central differences across the joint agree, as often as the function is smooth there."""
    function, joints, _, order = JOINTS[name]
    # Differences look a step to both sides, where the slope of a function smooth once is bent.
    tolerance = 1e-6 if order == 2 else 1e-4
    check_gradients(function, np.array([*joints, 0.0, -0.0]), order=order, tolerance=tolerance)


def test_every_function_has_a_row() -> None:
    """A new activation is looked at where its pieces meet, too."""
    files = (functions.__name__, activations.__name__)
    names = {n for n in F.__all__ if getattr(F, n).__module__ in files}
    assert names == {name.split()[0] for name in JOINTS}


@pytest.mark.parametrize("operator", TIES, ids=lambda operator: operator.__name__)
def test_operators(operator: type[operators.Pointwise]) -> None:
    """At ties, at both zeros and at the end of a domain the gradient is the written one."""
    operands, gradients = TIES[operator]
    arrays = [np.array(each, np.float64) for each in operands]
    _, pull = ac.vjp(lambda *x: record(operator(), *x), *arrays)
    for gradient, each in zip(pull(np.ones(arrays[0].shape)), gradients, strict=True):
        expected = np.zeros(arrays[0].shape) if each is None else each
        np.testing.assert_allclose(gradient, expected, rtol=1e-15)


def test_every_pointwise_operator_has_a_row() -> None:
    """A new pointwise operator joins the table."""
    every = (*records.RECORDS, *functions_of_cells.RECORDS)
    pointwise = {r.operator for r in every if issubclass(r.operator, operators.Pointwise)}
    assert set(TIES) == pointwise


@pytest.mark.parametrize("name", JOINTS)
def test_gradients_at_nan(name: str) -> None:
    """A NaN is told on by the value, and by a gradient that is not 0."""
    function = JOINTS[name][0]
    x = np.array([np.nan])
    assert np.isnan(function(x)).all()
    assert not (ac.grad(lambda v: function(v).sum())(x) == 0).any()
