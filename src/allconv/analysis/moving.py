"""Operators that only move values: followed by labels instead of numbers.

Every cell of an operand carries a whole number through the definition of the operator, which says
where it comes to lie; 0 stands for what comes from nowhere, as padding does.
"""

from __future__ import annotations

from allconv.operators.arrange import (
    Concatenate,
    Convert,
    Pad,
    PadEdge,
    Reshape,
    Slice,
    Transpose,
    Unslice,
)
from allconv.operators.base import Array, Operator
from allconv.operators.reduce import Broadcast

MOVING = (
    Broadcast, Concatenate, Convert, Pad, PadEdge, Reshape, Slice, Transpose, Unslice,
)  # fmt: skip


def move_labels(operator: Operator, *labels: Array) -> Array:
    """The labels of the result of an operator in `MOVING`, from those of its operands.

    >>> import numpy as np
    >>> move_labels(Pad(((1, 0),), 5.0), np.array([1, 2]))
    array([0, 1, 2])
    """
    if isinstance(operator, Convert):
        return labels[0]  # labels are no values, and keep their dtype
    if isinstance(operator, Pad):
        operator = Pad(operator.pairs)
    (moved,) = operator.define(*labels)
    return moved
