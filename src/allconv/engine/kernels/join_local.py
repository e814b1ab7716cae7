"""The gradient of weights that every cell has of its own, put where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.arguments import T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.vector import constant
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.join_weight import GradientArguments
from allconv.engine.kernels.phase_table import PhaseArguments, read_phase


@dataclass(frozen=True, kw_only=True)
class JoinLocalArguments(GradientArguments[T], PhaseArguments[T]):
    """Beside those, how units are counted, and the strides of w by tap. Of the axes that positions
    have: how many there are, the stride of w, the cells of the largest phase, by how much the next
    tap and the next output of a phase are further, and how windows walk over the source."""

    units: T
    chunk_units: T
    w_tap: tuple[T, ...] = several(4)
    positions: tuple[T, ...] = several(3)
    w_position: tuple[T, ...] = several(3)
    most: tuple[T, ...] = several(3)
    tap_step: tuple[T, ...] = several(3)
    out_step: tuple[T, ...] = several(3)
    size: tuple[T, ...] = several(3)
    stride: tuple[T, ...] = several(3)
    dilation: tuple[T, ...] = several(3)


@dataclass(frozen=True)
class JoinLocal(Kernel):
    """w[o, c, k, i] = the part of a cell i, or 0 where the tap meets none.

    A unit is one (position, group, block of o, tap), a chunk `chunk_units` of them. The table has
    the first cell of the phase of each tap (-1: none) and its source.
    """

    width: int  # output channels of a block

    takes: ClassVar = JoinLocalArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(JoinLocalArguments)
        with code.units(a.chunk_units, a.units) as unit:
            self._unit(code, unit)

    def _unit(self, code: Code, unit: Index) -> None:
        """Find the part of a unit and write its sums."""
        a = code.arguments(JoinLocalArguments)
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
        part, met = self._part_of_cell(code, position, taps)
        number = code.rem(unit, code.mul(*sums))
        source = code.add(
            a.partial, code.mul(number, a.channels, self.width * code.size),
            code.mul(part, a.part_bytes),
        )  # fmt: skip
        count = code.min(code.sub(a.outputs, first), self.width)
        with code.loop(a.channels) as c:
            here = View(code, code.add(source, code.mul(c, self.width * code.size)))
            there = View(code, code.add(out, code.mul(c, a.w_channel)), a.w_output)
            with code.loop(count) as lane:
                x = [constant(code.scalar, 0.0)]
                with code.when(met, carry=x):
                    x[0] = code.fadd(x[0], here.moved(code.mul(lane, code.size)).scalar())
                there[lane].store_scalar(x[0])

    def _part_of_cell(
        self, code: Code, position: Sequence[Index], taps: Sequence[Index]
    ) -> tuple[Index, Condition]:
        """The part of a position, and whether the tap meets it."""
        a = code.arguments(JoinLocalArguments)
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
