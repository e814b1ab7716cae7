"""Local response normalisation against its formula, channel by channel."""

from __future__ import annotations

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv.errors import ArgumentError, ShapeError
from allconv.testing import check_gradients

X = np.random.default_rng(5).standard_normal((2, 7, 3, 2))


def by_hand(x: np.ndarray, size: int, alpha: float, beta: float, k: float) -> np.ndarray:
    """Every channel divided by a power of the squares around it."""
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        around = x[:, max(c - size // 2, 0) : c + (size - 1) // 2 + 1]
        y[:, c] = x[:, c] / (k + alpha / size * (around**2).sum(1)) ** beta
    return y


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9, 20])
def test_the_formula(size: int) -> None:
    """Eager, compiled, in both layouts; of even sizes, and of more channels than there are."""
    settings = (size, 0.9, 0.6, 1.5)
    expected = by_hand(X, *settings)
    np.testing.assert_allclose(F.local_response_norm(X, *settings), expected, 1e-12)
    program = ac.compile(lambda x: F.local_response_norm(x, *settings), X.shape, dtype="float64")
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(X, 1, -1)), -1, 1)
    for x in (X, last):
        np.testing.assert_allclose(program(x), expected, 1e-12)


def test_what_is_not_finite_reaches_the_channels_around_it() -> None:
    """And no others."""
    x = X.copy()
    x[0, 3] = np.nan
    y = F.local_response_norm(x, 3)
    assert np.isnan(y[0, 2:5]).all()
    assert np.isfinite(y[0, :2]).all()
    assert np.isfinite(y[0, 5:]).all()


def test_its_gradient() -> None:
    """Of the formula, of both orders."""
    check_gradients(lambda x: F.local_response_norm(x, 3, 0.9, 0.6, 1.5), X[:1])


def test_what_is_refused() -> None:
    """By name."""
    with pytest.raises(ArgumentError, match="size is 0"):
        F.local_response_norm(X, 0)
    with pytest.raises(ArgumentError, match="alpha is -1"):
        F.local_response_norm(X, 3, alpha=-1)
    with pytest.raises(ArgumentError, match="k is -1"):
        F.local_response_norm(X, 3, k=-1)
    with pytest.raises(ShapeError, match="at least 3 axes"):
        F.local_response_norm(X[0, 0], 3)
