"""Cells of an axis by their numbers, and running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import apply, public, take_float, take_labels
from allconv.functional.settings import axis_of
from allconv.intake.limits import check_size
from allconv.intake.settings import whole
from allconv.operators.pointwise import Equal
from allconv.operators.take import RunningSum, Take
from allconv.value import Value

__all__ = ["cumsum", "index_select", "one_hot"]

MOST_CLASSES = 2**24
"""Up to which float32 counts by ones."""


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
    axis = axis_of("dim", dim, len(x.shape))
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
    return apply(RunningSum(axis_of("dim", dim, len(x.shape))), x)


@public
def one_hot(labels: Any, /, num_classes: int = -1) -> Any:
    """A cell for each class, 1 for the one that a label names and 0 for the others.

    Shapes: labels any, of integers -> the same and (num_classes,) behind; int64, as in PyTorch. In
    a trace the labels are int64 and the result is float32, in which it computes. num_classes is -1
    for one more than the largest label, which only arrays have. Labels outside are refused; in a
    trace they name no class.

    >>> import numpy as np
    >>> one_hot(np.array([0, 2]), 3)
    array([[1, 0, 0],
           [0, 0, 1]])
    """
    labels = take_labels("labels", labels)
    count = whole("num_classes", num_classes, least=-1, most=MOST_CLASSES)
    if isinstance(labels, Value):
        if count < 1:
            raise ArgumentError("num_classes is not given; in a trace no label is known")
        known = labels.astype(np.float32).reshape((*labels.shape, 1))
        return apply(Equal(), known, np.arange(count, dtype=np.float32))
    largest = int(labels.max(initial=-1))
    count = largest + 1 if count == -1 else count
    if labels.size and not 0 <= int(labels.min()) <= largest < count:
        raise ArgumentError(f"labels are {labels.min()} to {largest}; there are {count} classes")
    check_size("the result of one_hot", (*labels.shape, count))
    return (labels[..., None] == np.arange(count)).astype(np.int64)
