"""Records of sums over listed cells."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.sum_cells import SumCells
from records.record import Record, draw_array, draw_dtype, draw_shape, refusal


def draw(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Lists of none to three cells, the same cell twice now and then."""
    shape = draw_shape(data, least=1, most=4)
    axis = data.draw(st.integers(0, len(shape) - 1))
    size = shape[axis]
    cell = st.integers(0, size - 1)
    one = st.lists(cell, max_size=3) if size else st.just([])
    lists = data.draw(st.lists(one, max_size=5))
    operator = SumCells(axis, size, tuple(map(tuple, lists)))
    return operator, (draw_array(data, shape, draw_dtype(data)),)


def brute(operator: SumCells, x: Array):
    """Cell by cell, over the flat array."""
    before, after = x.shape[: operator.axis], x.shape[operator.axis + 1 :]
    y = np.zeros((*before, len(operator.cells), *after))
    for a in np.ndindex(before):
        for b in np.ndindex(after):
            for p, cells in enumerate(operator.cells):
                y[(*a, p, *b)] = sum(x[(*a, j, *b)] for j in cells)
    return (y,)


def three() -> SumCells:
    """Axis 1 of 3 cells to 2."""
    return SumCells(1, 3, ((0, 1), (2,)))


RECORDS = (
    Record(
        SumCells,
        draw,
        brute,
        linear=(("x",),),
        refusals=(
            refusal(r"x is \(2, 4\); axis 1 of 3", three, (2, 4)),
            refusal(r"x is \(3,\); axis 1 of 3", three, (3,)),
            refusal(r"cells \(3,\)", lambda: SumCells(0, 3, ((3,),)), (3,)),
            refusal(r"cells \(0, -1\)", lambda: SumCells(0, 3, ((0, -1),)), (3,)),
            refusal("not int64", three, Spec((2, 3), "int64")),
        ),
    ),
)
