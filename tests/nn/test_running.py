"""Calling networks: training, keys, shapes, dtypes, gradients, the programs that are kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from allconv import functional, nn
from allconv.errors import ArgumentError, ShapeError
from allconv.nn import running
from allconv.operators.base import Spec
from allconv.random import dropout_bits
from allconv.trace import trace

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 2, 6, 6)).astype(np.float32)


def test_layers_follow_each_other() -> None:
    """A network equals its functions, one after the other."""
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 5)
    )
    y = functional.max_pool2d(functional.relu(functional.conv2d(X, net[0].weight, net[0].bias)), 2)
    wanted = functional.linear(functional.flatten(y, 1), net[4].weight, net[4].bias)
    # A linear layer behind Flatten is summed in the order of a convolution: not the same bits.
    assert np.allclose(net(X), wanted, rtol=1e-5, atol=1e-6)


def test_training_uses_the_batch() -> None:
    """Training normalises by the batch; neither it nor inference changes the module."""
    net = nn.Sequential(nn.BatchNorm2d(2))
    before = net.state_dict()
    centred = (X - X.mean((0, 2, 3), keepdims=True)) / np.sqrt(
        X.var((0, 2, 3), keepdims=True) + 1e-5
    )
    assert np.allclose(net(X, training=True), centred, atol=1e-5)
    assert np.allclose(net(X), X / np.sqrt(np.float32(1 + 1e-5)), atol=1e-5)
    after = net.state_dict()
    assert all(np.array_equal(before[name], array) for name, array in after.items())


def test_dropout_is_keyed_by_seed_and_layer() -> None:
    """A layer's mask is that of (seed, its number); each use of a layer draws for itself."""
    net = nn.Sequential(nn.Dropout(0.5), nn.Identity(), nn.Dropout(0.25))
    x = np.ones((3, 50), np.float32)
    first = dropout_bits(9, 0, 1, x.size).reshape(x.shape) >= 2**31
    second = dropout_bits(9, 0, 3, x.size).reshape(x.shape) >= 2**30
    assert np.allclose(net(x, training=True, seed=9), first * second * (2 / 0.75), rtol=1e-6)
    assert np.array_equal(net(x), x)
    assert np.array_equal(net(x, training=True, seed=9), net(x, training=True, seed=9))
    assert not np.array_equal(net(x, training=True, seed=9), net(x, training=True, seed=8))
    shared = nn.Dropout(0.5)
    twice = nn.Sequential(shared, shared)(x, training=True, seed=1)
    assert set(np.unique(twice)) == {0.0, 4.0}
    assert 0.1 < (twice > 0).mean() < 0.4


def test_dropout_needs_a_seed() -> None:
    """A network that draws asks for a seed."""
    with pytest.raises(ArgumentError, match="pass seed=0"):
        nn.Sequential(nn.Dropout())(X, training=True)


def test_dropout_without_a_place() -> None:
    """A layer that draws must be found in the network, so that it has a number."""

    class Hidden(nn.Module):
        def forward(self, x: Any) -> Any:
            return nn.Dropout()(x)

    with pytest.raises(ArgumentError, match="must be an attribute of a module"):
        Hidden()(X, training=True, seed=0)
    with pytest.raises(ArgumentError, match="pass seed=0"):
        trace(lambda x: nn.Dropout()(x, training=True), Spec((2,)))


def test_part_of_a_network_in_inference() -> None:
    """A forward can run a part in inference while the rest trains."""

    class Frozen(nn.Module):
        def __init__(self) -> None:
            self.norm = nn.BatchNorm2d(2)

        def forward(self, x: Any) -> Any:
            assert self.training
            return self.norm(x, training=False)

    assert np.allclose(Frozen()(X, training=True), X, atol=1e-4)
    assert not Frozen().training


def test_several_inputs_and_outputs() -> None:
    """Inputs are arguments; a nested result comes back nested."""

    class Pair(nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return {"sum": a + b, "both": (a, b * 2.0)}

    y = Pair()(X, X)
    assert np.array_equal(y["sum"], X + X)
    assert np.array_equal(y["both"][1], X * 2)
    gradients = {"sum": np.ones_like(X), "both": (np.ones_like(X), np.ones_like(X))}
    (ga, gb), grads = Pair().backward((X, X), gradients)
    assert np.array_equal(ga, np.full_like(X, 2))
    assert np.array_equal(gb, np.full_like(X, 3))
    assert grads == {}


def test_floats_promote() -> None:
    """float64 images through float32 weights give float64, in training too."""
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    assert net(X).dtype == np.float32
    assert net(X.astype(np.float64)).dtype == np.float64
    assert net(X.astype(np.float64), training=True).dtype == np.float64
    with pytest.raises(ArgumentError, match=r"x is uint8; pass x.astype\(np.float32\)"):
        net(np.zeros((1, 2, 6, 6), np.uint8))


def test_programs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape seen before is not traced again, nor after new weights."""
    traced: list[tuple[int, ...]] = []
    original = running.trace_module

    def counting(net: nn.Module, *specs: Spec, training: bool = False) -> Any:
        traced.append(specs[0].shape)
        return original(net, *specs, training=training)

    monkeypatch.setattr(running, "trace_module", counting)
    net = nn.Sequential(nn.Linear(2, 2))
    for rows in (1, 2, 1, 2):
        net(np.ones((rows, 2), np.float32))
    net[0].weight = np.eye(2)
    assert net(np.ones((1, 2), np.float32)).tolist() == [[1, 1]]
    assert traced == [(1, 2), (2, 2)]


def test_many_threads() -> None:
    """A network called from several threads at once, at several shapes, gives each its result."""
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU())
    inputs = [X[:n, :, :size] for n in (1, 2, 3) for size in (4, 5, 6)] * 3
    wanted = [net(x) for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(nn.Sequential(net[0], net[1]), inputs))
    assert all(np.array_equal(a, b) for a, b in zip(results, wanted, strict=True))


def test_inside_a_trace() -> None:
    """On a value of a trace a network records itself, its parameters as constants."""
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    graph = trace(lambda x: net(x), Spec((4, 2))).graph
    assert [node.operator.name for node in graph] == ["Correlate"]
    assert any(array is net[0].weight for array in graph.constants.values())
    drawn = trace(lambda x: net(x, training=True, seed=3), Spec((4, 2))).graph
    x = np.ones((4, 2), np.float32)
    assert np.array_equal(drawn.run(x)[0], net(x, training=True, seed=3))


class Branches(nn.Module):
    """Most layers at once, with a path around some."""

    def __init__(self) -> None:
        self.first = nn.Conv2d(2, 4, 3, padding=1, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.local = nn.LocallyConnected2d(4, 4, 3, 3, padding=1, groups=2)
        self.pool = nn.MaxPool2d(2, 1)
        self.up = nn.ConvTranspose2d(4, 2, 2, 2)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(2 * 4 * 4, 3)

    def forward(self, x: Any) -> Any:
        """Branches and joins."""
        a = functional.silu(self.norm(self.first(x)))
        b = functional.gelu(self.local(a)) + a
        return self.last(functional.flatten(self.drop(self.up(self.pool(b))), 1))


def slope(loss: Callable[[Array], float], at: Array, direction: Array) -> float:
    """The derivative along a direction by central differences of fourth order."""
    h = 1e-5
    near = loss(at + h * direction) - loss(at - h * direction)
    far = loss(at + 2 * h * direction) - loss(at - 2 * h * direction)
    return (8 * near - far) / (12 * h)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_by_differences(training: bool) -> None:
    """backward gives the slopes of sum(grad_output * net(x)) in x and in every parameter."""
    net = Branches().initialize(3).astype(np.float64)
    rng = np.random.default_rng(1)
    x, gy = rng.standard_normal((3, 2, 6, 6)), rng.standard_normal((3, 3))
    mode = {"training": training, "seed": 5}
    gx, grads = net.backward(x, gy, **mode)
    assert list(grads) == list(net.parameters())

    def of_x(at: Array) -> float:
        return float((net(at, **mode) * gy).sum())

    direction = rng.standard_normal(x.shape)
    assert slope(of_x, x, direction) == pytest.approx((gx * direction).sum(), rel=1e-6)
    for name, value in net.parameters().items():

        def of_parameter(at: Array, name: str = name) -> float:
            net.load_state_dict({name: at}, strict=False)
            return of_x(x)

        direction = rng.standard_normal(value.shape)
        wanted = (grads[name] * direction).sum()
        measured = slope(of_parameter, value, direction)
        net.load_state_dict({name: value}, strict=False)
        assert measured == pytest.approx(wanted, rel=1e-6, abs=1e-8), name


def test_gradients_of_unused_parameters() -> None:
    """A parameter that nothing depends on has the gradient 0, under its key."""

    class Spare(nn.Module):
        def __init__(self) -> None:
            self.used = nn.Linear(2, 2)
            self.spare = nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.used(x)

    x = np.ones((1, 2), np.float32)
    _, grads = Spare().backward(x, x)
    assert list(grads) == ["used.weight", "used.bias", "spare.weight", "spare.bias"]
    assert not grads["spare.weight"].any()
    assert grads["used.bias"].tolist() == [1, 1]


def test_gradients_through_constants() -> None:
    """A layer that is given an array inside a forward still has a gradient."""

    class Embeds(nn.Module):
        def __init__(self) -> None:
            self.code = nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return x + self.code(np.array([[3.0, 4.0]], np.float32))

    x = np.ones((1, 2), np.float32)
    _, grads = Embeds().backward(x, x)
    assert grads["code.weight"].tolist() == [[3, 4], [3, 4]]


def test_gradient_of_another_shape() -> None:
    """grad_output has the output's shape."""
    with pytest.raises(ShapeError, match=r"grad_output is \(1, 3\); the output is \(1, 2\)"):
        nn.Linear(2, 2).backward(np.ones((1, 2), np.float32), np.ones((1, 3), np.float32))
    with pytest.raises(ShapeError, match="2 gradients are given; there are 1 outputs"):
        nn.ReLU().backward(X, (X, X))


MISTAKES = [
    (
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(99, 10)),
        "3 (Linear): in_features is 99, the layers before give (N, 16); use nn.Linear(16, 10)",
    ),
    (
        nn.Sequential(nn.Linear(2, 10)),
        "0 (Linear): in_features is 2, the layers before give (N, 2, 6, 6); "
        "put nn.Flatten() before it",
    ),
    (
        nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3))),
        "0.0 (Conv2d): x is (4, 2, 6, 6), with 2 channels; weight is (4, 3, 3, 3), groups=1, for 3",
    ),
    (
        nn.Sequential(nn.ReLU(), nn.BatchNorm2d(5)),
        "1 (BatchNorm2d): num_features is 5, the layers before give (4, 2, 6, 6); "
        "4 axes with the channels second are expected",
    ),
    (
        nn.Sequential(nn.Conv2d(6, 4, 3)),
        "0 (Conv2d): x is (4, 2, 6, 6), which looks channels-last: pass np.moveaxis(x, -1, 1)",
    ),
]


@pytest.mark.parametrize(("net", "message"), MISTAKES, ids=[m[1][:20] for m in MISTAKES])
def test_mistakes_teach(net: nn.Module, message: str) -> None:
    """An error names the layer's path, what arrives and what would fit."""
    with pytest.raises(ShapeError) as refused:
        net(X)
    assert str(refused.value) == message
