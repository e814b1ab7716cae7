"""Records of the three views of the one form."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.window import Axis, Window
from records.record import (
    IMAGES,
    Function,
    Record,
    cells,
    draw_array,
    draw_dtype,
    draw_window,
    onnx_results,
    refusal,
    window_refusals,
)

WINDOW = Window.forward((5, 5), (3, 3), stride=(2, 1), padding=((1, 1), (0, 0)))  # output (3, 3)


def draw_form(data: st.DataObject) -> tuple[Window, int, dict[str, tuple[int, ...]]]:
    """A window, groups, and the shapes of x, w, b and y; empty batches now and then."""
    window = draw_window(data)
    groups = data.draw(st.sampled_from([1, 1, 2]))
    batch = data.draw(st.sampled_from([1, 2, 3, 0]))
    c, o = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    shapes = {
        "x": (batch, groups * c, *window.input),
        "w": (groups * o, c, *window.kernel),
        "b": (groups * o,),
        "y": (batch, groups * o, *window.output),
        "bx": (groups * c,),
    }
    return window, groups, shapes


def draw(
    data: st.DataObject, operator: type[Operator], first: str, second: str, bias: str
) -> tuple[Operator, tuple[Array, ...]]:
    """An operator of the family with its operands, by their letters."""
    window, groups, shapes = draw_form(data)
    dtype = draw_dtype(data)
    names = [first, second, *([bias] if bias and data.draw(st.booleans()) else [])]
    arrays = tuple(draw_array(data, shapes[name], dtype) for name in names)
    return operator(window, groups), arrays


def brute_correlate(operator: Correlate, x: Array, w: Array, b: Array | None = None):
    """y by the scalar triple sum."""
    y = np.zeros((len(x), len(w), *operator.window.output))
    if b is not None:
        y += b.reshape(-1, *(1,) * (y.ndim - 2))
    share = len(w) // operator.groups
    for j, k, i in cells(operator.window):
        for n, o, c in np.ndindex(len(x), len(w), w.shape[1]):
            y[n, o, *i] += x[n, o // share * w.shape[1] + c, *j] * w[o, c, *k]
    return (y,)


def brute_transpose(operator: CorrelateTranspose, w: Array, y: Array, b: Array | None = None):
    """x by the scalar triple sum."""
    x = np.zeros((len(y), w.shape[1] * operator.groups, *operator.window.input))
    if b is not None:
        x += b.reshape(-1, *(1,) * (x.ndim - 2))
    share = len(w) // operator.groups
    for j, k, i in cells(operator.window):
        for n, o, c in np.ndindex(len(y), len(w), w.shape[1]):
            x[n, o // share * w.shape[1] + c, *j] += w[o, c, *k] * y[n, o, *i]
    return (x,)


def brute_weight(operator: CorrelateWeight, x: Array, y: Array):
    """w by the scalar triple sum."""
    channels, share = x.shape[1] // operator.groups, y.shape[1] // operator.groups
    w = np.zeros((y.shape[1], channels, *operator.window.kernel))
    for j, k, i in cells(operator.window):
        for n, o, c in np.ndindex(len(x), len(w), channels):
            w[o, c, *k] += x[n, o // share * channels + c, *j] * y[n, o, *i]
    return (w,)


def scipy_correlate(operator: Correlate, x: Array, w: Array, b: Array | None = None):
    """SciPy's direct correlation, of which every stride-th cell is taken."""
    from scipy.signal import correlate

    axes = operator.window.axes
    plain = all(a.dilation == a.input_dilation == 1 and a.padding >= 0 <= a.high for a in axes)
    if not axes or not plain or operator.groups > 1 or not len(x):
        return None
    padded = np.pad(x, [(0, 0), (0, 0), *((a.padding, a.high) for a in axes)])
    y = [[sum(correlate(image[c], kernel[c], "valid", "direct") for c in range(w.shape[1]))
          for kernel in w] for image in padded]  # fmt: skip
    bias = 0 if b is None else b.reshape(-1, *(1,) * len(axes))
    return (np.array(y)[(..., *(slice(None, None, a.stride) for a in axes))] + bias,)


def onnx_pads(window: Window) -> tuple[list[int], list[int]] | None:
    """The pads of ONNX and the rows that its floor leaves over; None where it has none."""
    axes = window.axes
    if not axes or len(axes) == 3:  # three axes take the reference evaluator seconds
        return None
    if any(a.input_dilation > 1 or a.padding < 0 or a.high <= -a.stride for a in axes):
        return None
    pads = [*(a.padding for a in axes), *(max(a.high, 0) for a in axes)]
    return pads, [max(-a.high, 0) for a in axes]


def onnx_conv(operator: Correlate, *arrays: Array):
    """Conv of ONNX: no dilated input, no negative padding."""
    axes, pads = operator.window.axes, onnx_pads(operator.window)
    if pads is None or not len(arrays[0]):
        return None
    return onnx_results(
        "Conv",
        arrays,
        group=operator.groups,
        strides=[a.stride for a in axes],
        dilations=[a.dilation for a in axes],
        pads=pads[0],
    )


def numpy_linear(operator: Correlate, x: Array, w: Array, b: Array | None = None):
    """NumPy's matrix product, where the window has no axes."""
    if operator.window.axes or operator.groups > 1:
        return None
    return (x @ w.T + (0 if b is None else b),)


def onnx_conv_transpose(operator: CorrelateTranspose, w: Array, y: Array, *bias: Array):
    """ConvTranspose of ONNX: pads and output_padding from the sizes."""
    axes, pads = operator.window.axes, onnx_pads(operator.window)
    if pads is None or not len(y) or operator.groups > 1 or any(a.dilation > 1 for a in axes):
        return None  # the reference evaluator takes groups and dilations for something else
    return onnx_results(
        "ConvTranspose",
        (y, w, *bias),
        kernel_shape=list(operator.window.kernel),
        strides=[a.stride for a in axes],
        pads=pads[0],
        output_padding=pads[1],
    )


def empty() -> Window:
    """A window without an output."""
    return Window((Axis(5, 3, 0),))


def forward() -> Correlate:
    """y (N, 3, 3, 3) from x (N, 2, 5, 5) and w (3, 2, 3, 3)."""
    return Correlate(WINDOW)


def transpose() -> CorrelateTranspose:
    """The transpose of `forward`."""
    return CorrelateTranspose(WINDOW)


def weight() -> CorrelateWeight:
    """The gradient of the weights of `forward`."""
    return CorrelateWeight(WINDOW)


X, W, Y = (1, 2, 5, 5), (3, 2, 3, 3), (1, 3, 3, 3)
MIXED = Spec(W, "float64")
WHOLE = Spec(X, "int64")

RECORDS = (
    Record(
        Correlate,
        partial(draw, operator=Correlate, first="x", second="w", bias="b"),
        brute_correlate,
        linear=(("x", "b"), ("w", "b")),
        outsiders=(scipy_correlate, onnx_conv, numpy_linear),
        refusals=(
            *window_refusals(Correlate),
            refusal(r"x has 3 axes, \(1, 2, 5\); .* with 4", forward, (1, 2, 5), W),
            refusal(r"x is \(1, 2, 5, 6\); .* made for \(5, 5\)", forward, (1, 2, 5, 6), W),
            refusal(r"w is \(3, 2, 3, 4\); .*\(3, 3\)", forward, X, (3, 2, 3, 4)),
            refusal(r"x has 2 channels, 2 a group; w .* for 4", forward, X, (3, 4, 3, 3)),
            refusal("x has 3 .*groups=2", lambda: Correlate(WINDOW, 2), (1, 3, 5, 5), W),
            refusal("w has 3 .*groups=2", lambda: Correlate(WINDOW, 2), X, (3, 1, 3, 3)),
            refusal(r"bias is \(2,\); \(3,\) is expected", forward, X, W, (2,)),
            refusal("float32 and float64 meet", forward, X, MIXED),
            refusal("int64 and float32 meet", forward, WHOLE, W),
            refusal("groups must be at least 1, got 0", lambda: Correlate(WINDOW, 0)),
            refusal("x has 0 channels", forward, (1, 0, 5, 5), (3, 0, 3, 3)),
            refusal("complex128 is not computed", forward, Spec(X, "complex128"), W),
            refusal("object is not computed", forward, X, Spec(W, "object")),
            refusal("output must be at least 1", lambda: Correlate(empty())),
        ),
    ),
    Record(
        CorrelateTranspose,
        partial(draw, operator=CorrelateTranspose, first="w", second="y", bias="bx"),
        brute_transpose,
        linear=(("w", "b"), ("y", "b")),
        outsiders=(onnx_conv_transpose,),
        refusals=(
            *window_refusals(CorrelateTranspose),
            refusal(r"w is \(3, 2, 3\)", transpose, (3, 2, 3), Y),
            refusal(r"y is \(1, 3, 3, 4\); .*\(3, 3\)", transpose, W, (1, 3, 3, 4)),
            refusal("y has 4 channels, not 3", transpose, W, (1, 4, 3, 3)),
            refusal("y has 3 .*groups=2", lambda: CorrelateTranspose(WINDOW, 2), (4, 1, 3, 3), Y),
            refusal(r"bias is \(3,\); \(2,\) is expected", transpose, W, Y, (3,)),
            refusal("float32 and float64 meet", transpose, W, Spec(Y, "float64")),
            refusal("w has 0 channels", transpose, (0, 2, 3, 3), (1, 0, 3, 3)),
            refusal("groups must be at least 1, got -1", lambda: CorrelateTranspose(WINDOW, -1)),
            refusal("complex64 is not computed", transpose, W, Spec(Y, "complex64")),
            refusal("object is not computed", transpose, Spec(W, "object"), Y),
            refusal("output must be at least 1", lambda: CorrelateTranspose(empty())),
        ),
    ),
    Record(
        CorrelateWeight,
        partial(draw, operator=CorrelateWeight, first="x", second="y", bias=""),
        brute_weight,
        linear=(("x",), ("y",)),
        refusals=(
            *window_refusals(CorrelateWeight),
            refusal(r"x is \(1, 2, 5, 4\)", weight, (1, 2, 5, 4), Y),
            refusal(r"y is \(1, 3, 3\)", weight, X, (1, 3, 3)),
            refusal("x is a batch of 2, y of 1", weight, (2, 2, 5, 5), Y),
            refusal("x has 2 channels; groups=3", lambda: CorrelateWeight(WINDOW, 3), X, Y),
            refusal("y has 3 channels; groups=2", lambda: CorrelateWeight(WINDOW, 2), X, Y),
        ),
    ),
)

FUNCTIONS = (
    Function(
        "conv",
        torch="x weight bias=None stride=1 padding=0 dilation=1 groups=1",
        ours=("flip=False", "input_dilation=1", "padding_mode='zeros'"),
        given=lambda n: (IMAGES[n], np.ones((2, 2, *(2,) * n))),
        is_spatial=True,
    ),
    Function(
        "conv_transpose",
        torch="x weight bias=None stride=1 padding=0 output_padding=0 groups=1 dilation=1",
        ours=("output_size=None",),
        given=lambda n: (IMAGES[n], np.ones((2, 2, *(2,) * n))),
        is_spatial=True,
    ),
    Function(
        "linear", torch="x weight bias=None", given=lambda n: (np.ones((2, 3)), np.ones((2, 3)))
    ),
)
