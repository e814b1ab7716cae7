"""Sums and means over axes, and broadcasting: ReduceSum, ReduceMean, Expand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from allconv.functional.call import apply
from allconv.onnx.names.call import Call, Name
from allconv.onnx.names.writer import Writer, Written
from allconv.operators.base import Operator
from allconv.operators.extremes import Largest, LogSumExp, Product, Smallest
from allconv.operators.order import ArgExtreme, TakeAlong, TopK
from allconv.operators.pointwise import Log
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


def _read(operator: Callable[..., Operator]) -> Name:
    """A reduction by one operator; over no axes it leaves x as it is."""

    def read(call: Call) -> Value:
        x = call.value(0)
        axes, keep = _axes(call, x.ndim), call.flag("keepdims", 1)
        y: Value = apply(operator(axes, keep), x) if axes else x
        return y

    return Name(read, _SETTINGS, settings=(1,))


def _read_sum_of(
    before: Callable[[Value], Value], after: Callable[[Value], Value] = lambda y: y
) -> Name:
    """A function of a sum of functions, over some axes.

    Over none the format says that x stays as it is, and its runtimes do not: refused.
    """

    def read(call: Call) -> Value:
        x = call.value(0)
        axes, keep = _axes(call, x.ndim), call.flag("keepdims", 1)
        if not axes and x.ndim:
            raise call.unsupported("over no axes")
        return after(before(x).sum(axes, keep))

    return Name(read, _SETTINGS, settings=(1,))


def _log(y: Value) -> Value:
    z: Value = apply(Log(), y)
    return z


def _read_arg(smallest: bool) -> Name:
    def read(call: Call) -> Value:
        """The index of the largest, or smallest, number along an axis."""
        x = call.value(0)
        axis = call.axis(call.integer("axis"), x.ndim)
        last = call.flag("select_last_index", 0)
        y: Value = apply(ArgExtreme(axis, smallest, last, call.flag("keepdims")), x)
        return y

    return Name(read, ("axis", "keepdims", "select_last_index"))


def read_top_k(call: Call) -> tuple[Value, ...]:
    """The largest (smallest) numbers along an axis, sorted in any case, and their indices."""
    x = call.value(0)
    axis = call.axis(call.integer("axis"), x.ndim)
    given = call.known_integers(1) if call.has(1) else (call.integer("k"),)
    call.flag("sorted", 1)
    smallest = not call.flag("largest", 1)
    if len(given) != 1 or not 0 <= given[0] <= x.shape[axis]:
        raise call.wrong(f"k is {given}; the axis has {x.shape[axis]} cells")
    y: tuple[Value, ...] = apply(TopK(axis, given[0], smallest), x)
    return y


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


def _write(op: str) -> Callable[[Writer, Written], None]:
    def write(writer: Writer, written: Written) -> None:
        operator = written.operator
        if not operator.axes:
            writer.node(written, "Identity", written.inputs)
            return
        inputs = [*written.inputs, writer.integers(operator.axes)]
        writer.node(written, op, inputs, keepdims=int(operator.keep))

    return write


def write_arg(writer: Writer, written: Written) -> None:
    """ArgMax or ArgMin."""
    operator: ArgExtreme = written.operator
    settings = {"axis": operator.axis, "keepdims": int(operator.keep)}
    op = "ArgMin" if operator.smallest else "ArgMax"
    writer.node(written, op, written.inputs, **settings, select_last_index=int(operator.last))


def write_top_k(writer: Writer, written: Written) -> None:
    """TopK."""
    operator: TopK = written.operator
    inputs = [*written.inputs, writer.integers([operator.count])]
    writer.node(written, "TopK", inputs, axis=operator.axis, largest=int(not operator.smallest))


def write_take_along(writer: Writer, written: Written) -> None:
    """GatherElements."""
    writer.node(written, "GatherElements", written.inputs, axis=written.operator.axis)


_SETTINGS = ("axes", "keepdims", "noop_with_empty_axes")
READERS = {
    "ArgMax": _read_arg(smallest=False),
    "ArgMin": _read_arg(smallest=True),
    "Expand": Name(read_expand, settings=(1,)),
    "ReduceL1": _read_sum_of(abs),
    "ReduceL2": _read_sum_of(lambda x: x * x, lambda y: y**0.5),
    "ReduceLogSum": _read_sum_of(lambda x: x, _log),
    "ReduceLogSumExp": _read(LogSumExp),
    "ReduceMax": _read(Largest),
    "ReduceMean": Name(read_reduce_mean, _SETTINGS, settings=(1,)),
    "ReduceMin": _read(Smallest),
    "ReduceProd": _read(Product),
    "ReduceSum": Name(read_reduce_sum, _SETTINGS, settings=(1,)),
    "ReduceSumSquare": _read_sum_of(lambda x: x * x),
    "TopK": Name(read_top_k, ("axis", "k", "largest", "sorted"), settings=(1,)),
}
WRITERS = {
    ArgExtreme: write_arg,
    Broadcast: write_broadcast,
    Largest: _write("ReduceMax"),
    LogSumExp: _write("ReduceLogSumExp"),
    Product: _write("ReduceProd"),
    Smallest: _write("ReduceMin"),
    Sum: write_sum,
    TakeAlong: write_take_along,
    TopK: write_top_k,
}
