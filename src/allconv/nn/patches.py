"""Layers that cut images into windows and put them together again."""

from __future__ import annotations

from allconv import functional
from allconv.nn.layer import Layer

__all__ = ["Fold", "Unfold"]


class Unfold(Layer):
    """Every window of an image as a column; see `functional.unfold`."""

    axes, _function = 2, staticmethod(functional.unfold)


class Fold(Layer):
    """Columns added up where their windows lie; see `functional.fold`."""

    axes, _function = 2, staticmethod(functional.fold)
