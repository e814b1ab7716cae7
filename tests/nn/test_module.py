"""Modules: attributes, names, states, initial weights, copies."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from allconv import functional, nn
from allconv.errors import ArgumentError, ShapeError, TraceError


class Block(nn.Module):
    """Two convolutions with a path around them."""

    def __init__(self, channels: int) -> None:
        self.a = nn.Conv2d(channels, channels, 3, padding=1)
        self.b = nn.Conv2d(channels, channels, 3, padding=1)
        self.gain = nn.Parameter(np.float32(2))

    def forward(self, x: Any) -> Any:
        """x + gain * b(relu(a(x)))"""
        return x + self.gain * self.b(functional.relu(self.a(x)))


def net() -> nn.Sequential:
    """A small network with every kind of state."""
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), Block(2))


def test_names() -> None:
    """Parameters come in order of definition, a module's own before its children's."""
    assert list(net().parameters()) == [
        "0.weight", "0.bias", "1.weight", "1.bias",
        "2.gain", "2.a.weight", "2.a.bias", "2.b.weight", "2.b.bias",
    ]  # fmt: skip
    assert list(net().buffers()) == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert [name for name, _ in net().named_modules()] == ["", "0", "1", "2", "2.a", "2.b"]


def test_state_goes_round() -> None:
    """load_state_dict(state_dict()) makes two networks equal, bit by bit."""
    first, second = net().initialize(1), net().initialize(2)
    x = np.random.default_rng(0).standard_normal((2, 1, 5, 5)).astype(np.float32)
    assert not np.array_equal(first(x), second(x))
    assert second.load_state_dict(first.state_dict()) == ([], [])
    assert np.array_equal(first(x), second(x))


def test_state_of_another_network() -> None:
    """Missing and unexpected names are an error that names them, and nothing is loaded."""
    target, state = net(), net().initialize(3).state_dict()
    before = target.state_dict()
    state["3.weight"] = state.pop("0.bias")
    with pytest.raises(ArgumentError, match=r"missing: 0.bias; unexpected: 3.weight"):
        target.load_state_dict(state)
    assert all(np.array_equal(before[n], a) for n, a in target.state_dict().items())
    assert target.load_state_dict(state, strict=False) == (["0.bias"], ["3.weight"])
    assert np.array_equal(target[0].weight, state["0.weight"])


def test_state_of_another_shape() -> None:
    """Another shape is an error that names the key, and nothing is loaded."""
    target, state = net(), net().initialize(4).state_dict()
    before = target[0].weight
    state["2.b.weight"] = np.zeros((2, 2, 5, 5))
    with pytest.raises(ShapeError, match=r"2.b.weight is \(2, 2, 5, 5\); \(2, 2, 3, 3\)"):
        target.load_state_dict(state)
    assert np.array_equal(target[0].weight, before)
    state["2.b.weight"] = np.full((2, 2, 3, 3), "a")
    with pytest.raises(ArgumentError, match=r"2\.b\.weight is str"):
        target.load_state_dict(state)


def test_parameters_are_read_only() -> None:
    """Writing into a parameter is refused; assigning replaces it, in its dtype, by a copy."""
    layer = nn.Linear(2, 3)
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 1
    mine = np.ones((3, 2))
    layer.weight = mine
    mine[...] = 7
    assert layer.weight.dtype == np.float32
    assert layer.weight.tolist() == [[1, 1]] * 3
    with pytest.raises(ShapeError, match=r"weight is \(2, 2\); \(3, 2\) is expected"):
        layer.weight = np.ones((2, 2))
    layer.bias = None
    assert list(layer.parameters()) == ["weight"]
    assert layer(np.ones((1, 2), np.float32)).tolist() == [[2, 2, 2]]


def test_replacing_modules_and_settings() -> None:
    """A module that is replaced, deleted or set differently is seen by the next call."""
    x = np.array([[-1.0, 2.0]], np.float32)
    block = nn.Sequential(nn.Identity(), nn.LeakyReLU(0.5))
    assert block(x).tolist() == [[-0.5, 2.0]]
    block[1].negative_slope = 0.25
    assert block(x).tolist() == [[-0.25, 2.0]]
    setattr(block, "1", nn.ReLU())
    assert block(x).tolist() == [[0.0, 2.0]]
    delattr(block, "1")
    assert block(x).tolist() == [[-1.0, 2.0]]
    assert [name for name, _ in block.named_modules()] == ["", "0"]


def test_modules_in_a_list_are_refused() -> None:
    """A list of modules would not be found, so it is refused."""
    block = nn.Module()
    with pytest.raises(ArgumentError, match=r"use nn\.Sequential"):
        block.layers = [nn.ReLU()]


def test_unknown_attributes() -> None:
    """A missing attribute is named."""
    with pytest.raises(AttributeError, match="ReLU has no attribute 'weight'"):
        _ = nn.ReLU().weight
    with pytest.raises(AttributeError, match="ReLU has no attribute 'weight'"):
        del nn.ReLU().weight


def test_weights_do_not_depend_on_the_order_of_construction() -> None:
    """A parameter is a function of (seed, its name), whichever layer was made or read first."""
    first = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    last = nn.Linear(4, 2)
    second = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), last)
    second.state_dict()
    for name, array in first.initialize(7).parameters().items():
        assert np.array_equal(array, second.initialize(7).parameters()[name])
    assert np.array_equal(nn.Linear(4, 2).initialize(0).weight, nn.Linear(4, 2).weight)
    assert not np.array_equal(first[0].weight, first.initialize(8)[0].weight)


def test_networks_are_usable_at_once() -> None:
    """Weights not asked for are drawn with seed 0, by the names in the network that runs."""
    x = np.random.default_rng(1).standard_normal((1, 1, 5, 5)).astype(np.float32)
    assert np.array_equal(net()(x), net().initialize(0)(x))


def test_he_initialisation() -> None:
    """Weights begin with variance 2 / fan_in, biases with 0."""
    for layer, fan_in in (
        (nn.Conv2d(16, 64, 3, groups=2), 8 * 9),
        (nn.Linear(300, 200), 300),
        (nn.ConvTranspose2d(32, 32, 4, 2), 32 * 4),
        (nn.LocallyConnected1d(8, 32, 3, 40), 8 * 3),
    ):
        assert layer.weight.std() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
        assert not layer.bias.any()


def test_astype() -> None:
    """astype gives a copy with the same weights in the other dtype; integers stay."""
    small = net()
    large = small.astype(np.float64)
    for name, array in small.state_dict().items():
        assert large.state_dict()[name].dtype == (np.float64 if array.dtype != "int64" else "int64")
        assert np.array_equal(large.state_dict()[name], array)
        assert not large.state_dict()[name].flags.writeable
    assert np.array_equal(large.initialize(5)[0].weight, small.initialize(5)[0].weight)
    with pytest.raises(ArgumentError, match="dtype is int64"):
        small.astype(np.int64)


def test_copies_are_independent() -> None:
    """A deep copy has its own parameters."""
    first = net()
    second = deepcopy(first)
    second[0].weight = second[0].weight * 2
    assert np.array_equal(second[0].weight, first[0].weight * 2)


def test_shared_modules() -> None:
    """A module that stands in two places has its first name, and one set of parameters."""
    shared = nn.Linear(2, 2)
    both = nn.Sequential(shared, nn.ReLU(), shared)
    assert list(both.parameters()) == ["0.weight", "0.bias"]
    x = np.array([[1.0, 2.0]], np.float32)
    assert np.allclose(both(x), shared(np.maximum(shared(x), 0)), rtol=1e-6)


def test_a_parameter_is_of_floats() -> None:
    """Integers are no parameter, but may be a buffer."""
    with pytest.raises(ArgumentError, match="a parameter is int64"):
        nn.Parameter(np.arange(3))
    assert nn.Buffer(np.arange(3)).spec.dtype == "int64"


def test_traced_values_are_not_kept() -> None:
    """A value of a trace cannot be left on a module."""

    class Leak(nn.Module):
        def forward(self, x: Any) -> Any:
            self.last = x
            return x

    with pytest.raises(TraceError, match=r"Leak\.last is given a traced value"):
        Leak()(np.ones(1))


def test_buffers_keep_their_kind() -> None:
    """Floats are no whole numbers; a traced value of another shape is no new buffer."""

    class Counts(nn.Module):
        def __init__(self) -> None:
            self.seen = nn.Buffer(np.zeros(2))

        def forward(self, x: Any) -> Any:
            self.seen = x
            return x + self.seen

    with pytest.raises(ShapeError, match=r"seen is float32 \(3,\); float64 \(2,\) is expected"):
        Counts()(np.ones(3, np.float32))
    assert Counts()(np.ones(2)).tolist() == [2, 2]
    counter = nn.BatchNorm1d(1)
    with pytest.raises(ArgumentError, match="num_batches_tracked is float64; int64 is expected"):
        counter.num_batches_tracked = np.array(1.0)
    block = nn.Module()
    block.own = nn.Buffer(np.arange(2))
    assert block.initialize(3).own.tolist() == [0, 1]


def test_a_sequence() -> None:
    """Sequential counts, iterates, indexes and slices."""
    three = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    assert len(three) == 3
    assert three[-1] is list(three)[2]
    assert [type(each).__name__ for each in three[1:]] == ["Tanh", "Sigmoid"]
