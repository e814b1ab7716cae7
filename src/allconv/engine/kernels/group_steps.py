"""The step of groups of few channels on planes: where it pays, and how it is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allconv.engine.arguments import joined
from allconv.engine.epilogue import Tail
from allconv.engine.kernels.depthwise_steps import Cut, Forward
from allconv.engine.kernels.form import AXES, AxisPhases, Image, four
from allconv.engine.kernels.group_planes import GroupArguments, GroupPlanes
from allconv.engine.phases import Phase
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.engine.step import Number

OUTPUTS = (8, 7, 6, 5, 4)  # of a tile, of which those of a group must be a multiple
VECTORS = (1, 2, 3)  # of a tile
MOST_INPUTS = 64  # of a group: a block of `direct`, whose sums these are
MOST_OUTPUTS = 32  # of a group, of windows of one cell, which are turned in vain otherwise
LEAST = 3  # rows of a third of the lanes


def add_group_planes(
    planner: Planner, groups: int, x: Place, w: Place, y: Place, bias: Place | None, tail: Tail,
    phases: Sequence[Sequence[Phase]],
) -> bool:  # fmt: skip
    """Fill y in row-major order from x that lies so, if groups have too few channels for vectors.

    Measured on one core of a Zen 5 processor (AVX-512), beside the direct algorithm and its turned
    images: 8 channels a group, 3x3 at 28 x 28, 144 us for 421; 28 of 1x1, 33 for 48; 16 of 5x5, 183
    for 186, 32 of 5x5, 801 for 715.
    """
    source, target = (Image.of(place, groups, batch=False) for place in (x, y))
    axes = four([AxisPhases(tuple(each)) for each in phases], None)
    lanes = planner.target.lanes(x.spec.dtype)
    outputs = next((n for n in OUTPUTS if target.channels % n == 0), 0)
    single = all(axis.taps == 1 for axis in axes)
    few = target.channels < lanes or (single and target.channels <= MOST_OUTPUTS)
    close = x.strides[-1] == y.strides[-1] == x.item and not (x.is_last or y.is_last)
    if not (outputs and few and close and groups > 1 and source.channels <= MOST_INPUTS):
        return False
    last = axes[3]
    moves = len(last.phases) == 1 and last.taps > 0 and last.common.stride <= 2
    wide = planner.target.masks and last.most * LEAST >= lanes
    if not (moves and wide and (bias is None or len(bias.shape) == 1)):
        return False
    vectors = min(VECTORS, key=lambda v: (-(-last.most // (v * lanes)) * (v + 0.5), -v))
    blocks = groups * target.channels // outputs
    by_tap = (0,) * (AXES - len(phases)) + w.strides[2:]
    forward = Forward(
        planner, replace(source, channels=blocks), target, axes, by_tap, len(phases), w, bias, tail
    )
    cut = Cut.of_planes(axes, x.shape[0], blocks, (1, vectors * lanes), source.channels * outputs)
    arguments = GroupArguments[Number](
        **joined(forward.arguments(cut)),
        w_channel=w.strides[0],
        y_channel=target.channel_stride,
        inputs=source.channels,
        w_input=w.strides[1],
        out_blocks=target.channels // outputs,
    )
    kernel = GroupPlanes(
        planner.target, x.spec.dtype, (outputs, vectors), len(phases), last.common.stride,
        bias is not None, tail.epilogue,
    )  # fmt: skip
    forward.step(kernel, arguments, cut)
    return True
