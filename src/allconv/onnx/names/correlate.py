"""Convolution and its transpose: Conv, ConvTranspose."""

from __future__ import annotations

from typing import Any

from allconv.functional.call import apply, take_floats
from allconv.functional.correlate import correlated
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.unwritten import DERIVATIVE
from allconv.onnx.names.window import cropped, read_settings, write_settings
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.window import Axis, Window, covered_by


def read_conv(call: NodeCall) -> Any:
    """y = Conv(x, w, b): our own, setting by setting."""
    x, w, b = call.value(0), call.value(1), call.optional(2)
    axes = x.ndim - 2
    spelt = read_settings(call, axes, w.shape[2:])
    settings = (spelt.stride, spelt.plain, spelt.dilation, call.integer("group"))
    return correlated(axes, False, x, w, b, settings)


def read_conv_transpose(call: NodeCall) -> Any:
    """y = ConvTranspose(x, w, b): the transpose of a window whose input is the output here.

    Without `output_shape` it has s*(P-1) + d*(K-1) + 1 - low - high + output_padding cells.
    """
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
    pairs = ((0, 0),) * axes if isinstance(settings.padding, str) else settings.padding
    window = []
    for n, (p, k, s, d, pair) in enumerate(
        zip(x.shape[2:], settings.kernel, settings.stride, settings.dilation, pairs, strict=True)
    ):
        whole = covered_by(p, k, s, d) + extra[n]
        low, size = pair[0], whole - sum(pair)
        if sizes and sizes[n] > whole and settings.padding in ("same", "same_lower"):
            # Where the other cells lie is told in two ways.
            raise call.unsupported(f"a result of {sizes}, more than the {whole} cells of an axis")
        if sizes:
            size, total = sizes[n], max(whole - sizes[n], 0)
            low = total // 2 if settings.padding == "same" else total - total // 2
        window.append(Axis(size, k, p, s, d, 1, low))
    operator = CorrelateTranspose(Window(tuple(window)), call.integer("group"))
    return apply(operator, w, x) if b is None else apply(operator, w, x, b)


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
    "ConvTranspose": NodeRule(
        read_conv_transpose,
        weights=(1, 2),
    ),
}
WRITERS = {
    Correlate: write_correlate,
    CorrelateTranspose: write_correlate_transpose,
}
