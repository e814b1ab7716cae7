"""Records: one for each operator, all that the generic tests need to know about it."""

from records import (
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
    update,
)
from records.record import Record

FAMILIES = (
    correlate, local, pool, cells, index, pointwise, reduce, arrange, normalize, loss, dropout,
    update,
)  # fmt: skip
RECORDS: tuple[Record, ...] = tuple(each for family in FAMILIES for each in family.RECORDS)
