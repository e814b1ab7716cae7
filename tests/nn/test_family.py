"""The networks of Springenberg et al. 2015: layers, sizes and parameters of the paper's tables."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.nn import networks
from allconv.nn.correlate import Conv2d
from allconv.nn.dropout import Dropout
from allconv.nn.networks.family import FAMILY

TOP = "3 192 1 192 1 10"
# Kernel and channels of each convolution, "/2" for stride 2, "pool" for max pooling 3x3, stride 2.
TABLES = {
    "base-a": "5 96 pool 5 192 pool",
    "strided-cnn-a": "5/2 96 5/2 192",
    "convpool-cnn-a": "5 96 3 96 pool 5 192 3 192 pool",
    "all-cnn-a": "5 96 3/2 96 5 192 3/2 192",
    "base-b": "5 96 1 96 pool 5 192 1 192 pool",
    "strided-cnn-b": "5 96 1/2 96 5 192 1/2 192",
    "convpool-cnn-b": "5 96 1 96 3 96 pool 5 192 1 192 3 192 pool",
    "all-cnn-b": "5 96 1 96 3/2 96 5 192 1 192 3/2 192",
    "base-c": "3 96 3 96 pool 3 192 3 192 pool",
    "strided-cnn-c": "3 96 3/2 96 3 192 3/2 192",
    "convpool-cnn-c": "3 96 3 96 3 96 pool 3 192 3 192 3 192 pool",
    "all-cnn-c": "3 96 3 96 3/2 96 3 192 3 192 3/2 192",
}


def test_names() -> None:
    """All twelve networks have names that `--model` takes."""
    assert set(FAMILY) == set(TABLES)
    assert set(TABLES) < set(networks.names())


@pytest.mark.parametrize("name", TABLES)
def test_tables(name: str) -> None:
    """Layers are those of the table, 32 x 32 becomes 6 x 6, and every width is counted by hand."""
    net = networks.build(name, 3, 32, 10)
    told, channels, count = [], 3, 0
    for layer in net:
        if isinstance(layer, Conv2d):
            kernel = layer.weight.shape[2]
            told.append(f"{kernel}{'/2' if layer.stride == 2 else ''} {layer.out_channels}")
            count += kernel * kernel * channels * layer.out_channels + layer.out_channels
            channels = layer.out_channels
        elif type(layer).__name__ == "MaxPool2d":
            assert (layer.kernel_size, layer.stride) == (3, 2)
            told.append("pool")
    assert " ".join(told) == f"{TABLES[name]} {TOP}"
    kinds = [type(layer).__name__ for layer in net]
    assert kinds.count("ReLU") == kinds.count("Conv2d") - 1
    assert kinds[-3:] == ["Conv2d", "GlobalAvgPool2d", "Flatten"]
    assert [layer.p for layer in net if isinstance(layer, Dropout)] == [0.5, 0.5]
    summary = net.summary((1, 3, 32, 32))
    assert summary.parameters == count
    sizes = [row.output[2:] for row in summary.rows if row.kind == "Conv2d"]
    assert sizes[-3:] == [(6, 6)] * 3


def test_about_1_4_million() -> None:
    """All-CNN-C has about 1.4 million parameters, as the paper says."""
    count = sum(a.size for a in networks.build("all-cnn-c", 3, 32, 10).parameters().values())
    assert count == 1_369_738


def test_small_images_are_padded() -> None:
    """An image of 28 x 27 is an image of 32 x 32 with zeros around it."""
    small = networks.build("all-cnn-c", 1, (28, 27), 10)
    large = networks.build("all-cnn-c", 1, 32, 10)
    x = np.random.default_rng(0).standard_normal((2, 1, 28, 27)).astype(np.float32)
    y = large(np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 3))))
    assert np.array_equal(small(x), y)
    assert np.abs(y).max() > 0
