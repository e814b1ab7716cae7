"""Lowering of sums over listed cells of an axis: weighted sums whose weights are all 1."""

from __future__ import annotations

import numpy as np

from allconv.engine.kernels.weighted_sum import axis_by_axis
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.resize import SparseMatrix
from allconv.operators.sum_cells import SumCells


def lower_cells(planner: Planner, node: Node) -> bool:
    """One step; images keep their channels innermost."""
    operator = node.of(SumCells)
    starts = np.cumsum([0, *map(len, operator.cells)], dtype=np.int64)
    cells = np.array([j for each in operator.cells for j in each], np.int64)
    axis_by_axis(planner, node, [(operator.axis, SparseMatrix(starts, cells, np.ones(len(cells))))])
    return True


LOWERINGS: dict[type[Operator], Lowering] = {SumCells: lower_cells}
