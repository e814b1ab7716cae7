"""Sums over runs, in the order of `operators.reduce`: pass after pass over a block of an array."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.passes import CELLS, PassOverRows
from allconv.engine.emit.strips import copy
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.sum_order import RUN_OF_CHANNELS

AXES = 5  # of a block
KEPT = 3  # further axes
STRIP = 1024  # bytes of a strip: sixteen of them stay in the first-level cache
WIDE = 8192  # bytes of a strip of which so few are added that no partial sums are held
HELD = 65536  # bytes of the sums of the first pass over a block: two such stay in the second
MARGIN = 64  # bytes behind the end of what is held that may be written, too

_AXIS_BITS = 3
_PASS_BITS = _AXIS_BITS + 1
MOST_PASSES = 62 // _PASS_BITS


def encoded(passes: Sequence[tuple[int, int]]) -> int:
    """Passes (axis, run) as one number, the first in its lowest bits."""
    bits = [axis | (run == RUN_OF_CHANNELS) << _AXIS_BITS for axis, run in passes]
    return sum(each << _PASS_BITS * n for n, each in enumerate(bits))


@dataclass(frozen=True, kw_only=True)
class SumRunsArguments(Arguments[T]):
    """What a task is, see `SumRuns`. Of each axis of a block its cells, how many are in a block and
    how many blocks there are, the strides in x and in out, and in out from block to block; of the
    others their cells and strides."""

    x: T
    out: T
    tasks: T
    block: T
    count: T
    passes: T
    turns: T  # how many passes there are
    width: T
    strip: T
    strips: T
    n: tuple[T, ...] = several(AXES)
    cells: tuple[T, ...] = several(AXES)
    blocks: tuple[T, ...] = several(AXES)
    x_axis: tuple[T, ...] = several(AXES)
    out_axis: tuple[T, ...] = several(AXES)
    out_block: tuple[T, ...] = several(AXES)
    kept: tuple[T, ...] = several(KEPT)
    kept_x: tuple[T, ...] = several(KEPT)
    kept_out: tuple[T, ...] = several(KEPT)


@dataclass(frozen=True)
class SumRuns(Kernel):
    """out[kept, i0, ..., i4] = the sums of the runs of x[kept, j0, ..., j4], strip by strip.

    A task is one strip of a block of `cells` along every axis, of which the `passes` (`encoded`)
    take some; the first pass takes the last axis. Strips are contiguous in x and in out, or have
    one number, and then the last axis is contiguous in x. Where one strip is the whole `width`,
    passes may take it as axis number AXES. A chunk is `block` of the `tasks`. A `mean` divides by
    `count`.
    """

    mean: bool

    takes: ClassVar = SumRunsArguments
    scratch: ClassVar[int] = 2 * HELD + 16 * STRIP + MARGIN

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(SumRunsArguments)
        with code.units(a.block, a.tasks) as number:
            _Task(self, code, number).emit()


class _Task:
    """One strip of one block being summed."""

    def __init__(self, kernel: SumRuns, code: Code, number: Index) -> None:
        self.kernel, self.code, a = kernel, code, code.arguments(SumRunsArguments)
        _, *indices, strip = code.counted(number, *reversed(a.kept), *a.blocks, a.strips)
        kept, blocks = indices[KEPT - 1 :: -1], indices[KEPT:]
        start = code.mul(strip, a.strip)
        self.width = code.min(code.sub(a.width, start), a.strip)
        along = code.mul(start, code.size)
        x, out = code.add(a.x, along), code.add(a.out, along)
        self.sizes: list[Index] = []
        for axis, index in enumerate(blocks):
            cell = code.mul(index, a.cells[axis])
            self.sizes.append(code.min(code.sub(a.n[axis], cell), a.cells[axis]))
            x = code.add(x, code.mul(cell, a.x_axis[axis]))
            out = code.add(out, code.mul(index, a.out_block[axis]))
        for k, index in enumerate(kept):
            x = code.add(x, code.mul(index, a.kept_x[k]))
            out = code.add(out, code.mul(index, a.kept_out[k]))
        self.x, self.out = x, out

    def emit(self) -> None:
        """All passes, from x to one half of the memory, from there to the other, and so on."""
        code, arguments = self.code, self.code.arguments(SumRunsArguments)
        here, there = code.scratch, code.add(code.scratch, HELD)
        start = (arguments.passes, self.x, here, there, *self.sizes, self.width)
        carry = [code.value(i) for i in start]
        with code.loop(arguments.turns, carry=carry, at_least_once=True) as turn:
            passes, source, out, other, *sizes = carry
            axis = code.rem(passes, 1 << _AXIS_BITS)
            of_channels = code.compare("!=", code.rem(code.div(passes, 1 << _AXIS_BITS), 2), 0)
            run = code.select(of_channels, RUN_OF_CHANNELS, CELLS)
            one = _Pass(self, turn, axis, run, sizes)
            one.emit(View(code, source), View(code, out))
            after = [
                code.select(code.compare("==", axis, a), one.runs, n) for a, n in enumerate(sizes)
            ]
            following = code.div(passes, 1 << _PASS_BITS)
            carry[:] = [code.value(i) for i in (following, out, other, out, *after)]
        self._write(View(code, carry[1]), carry[4:])

    def _write(self, sums: View, sizes: Sequence[Index]) -> None:
        """The sums, which follow each other, to their places: as few runs of them as possible."""
        code, steps = self.code, self.code.arguments(SumRunsArguments).out_axis
        *left, width = sizes
        for a in reversed(range(AXES)):  # numbers along the innermost axis with several are a run
            follows = code.compare("==", steps[a], code.size)
            alone = code.both(code.compare("==", width, 1), follows)
            width = code.select(alone, left[a], width)
            left[a] = code.select(alone, 1, left[a])
        pitch = code.mul(width, code.size)
        with ExitStack() as loops:
            number: Index = 0
            out = self.out
            for a, n in enumerate(left):
                i = loops.enter_context(code.loop(n, at_least_once=True))
                number = code.add(code.mul(number, n), i)
                out = code.add(out, code.mul(i, steps[a]))
            change = self._mean if self.kernel.mean else None
            copy(code, sums.moved(code.mul(number, pitch)), View(code, out), width, change)

    def _mean(self, x: ir.Value) -> ir.Value:
        code, count = self.code, self.code.arguments(SumRunsArguments).count
        return code.fdiv(x, code.splat(code.builder.sitofp(count, code.scalar)))


class _Pass:
    """A pass over one axis of a block: its numbers, and those of the axes before and after it.

    `rows` of `n` cells of `inner` numbers each, within three `outer` loops.
    """

    def __init__(
        self, task: _Task, turn: Index, axis: Index, run: Index, sizes: Sequence[Index]
    ) -> None:
        code = self.code = task.code
        cells = sizes[0]
        before: Index = 1
        inner: Index = 1
        for a, n in enumerate(sizes):
            cells = code.select(code.compare("==", axis, a), n, cells)
            before = code.mul(before, code.select(code.compare("<", a, axis), n, 1))
            inner = code.mul(inner, code.select(code.compare(">", a, axis), n, 1))
        # The first pass reads x, the others sums that follow each other.
        is_first = code.compare("==", turn, 0)
        steps = code.arguments(SumRunsArguments).x_axis
        *far, near, _, _ = sizes
        merges = code.compare("==", steps[AXES - 3], code.mul(near, steps[AXES - 2]))
        far[-1], near = (
            code.select(merges, 1, far[-1]),
            code.select(merges, code.mul(far[-1], near), near),
        )
        self.runs = code.div(code.add(cells, code.sub(run, 1)), run)
        cell = code.mul(inner, code.size)
        self.outer = [
            (code.select(is_first, n, 1), step) for n, step in zip(far, steps, strict=False)
        ]
        row = code.select(is_first, steps[AXES - 2], code.mul(cells, cell))
        self.rows = PassOverRows(
            code,
            run,
            (code.select(is_first, near, before), cells, inner),
            (row, code.select(is_first, steps[AXES - 1], cell)),
            code.add(code.scratch, 2 * HELD),
            STRIP,
        )

    def emit(self, x: View, out: View) -> None:
        """Write out[outer, row, run, inner]."""
        code = self.code
        sums = code.mul(self.rows.rows, self.rows.runs, self.rows.inner, code.size)
        with ExitStack() as loops:
            number: Index = 0
            for n, step in self.outer:
                i = loops.enter_context(code.loop(n, at_least_once=True))
                number = code.add(code.mul(number, n), i)
                x = x.moved(code.mul(i, step))
            self.rows.emit(x, out.moved(code.mul(number, sums)))
