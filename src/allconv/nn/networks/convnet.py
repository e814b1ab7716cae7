"""convnet: the small convolutional network that `allconv train` uses."""

from __future__ import annotations

from allconv.nn.activations import ReLU
from allconv.nn.arrange import Flatten
from allconv.nn.correlate import Conv2d
from allconv.nn.dropout import Dropout
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import check_least
from allconv.nn.normalize import BatchNorm2d
from allconv.nn.pool import MaxPool2d
from allconv.nn.sequential import Sequential

LEAST = 4


def block(in_channels: int, out_channels: int, stride: int = 1) -> tuple[Module, ...]:
    """Conv 3x3 padding 1, BatchNorm, ReLU."""
    return (
        Conv2d(in_channels, out_channels, 3, stride, padding=1),
        BatchNorm2d(out_channels),
        ReLU(),
    )


def convnet(channels: int, size: tuple[int, int], classes: int) -> Sequential:
    """A small convolutional network, for images (N, channels, *size) of at least 4 x 4.

    [Conv 3x3 padding 1, 32, BatchNorm, ReLU] x 2
    MaxPool 2, Dropout 0.25
    [Conv 3x3 padding 1, 64, BatchNorm, ReLU] x 2
    MaxPool 2, Dropout 0.25
    Flatten, Linear classes
    """
    check_least("convnet", size, LEAST)
    return Sequential(
        *block(channels, 32),
        *block(32, 32),
        MaxPool2d(2),
        Dropout(0.25),
        *block(32, 64),
        *block(64, 64),
        MaxPool2d(2),
        Dropout(0.25),
        Flatten(),
        Linear(64 * (size[0] // 4) * (size[1] // 4), classes),
    )
