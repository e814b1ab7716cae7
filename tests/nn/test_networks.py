"""The networks by name: their tables, sizes and refusals; summaries."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import nn
from allconv.errors import ArgumentError, ShapeError
from allconv.nn import networks

# Parameters counted by hand for images (1, 28, 28) and 10 classes.
COUNTS = {
    "plain": 784 * 256 + 256 + 256 * 10 + 10,
    "local": 13 * 13 * 16 * (9 + 1) + 6 * 6 * 16 * (16 * 9 + 1) + 6 * 6 * 16 * 10 + 10,
    "convnet": (9 * 32 + 32) + (9 * 32 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 64 + 64)
    + 2 * (2 * 32 + 2 * 64) + 7 * 7 * 64 * 10 + 10,
    "all-cnn": (9 * 32 + 32) + 2 * (9 * 32 * 32 + 32) + (9 * 32 * 64 + 64)
    + 2 * (9 * 64 * 64 + 64) + 3 * (2 * 32 + 2 * 64) + 64 * 10 + 10,
}  # fmt: skip
KINDS = {
    "plain": "Flatten Linear ReLU Linear",
    "local": "LocallyConnected2d ReLU LocallyConnected2d ReLU Flatten Linear",
    "convnet": "Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d ReLU MaxPool2d Dropout "
    "Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d ReLU MaxPool2d Dropout Flatten Linear",
    "all-cnn": "Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d ReLU Dropout "
    "Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d ReLU Conv2d BatchNorm2d ReLU Dropout "
    "Conv2d GlobalAvgPool2d Flatten",
}


@pytest.mark.parametrize("name", COUNTS)
def test_tables(name: str) -> None:
    """Layers and parameters are those of the written table."""
    net = networks.build(name, 1, (28, 28), 10)
    assert [type(layer).__name__ for layer in net] == KINDS[name].split()
    assert sum(array.size for array in net.parameters().values()) == COUNTS[name]
    summary = net.summary((2, 1, 28, 28))
    assert summary.parameters == COUNTS[name]
    assert summary.rows[-1].output == (2, 10)


@pytest.mark.parametrize("name", [*networks.SMALL, *networks.FAMILY])
def test_sizes(name: str) -> None:
    """The networks for small images run on colour ones that are not square, in inference and
    training (those for photographs: `test_photographs`)."""
    net = networks.build(name, 3, (9, 11), 4)
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 11)).astype(np.float32)
    assert net(x).shape == (2, 4)
    y = net(x, training=True, seed=0)
    assert y.shape == (2, 4)
    assert np.isfinite(y).all()


def test_least_sizes() -> None:
    """Where an image is too small the least size is named, and that size runs."""
    for name, least in (("local", 7), ("convnet", 4)):
        with pytest.raises(ShapeError, match=f"images are {least - 1} x 20; {name} needs {least}"):
            networks.build(name, 1, (least - 1, 20), 2)
        assert networks.build(name, 1, least, 2)(np.ones((1, 1, least, least), "f")).shape == (1, 2)
    for name in ("plain", "all-cnn"):
        assert networks.build(name, 1, 1, 2)(np.ones((1, 1, 1, 1), "f")).shape == (1, 2)


def test_refusals() -> None:
    """An unknown name lists the names; sizes are whole numbers."""
    with pytest.raises(ArgumentError, match="no network 'vgg'; there are plain, local, convnet"):
        networks.build("vgg", 1, 28, 10)
    with pytest.raises(ArgumentError, match="classes is 0"):
        networks.build("plain", 1, 28, 0)
    with pytest.raises(ArgumentError, match=r"channels is 1\.5"):
        networks.build("plain", 1.5, 28, 10)
    with pytest.raises(ArgumentError, match="size is"):
        networks.build("plain", 1, (28, 28, 28), 10)


def test_summary_counts() -> None:
    """Multiply-adds of a convolution are outputs times taps times channels, in a row each."""
    net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5))
    summary = net.summary((2, 2, 4, 4))
    assert [row.multiply_adds for row in summary.rows] == [2 * 4 * 16 * 18, 0, 0, 2 * 64 * 5]
    assert summary.multiply_adds == 2 * 4 * 16 * 18 + 2 * 64 * 5
    lines = str(summary).splitlines()
    assert lines[0].split() == ["layer", "kind", "output", "parameters", "multiply-adds"]
    assert lines[1].split() == ["0", "Conv2d", "2", "x", "4", "x", "4", "x", "4", "76", "2,304"]
    assert lines[-1].split() == ["total", "401", "2,944"]
    assert repr(summary) == str(summary)


def test_summary_of_one_layer() -> None:
    """A layer alone is one row."""
    (row,) = nn.Linear(3, 2).summary((1, 3)).rows
    assert (row.kind, row.output, row.parameters, row.multiply_adds) == ("Linear", (1, 2), 8, 6)
    with pytest.raises(ArgumentError, match="a shape is 1"):
        nn.Linear(3, 2).summary(1, 3)


def test_the_small_ones_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """`allconv compare` trains the four networks that a laptop trains in minutes, unless told."""
    from allconv.data import load
    from allconv.train import compare

    trained: list[str] = []
    monkeypatch.setattr(compare, "_compared", lambda name, *rest: trained.append(name))
    list(compare.compare_networks(load(samples=20), epochs=1))
    assert trained == ["plain", "local", "convnet", "all-cnn"]
