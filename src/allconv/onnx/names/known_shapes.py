"""Nodes that move known values: parts, repetitions, cells by index, ranges. See `known`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from allconv.functional.border import check_border
from allconv.intake.limits import MOST_AXES
from allconv.onnx.names import arrange
from allconv.onnx.names.call import Call
from allconv.onnx.names.known import Fold
from allconv.onnx.names.reduce import broadcast_shapes
from allconv.operators.base import Array


def _cells(call: Call, given: Array, n: int) -> Array:
    """Indices into an axis of n, counted from the front; any outside is refused."""
    if given.dtype.kind not in "iu":
        raise call.wrong(f"indices are {given.dtype.name}")
    if given.size and not (-n <= int(given.min()) and int(given.max()) < n):
        raise call.wrong(f"an index is outside an axis of {n}")
    return np.where(given < 0, given + n, given).astype(np.int64)


def _gather(call: Call) -> Array:
    data, cells = call.known(0), call.known(1)
    if not data.ndim:
        raise call.wrong("a number has no axis")
    axis = call.axis(call.integer("axis"), data.ndim)
    call.check_constants((*data.shape[:axis], *cells.shape, *data.shape[axis + 1 :]))
    return np.take(data, _cells(call, cells, data.shape[axis]), axis)


def _gather_elements(call: Call) -> Array:
    data, cells = call.known(0), call.known(1)
    axis = call.axis(call.integer("axis"), data.ndim)
    fits = cells.ndim == data.ndim and all(
        m <= n for a, (m, n) in enumerate(zip(cells.shape, data.shape, strict=True)) if a != axis
    )
    if not fits:
        raise call.wrong(f"cells {cells.shape} of {data.shape}")
    call.check_constants(cells.shape)
    part = data[tuple(slice(n if a != axis else None) for a, n in enumerate(cells.shape))]
    return np.take_along_axis(part, _cells(call, cells, data.shape[axis]), axis)


def _many(call: Call, data: Array, cells: Array, batch: int = 0) -> tuple[Array, ...]:
    """The index along each axis of cells (..., K), which name K axes after the first `batch`."""
    count = cells.shape[-1] if cells.ndim else 0
    if not count or batch + count > data.ndim:
        raise call.wrong(f"indices {cells.shape} of {data.shape}")
    rows = [_cells(call, cells[..., n], data.shape[batch + n]) for n in range(count)]
    return tuple(rows)


def _gather_nd(call: Call) -> Array:
    data, cells, batch = call.known(0), call.known(1), call.integer("batch_dims", 0)
    if not 0 <= batch < min(data.ndim, cells.ndim) or data.shape[:batch] != cells.shape[:batch]:
        raise call.wrong(f"batch_dims {batch} of {data.shape} and {cells.shape}")
    rows = _many(call, data, cells, batch)
    rest = data.shape[batch + len(rows) :]
    call.check_constants((*cells.shape[:-1], *rest))
    lead = np.ix_(*(np.arange(n) for n in data.shape[:batch])) if batch else ()
    axes = cells.ndim - 1 - batch
    lead = tuple(each.reshape(each.shape + (1,) * axes) for each in lead)
    return np.asarray(data[(*lead, *rows)])


def _written(call: Call, result: Array, place: Any, updates: Array) -> Array:
    """A copy with numbers put, added ... at places; a place named twice is refused for "none"."""
    how = call.text("reduction", "none")
    join = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}.get(how)
    if result.dtype != updates.dtype or (join is None and how != "none"):
        raise call.wrong(f"{result.dtype.name}, {updates.dtype.name}, reduction {how}")
    if join is None:
        result[place] = updates
    else:
        join.at(result, place, updates)
    return result


def _scatter_nd(call: Call) -> Array:
    data, cells, updates = (call.known(n) for n in range(3))
    rows = _many(call, data, cells)
    if updates.shape != (*cells.shape[:-1], *data.shape[len(rows) :]):
        raise call.wrong(f"updates {updates.shape} for indices {cells.shape} of {data.shape}")
    call.check_constants(data.shape)
    return _written(call, data.copy(), rows, updates)


def _scatter_elements(call: Call) -> Array:
    data, cells, updates = (call.known(n) for n in range(3))
    axis = call.axis(call.integer("axis"), data.ndim)
    fits = cells.shape == updates.shape and cells.ndim == data.ndim
    if not fits or any(m > n for m, n in zip(cells.shape, data.shape, strict=True)):
        raise call.wrong(f"cells {cells.shape} and updates {updates.shape} of {data.shape}")
    call.check_constants(data.shape)
    place: list[Array] = list(np.indices(cells.shape, sparse=True))
    place[axis] = _cells(call, cells, data.shape[axis])
    return _written(call, data.copy(), tuple(place), updates)


def _concat(call: Call) -> Array:
    arrays = [call.known(n) for n in range(len(call))]
    axis = call.axis(call.integer("axis"), arrays[0].ndim)
    ranks = {each.ndim for each in arrays}
    rest = {(*each.shape[:axis], *each.shape[axis + 1 :]) for each in arrays}
    if len(ranks) > 1 or len(rest) > 1 or len({each.dtype for each in arrays}) > 1:
        raise call.wrong("arrays that do not fit together")
    call.check_constants((sum(each.size for each in arrays),))
    return np.concatenate(arrays, axis)


def _slice(call: Call) -> Array:
    data = call.known(0)
    rows = arrange.slices(call, data.shape)
    call.check_constants([len(row) for row in rows])
    return data[np.ix_(*map(list, rows))] if data.ndim else data


def _split(call: Call) -> tuple[Array, ...]:
    data = call.known(0)
    axis, sizes = arrange.parts(call, data.shape)
    ends = np.cumsum((0, *sizes))
    where = (slice(None),) * axis
    return tuple(data[(*where, slice(int(a), int(b)))] for a, b in pairwise(ends))


def _squeeze(call: Call) -> Array:
    data = call.known(0)
    return data.reshape(arrange.squeezed(call, data.shape))


def _unsqueeze(call: Call) -> Array:
    data = call.known(0)
    return data.reshape(arrange.unsqueezed(call, data.shape))


def _reshape(call: Call) -> Array:
    data = call.known(0)
    shape = arrange.reshaped(call, data.shape)
    call.check_constants(shape)
    return data.reshape(shape)


def _flatten(call: Call) -> Array:
    data, axis = call.known(0), call.integer("axis")
    axis = axis if axis == data.ndim else call.axis(axis, data.ndim)
    call.check_constants(data.shape)
    return data.reshape(prod(data.shape[:axis]), prod(data.shape[axis:]))


def _transpose(call: Call) -> Array:
    data = call.known(0)
    order = call.integers("perm", tuple(reversed(range(data.ndim))))
    if sorted(order) != list(range(data.ndim)):
        raise call.wrong(f"perm {order} of {data.ndim} axes")
    call.check_constants(data.shape)
    return np.ascontiguousarray(data.transpose(order)).reshape([data.shape[a] for a in order])


def _expand(call: Call) -> Array:
    data = call.known(0)
    shape = broadcast_shapes(call, data.shape, call.known_integers(1))
    call.check_constants(shape)
    return np.broadcast_to(data, shape)


def _tile(call: Call) -> Array:
    data, repeats = call.known(0), call.known_integers(1)
    if len(repeats) != data.ndim or min(repeats, default=0) < 0:
        raise call.wrong(f"repeats {repeats} of {data.ndim} axes")
    call.check_constants([n * m for n, m in zip(data.shape, repeats, strict=True)])
    return np.tile(data, repeats)


def _range(call: Call) -> Array:
    values = [call.known(n) for n in range(3)]
    if any(each.size != 1 for each in values) or len({each.dtype for each in values}) > 1:
        raise call.wrong("start, limit and delta are not one number of one dtype each")
    start, limit, step = (each.reshape(()).item() for each in values)
    if not step or not np.isfinite([start, limit, step]).all():
        raise call.wrong("a step of 0, or numbers that are not finite")
    length = (limit - start) / step if values[0].dtype.kind == "f" else -((start - limit) // step)
    count = max(int(np.ceil(min(length, 2.0**53))), 0)
    call.check_constants((count,))
    if values[0].dtype.kind == "f":
        return np.asarray(start + step * np.arange(count), values[0].dtype)
    return np.array(range(start, start + count * step, step), values[0].dtype)


def _top(call: Call) -> tuple[Array, Array]:
    """The largest or least numbers of an axis, in order, and where they are; the first of equals
    comes first."""
    data, count = call.known(0), call.known(1)
    axis = call.axis(call.integer("axis", -1), data.ndim)
    largest, n = call.flag("largest", 1), data.shape[axis]
    call.flag("sorted", 1)  # in order they are right either way
    if count.size != 1 or not 0 <= int(count.reshape(-1)[0]) <= n:
        raise call.wrong(f"the first {count.tolist()} of {n}")
    call.check_constants(data.shape)
    turned = np.flip(data, axis) if largest else data
    order = np.argsort(turned, axis, kind="stable")
    order = n - 1 - np.flip(order, axis) if largest else order
    order = np.take(order, np.arange(int(count.reshape(-1)[0])), axis).astype(np.int64)
    return np.take_along_axis(data, order, axis), order


def _non_zero(call: Call) -> Array:
    data = call.known(0)
    call.check_constants((max(data.ndim, 1), data.size))
    return np.array(np.nonzero(np.atleast_1d(data)), np.int64)


def _one_hot(call: Call) -> Array:
    cells, values = call.known(0), call.known(2)
    depth = call.known(1)
    if cells.dtype.kind == "f":
        cells = np.trunc(cells)  # the format casts them to whole numbers
    if depth.size != 1 or values.shape != (2,) or cells.ndim >= MOST_AXES:
        raise call.wrong("depth is not one number, or values are not two")
    n = int(depth.reshape(()).item())
    axis = call.axis(call.integer("axis"), cells.ndim + 1)
    if n < 1:
        raise call.wrong(f"depth is {n}")
    call.check_constants((*cells.shape[:axis], n, *cells.shape[axis:]))
    known = np.where(cells < 0, cells + n, cells)  # outside of the depth it is none
    row = np.arange(n).reshape((n,) + (1,) * (cells.ndim - axis))
    hot = np.expand_dims(known, axis) == row
    return np.asarray(np.where(hot, values[1], values[0]))


def _triangle(call: Call) -> Array:
    data = call.known(0)
    k = call.known(1).reshape(-1)[0].item() if call.has(1) and call.known(1).size == 1 else 0
    if data.ndim < 2:
        raise call.wrong(f"of {data.shape}")
    call.check_constants(data.shape)
    k = max(min(int(k), data.shape[-1]), -data.shape[-2])
    return np.asarray(np.triu(data, k) if call.flag("upper", 1) else np.tril(data, k))


def _pad(call: Call) -> Array:
    data = call.known(0)
    pads = call.known_integers(1) if call.has(1) else call.integers("pads")
    axes: Sequence[int] = range(data.ndim)
    axes = call.axes(call.known_integers(3), data.ndim) if call.has(3) else axes
    mode = call.text("mode")
    if mode not in ("constant", *arrange.BORDERS) or len(pads) != 2 * len(axes):
        raise call.wrong(f"mode {mode}, pads {pads} of {len(axes)} axes")
    if min(pads, default=0) < 0:
        raise call.unsupported("of known integers by less than 0")
    pairs = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True))
    whole = [pairs.get(axis, (0, 0)) for axis in range(data.ndim)]
    call.check_constants([n + sum(pair) for n, pair in zip(data.shape, whole, strict=True)])
    if mode != "constant":
        check_border(data.shape, whole, arrange.BORDERS[mode])
        return np.asarray(np.pad(data, whole, mode))  # type: ignore[call-overload]  # names match
    value = call.known(2).reshape(-1)[0] if call.has(2) else 0
    return np.asarray(np.pad(data, whole, constant_values=value)) if data.ndim else data


MOVES: dict[str, Fold] = {
    "Concat": _concat,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "NonZero": _non_zero,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "TopK": _top,
    "Transpose": _transpose,
    "Trilu": _triangle,
    "Unsqueeze": _unsqueeze,
}
"""How nodes that move known values are computed, by the name of the operator."""
