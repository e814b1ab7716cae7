"""The linear layer: a window without axes."""

from __future__ import annotations

from math import prod
from typing import Any

from allconv.errors import ShapeError
from allconv.functional.call import apply, public, take_floats
from allconv.functional.correlate import check_bias, shape_or_none
from allconv.operators.correlate import Correlate
from allconv.window import Window

__all__ = ["linear"]


@public
def linear(x: Any, /, weight: Any, bias: Any = None) -> Any:
    """A linear layer: every output is a weighted sum of all inputs.

    Shapes: x (..., C), weight (O, C), bias (O,) -> (..., O); float32 or float64.
    y[..., o] = bias[o] + sum over c of x[..., c] * weight[o, c]

    >>> import numpy as np
    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([0.5]))
    array([[11.5]])
    """
    x, weight, bias = take_floats(x=x, weight=weight, bias=bias)
    if len(weight.shape) != 2 or 0 in weight.shape:
        raise ShapeError(f"weight is {weight.shape}; (O, C) is expected")
    if not x.shape or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"x is {x.shape}; for weight {weight.shape} its last axis must have {weight.shape[1]}"
        )
    check_bias(shape_or_none(bias), weight.shape[:1])
    lead = tuple(x.shape[:-1])
    rows = x if len(lead) == 1 else x.reshape((prod(lead), x.shape[-1]))
    operands = (rows, weight) if bias is None else (rows, weight, bias)
    y = apply(Correlate(Window()), *operands)
    return y if len(lead) == 1 else y.reshape((*lead, weight.shape[0]))
