"""Records of indices of the largest numbers, and of numbers at indices along an axis."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.order import ArgExtreme, Hardmax, PutAlong, TakeAlong, TopK
from records.record import Record, draw_array, draw_dtype, onnx_results, refusal


def draw_x(data: st.DataObject, least: int = -4) -> tuple[int, Array]:
    """An axis, and an array with cells along it."""
    shape = data.draw(st.lists(st.sampled_from([2, 3, 1, 4]), min_size=1, max_size=3))
    axis = data.draw(st.integers(0, len(shape) - 1))
    return axis, draw_array(data, tuple(shape), draw_dtype(data), least)


def draw_arg(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Any settings."""
    axis, x = draw_x(data)
    return ArgExtreme(axis, *(data.draw(st.booleans()) for _ in range(3))), (x,)


def draw_hardmax(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Ties, too."""
    axis, x = draw_x(data)
    return Hardmax(axis), (x,)


def draw_top(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """None to all of an axis."""
    axis, x = draw_x(data)
    return TopK(axis, data.draw(st.integers(0, x.shape[axis])), data.draw(st.booleans())), (x,)


def draw_take(data: st.DataObject, put: bool) -> tuple[Operator, tuple[Array, ...]]:
    """Indices, some of them outside and some the same."""
    axis, x = draw_x(data)
    size = x.shape[axis]
    shape = (*x.shape[:axis], data.draw(st.integers(0, 4)), *x.shape[axis + 1 :])
    index = draw_array(data, shape, "int64", -1, size)
    if not put:
        return TakeAlong(axis), (x, index)
    return PutAlong(axis, size), (draw_array(data, shape, x.dtype.name), index)


def lines(x: Array, axis: int):
    """Every line along an axis: where it is, and its numbers."""
    moved = np.moveaxis(x, axis, -1)
    for where in np.ndindex(moved.shape[:-1]):
        yield where, [float(v) for v in moved[where]]


def brute_arg(operator: ArgExtreme, x: Array):
    """The first, or last, place of the extreme."""
    y = np.zeros([n for a, n in enumerate(x.shape) if a != operator.axis], np.int64)
    for where, values in lines(x, operator.axis):
        wanted = min(values) if operator.smallest else max(values)
        places = [i for i, v in enumerate(values) if v == wanted]
        y[where] = places[-1 if operator.last else 0]
    return (np.expand_dims(y, operator.axis) if operator.keep else y,)


def brute_hardmax(operator: Hardmax, x: Array):
    """1 at the first of the largest."""
    y = np.moveaxis(np.zeros(x.shape), operator.axis, -1)
    for where, values in lines(x, operator.axis):
        y[(*where, values.index(max(values)))] = 1
    return (np.moveaxis(y, -1, operator.axis),)


def brute_top(operator: TopK, x: Array):
    """Sorted by Python, which keeps the order of equal ones."""
    rest = [n for a, n in enumerate(x.shape) if a != operator.axis]
    y, index = np.zeros((*rest, operator.count)), np.zeros((*rest, operator.count), np.int64)
    sign = 1 if operator.smallest else -1
    for where, values in lines(x, operator.axis):
        order = sorted(range(len(values)), key=lambda i, v=values: sign * v[i])
        for k, i in enumerate(order[: operator.count]):
            y[(*where, k)], index[(*where, k)] = values[i], i
    return np.moveaxis(y, -1, operator.axis), np.moveaxis(index, -1, operator.axis)


def brute_take(operator: TakeAlong, x: Array, index: Array):
    """Every cell from where its index says."""
    y = np.zeros(index.shape)
    for cell in np.ndindex(index.shape):
        source = list(cell)
        source[operator.axis] = int(index[cell])
        if 0 <= index[cell] < x.shape[operator.axis]:
            y[cell] = x[tuple(source)]
    return (y,)


def brute_put(operator: PutAlong, x: Array, index: Array):
    """Every number into the cell that its index names."""
    shape = list(x.shape)
    shape[operator.axis] = operator.size
    y = np.zeros(shape)
    for cell in np.ndindex(index.shape):
        to = list(cell)
        to[operator.axis] = int(index[cell])
        if 0 <= index[cell] < operator.size:
            y[tuple(to)] += x[cell]
    return (y,)


def onnx_arg(operator: ArgExtreme, x: Array):
    """ArgMax or ArgMin of ONNX."""
    settings = {"axis": operator.axis, "keepdims": int(operator.keep)}
    name = "ArgMin" if operator.smallest else "ArgMax"
    return onnx_results(name, (x,), **settings, select_last_index=int(operator.last))


def onnx_hardmax(operator: Hardmax, x: Array):
    """Hardmax of ONNX."""
    return onnx_results("Hardmax", (x,), axis=operator.axis)


def numpy_top(operator: TopK, x: Array):
    """The numbers, sorted by NumPy."""
    y = np.sort(x, operator.axis)
    y = y if operator.smallest else np.flip(y, operator.axis)
    return (np.take(y, range(operator.count), operator.axis),)


INDEX = Spec((2, 3), "int64")
RECORDS = (
    Record(
        ArgExtreme,
        draw_arg,
        brute_arg,
        fixed=("x",),
        differences=False,
        outsiders=(onnx_arg,),
        refusals=(
            refusal("axis is 2; an axis of", lambda: ArgExtreme(2), (2, 3)),
            refusal("has no cells", lambda: ArgExtreme(1), (2, 0)),
            refusal("not int64", lambda: ArgExtreme(0), INDEX),
        ),
    ),
    Record(
        Hardmax,
        draw_hardmax,
        brute_hardmax,
        points="distinct",
        outsiders=(onnx_hardmax,),
        refusals=(refusal("has no cells", lambda: Hardmax(0), (0, 2)),),
    ),
    Record(
        TopK,
        draw_top,
        brute_top,
        points="distinct",
        outsiders=(numpy_top,),
        refusals=(refusal("count is 4; 0 to 3", lambda: TopK(1, 4), (2, 3)),),
    ),
    Record(
        TakeAlong,
        partial(draw_take, put=False),
        brute_take,
        linear=(("x",),),
        refusals=(
            refusal(r"index is .*\(3, 3\)", lambda: TakeAlong(1), (2, 3), Spec((3, 3), "int64")),
            refusal("index is float32", lambda: TakeAlong(1), (2, 3), (2, 3)),
        ),
    ),
    Record(
        PutAlong,
        partial(draw_take, put=True),
        brute_put,
        linear=(("x",),),
        refusals=(refusal("same shape", lambda: PutAlong(1, 3), (2, 2), INDEX),),
    ),
)
