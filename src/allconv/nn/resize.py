"""Layers that change the size of images."""

from __future__ import annotations

from allconv import functional
from allconv.nn.layer import Layer

__all__ = ["Upsample"]


class Upsample(Layer):
    """Images of another size; see `functional.interpolate`."""

    _function = staticmethod(functional.interpolate)
