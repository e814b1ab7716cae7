"""Records: one for each operator, and for each function, all that the generic tests need to know.

A family of operators has a file here; a new operator, or function, without a record fails.
"""

from records import (
    activations,
    arrange,
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
from records.record import Function, Record

FAMILIES = (
    correlate, local, pool, sum_cells, index, pointwise, reduce, arrange, normalize, norms, loss,
    dropout, matmul, extremes, order, elementary, activations, update, resize, take,
    grid,
)  # fmt: skip
RECORDS: tuple[Record, ...] = tuple(each for family in FAMILIES for each in family.RECORDS)
FUNCTIONS: dict[str, Function] = {
    name: function
    for family in FAMILIES
    for function in getattr(family, "FUNCTIONS", ())
    for name in function.names()
}
