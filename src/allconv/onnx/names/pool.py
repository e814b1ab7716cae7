"""Pooling: MaxPool, AveragePool, LpPool, and the three over whole images."""

from __future__ import annotations

from allconv.functional.call import apply
from allconv.functional.pool import window_norm
from allconv.onnx.call import Call, Name
from allconv.onnx.names.window import (
    ATTRIBUTES,
    Pairs,
    Settings,
    crop,
    read_settings,
    write_settings,
)
from allconv.onnx.writer import Writer, Written
from allconv.operators.arrange import Pad
from allconv.operators.pool import AveragePool, MaxPool
from allconv.value import Value
from allconv.window import Axis, Window


def _window(x: Value, settings: Settings, ceil_mode: bool) -> Window:
    """The window on x. `ceil_mode` adds an output that reaches outside, if it starts inside."""
    pairs = settings.pairs(x.shape[2:])
    if ceil_mode:
        rows = zip(
            x.shape[2:], settings.kernel, settings.stride, settings.dilation, pairs, strict=True
        )
        return Window(
            tuple(
                Axis.ceiled(i, k, stride=s, dilation=d, padding=pair) for i, k, s, d, pair in rows
            )
        )
    return Window.forward(
        x.shape[2:],
        settings.kernel,
        stride=settings.stride,
        dilation=settings.dilation,
        padding=pairs,
    )


def read_max_pool(call: Call) -> Value:
    """The largest value under the window; the second output, of indices, is not supported."""
    x = call.value(0)
    settings = read_settings(call, x.ndim - 2)
    window = _window(x, settings, call.flag("ceil_mode"))
    _check_met(call, window, settings.pairs(x.shape[2:]))
    y, _ = apply(MaxPool(window), x)
    result: Value = y
    return result


def read_average_pool(call: Call) -> Value:
    """The mean under the window: of the cells inside, or those of the padding too.

    Cells that ceil_mode reaches beyond the padding are never counted.
    """
    x = call.value(0)
    settings = read_settings(call, x.ndim - 2)
    window = _window(x, settings, call.flag("ceil_mode"))
    counted = call.flag("count_include_pad")
    pairs = settings.pairs(x.shape[2:])
    if counted and any(a.high > high for a, (_, high) in zip(window.axes, pairs, strict=True)):
        x = apply(Pad(((0, 0), (0, 0), *pairs)), x)
        axes = zip(window.axes, pairs, strict=True)
        window = Window(tuple(axis.moved(*pair) for axis, pair in axes))
        counted = False
    if not counted:
        _check_met(call, window, pairs)
    y: Value = apply(AveragePool(window, _counts(window, counted)), x)
    return y


def _check_met(call: Call, window: Window, pairs: Pairs) -> None:
    """Refuse windows that lie in the padding: they hold no cell of which to take anything."""
    for axis, pair in zip(window.axes, pairs, strict=True):
        if max(pair) > axis.reach - 1:
            raise call.unsupported(f"pads {pairs}, as large as the window: some hold padding only")


def _counts(window: Window, counted: bool) -> bool:
    """Without padding both ways of counting are one: the simpler."""
    return counted or all(axis.padding == 0 and axis.high <= 0 for axis in window.axes)


def _whole(call: Call) -> tuple[Value, Window]:
    x = call.value(0)
    if not 3 <= x.ndim <= 5:
        raise call.unsupported(f"x is {x.shape}; 1, 2 or 3 axes of space are supported")
    return x, Window.forward(x.shape[2:], x.shape[2:], stride=x.shape[2:])


def read_global_average_pool(call: Call) -> Value:
    """The mean of each channel."""
    x, window = _whole(call)
    y: Value = apply(AveragePool(window), x)
    return y


def read_global_max_pool(call: Call) -> Value:
    """The largest value of each channel."""
    x, window = _whole(call)
    y: Value = apply(MaxPool(window), x)[0]
    return y


def read_lp_pool(call: Call) -> Value:
    """The p-norm under the window; padding holds zeros."""
    x = call.value(0)
    settings = read_settings(call, x.ndim - 2)
    window = _window(x, settings, call.flag("ceil_mode"))
    call.check_constants((x.shape[1], *window.kernel))  # summed by a kernel of ones
    y: Value = window_norm(abs(x), window=window, p=_power(call))
    return y


def read_global_lp_pool(call: Call) -> Value:
    """The p-norm of each channel."""
    x, window = _whole(call)
    y: Value = window_norm(abs(x), window=window, p=_power(call))
    return y


def _power(call: Call) -> float:
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


def write_max_pool(writer: Writer, written: Written) -> None:
    """MaxPool; the taps that won have no spelling, and only gradients need them."""
    window = written.operator.window
    if _is_whole(window):
        writer.node(written, "GlobalMaxPool", written.inputs)
        return
    x, axes = _inside(writer, written, window, float("-inf"))
    writer.node(written, "MaxPool", [x], **write_settings(axes))


def write_average_pool(writer: Writer, written: Written) -> None:
    """AveragePool, or GlobalAveragePool for a window as large as its input."""
    operator: AveragePool = written.operator
    if _is_whole(operator.window):
        writer.node(written, "GlobalAveragePool", written.inputs)
        return
    x, axes = written.inputs[0], operator.window.axes
    if operator.count_padding:
        x, axes = _inside(writer, written, operator.window, 0.0)
    elif any(map(any, map(crop, axes))):  # what is cropped is met by no window
        crops = [crop(axis) for axis in axes]
        x = writer.pad(written, x, [(0, 0), (0, 0), *crops], 0.0)
        axes = tuple(axis.moved(*each) for axis, each in zip(axes, crops, strict=True))
    counted = int(operator.count_padding)
    writer.node(written, "AveragePool", [x], count_include_pad=counted, **write_settings(axes))


def _inside(
    writer: Writer, written: Written, window: Window, value: float
) -> tuple[str, tuple[Axis, ...]]:
    """The input and axes, where padding that the format does not allow is made by Pad."""
    changes = []
    for axis in window.axes:
        low, high = crop(axis)
        large = max(axis.padding, axis.high) >= axis.kernel
        changes.append((axis.padding, max(axis.high, high)) if large else (low, high))
    x = written.inputs[0]
    if not any(map(any, changes)):
        return x, window.axes
    axes = tuple(axis.moved(*each) for axis, each in zip(window.axes, changes, strict=True))
    return writer.pad(written, x, [(0, 0), (0, 0), *changes], value), axes


READERS = {
    "AveragePool": Name(read_average_pool, (*ATTRIBUTES, "ceil_mode", "count_include_pad")),
    "GlobalAveragePool": Name(read_global_average_pool),
    "GlobalLpPool": Name(read_global_lp_pool, ("p",)),
    "GlobalMaxPool": Name(read_global_max_pool),
    "LpPool": Name(read_lp_pool, (*ATTRIBUTES, "ceil_mode", "p")),
    "MaxPool": Name(
        read_max_pool,
        (*ATTRIBUTES, "ceil_mode"),
        silent=("storage_order",),  # of the indices
    ),
}
WRITERS = {
    MaxPool: write_max_pool,
    AveragePool: write_average_pool,
}
