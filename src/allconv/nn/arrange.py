"""Layers that move values: flattened, cut into windows, shuffled, resized."""

from __future__ import annotations

from typing import Any

from allconv import functional
from allconv.nn.layer import Layer, derived
from allconv.nn.module import Module

__all__ = [
    "ChannelShuffle",
    "Flatten",
    "Fold",
    "Identity",
    "PixelShuffle",
    "PixelUnshuffle",
    "Unfold",
    "Upsample",
]


class Flatten(Module):
    """The axes from start_dim to end_dim as one; see `functional.flatten`."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        """See `functional.flatten`."""
        return functional.flatten(x, self.start_dim, self.end_dim)


class Identity(Module):
    """x as it is."""

    def forward(self, x: Any) -> Any:
        """x."""
        return x


class _Moving(Layer): ...


ChannelShuffle = derived("ChannelShuffle", _Moving, functional.channel_shuffle)
Fold = derived("Fold", _Moving, functional.fold, 2)
PixelShuffle = derived("PixelShuffle", _Moving, functional.pixel_shuffle)
PixelUnshuffle = derived("PixelUnshuffle", _Moving, functional.pixel_unshuffle)
Unfold = derived("Unfold", _Moving, functional.unfold, 2)
Upsample = derived("Upsample", _Moving, functional.interpolate)
