"""Sums and means over axes, and broadcasting: ReduceSum, ReduceMean, Expand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.writer import NodeToWrite, Write, Writer, spelt
from allconv.operators.base import Operator
from allconv.operators.extremes import Largest, LogSumExp, Product, Smallest
from allconv.operators.order import ArgExtreme, TakeAlong, TopK
from allconv.operators.pointwise import Log
from allconv.operators.reduce import Broadcast, Sum
from allconv.value import Value


def reduced_axes(call: NodeCall, rank: int) -> tuple[int, ...]:
    """The axes, an attribute in older operator sets, an input in newer; all when there are none."""
    given = call.listed(1, "axes", ())
    if not (call.flag("noop_with_empty_axes") or given):
        given = tuple(range(rank))
    return tuple(sorted(call.axes(given, rank)))


def broadcast_shapes(call: NodeCall, a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    """The shape of two arrays together; as in NumPy, but for numbers of any size."""
    lead = max(len(a), len(b))
    pairs = zip((*(1,) * (lead - len(a)), *a), (*(1,) * (lead - len(b)), *b), strict=True)
    shape = []
    for n, m in pairs:
        if (n != m and 1 not in (n, m)) or min(n, m) < 0:
            raise call.wrong(f"{tuple(a)} and {tuple(b)} do not broadcast together")
        shape.append(m if n == 1 else n)
    return tuple(shape)


def _over_axes(made: Callable[[Value, tuple[int, ...], bool], Any], none: bool = True) -> NodeRule:
    """A reduction over some axes.

    Over none the format says that x stays as it is; where its runtimes do not, `none` is False and
    it is refused.
    """

    def read(call: NodeCall) -> Any:
        x = call.value(0)
        axes, keep = reduced_axes(call, x.ndim), call.flag("keepdims", 1)
        if not axes and x.ndim and not none:
            raise call.unsupported("over no axes")
        return made(x, axes, keep)

    return NodeRule(read, settings=(1,))


def _by(operator: Callable[..., Operator]) -> NodeRule:
    """A reduction by one operator."""
    return _over_axes(lambda x, axes, keep: apply(operator(axes, keep), x) if axes else x)


def _read_arg(smallest: bool) -> NodeRule:
    def read(call: NodeCall) -> Any:
        """The index of the largest, or smallest, number along an axis: the first, or the last."""
        x = call.cells(0)
        axis = call.axis(call.integer("axis"), x.ndim)
        last, keep = call.flag("select_last_index"), call.flag("keepdims", 1)
        if not call.is_known:
            return apply(ArgExtreme(axis, smallest, last, keep), x)
        call.check_constants(x.shape)
        if not x.shape[axis]:
            raise call.wrong("its input has no cells along the axis")
        find = np.argmin if smallest else np.argmax
        cells = find(np.flip(x, axis) if last else x, axis=axis, keepdims=keep)
        return np.asarray(x.shape[axis] - 1 - cells if last else cells, np.int64)

    return NodeRule(read, folds=True)


def read_top_k(call: NodeCall) -> Any:
    """The largest (smallest) numbers along an axis, sorted in any case, and their indices; the
    first of equals comes first."""
    x = call.cells(0)
    axis = call.axis(call.integer("axis"), x.ndim)
    given = call.known_integers(1) if call.has(1) else (call.integer("k"),)
    call.flag("sorted", 1)
    smallest, n = not call.flag("largest", 1), x.shape[axis]
    if len(given) != 1 or not 0 <= given[0] <= n:
        raise call.wrong(f"k is {given}; the axis has {n} cells")
    if not call.is_known:
        return apply(TopK(axis, given[0], smallest), x)
    call.check_constants(x.shape)
    order = np.argsort(x if smallest else np.flip(x, axis), axis, kind="stable")
    order = order if smallest else n - 1 - np.flip(order, axis)
    index = np.take(order, np.arange(given[0]), axis).astype(np.int64)
    return np.take_along_axis(x, index, axis), index


def read_expand(call: NodeCall) -> Any:
    """An array repeated to a larger shape."""
    x = call.cells(0)
    shape = broadcast_shapes(call, x.shape, call.known_integers(1))
    call.check_moved(shape)
    if call.is_known:
        return np.broadcast_to(x, shape)
    return x if shape == x.shape else apply(Broadcast(shape), x)


def write_broadcast(writer: Writer, written: NodeToWrite) -> None:
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


def _over(op: str) -> Write:
    """How a reduction is written; over no axes it leaves x as it is."""
    over, nothing = spelt(op, inputs=("axes",), keepdims="keep"), spelt("Identity")
    return lambda writer, written: (over if written.operator.axes else nothing)(writer, written)


def write_arg(writer: Writer, written: NodeToWrite) -> None:
    """ArgMax or ArgMin."""
    operator: ArgExtreme = written.operator
    op = "ArgMin" if operator.smallest else "ArgMax"
    spelt(op, axis="axis", keepdims="keep", select_last_index="last")(writer, written)


def write_top_k(writer: Writer, written: NodeToWrite) -> None:
    """TopK."""
    operator: TopK = written.operator
    inputs = [*written.inputs, writer.integers([operator.count])]
    writer.node(written, "TopK", inputs, axis=operator.axis, largest=int(not operator.smallest))


READERS = {
    "ArgMax": _read_arg(smallest=False),
    "ArgMin": _read_arg(smallest=True),
    "Expand": NodeRule(read_expand, settings=(1,), folds=True),
    "ReduceL1": _over_axes(lambda x, *over: abs(x).sum(*over), none=False),
    "ReduceL2": _over_axes(lambda x, *over: (x * x).sum(*over) ** 0.5, none=False),
    "ReduceLogSum": _over_axes(lambda x, *over: apply(Log(), x.sum(*over)), none=False),
    "ReduceLogSumExp": _by(LogSumExp),
    "ReduceMax": _by(Largest),
    "ReduceMean": _over_axes(Value.mean),
    "ReduceMin": _by(Smallest),
    "ReduceProd": _by(Product),
    "ReduceSum": _over_axes(Value.sum),
    "ReduceSumSquare": _over_axes(lambda x, *over: (x * x).sum(*over), none=False),
    "TopK": NodeRule(read_top_k, settings=(1,), folds=True),
}
WRITERS = {
    ArgExtreme: write_arg,
    Broadcast: write_broadcast,
    Largest: _over("ReduceMax"),
    LogSumExp: _over("ReduceLogSumExp"),
    Product: _over("ReduceProd"),
    Smallest: _over("ReduceMin"),
    Sum: _over("ReduceSum"),
    TakeAlong: spelt("GatherElements", axis="axis"),
    TopK: write_top_k,
}
