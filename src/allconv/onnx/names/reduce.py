"""Sums and means over axes, and broadcasting: ReduceSum, ReduceMean, Expand."""

from __future__ import annotations

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.call import Call, Name
from allconv.onnx.writer import Writer, Written
from allconv.operators.reduce import Broadcast, Sum
from allconv.value import Value

_MOST = 2**31


def _axes(call: Call, rank: int) -> tuple[int, ...]:
    """The axes, an attribute in older operator sets, an input in newer; all when there are none."""
    given = call.known_integers(1) if call.has(1) else call.integers("axes", ())
    if not given and not call.flag("noop_with_empty_axes"):
        given = tuple(range(rank))
    return tuple(sorted(call.axes(given, rank)))


def read_reduce_sum(call: Call) -> Value:
    """The sum over some axes."""
    x = call.value(0)
    return x.sum(_axes(call, x.ndim), call.flag("keepdims", 1))


def read_reduce_mean(call: Call) -> Value:
    """The mean over some axes."""
    x = call.value(0)
    return x.mean(_axes(call, x.ndim), call.flag("keepdims", 1))


def read_expand(call: Call) -> Value:
    """An array repeated to a larger shape."""
    x = call.value(0)
    try:
        shape = np.broadcast_shapes(x.shape, call.known_integers(1))
    except ValueError:
        raise call.wrong(f"{x.shape} does not broadcast to the shape") from None
    if np.prod(shape, dtype=float) > _MOST:
        raise call.unsupported(f"a result of {shape}")
    y: Value = x if shape == x.shape else apply(Broadcast(shape), x)
    return y


def write_sum(writer: Writer, written: Written) -> None:
    """ReduceSum, its axes an input."""
    axes = writer.integers(written.operator.axes)
    keep = int(written.operator.keep)
    writer.node(written, "ReduceSum", [*written.inputs, axes], keepdims=keep)


def write_broadcast(writer: Writer, written: Written) -> None:
    """Expand; a size of the batch is 1 there, so that it stays what it is."""
    (before,), after = written.shapes, written.result
    lead = len(after) - len(before)
    sizes = []
    for axis, n in enumerate(after):
        old = before[axis - lead] if axis >= lead else 1
        if n is None and old is not None:
            raise writer.unsupported(written, "repeating an array over the batch")
        sizes.append(1 if n is None else n)
    writer.node(written, "Expand", [*written.inputs, writer.integers(sizes)])


READERS = {
    "Expand": Name(read_expand, (), (2, 2), settings=(1,)),
    "ReduceMean": Name(
        read_reduce_mean, ("axes", "keepdims", "noop_with_empty_axes"), (1, 2), settings=(1,)
    ),
    "ReduceSum": Name(
        read_reduce_sum, ("axes", "keepdims", "noop_with_empty_axes"), (1, 2), settings=(1,)
    ),
}
WRITERS = {Sum: write_sum, Broadcast: write_broadcast}
