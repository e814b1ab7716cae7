"""The parts of a weight gradient added up, in their order, and put where the weights lie.

Parts hold vectors of output channels, weights rows of input channels and taps: some of the sums are
made in scratch memory, line by line, and transposed from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.transpose import transpose
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel


@dataclass(frozen=True, kw_only=True)
class GradientArguments(Arguments[T]):
    """The gradient w with its strides by group and by output and input channel; the `parts` that
    are added, of so many bytes each: [group][block of output channels][tap][input channel][lane].
    """

    w: T
    w_group: T
    w_output: T
    w_channel: T
    partial: T
    parts: T
    part_bytes: T
    groups: T
    outputs: T
    out_blocks: T
    channels: T
    kernel: tuple[T, ...] = several(4)


@dataclass(frozen=True, kw_only=True)
class JoinWeightArguments(GradientArguments[T]):
    """Beside those, how units are counted: the runs of input channels and of taps. A run of several
    channels has all taps, so that what is written of an output channel is one row."""

    units: T
    chunk_units: T
    channel_runs: T
    run_channels: T
    tap_runs: T
    run_taps: T


@dataclass(frozen=True)
class Line:
    """A line of sums: a vector or some of output channels, of a group, an input channel, a tap."""

    group: Index
    first: Index  # output channel
    channel: Index
    tap: Index


@dataclass(frozen=True)
class JoinWeight(Kernel):
    """w[o, c, k] = sum of the parts, in their order.

    A unit is one (group, block of o, run of c, run of k), a chunk `chunk_units` of them. The cells
    of w are in row-major order.
    """

    width: int  # output channels of a block

    takes: ClassVar[type[Arguments[object]]] = JoinWeightArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(JoinWeightArguments)
        with code.units(a.chunk_units, a.units) as unit:
            self._unit(code, unit)

    def _unit(self, code: Code, unit: Index) -> None:
        """Add up the parts of a unit line by line, and transpose the lines."""
        a, line = code.arguments(JoinWeightArguments), self.width * code.size
        group, block, c, k = code.counted(unit, a.out_blocks, a.channel_runs, a.tap_runs)
        first, every = code.mul(block, self.width), code.mul(*a.kernel)
        channel, tap = code.mul(c, a.run_channels), code.mul(k, a.run_taps)
        channels = code.min(code.sub(a.channels, channel), a.run_channels)
        taps = code.min(code.sub(every, tap), a.run_taps)
        number = code.mul(code.numbered((group, block), (0, a.out_blocks)), every)
        lines = View(code, code.scratch, line)
        with code.loop(taps) as i, code.loop(channels) as j:
            here = Line(group, first, code.add(channel, j), code.add(tap, i))
            at = code.numbered((code.add(number, here.tap), here.channel), (0, a.channels))
            to = lines[code.numbered((j, i), (0, taps))]
            self._add(code, code.add(a.partial, code.mul(at, line)), to, here)
        row = code.add(
            a.w, code.mul(group, a.w_group), code.mul(first, a.w_output),
            code.mul(channel, a.w_channel), code.mul(tap, code.size),
        )  # fmt: skip
        outputs = code.min(code.sub(a.outputs, first), self.width)
        transpose(code, lines, View(code, row, a.w_output), code.mul(channels, taps), outputs)

    def _add(self, code: Code, source: Index, to: View, _: Line) -> None:
        """Add the parts of a line."""
        a = code.arguments(JoinWeightArguments)
        vectors = self.width // code.lanes
        sums = [code.const(0.0)] * vectors
        with code.loop(a.parts, carry=sums) as p:
            part = View(code, code.add(source, code.mul(p, a.part_bytes)))
            sums[:] = [code.fadd(x, part.vector(v)) for v, x in enumerate(sums)]
        for v, x in enumerate(sums):
            to.store(x, v)
