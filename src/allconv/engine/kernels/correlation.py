"""What every kernel of a correlation or its transpose is given, besides what is its own."""

from __future__ import annotations

from dataclasses import dataclass

from allconv.engine.arguments import T, several
from allconv.engine.epilogue import AfterArguments
from allconv.engine.kernels.band import SourceArguments
from allconv.engine.kernels.form import OutputArguments
from allconv.engine.kernels.pack import PackedArguments
from allconv.engine.kernels.phase_table import PhaseArguments

COLUMNS = ("cells", "taps", "offset", "w", "y", "b")
"""Of a phase: its counts, the source cell of its first cell and tap, and how many bytes further
its weights, outputs and biases begin."""


@dataclass(frozen=True, kw_only=True)
class ProblemArguments(
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
