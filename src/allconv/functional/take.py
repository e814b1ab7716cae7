"""Cells of an axis by their numbers, and running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import apply, public, take_float, take_labels
from allconv.intake.settings import whole
from allconv.operators.take import RunningSum, Take

__all__ = ["cumsum", "index_select"]


@public
def index_select(x: Any, /, dim: int, index: Any) -> Any:
    """The cells of an axis that are numbered by an index, in its order.

    Shapes: x any, index (P,) of integers -> x's shape with P in place of axis `dim`.
    y[..., p, ...] = x[..., index[p], ...]; numbers below 0 count from the end. Numbers outside of
    the axis are refused; where they are computed in a trace, what they take is NaN.

    >>> import numpy as np
    >>> index_select(np.array([[1.0, 2, 3]]), 1, np.array([2, 0, -1]))
    array([[3., 1., 3.]])
    """
    x, index = take_float("x", x), take_labels("index", index)
    axis = _axis(dim, len(x.shape))
    if len(index.shape) != 1:
        raise ShapeError(f"index is {index.shape}; one axis is expected")
    n = x.shape[axis]
    if isinstance(index, np.ndarray) and index.size and not -n <= index.min() <= index.max() < n:
        raise ArgumentError(
            f"index holds {index.min()} to {index.max()}; axis {axis} has {n} cells"
        )
    return apply(Take(axis), x, index)


@public
def cumsum(x: Any, /, dim: int) -> Any:
    """Running sums along an axis.

    Shapes: x any -> the same. y[p] = x[0] + ... + x[p] along axis `dim`, added in that order.

    >>> import numpy as np
    >>> cumsum(np.array([1.0, 2, 3]), 0)
    array([1., 3., 6.])
    """
    x = take_float("x", x)
    return apply(RunningSum(_axis(dim, len(x.shape))), x)


def _axis(dim: Any, rank: int) -> int:
    """An axis counted from the front."""
    axis = whole("dim", dim)
    if not -rank <= axis < rank:
        raise ShapeError(f"dim is {axis}; the array has {rank} axes")
    return axis % rank
