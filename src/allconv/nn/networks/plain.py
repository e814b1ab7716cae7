"""plain: a fully connected network, the lecture's starting point."""

from __future__ import annotations

from allconv.nn.activations import ReLU
from allconv.nn.arrange import Flatten
from allconv.nn.linear import Linear
from allconv.nn.sequential import Sequential


def plain(channels: int, size: tuple[int, int], classes: int) -> Sequential:
    """A fully connected network with one hidden layer, for images (N, channels, *size).

    Flatten
    Linear 256, ReLU
    Linear classes
    """
    return Sequential(
        Flatten(),
        Linear(channels * size[0] * size[1], 256),
        ReLU(),
        Linear(256, classes),
    )
