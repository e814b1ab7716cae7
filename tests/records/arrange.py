"""Records of the operators that only move values."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import strategies as st

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
from allconv.operators.base import Array, Operator, Spec
from records.record import (
    IMAGES,
    Function,
    Record,
    draw_array,
    draw_dtype,
    draw_shape,
    onnx_results,
    refusal,
)


def draw_reshape(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Axes merged and others of size 1 put in."""
    shape = draw_shape(data)
    merged = data.draw(st.integers(0, len(shape)))
    to = (int(np.prod(shape[:merged])), *shape[merged:])
    ones = data.draw(st.integers(0, len(to)))
    x = draw_array(data, shape, draw_dtype(data))
    return Reshape((*to[:ones], 1, *to[ones:])), (x,)


def draw_transpose(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Any order of up to four axes."""
    shape = draw_shape(data, most=4)
    order = tuple(data.draw(st.permutations(range(len(shape)))))
    return Transpose(order), (draw_array(data, shape, draw_dtype(data)),)


def draw_steps(data: st.DataObject) -> tuple[tuple[int, ...], list[tuple[int, int, int]]]:
    """A shape, and (start, step, count) within each axis, forwards or backwards."""
    shape = draw_shape(data, size=6)
    rows = []
    for n in shape:
        step, start = data.draw(st.sampled_from([1, 1, 2, -1, -2])), 0
        most = 0
        if n:
            start = data.draw(st.integers(0, n - 1))
            most = (n - 1 - start) // step + 1 if step > 0 else start // -step + 1
        rows.append((start, step, data.draw(st.sampled_from([most, most, most // 2, 0]))))
    return shape, rows


def draw_slice(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Steps of both signs; nothing taken now and then."""
    shape, rows = draw_steps(data)
    start, step, count = (tuple(row[n] for row in rows) for n in range(3))
    return Slice(start, step, count), (draw_array(data, shape, draw_dtype(data)),)


def draw_unslice(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """The transpose of a drawn slice."""
    shape, rows = draw_steps(data)
    start, step, count = (tuple(row[n] for row in rows) for n in range(3))
    return Unslice(start, step, count, shape), (draw_array(data, count, draw_dtype(data)),)


def draw_pad(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Padding and cropping of both sides, also past the array."""
    shape = draw_shape(data)
    pairs = []
    for n in shape:
        low = data.draw(st.sampled_from([1, 0, -1, 2, -2, -4, 3]))
        highs = [high for high in (2, 0, 1, -1, -3, 6) if high >= -n - low]
        pairs.append((low, data.draw(st.sampled_from(highs))))
    value = data.draw(st.sampled_from([0.0, 0.0, 2.0, -1.0]))
    return Pad(tuple(pairs), value), (draw_array(data, shape, draw_dtype(data)),)


def draw_pad_edge(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Either side of any axis that has cells."""
    shape = draw_shape(data)
    times = st.sampled_from([0, 1, 0, 2, 5])
    pairs = tuple((data.draw(times), data.draw(times)) if n else (0, 0) for n in shape)
    return PadEdge(pairs), (draw_array(data, shape, draw_dtype(data)),)


def draw_concatenate(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """One to three arrays along any axis."""
    shape, dtype = draw_shape(data, least=1), draw_dtype(data)
    axis, count = data.draw(st.integers(0, len(shape) - 1)), data.draw(st.integers(1, 3))
    sizes = [data.draw(st.integers(0, 3)) for _ in range(count)]
    shapes = [(*shape[:axis], n, *shape[axis + 1 :]) for n in sizes]
    return Concatenate(axis, count), tuple(draw_array(data, s, dtype) for s in shapes)


def draw_convert(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Either float to either float."""
    x = draw_array(data, draw_shape(data), draw_dtype(data))
    return Convert(draw_dtype(data)), (x,)


def brute_reshape(operator: Reshape, x: Array):
    """The elements one after the other."""
    y, cells = np.zeros(operator.to), np.ndindex(operator.to)
    for target, source in zip(cells, np.ndindex(x.shape), strict=True):
        y[target] = x[source]
    return (y,)


def brute_transpose(operator: Transpose, x: Array):
    """Each element to its index reordered."""
    y = np.zeros([x.shape[a] for a in operator.order])
    for cell in np.ndindex(x.shape):
        y[tuple(cell[a] for a in operator.order)] = x[cell]
    return (y,)


def source(operator: Slice | Unslice, cell: tuple[int, ...]) -> tuple[int, ...]:
    """Where a cell of a slice is taken."""
    rows = zip(operator.start, operator.step, cell, strict=True)
    return tuple(start + step * i for start, step, i in rows)


def brute_slice(operator: Slice, x: Array):
    """Each cell from where it is taken."""
    y = np.zeros(operator.count)
    for cell in np.ndindex(y.shape):
        y[cell] = x[source(operator, cell)]
    return (y,)


def brute_unslice(operator: Unslice, y: Array):
    """Each cell to where a slice would take it."""
    x = np.zeros(operator.to)
    for cell in np.ndindex(y.shape):
        x[source(operator, cell)] = y[cell]
    return (x,)


def brute_pad(operator: Pad, x: Array):
    """Each cell from `low` before it, if that exists."""
    y = np.full([n + sum(p) for n, p in zip(x.shape, operator.pairs, strict=True)], operator.value)
    for cell in np.ndindex(y.shape):
        origin = tuple(i - low for i, (low, _) in zip(cell, operator.pairs, strict=True))
        if all(0 <= i < n for i, n in zip(origin, x.shape, strict=True)):
            y[cell] = x[origin]
    return (y,)


def brute_pad_edge(operator: PadEdge, x: Array):
    """Each cell from `low` before it, or from the nearest."""
    y = np.zeros([n + sum(p) for n, p in zip(x.shape, operator.pairs, strict=True)])
    for cell in np.ndindex(y.shape):
        rows = zip(cell, operator.pairs, x.shape, strict=True)
        y[cell] = x[tuple(min(max(i - low, 0), n - 1) for i, (low, _), n in rows)]
    return (y,)


def brute_concatenate(operator: Concatenate, *x: Array):
    """Element after element along the axis."""
    axis, shape = operator.axis, list(x[0].shape)
    shape[axis] = sum(each.shape[axis] for each in x)
    y, start = np.zeros(shape), 0
    for each in x:
        for cell in product(*map(range, each.shape)):
            y[(*cell[:axis], start + cell[axis], *cell[axis + 1 :])] = each[cell]
        start += each.shape[axis]
    return (y,)


def brute_convert(operator: Convert, x: Array):
    """The same numbers."""
    return (x,)


def onnx_slice(operator: Slice, x: Array):
    """Slice of ONNX; a backward slice ends before the first element."""
    rows = list(zip(operator.start, operator.step, operator.count, x.shape, strict=True))
    if not rows or not all(count for *_, count, _ in rows):
        return None
    ends = [start + step * count for start, step, count, _ in rows]
    ends = [end if end >= 0 else -n - 1 for end, (*_, n) in zip(ends, rows, strict=True)]
    lists = (operator.start, ends, range(len(rows)), operator.step)
    return onnx_results("Slice", (x, *(np.array(each, np.int64) for each in lists)))


def onnx_pad(operator: Pad, x: Array):
    """Pad of ONNX where nothing is cropped."""
    lows, highs = [p[0] for p in operator.pairs], [p[1] for p in operator.pairs]
    if not operator.pairs or min(lows + highs) < 0:
        return None
    pads, value = np.array(lows + highs, np.int64), np.array(operator.value, x.dtype)
    return onnx_results("Pad", (x, pads, value), mode="constant")


def onnx_pad_edge(operator: PadEdge, x: Array):
    """Pad of ONNX in its mode "edge"."""
    if not operator.pairs or not x.size:
        return None
    pads = np.array([pair[end] for end in (0, 1) for pair in operator.pairs], np.int64)
    return onnx_results("Pad", (x, pads), mode="edge")


def onnx_concat(operator: Concatenate, *x: Array):
    """Concat of ONNX."""
    return onnx_results("Concat", x, axis=operator.axis)


def onnx_transpose(operator: Transpose, x: Array):
    """Transpose of ONNX."""
    if not operator.order:
        return None
    return onnx_results("Transpose", (x,), perm=list(operator.order))


def onnx_reshape(operator: Reshape, x: Array):
    """Reshape of ONNX."""
    return onnx_results("Reshape", (x, np.array(operator.to, np.int64)), allowzero=1)


X = ("x",)

RECORDS = (
    Record(
        Reshape,
        draw_reshape,
        brute_reshape,
        linear=(X,),
        outsiders=(onnx_reshape,),
        refusals=(
            refusal(r"\(2, 3\) holds 6 values, \(4,\) 4", lambda: Reshape((4,)), (2, 3)),
            refusal(r"\(2, 3\) holds 6 values", lambda: Reshape((-2, -3)), (2, 3)),
        ),
    ),
    Record(
        Transpose,
        draw_transpose,
        brute_transpose,
        linear=(X,),
        outsiders=(onnx_transpose,),
        refusals=(
            refusal(r"\(0, 0\) is not an order of the 2 axes", lambda: Transpose((0, 0)), (2, 3)),
            refusal(r"\(1, 0\) is not an order of the 3", lambda: Transpose((1, 0)), (2, 3, 4)),
        ),
    ),
    Record(
        Slice,
        draw_slice,
        brute_slice,
        linear=(X,),
        outsiders=(onnx_slice,),
        refusals=(
            refusal("the slice has 1 axes", lambda: Slice((0,), (1,), (1,)), (2, 3)),
            refusal(r"is outside \(3,\)", lambda: Slice((1,), (1,), (3,)), (3,)),
            refusal(r"is outside \(3,\)", lambda: Slice((1,), (-1,), (3,)), (3,)),
            refusal(r"is outside \(3,\)", lambda: Slice((0,), (0,), (1,)), (3,)),
        ),
    ),
    Record(
        Unslice,
        draw_unslice,
        brute_unslice,
        linear=(X,),
        refusals=(
            refusal(r"\(2,\) is expected", lambda: Unslice((0,), (1,), (2,), (4,)), (3,)),
            refusal(r"is outside \(4,\)", lambda: Unslice((3,), (1,), (2,), (4,)), (2,)),
        ),
    ),
    Record(
        Pad,
        draw_pad,
        brute_pad,
        outsiders=(onnx_pad,),
        refusals=(
            refusal("padding has 1 pairs", lambda: Pad(((1, 1),)), (2, 3)),
            refusal(r"more than there is of \(3,\)", lambda: Pad(((-2, -2),)), (3,)),
        ),
    ),
    Record(
        PadEdge,
        draw_pad_edge,
        brute_pad_edge,
        linear=(X,),
        outsiders=(onnx_pad_edge,),
        refusals=(
            refusal("padding has 1 pairs", lambda: PadEdge(((1, 1),)), (2, 3)),
            refusal("cannot be repeated", lambda: PadEdge(((-1, 2),)), (3,)),
            refusal(r"edges of \(0,\) cannot", lambda: PadEdge(((1, 0),)), (0,)),
        ),
    ),
    Record(
        Concatenate,
        draw_concatenate,
        brute_concatenate,
        linear=(("*",),),
        outsiders=(onnx_concat,),
        refusals=(
            refusal("Concatenate takes 2 arrays, got 1", lambda: Concatenate(0, 2), (2,)),
            refusal("Concatenate takes 0 arrays", lambda: Concatenate(0, 0)),
            refusal("do not concatenate along axis 0", lambda: Concatenate(0, 2), (2, 3), (2, 4)),
            refusal("do not concatenate along axis 2", lambda: Concatenate(2, 2), (2, 3), (2, 3)),
            refusal("do not concatenate", lambda: Concatenate(0, 2), (2,), Spec((2,), "float64")),
            refusal("do not concatenate", lambda: Concatenate(0, 2), (2,), (2, 2)),
        ),
    ),
    Record(
        Convert,
        draw_convert,
        brute_convert,
        linear=(X,),
        differences=False,
        refusals=(
            refusal("float32 to int8", lambda: Convert("int8"), (2,)),
            refusal("not int64 to float32", lambda: Convert("float32"), Spec((2,), "int64")),
        ),
    ),
)

FUNCTIONS = (
    Function("pad", torch="x pad mode='constant' value=0.0", given=lambda n: (IMAGES[1], (1, 1))),
    Function("concatenate", given=lambda n: ([IMAGES[1]],)),
    Function("flatten"),
    Function("pixel_shuffle", torch="x upscale_factor", given=lambda n: (np.ones((4, 2, 3)), 2)),
    Function(
        "pixel_unshuffle", torch="x downscale_factor", given=lambda n: (np.ones((1, 2, 4)), 2)
    ),
    Function("channel_shuffle", torch="x groups", given=lambda n: (IMAGES[1], 2)),
    Function(
        "unfold",
        torch="x kernel_size dilation=1 padding=0 stride=1",
        given=lambda n: (IMAGES[2], 2),
    ),
    Function(
        "fold",
        torch="x output_size kernel_size dilation=1 padding=0 stride=1",
        given=lambda n: (np.ones((2, 4, 9)), 4, 2),
    ),
)
