"""The cost of every operator is its number of multiply-adds, counted one by one.

Every tap of every window counts, also where it meets padding or a hole; so do pairs of equal
factors. What moves, compares, adds up or maps single cells has no cost: it is not what makes a
network slow, and is left out of such counts everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allconv.operators import (
    arrange,
    base,
    correlate,
    dropout,
    elementary,
    extremes,
    grid,
    index,
    local,
    loss,
    matmul,
    normalize,
    norms,
    order,
    pointwise,
    pool,
    reduce,
    resize,
    sum_cells,
    take,
    update,
)
from allconv.operators.base import Array, Operator, Spec
from allconv.window import Window
from records import RECORDS
from records.record import Record, every
from records.record import cells as cells_that_meet

each_record = pytest.mark.parametrize("record", RECORDS, ids=str)


def taps(window: Window) -> int:
    """Every tap of every placement of a window."""
    return sum(1 for _ in every(window.output, window.kernel))


def meetings(window: Window) -> int:
    """Those that meet a cell."""
    return sum(1 for _ in cells_that_meet(window))


Places = Callable[[Window], int]


def form(operator: Any, batch: int, inputs: int, outputs: int, places: Places) -> int:
    """The products of the trilinear form: a pair of channels of a group, at every place, in every
    image."""
    groups = operator.groups
    pairs = sum(c * groups // inputs == o * groups // outputs for c, o in every((inputs, outputs)))
    return batch * pairs * places(operator.window)


def of_x_and_w(operator: Any, x: Array, w: Array, *_: Array, places: Places = taps) -> int:
    """Forward."""
    return form(operator, x.shape[0], x.shape[1], w.shape[0], places)


def of_w_and_y(operator: Any, w: Array, y: Array, *_: Array, places: Places = taps) -> int:
    """The gradient of the input."""
    return form(operator, y.shape[0], w.shape[1] * operator.groups, y.shape[1], places)


def of_x_and_y(operator: Any, x: Array, y: Array, *, places: Places = taps) -> int:
    """The gradient of the weights."""
    return form(operator, x.shape[0], x.shape[1], y.shape[1], places)


def of_lists(operator: sum_cells.SumCells, x: Array) -> int:
    """A product by one for each cell that a result meets."""
    count = 0
    for index_of in every(operator.infer(Spec.of(x))[0].shape):
        count += len(operator.cells[index_of[operator.axis]])
    return count


def of_tables(operator: Any, x: Array) -> int:
    """A product for each weight, axis after axis."""
    back = isinstance(operator, resize.ResizeTranspose)
    shape, count = list(x.shape), 0
    for line in operator.ordered()[:: -1 if back else 1]:
        table = (resize.transposed_table if back else resize.table_of)(line, operator.rule)
        shape[line.axis] = line.size if back else line.to
        for index_of in every(tuple(shape)):
            p = index_of[line.axis]
            count += int(table.starts[p + 1] - table.starts[p])
    return count


def of_matrices(operator: Any, a: Array, b: Array) -> int:
    """A product for each cell of the result and each that is summed."""
    (y,) = operator.infer(Spec.of(a), Spec.of(b))
    return sum(1 for _ in every(y.shape, a.shape[-1:]))


def a_cell(*products: str) -> Callable[..., int]:
    """So many products, named by their formulas, for each cell of the first operand."""
    return lambda operator, *x: sum(len(products) for _ in every(x[0].shape))


DEVIATION = "(x - mean)^2 of the variance"


def of_places(operator: Any, x: Array, given: Array) -> int:
    """Every cell that a place meets, a channel at a time."""
    met = {"nearest": 1, "linear": 2, "cubic": 4}[operator.mode]
    count = 0
    for _ in np.ndindex(*x.shape[:2], *given.shape[1:-1]):
        taps = 1
        for _ in x.shape[2:]:
            taps *= met
        count += taps
    return count


def of_taps(operator: Any, x: Array, number: Array, weight: Array) -> int:
    """A product for each tap, place and channel."""
    return sum(1 for _ in every(number.shape, x.shape[1:]))


COUNTS: dict[type[Operator], Callable[..., int]] = {
    correlate.Correlate: of_x_and_w,
    correlate.CorrelateTranspose: of_w_and_y,
    correlate.CorrelateWeight: of_x_and_y,
    grid.CellSum: of_taps,
    grid.GridSample: of_places,
    local.Local: of_x_and_w,
    local.LocalTranspose: of_w_and_y,
    local.LocalWeight: of_x_and_y,
    resize.Resize: of_tables,
    resize.ResizeTranspose: of_tables,
    sum_cells.SumCells: of_lists,
    matmul.MatMul: of_matrices,
    normalize.Normalize: a_cell("x*(gamma*rstd) + (beta - mean*gamma*rstd)"),
    normalize.BatchNorm: a_cell(DEVIATION, "(x - mean)*rstd", "xhat*gamma + beta"),
    normalize.BatchNormGradient: a_cell(
        "(x - mean)*rstd", "gy*xhat", "xhat*ggamma/n", "(gy - ...)*gamma*rstd"
    ),
    norms.LayerNorm: a_cell(DEVIATION, "(x - mean)*rstd", "xhat*weight + bias"),
    norms.GroupNorm: a_cell(DEVIATION, "(x - mean)*rstd", "xhat*weight + bias"),
    loss.CrossEntropy: a_cell("target*log p"),
    update.SgdUpdate: a_cell("scale*g", "decay*p", "momentum*v", "rate*step"),
    update.AdamUpdate: a_cell(
        "scale*g", "decay*p", "(1-beta1)*(d - m)", "d*d", "(1-beta2)*(d*d - s)", "m'/correction1",
        "s'/correction2", "sqrt", "the quotient of both", "rate*step",
    ),
    update.MovingAverage: a_cell("share*(new - old)"),
}  # fmt: skip
"""How the multiply-adds of an operator are counted, from its settings and operands."""

FREE = (
    arrange, dropout, elementary, extremes, grid, index, loss, order, pointwise, pool, reduce, take,
    update,
)  # fmt: skip
"""The families in which whatever is not above has no cost."""


@each_record
@given(data=st.data())
def test_cost_is_the_number_of_multiply_adds(record: Record, data: st.DataObject) -> None:
    """An integer, that of a count on operands of any drawn shape."""
    operator, arrays = record.draw(data)
    cost = operator.cost(*map(Spec.of, arrays))
    assert type(cost) is int
    if record.operator in COUNTS:
        assert cost == COUNTS[record.operator](operator, *arrays)
    else:
        assert record.operator.__module__ in {family.__name__ for family in FREE}
        assert cost == 0


@pytest.mark.parametrize("record", [r for r in RECORDS if hasattr(r.operator, "groups")], ids=str)
@given(data=st.data())
def test_no_product_is_left_out(record: Record, data: st.DataObject) -> None:
    """The definition multiplies no more than the cost says, and just as often where every tap of
    every placement meets a cell."""
    operator, arrays = record.draw(data)
    cost = operator.cost(*map(Spec.of, arrays))
    products = COUNTS[record.operator](operator, *arrays, places=meetings)
    assert products <= cost
    axes = operator.window.axes
    if all(max(axis.padding, axis.high) <= 0 and axis.input_dilation == 1 for axis in axes):
        assert products == cost


def test_an_operator_without_a_cost_of_its_own_is_free() -> None:
    """So a new operator that multiplies must say how often, or its record fails above."""
    assert base.Operator.cost is pool.MaxPool.cost
    assert not [r for r in RECORDS if r.operator not in COUNTS and "cost" in vars(r.operator)]
