"""The settings of a window, as the format spells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allconv.errors import UnsupportedError
from allconv.onnx.format.text import shown
from allconv.onnx.names.call import NodeCall
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.window import Axis, named_padding

_NAMED = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class WindowSettings:
    """One number an axis each; padding is a name where the file leaves it to the sizes."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str | Pairs

    @property
    def plain(self) -> str | tuple[int, ...] | Pairs:
        """The padding, one number an axis where both ends have the same."""
        if isinstance(self.padding, str) or any(low != high for low, high in self.padding):
            return self.padding
        return tuple(low for low, _ in self.padding)

    def pairs(self, input: Sequence[int]) -> Pairs:
        """The padding for an input of these sizes."""
        if not isinstance(self.padding, str):
            return self.padding
        rows = zip(input, self.kernel, self.stride, self.dilation, strict=True)
        return tuple(named_padding(self.padding, i, k, stride=s, dilation=d) for i, k, s, d in rows)


def read_settings(call: NodeCall, axes: int, kernel: Sequence[int] | None = None) -> WindowSettings:
    """The settings of a node whose input has so many axes; `kernel` is that of its weights."""
    if not 1 <= axes <= 3:
        raise call.unsupported(f"an input with {axes} axes of space; 1, 2 or 3 are supported")
    sizes = call.integers("kernel_shape", kernel)
    if len(sizes) != axes or (kernel is not None and sizes != tuple(kernel)):
        raise call.wrong(f"kernel_shape {sizes} does not fit")
    stride = call.integers("strides", (1,) * axes)
    dilation = call.integers("dilations", (1,) * axes)
    if len(stride) != axes or len(dilation) != axes or min(*sizes, *stride, *dilation) < 1:
        raise call.wrong(f"strides {stride} or dilations {dilation} do not fit {axes} axes")
    return WindowSettings(sizes, stride, dilation, _padding(call, axes))


def _padding(call: NodeCall, axes: int) -> str | Pairs:
    mode = call.text("auto_pad", "NOTSET")
    pads = call.integers("pads", (0,) * (2 * axes))
    if len(pads) != 2 * axes:
        raise call.wrong(f"pads {pads} are not two for each of {axes} axes")
    if min(pads) < 0:
        raise call.unsupported(f"pads {pads}, some below 0")
    if mode in _NAMED:
        if any(pads):  # the format allows only one of the two, and runtimes differ
            raise call.unsupported(f"pads {pads} beside auto_pad {mode}")
        return _NAMED[mode]
    if mode not in ("NOTSET", ""):
        raise call.wrong(f"auto_pad {shown(mode)} is not one of the format's")
    return tuple(zip(pads[:axes], pads[axes:], strict=True))


def write_settings(axes: Sequence[Axis]) -> dict[str, Any]:
    """The attributes of a window whose padding is not negative."""
    if any(axis.input_dilation != 1 for axis in axes):
        raise UnsupportedError(
            "this cannot be written to ONNX: input_dilation; use a transposed convolution"
        )
    return {
        "kernel_shape": [axis.kernel for axis in axes],
        "strides": [axis.stride for axis in axes],
        "dilations": [axis.dilation for axis in axes],
        "pads": [*(axis.padding for axis in axes), *(max(axis.high, 0) for axis in axes)],
    }


def crop(axis: Axis) -> tuple[int, int]:
    """The cells (low, high) that negative padding takes away: numbers below 0, as `Pad` has them.

    An input that is not covered to its end needs no crop unless another output would fit.
    """
    fits = axis.fitting(axis.padding, max(axis.high, 0)) > axis.output
    return min(axis.padding, 0), axis.high if fits else 0


def padded(
    writer: Writer,
    written: NodeToWrite,
    axes: Sequence[Axis],
    changes: Sequence[tuple[int, int]],
    value: float = 0.0,
) -> tuple[str, tuple[Axis, ...]]:
    """The first input with cells more (fewer where below 0) by a Pad before it, and its axes."""
    x = written.inputs[0]
    if not any(map(any, changes)):
        return x, tuple(axes)
    moved = tuple(axis.moved(*each) for axis, each in zip(axes, changes, strict=True))
    return writer.pad(written, x, [(0, 0), (0, 0), *changes], value), moved


def cropped(
    writer: Writer, written: NodeToWrite, axes: Sequence[Axis]
) -> tuple[str, tuple[Axis, ...]]:
    """The first input without the cells that negative padding takes away, and its axes."""
    return padded(writer, written, axes, [crop(axis) for axis in axes])
