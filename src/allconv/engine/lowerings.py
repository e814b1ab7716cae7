"""The lowering of every operator that has kernels.

Every file `kernels/FAMILY.py` holds a table `LOWERINGS` from operator to lowering, a function
`lower(planner, node) -> bool` that adds steps to the plan, or returns False for a case that has no
kernel, which then runs by its definition.
"""

from __future__ import annotations

from allconv.engine.kernels import (
    arrange,
    cells,
    correlate,
    dropout,
    index,
    local,
    loss,
    normalize,
    pointwise,
    pool,
    reduce,
)
from allconv.engine.plan import Lowering
from allconv.operators.base import Operator

FAMILIES = (
    arrange, cells, correlate, dropout, index, local, loss, normalize, pointwise, pool, reduce,
)  # fmt: skip

LOWERINGS: dict[type[Operator], Lowering] = {}
for _family in FAMILIES:
    LOWERINGS.update(_family.LOWERINGS)
