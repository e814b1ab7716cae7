"""One pass of a sum: every run along an axis becomes one number, whatever lies where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.sixteen import (
    PARTS,
    RunSums,
    by_vectors,
    few_apart,
    of_each,
    side_by_side,
    store_apart,
    write_totals,
)
from allconv.engine.emit.strips import strips
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View

CELLS = 2 * PARTS  # of a run along an axis of space or the batch
FEW = 4  # numbers that lie together, at most, that are told apart in registers


class PassOverRows:
    """out[row, run, inner] = the sums of runs of x[row, cell, inner]; what is inside follows.

    `run` is CELLS or any multiple of it. `memory` is the address of PARTS strips of `strip` bytes.
    """

    def __init__(
        self,
        code: Code,
        run: Index,
        sizes: tuple[Index, Index, Index],
        pitches: tuple[Index, Index],
        memory: Index,
        strip: int,
    ) -> None:
        """Of `sizes` rows, cells and numbers inside; `pitches`: bytes between rows and cells."""
        self.code, self.run = code, run
        self.memory, self.strip = memory, strip
        self.rows, self.n, self.inner = sizes
        self.row, self.cell = pitches
        # Rows of whole runs that follow each other are one row.
        whole = code.compare("==", code.rem(self.n, run), 0)
        follow = code.compare("==", self.row, code.mul(self.n, self.cell))
        alone = code.both(code.both(whole, follow), code.compare("==", self.inner, 1))
        self.n = code.select(alone, code.mul(self.rows, self.n), self.n)
        self.rows = code.select(alone, 1, self.rows)
        self.runs = code.div(code.add(self.n, code.sub(run, 1)), run)
        self.of_cells = code.compare("==", run, CELLS)
        self.all_cells: list[Mask] = [None] * (CELLS // code.lanes)

    def emit(self, x: View, out: View) -> None:
        """Write out[row, run, inner]."""
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
        """Numbers that follow each other: as many runs at once as a vector has lanes, or one."""
        code = self.code
        whole = code.select(self.of_cells, code.div(self.n, CELLS), 0)
        across = code.both(self.of_cells, code.compare(">=", self.rows, code.lanes))
        with code.either(code.compare(">=", whole, code.lanes)) as (then, otherwise):
            with then:
                self._emit_along_rows(x, out, whole)
            with otherwise, code.either(across) as (several, few):
                with several:
                    self._emit_few_or_across(x, out)
                with few:
                    any_run = RunSums(code, self.n)
                    self._emit_by_vectors(x, out, 1, lambda cells, n: [any_run.sums(cells, n)])

    def _emit_along_rows(self, x: View, out: View, whole: Index) -> None:
        """Several runs of a row at once."""
        code = self.code
        pitch = CELLS * code.size
        left = code.sub(self.n, code.mul(whole, CELLS))
        last = RunSums(code, left)
        with code.loop(self.rows, at_least_once=True) as row:
            here = x.moved(code.mul(row, self.row)).anew()
            there = out.moved(code.mul(row, self.runs, code.size)).anew()
            with code.loop(whole, step=code.lanes) as following:
                first = code.min(following, code.sub(whole, code.lanes))  # the last ones once more
                sums = of_each(code, here.moved(code.mul(first, pitch)), pitch, self.all_cells)
                there.moved(code.mul(first, code.size)).store(sums)
            with code.when(code.compare("<", whole, self.runs)):
                sums = last.sums(here.moved(code.mul(whole, pitch)), left)
                total = code.reduce(code.fadd, sums)
                there.moved(code.mul(whole, code.size)).store_scalar(total)

    def _emit_few_or_across(self, x: View, out: View) -> None:
        """A few numbers a row, row upon row; else the same run of several rows at once."""
        code = self.code
        follow = code.compare("==", self.row, code.mul(self.n, code.size))
        few = code.both(follow, code.compare("<=", self.n, FEW))
        with code.either(few) as (then, otherwise):
            with then:
                for n in range(1, FEW + 1):
                    with self._several_rows(code.compare("==", self.n, n)) as first:
                        sums = few_apart(code, n, x.moved(code.mul(first, n * code.size)))
                        out.moved(code.mul(first, code.size)).store(sums)
            with otherwise:
                self._emit_across_rows(x, out)

    def _emit_across_rows(self, x: View, out: View) -> None:
        code = self.code
        before = code.sub(self.runs, 1)
        pitch = code.mul(self.runs, code.size)
        for is_that, masks in by_vectors(code, code.sub(self.n, code.mul(before, CELLS))):
            with self._several_rows(is_that) as first:
                here = x.moved(code.mul(first, self.row)).anew()
                there = out.moved(code.mul(first, pitch)).anew()
                with code.loop(before) as run:
                    cells = here.moved(code.mul(run, CELLS * code.size))
                    sums = of_each(code, cells, self.row, self.all_cells)
                    store_apart(code, sums, there.moved(code.mul(run, code.size)), pitch)
                sums = of_each(
                    code, here.moved(code.mul(before, CELLS * code.size)), self.row, masks
                )
                store_apart(code, sums, there.moved(code.mul(before, code.size)), pitch)

    @contextmanager
    def _several_rows(self, condition: Condition) -> Iterator[Index]:
        """For the first of every `lanes` rows, if the condition holds."""
        code = self.code
        with code.loop(code.select(condition, self.rows, 0), step=code.lanes) as following:
            yield code.min(following, code.sub(self.rows, code.lanes))  # the last ones once more

    def _emit_by_vectors(
        self, x: View, out: View, width: int, sums_of: Callable[[View, Index], list[ir.Value]]
    ) -> None:
        """`width` vectors a run, as many as the memory holds; then the lanes of several at once."""
        code = self.code
        held = PARTS * self.strip // (code.lanes * code.size * width)
        runs_held = code.min(self.runs, held)
        rows_held = code.div(held, runs_held)
        sums = View(code, self.memory, code.lanes * code.size)
        with (
            code.loop(self.rows, step=rows_held, at_least_once=True) as start,
            code.loop(self.runs, step=runs_held, at_least_once=True) as first,
        ):
            rows = code.min(code.sub(self.rows, start), rows_held)
            runs = code.min(code.sub(self.runs, first), runs_held)
            here = x.moved(code.mul(start, self.row))
            with code.loop(rows, at_least_once=True) as row, code.loop(runs) as number:
                cell = code.mul(code.add(first, number), self.run)
                at = code.add(code.mul(row, self.row), code.mul(cell, self.cell))
                cells = here.moved(at).anew()
                n = code.min(code.sub(self.n, cell), self.run)
                at = code.mul(code.add(code.mul(row, runs), number), width)
                for k, total in enumerate(sums_of(cells, n)):
                    sums[code.add(at, k)].store(total)
            there = code.mul(code.add(code.mul(start, self.runs), first), width * code.size)
            write_totals(code, sums, code.mul(rows, runs, width), out.moved(there))

    def _emit_strips(self, x: View, out: View) -> None:
        """Strips of numbers side by side, a few of them or many."""
        code = self.code
        follow = code.compare("==", self.cell, code.mul(self.inner, code.size))
        few = code.both(code.both(follow, self.of_cells), code.compare("<=", self.inner, FEW))
        with code.either(few) as (then, otherwise):
            with then:
                for width in range(2, FEW + 1):
                    with code.when(code.compare("==", self.inner, width)):
                        self._emit_side_by_side(x, out, width)
            with otherwise:
                self._emit_many_strips(x, out)

    def _emit_side_by_side(self, x: View, out: View, width: int) -> None:
        code = self.code

        def sums_of(cells: View, n: Index) -> list[ir.Value]:
            sums = [code.const(0.0)] * width
            with code.either(code.compare("==", n, CELLS), carry=sums) as (then, otherwise):
                with then:
                    sums[:] = side_by_side(code, width, cells, None)
                with otherwise:
                    sums[:] = side_by_side(code, width, cells, n)
            return sums

        self._emit_by_vectors(x, out, width, sums_of)

    def _emit_many_strips(self, x: View, out: View) -> None:
        code, most = self.code, self.strip // self.code.size
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
            here = x.moved(
                code.add(code.mul(row, self.row), code.mul(first, self.cell), side)
            ).anew()
            there = out.moved(code.add(at, side)).anew()
            strips(code, here, self.cell, left, width, there, self.memory)
