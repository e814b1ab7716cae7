"""What every kernel of a correlation or its transpose is given, besides what is its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allconv.engine.arguments import T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.epilogue import AfterArguments
from allconv.engine.kernels.band import SourceArguments
from allconv.engine.kernels.four_axes import OutputArguments
from allconv.engine.kernels.pack import PackedArguments
from allconv.engine.kernels.phase_table import PhaseArguments, clip_taps

COLUMNS = ("cells", "taps", "offset", "w", "y", "b")
"""Of a phase: its counts, the source cell of its first cell and tap, and how many bytes further
its weights, outputs and biases begin."""


@dataclass(frozen=True, kw_only=True)
class CorrelationArguments(
    SourceArguments[T], PhaseArguments[T], PackedArguments[T], OutputArguments[T], AfterArguments[T]
):
    """What all kernels of a correlation are given. Of each axis: the number of its phases, and the
    cells of the largest; how far weights lie from tap to tap. How far channels of y lie apart.
    Biases b with their stride by group; `outputs` are the output channels of a group, in
    `out_blocks` blocks of the packed weights."""

    phase_count: tuple[T, ...] = several(4)
    most: tuple[T, ...] = several(4)
    w_tap: tuple[T, ...] = several(4)
    y_channel: T
    b: T
    b_group: T
    groups: T
    outputs: T
    out_blocks: T


def source_of_unit(
    code: Code, phases: Sequence[dict[str, Index]], cells: Sequence[Index], group: Index
) -> tuple[list[Index], list[Index], Index]:
    """Of a unit that begins at these cells of these phases: by axis the source cell of its first
    tap and the number of taps, and where the weights begin.

    Taps of axes 0 and 1 whose source does not exist are left out.
    """
    a = code.arguments(CorrelationArguments)
    start = [
        code.add(phase["offset"], code.mul(a.stride[axis], cell))
        for axis, (phase, cell) in enumerate(zip(phases, cells, strict=True))
    ]
    taps = [phase["taps"] for phase in phases]
    weights = code.add(a.w, code.mul(group, a.w_group))
    for axis in (0, 1):
        dilation = a.dilation[axis]
        low, taps[axis] = clip_taps(code, start[axis], dilation, a.size[axis], taps[axis])
        start[axis] = code.add(start[axis], code.mul(low, dilation))
        weights = code.add(weights, code.mul(low, a.w_tap[axis]))
    return start, taps, weights
