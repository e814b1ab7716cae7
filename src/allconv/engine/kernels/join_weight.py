"""The parts of a weight gradient added up, in their order, and put where the weights lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.phase_table import PhaseArguments, read_phase


@dataclass(frozen=True, kw_only=True)
class GradientArguments(Arguments[T]):
    """The gradient w with its strides by group, by output and input channel and by tap."""

    w: T
    w_group: T
    w_output: T
    w_channel: T
    w_tap: tuple[T, ...] = several(4)


@dataclass(frozen=True, kw_only=True)
class JoinWeightArguments(GradientArguments[T], PhaseArguments[T]):
    """Beside those, the `parts` that are added, and all that is counted. Of the axes that positions
    have: how many there are, the stride of w, the cells of the largest phase, by how much the next
    tap and the next output of a phase are further, and how windows walk over the source."""

    units: T
    chunk_units: T
    partial: T
    parts: T
    part_bytes: T
    groups: T
    outputs: T
    out_blocks: T
    channels: T
    kernel: tuple[T, ...] = several(4)
    positions: tuple[T, ...] = several(3)
    w_position: tuple[T, ...] = several(3)
    most: tuple[T, ...] = several(3)
    tap_step: tuple[T, ...] = several(3)
    out_step: tuple[T, ...] = several(3)
    size: tuple[T, ...] = several(3)
    stride: tuple[T, ...] = several(3)
    dilation: tuple[T, ...] = several(3)


@dataclass(frozen=True)
class JoinWeight(Kernel):
    """w[o, c, k] = sum of the parts, in their order.

    A unit is one (position, group, block of o, tap), a chunk `chunk_units` of them. With `local`
    positions have weights of their own, and each cell is a part: the table has the first cell of
    the phase of each tap (-1: none) and its source. A tap that meets no cell there has weight 0.
    """

    width: int  # output channels of a block
    local: bool

    takes: ClassVar = JoinWeightArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(JoinWeightArguments)
        with code.units(a.chunk_units, a.units) as unit:
            self._unit(code, unit)

    def _unit(self, code: Code, unit: Index) -> None:
        """Add the parts of a unit up and write the sums."""
        a = code.arguments(JoinWeightArguments)
        sums = (a.groups, a.out_blocks, *a.kernel)
        q0, q1, q2, group, block, *taps = code.counted(unit, *a.positions[1:], *sums)
        position, first = (q0, q1, q2), code.mul(block, self.width)
        out = code.add(
            a.w,
            *code.moves(a.w_tap, taps),
            *code.moves(a.w_position, position),
            code.mul(group, a.w_group),
            code.mul(first, a.w_output),
        )
        number = code.rem(unit, code.mul(*sums)) if self.local else unit
        source = code.add(a.partial, code.mul(number, a.channels, self.width * code.size))
        parts: Index = a.parts
        if self.local:
            part, met = self._part_of_cell(code, position, taps)
            source = code.add(source, code.mul(part, a.part_bytes))
            parts = code.select(met, 1, 0)
        self._add(code, source, parts, out, code.min(code.sub(a.outputs, first), self.width))

    def _part_of_cell(
        self, code: Code, position: Sequence[Index], taps: Sequence[Index]
    ) -> tuple[Index, Condition]:
        """The part of a position, and whether the tap meets it."""
        a = code.arguments(JoinWeightArguments)
        numbers: list[Index] = []
        met: Condition = True
        for axis, (cell, tap) in enumerate(zip(position, taps, strict=False)):
            step, tap_step = a.out_step[axis], a.tap_step[axis]
            phase = read_phase(code, ("first", "offset"), axis, code.rem(tap, tap_step))
            number = code.div(cell, step)
            source = code.add(
                phase["offset"],
                code.mul(a.stride[axis], number),
                code.mul(a.dilation[axis], code.div(tap, tap_step)),
            )
            in_phase = code.compare("==", phase["first"], code.rem(cell, step))
            met = code.both(met, code.both(in_phase, code.within(source, a.size[axis])))
            numbers.append(number)
        return code.numbered(numbers, a.most), met

    def _add(self, code: Code, source: Index, parts: Index, out: Index, count: Index) -> None:
        """The sums of one tap, channel after channel."""
        a = code.arguments(JoinWeightArguments)
        vectors, line = self.width // code.lanes, self.width * code.size
        with code.loop(a.channels) as c:
            here = code.add(source, code.mul(c, line))
            sums = [code.const(0.0)] * vectors
            with code.loop(parts, carry=sums) as p:
                view = View(code, code.add(here, code.mul(p, a.part_bytes)))
                sums[:] = [code.fadd(x, view.vector(v)) for v, x in enumerate(sums)]
            line_of_sums = View(code, code.scratch)
            for v, x in enumerate(sums):
                line_of_sums.store(x, v)
            there = code.add(out, code.mul(c, a.w_channel))
            with code.loop(count) as lane:
                x = View(code, code.add(code.scratch, code.mul(lane, code.size))).scalar()
                View(code, code.add(there, code.mul(lane, a.w_output))).store_scalar(x)
