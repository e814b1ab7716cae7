"""Convolution and its transpose: Conv, ConvTranspose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allconv.functional.call import apply, take_floats
from allconv.functional.correlate import correlated
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.unwritten import DERIVATIVE
from allconv.onnx.names.window import Pairs, cropped, read_settings, write_settings
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.window import Axis, Window, shared_ends


def read_conv(call: NodeCall) -> Any:
    """y = Conv(x, w, b): our own, setting by setting."""
    x, w, b = call.value(0), call.value(1), call.optional(2)
    axes = x.ndim - 2
    spelt = read_settings(call, axes, w.shape[2:])
    settings = (spelt.stride, spelt.plain, spelt.dilation, call.integer("group"))
    return correlated(axes, False, x, w, b, settings)


def read_conv_transpose(call: NodeCall) -> Any:
    """y = ConvTranspose(x, w, b): the transpose of a window whose input is the output here."""
    x, w, b = take_floats(x=call.value(0), weight=call.value(1), bias=call.optional(2))
    axes = x.ndim - 2
    settings = read_settings(call, axes, w.shape[2:])
    extra = call.integers("output_padding", (0,) * axes)
    if len(extra) != axes or min(extra) < 0:
        raise call.wrong(f"output_padding {extra} does not fit {axes} axes")
    sizes = call.integers("output_shape", ())
    sizes = sizes[-axes:] if len(sizes) in (axes, axes + 2) else sizes
    if isinstance(settings.padding, str) and settings.padding != "valid" and not sizes:
        sizes = tuple(p * s for p, s in zip(x.shape[2:], settings.stride, strict=True))
    if sizes and len(sizes) != axes:
        raise call.wrong(f"output_shape {sizes} does not fit {axes} axes")
    pairs = ((0, 0),) * axes if sizes else settings.pairs(x.shape[2:])
    rows = zip(
        x.shape[2:], settings.kernel, settings.stride, settings.dilation, pairs, extra, strict=True
    )
    made = [
        Axis.transposed(p, k, stride=s, dilation=d, padding=pair, output_padding=more)
        for p, k, s, d, pair, more in rows
    ]
    if sizes:
        made = [_cut(call, settings.padding, axis, n) for axis, n in zip(made, sizes, strict=True)]
    operator = CorrelateTranspose(Window(tuple(made)), call.integer("group"))
    return apply(operator, w, x) if b is None else apply(operator, w, x, b)


def _cut(call: NodeCall, padding: str | Pairs, axis: Axis, size: int) -> Axis:
    """The axis of a result of this size: cells are left out at both ends, the odd one at the start
    unless padding is "same", or follow at the end."""
    if size > axis.input and padding in ("same", "same_lower"):
        # Where the other cells lie is told in two ways.
        raise call.unsupported(f"a result of {size}, more than the {axis.input} cells of an axis")
    low, _ = shared_ends(axis.input - size, "same" if padding == "same" else "same_lower")
    return replace(axis, input=size, padding=low)


def write_correlate(writer: Writer, written: NodeToWrite) -> None:
    """Conv, or Gemm for a window without axes; a crop goes before it as Pad."""
    operator: Correlate = written.operator
    axes = operator.window.axes
    if not axes:
        if operator.groups != 1:
            raise writer.unsupported(written, "a linear layer in groups")
        writer.node(written, "Gemm", written.inputs, transB=1)
        return
    x, axes = cropped(writer, written, axes)
    settings = write_settings(axes)
    writer.node(written, "Conv", [x, *written.inputs[1:]], group=operator.groups, **settings)


def write_correlate_transpose(writer: Writer, written: NodeToWrite) -> None:
    """ConvTranspose; cells beyond what the taps reach are output_padding.

    Runtimes want less of that than the stride, and no negative padding: where there is more, the
    cells are zeros around the result (Pad), and the bias is added after them.
    """
    operator: CorrelateTranspose = written.operator
    axes = operator.window.axes
    w, y, *bias = written.inputs
    if not axes:
        raise writer.unsupported(written, DERIVATIVE)
    around = [_around(axis) for axis in axes]
    pairs = zip(axes, around, strict=True)
    axes = tuple(axis.moved(-low, -high) for axis, (low, high) in pairs)
    settings = write_settings(axes)
    beyond = [max(-axis.high, 0) for axis in axes]
    if any(beyond):
        settings["output_padding"] = beyond
    settings["group"] = operator.groups
    if not any(map(any, around)):
        writer.node(written, "ConvTranspose", [y, w, *bias], **settings)
        return
    (result,) = written.outputs
    inner = writer.step(f"{result}/inner", "ConvTranspose", y, w, **settings)
    ends = [(0, 0), (0, 0), *around]
    if not bias:
        writer.pad(written, inner, ends, 0.0, y=result)
        return
    padded = writer.pad(written, inner, ends, 0.0)
    places = writer.integers(range(1, 1 + len(axes)))
    column = writer.step(f"{result}/bias", "Unsqueeze", *bias, places)
    writer.node(written, "Add", [padded, column])


def _around(axis: Axis) -> tuple[int, int]:
    """The cells (low, high) that no tap reaches and that output_padding cannot make."""
    beyond = max(-axis.high, 0)
    return max(-axis.padding, 0), beyond if beyond >= axis.stride else 0


READERS = {
    "Conv": NodeRule(read_conv, weights=(1, 2)),
    "ConvTranspose": NodeRule(read_conv_transpose, weights=(1, 2)),
}
WRITERS = {
    Correlate: write_correlate,
    CorrelateTranspose: write_correlate_transpose,
}
