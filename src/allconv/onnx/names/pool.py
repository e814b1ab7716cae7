"""Pooling: MaxPool, AveragePool, LpPool, and the three over whole images."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.functional.pool import flat_index, max_and_index, window_norm
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.window import Pairs, crop, cropped, padded, read_settings, write_settings
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.arrange import Pad
from allconv.operators.index import OverImages, WriteAt
from allconv.operators.pool import AveragePool, MaxPool
from allconv.value import Value
from allconv.window import Axis, Window, least_input


def _window(call: NodeCall, x: Value) -> tuple[Window, Pairs]:
    """The window on x and its padding; `ceil_mode` adds an output that reaches outside of that."""
    settings = read_settings(call, x.ndim - 2)
    pairs = settings.pairs(x.shape[2:])
    make = Window.ceiled if call.flag("ceil_mode") else Window.forward
    window = make(
        x.shape[2:], settings.kernel,
        stride=settings.stride, dilation=settings.dilation, padding=pairs,
    )  # fmt: skip
    return window, pairs


def read_max_pool(call: NodeCall) -> Any:
    """The largest value under the window and, if it is taken, the cell of all images that it is."""
    x = call.value(0)
    window, pairs = _window(call, x)
    _check_met(call, window, pairs)
    columns = call.flag("storage_order")
    if not any(call.node.outputs[1:]):
        return apply(MaxPool(window), x)[0]
    y, index = max_and_index(x, window=window, index=flat_index(window))
    return y, apply(OverImages(window.input, columns), index)


def read_max_unpool(call: NodeCall) -> Any:
    """Values put back at their cells of all images, zeros elsewhere.

    With an `output_shape` the rest of that, beyond what the attributes make, is zeros.
    """
    x, index = call.value(0), call.operand(1)
    if isinstance(index, np.ndarray):
        index = call.lift(index.astype(np.int64))
    if not isinstance(index, Value) or index.dtype != "int64":
        raise call.unsupported("indices of another dtype than int64")
    if index.shape != x.shape:
        raise call.wrong(f"x is {x.shape}, its indices are {index.shape}; one shape is expected")
    settings = read_settings(call, x.ndim - 2)
    pairs = settings.pairs(x.shape[2:])
    rows = zip(x.shape[2:], settings.kernel, settings.stride, pairs, strict=True)
    image = tuple(least_input(n, k, s, 1, pair) for n, k, s, pair in rows)
    if min(image) < 1:
        raise call.wrong(f"its images would be {image}")
    call.check_shape((*x.shape[:2], *image))
    whole = (*x.shape[:2], *image)
    flat = (1, 1, x.size)
    y: Value = apply(WriteAt((prod(whole),)), x.reshape(flat), index.reshape(flat)).reshape(whole)
    if not call.has(2):
        return y
    wanted = call.known_integers(2)
    if len(wanted) != x.ndim or any(n < m for n, m in zip(wanted, y.shape, strict=True)):
        raise call.unsupported(f"output_shape {wanted}, less than the {y.shape} of its attributes")
    call.check_shape(wanted)
    more = tuple((0, n - m) for n, m in zip(wanted, y.shape, strict=True))
    return apply(Pad(more), y)


def read_average_pool(call: NodeCall) -> Any:
    """The mean under the window: of the cells inside, or those of the padding too.

    Cells that ceil_mode reaches beyond the padding are never counted.
    """
    x = call.value(0)
    window, pairs = _window(call, x)
    counted = call.flag("count_include_pad")
    if counted and any(a.high > high for a, (_, high) in zip(window.axes, pairs, strict=True)):
        x = apply(Pad(((0, 0), (0, 0), *pairs)), x)
        axes = zip(window.axes, pairs, strict=True)
        window = Window(tuple(axis.moved(*pair) for axis, pair in axes))
        counted = False
    if not counted:
        _check_met(call, window, pairs)
    return apply(AveragePool(window, _counts(window, counted)), x)


def _check_met(call: NodeCall, window: Window, pairs: Pairs) -> None:
    """Refuse windows that lie in the padding: they hold no cell of which to take anything."""
    for axis, pair in zip(window.axes, pairs, strict=True):
        if max(pair) > axis.reach - 1:
            raise call.unsupported(f"pads {pairs}, as large as the window: some hold padding only")


def _counts(window: Window, counted: bool) -> bool:
    """Without padding both ways of counting are one: the simpler."""
    return counted or all(axis.padding == 0 and axis.high <= 0 for axis in window.axes)


def _whole(pool: Callable[[NodeCall, Value, Window], Any]) -> NodeRule:
    """A pooling of whole images."""

    def read(call: NodeCall) -> Any:
        x = call.value(0)
        if not 3 <= x.ndim <= 5:
            raise call.unsupported(f"x is {x.shape}; 1, 2 or 3 axes of space are supported")
        return pool(call, x, Window.forward(x.shape[2:], x.shape[2:], stride=x.shape[2:]))

    return NodeRule(read)


def read_lp_pool(call: NodeCall) -> Any:
    """The p-norm under the window; padding holds zeros."""
    x = call.value(0)
    window, _ = _window(call, x)
    call.check_constants((x.shape[1], *window.kernel))  # summed by a kernel of ones
    return _norm(call, x, window)


def _norm(call: NodeCall, x: Value, window: Window) -> Any:
    return window_norm(abs(x), window=window, p=_power(call))


def _power(call: NodeCall) -> float:
    """p, a whole number above 0."""
    p = call.integer("p", 2)
    if p < 1:
        raise call.wrong(f"p is {p}; at least 1 is expected")
    return float(p)


def _is_whole(window: Window) -> bool:
    return all(
        (axis.kernel, axis.stride, axis.output, axis.padding, axis.dilation)
        == (axis.input, axis.input, 1, 0, 1)
        for axis in window.axes
    )


def write_max_pool(writer: Writer, written: NodeToWrite) -> None:
    """MaxPool; the taps that won have no spelling, and only gradients need them."""
    window = written.operator.window
    if _is_whole(window):
        writer.node(written, "GlobalMaxPool", written.inputs)
        return
    x, axes = _inside(writer, written, window, float("-inf"))
    writer.node(written, "MaxPool", [x], **write_settings(axes))


def write_average_pool(writer: Writer, written: NodeToWrite) -> None:
    """AveragePool, or GlobalAveragePool for a window as large as its input."""
    operator: AveragePool = written.operator
    if _is_whole(operator.window):
        writer.node(written, "GlobalAveragePool", written.inputs)
        return
    if operator.count_padding:
        x, axes = _inside(writer, written, operator.window, 0.0)
    else:  # what is cropped is met by no window
        x, axes = cropped(writer, written, operator.window.axes)
    counted = int(operator.count_padding)
    writer.node(written, "AveragePool", [x], count_include_pad=counted, **write_settings(axes))


def _inside(
    writer: Writer, written: NodeToWrite, window: Window, value: float
) -> tuple[str, tuple[Axis, ...]]:
    """The input and axes, where padding that the format does not allow is made by Pad."""
    changes = []
    for axis in window.axes:
        low, high = crop(axis)
        large = max(axis.padding, axis.high) >= axis.kernel
        changes.append((axis.padding, max(axis.high, high)) if large else (low, high))
    return padded(writer, written, window.axes, changes, value)


READERS = {
    "AveragePool": NodeRule(read_average_pool),
    "GlobalAveragePool": _whole(lambda call, x, window: apply(AveragePool(window), x)),
    "GlobalLpPool": _whole(_norm),
    "GlobalMaxPool": _whole(lambda call, x, window: apply(MaxPool(window), x)[0]),
    "LpPool": NodeRule(read_lp_pool),
    "MaxPool": NodeRule(read_max_pool),
    "MaxUnpool": NodeRule(read_max_unpool, settings=(2,)),
}
WRITERS = {MaxPool: write_max_pool, AveragePool: write_average_pool}
