"""Networks of two layers, plain and convolutional, on the same images."""

from __future__ import annotations

from functools import cache
from typing import Any

from allconv import data, nn, train
from allconv.lecture.example import example
from allconv.operators.base import Array

CLASSES = 10


def plain(side: int) -> nn.Sequential:
    """A network of two linear layers with 64 hidden units."""
    layers = (nn.Linear(side * side, 64), nn.ReLU(), nn.Linear(64, CLASSES))
    return nn.Sequential(nn.Flatten(), *layers)


def convolutional(side: int) -> nn.Sequential:
    """A network: a convolution of 5x5 to 8 channels, max pooling of 4x4, and a linear layer."""
    half = (side - 4) // 4
    head = (nn.Flatten(), nn.Linear(8 * half * half, CLASSES))
    return nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(4), *head)


@example(
    "Parameters of two layers, plain and convolutional, for 28x28 images",
    slide="2 layered Plain Neural Network; Convolution Network",
    printed="""
        50,890
        3,098
    """,
    inputs={"side": 28},
    drawn=True,
    note="""
        Grey images of 10 classes, each layer with biases. Plain: 64 hidden units. Convolutional: 8
        kernels of 5x5 without padding, max pooling of 4x4 cells, 4 apart, and a linear layer to the
        classes. First row: plain; second row: convolutional.
    """,
)
def two_layers(side: Array) -> Any:
    size = int(side)
    nets = plain(size), convolutional(size)
    return [[net.summary((1, 1, size, size)).parameters] for net in nets]


@cache
def images() -> data.Part:
    """The bundled training images."""
    return data.load().train


def learns(net: nn.Sequential, count: int) -> list[str]:
    """Train a network for two epochs on so many images; how many it saw in each, and whether its
    loss falls."""
    part = images().subset(count)
    history = train.fit(net, part, epochs=2, batch_size=32, augment=None)
    first, last = (record.loss for record in history.records)
    return [str(len(part)), "falls" if last < first else "rises"]


@example(
    "Both train on the same images: how many, and what the loss does",
    slide="Convolution Network vs. Plain Neural Network; see `allconv compare`",
    printed="""
        256 falls
        256 falls
    """,
    inputs={"count": 256},
    drawn=True,
    heading="expected",
    note="""
        A row a network, plain and convolutional: how many images it sees in an epoch, and whether
        its loss is smaller in the second epoch than in the first.
    """,
)
def both_train(count: Array) -> Any:
    return [learns(net, int(count)) for net in (plain(28), convolutional(28))]


@example(
    "A locally connected layer trains on them as well",
    slide="Locally Connected Layer",
    printed="256 falls",
    inputs={"count": 256},
    drawn=True,
    heading="expected",
    note="""
        How many images it sees in an epoch, and whether its loss is smaller in the second epoch
        than in the first.
    """,
)
def local_trains(count: Array) -> Any:
    layer = nn.LocallyConnected2d(1, 8, 5, 28, stride=2)
    head = (nn.ReLU(), nn.Flatten(), nn.Linear(8 * 12 * 12, CLASSES))
    return learns(nn.Sequential(layer, *head), int(count))
