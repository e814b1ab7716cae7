"""Activations, normalisation, dropout and loss against formulas written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from allconv import functional as F
from allconv.random import dropout_bits

Array = np.ndarray[Any, Any]
X = np.concatenate([np.linspace(-30, 30, 121), [-1000.0, 1000.0]])
FORMULAS: list[tuple[str, Callable[[], Array], Array]] = [
    ("relu", lambda: F.relu(X), np.where(X > 0, X, 0)),
    ("leaky_relu", lambda: F.leaky_relu(X, 0.2), np.where(X > 0, X, 0.2 * X)),
    ("elu", lambda: F.elu(X, 2.0), np.where(X > 0, X, 2.0 * special.expm1(np.minimum(X, 0)))),
    ("gelu", lambda: F.gelu(X), X * special.ndtr(X)),
    (
        "gelu tanh",
        lambda: F.gelu(X, "tanh"),
        X * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3))),
    ),
    ("silu", lambda: F.silu(X), X * special.expit(X)),
    ("sigmoid", lambda: F.sigmoid(X), special.expit(X)),
    ("tanh", lambda: F.tanh(X), np.tanh(X)),
    ("softplus", lambda: F.softplus(X), np.where(X > 20, X, np.logaddexp(0, X))),
    (
        "softplus 2",
        lambda: F.softplus(X, 2.0, 8.0),
        np.where(2 * X > 8, X, np.logaddexp(0, 2 * X) / 2),
    ),
    ("hardtanh", lambda: F.hardtanh(X, -2.0, 3.0), np.clip(X, -2, 3)),
    ("relu6", lambda: F.relu6(X), np.clip(X, 0, 6)),
    ("hardswish", lambda: F.hardswish(X), X * np.clip(X + 3, 0, 6) / 6),
]


@pytest.mark.parametrize(("name", "ours", "wanted"), FORMULAS, ids=[f[0] for f in FORMULAS])
def test_formula(name: str, ours: Callable[[], Array], wanted: Array) -> None:
    """Each activation equals its formula, far from 0 too."""
    assert np.allclose(ours(), wanted, rtol=1e-12, atol=1e-12), name


def test_softmax() -> None:
    """softmax and log_softmax equal SciPy's, along any axis, without overflow."""
    x = np.random.default_rng(0).standard_normal((2, 3, 4)) * 500
    for dim in (0, 1, -1):
        assert np.allclose(F.softmax(x, dim), special.softmax(x, dim), rtol=1e-12, atol=1e-300)
        assert np.allclose(F.log_softmax(x, dim), special.log_softmax(x, dim), rtol=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(smoothing: float) -> None:
    """Mean, sum and none of -sum(target * log_softmax), with labels smoothed."""
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((5, 3, 2)), rng.integers(0, 3, (5, 2)).astype(np.uint8)
    target = np.moveaxis(np.eye(3)[labels], -1, 1) * (1 - smoothing) + smoothing / 3
    losses = -(target * special.log_softmax(x, 1)).sum(1)
    for reduction, wanted in (("none", losses), ("sum", losses.sum()), ("mean", losses.mean())):
        ours = F.cross_entropy(x, labels, reduction=reduction, label_smoothing=smoothing)
        assert ours.shape == np.shape(wanted)
        assert np.allclose(ours, wanted, rtol=1e-12)


def test_batch_norm_in_inference() -> None:
    """y = (x - mean) / sqrt(var + eps) * weight + bias with the running statistics."""
    rng = np.random.default_rng(2)
    x, (mean, weight, bias) = rng.standard_normal((4, 3, 5)), rng.standard_normal((3, 3))
    var = rng.uniform(0.5, 2, 3)
    y = F.batch_norm(x, mean, var, weight, bias, eps=1e-3)
    wanted = (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-3) * weight[:, None] + bias[:, None]
    assert np.allclose(y, wanted, rtol=1e-12)
    plain = F.batch_norm(x, mean, var)
    assert np.allclose(plain, (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-5), rtol=1e-12)


def test_batch_norm_in_training() -> None:
    """The batch's statistics normalise; running ones move by momentum, the variance unbiased."""
    x = np.random.default_rng(3).standard_normal((4, 3, 5))
    mean, var = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    y, new_mean, new_var = F.batch_norm(x, mean, var, momentum=0.25, training=True)
    centred = x - x.mean((0, 2))[:, None]
    assert np.allclose(y, centred / np.sqrt(x.var((0, 2))[:, None] + 1e-5), rtol=1e-12)
    assert np.allclose(new_mean, 0.75 * mean + 0.25 * x.mean((0, 2)), rtol=1e-12)
    assert np.allclose(new_var, 0.75 * var + 0.25 * x.var((0, 2), ddof=1), rtol=1e-12)
    assert mean.tolist() == [1.0, 2.0, 3.0]


def test_dropout_is_keyed() -> None:
    """Kept elements are x / (1 - p), where the word of (seed, step, layer, element) allows."""
    x = np.arange(1.0, 1001.0).reshape(10, 100)
    y = F.dropout(x, 0.25, seed=5, layer=3)
    kept = dropout_bits(5, 0, 3, x.size).reshape(x.shape) >= 2**30
    assert np.allclose(y, np.where(kept, x / 0.75, 0), rtol=1e-15)
    assert 0.2 < (y == 0).mean() < 0.3
    stepped = F.dropout(x, 0.25, seed=np.array([5, 1]), layer=3)
    assert not np.array_equal(stepped, y)


def test_dropout_outside_training() -> None:
    """Without training, or with p = 0, the result is x, in memory of its own."""
    x = np.ones(3)
    for y in (F.dropout(x, training=False), F.dropout(x, 0.0)):
        assert np.array_equal(x, y)
        assert not np.shares_memory(x, y)


def test_arrange() -> None:
    """pad, flatten and concatenate equal NumPy's, and never return their argument."""
    x = np.arange(24.0).reshape(2, 3, 4)
    assert np.array_equal(F.pad(x, (1, 2), value=7.0),
                          np.pad(x, ((0, 0), (0, 0), (1, 2)), constant_values=7))  # fmt: skip
    assert np.array_equal(F.pad(x, (-1, 0, 1, 0)), np.pad(x[..., 1:], ((0, 0), (1, 0), (0, 0))))
    assert np.array_equal(F.flatten(x), x.ravel())
    assert np.array_equal(F.flatten(x, 1), x.reshape(2, 12))
    assert np.array_equal(F.flatten(x, 0, 1), x.reshape(6, 4))
    assert not np.shares_memory(F.flatten(x, 1, 1), x)
    assert np.array_equal(F.concatenate([x, x], -1), np.concatenate([x, x], -1))


def test_linear() -> None:
    """x @ weight.T + bias over any number of leading axes."""
    rng = np.random.default_rng(4)
    weight, bias = rng.standard_normal((5, 4)), rng.standard_normal(5)
    for shape in ((4,), (3, 4), (2, 3, 4)):
        x = rng.standard_normal(shape)
        assert np.allclose(F.linear(x, weight, bias), x @ weight.T + bias, rtol=1e-12)
        assert np.allclose(F.linear(x, weight), x @ weight.T, rtol=1e-12, atol=1e-15)


def test_locally_connected_by_hand() -> None:
    """Every output cell uses weights of its own."""
    rng = np.random.default_rng(5)
    x = rng.integers(-3, 4, (2, 2, 5, 4)).astype(np.float64)
    w = rng.integers(-3, 4, (4, 1, 3, 2, 2, 2)).astype(np.float64)
    b = rng.integers(-3, 4, (4, 2, 2)).astype(np.float64)
    y = F.locally_connected2d(x, w, b, stride=2, groups=2)
    for o in range(4):
        for i in range(2):
            for j in range(2):
                patch = x[:, o // 2, 2 * i : 2 * i + 3, 2 * j : 2 * j + 2]
                wanted = (patch * w[o, 0, :, :, i, j]).sum((1, 2)) + b[o, i, j]
                assert np.array_equal(y[:, o, i, j], wanted)
