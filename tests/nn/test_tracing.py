"""A network as a graph: the order of inputs and outputs, updates, the key, paths."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import nn
from allconv.errors import TraceError
from allconv.nn.tracing import trace_module
from allconv.operators.base import Spec
from allconv.trace import Builder, recording


def network() -> nn.Sequential:
    """A network with parameters, buffers and dropout."""
    features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
    return nn.Sequential(features, nn.Flatten(), nn.Linear(8, 3))


def test_inputs_in_inference() -> None:
    """Arrays, parameters, buffers; no key, no updates."""
    traced = trace_module(network(), Spec((5, 1, 4, 4)))
    names = [value.name for value in traced.graph.inputs]
    assert names == ["x", *traced.parameters, *traced.buffers]
    assert traced.parameters == tuple(network().parameters())
    assert traced.buffers == ("0.1.running_mean", "0.1.running_var")
    assert traced.updates == ()
    assert not traced.uses_key
    assert [value.spec for value in traced.graph.outputs] == [Spec((5, 3))]


def test_outputs_in_training() -> None:
    """The key is the last input; new values of the buffers are the last outputs."""
    net = network()
    traced = trace_module(net, Spec((5, 1, 4, 4)), training=True)
    assert traced.uses_key
    assert traced.graph.inputs[-1].spec == Spec((2,), "int64")
    assert traced.updates == ("0.1.running_mean", "0.1.running_var")
    x = np.random.default_rng(0).standard_normal((5, 1, 4, 4)).astype(np.float32)
    state = net.state_dict()
    arrays = [state[name] for name in (*traced.parameters, *traced.buffers)]
    y, mean, var = traced.graph.run(x, *arrays, np.array([7, 0]))
    z = net[0][0](x)
    assert np.allclose(y, net(x, training=True, seed=7), atol=1e-5)
    assert np.allclose(mean, 0.1 * z.mean((0, 2, 3)), atol=1e-6)
    assert np.allclose(var, 0.9 + 0.1 * z.var((0, 2, 3), ddof=1), atol=1e-5)


def test_paths() -> None:
    """Nodes carry the paths of their layers."""
    traced = trace_module(network(), Spec((5, 1, 4, 4)), training=True)
    paths = list(dict.fromkeys(node.path for node in traced.graph))
    assert paths == [
        "0.0 (Conv2d)",
        "0.1 (BatchNorm2d)",
        "0.2 (Dropout)",
        "1 (Flatten)",
        "2 (Linear)",
    ]


def test_statistics_used_twice_move_twice() -> None:
    """A normalisation that runs twice in a pass moves its statistics twice, in order."""
    norm = nn.BatchNorm1d(1, momentum=0.5)
    traced = trace_module(nn.Sequential(norm, norm), Spec((4, 1)), training=True)
    x = np.array([[0.0], [2.0], [4.0], [6.0]], np.float32)
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    _, mean, var = traced.graph.run(x, one, zero, zero, one)
    assert mean == pytest.approx(0.5 * (0.5 * 3.0) + 0.5 * 0.0, abs=1e-6)
    assert var == pytest.approx(0.5 * (0.5 + 0.5 * 20 / 3) + 0.5 * 4 / 3, rel=1e-4)


def test_foreign_values_are_refused() -> None:
    """A network that holds on to a value of another trace is refused."""
    outer = Builder()
    value = outer.input(Spec((2,)))

    class Captures(nn.Module):
        def forward(self, x):
            return x + value

    with recording(outer), pytest.raises(TraceError, match="values of another trace"):
        trace_module(Captures(), Spec((2,)))
