"""Layers that put a border around images."""

from __future__ import annotations

from typing import Any, ClassVar

from allconv import functional
from allconv.functional.settings import Sizes, per_axis
from allconv.nn.module import Module
from allconv.settings import is_sequence, whole


class _Border(Module):
    """What padding layers share: (low, high) of the last axis, of the last but one, ..., or one
    number for every side, as in PyTorch; negative numbers crop."""

    axes: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: Sizes) -> None:
        if not is_sequence(padding):
            padding = (whole("padding", padding),) * (2 * self.axes)
        self.padding = per_axis("padding", padding, 2 * self.axes, least=None)

    def forward(self, x: Any) -> Any:
        """See `functional.pad`."""
        return functional.pad(x, self.padding, self.mode)


class _ConstantPad(_Border):
    """A border of one value."""

    mode = "constant"

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, x: Any) -> Any:
        """See `functional.pad`."""
        return functional.pad(x, self.padding, value=self.value)


class ZeroPad1d(_Border):
    """A border of zeros around images of one axis."""

    axes, mode = 1, "constant"


class ZeroPad2d(_Border):
    """A border of zeros around images of two axes."""

    axes, mode = 2, "constant"


class ZeroPad3d(_Border):
    """A border of zeros around images of three axes."""

    axes, mode = 3, "constant"


class ReflectionPad1d(_Border):
    """A border that mirrors images of one axis."""

    axes, mode = 1, "reflect"


class ReflectionPad2d(_Border):
    """A border that mirrors images of two axes."""

    axes, mode = 2, "reflect"


class ReflectionPad3d(_Border):
    """A border that mirrors images of three axes."""

    axes, mode = 3, "reflect"


class ReplicationPad1d(_Border):
    """A border that repeats the edge of images of one axis."""

    axes, mode = 1, "replicate"


class ReplicationPad2d(_Border):
    """A border that repeats the edge of images of two axes."""

    axes, mode = 2, "replicate"


class ReplicationPad3d(_Border):
    """A border that repeats the edge of images of three axes."""

    axes, mode = 3, "replicate"


class CircularPad1d(_Border):
    """A border that wraps round images of one axis."""

    axes, mode = 1, "circular"


class CircularPad2d(_Border):
    """A border that wraps round images of two axes."""

    axes, mode = 2, "circular"


class CircularPad3d(_Border):
    """A border that wraps round images of three axes."""

    axes, mode = 3, "circular"


class ConstantPad1d(_ConstantPad):
    """A border of one value around images of one axis."""

    axes = 1


class ConstantPad2d(_ConstantPad):
    """A border of one value around images of two axes."""

    axes = 2


class ConstantPad3d(_ConstantPad):
    """A border of one value around images of three axes."""

    axes = 3
