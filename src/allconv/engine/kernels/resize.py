"""Lowering of images of another size: a weighted sum of listed cells an axis, or repeated cells.

Cells that are taken by numbers known beforehand are such a sum, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allconv.engine.kernels.copy import emit_copy
from allconv.engine.kernels.weighted_sum import axis_by_axis
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.resize import Resize, ResizeTranspose, SparseMatrix, table_of, turned_table
from allconv.operators.take import AddAt, Take, counted

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
    axis_by_axis(planner, node, [(n.axis, turned_table(n, operator.rule)) for n in lines])
    return True


def lower_take(planner: Planner, node: Node) -> bool:
    """A step, where the numbers are known and all of them name cells."""
    operator = node.of(Take)
    table = _known(planner, node, node.inputs[0].shape[operator.axis])
    if table is not None:
        axis_by_axis(planner, node, [(operator.axis, table)])
    return table is not None


def lower_add_at(planner: Planner, node: Node) -> bool:
    """Likewise."""
    operator = node.of(AddAt)
    table = _known(planner, node, operator.size)
    if table is not None:
        axis_by_axis(planner, node, [(operator.axis, table.turned(operator.size))])
    return table is not None


def _known(planner: Planner, node: Node, size: int) -> SparseMatrix | None:
    """The cells that are taken, a weight of 1 each."""
    index = planner.graph.constants.get(node.inputs[1])
    if index is None:
        return None
    cells = counted(index, size)
    if cells.min(initial=0) < 0:
        return None
    return SparseMatrix(np.arange(len(cells) + 1), cells, np.ones(len(cells)))


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
    emit_copy(planner, place.viewed(sizes, tuple(read)), out.viewed(sizes, tuple(written)))


LOWERINGS: dict[type[Operator], Lowering] = {
    Resize: lower_resize,
    ResizeTranspose: lower_resize_transpose,
    Take: lower_take,
    AddAt: lower_add_at,
}
