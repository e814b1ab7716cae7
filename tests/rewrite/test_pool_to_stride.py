"""Pooling layers as strided convolutions."""

from __future__ import annotations

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.errors import ArgumentError, UnsupportedError
from allconv.nn import networks
from allconv.operators.base import Array


def images(*shape: int) -> Array:
    """Images that are not special."""
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_averages_are_equal(stride: int, padding: int) -> None:
    """An average pool begins as itself, and says that nothing has to be trained."""
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.AvgPool2d(3, stride, padding))
    found = ac.rewrite.pool_to_stride(net, (1, 1, 13, 12))
    x = images(2, 1, 13, 12)
    np.testing.assert_allclose(found.net(x), net(x), atol=1e-6)
    assert not found.needs_training
    assert "they begin as the averages" in str(found)


def test_max_pools_need_training() -> None:
    """A max pool begins as an average with the same sizes, and the result says that it differs."""
    net = networks.build("base-c", 1, 28, 10)
    found = ac.rewrite.pool_to_stride(net, (1, 1, 28, 28))
    assert found.replaced == found.approximate == ("4", "10")
    assert found.parameters == ("4.weight", "4.bias", "10.weight", "10.bias")
    assert found.needs_training
    assert "NEEDS TRAINING" in str(found)
    assert found.net.summary((1, 1, 28, 28)).parameters == 954_730 - 2 * 9 * 96 + sum(
        9 * c * c + c for c in (96, 192)
    )
    x = images(2, 1, 28, 28)
    before = nn.Sequential(*net[:5])(x)
    after = nn.Sequential(*found.net[:5])(x)
    assert before.shape == after.shape
    assert (after <= before + 1e-5).all()
    assert (after < before).any()


def test_original_is_left_alone() -> None:
    """The network that was given keeps its layers, and its parameters are the copy's."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2, ceil_mode=True))
    found = ac.rewrite.pool_to_stride(net, (1, 1, 8, 8))
    assert isinstance(net[1], nn.MaxPool2d)
    assert isinstance(found.net[1], nn.Conv2d)
    assert np.array_equal(found.net[0].weight, net[0].weight)


def test_it_can_be_trained() -> None:
    """Gradients reach the new weights, and they change what the network says."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2))
    found = ac.rewrite.pool_to_stride(net, (1, 1, 8, 8))
    _, gradients = found.net.backward(images(2, 1, 8, 8), np.ones((2, 2), np.float32))
    assert np.abs(gradients["1.weight"]).max() > 0


def test_a_border_that_ceil_mode_makes_is_padding() -> None:
    """Where every cell of the padded image counts, outputs are those of the pooling."""
    net = nn.Sequential(nn.AvgPool2d(3, 2, 1, ceil_mode=True))
    found = ac.rewrite.pool_to_stride(net, (1, 2, 6, 6))
    x = images(1, 2, 6, 6)
    before, after = net(x), found.net(x)
    assert before.shape == after.shape == (1, 2, 4, 4)
    assert found.net[0].padding == ((1, 2), (1, 2))
    np.testing.assert_allclose(before[..., :3, :3], after[..., :3, :3], 1e-5, 1e-6)
    assert found.needs_training  # the last row and column divide by fewer cells


def test_a_layer_in_two_places_is_one_convolution_in_both() -> None:
    """Shared pooling becomes shared weights."""
    pool = nn.MaxPool2d(3, 1, 1)
    found = ac.rewrite.pool_to_stride(nn.Sequential(pool, nn.ReLU(), pool), (1, 2, 8, 8))
    assert found.net[0] is found.net[2]
    assert isinstance(found.net[2], nn.Conv2d)
    assert isinstance(found.net[1], nn.ReLU)


def test_refusals() -> None:
    """No pooling layer, and max pooling that is no layer, are refused with a reason."""
    with pytest.raises(UnsupportedError, match="has no pooling layer to replace"):
        ac.rewrite.pool_to_stride(nn.Sequential(nn.Conv2d(1, 1, 3)), (1, 1, 8, 8))

    class Halved(nn.Module):
        def forward(self, x: Array) -> Array:
            return F.max_pool2d(x, 2)

    with pytest.raises(UnsupportedError, match="by a function, not by a layer"):
        ac.rewrite.pool_to_stride(nn.Sequential(Halved()), (1, 1, 8, 8))
    with pytest.raises(ArgumentError, match=r"pass nn.Sequential\(net\)"):
        ac.rewrite.pool_to_stride(nn.MaxPool2d(2), (1, 1, 8, 8))
    for layer in (nn.AvgPool2d(2, divisor_override=3), nn.MaxPool2d(2, return_indices=True)):
        with pytest.raises(UnsupportedError, match="has no convolution in its place"):
            ac.rewrite.pool_to_stride(nn.Sequential(layer), (1, 1, 8, 8))
