"""Arrays repeated along their axes, and the triangles of matrices, in operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from allconv.errors import LimitError, ShapeError
from allconv.intake.limits import MOST_AXES, check_axes, check_size
from allconv.operators.arrange import Reshape
from allconv.operators.pointwise import Select
from allconv.operators.reduce import Broadcast

Record = Callable[..., Any]
MOST_PLACES = 2**26
"""The cells of a matrix of which a triangle is taken."""


def tiled(record: Record, x: Any, times: Sequence[int]) -> Any:
    """An array so many times one after the other along each axis, as NumPy's tile."""
    rank = max(len(times), len(x.shape))
    check_axes("the result of tile", rank)
    if min(times, default=0) < 0:
        raise ShapeError(f"tile repeats {tuple(times)} times; numbers of at least 0 are expected")
    shape = (*(1,) * (rank - len(x.shape)), *x.shape)
    counts = (*(1,) * (rank - len(times)), *times)
    result = tuple(n * k for n, k in zip(shape, counts, strict=True))
    check_size("the result of tile", result)
    apart: list[int] = []
    wanted: list[int] = []
    for n, k in zip(shape, counts, strict=True):
        apart += [n] if k == 1 else [1, n]
        wanted += [n] if k == 1 else [k, n]
    if len(wanted) > MOST_AXES:
        raise LimitError(
            f"tile repeats {len(wanted) - len(shape)} axes; at most {MOST_AXES // 2} are supported"
        )
    if prod(counts) != 1:
        x = record(Broadcast(tuple(wanted)), record(Reshape(tuple(apart)), x))
    return record(Reshape(result), x) if tuple(x.shape) != result else x


def triangle(record: Record, x: Any, k: int, *, upper: bool) -> Any:
    """The cells on and above, or below, the k-th diagonal of each matrix, zeros elsewhere."""
    if len(x.shape) < 2:  # a matrix
        raise ShapeError(f"x is {tuple(x.shape)}; matrices (..., M, N) are expected")
    rows, columns = x.shape[-2:]
    if rows * columns > MOST_PLACES:
        raise LimitError(
            f"a triangle of {rows} x {columns} cells; at most {MOST_PLACES:,} are supported"
        )
    diagonal = min(max(k, -rows - 1), columns + 1)
    above = np.arange(columns) - np.arange(rows)[:, None] - diagonal
    kept = above >= 0 if upper else above <= 0
    return record(Select(), kept.astype(str(x.dtype)), x, 0.0)
