"""Records of sums and broadcasting."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator
from allconv.operators.reduce import Broadcast, Sum
from records.record import Record, draw_array, draw_dtype, draw_shape, onnx_results, refusal


def draw_sum(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Any axes, none and empty ones too."""
    shape = draw_shape(data)
    axes = tuple(a for a in range(len(shape)) if data.draw(st.booleans()))
    return Sum(axes, data.draw(st.booleans())), (draw_array(data, shape, draw_dtype(data)),)


def draw_broadcast(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Axes of size 1, or missing at the front, that grow."""
    to = draw_shape(data)
    start = data.draw(st.integers(0, len(to)))
    shape = tuple(1 if data.draw(st.booleans()) else n for n in to[start:])
    return Broadcast(to), (draw_array(data, shape, draw_dtype(data)),)


def brute_sum(operator: Sum, x: Array):
    """Every element added to the cell it goes to."""
    kept = [1 if a in operator.axes else n for a, n in enumerate(x.shape)]
    y = np.zeros(kept)
    for cell in np.ndindex(x.shape):
        y[tuple(0 if a in operator.axes else i for a, i in enumerate(cell))] += x[cell]
    if operator.keep:
        return (y,)
    return (y.reshape([n for a, n in enumerate(x.shape) if a not in operator.axes]),)


def brute_broadcast(operator: Broadcast, x: Array):
    """Every cell from the one it comes from."""
    y = np.zeros(operator.to)
    lead = y.ndim - x.ndim
    for cell in np.ndindex(y.shape):
        y[cell] = x[tuple(0 if n == 1 else i for n, i in zip(x.shape, cell[lead:], strict=True))]
    return (y,)


def onnx_sum(operator: Sum, x: Array):
    """ReduceSum of ONNX."""
    axes = np.array(operator.axes, np.int64)
    settings = {"keepdims": int(operator.keep), "noop_with_empty_axes": 1}
    return onnx_results("ReduceSum", (x, axes), **settings)


def onnx_expand(operator: Broadcast, x: Array):
    """Expand of ONNX."""
    return onnx_results("Expand", (x, np.array(operator.to, np.int64)))


RECORDS = (
    Record(
        Sum,
        draw_sum,
        brute_sum,
        linear=(("x",),),
        outsiders=(onnx_sum,),
        refusals=(
            refusal(r"sum: axes are \(2,\); axes of \(2, 3\)", lambda: Sum((2,)), (2, 3)),
            refusal(r"sum: axes are \(-1,\)", lambda: Sum((-1,)), (2, 3)),
            refusal(r"sum: axes are \(0, 0\)", lambda: Sum((0, 0)), (2, 3)),
        ),
    ),
    Record(
        Broadcast,
        draw_broadcast,
        brute_broadcast,
        linear=(("x",),),
        outsiders=(onnx_expand,),
        refusals=(
            refusal(r"\(2,\) does not broadcast to \(3,\)", lambda: Broadcast((3,)), (2,)),
            refusal(r"\(3,\) does not broadcast to \(1,\)", lambda: Broadcast((1,)), (3,)),
            refusal(r"\(1, 3\) does not broadcast to \(3,\)", lambda: Broadcast((3,)), (1, 3)),
        ),
    ),
)
