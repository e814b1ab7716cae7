"""Records of cells by their numbers, and of running sums."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.take import AddAt, RunningSum, Take
from records.record import (
    Function,
    Record,
    draw_array,
    draw_dtype,
    draw_shape,
    onnx_results,
    refusal,
)


def draw_index(data: st.DataObject, size: int) -> Array:
    """Up to five numbers, from both ends; none of a cell that is not there."""
    cell = st.integers(-size, size - 1)
    return np.array(data.draw(st.lists(cell, max_size=5)) if size else [], np.int64)


def draw_take(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Any axis."""
    shape = draw_shape(data, least=1, most=4)
    axis = data.draw(st.integers(0, len(shape) - 1))
    x = draw_array(data, shape, draw_dtype(data))
    return Take(axis, data.draw(st.booleans())), (x, draw_index(data, shape[axis]))


def draw_add(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Any axis; numbers that name no cell now and then."""
    shape = draw_shape(data, least=1, most=4)
    axis, size = data.draw(st.integers(0, len(shape) - 1)), data.draw(st.integers(0, 4))
    y = draw_array(data, shape, draw_dtype(data))
    seed = data.draw(st.integers(0, 2**16))
    index = np.random.default_rng(seed).integers(-size - 1, size + 2, shape[axis])
    return AddAt(axis, size), (y, index)


def draw_running(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Any axis, both ways."""
    shape = draw_shape(data, least=1, most=4)
    axis = data.draw(st.integers(0, len(shape) - 1))
    operator = RunningSum(axis, data.draw(st.booleans()), data.draw(st.booleans()))
    return operator, (draw_array(data, shape, draw_dtype(data)),)


def brute_take(operator: Take, x: Array, index: Array):
    """Cell by cell."""
    before, after = x.shape[: operator.axis], x.shape[operator.axis + 1 :]
    y = np.zeros((*before, len(index), *after))
    for a in np.ndindex(before):
        for b in np.ndindex(after):
            for p, j in enumerate(index):
                y[(*a, p, *b)] = x[(*a, j, *b)]
    return (y,)


def brute_add(operator: AddAt, y: Array, index: Array):
    """Cell by cell."""
    before, after = y.shape[: operator.axis], y.shape[operator.axis + 1 :]
    x = np.zeros((*before, operator.size, *after))
    for a in np.ndindex(before):
        for b in np.ndindex(after):
            for p, j in enumerate(index):
                if -operator.size <= j < operator.size:
                    x[(*a, j, *b)] += y[(*a, p, *b)]
    return (x,)


def brute_running(operator: RunningSum, x: Array):
    """Each sum anew."""
    y, axis = np.zeros(x.shape), operator.axis
    for cell in np.ndindex(x.shape):
        for j in range(x.shape[axis]):
            beyond = j - cell[axis] if operator.reverse else cell[axis] - j
            if beyond > 0 or (beyond == 0 and not operator.exclusive):
                y[cell] += x[(*cell[:axis], j, *cell[axis + 1 :])]
    return (y,)


def onnx_gather(operator: Take, x: Array, index: Array):
    """Gather of ONNX."""
    return onnx_results("Gather", (x, index), axis=operator.axis)


def onnx_cumsum(operator: RunningSum, x: Array):
    """CumSum of ONNX."""
    if not x.size or operator.exclusive:  # the evaluator knows exclusive of whole arrays alone
        return None
    axis = np.array(operator.axis, np.int64)
    return onnx_results("CumSum", (x, axis), reverse=int(operator.reverse))


INDEX = Spec((2,), "int64")
RECORDS = (
    Record(
        Take,
        draw_take,
        brute_take,
        fixed=("index",),
        linear=(("x",),),
        outsiders=(onnx_gather,),
        refusals=(
            refusal(r"axis is 2; an axis of \(2, 3\) is expected", lambda: Take(2), (2, 3), INDEX),
            refusal("index is int32", lambda: Take(0), (2, 3), Spec((2,), "int32")),
            refusal(r"index is int64 \(2, 2\)", lambda: Take(0), (2, 3), Spec((2, 2), "int64")),
            refusal("not int64", lambda: Take(0), INDEX, INDEX),
        ),
    ),
    Record(
        AddAt,
        draw_add,
        brute_add,
        fixed=("index",),
        linear=(("y",),),
        refusals=(
            refusal(r"y is \(3, 3\), index \(2,\)", lambda: AddAt(0, 4), (3, 3), INDEX),
            refusal("axis is -1; an axis of", lambda: AddAt(-1, 4), (3, 3), INDEX),
            refusal("index is int32", lambda: AddAt(0, 4), (2, 3), Spec((2,), "int32")),
        ),
    ),
    Record(
        RunningSum,
        draw_running,
        brute_running,
        linear=(("x",),),
        outsiders=(onnx_cumsum,),
        refusals=(
            refusal(r"axis is 2; an axis of \(2, 3\) is expected", lambda: RunningSum(2), (2, 3)),
            refusal("not int64", lambda: RunningSum(0), INDEX),
        ),
    ),
)

FUNCTIONS = (
    Function(
        "index_select",
        torch="x dim index",
        given=lambda n: (np.ones((2, 3)), 1, np.array([2, 0])),
    ),
    Function("one_hot", torch="labels num_classes=-1", given=lambda n: (np.array([0, 2]), 3)),
    Function("cumsum", torch="x dim", given=lambda n: (np.ones((2, 3)), 1)),
)
