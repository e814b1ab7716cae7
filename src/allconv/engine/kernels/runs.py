"""Sums over runs, in the order of `operators.reduce`: pass after pass over a block of an array."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from allconv.engine.kernel import Kernel
from allconv.engine.kernels.order import CELLS, RUN_OF_CHANNELS

if TYPE_CHECKING:
    from llvmlite import ir

    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index
    from allconv.engine.emit.view import View

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


@dataclass(frozen=True)
class SumRuns(Kernel):
    """out[kept, i0, ..., i4] = the sums of the runs of x[kept, j0, ..., j4], strip by strip.

    A task is one strip of a block of `cells` along every axis, of which the `passes` (`encoded`)
    take some; the first pass takes the last axis. Strips are contiguous in x and in out, or have
    one number, and then the last axis is contiguous in x. Where one strip is the whole `width`,
    passes may take it as axis number AXES. A chunk is `block` of the `tasks`. A `mean` divides by
    `count`. Strides are in bytes; `next` is the one between blocks in out.
    """

    mean: bool

    slots: ClassVar[tuple[str, ...]] = (
        *("x", "out", "tasks", "block", "count", "passes", "turns", "width", "strip", "strips"),
        *(f"{name}{a}" for name in ("n", "s", "cells", "blocks", "o", "next") for a in range(AXES)),
        *(f"{name}{k}" for name in ("kept", "kept_x", "kept_out") for k in range(KEPT)),
    )
    scratch: ClassVar[int] = 2 * HELD + 16 * STRIP + MARGIN

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("block"))
        last = code.min(code.add(first, code.arg("block")), code.arg("tasks"))
        with code.loop(last, start=first) as number:
            _Task(self, code, number).emit()


class _Task:
    """One strip of one block being summed."""

    def __init__(self, kernel: SumRuns, code: Code, number: Index) -> None:
        self.kernel, self.code = kernel, code
        index, rest = code.rem(number, code.arg("strips")), code.div(number, code.arg("strips"))
        start = code.mul(index, code.arg("strip"))
        self.width = code.min(code.sub(code.arg("width"), start), code.arg("strip"))
        along = code.mul(start, code.size)
        x, out = code.add(code.arg("x"), along), code.add(code.arg("out"), along)
        self.sizes: list[Index] = []
        for a in reversed(range(AXES)):
            index, rest = (
                code.rem(rest, code.arg(f"blocks{a}")),
                code.div(rest, code.arg(f"blocks{a}")),
            )
            cell = code.mul(index, code.arg(f"cells{a}"))
            self.sizes.insert(0, code.min(code.sub(code.arg(f"n{a}"), cell), code.arg(f"cells{a}")))
            x = code.add(x, code.mul(cell, code.arg(f"s{a}")))
            out = code.add(out, code.mul(index, code.arg(f"next{a}")))
        for k in range(KEPT):
            index, rest = code.rem(rest, code.arg(f"kept{k}")), code.div(rest, code.arg(f"kept{k}"))
            x = code.add(x, code.mul(index, code.arg(f"kept_x{k}")))
            out = code.add(out, code.mul(index, code.arg(f"kept_out{k}")))
        self.x, self.out = x, out

    def emit(self) -> None:
        """All passes, from x to one half of the memory, from there to the other, and so on."""
        from allconv.engine.emit.view import View

        code = self.code
        here, there = code.scratch, code.add(code.scratch, HELD)
        start = (code.arg("passes"), self.x, here, there, *self.sizes, self.width)
        carry = [code.value(i) for i in start]
        with code.loop(code.arg("turns"), carry=carry, at_least_once=True) as turn:
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
        from allconv.engine.emit.sixteen import copy
        from allconv.engine.emit.view import View

        code = self.code
        *left, width = sizes
        for a in reversed(range(AXES)):  # numbers along the innermost axis with several are a run
            follows = code.compare("==", code.arg(f"o{a}"), code.size)
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
                out = code.add(out, code.mul(i, code.arg(f"o{a}")))
            change = self._mean if self.kernel.mean else None
            copy(code, sums.moved(code.mul(number, pitch)), View(code, out), width, change)

    def _mean(self, x: ir.Value) -> ir.Value:
        code = self.code
        return code.fdiv(x, code.splat(code.builder.sitofp(code.arg("count"), code.scalar)))


class _Pass:
    """A pass over one axis of a block: its numbers, and those of the axes before and after it.

    `rows` of `n` cells of `inner` numbers each, within three `outer` loops.
    """

    def __init__(
        self, task: _Task, turn: Index, axis: Index, run: Index, sizes: Sequence[Index]
    ) -> None:
        code = self.code = task.code
        self.run = run
        self.n = sizes[0]
        before: Index = 1
        self.inner: Index = 1
        for a, n in enumerate(sizes):
            self.n = code.select(code.compare("==", axis, a), n, self.n)
            before = code.mul(before, code.select(code.compare("<", a, axis), n, 1))
            self.inner = code.mul(self.inner, code.select(code.compare(">", a, axis), n, 1))
        self.runs = code.div(code.add(self.n, code.sub(run, 1)), run)
        # The first pass reads x, the others sums that follow each other.
        is_first = code.compare("==", turn, 0)
        steps = [code.arg(f"s{a}") for a in range(AXES)]
        *far, near, _, _ = sizes
        merges = code.compare("==", steps[AXES - 3], code.mul(near, steps[AXES - 2]))
        far[-1], near = (
            code.select(merges, 1, far[-1]),
            code.select(merges, code.mul(far[-1], near), near),
        )
        cell = code.mul(self.inner, code.size)
        self.outer = [
            (code.select(is_first, n, 1), step) for n, step in zip(far, steps, strict=False)
        ]
        self.rows = code.select(is_first, near, before)
        self.row = code.select(is_first, steps[AXES - 2], code.mul(self.n, cell))
        self.cell = code.select(is_first, steps[AXES - 1], cell)

    def emit(self, x: View, out: View) -> None:
        """Write out[outer, row, run, inner]."""
        code = self.code
        sums = code.mul(self.rows, self.runs, self.inner, code.size)
        with ExitStack() as loops:
            number: Index = 0
            for n, step in self.outer:
                i = loops.enter_context(code.loop(n, at_least_once=True))
                number = code.add(code.mul(number, n), i)
                x = x.moved(code.mul(i, step))
            self._emit_rows(x, out.moved(code.mul(number, sums)))

    def _emit_rows(self, x: View, out: View) -> None:
        code = self.code
        numbers = code.both(
            code.compare("==", self.inner, 1), code.compare("==", self.cell, code.size)
        )
        with code.either(numbers) as (then, otherwise):
            with then:
                self._emit_along(x, out)
            with otherwise:
                self._emit_strips(x, out)

    def _emit_along(self, x: View, out: View) -> None:
        """Numbers that follow each other: many short rows at once, or run by run."""
        from allconv.engine.emit.sixteen import short_rows

        code = self.code
        short = code.both(
            code.compare("<=", self.n, CELLS), code.compare(">=", self.rows, code.lanes)
        )
        with code.either(short) as (then, otherwise):
            with then:
                short_rows(code, x, self.row, self.rows, self.n, out)
            with otherwise:
                self._emit_long_rows(x, out)

    def _emit_long_rows(self, x: View, out: View) -> None:
        """A vector a run, as many as the memory holds; then the lanes of several at once."""
        from allconv.engine.emit.sixteen import write_totals
        from allconv.engine.emit.view import View

        code = self.code
        held = 16 * STRIP // (code.lanes * code.size)
        runs_held = code.min(self.runs, held)
        rows_held = code.div(held, runs_held)
        sums = View(code, code.add(code.scratch, 2 * HELD), code.lanes * code.size)
        with (
            code.loop(self.rows, step=rows_held, at_least_once=True) as row,
            code.loop(self.runs, step=runs_held, at_least_once=True) as first,
        ):
            rows = code.min(code.sub(self.rows, row), rows_held)
            runs = code.min(code.sub(self.runs, first), runs_held)
            self._emit_runs(x.moved(code.mul(row, self.row)), rows, first, runs, sums)
            there = code.mul(code.add(code.mul(row, self.runs), first), code.size)
            write_totals(code, sums, code.mul(rows, runs), out.moved(there))

    def _emit_runs(self, x: View, rows: Index, first: Index, runs: Index, sums: View) -> None:
        """sums[row, run] of some runs of some rows: whole ones of cells, then all others."""
        from allconv.engine.emit.sixteen import Runs, pair_of_parts

        code = self.code
        of_cells = code.compare("==", self.run, CELLS)
        whole = code.max(code.sub(code.div(self.n, CELLS), first), 0)
        whole = code.select(of_cells, code.min(whole, runs), 0)
        any_run = Runs(code, self.n)
        pitch = code.mul(self.run, code.size)
        with code.loop(rows, at_least_once=True) as row:
            here = x.moved(code.add(code.mul(row, self.row), code.mul(first, pitch)))
            before = code.mul(row, runs)
            with code.loop(whole) as number:
                cells = here.moved(code.mul(number, CELLS * code.size))
                total = pair_of_parts(code, cells, [None] * (CELLS // code.lanes))
                sums[code.add(before, number)].store(total)
            with code.loop(runs, start=whole) as number:
                left = code.sub(self.n, code.mul(code.add(first, number), self.run))
                cells = here.moved(code.mul(number, pitch))
                total = any_run.sums(cells, code.min(left, self.run))
                sums[code.add(before, number)].store(total)

    def _emit_strips(self, x: View, out: View) -> None:
        """Strips of numbers side by side."""
        from allconv.engine.emit.sixteen import strips

        code, most = self.code, STRIP // self.code.size
        with (
            code.loop(self.rows, at_least_once=True) as row,
            code.loop(self.runs, at_least_once=True) as number,
            code.loop(self.inner, step=most, at_least_once=True) as start,
        ):
            first = code.mul(number, self.run)
            left = code.min(code.sub(self.n, first), self.run)
            width = code.min(code.sub(self.inner, start), most)
            at = code.mul(code.add(code.mul(row, self.runs), number), self.inner, code.size)
            side = code.mul(start, code.size)
            here = x.moved(code.add(code.mul(row, self.row), code.mul(first, self.cell), side))
            memory = code.add(code.scratch, 2 * HELD)
            strips(code, here, self.cell, left, width, out.moved(code.add(at, side)), memory)
