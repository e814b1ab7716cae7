"""Steps of a sum: which passes each takes, on which blocks, in which chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf, prod
from operator import mul

from allconv.engine.emit.sixteen import PARTS
from allconv.engine.kernels.runs import (
    AXES,
    HELD,
    KEPT,
    MARGIN,
    MOST_PASSES,
    STRIP,
    WIDE,
    SumRuns,
    SumRunsArguments,
    encoded,
)
from allconv.engine.kernels.sum_order import Pass
from allconv.engine.place import Place, collapse
from allconv.engine.plan import Planner
from allconv.engine.step import Argument

ENOUGH = 32  # tasks of a step that is worth that many
CHUNKS = 64  # of a step, more if a chunk would have more than MOST elements
LEAST, MOST = 1 << 15, 1 << 21  # elements of a chunk
BLOCK = 1 << 17  # elements of a task that is read more in a row


@dataclass(frozen=True)
class _Axis:
    """An axis of n cells in blocks of `cells`, of which every `span` become one number."""

    n: int
    span: int
    cells: int
    step: int  # bytes between cells of x
    out_step: int  # and between numbers of the result
    number: int = -1  # of the axis of x, where a pass takes it

    @property
    def blocks(self) -> int:
        """Blocks, the last of which may be smaller."""
        return -(-self.n // self.cells)


@dataclass(frozen=True)
class SumStep:
    """Some passes over x, on blocks of some axes, for every index of the others.

    The axes of the passes come last, that of the first pass at the very end. `width` numbers lie
    side by side both in x and in the result.
    """

    x: Place
    passes: tuple[Pass, ...]
    sizes: tuple[int, ...]  # of the result
    strides: tuple[int, ...]
    width: int
    kept: tuple[_Axis, ...]
    axes: tuple[_Axis, ...]

    @property
    def strip(self) -> int:
        """Numbers of a strip: even shares, whole cache lines, less where many are added up."""
        first = self.x.shape[self.passes[0].axis]
        most = (STRIP if first > PARTS else WIDE) // self.x.item
        share = -(-self.width // -(-self.width // most))
        return min(most, -(-share // PARTS) * PARTS)

    @property
    def strips(self) -> int:
        """Strips side by side."""
        return -(-self.width // self.strip)

    @property
    def tasks(self) -> int:
        """Strips of blocks."""
        return self.strips * prod(a.n for a in self.kept) * prod(a.blocks for a in self.axes)

    @property
    def work(self) -> int:
        """Elements of a task."""
        return prod(a.cells for a in self.axes) * min(self.width, self.strip)

    @property
    def fits(self) -> bool:
        """Whether the kernel has memory for the sums of the first pass over a block."""
        first = self.axes[-1].cells
        runs = -(-first // self.passes[0].run)
        return self.work // first * runs * self.x.item <= HELD - MARGIN

    def enlarged(self, enough: int) -> SumStep:
        """The step with larger blocks, which are read more in a row, while there are enough."""
        step = self
        for number in reversed(range(len(self.axes))):
            while (axis := step.axes[number]).cells < axis.n:
                larger = replace(axis, cells=min(axis.n, 2 * axis.cells))
                axes = (*step.axes[:number], larger, *step.axes[number + 1 :])
                after = replace(step, axes=axes)
                if not after.fits or after.work > BLOCK or after.tasks < enough:
                    return step
                step = after
        return step

    def add(self, planner: Planner, out: Place | None, count: int | None) -> Place:
        """Add the step; the result lies in `out`, divided by `count`, or in memory of its own."""
        mean = out is not None and count is not None
        out = out or planner.temporary(self.sizes, self.x.spec.dtype)
        out = out.viewed(self.sizes, self.strides)
        share = max(LEAST, min(MOST, self.tasks * self.work // CHUNKS))
        block = max(1, share // self.work)
        planner.step(
            SumRuns(planner.target, self.x.spec.dtype, mean),
            self._arguments(out, block, count or 1),
            reads=[self.x],
            writes=[out],
            chunks=-(-self.tasks // block),
            scratch=SumRuns.scratch,
        )
        return out

    def _arguments(self, out: Place, block: int, count: int) -> SumRunsArguments[Argument]:
        none = _Axis(1, 1, 1, 0, 0)
        axes = [*[none] * (AXES - len(self.axes)), *self.axes]
        kept = [*self.kept[::-1], *[none] * (KEPT - len(self.kept))]
        numbers = {axis.number: n for n, axis in enumerate(axes)}  # else it is that of the strips
        passes = [(numbers.get(each.axis, AXES), each.run) for each in self.passes]
        return SumRunsArguments[Argument](
            x=self.x,
            out=out,
            tasks=self.tasks,
            block=block,
            count=count,
            passes=encoded(passes),
            turns=len(passes),
            width=self.width,
            strip=self.strip,
            strips=self.strips,
            n=tuple(axis.n for axis in axes),
            cells=tuple(axis.cells for axis in axes),
            blocks=tuple(axis.blocks for axis in axes),
            x_axis=tuple(axis.step for axis in axes),
            out_axis=tuple(axis.out_step for axis in axes),
            out_block=tuple(axis.cells // axis.span * axis.out_step for axis in axes),
            kept=tuple(axis.n for axis in kept),
            kept_x=tuple(axis.step for axis in kept),
            kept_out=tuple(axis.out_step for axis in kept),
        )


def next_step(x: Place, todo: Sequence[Pass], final: tuple[int, ...]) -> SumStep | None:
    """As many passes as leave tasks enough; None: x must be copied first.

    After the last pass the result has the strides `final`.
    """
    first = todo[0].axis
    side = [a for a, n in enumerate(x.shape) if n > 1 and x.strides[a] == x.item and a != first]
    if not side and x.strides[first] != x.item:
        return None
    tried = (
        _step(x, todo[:count], final if count == len(todo) else None, side[0] if side else None)
        for count in range(1, min(len(todo), MOST_PASSES) + 1)
    )
    steps = [step for step in tried if step is not None and step.fits]
    if not steps:
        return None
    enough = min(ENOUGH, x.spec.size // LEAST, steps[0].tasks)
    good = [step for step in steps if step.tasks >= enough and step.work <= MOST]
    return (good or steps[:1])[-1].enlarged(enough)


def _step(
    x: Place, row: Sequence[Pass], final: tuple[int, ...] | None, side: int | None
) -> SumStep | None:
    """Some passes as one step across strips along an axis (None: there are none), if that fits."""
    sizes = list(x.shape)
    for each in row:
        sizes = each.after(sizes)
    order = in_memory(x, range(len(sizes)))
    strides = final or packed_strides(order, sizes, x.item)
    taken = list(dict.fromkeys(each.axis for each in row))
    others = [a for a in order if a not in taken]
    merged = collapse(
        tuple(x.shape[a] for a in others),
        (tuple(strides[a] for a in others), tuple(x.strides[a] for a in others)),
    )
    kept = [_Axis(n, 1, 1, step, out) for n, (out, step) in merged if n > 1]
    strip = _Axis(1, 1, 1, x.item, x.item)
    if side in taken:
        strip = replace(strip, n=x.shape[side])
    elif side is not None:
        strip = kept.pop()
    if (strip.step, strip.out_step) != (x.item, x.item):
        return None
    axes = kept[-1:]
    for a in (a for a in taken if a != side):
        span = prod(each.run for each in row if each.axis == a)
        axes.append(_Axis(x.shape[a], span, min(x.shape[a], span), x.strides[a], strides[a], a))
    axes.sort(key=lambda axis: (axis.number == taken[0], -abs(axis.step)))
    if len(axes) > AXES or len(kept) - 1 > KEPT:
        return None
    step = SumStep(x, tuple(row), tuple(sizes), strides, strip.n, tuple(kept[:-1]), tuple(axes))
    return None if side in taken and step.strips > 1 else step


def packed_strides(order: Sequence[int], sizes: Sequence[int], item: int) -> tuple[int, ...]:
    """Strides of a contiguous array whose axes lie in some order, outermost first."""
    inside = accumulate((sizes[a] for a in reversed(order)), mul, initial=item)
    return tuple(step for _, step in sorted(zip(reversed(order), inside, strict=False)))


def in_memory(x: Place, axes: Sequence[int]) -> list[int]:
    """Axes by their strides, the outermost first."""
    return sorted(axes, key=lambda a: -abs(x.strides[a]) if x.strides[a] else -inf)
