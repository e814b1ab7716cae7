"""Layers of the sliding-window family in one, two and three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allconv import functional as F
from allconv import nn

SIZES = (7, 6, 5)


def image(axes: int) -> np.ndarray[Any, Any]:
    """A batch of two images of four channels."""
    return np.random.default_rng(axes).normal(size=(2, 4, *SIZES[:axes])).astype(np.float32)


CASES = {
    "GlobalAvgPool": ((), lambda x, axes: x.mean(tuple(range(2, 2 + axes)), keepdims=True)),
    "GlobalMaxPool": ((), lambda x, axes: x.max(tuple(range(2, 2 + axes)), keepdims=True)),
    "ZeroPad": ((1,), lambda x, axes: np.pad(x, border(axes))),
    "ConstantPad": ((1, 2.5), lambda x, axes: np.pad(x, border(axes), constant_values=2.5)),
    "ReflectionPad": ((1,), lambda x, axes: np.pad(x, border(axes), "reflect")),
    "ReplicationPad": ((1,), lambda x, axes: np.pad(x, border(axes), "edge")),
    "CircularPad": ((1,), lambda x, axes: np.pad(x, border(axes), "wrap")),
}


def border(axes: int) -> tuple[tuple[int, int], ...]:
    """One cell on every side of every image."""
    return ((0, 0), (0, 0), *((1, 1),) * axes)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", CASES)
def test_numpy(name: str, axes: int) -> None:
    """What NumPy computes for the same image."""
    settings, wanted = CASES[name]
    x = image(axes)
    y = getattr(nn, f"{name}{axes}d")(*settings)(x)
    np.testing.assert_allclose(y, wanted(x, axes), rtol=1e-6, atol=1e-6)


FUNCTIONS = {
    "MaxPool": ("max_pool", (3, 2, 1)),
    "AvgPool": ("avg_pool", (3, 2, 1)),
    "LPPool": ("lp_pool", (2, 3, 2)),
    "AdaptiveAvgPool": ("adaptive_avg_pool", (3,)),
    "AdaptiveMaxPool": ("adaptive_max_pool", (3,)),
}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, axes: int) -> None:
    """A layer is its function of as many dimensions."""
    function, settings = FUNCTIONS[name]
    x = image(axes)
    y = getattr(nn, f"{name}{axes}d")(*settings)(x)
    assert np.array_equal(y, getattr(F, f"{function}{axes}d")(x, *settings))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transposed_local_layer(axes: int) -> None:
    """Its output has the size of the bias, and it trains: gradients for both parameters."""
    layer = getattr(nn, f"LocallyConnectedTranspose{axes}d")(
        4, 6, 3, SIZES[:axes], 2, 1, 1, 2, dilation=1
    )
    x = image(axes)
    y = layer(x)
    assert y.shape == (2, *layer.bias.shape)
    assert y.shape[2:] == tuple(2 * n for n in SIZES[:axes])
    gx, grads = layer.backward(x, np.ones_like(y))
    assert gx.shape == x.shape
    assert {name: g.shape for name, g in grads.items()} == {
        name: value.shape for name, value in layer.state_dict().items()
    }
    assert (grads["bias"] == 2).all()


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_pooling_and_unpooling(axes: int) -> None:
    """MaxUnpool takes what MaxPool with return_indices gives."""
    x = image(axes)
    y, indices = getattr(nn, f"MaxPool{axes}d")(2, return_indices=True)(x)
    back = getattr(nn, f"MaxUnpool{axes}d")(2, output_size=SIZES[:axes])(y, indices)
    assert back.shape == x.shape
    assert np.array_equal(back[back != 0], x[back != 0])
    assert np.count_nonzero(back) == y.size


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes(axes: int, mode: str) -> None:
    """A layer with a padding mode is the padding layer and then one without padding."""
    layer = getattr(nn, f"Conv{axes}d")(4, 3, 3, padding=1, padding_mode=mode)
    plain = getattr(nn, f"Conv{axes}d")(4, 3, 3)
    plain.load_state_dict(layer.state_dict())
    pad = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}
    padded = getattr(nn, f"{pad[mode]}{axes}d")(1)
    x = image(axes)
    assert np.array_equal(layer(x), plain(padded(x)))


def test_unpooling_inside_a_network() -> None:
    """Indices pass between layers of one network, and gradients through both."""

    class Net(nn.Module):
        def __init__(self) -> None:
            self.down = nn.MaxPool2d(2, return_indices=True)
            self.up = nn.MaxUnpool2d(2, output_size=SIZES[:2])

        def forward(self, x: Any) -> Any:
            y, indices = self.down(x)
            return self.up(y * 2.0, indices)

    net, x = Net(), image(2)
    y = net(x)
    gx, _ = net.backward(x, np.ones_like(y))
    assert np.array_equal(gx, np.where(y != 0, np.float32(2), np.float32(0)))
