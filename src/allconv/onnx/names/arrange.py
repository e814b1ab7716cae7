"""Operators that only move values: Reshape, Transpose, Concat, Pad, Slice ..."""

from __future__ import annotations

from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from allconv.functional.border import Pairs, bordered, check_border
from allconv.intake.limits import MOST_AXES
from allconv.onnx.names import since
from allconv.onnx.names.call import Bytes, Condition, NodeCall, NodeRule, Several
from allconv.onnx.names.move import concatenated, moved, part, sliced
from allconv.onnx.names.writer import NodeToWrite, Writer, spelt
from allconv.operators.arrange import Concatenate, Pad, PadEdge, Reshape, Slice, Transpose

_LARGE = 2**31
BORDERS = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def read_reshape(call: NodeCall) -> Any:
    """The same values under another shape: -1 is the rest; 0 keeps a size unless `allowzero`."""
    x, given = call.cells(0), call.known_integers(1)
    keeps = not call.flag("allowzero")
    if len(given) > MOST_AXES:
        raise call.too_large(f"{len(given)} axes; at most {MOST_AXES} are supported")
    kept = [a for a, n in enumerate(given) if n == 0 and keeps]
    if kept and kept[-1] >= x.ndim:
        raise call.wrong(f"shape {given} keeps a size of axis {kept[-1]}; the input is {x.shape}")
    if given.count(-1) > 1 or any(n < -1 for n in given) or (not keeps and {0, -1} <= set(given)):
        raise call.wrong(f"{given} is not a shape")
    sizes = [x.shape[a] if a in kept else n for a, n in enumerate(given)]
    if -1 in sizes:  # from the sizes that are not kept, so that none of those may be 0
        rest = prod(n for a, n in enumerate(x.shape) if a not in kept)
        known = prod(n for n in given if n > 0)
        sizes[sizes.index(-1)] = rest // known
    if prod(sizes) != prod(x.shape):
        raise call.wrong(f"{prod(x.shape)} values do not fit the shape {given}")
    return x.reshape(tuple(sizes))


def read_flatten(call: NodeCall) -> Any:
    """Two axes: those before `axis` as one, those from it on as one."""
    x = call.cells(0)
    axis = call.integer("axis")
    axis = axis if axis == x.ndim else call.axis(axis, x.ndim)
    return x.reshape((prod(x.shape[:axis]), prod(x.shape[axis:])))


def read_transpose(call: NodeCall) -> Any:
    """The axes in another order, reversed unless one is given."""
    x = call.cells(0)
    call.check_moved(x.shape)
    perm = call.integers("perm", tuple(reversed(range(x.ndim))))
    order = [a + x.ndim if a < 0 else a for a in perm]
    if sorted(order) != list(range(x.ndim)):
        raise call.wrong(f"perm is {perm}; each of {x.ndim} axes is expected once")
    return x.transpose(*order)


def read_squeeze(call: NodeCall) -> Any:
    """Without some axes of size 1 (all when none is named)."""
    x = call.cells(0)
    axes: tuple[int, ...] = tuple(a for a, n in enumerate(x.shape) if n == 1)
    if call.has(1) or call.given("axes"):
        axes = call.axes(call.listed(1, "axes"), x.ndim)
        if not axes:
            raise call.unsupported("axes are given and empty, which runtimes read in two ways")
    if any(x.shape[a] != 1 for a in axes):
        raise call.wrong(f"axes {axes} of {x.shape} are not all of size 1")
    return x.reshape(tuple(n for a, n in enumerate(x.shape) if a not in axes))


def read_unsqueeze(call: NodeCall) -> Any:
    """With more axes of size 1; they are counted in the result."""
    x, given = call.cells(0), call.listed(1, "axes")
    rank = x.ndim + len(given)
    if rank > MOST_AXES:
        raise call.too_large(f"{rank} axes; at most {MOST_AXES} are supported")
    axes = call.axes(given, rank)
    sizes = iter(x.shape)
    return x.reshape(tuple(1 if a in axes else next(sizes) for a in range(rank)))


def read_concat(call: NodeCall) -> Any:
    """Arrays one after the other."""
    values = [call.cells(number) for number in range(len(call))]
    axis = call.axis(call.integer("axis"), values[0].ndim)
    if call.is_known:
        call.check_constants((sum(each.size for each in values),))
    return concatenated(values, axis)


def read_split(call: NodeCall) -> tuple[Any, ...]:
    """Parts along an axis: of sizes that are given, or equal (the last may be smaller)."""
    x = call.cells(0)
    axis = call.axis(call.integer("axis"), x.ndim)
    cells, count = x.shape[axis], len(call.node.outputs)
    sizes = call.listed(1, "split", ())
    if call.integer("num_outputs", count) != count or (sizes and call.given("num_outputs")):
        raise call.wrong("num_outputs is not the number of outputs, or split is given, too")
    if not sizes:
        each, rest = -(-cells // count), cells % count
        if rest and call.version < since.UNEVEN:
            raise call.wrong(f"the {cells} cells of axis {axis} make no {count} equal parts")
        sizes = (*(each,) * (count - 1), cells - each * (count - 1))
    if len(sizes) != count or sum(sizes) != cells or min(sizes) < 0:
        raise call.wrong(f"parts of {sizes} do not make the {cells} cells of axis {axis}")
    ends = accumulate(sizes)
    return tuple(part(x, axis, range(end - n, end)) for end, n in zip(ends, sizes, strict=True))


def read_slice(call: NodeCall) -> Any:
    """x[start:end:step] along some axes; attributes say which or, since 10, inputs."""
    x = call.cells(0)
    starts, ends = call.listed(1, "starts"), call.listed(2, "ends")
    every = tuple(range(len(starts)))
    axes = call.axes(call.listed(3, "axes", every[: x.ndim]), x.ndim)
    steps = call.known_integers(4) if call.has(4) else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise call.wrong("starts, ends, axes and steps do not fit together")
    rows = [range(n) for n in x.shape]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        rows[axis] = _cells(x.shape[axis], start, end, step)
    call.check_moved(tuple(map(len, rows)))
    return sliced(x, rows)


def _cells(n: int, start: int, end: int, step: int) -> range:
    """The cells of a slice; backwards, a start before the first cell is the first, not as in
    Python one before it."""
    if n == 0:
        return range(0)
    start, end = (each + n if each < 0 else each for each in (start, end))
    if step > 0:
        return range(min(max(start, 0), n), min(max(end, 0), n), step)
    return range(min(max(start, 0), n - 1), min(max(end, -1), n - 1), step)


def read_pad(call: NodeCall) -> Any:
    """A constant around an array, or the array continued; negative numbers crop."""
    x = call.cells(0)
    mode = call.choice("mode", ("constant", *BORDERS))
    pads = call.listed(1, "pads")
    axes = call.axes(call.known_integers(3), x.ndim) if call.has(3) else tuple(range(x.ndim))
    if len(pads) != 2 * len(axes):
        raise call.wrong(f"pads {pads} are not two for each of {len(axes)} axes")
    pairs = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True))
    whole = tuple(pairs.get(axis, (0, 0)) for axis in range(x.ndim))
    value: Any = call.known_number(2) if call.has(2) else call.number("value", 0.0)
    if call.is_known:
        sizes = zip(x.shape, whole, strict=True)
        call.check_constants([max(n + sum(pair), 0) for n, pair in sizes])
        value = call.known(2).item() if call.has(2) else value  # whole numbers as they are
    if any(max(map(abs, pair)) > _LARGE for pair in whole):
        raise call.too_large(f"pads {pads}; at most {_LARGE:,} is supported")
    return moved(Pad(whole, value), x) if mode == "constant" else _continued(call, x, whole, mode)


def _continued(call: NodeCall, x: Any, pairs: Pairs, mode: str) -> Any:
    """An array cropped, then continued from what is left."""
    kept = tuple((min(low, 0), min(high, 0)) for low, high in pairs)
    more = tuple((max(low, 0), max(high, 0)) for low, high in pairs)
    call.check_shape([n + sum(pair) for n, pair in zip(x.shape, more, strict=True)])
    x = moved(Pad(kept), x) if any(map(any, kept)) else x
    check_border(x.shape, more, BORDERS[mode])
    if call.is_known:
        return np.pad(x, more, mode)  # type: ignore[call-overload]  # it has these modes
    return bordered(x, more, BORDERS[mode])


def read_identity(call: NodeCall) -> Any:
    """x, which may be a sequence of arrays."""
    given = call.operand(0)
    return given if isinstance(given, Bytes | Condition | Several) else call.cells(0)


def write_reshape(writer: Writer, written: NodeToWrite) -> None:
    """Flatten where the batch stays in front, else Reshape: 0 keeps the batch."""
    (before,), after = written.shapes, written.result
    first = (sizes[0] if sizes else 0 for sizes in written.sizes)
    alike = len(set(first)) == 1 and before[:1] == after[:1]
    if len(before) > 1 and len(after) == 2 and alike and 0 not in after:
        writer.node(written, "Flatten", written.inputs, axis=1)
        return
    free = [axis for axis, n in enumerate(after) if n is None]
    if len(free) > 1:
        raise writer.unsupported(
            written, "a shape in which several sizes follow the batch; give shape[0] a number"
        )
    empty = 0 in after
    sizes = [-1 if n is None else n for n in after]
    if free and not empty and written.keeps(free[0]):
        sizes[free[0]] = 0
    shape = writer.integers(sizes)
    writer.node(written, "Reshape", [*written.inputs, shape], allowzero=int(empty))


def write_slice(writer: Writer, written: NodeToWrite) -> None:
    """Slice, of the axes that are not taken whole."""
    operator: Slice = written.operator
    rows = zip(operator.start, operator.step, operator.count, written.shapes[0], strict=True)
    starts, ends, axes, steps = [], [], [], []
    for axis, (start, step, count, n) in enumerate(rows):
        if n is None:
            if (start, step) != (0, 1) or written.result[axis] is not None:
                raise writer.unsupported(written, "a part of the batch; give shape[0] a number")
            continue
        if (start, step, count) == (0, 1, n):
            continue
        end = start + step * count
        starts.append(start)
        ends.append(-_LARGE if end < 0 else end)
        axes.append(axis)
        steps.append(step)
    settings = [writer.integers(each) for each in (starts, ends, axes, steps)]
    writer.node(written, "Slice", [*written.inputs, *settings])


def write_pad(writer: Writer, written: NodeToWrite) -> None:
    """Pad."""
    operator: Pad = written.operator
    (y,) = written.outputs
    writer.pad(written, written.inputs[0], operator.pairs, operator.value, y=y)


def write_pad_edge(writer: Writer, written: NodeToWrite) -> None:
    """Pad that repeats the edge."""
    operator: PadEdge = written.operator
    pads = writer.integers([pair[end] for end in (0, 1) for pair in operator.pairs])
    writer.node(written, "Pad", [*written.inputs, pads], mode="edge")


READERS = {
    "Concat": NodeRule(read_concat, folds=True),
    "Flatten": NodeRule(read_flatten, folds=True),
    "Identity": NodeRule(read_identity, folds=True),
    "Pad": NodeRule(read_pad, settings=(1, 2, 3), folds=True),
    "Reshape": NodeRule(read_reshape, settings=(1,), folds=True),
    "Slice": NodeRule(read_slice, settings=(1, 2, 3, 4), folds=True),
    "Split": NodeRule(read_split, settings=(1,), folds=True),
    "Squeeze": NodeRule(read_squeeze, settings=(1,), folds=True),
    "Transpose": NodeRule(read_transpose, folds=True),
    "Unsqueeze": NodeRule(read_unsqueeze, settings=(1,), folds=True),
}
WRITERS = {
    Concatenate: spelt("Concat", axis="axis"),
    Pad: write_pad,
    PadEdge: write_pad_edge,
    Reshape: write_reshape,
    Slice: write_slice,
    Transpose: spelt("Transpose", perm="order"),
}
