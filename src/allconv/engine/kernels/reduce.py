"""Sums over axes: how the passes of a sum are shared out between steps, tasks and chunks.

The order of additions is that of `operators.reduce`; nothing that is decided here changes a bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from math import inf, prod
from operator import mul

from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.order import Pass, passes
from allconv.engine.kernels.runs import AXES, KEPT, STRIP, SumAcross, SumAlong
from allconv.engine.place import Place, collapse, layout_strides
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.reduce import Sum
from allconv.value import Value
from allconv.window import Axis, Window

ENOUGH = 32  # tasks of a step that is worth that many
CHUNKS = 64  # of a step, more if a chunk would have more than MOST elements
LEAST, MOST = 32768, 1 << 21  # elements of a chunk
PARTS = 16  # partial sums of a run; a strip is a multiple of as many numbers
SHORT = 8  # contiguous numbers below which a run is not worth a vector


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
        step = _next_step(x, todo, steps, planner.target.lanes(x.spec.dtype))
        if step is None:
            x = _with_summed_last(planner, x, kept, todo[0].axis)
            continue
        todo = todo[len(step.passes) :]
        x = step.add(planner, None if todo else out, count)


def _result(
    planner: Planner, result: Value, x: Place, kept: Sequence[int], *, keep: bool
) -> tuple[Place, tuple[int, ...]]:
    """Memory for a sum in the order of x's own, and its stride along each axis of x (0: summed)."""
    order = _in_memory(x, kept)
    at = dict(zip(order, _packed([x.shape[a] for a in order], x.item), strict=True))
    steps = tuple(at.get(a, 0) for a in range(len(x.shape)))
    strides = tuple(at.get(a, x.item) for a in (range(len(x.shape)) if keep else kept))
    for layout in ("rows", "last"):
        packed = layout_strides(result.spec, layout)
        pairs = zip(result.shape, strides, packed, strict=True)
        if all(n == 1 or stride == other for n, stride, other in pairs):
            return planner.result(result, layout), steps
    memory = planner.temporary(tuple(x.shape[a] for a in order), result.dtype)
    planner.alias(result, memory.viewed(result.shape, strides))
    return memory, steps


def _in_memory(x: Place, axes: Sequence[int]) -> list[int]:
    """Axes by their strides, the outermost first."""
    return sorted(axes, key=lambda a: -abs(x.strides[a]) if x.strides[a] else -inf)


def _packed(sizes: Sequence[int], item: int) -> list[int]:
    """Strides of a contiguous array."""
    return list(accumulate(reversed([*sizes[1:], item]), mul))[::-1] if sizes else []


def _with_summed_last(planner: Planner, x: Place, kept: Sequence[int], last: int) -> Place:
    """The same numbers where the axes that are kept, and those that are not, lie together."""
    summed = [a for a in range(len(x.shape)) if a not in kept and a != last]
    order = [*_in_memory(x, kept), *summed, last]
    view = x.viewed(tuple(x.shape[a] for a in order), tuple(x.strides[a] for a in order))
    copy = planner.copied(view, "rows")
    strides = dict(zip(order, copy.strides, strict=True))
    return copy.viewed(x.shape, tuple(strides[a] for a in range(len(x.shape))))


@dataclass(frozen=True)
class _Step:
    """Some passes over x. `axes` are the others, merged: (size, (stride of the result, of x)).

    When they run `across` strips, `width` numbers lie side by side in the result, `apart` bytes
    from each other in x; else every number is a task of its own.
    """

    x: Place
    passes: tuple[Pass, ...]
    sizes: tuple[int, ...]
    strides: tuple[int, ...]  # of the result
    axes: tuple[tuple[int, tuple[int, ...]], ...]
    across: bool
    width: int
    apart: int

    @property
    def strip(self) -> int:
        """Numbers of a strip: even shares, whole cache lines."""
        most = STRIP // self.x.item
        share = -(-self.width // -(-self.width // most))
        return min(most, -(-share // PARTS) * PARTS)

    @property
    def strips(self) -> int:
        """Strips side by side."""
        return -(-self.width // self.strip)

    @property
    def taken(self) -> tuple[int, ...]:
        """The axes of the passes."""
        return tuple(dict.fromkeys(each.axis for each in self.passes))

    @property
    def tasks(self) -> int:
        """Strips, or numbers, of the result."""
        others = prod(n for n, _ in self.axes)
        return others * self.strips * prod(self.sizes[a] for a in self.taken)

    @property
    def work(self) -> int:
        """Elements of x in a task."""
        spans = (
            min(self.x.shape[a], prod(each.run for each in self.passes if each.axis == a))
            for a in self.taken
        )
        return prod(spans) * min(self.width, self.strip)

    def add(self, planner: Planner, out: Place | None, count: int | None) -> Place:
        """Add the step; the result lies in `out`, divided by `count`, or in memory of its own."""
        mean = out is not None and count is not None
        out = out or planner.temporary(self.sizes, self.x.spec.dtype)
        out = out.viewed(self.sizes, self.strides)
        kernel, slots = self._kernel(planner, mean=mean), self._slots(out)
        total = self.tasks * self.work
        block = max(1, min(max(LEAST, total // CHUNKS), MOST) // self.work)
        slots |= {"tasks": self.tasks, "block": block, "count": count or 1}
        planner.step(
            kernel,
            slots,
            reads=[self.x],
            writes=[out],
            chunks=-(-self.tasks // block),
            scratch=kernel.scratch,
        )
        return out

    def _kernel(self, planner: Planner, *, mean: bool) -> SumAlong | SumAcross:
        numbers = {a: n for n, a in enumerate(self.taken)}
        passes = tuple((numbers[each.axis], each.run) for each in self.passes)
        cut = any(self.sizes[a] > 1 for a in self.taken)
        common = planner.target, self.x.spec.dtype, passes, len(self.axes), cut, mean
        if not self.across:
            return SumAlong(*common)
        return SumAcross(*common, spread=self.apart != self.x.item, wide=self.strips > 1)

    def _slots(self, out: Place) -> dict[str, int | Place]:
        slots: dict[str, int | Place] = dict.fromkeys(SumAlong.slots, 0)
        slots |= {
            "x": self.x,
            "out": out,
            "width": self.width,
            "strip": self.strip,
            "strips": self.strips,
            "step": self.apart,
        }
        for n, a in enumerate(self.taken):
            slots |= {
                f"n{n}": self.x.shape[a],
                f"s{n}": self.x.strides[a],
                f"blocks{n}": self.sizes[a],
                f"o{n}": out.strides[a],
            }
        for k, (n, (out_step, step)) in enumerate(self.axes):
            slots |= {f"kept{k}": n, f"kept_x{k}": step, f"kept_out{k}": out_step}
        return slots


def _next_step(x: Place, todo: Sequence[Pass], final: tuple[int, ...], lanes: int) -> _Step | None:
    """The most passes that leave tasks enough; None: x must be copied first.

    After the last pass the result has the strides `final`.
    """
    for across, row in _ways(x, todo):
        steps = []
        for count in range(1, len(row) + 1):
            strides = final if count == len(todo) else None
            step = _step(x, row[:count], strides, lanes if across else 0)
            if step is not None:
                steps.append(step)
        if steps:
            enough = min(ENOUGH, x.spec.size // LEAST, max(step.tasks for step in steps))
            good = [step for step in steps if step.tasks >= enough and step.work <= MOST]
            return (good or steps[:1])[-1]
    return None


def _ways(x: Place, todo: Sequence[Pass]) -> Iterator[tuple[bool, Sequence[Pass]]]:
    """Whether to sum across strips, and which passes can be taken so, the best way first."""
    first = todo[0]
    is_along = x.strides[first.axis] == x.item
    side = [a for a, n in enumerate(x.shape) if n > 1 and x.strides[a] == x.item and a != first.axis]
    if side:
        yield True, list(takewhile(lambda each: each.axis != side[0], todo))
    elif is_along and x.shape[first.axis] >= SHORT:
        yield False, todo
    yield True, list(takewhile(lambda each: each.group == first.group, todo))
    if is_along:
        yield False, todo


def _step(
    x: Place, row: Sequence[Pass], final: tuple[int, ...] | None, lanes: int
) -> _Step | None:
    """Some passes as one step, across strips of at least that many `lanes` (0: along memory)."""
    sizes: list[int] = list(x.shape)
    for each in row:
        sizes = each.after(sizes)
    taken = {each.axis for each in row}
    others = _in_memory(x, [a for a, n in enumerate(x.shape) if a not in taken and n > 1])
    strides = final or _strides_after(x, sizes, others, across=lanes > 0)
    axes = collapse(
        tuple(x.shape[a] for a in others),
        (tuple(strides[a] for a in others), tuple(x.strides[a] for a in others)),
    )
    axes = [axis for axis in axes if axis[0] > 1]
    width, apart = 1, 0
    if lanes:
        if not axes or axes[-1][1][0] != x.item:
            return None
        width, (_, apart) = axes.pop()
        if apart != x.item and width < lanes:
            return None
    if len(axes) > KEPT or len(taken) > AXES:
        return None
    return _Step(x, tuple(row), tuple(sizes), strides, tuple(axes), lanes > 0, width, apart)


def _strides_after(
    x: Place, sizes: Sequence[int], others: Sequence[int], *, across: bool
) -> tuple[int, ...]:
    """Strides of the sums in an array of their own: as x lies, or with the strips innermost."""
    order = _in_memory(x, range(len(sizes)))
    if across:
        order = [*(a for a in order if a not in others), *others]
    at = dict(zip(order, _packed([sizes[a] for a in order], x.item), strict=True))
    return tuple(at[a] for a in range(len(sizes)))


LOWERINGS: dict[type[Operator], Lowering] = {Sum: lower_sum}
