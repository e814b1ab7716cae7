"""`--sizes` of `allconv show`: how the size of the output comes about, an axis after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allconv.cli.failures import Misuse

if TYPE_CHECKING:
    from allconv.cli.show_call import ShownCall
    from allconv.show.working import Working
    from allconv.window import Axis

MOST_PADDINGS = 1_000_000
POOLS = ("max_pool", "avg_pool")


def size_texts(made: Working, call: ShownCall, name: str, settings: Mapping[str, Any]) -> list[str]:
    """The arithmetic of each axis; of a transposed layer that of the convolution it transposes."""
    from allconv.functional.settings import pairs

    axes = made.window.axes
    if not axes:
        return ["sizes: a linear layer slides over nothing; every output sees every input"]
    sizes = tuple(axis.input for axis in axes)
    if settings.get("padding_mode", "zeros") != "zeros":  # the window slides over the border, too
        sizes = call.arrays[0].shape[-len(axes) :]
    inputs = [(n - 1) * a.input_dilation + 1 for n, a in zip(sizes, axes, strict=True)]
    kernels, strides, dilations = zip(
        *((axis.kernel, axis.stride, axis.dilation) for axis in axes), strict=True
    )
    ends = pairs(settings.get("padding", 0), inputs, kernels, strides, dilations)
    told = []
    for n, (axis, input, pair) in enumerate(zip(axes, inputs, ends, strict=True)):
        told.append("\n    ".join([_head(n, axis, name), *_lines(axis, input, pair, name)]))
    return told


def _head(n: int, axis: Axis, name: str) -> str:
    head = f"sizes of axis {n}"
    if axis.input_dilation > 1:
        head += f", {axis.input} cells drawn {axis.input_dilation} apart"
    if name == "conv_transpose":
        head += " of the convolution that this is the transpose of"
    return head


def _lines(axis: Axis, input: int, pair: tuple[int, int], name: str) -> list[str]:
    """What can be said of one axis; of a pooling only what has a meaning there."""
    from allconv.sizes import solve_sizes

    if axis.stride * (axis.stride * input + axis.dilation * axis.kernel) > MOST_PADDINGS:
        raise Misuse(
            f"--sizes lists the paddings that keep a size; a stride of {axis.stride} over "
            f"{input} cells has too many"
        )
    solved = solve_sizes(
        input, axis.kernel, stride=axis.stride, padding=(pair,), dilation=axis.dilation
    )
    lines = str(solved).splitlines()
    added = axis.output - solved.axis.output
    if name in POOLS:
        lines = lines[:2]
    if added:
        lines.append(f"ceil_mode adds {added}: {input} -> {axis.output}")
    return lines
