"""Layers that only move values."""

from __future__ import annotations

from typing import Any

from allconv import functional
from allconv.nn.module import Module

__all__ = ["Flatten", "Identity"]


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
