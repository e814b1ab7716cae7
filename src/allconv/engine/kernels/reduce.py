"""Sums over axes: how the passes of a sum are shared out between steps, tasks and chunks.

The order of additions is that of `operators.reduce`; nothing that is decided here changes a bit.
"""

from __future__ import annotations

from collections.abc import Sequence

from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.sum_order import passes
from allconv.engine.kernels.sum_step import in_memory, next_step, packed_strides
from allconv.engine.place import Place, layout_strides
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.reduce import Sum
from allconv.value import Value
from allconv.window import Axis, Window

SLIDING = 1024  # cells of a pooling, at most, that are added tap by tap


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
    """A pooling of whole axes of space as a sum divided by `count`, if it is one.

    Few cells are left to the kernel that slides, which adds them tap by tap: then a classifier that
    ends in such a pooling gives the same bits when it slides over a larger image.
    """
    axes = whole_axes(window)
    if not axes or not value.spec.is_float or window.taps <= SLIDING:
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
        step = next_step(x, todo, steps)
        if step is None:
            x = _with_summed_last(planner, x, kept, todo[0].axis)
            step = next_step(x, todo, steps)
        if step is None:
            raise ValueError(f"no pass over a contiguous array of {x.shape}")
        todo = todo[len(step.passes) :]
        x = step.add(planner, None if todo else out, count)


def _result(
    planner: Planner, result: Value, x: Place, kept: Sequence[int], *, keep: bool
) -> tuple[Place, tuple[int, ...]]:
    """Memory for a sum in the order of x's own, and its stride along each axis of x (0: summed)."""
    order = in_memory(x, kept)
    packed = dict(zip(sorted(kept), packed_strides(order, x.shape, x.item), strict=True))
    steps = tuple(packed.get(a, 0) for a in range(len(x.shape)))
    strides = tuple(packed.get(a, x.item) for a in (range(len(x.shape)) if keep else kept))
    for layout in ("rows", "last"):
        pairs = zip(result.shape, strides, layout_strides(result.spec, layout), strict=True)
        if all(n == 1 or stride == other for n, stride, other in pairs):
            return planner.result(result, layout), steps
    memory = planner.temporary(tuple(x.shape[a] for a in order), result.dtype)
    planner.alias(result, memory.viewed(result.shape, strides))
    return memory, steps


def _with_summed_last(planner: Planner, x: Place, kept: Sequence[int], last: int) -> Place:
    """The same numbers where the axes that are kept, and those that are not, lie together."""
    summed = [a for a in range(len(x.shape)) if a not in kept and a != last]
    order = [*in_memory(x, kept), *summed, last]
    view = x.viewed(tuple(x.shape[a] for a in order), tuple(x.strides[a] for a in order))
    copy = planner.copied(view, "rows")
    strides = dict(zip(order, copy.strides, strict=True))
    return copy.viewed(x.shape, tuple(strides[a] for a in range(len(x.shape))))


LOWERINGS: dict[type[Operator], Lowering] = {Sum: lower_sum}
