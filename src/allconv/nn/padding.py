"""Layers that put a border around images."""

from __future__ import annotations

from typing import Any, ClassVar

from allconv import functional
from allconv.functional.settings import Sizes, per_axis
from allconv.intake.settings import is_sequence, whole
from allconv.nn.layer import over_axes
from allconv.nn.module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Border(Module):
    """A border around images: (low, high) of the last axis, of the last but one, ..., or one number
    for every side, as in PyTorch; negative numbers crop."""

    axes: ClassVar[int]
    mode: ClassVar[str] = "constant"

    def __init__(self, padding: Sizes) -> None:
        if not is_sequence(padding):
            padding = (whole("padding", padding),) * (2 * self.axes)
        self.padding = per_axis("padding", padding, 2 * self.axes, least=None)

    def forward(self, x: Any) -> Any:
        """See `functional.pad`."""
        return functional.pad(x, self.padding, self.mode)


class _Zeros(_Border):
    """A border of zeros around images."""


class _Constant(_Border):
    """A border of one value around images."""

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, x: Any) -> Any:
        """See `functional.pad`."""
        return functional.pad(x, self.padding, value=self.value)


class _Reflection(_Border):
    """A border that mirrors images."""

    mode = "reflect"


class _Replication(_Border):
    """A border that repeats the edge of images."""

    mode = "replicate"


class _Circular(_Border):
    """A border that wraps round images."""

    mode = "circular"


ZeroPad1d, ZeroPad2d, ZeroPad3d = over_axes("ZeroPad", _Zeros)
ConstantPad1d, ConstantPad2d, ConstantPad3d = over_axes("ConstantPad", _Constant)
ReflectionPad1d, ReflectionPad2d, ReflectionPad3d = over_axes("ReflectionPad", _Reflection)
ReplicationPad1d, ReplicationPad2d, ReplicationPad3d = over_axes("ReplicationPad", _Replication)
CircularPad1d, CircularPad2d, CircularPad3d = over_axes("CircularPad", _Circular)
