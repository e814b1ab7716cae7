"""The lowering of every operator that has kernels.

Every file `kernels/FAMILY.py` holds a table `LOWERINGS` from operator to lowering, a function
`lower(planner, node) -> bool` that adds steps to the plan, or returns False for a case that has no
kernel, which then runs by its definition.
"""

from __future__ import annotations

from allconv.engine.kernels import (
    arrange,
    correlate,
    dropout,
    grid,
    index,
    local,
    loss,
    matmul,
    normalize,
    order,
    pointwise,
    pool,
    reduce,
    resize,
    sum_cells,
    take,
)
from allconv.engine.kernels.copy import add_copy
from allconv.engine.plan import Lowerings

FAMILIES = (
    arrange, correlate, dropout, sum_cells, grid, index, local, loss, matmul, normalize, order,
    pointwise, pool, reduce, resize, take,
)  # fmt: skip

LOWERINGS = Lowerings(
    {operator: lower for family in FAMILIES for operator, lower in family.LOWERINGS.items()},
    add_copy,
)
