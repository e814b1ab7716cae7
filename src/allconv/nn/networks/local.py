"""local: a locally connected network; cells see a patch each, and share nothing."""

from __future__ import annotations

from math import prod

from allconv.functional.settings import window_of
from allconv.nn.activations import ReLU
from allconv.nn.arrange import Flatten
from allconv.nn.correlate import LocallyConnected2d
from allconv.nn.linear import Linear
from allconv.nn.networks.parts import check_least
from allconv.nn.sequential import Sequential

LEAST = 7


def local(channels: int, size: tuple[int, int], classes: int) -> Sequential:
    """A locally connected network, for images (N, channels, *size) of at least 7 x 7.

    LocallyConnected 3x3, stride 2, 16, ReLU
    LocallyConnected 3x3, stride 2, 16, ReLU
    Flatten, Linear classes
    """
    check_least("local", size, LEAST)
    first = window_of(size, (3, 3), stride=2).output
    second = window_of(first, (3, 3), stride=2).output
    return Sequential(
        LocallyConnected2d(channels, 16, 3, size, stride=2),
        ReLU(),
        LocallyConnected2d(16, 16, 3, first, stride=2),
        ReLU(),
        Flatten(),
        Linear(16 * prod(second), classes),
    )
