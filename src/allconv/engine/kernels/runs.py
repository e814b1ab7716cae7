"""Sums over runs, in the order of `operators.reduce`: several passes in one kernel.

A task is one number of the result, or a strip of numbers that lie side by side, or a part of
these where the result alone would give too few tasks; the sums of the parts are summed up by
further steps. How passes are shared out between steps and chunks changes no bit.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

from allconv.engine.kernel import Kernel

if TYPE_CHECKING:
    from llvmlite import ir

    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index
    from allconv.engine.emit.sixteen import Strips
    from allconv.engine.emit.view import View

AXES = 5  # of passes
KEPT = 4  # axes that no pass takes
STRIP = 1024  # bytes of a strip: sixteen of them stay in the first-level cache


@dataclass(frozen=True)
class _Runs(Kernel):
    """The passes over each block of the axes that they take, for every index of the other axes.

    `passes` are (axis, run), the innermost first; `kept` counts the other axes. With `cut` the
    axes have several blocks, each of as many cells as all runs of its axis together hold. A
    `mean` divides by `count`. Strides are in bytes.
    """

    passes: tuple[tuple[int, int], ...]
    kept: int
    cut: bool
    mean: bool

    slots: ClassVar[tuple[str, ...]] = (
        *("x", "out", "tasks", "block", "count", "width", "strip", "strips", "step"),
        *(f"{name}{a}" for name in ("n", "s", "blocks", "o") for a in range(AXES)),
        *(f"{name}{k}" for name in ("kept", "kept_x", "kept_out") for k in range(KEPT)),
    )

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("block"))
        last = code.min(code.add(first, code.arg("block")), code.arg("tasks"))
        with code.loop(last, start=first) as number:
            self._emit_task(code, number)

    def _emit_task(self, code: Code, number: Index) -> None:
        """Find the task of a number: strips first, then blocks, then the other axes."""
        from allconv.engine.emit.view import View

        rest, x, out, width = self.start(code, number)
        left: dict[int, Index] = {}
        for a in sorted({axis for axis, _ in self.passes}, reverse=True):
            left[a] = code.arg(f"n{a}")
            if self.cut:
                index, rest = _split(code, rest, code.arg(f"blocks{a}"))
                cells = code.mul(index, prod(run for axis, run in self.passes if axis == a))
                left[a] = code.sub(left[a], cells)
                x = code.add(x, code.mul(cells, code.arg(f"s{a}")))
                out = code.add(out, code.mul(index, code.arg(f"o{a}")))
        for k in reversed(range(self.kept)):
            index, rest = _split(code, rest, code.arg(f"kept{k}")) if k else (rest, 0)
            x = code.add(x, code.mul(index, code.arg(f"kept_x{k}")))
            out = code.add(out, code.mul(index, code.arg(f"kept_out{k}")))
        self.emit_sum(code, View(code, x), View(code, out), width, left)

    @abstractmethod
    def start(self, code: Code, number: Index) -> tuple[Index, Index, Index, Index]:
        """The number of the task without its strip, the addresses of the strip, its width."""

    @abstractmethod
    def emit_sum(
        self, code: Code, x: View, out: View, width: Index, left: dict[int, Index]
    ) -> None:
        """Sum up a block that has so many cells left along each axis."""

    @property
    @abstractmethod
    def scratch(self) -> int:
        """Bytes of memory for sums on their way."""

    def runs(
        self, code: Code, number: int, left: dict[int, Index]
    ) -> tuple[Index, Index, dict[int, Index]]:
        """Of a pass: how many numbers its run has, the bytes between them, the cells between."""
        axis, run = self.passes[number]
        cells = prod(length for a, length in self.passes[:number] if a == axis)
        count = code.min(code.ceil_div(left[axis], cells), run)
        return count, code.mul(code.arg(f"s{axis}"), cells), {axis: cells}

    def finished(self, code: Code, x: ir.Value) -> ir.Value:
        """A sum, or the mean."""
        return code.fdiv(x, self._count(code, x)) if self.mean else x

    def _count(self, code: Code, x: ir.Value) -> ir.Value:
        count = code.builder.sitofp(code.arg("count"), code.scalar)
        return count if x.type == code.scalar else code.splat(count)


@dataclass(frozen=True)
class SumAlong(_Runs):
    """Sums whose first runs are contiguous in memory: every run gives one number."""

    def start(self, code: Code, number: Index) -> tuple[Index, Index, Index, Index]:
        """Every number is a task."""
        return number, code.arg("x"), code.arg("out"), 1

    @property
    def scratch(self) -> int:
        """The numbers of one run of every further pass."""
        return sum(run for _, run in self.passes[1:]) * 8

    def emit_sum(
        self, code: Code, x: View, out: View, width: Index, left: dict[int, Index]
    ) -> None:
        """Sum up a block."""
        out.store_scalar(self.finished(code, self._run(code, len(self.passes) - 1, x, left)))

    def _run(self, code: Code, number: int, x: View, left: dict[int, Index]) -> ir.Value:
        """The sum of one run of a pass."""
        from allconv.engine.emit.sixteen import along
        from allconv.engine.emit.view import View

        count, step, taken = self.runs(code, number, left)
        if number == 0:
            return along(code, x, count)
        before = sum(run for _, run in self.passes[1:number])
        sums = View(code, code.add(code.scratch, before * code.size), code.size)
        with code.loop(count, at_least_once=True) as i:
            rest = _rest(code, left, taken, i)
            sums[i].store_scalar(self._run(code, number - 1, x.moved(code.mul(i, step)), rest))
        return along(code, sums, count)


@dataclass(frozen=True)
class SumAcross(_Runs):
    """Sums of strips, vector by vector: what lies side by side is not summed here.

    The numbers of a strip lie `step` bytes apart if `spread`. If `wide`, several strips make up
    the `width` of the innermost axis.
    """

    spread: bool
    wide: bool

    def start(self, code: Code, number: Index) -> tuple[Index, Index, Index, Index]:
        """Every strip is a task."""
        x, out, width = code.arg("x"), code.arg("out"), code.arg("width")
        if not self.wide:
            return number, x, out, width
        index, rest = _split(code, number, code.arg("strips"))
        first = code.mul(index, code.arg("strip"))
        width = code.min(code.sub(width, first), code.arg("strip"))
        step = code.arg("step") if self.spread else code.size
        x, out = code.add(x, code.mul(first, step)), code.add(out, code.mul(first, code.size))
        return rest, x, out, width

    @property
    def scratch(self) -> int:
        """Sixteen partial sums of every pass."""
        return len(self.passes) * 16 * STRIP

    def emit_sum(
        self, code: Code, x: View, out: View, width: Index, left: dict[int, Index]
    ) -> None:
        """Sum up a block."""
        from allconv.engine.emit.sixteen import Strips

        steps = [code.arg("step") if self.spread else None, *[None] * len(self.passes)]
        sums = [
            Strips(code, code.add(code.scratch, number * 16 * STRIP), width, steps[number])
            for number in range(len(self.passes))
        ]
        self._run(code, sums, len(self.passes) - 1, x, left)
        sums[-1].write(out, lambda y: self.finished(code, y))

    def _run(
        self, code: Code, sums: list[Strips], number: int, x: View, left: dict[int, Index]
    ) -> View:
        """The sum of one run of a pass."""
        count, step, taken = self.runs(code, number, left)
        if number == 0:
            sums[0].add_rows(x, step, count)
        else:
            with code.loop(count, at_least_once=True) as i:
                rest = _rest(code, left, taken, i)
                sum_before = self._run(code, sums, number - 1, x.moved(code.mul(i, step)), rest)
                sums[number].add(sum_before, i)
        return sums[number].join(count)


def _split(code: Code, number: Index, n: Index) -> tuple[Index, Index]:
    """The index along an axis of n, and the number of the rest."""
    return code.rem(number, n), code.div(number, n)


def _rest(
    code: Code, left: dict[int, Index], taken: dict[int, Index], i: Index
) -> dict[int, Index]:
    """The cells that are left after i runs of the passes before."""
    return left | {a: code.sub(left[a], code.mul(i, cells)) for a, cells in taken.items()}
