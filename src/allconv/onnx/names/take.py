"""Cells by their numbers: Gather and Scatter in their forms, Tile, Trilu, OneHot, CumSum.

Numbers that are known are looked at while the network is recorded. What is written into an array is
taken, like the rest of it, from the array and the updates laid one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.move import concatenated, part, taken
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.base import Array
from allconv.operators.pointwise import Select
from allconv.operators.repeated import tiled, triangle
from allconv.operators.take import AddAt, RunningSum, Take
from allconv.value import Value


def read_gather(call: NodeCall) -> Any:
    """Cells of an axis; the shape of their numbers stands in its place."""
    x, given = call.cells(0), call.operand(1)
    if not x.ndim:
        raise call.wrong("data is one number, which has no axis")
    axis = call.axis(call.integer("axis"), x.ndim)
    if isinstance(given, Value) and given.dtype != "int64":
        raise call.unsupported(f"input 1 is {given.dtype} computed from the data")
    index = given if isinstance(given, Value) else _inside(call, call.known(1), x.shape[axis])
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    call.check_moved(shape)
    flat = index.reshape((prod(index.shape),))
    if isinstance(flat, Value):
        return apply(Take(axis), x, flat).reshape(shape)
    return taken(call, x, axis, flat).reshape(shape)


def _inside(call: NodeCall, index: Array, size: int) -> Array:
    """Numbers of cells, counted from the front."""
    if index.dtype.kind not in "iu":
        raise call.wrong(f"indices are {index.dtype.name}; whole numbers are expected")
    if index.size and not -size <= int(index.min()) <= int(index.max()) < size:
        raise call.wrong(f"an index is outside an axis of {size}")
    call.check_constants(index.shape)
    counted = index.astype(np.int64)
    return np.where(counted < 0, counted + size, counted)


def read_gather_elements(call: NodeCall) -> Any:
    """Of every row along an axis the cells that are numbered for that row."""
    x, index = call.cells(0), call.known(1)
    flat = _flat(call, x.shape, index)
    call.check_moved(index.shape)
    return taken(call, x.reshape((x.size,)), 0, flat.reshape(-1)).reshape(index.shape)


def _flat(call: NodeCall, shape: Sequence[int], index: Array) -> Array:
    """Numbers along `axis` as numbers of the cells of the whole array."""
    axis = call.axis(call.integer("axis"), len(shape))
    if index.ndim != len(shape):
        raise call.wrong(
            f"indices are {index.shape}, data {tuple(shape)}; as many axes are expected"
        )
    pairs = enumerate(zip(index.shape, shape, strict=True))
    if any(n > m for a, (n, m) in pairs if a != axis):
        raise call.wrong(f"indices {index.shape} reach outside of {tuple(shape)}")
    places: list[Any] = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    places[axis] = _inside(call, index, shape[axis])
    flat = np.zeros(index.shape, np.int64)
    for n, place in zip(shape, places, strict=True):
        flat = flat * n + place
    return flat


def read_gather_nd(call: NodeCall) -> Any:
    """Parts of an array, each named by the numbers of its first axes."""
    x, index = call.cells(0), call.known(1)
    batch = call.integer("batch_dims", 0)
    if not index.ndim or not 0 <= batch < min(index.ndim, x.ndim + 1):
        raise call.wrong(
            f"batch_dims is {batch}, indices are {index.shape}, data {x.shape}: "
            "they do not fit together"
        )
    if index.shape[:batch] != x.shape[:batch]:
        raise call.wrong(
            f"indices are {index.shape}, data {x.shape}; the first {batch} sizes must be equal"
        )
    rows, named = _rows(call, x.shape, index, batch)
    result = (*index.shape[:-1], *x.shape[named:])
    call.check_moved(result)
    parts = x.reshape((prod(x.shape[:named]), prod(x.shape[named:])))
    return taken(call, parts, 0, rows.reshape(-1)).reshape(result)


def _rows(call: NodeCall, shape: Sequence[int], index: Array, batch: int = 0) -> tuple[Array, int]:
    """The number of the part that each tuple of indices names, and how many axes they name."""
    named = batch + index.shape[-1]
    if named > len(shape):
        raise call.wrong(f"indices {index.shape} name {named} axes; data is {tuple(shape)}")
    places: list[Any] = [
        np.arange(n).reshape([-1 if a == axis else 1 for a in range(index.ndim - 1)])
        for axis, n in enumerate(shape[:batch])
    ]
    named_axes = enumerate(shape[batch:named])
    places.extend(_inside(call, index[..., axis], n) for axis, n in named_axes)
    rows = np.zeros(index.shape[:-1], np.int64)
    for n, place in zip(shape[:named], places, strict=True):
        rows = rows * n + place
    return rows, named


def read_scatter_elements(call: NodeCall) -> Any:
    """An array in which the cells numbered for each row are others."""
    x, index, updates = call.cells(0), call.known(1), call.cells(2)
    if updates.shape != index.shape:
        raise call.wrong(
            f"updates are {updates.shape}; {index.shape}, the shape of indices, is expected"
        )
    flat = _flat(call, x.shape, index).reshape(-1)
    cells, new = x.reshape((x.size,)), updates.reshape((updates.size,))
    return _scattered(call, cells, flat, new).reshape(x.shape)


def read_scatter_nd(call: NodeCall) -> Any:
    """An array in which parts, named by their first axes, are others."""
    x, index, updates = call.cells(0), call.known(1), call.cells(2)
    if not index.ndim:
        raise call.wrong("indices are one number; (..., axes) is expected")
    rows, named = _rows(call, x.shape, index)
    if updates.shape != (*index.shape[:-1], *x.shape[named:]):
        raise call.wrong(f"updates are {updates.shape}, indices {index.shape}, data {x.shape}")
    inner = prod(x.shape[named:])
    parts, new = x.reshape((prod(x.shape[:named]), inner)), updates.reshape((rows.size, inner))
    return _scattered(call, parts, rows.reshape(-1), new).reshape(x.shape)


def _scattered(call: NodeCall, x: Any, index: Array, updates: Any) -> Any:
    """Rows replaced (of several for a row the last counts) or joined with what is there."""
    reduction = call.choice("reduction", ("none", *_JOINED), "none")
    if not len(index):
        return x
    if call.is_known:
        call.check_constants((x.size + updates.size,))
        if x.dtype != updates.dtype:
            raise call.wrong(f"updates are {updates.dtype}, the array is {x.dtype}")
    if reduction != "none":
        return _joined(call, x, index, updates, reduction)
    call.check_constants((x.shape[0],))
    source = np.arange(x.shape[0] + len(index))
    rows, new = np.split(source, [x.shape[0]])
    np.maximum.at(rows, index, new)
    return taken(call, concatenated([x, updates], 0), 0, rows)


_JOINED: dict[str, tuple[np.ufunc, float]] = {
    "add": (np.add, 0.0),
    "max": (np.maximum, -np.inf),
    "min": (np.minimum, np.inf),
    "mul": (np.multiply, 1.0),
}
"""How updates join what is there, and the number that changes nothing."""

MOST_UPDATES = 64
"""The updates of one row that are joined one after the other."""


def _joined(call: NodeCall, x: Any, index: Array, updates: Any, reduction: str) -> Any:
    """Rows joined with their updates: the first of each row, then the second, and so on."""
    join, neutral = _JOINED[reduction]
    if call.is_known:
        made = x.copy()
        join.at(made, index, updates)
        return made
    if reduction == "add":
        return x + apply(AddAt(0, x.shape[0]), updates, call.lift(index))
    rows = index.tolist()
    turns: list[int] = []
    met: dict[int, int] = {}
    for row in rows:
        turns.append(met.get(row, 0))
        met[row] = turns[-1] + 1
    if max(turns) >= MOST_UPDATES:
        raise call.too_large(
            f"{max(turns) + 1:,} updates of one row; at most {MOST_UPDATES} are supported"
        )
    call.check_constants((x.shape[0], max(turns) + 1))
    given = concatenated(
        [updates, call.lift(np.full((1, *updates.shape[1:]), neutral, x.dtype))], 0
    )
    for turn in range(max(turns) + 1):
        source = np.full(x.shape[0], len(rows))
        for number, row in enumerate(rows):
            if turns[number] == turn:
                source[row] = number
        x = join(x, apply(Take(0), given, call.lift(source)))
    return x


def read_tile(call: NodeCall) -> Any:
    """An array repeated along its axes."""
    x, times = call.cells(0), call.known_integers(1)
    if len(times) != x.ndim or min(times, default=0) < 0:
        raise call.wrong(
            f"repeats are {times}; a number of at least 0 for each axis of {x.shape} is expected"
        )
    call.check_moved(tuple(n * k for n, k in zip(x.shape, times, strict=True)))
    return np.tile(x, times) if call.is_known else tiled(apply, x, times)


def read_trilu(call: NodeCall) -> Any:
    """The cells on and above (or below) a diagonal of each matrix, zeros elsewhere."""
    x = call.cells(0)
    if x.ndim < 2:  # a matrix
        raise call.wrong(f"its input is {x.shape}; (..., rows, columns) is expected")
    given = call.known_integers(1) if call.has(1) else (0,)
    if len(given) != 1:
        raise call.wrong(f"k is {given}, not one number")
    upper = call.flag("upper", 1)
    call.check_constants(x.shape if call.is_known else x.shape[-2:])
    if call.is_known:
        k = max(min(given[0], x.shape[-1]), -x.shape[-2])
        return np.triu(x, k) if upper else np.tril(x, k)
    return triangle(apply, x, given[0], upper=upper)


def read_one_hot(call: NodeCall) -> Any:
    """A new axis, on which one cell has another value."""
    index, values = call.known(0), call.cells(2)
    given = call.known(1).reshape(-1)
    if len(given) != 1 or given[0] != (depth := int(given[0])) or depth < 1:
        raise call.wrong("depth is not one whole number above 0")
    if index.dtype.kind not in "iuf" or values.shape != (2,):  # off and on
        raise call.wrong(f"indices are {index.dtype.name}, values {values.shape}")
    axis = call.axis(call.integer("axis"), index.ndim + 1)
    shape = (*index.shape[:axis], depth, *index.shape[axis:])
    if not call.is_known:
        call.check_shape(shape)
    call.check_constants(shape)
    if index.dtype.kind == "f":
        index = np.trunc(index)  # the format casts them to whole numbers
    cells = np.expand_dims(np.where(index < 0, index + depth, index), axis)
    numbers = np.arange(depth).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    on = cells == numbers
    off_value, on_value = (part(values, 0, range(n, n + 1)).reshape(()) for n in range(2))
    if call.is_known:
        return np.where(on, on_value, off_value)
    return apply(Select(), call.lift(on.astype(values.dtype)), on_value, off_value)


def read_cum_sum(call: NodeCall) -> Any:
    """Sums of all cells up to each; without itself (`exclusive`), or from the end (`reverse`)."""
    x = call.cells(0)
    axis = call.known_axis(1, x.ndim)
    exclusive, reverse = call.flag("exclusive"), call.flag("reverse")
    if not call.is_known:
        return apply(RunningSum(axis, exclusive, reverse), x)
    call.check_constants(x.shape)
    cells = np.flip(x, axis) if reverse else x
    sums = np.cumsum(cells, axis, dtype=x.dtype)
    sums = sums - cells if exclusive else sums
    return np.ascontiguousarray(np.flip(sums, axis) if reverse else sums)


def write_take(writer: Writer, written: NodeToWrite) -> None:
    """Gather."""
    operator: Take = written.operator
    if operator.zeros:
        raise writer.unsupported(written, "it is a derivative; write the network itself")
    writer.node(written, "Gather", written.inputs, axis=operator.axis)


def write_add_at(writer: Writer, written: NodeToWrite) -> None:
    """ScatterND into zeros."""
    operator: AddAt = written.operator
    if operator.axis or None in written.result:
        raise writer.unsupported(
            written, "cells added at numbers along another axis than the first, or in a batch"
        )
    (y,), (x, index) = written.outputs, written.inputs
    shape = writer.integers([n or 0 for n in written.result])
    value = np.zeros(1, written.dtype)
    zeros = writer.step(f"{y}/zeros", "ConstantOfShape", shape, value=value)
    numbers = writer.step(f"{y}/numbers", "Unsqueeze", index, writer.integers([1]))
    writer.node(written, "ScatterND", [zeros, numbers, x], reduction="add")


def write_running_sum(writer: Writer, written: NodeToWrite) -> None:
    """CumSum."""
    operator: RunningSum = written.operator
    axis = writer.constant(f"{written.outputs[0]}/axis", np.array(operator.axis, np.int64))
    settings = {"exclusive": int(operator.exclusive), "reverse": int(operator.reverse)}
    writer.node(written, "CumSum", [*written.inputs, axis], **settings)


READERS = {
    "CumSum": NodeRule(read_cum_sum, settings=(1,), folds=True),
    "Gather": NodeRule(read_gather, settings=(1,), folds=True),
    "GatherElements": NodeRule(read_gather_elements, settings=(1,), folds=True),
    "GatherND": NodeRule(read_gather_nd, settings=(1,), folds=True),
    "OneHot": NodeRule(read_one_hot, settings=(0, 1), folds=True),
    "Scatter": NodeRule(read_scatter_elements, settings=(1,)),
    "ScatterElements": NodeRule(read_scatter_elements, settings=(1,), folds=True),
    "ScatterND": NodeRule(read_scatter_nd, settings=(1,), folds=True),
    "Tile": NodeRule(read_tile, settings=(1,), folds=True),
    "Trilu": NodeRule(read_trilu, settings=(1,), folds=True),
}
WRITERS = {AddAt: write_add_at, RunningSum: write_running_sum, Take: write_take}
