"""Networks of images whose channels come last, as TensorFlow's are, over larger images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv.errors import UnsupportedError
from allconv.operators.base import Spec
from allconv.rewrite.channels_first import channels_first, takes_channels_last
from allconv.trace import trace

RANDOM = np.random.default_rng(0)
W, V = (RANDOM.standard_normal(shape).astype(np.float32) for shape in ((4, 3, 3, 3), (2, 4)))
MEAN, BIAS = (RANDOM.standard_normal(n).astype(np.float32) for n in (3, 4))


def last(x: Any) -> Any:
    """Prepared pixels, a convolution, a bias and a mean over axes 1 and 2, a linear layer."""
    y = F.conv2d(((x - MEAN) / 2.0).transpose(0, 3, 1, 2), W).transpose(0, 2, 3, 1)
    return F.linear((F.relu(y + BIAS)).mean((1, 2)), V)


def beside(x: Any) -> Any:
    """The pixels themselves are used, too."""
    return F.conv2d(x.transpose(0, 3, 1, 2), W).mean((2, 3)) + x.mean((1, 2)).sum(1, keepdims=True)


@pytest.mark.parametrize("net", [last, beside])
def test_the_same_numbers(net: Any) -> None:
    """The graph for channels first gives what the network gives."""
    x = RANDOM.standard_normal((2, 9, 8, 3)).astype(np.float32)
    graph = trace(net, Spec(x.shape)).graph
    assert takes_channels_last(graph)
    (y,) = channels_first(graph).run(np.moveaxis(x, -1, 1))
    np.testing.assert_allclose(y, graph.run(x)[0], rtol=1e-5, atol=1e-6)
    assert not takes_channels_last(channels_first(graph))


def test_no_transpose_is_left() -> None:
    """Where the axes only go there and back nothing is moved."""
    graph = channels_first(trace(last, Spec((1, 9, 8, 3))).graph)
    moved = [node for node in graph.nodes if node.operator.name == "Transpose"]
    assert max(node.inputs[0].size for node in moved) <= V.size  # weights and constants alone


def test_over_larger_images() -> None:
    """The dense network takes (N, C, *I), and its map is what the crops give."""
    dense = ac.rewrite.densify(last, (1, 8, 8, 3))
    assert dense.channels_last
    assert dense.input_shape == (1, 3, 8, 8)
    x = RANDOM.standard_normal((1, 3, 12, 15)).astype(np.float32)
    found = dense.compare(lambda crops: ac.compile(last, crops.shape)(crops), x)
    assert found.dense.shape == (1, 2, 5, 8)
    assert found.largest < 1e-5


def test_channels_that_are_flattened() -> None:
    """Channels last that are flattened before a linear layer are refused by name."""
    w = np.ones((2, 3 * 64), np.float32)

    def net(x: Any) -> Any:
        y = F.relu(x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
        return F.linear(y.reshape(x.shape[0], -1), w)

    with pytest.raises(UnsupportedError, match="moves the cells of an image"):
        ac.rewrite.densify(net, (1, 8, 8, 3))
