"""Records of pooling."""

from __future__ import annotations

from functools import partial
from itertools import product
from math import isnan

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.pool import (
    AveragePool,
    AveragePoolTranspose,
    GatherWindow,
    MaxPool,
    ScatterWindow,
)
from allconv.window import Window
from records.correlate import onnx_pads
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
    runtime_results,
    window_refusals,
)

WINDOW = Window.forward((5, 6), (3, 2), stride=(2, 2), padding=((1, 1), (0, 0)))  # output (3, 3)
DIVISIBLE = 2**3 * 3**3  # by every count of three axes of at most 3 taps: quotients are exact


def numbers(window: Window) -> dict[tuple[int, ...], int]:
    """The number of each tap."""
    return {k: n for n, k in enumerate(product(*(range(size) for size in window.kernel)))}


def met(window: Window) -> dict[tuple[int, ...], list[tuple[int, tuple[int, ...]]]]:
    """For each output: the taps that meet a cell, by number, and that cell."""
    number, outputs = numbers(window), np.ndindex(window.output)
    found = {i: [] for i in outputs}
    for j, k, i in cells(window):
        found[i].append((number[k], j))
    return {i: sorted(pairs) for i, pairs in found.items()}


def draw_max(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Few values, so ties; NaN and infinities now and then."""
    window, dtype = draw_window(data), draw_dtype(data)
    shape = (data.draw(st.sampled_from([1, 2, 0])), data.draw(st.integers(1, 2)), *window.input)
    x = draw_array(data, shape, dtype, -2, 2)
    if data.draw(st.booleans()):
        x = np.where(x == 2, np.array(np.nan, dtype), x)
        x = np.where(x == -2, np.array(-np.inf, dtype), x)
    return MaxPool(window), (x,)


def draw_moved(data: st.DataObject, operator: type[Operator]) -> tuple[Operator, tuple[Array, ...]]:
    """A random tap for each output, also taps that lead outside and -1."""
    window, dtype = draw_window(data), draw_dtype(data)
    shape = (data.draw(st.sampled_from([1, 2, 0])), data.draw(st.integers(1, 2)))
    tap = draw_array(data, (*shape, *window.output), "int32", -1, window.taps - 1)
    cells_of = window.output if operator is ScatterWindow else window.input
    return operator(window), (draw_array(data, (*shape, *cells_of), dtype), tap)


def draw_average(
    data: st.DataObject, operator: type[Operator]
) -> tuple[Operator, tuple[Array, ...]]:
    """Multiples of every count that can occur."""
    window, dtype = draw_window(data), draw_dtype(data)
    shape = (data.draw(st.sampled_from([1, 2, 0])), data.draw(st.integers(1, 2)))
    cells_of = window.input if operator is AveragePool else window.output
    x = draw_array(data, (*shape, *cells_of), dtype) * np.array(DIVISIBLE, dtype)
    return operator(window, data.draw(st.booleans())), (x,)


def brute_max(operator: MaxPool, x: Array):
    """The largest of the cells that meet, one by one; the first of equals; NaN above all."""
    y = np.full((*x.shape[:2], *operator.window.output), -np.inf)
    tap = np.full(y.shape, -1)
    for i, pairs in met(operator.window).items():
        for n, c in np.ndindex(x.shape[:2]):
            for number, j in pairs:
                new, old = x[n, c, *j], y[n, c, *i]
                if tap[n, c, *i] < 0 or new > old or (isnan(new) and not isnan(old)):
                    y[n, c, *i], tap[n, c, *i] = new, number
    return y, tap


def brute_scatter(operator: ScatterWindow, y: Array, tap: Array):
    """Each value to the cell that its tap leads to."""
    x = np.zeros((*y.shape[:2], *operator.window.input))
    for i, pairs in met(operator.window).items():
        for (n, c), (number, j) in product(np.ndindex(y.shape[:2]), pairs):
            if tap[n, c, *i] == number:
                x[n, c, *j] += y[n, c, *i]
    return (x,)


def brute_gather(operator: GatherWindow, x: Array, tap: Array):
    """Each output from the cell that its tap leads to."""
    y = np.zeros(tap.shape)
    for i, pairs in met(operator.window).items():
        for (n, c), (number, j) in product(np.ndindex(x.shape[:2]), pairs):
            if tap[n, c, *i] == number:
                y[n, c, *i] = x[n, c, *j]
    return (y,)


def divisor(operator: AveragePool | AveragePoolTranspose, found: int) -> int:
    """What a sum of `found` cells is divided by."""
    return operator.window.taps if operator.count_padding else max(found, 1)


def brute_average(operator: AveragePool, x: Array):
    """The mean of the cells that meet."""
    y = np.zeros((*x.shape[:2], *operator.window.output))
    for i, pairs in met(operator.window).items():
        for n, c in np.ndindex(x.shape[:2]):
            total = sum(x[n, c, *j] for _, j in pairs)
            y[n, c, *i] = total / divisor(operator, len(pairs))
    return (y,)


def brute_average_transpose(operator: AveragePoolTranspose, y: Array):
    """Each value shared among the cells that meet."""
    x = np.zeros((*y.shape[:2], *operator.window.input))
    for i, pairs in met(operator.window).items():
        for (n, c), (_, j) in product(np.ndindex(y.shape[:2]), pairs):
            x[n, c, *j] += y[n, c, *i] / divisor(operator, len(pairs))
    return (x,)


def onnx_settings(operator: MaxPool | AveragePool, x: Array) -> dict[str, list[int]] | None:
    """The attributes of ONNX's pooling; None where it has none, or a window of padding only."""
    axes, pads = operator.window.axes, onnx_pads(operator.window)
    if pads is None or not len(x) or not all(met(operator.window).values()):
        return None
    if any(p >= n for p, n in zip(pads[0], operator.window.kernel * 2, strict=True)):
        return None  # ONNX Runtime refuses such padding
    return {
        "kernel_shape": list(operator.window.kernel),
        "strides": [a.stride for a in axes],
        "pads": pads[0],
        "dilations": [a.dilation for a in axes],
    }


def onnx_max(operator: MaxPool, x: Array):
    """MaxPool of ONNX Runtime, whose padding never wins either; it has no rule for NaN."""
    settings = None if np.isnan(x).any() else onnx_settings(operator, x)
    return settings and runtime_results("MaxPool", (x,), **settings)


def onnx_average(operator: AveragePool, x: Array):
    """AveragePool of ONNX with both ways to count."""
    settings = onnx_settings(operator, x)
    counting = int(operator.count_padding)
    return settings and onnx_results("AveragePool", (x,), count_include_pad=counting, **settings)


X, Y = (1, 2, 5, 6), (1, 2, 3, 3)
TAP = Spec(Y, "int32")
WHOLE = Spec(X, "int64")

RECORDS = (
    Record(
        MaxPool,
        draw_max,
        brute_max,
        points="distinct",
        outsiders=(onnx_max,),
        refusals=(
            *window_refusals(MaxPool),
            refusal(r"x is \(1, 2, 5\); \(N, C, \*\(5, 6\)\)", lambda: MaxPool(WINDOW), (1, 2, 5)),
            refusal(r"x is \(1, 2, 6, 5\)", lambda: MaxPool(WINDOW), (1, 2, 6, 5)),
            refusal(r"not int64; use .astype", lambda: MaxPool(WINDOW), WHOLE),
        ),
    ),
    Record(
        ScatterWindow,
        partial(draw_moved, operator=ScatterWindow),
        brute_scatter,
        linear=(("y",),),
        refusals=(
            *window_refusals(ScatterWindow),
            refusal(r"y is \(1, 2, 5, 6\)", lambda: ScatterWindow(WINDOW), X, TAP),
            refusal(
                r"tap is int32 \(1, 3, 3, 3\); int32 \(1, 2, 3, 3\)",
                lambda: ScatterWindow(WINDOW),
                Y,
                Spec((1, 3, 3, 3), "int32"),
            ),
            refusal(r"tap is float32", lambda: ScatterWindow(WINDOW), Y, Y),
        ),
    ),
    Record(
        GatherWindow,
        partial(draw_moved, operator=GatherWindow),
        brute_gather,
        linear=(("x",),),
        refusals=(
            *window_refusals(GatherWindow),
            refusal(r"x is \(1, 2, 3, 3\)", lambda: GatherWindow(WINDOW), Y, TAP),
            refusal(r"tap is \(1, 2, 5, 6\)", lambda: GatherWindow(WINDOW), X, Spec(X, "int32")),
            refusal("tap is int64", lambda: GatherWindow(WINDOW), X, Spec(Y, "int64")),
        ),
    ),
    Record(
        AveragePool,
        partial(draw_average, operator=AveragePool),
        brute_average,
        linear=(("x",),),
        outsiders=(onnx_average,),
        refusals=(
            *window_refusals(AveragePool),
            refusal(r"x is \(1, 2, 3, 3\)", lambda: AveragePool(WINDOW), Y),
            refusal("not int64", lambda: AveragePool(WINDOW), WHOLE),
            refusal("complex64 is not computed", lambda: AveragePool(WINDOW), Spec(X, "complex64")),
            refusal("object is not computed", lambda: AveragePool(WINDOW), Spec(X, "object")),
        ),
    ),
    Record(
        AveragePoolTranspose,
        partial(draw_average, operator=AveragePoolTranspose),
        brute_average_transpose,
        linear=(("y",),),
        refusals=(
            *window_refusals(AveragePoolTranspose),
            refusal(r"y is \(1, 2, 5, 6\)", lambda: AveragePoolTranspose(WINDOW), X),
        ),
    ),
)

FUNCTIONS = (
    Function(
        "max_pool",
        torch="x kernel_size stride=None padding=0 dilation=1 ceil_mode=False return_indices=False",
        given=lambda n: (IMAGES[n], 2),
        is_spatial=True,
    ),
    Function(
        "avg_pool",
        torch="x kernel_size stride=None padding=0 "
        "ceil_mode=False count_include_pad=True divisor_override=None",
        given=lambda n: (IMAGES[n], 2),
        is_spatial=True,
    ),
    Function(
        "adaptive_avg_pool", torch="x output_size", given=lambda n: (IMAGES[n], 2), is_spatial=True
    ),
    Function(
        "adaptive_max_pool",
        torch="x output_size return_indices=False",
        given=lambda n: (IMAGES[n], 2),
        is_spatial=True,
    ),
    Function(
        "lp_pool",
        torch="x norm_type kernel_size stride=None ceil_mode=False",
        given=lambda n: (IMAGES[n], 2, 2),
        is_spatial=True,
    ),
)
