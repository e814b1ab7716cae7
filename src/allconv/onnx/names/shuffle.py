"""DepthToSpace, SpaceToDepth and Col2Im: cells moved, and in the last added where they meet."""

from __future__ import annotations

from math import prod
from typing import Any

from allconv.functional.patches import check_pairs, folded_columns
from allconv.functional.shuffle import depth_to_space, space_to_depth
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.window import read_settings
from allconv.value import Value
from allconv.window import Window

_IMAGE = 4  # axes


def read_depth_to_space(call: NodeCall) -> Any:
    """Channels as the pixels of a larger image."""
    x, by, first = _image(call)
    if x.shape[1] % (by * by):
        raise call.wrong(f"{x.shape[1]} channels are not a multiple of blocksize**2, {by}**2")
    return depth_to_space(x, by=by, channels_first=first)


def read_space_to_depth(call: NodeCall) -> Any:
    """The pixels of blocks as channels."""
    x, by, first = _image(call)
    if x.shape[2] % by or x.shape[3] % by:
        raise call.wrong(f"an image of {x.shape[2:]} is not a multiple of the blocksize {by}")
    return space_to_depth(x, by=by, channels_first=first)


def read_col2im(call: NodeCall) -> Any:
    """Columns added up where their windows lie."""
    x, sizes, kernel = call.value(0), call.known_integers(1), call.known_integers(2)
    axes = len(sizes)
    if x.ndim != 3 or not axes or len(kernel) != axes or min(*sizes, *kernel) < 1:
        raise call.wrong(
            f"columns are {x.shape}, image_shape {sizes}, block_shape {kernel}: they do not fit "
            "together"
        )
    settings = read_settings(call, axes, kernel)
    window = Window.forward(
        sizes, kernel,
        stride=settings.stride, dilation=settings.dilation, padding=settings.pairs(sizes),
    )  # fmt: skip
    if x.shape[1] % window.taps or x.shape[2] != prod(window.output):
        raise call.wrong(
            f"columns are {x.shape}; blocks of {kernel} at {window.output} places are expected"
        )
    call.check_shape((x.shape[0], x.shape[1] // window.taps, *sizes))
    check_pairs(window)
    return folded_columns(x, window=window)


def _image(call: NodeCall) -> tuple[Value, int, bool]:
    """The images, the size of blocks, and whether channels come before the cells of a block."""
    x, by = call.value(0), call.integer("blocksize")
    if x.ndim != _IMAGE:
        raise call.wrong(f"its input is {x.shape}; (N, C, H, W) is expected")
    if by < 1:
        raise call.wrong(f"blocksize is {by}; at least 1 is expected")
    return x, by, call.choice("mode", ("DCR", "CRD"), "DCR") == "CRD"


READERS = {
    "Col2Im": NodeRule(read_col2im, settings=(1, 2)),
    "DepthToSpace": NodeRule(read_depth_to_space),
    "SpaceToDepth": NodeRule(read_space_to_depth),
}
