"""Convolutions as locally connected and as linear layers: the same numbers."""

from __future__ import annotations

import random
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

import allconv as ac
from allconv import nn
from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from tiers import slowed

from .making import CONVOLUTIONS, MAX_POOLS

EACH = 12


def drawn(seed: int) -> tuple[nn.Sequential, tuple[int, ...]]:
    """Two convolutions with pooling between them and a linear layer, weights small integers."""
    rng = random.Random(seed)  # noqa: S311 (draws tests)
    axes = rng.choice((1, 2, 2, 3))
    size = tuple(rng.randint(6, 8) for _ in range(axes))
    groups = rng.choice((1, 2))
    padding = tuple((rng.randint(-1, 1), rng.randint(0, 2)) for _ in range(axes))
    conv = CONVOLUTIONS[axes - 1]
    first = conv(2, 4, 2, rng.randint(1, 2), padding, rng.randint(1, 2), groups)
    layers = [first, nn.ReLU(), MAX_POOLS[axes - 1](2, 1), conv(4, 2, 1, bias=False), nn.Flatten()]
    features = nn.Sequential(*layers).summary((1, 2, *size)).rows[-1].output[1]
    net = nn.Sequential(*layers, nn.Linear(features, 3))
    generator = np.random.default_rng(seed)
    state = {k: generator.integers(-3, 4, a.shape) for k, a in net.state_dict().items()}
    net.load_state_dict(state)
    return net, (1, 2, *size)


@pytest.mark.parametrize("to", slowed(["local", "linear"], "local"))
def test_equal_on_integers(to: str) -> None:
    """Both give the original's numbers, exactly, for batches of any size."""
    for seed in range(EACH):
        net, shape = drawn(seed)
        x = np.random.default_rng(seed).integers(-3, 4, (3, *shape[1:])).astype(np.float32)
        other = ac.rewrite.unshare(net, shape, to=to)
        y = net(x)
        assert np.abs(y).max() > 0
        assert np.array_equal(other(x), y), seed
        assert np.array_equal(other.astype(np.float64)(x.astype(np.float64)), y)


def test_weights_are_the_lectures() -> None:
    """A 3x3 kernel on 4x4 is 9 numbers, then 4 times 9, then 4 rows of 16 with zeros between."""
    net = nn.Sequential(nn.Conv2d(1, 1, 3))
    net[0].weight = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    local = ac.rewrite.unshare(net, (1, 1, 4, 4)).parameters()
    assert (local["0.weight"] == net[0].weight[..., None, None]).all()
    assert local["0.bias"].shape == (1, 2, 2)
    matrix = ac.rewrite.unshare(net, (1, 1, 4, 4), to="linear").parameters()["0.weight"]
    rows = [[1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]]
    rows += [np.roll(rows[0], shift).tolist() for shift in (1, 4, 5)]
    assert matrix.tolist() == rows


def test_two_steps_are_one() -> None:
    """A locally connected network becomes the same linear one."""
    net, shape = drawn(1)
    once = ac.rewrite.unshare(net, shape, to="linear").parameters()
    twice = ac.rewrite.unshare(ac.rewrite.unshare(net, shape), shape, to="linear").parameters()
    assert {k: v.tolist() for k, v in once.items()} == {k: v.tolist() for k, v in twice.items()}


def test_a_network_like_any_other(tmp_path: Path) -> None:
    """It is printed, copied, differentiated and saved; the file gives the same bits."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(18, 2))
    x = np.random.default_rng(0).standard_normal((2, 1, 5, 5)).astype(np.float32)
    for to in ("local", "linear"):
        other = ac.rewrite.unshare(net, (None, 1, 5, 5), to=to)
        assert repr(other) == "Rewritten((1, 1, 5, 5) -> (1, 2))"
        assert np.array_equal(deepcopy(other)(x), other(x))
        _, gradients = other.backward(x, np.ones((2, 2), np.float32))
        _, shared = net.backward(x, np.ones((2, 2), np.float32))
        assert gradients.keys() == shared.keys()
        np.testing.assert_allclose(gradients["3.weight"], shared["3.weight"], atol=1e-5)
        ac.onnx.save(other, tmp_path / "model.onnx", (None, 1, 5, 5))
        assert np.array_equal(ac.onnx.load(tmp_path / "model.onnx")(x), other(x))


def test_refusals() -> None:
    """Another size, an unknown kind and weights without end are refused with a reason."""
    net = nn.Sequential(nn.Conv2d(1, 1, 3))
    with pytest.raises(ArgumentError, match="to is 'dense'; 'local' or 'linear' is expected"):
        ac.rewrite.unshare(net, (1, 1, 4, 4), to="dense")
    with pytest.raises(ArgumentError, match="input_shape is None"):
        ac.rewrite.unshare(net)
    with pytest.raises(UnsupportedError, match="weights; at most 268,435,456 are supported"):
        ac.rewrite.unshare(net, (1, 1, 200, 200), to="linear")
    for to in ("local", "linear"):
        one = ac.rewrite.unshare(net, (1, 1, 4, 4), to=to)
        with pytest.raises(ShapeError, match=r"\(1, 1, 5, 5\); the weights of"):
            one(np.ones((1, 1, 5, 5), np.float32))
