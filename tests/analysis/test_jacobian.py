"""`jacobian`: every cell of a result by every cell of an argument."""

from __future__ import annotations

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv.errors import ArgumentError, TraceError
from allconv.operators.base import Spec
from allconv.trace import trace

X = np.array([1.0, -2.0, 3.0])


def test_of_a_function_that_is_not_linear() -> None:
    """The derivative at a point."""
    np.testing.assert_array_equal(ac.jacobian(lambda x: x**3, X), np.diag(3 * X**2))
    outer = ac.jacobian(lambda x: x[:2].reshape(2, 1) * x.reshape(1, 3), X)
    assert outer.shape == (2, 3, 3)
    assert (outer[1, 0, 0], outer[1, 0, 1], outer[1, 0, 2]) == (-2.0, 1.0, 0.0)


def test_of_several_arguments() -> None:
    """`argnums` chooses; a tuple gives a tuple; others may hold integers."""
    w = np.array([[[2.0, 5.0]]])
    x = np.array([[[1.0, 2, 3]]])
    gx, gw = ac.jacobian(F.conv1d, x, w, argnums=(0, 1))
    np.testing.assert_array_equal(gx.reshape(2, 3), [[2, 5, 0], [0, 2, 5]])
    np.testing.assert_array_equal(gw.reshape(2, 2), [[1, 2], [2, 3]])
    np.testing.assert_array_equal(ac.jacobian(F.conv1d, x, w, argnums=1), gw)
    loss = ac.jacobian(F.cross_entropy, np.zeros((1, 2)), np.array([1]))
    np.testing.assert_allclose(loss, [[0.5, -0.5]], rtol=1e-12)


def test_dtype_and_scalars() -> None:
    """The dtype is the result's, and a number has a Jacobian of the argument's shape."""
    single = ac.jacobian(lambda x: x * 2.0, X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(ac.jacobian(lambda x: (x * x).sum(), X), 2 * X)
    assert ac.jacobian(lambda x: x * 2.0, np.zeros((0,))).shape == (0, 0)


def test_refusals() -> None:
    """Several results, and traces, are refused."""
    with pytest.raises(ArgumentError, match="f returns a tuple; one array of floats"):
        ac.jacobian(lambda x: (x, x), X)
    with pytest.raises(TraceError, match="jacobian takes arrays; inside a trace use vjp"):
        trace(lambda x: ac.jacobian(lambda y: y * 2.0, x), Spec((3,)))
