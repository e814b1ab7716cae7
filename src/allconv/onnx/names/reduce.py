"""Sums and means over axes, and broadcasting: ReduceSum, ReduceMean, Expand."""

from __future__ import annotations

from collections.abc import Sequence

from allconv.functional.call import apply
from allconv.onnx.call import Call, Name
from allconv.onnx.writer import Writer, Written
from allconv.operators.reduce import Broadcast, Sum
from allconv.value import Value


def _axes(call: Call, rank: int) -> tuple[int, ...]:
    """The axes, an attribute in older operator sets, an input in newer; all when there are none."""
    given = call.known_integers(1) if call.has(1) else call.integers("axes", ())
    if not (call.flag("noop_with_empty_axes") or given):
        given = tuple(range(rank))
    return tuple(sorted(call.axes(given, rank)))


def broadcast_shapes(call: Call, a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    """The shape of two arrays together; as in NumPy, but for numbers of any size."""
    lead = max(len(a), len(b))
    pairs = zip((*(1,) * (lead - len(a)), *a), (*(1,) * (lead - len(b)), *b), strict=True)
    shape = []
    for n, m in pairs:
        if (n != m and 1 not in (n, m)) or min(n, m) < 0:
            raise call.wrong(f"{tuple(a)} and {tuple(b)} do not broadcast together")
        shape.append(m if n == 1 else n)
    return tuple(shape)


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
    shape = broadcast_shapes(call, x.shape, call.known_integers(1))
    call.check_shape(shape)
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
            raise writer.unsupported(
                written, "an array is repeated over the batch; give shape[0] a number"
            )
        sizes.append(1 if n is None else n)
    writer.node(written, "Expand", [*written.inputs, writer.integers(sizes)])


READERS = {
    "Expand": Name(read_expand, settings=(1,)),
    "ReduceMean": Name(
        read_reduce_mean, ("axes", "keepdims", "noop_with_empty_axes"), settings=(1,)
    ),
    "ReduceSum": Name(read_reduce_sum, ("axes", "keepdims", "noop_with_empty_axes"), settings=(1,)),
}
WRITERS = {Sum: write_sum, Broadcast: write_broadcast}
