"""Networks of thousands of layers, and modules nested as deep as nobody would."""

from __future__ import annotations

import numpy as np
import pytest

import allconv as ac
from allconv import nn
from allconv.errors import Error

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(1, 3, 4)


@pytest.mark.slow
def test_two_thousand_layers(tmp_path):
    net = nn.Sequential(*(nn.ReLU() for _ in range(2000)))
    expected = np.maximum(X, 0)
    np.testing.assert_array_equal(net(X), expected)
    np.testing.assert_array_equal(ac.compile(net, X.shape)(X), expected)
    ac.onnx.save(net, tmp_path / "deep.onnx", (None, 3, 4))
    np.testing.assert_array_equal(ac.onnx.load(tmp_path / "deep.onnx")(X), expected)


def nested(depth):
    net = nn.ReLU()
    for _ in range(depth):
        net = nn.Sequential(net)
    return net


def test_nested_modules(tmp_path):
    net = nested(50)
    np.testing.assert_array_equal(net(X), np.maximum(X, 0))
    ac.onnx.save(net, tmp_path / "nest.onnx", (None, 3, 4))
    np.testing.assert_array_equal(ac.onnx.load(tmp_path / "nest.onnx")(X), np.maximum(X, 0))


def test_modules_nested_too_deep_are_refused(tmp_path):
    net = nested(5000)
    with pytest.raises(Error, match=r"nest|deep"):
        net(X)
    with pytest.raises(Error, match=r"nest|deep"):
        ac.onnx.save(net, tmp_path / "nest.onnx", (None, 3, 4))


def test_a_module_inside_itself_is_refused():
    net = nn.Sequential(nn.ReLU())
    with pytest.raises(Error, match=r"itself|nest|deep"):
        _run_inside_itself(net)


def _run_inside_itself(net):
    net.again = net
    net(X)
    net.parameters()
