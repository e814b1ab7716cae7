"""Sums over axes: how the passes of a sum are shared out between steps, tasks and chunks.

The order of additions is that of `operators.reduce`; nothing that is decided here changes a bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf, prod
from operator import mul

from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.order import Pass, passes
from allconv.engine.kernels.runs import (
    AXES,
    HELD,
    KEPT,
    MARGIN,
    MOST_PASSES,
    STRIP,
    WIDE,
    SumRuns,
    encoded,
)
from allconv.engine.place import Place, collapse, layout_strides
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.reduce import Sum
from allconv.value import Value
from allconv.window import Axis, Window

ENOUGH = 32  # tasks of a step that is worth that many
CHUNKS = 64  # of a step, more if a chunk would have more than MOST elements
LEAST, MOST = 1 << 15, 1 << 21  # elements of a chunk
BLOCK = 1 << 17  # elements of a task that is read more in a row
PARTS = 16  # partial sums of a run; a strip is a multiple of as many numbers


def lower_sum(planner: Planner, node: Node) -> bool:
    """Steps for floats; integers run by definition."""
    operator, (value,), (result,) = node.of(Sum), node.inputs, node.outputs
    if not value.spec.is_float:
        return False
    x = planner.read(value)
    if all(x.shape[a] == 1 for a in operator.axes):
        kept = [a for a in range(value.spec.rank) if a not in operator.axes]
        at = dict(zip(kept, (x.strides[a] for a in kept), strict=True))
        axes = range(value.spec.rank) if operator.keep else kept
        planner.alias(result, x.viewed(result.shape, tuple(at.get(a, x.item) for a in axes)))
        return True
    _lower(planner, x, operator, result, None)
    return True


def lower_mean_pool(
    planner: Planner, value: Value, result: Value, window: Window, count: int
) -> bool:
    """A pooling of whole axes of space as a sum divided by `count`, if it is one."""
    axes = whole_axes(window)
    if not axes or not value.spec.is_float:
        return False
    _lower(planner, planner.read(value), Sum(axes, keep=True), result, count)
    return True


def whole_axes(window: Window) -> tuple[int, ...]:
    """The axes of x whose only output meets all cells, if every other axis stays as it is."""
    whole = [a for a, axis in enumerate(window.axes) if _is_whole(axis)]
    others = [axis for a, axis in enumerate(window.axes) if a not in whole]
    if not all(map(_is_plain, others)) or all(window.axes[a].input == 1 for a in whole):
        return ()
    return tuple(2 + a for a in whole)


def _is_whole(axis: Axis) -> bool:
    """Whether there is one output, which meets every cell once."""
    dense = axis.dilation == axis.input_dilation == 1
    return dense and axis.output == 1 and 0 <= axis.padding <= axis.kernel - axis.input


def _is_plain(axis: Axis) -> bool:
    """Whether output i meets cell i."""
    shift = (axis.kernel, axis.padding, axis.stride, axis.input_dilation)
    return shift == (1, 0, 1, 1) and axis.output == axis.input


def _lower(planner: Planner, x: Place, operator: Sum, result: Value, count: int | None) -> None:
    """Fill a result with the sums over some axes, divided by `count` if it is given."""
    kept = [a for a in range(len(x.shape)) if a not in operator.axes]
    out, steps = _result(planner, result, x, kept, keep=operator.keep)
    if not result.spec.size:
        return
    if not x.spec.size:
        fill(planner, out, 0.0)
        return
    todo = passes(x.shape, operator.axes)
    while todo:
        step = _next_step(x, todo, steps)
        if step is None:
            x = _with_summed_last(planner, x, kept, todo[0].axis)
            step = _next_step(x, todo, steps)
        if step is None:
            raise ValueError(f"no pass over a contiguous array of {x.shape}")
        todo = todo[len(step.passes) :]
        x = step.add(planner, None if todo else out, count)


def _result(
    planner: Planner, result: Value, x: Place, kept: Sequence[int], *, keep: bool
) -> tuple[Place, tuple[int, ...]]:
    """Memory for a sum in the order of x's own, and its stride along each axis of x (0: summed)."""
    order = _in_memory(x, kept)
    packed = dict(zip(sorted(kept), _spread(order, x.shape, x.item), strict=True))
    steps = tuple(packed.get(a, 0) for a in range(len(x.shape)))
    strides = tuple(packed.get(a, x.item) for a in (range(len(x.shape)) if keep else kept))
    for layout in ("rows", "last"):
        pairs = zip(result.shape, strides, layout_strides(result.spec, layout), strict=True)
        if all(n == 1 or stride == other for n, stride, other in pairs):
            return planner.result(result, layout), steps
    memory = planner.temporary(tuple(x.shape[a] for a in order), result.dtype)
    planner.alias(result, memory.viewed(result.shape, strides))
    return memory, steps


def _in_memory(x: Place, axes: Sequence[int]) -> list[int]:
    """Axes by their strides, the outermost first."""
    return sorted(axes, key=lambda a: -abs(x.strides[a]) if x.strides[a] else -inf)


def _with_summed_last(planner: Planner, x: Place, kept: Sequence[int], last: int) -> Place:
    """The same numbers where the axes that are kept, and those that are not, lie together."""
    summed = [a for a in range(len(x.shape)) if a not in kept and a != last]
    order = [*_in_memory(x, kept), *summed, last]
    view = x.viewed(tuple(x.shape[a] for a in order), tuple(x.strides[a] for a in order))
    copy = planner.copied(view, "rows")
    strides = dict(zip(order, copy.strides, strict=True))
    return copy.viewed(x.shape, tuple(strides[a] for a in range(len(x.shape))))


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
class _Step:
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

    def enlarged(self, enough: int) -> _Step:
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
        slots: dict[str, int | Place] = {"x": self.x, "out": out, "block": block}
        slots |= {"count": count or 1, **self._slots()}
        planner.step(
            SumRuns(planner.target, self.x.spec.dtype, mean),
            slots,
            reads=[self.x],
            writes=[out],
            chunks=-(-self.tasks // block),
            scratch=SumRuns.scratch,
        )
        return out

    def _slots(self) -> dict[str, int]:
        none = _Axis(1, 1, 1, 0, 0)
        axes = [*[none] * (AXES - len(self.axes)), *self.axes]
        kept = [*self.kept[::-1], *[none] * (KEPT - len(self.kept))]
        numbers = {axis.number: n for n, axis in enumerate(axes)}  # else it is that of the strips
        slots = {
            "tasks": self.tasks,
            "passes": encoded([(numbers.get(each.axis, AXES), each.run) for each in self.passes]),
            "turns": len(self.passes),
            "width": self.width,
            "strip": self.strip,
            "strips": self.strips,
        }
        for n, a in enumerate(axes):
            moved = a.cells // a.span * a.out_step
            values = (a.n, a.step, a.cells, a.blocks, a.out_step, moved)
            names = ("n", "s", "cells", "blocks", "o", "next")
            slots |= {f"{name}{n}": value for name, value in zip(names, values, strict=True)}
        for n, a in enumerate(kept):
            slots |= {f"kept{n}": a.n, f"kept_x{n}": a.step, f"kept_out{n}": a.out_step}
        return slots


def _next_step(x: Place, todo: Sequence[Pass], final: tuple[int, ...]) -> _Step | None:
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
) -> _Step | None:
    """Some passes as one step across strips along an axis (None: there are none), if that fits."""
    sizes = list(x.shape)
    for each in row:
        sizes = each.after(sizes)
    order = _in_memory(x, range(len(sizes)))
    strides = final or _spread(order, sizes, x.item)
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
    step = _Step(x, tuple(row), tuple(sizes), strides, strip.n, tuple(kept[:-1]), tuple(axes))
    return None if side in taken and step.strips > 1 else step


def _spread(order: Sequence[int], sizes: Sequence[int], item: int) -> tuple[int, ...]:
    """Strides of a contiguous array whose axes lie in some order, outermost first."""
    inside = accumulate((sizes[a] for a in reversed(order)), mul, initial=item)
    return tuple(step for _, step in sorted(zip(reversed(order), inside, strict=False)))


LOWERINGS: dict[type[Operator], Lowering] = {Sum: lower_sum}
