"""Layers that turn channels into space, back, and into another order."""

from __future__ import annotations

from allconv import functional
from allconv.nn.layer import Layer

__all__ = ["ChannelShuffle", "PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Layer):
    """Channels as the pixels of a larger image; see `functional.pixel_shuffle`."""

    _function = staticmethod(functional.pixel_shuffle)


class PixelUnshuffle(Layer):
    """Pixels as the channels of a smaller image; see `functional.pixel_unshuffle`."""

    _function = staticmethod(functional.pixel_unshuffle)


class ChannelShuffle(Layer):
    """The channels of groups taken in turn; see `functional.channel_shuffle`."""

    _function = staticmethod(functional.channel_shuffle)
