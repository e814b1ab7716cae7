"""How operators run: kernels, and the lowering of each operator to steps on them.

Every file `FAMILY.py` holds a table `LOWERINGS` from operator to lowering, a function
`lower(planner, node) -> bool` that adds steps to the plan, or returns False for a case that has no
kernel, which then runs by its definition.
"""

from __future__ import annotations

from importlib import import_module

from allconv.engine.plan import Lowering
from allconv.operators.base import Operator

FAMILIES = (
    "arrange",
    "cells",
    "correlate",
    "dropout",
    "index",
    "local",
    "loss",
    "normalize",
    "pointwise",
    "pool",
    "reduce",
    "update",
)

LOWERINGS: dict[type[Operator], Lowering] = {}
for _family in FAMILIES:
    LOWERINGS.update(import_module(f"{__name__}.{_family}").LOWERINGS)
