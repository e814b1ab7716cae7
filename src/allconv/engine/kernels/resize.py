"""Lowering of images of another size: a weighted sum of listed cells an axis, or repeated cells."""

from __future__ import annotations

from collections.abc import Sequence

from allconv.engine.kernels.copy import add_copy
from allconv.engine.kernels.weighted_sum import axis_by_axis
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.resize import Resize, ResizeTranspose, table_of, transposed_table

NARROW = 4  # channels, below which rows stay rows


def lower_resize(planner: Planner, node: Node) -> bool:
    """A copy with strides of 0 where cells are repeated, else a step an axis."""
    operator = node.of(Resize)
    factors = operator.repeats()
    if factors is not None:
        _repeat(planner, node, factors)
        return True
    lines = operator.ordered()
    axis_by_axis(planner, node, [(n.axis, table_of(n, operator.rule)) for n in lines])
    return True


def lower_resize_transpose(planner: Planner, node: Node) -> bool:
    """A step an axis."""
    operator = node.of(ResizeTranspose)
    lines = tuple(reversed(operator.ordered()))
    axis_by_axis(planner, node, [(n.axis, transposed_table(n, operator.rule)) for n in lines])
    return True


def _repeat(planner: Planner, node: Node, factors: Sequence[int]) -> None:
    """Every cell as often as its factors say; the layout stays."""
    place = planner.read(node.inputs[0])
    narrow = place.has("rows") and len(place.shape) > 1 and place.shape[1] < NARROW
    out = planner.result(node.outputs[0], "rows" if narrow else "last")
    by = dict(zip((line.axis for line in node.of(Resize).lines), factors, strict=True))
    shape: list[int] = []
    read: list[int] = []
    written: list[int] = []
    rows = zip(place.shape, place.strides, out.strides, strict=True)
    for axis, (n, step, to) in enumerate(rows):
        times = by.get(axis, 1)
        shape += [n, times]
        read += [step, 0]
        written += [to * times, to]
    sizes = tuple(shape)
    add_copy(planner, place.viewed(sizes, tuple(read)), out.viewed(sizes, tuple(written)))


LOWERINGS: dict[type[Operator], Lowering] = {
    Resize: lower_resize,
    ResizeTranspose: lower_resize_transpose,
}
