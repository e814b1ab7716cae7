"""The step of groups of few channels on planes: where it pays, and how it is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from allconv.engine.arguments import joined
from allconv.engine.epilogue import Tail
from allconv.engine.kernels.copy import add_copy
from allconv.engine.kernels.depthwise_steps import DepthwiseConvolution, DepthwiseCut
from allconv.engine.kernels.four_axes import AXES, AxisPhases, Image, four
from allconv.engine.kernels.group_planes import GroupArguments, GroupPlanes
from allconv.engine.phases import Phase
from allconv.engine.place import Place, layout_strides
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.value import Value

OUTPUTS = (8, 7, 6, 5, 4)  # of a tile, of which those of a group must be a multiple
VECTORS = (1, 2, 3)  # of a tile
MOST_INPUTS = 64  # of a group: a block of `direct`, whose sums these are
MOST_OUTPUTS = 32  # of a group, of windows of one cell, which are transposed in vain otherwise
LEAST = 3  # rows of a third of the lanes
DIRECT = 1.25  # cycles of the direct algorithm on one vector of channels, for one on planes
TRANSPOSE = 0.5  # cycles to transpose a number


def add_group_planes(
    planner: Planner, groups: int, source: Value, w: Place, y: Place, bias: Place | None,
    tail: Tail, phases: Sequence[Sequence[Phase]],
) -> bool:  # fmt: skip
    """Fill y from an image, if groups have too few channels for vectors.

    Where their channels come last, images are transposed if that pays. Measured on one core of a
    Zen 5 processor (AVX-512), beside the direct algorithm on transposed images: 8 channels a group,
    3x3 at 28 x 28, 144 us for 421; 28 of 1x1, 33 for 48; 16 of 5x5, 183 for 186, 32 of 5x5, 801 for
    715. With channels last, 3x3: 8 a group at 28 x 28, 183 for 357; at 56 x 56 with stride 2, 329
    for 526; 4 at 56 x 56, 313 for 949; 12, 964 for 1,332; but 8 at 7 x 7 65 for 58.
    """
    x, axes = planner.read(source), four([AxisPhases(tuple(each)) for each in phases], None)
    rows = y.has("rows")
    if not rows and ("y" in tail.epilogue.kinds or not _pays(planner, groups, x, y, axes)):
        return False
    seen, written = (
        each if rows else each.viewed(each.shape, layout_strides(each.spec, "rows"))
        for each in (x, y)
    )
    if not _fits(planner, groups, seen, written, axes) or (
        bias is not None and len(bias.shape) > 1
    ):
        return False
    x = x if rows else planner.read(source, "rows")
    made = y if rows else planner.temporary(y.shape, y.spec.dtype)
    _add(planner, groups, x, w, made, bias, tail, axes, len(phases))
    if not rows:
        add_copy(planner, made, y)
    return True


def _fits(planner: Planner, groups: int, x: Place, y: Place, axes: tuple[AxisPhases, ...]) -> bool:
    """Whether images that lie so are computed in planes: few channels of groups that fill tiles,
    cells side by side, rows of vectors."""
    source, target = (Image.of(place, groups, batch=False) for place in (x, y))
    lanes, last = planner.target.lanes(x.spec.dtype), axes[3]
    single = all(axis.taps == 1 for axis in axes)
    few = target.channels < lanes or (single and target.channels <= MOST_OUTPUTS)
    close = x.strides[-1] == y.strides[-1] == x.item and not (x.is_last or y.is_last)
    if not (few and close and groups > 1 and source.channels <= MOST_INPUTS):
        return False
    moves = len(last.phases) == 1 and last.taps > 0 and last.common.stride <= 2
    wide = planner.target.masks and last.most * LEAST >= lanes
    return moves and wide and _outputs(target.channels) > 0


def _outputs(channels: int) -> int:
    """Of a tile for groups of so many output channels, or 0."""
    return next((n for n in OUTPUTS if channels % n == 0), 0)


def _pays(planner: Planner, groups: int, x: Place, y: Place, axes: tuple[AxisPhases, ...]) -> bool:
    """Whether the direct algorithm leaves lanes idle for longer than transposing both images
    takes."""
    lanes, outputs, most = planner.target.lanes(x.spec.dtype), y.shape[1] // groups, axes[3].most
    terms = x.shape[1] // groups * prod(axis.taps for axis in axes)
    direct, planes = (-(-n // lanes) * lanes / n for n in (outputs, most))
    saved = terms * (DIRECT * direct - planes) / (2 * lanes)
    return saved * y.spec.size > TRANSPOSE * (x.spec.size + y.spec.size)


def _add(
    planner: Planner, groups: int, x: Place, w: Place, y: Place, bias: Place | None, tail: Tail,
    axes: tuple[AxisPhases, ...], count: int,
) -> None:  # fmt: skip
    """The step, of images of so many axes in row-major order."""
    source, target = (Image.of(place, groups, batch=False) for place in (x, y))
    lanes, last = planner.target.lanes(x.spec.dtype), axes[3]
    outputs = _outputs(target.channels)
    vectors = min(VECTORS, key=lambda v: (-(-last.most // (v * lanes)) * (v + 0.5), -v))
    blocks = groups * target.channels // outputs
    by_tap = (0,) * (AXES - count) + w.strides[2:]
    convolution = DepthwiseConvolution(
        planner, replace(source, channels=blocks), target, axes, by_tap, count, w, bias, tail
    )
    cut = DepthwiseCut.of_planes(
        axes, x.shape[0], blocks, (1, vectors * lanes), source.channels * outputs
    )
    arguments = GroupArguments[Argument](
        **joined(convolution.arguments(cut)),
        w_channel=w.strides[0],
        y_channel=target.channel_stride,
        inputs=source.channels,
        w_input=w.strides[1],
        out_blocks=target.channels // outputs,
    )
    kernel = GroupPlanes(
        planner.target, x.spec.dtype, (outputs, vectors), count, last.common.stride,
        bias is not None, tail.epilogue,
    )  # fmt: skip
    convolution.step(kernel, arguments, cut)
