"""Operators that only move values: Reshape, Transpose, Concat, Pad, Slice ..."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from allconv import functional
from allconv.functional.border import Pairs, bordered, check_border
from allconv.functional.call import apply
from allconv.intake.limits import MOST_AXES
from allconv.onnx.names.call import Bytes, Call, Condition, Name, Several
from allconv.onnx.names.writer import Writer, Written
from allconv.operators.arrange import Concatenate, Pad, PadEdge, Reshape, Slice, Transpose
from allconv.value import Value

_LARGE = 2**31
BORDERS = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}
_UNEVEN = 18  # before this operator set the parts of a Split without sizes are equal


def read_reshape(call: Call) -> Value:
    """The same values under another shape."""
    x = call.value(0)
    return x.reshape(reshaped(call, x.shape))


def reshaped(call: Call, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape that a Reshape asks for: -1 is the rest; 0 keeps a size unless `allowzero`."""
    given = call.known_integers(1)
    keeps = not call.flag("allowzero")
    if len(given) > MOST_AXES:
        raise call.too_large(f"{len(given)} axes; {MOST_AXES} are the most")
    kept = [a for a, n in enumerate(given) if n == 0 and keeps]
    if kept and kept[-1] >= len(shape):
        raise call.wrong(
            f"shape {given} keeps a size of axis {kept[-1]}; the input is {tuple(shape)}"
        )
    if given.count(-1) > 1 or any(n < -1 for n in given) or (not keeps and {0, -1} <= set(given)):
        raise call.wrong(f"{given} is not a shape")
    sizes = [shape[a] if a in kept else n for a, n in enumerate(given)]
    if -1 in sizes:  # from the sizes that are not kept, so that none of those may be 0
        rest = prod(n for a, n in enumerate(shape) if a not in kept)
        known = prod(n for a, n in enumerate(given) if n > 0)
        sizes[sizes.index(-1)] = rest // known
    if prod(sizes) != prod(shape):
        raise call.wrong(f"{prod(shape)} values do not fit the shape {given}")
    return tuple(sizes)


def read_flatten(call: Call) -> Value:
    """Two axes: those before `axis` as one, those from it on as one."""
    x = call.value(0)
    axis = call.integer("axis")
    axis = axis if axis == x.ndim else call.axis(axis, x.ndim)
    return x.reshape((prod(x.shape[:axis]), prod(x.shape[axis:])))


def read_transpose(call: Call) -> Value:
    """The axes in another order, reversed unless one is given."""
    x = call.value(0)
    return x.transpose(*call.integers("perm", tuple(reversed(range(x.ndim)))))


def read_squeeze(call: Call) -> Value:
    """Without some axes of size 1 (all when none is named)."""
    x = call.value(0)
    return x.reshape(squeezed(call, x.shape))


def squeezed(call: Call, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape that is left by a Squeeze."""
    axes: tuple[int, ...] = tuple(a for a, n in enumerate(shape) if n == 1)
    if call.has(1) or call.given("axes"):
        axes = call.axes(listed(call, 1), len(shape))
        if not axes:
            raise call.unsupported("axes are given and empty, which runtimes read in two ways")
    if any(shape[a] != 1 for a in axes):
        raise call.wrong(f"axes {axes} of {tuple(shape)} are not all of size 1")
    return tuple(n for a, n in enumerate(shape) if a not in axes)


def read_unsqueeze(call: Call) -> Value:
    """With more axes of size 1; they are counted in the result."""
    x = call.value(0)
    return x.reshape(unsqueezed(call, x.shape))


def unsqueezed(call: Call, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape that an Unsqueeze makes."""
    given = listed(call, 1)
    rank = len(shape) + len(given)
    if rank > MOST_AXES:
        raise call.too_large(f"{rank} axes; {MOST_AXES} are the most")
    axes = call.axes(given, rank)
    sizes = iter(shape)
    return tuple(1 if a in axes else next(sizes) for a in range(rank))


def listed(call: Call, number: int, name: str = "axes") -> tuple[int, ...]:
    """Whole numbers: an attribute in older operator sets, an input in newer."""
    return call.known_integers(number) if call.has(number) else call.integers(name)


def read_concat(call: Call) -> Value:
    """Arrays one after the other."""
    values = call.values()
    axis = call.axis(call.integer("axis"), values[0].ndim)
    y: Value = values[0] if len(values) == 1 else functional.concatenate(values, axis)
    return y


def read_split(call: Call) -> tuple[Value, ...]:
    """Parts along an axis."""
    x = call.value(0)
    axis, sizes = parts(call, x.shape)
    taken, start = [], 0
    for n in sizes:
        taken.append(_span(x, axis, start, n))
        start += n
    return tuple(taken)


def parts(call: Call, shape: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """The axis and the sizes of a Split: given, or equal (the last may be smaller)."""
    axis = call.axis(call.integer("axis"), len(shape))
    count = len(call.node.outputs)
    sizes = call.known_integers(1) if call.has(1) else call.integers("split", ())
    if call.integer("num_outputs", count) != count or (sizes and call.given("num_outputs")):
        raise call.wrong("num_outputs is not the number of outputs, or split is given, too")
    if not sizes:
        each, rest = -(-shape[axis] // count), shape[axis] % count
        if rest and call.version < _UNEVEN:
            raise call.wrong(f"the {shape[axis]} cells of axis {axis} make no {count} equal parts")
        sizes = (*(each,) * (count - 1), shape[axis] - each * (count - 1))
    if len(sizes) != count or sum(sizes) != shape[axis] or min(sizes) < 0:
        raise call.wrong(f"parts of {sizes} do not make the {shape[axis]} cells of axis {axis}")
    return axis, sizes


def _span(x: Value, axis: int, start: int, count: int) -> Value:
    begins, counts = [0] * x.ndim, list(x.shape)
    begins[axis], counts[axis] = start, count
    y: Value = apply(Slice(tuple(begins), (1,) * x.ndim, tuple(counts)), x)
    return y


def read_slice(call: Call) -> Value:
    """x[start:end:step] along some axes."""
    x = call.value(0)
    rows = slices(call, x.shape)
    begins = tuple(cells.start if len(cells) else 0 for cells in rows)
    steps = tuple(cells.step if len(cells) else 1 for cells in rows)
    y: Value = apply(Slice(begins, steps, tuple(map(len, rows))), x)
    return y


def slices(call: Call, shape: Sequence[int]) -> tuple[range, ...]:
    """The cells that are taken along each axis; attributes say which or, since 10, inputs."""
    rank = len(shape)
    starts, ends = listed(call, 1, "starts"), listed(call, 2, "ends")
    every = tuple(range(len(starts)))
    given = call.known_integers(3) if call.has(3) else call.integers("axes", every[:rank])
    steps = call.known_integers(4) if call.has(4) else (1,) * len(starts)
    axes = call.axes(given, rank)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise call.wrong("starts, ends, axes and steps do not fit together")
    rows = [range(n) for n in shape]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        rows[axis] = _cells(shape[axis], start, end, step)
    return tuple(rows)


def _cells(n: int, start: int, end: int, step: int) -> range:
    """The cells of a slice; backwards, a start before the first cell is the first, not as in
    Python one before it."""
    if n == 0:
        return range(0)
    start, end = (each + n if each < 0 else each for each in (start, end))
    if step > 0:
        return range(min(max(start, 0), n), min(max(end, 0), n), step)
    return range(min(max(start, 0), n - 1), min(max(end, -1), n - 1), step)


def read_pad(call: Call) -> Value:
    """A constant around an array, or the array continued; negative numbers crop."""
    x = call.value(0)
    mode = call.choice("mode", ("constant", *BORDERS))
    pads = listed(call, 1, "pads")
    value = call.known_number(2) if call.has(2) else call.number("value", 0.0)
    axes = call.axes(call.known_integers(3), x.ndim) if call.has(3) else tuple(range(x.ndim))
    if len(pads) != 2 * len(axes):
        raise call.wrong(f"pads {pads} are not two for each of {len(axes)} axes")
    pairs = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True))
    whole = tuple(pairs.get(axis, (0, 0)) for axis in range(x.ndim))
    if any(max(map(abs, pair)) > _LARGE for pair in whole):
        raise call.too_large(f"pads {pads}; {_LARGE:,} is the most")
    if mode != "constant":
        return _continued(call, x, whole, mode)
    y: Value = apply(Pad(whole, value), x)
    return y


def _continued(call: Call, x: Value, pairs: Pairs, mode: str) -> Value:
    """An array cropped, then continued from what is left."""
    kept = tuple((min(low, 0), min(high, 0)) for low, high in pairs)
    more = tuple((max(low, 0), max(high, 0)) for low, high in pairs)
    call.check_shape([n + sum(pair) for n, pair in zip(x.shape, more, strict=True)])
    if any(map(any, kept)):
        x = apply(Pad(kept), x)
    check_border(x.shape, more, BORDERS[mode])
    y: Value = bordered(x, more, BORDERS[mode])
    return y


def read_identity(call: Call) -> Value | Bytes | Condition | Several:
    """x, which may be a sequence of arrays."""
    given = call.operand(0)
    return given if isinstance(given, Bytes | Condition | Several) else call.value(0)


def write_reshape(writer: Writer, written: Written) -> None:
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


def write_transpose(writer: Writer, written: Written) -> None:
    """Transpose."""
    writer.node(written, "Transpose", written.inputs, perm=list(written.operator.order))


def write_slice(writer: Writer, written: Written) -> None:
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


def write_pad(writer: Writer, written: Written) -> None:
    """Pad."""
    operator: Pad = written.operator
    (y,) = written.outputs
    writer.pad(written, written.inputs[0], operator.pairs, operator.value, y=y)


def write_pad_edge(writer: Writer, written: Written) -> None:
    """Pad that repeats the edge."""
    operator: PadEdge = written.operator
    pads = writer.integers([pair[end] for end in (0, 1) for pair in operator.pairs])
    writer.node(written, "Pad", [*written.inputs, pads], mode="edge")


def write_concatenate(writer: Writer, written: Written) -> None:
    """Concat."""
    writer.node(written, "Concat", written.inputs, axis=written.operator.axis)


READERS = {
    "Concat": Name(read_concat, ("axis",)),
    "Flatten": Name(read_flatten, ("axis",)),
    "Identity": Name(read_identity),
    "Pad": Name(read_pad, ("mode", "pads", "value"), settings=(1, 2, 3)),
    "Reshape": Name(read_reshape, ("allowzero",), settings=(1,)),
    "Slice": Name(read_slice, ("axes", "ends", "starts"), settings=(1, 2, 3, 4)),
    "Split": Name(read_split, ("axis", "num_outputs", "split"), settings=(1,)),
    "Squeeze": Name(read_squeeze, ("axes",), settings=(1,)),
    "Transpose": Name(read_transpose, ("perm",)),
    "Unsqueeze": Name(read_unsqueeze, ("axes",), settings=(1,)),
}
WRITERS = {
    Concatenate: write_concatenate,
    Pad: write_pad,
    PadEdge: write_pad_edge,
    Reshape: write_reshape,
    Slice: write_slice,
    Transpose: write_transpose,
}
