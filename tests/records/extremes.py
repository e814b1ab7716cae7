"""Records of the largest, the smallest, the product, and the logarithm of a sum of exponentials."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.extremes import Largest, LogSumExp, Product, Smallest
from records.record import Record, draw_array, draw_dtype, draw_shape, onnx_results, refusal


def draw(
    data: st.DataObject, operator: type[Operator], scale: float = 1.0, most: int = 4
) -> tuple[Operator, tuple[Array, ...]]:
    """Any axes, none and empty ones too."""
    shape = draw_shape(data)
    if operator is LogSumExp:  # of no cells it is -inf, which has no distance
        shape = tuple(n or 1 for n in shape)
    axes = tuple(a for a in range(len(shape)) if data.draw(st.booleans()))
    dtype = draw_dtype(data)
    x = draw_array(data, shape, dtype, -most, most) * np.array(scale, dtype)
    return operator(axes, data.draw(st.booleans())), (np.asarray(x),)


def draw_product(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Products of up to sixteen numbers that are exact."""
    shape = draw_shape(data, most=2)
    axes = tuple(a for a in range(len(shape)) if data.draw(st.booleans()))
    x = draw_array(data, shape, draw_dtype(data), -2, 2)
    return Product(axes, data.draw(st.booleans())), (x,)


def brute(operator: Operator, x: Array, join, begin: float):
    """Every element joined with the cell it goes to."""
    kept = [1 if a in operator.axes else n for a, n in enumerate(x.shape)]
    y = np.full(kept, begin)
    for cell in np.ndindex(x.shape):
        to = tuple(0 if a in operator.axes else i for a, i in enumerate(cell))
        y[to] = join(float(y[to]), float(x[cell]))
    if operator.keep:
        return (y,)
    return (y.reshape([n for a, n in enumerate(x.shape) if a not in operator.axes]),)


def brute_log(operator: LogSumExp, x: Array):
    """The logarithm of the sum itself."""
    (total,) = brute(operator, x, lambda total, value: total + math.exp(value), 0.0)
    with np.errstate(divide="ignore"):
        return (np.log(total),)


def onnx_reduce(operator: Operator, x: Array, name: str):
    """The reduction of ONNX of that name."""
    if not x.size or not operator.axes:
        return None
    axes = np.array(operator.axes, np.int64)
    return onnx_results(name, (x, axes), keepdims=int(operator.keep))


def close(operator: LogSumExp, x: Array):
    """ReduceLogSumExp of ONNX."""
    return onnx_reduce(operator, x, "ReduceLogSumExp")


RECORDS = (
    Record(
        Largest,
        partial(draw, operator=Largest, most=99),
        partial(brute, join=max, begin=-math.inf),
        points="distinct",
        outsiders=(partial(onnx_reduce, name="ReduceMax"),),
        refusals=(
            refusal(r"largest: axes are \(2,\); axes of \(2, 3\)", lambda: Largest((2,)), (2, 3)),
            refusal("not int64", lambda: Largest((0,)), Spec((2,), "int64")),
        ),
    ),
    Record(
        Smallest,
        partial(draw, operator=Smallest, most=99),
        partial(brute, join=min, begin=math.inf),
        points="distinct",
        outsiders=(partial(onnx_reduce, name="ReduceMin"),),
        refusals=(refusal(r"axes are \(0, 0\)", lambda: Smallest((0, 0)), (2, 3)),),
    ),
    Record(
        Product,
        draw_product,
        partial(brute, join=lambda a, b: a * b, begin=1.0),
        outsiders=(partial(onnx_reduce, name="ReduceProd"),),
        refusals=(refusal(r"axes are \(-1,\)", lambda: Product((-1,)), (2, 3)),),
    ),
    Record(
        LogSumExp,
        partial(draw, operator=LogSumExp, scale=0.375),
        brute_log,
        ulp=8.0,
        outsider_ulp=16.0,
        outsiders=(close,),
        refusals=(refusal(r"axes are \(1,\)", lambda: LogSumExp((1,)), (2,)),),
    ),
)
