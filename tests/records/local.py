"""Records of the three views of the locally connected form."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from records.correlate import WINDOW, X, Y, draw_form
from records.record import (
    IMAGES,
    Function,
    Record,
    cells,
    draw_array,
    draw_dtype,
    refusal,
    window_refusals,
)


def draw(
    data: st.DataObject, operator: type[Operator], first: str, second: str, *, bias: bool = False
) -> tuple[Operator, tuple[Array, ...]]:
    """An operator of the family with its operands, by their letters."""
    window, groups, shapes = draw_form(data)
    shapes["w"] += window.output
    shapes["b"] = (
        (shapes["x"][1], *window.input) if "y" in (first, second) else shapes["b"] + window.output
    )
    dtype = draw_dtype(data)
    names = [first, second, *(["b"] if bias and data.draw(st.booleans()) else [])]
    return operator(window, groups), tuple(draw_array(data, shapes[n], dtype) for n in names)


def brute_local(operator: Local, x: Array, w: Array, b: Array | None = None):
    """y by the scalar sum over what meets."""
    y = np.zeros((len(x), len(w), *operator.window.output))
    y += 0 if b is None else b
    share = len(w) // operator.groups
    for j, k, i in cells(operator.window):
        for n, o, c in np.ndindex(len(x), len(w), w.shape[1]):
            y[n, o, *i] += x[n, o // share * w.shape[1] + c, *j] * w[o, c, *k, *i]
    return (y,)


def brute_transpose(operator: LocalTranspose, w: Array, y: Array, b: Array | None = None):
    """x by the scalar sum over what meets."""
    x = np.zeros((len(y), w.shape[1] * operator.groups, *operator.window.input))
    x += 0 if b is None else b
    share = len(w) // operator.groups
    for j, k, i in cells(operator.window):
        for n, o, c in np.ndindex(len(y), len(w), w.shape[1]):
            x[n, o // share * w.shape[1] + c, *j] += w[o, c, *k, *i] * y[n, o, *i]
    return (x,)


def brute_weight(operator: LocalWeight, x: Array, y: Array):
    """w by the scalar sum over what meets."""
    channels, share = x.shape[1] // operator.groups, y.shape[1] // operator.groups
    window = operator.window
    w = np.zeros((y.shape[1], channels, *window.kernel, *window.output))
    for j, k, i in cells(window):
        for n, o, c in np.ndindex(len(x), len(w), channels):
            w[o, c, *k, *i] += x[n, o // share * channels + c, *j] * y[n, o, *i]
    return (w,)


def forward() -> Local:
    """y (N, 3, 3, 3) from x (N, 2, 5, 5) and w (3, 2, 3, 3, 3, 3)."""
    return Local(WINDOW)


def transpose() -> LocalTranspose:
    """The transpose of `forward`."""
    return LocalTranspose(WINDOW)


def weight() -> LocalWeight:
    """The gradient of the weights of `forward`."""
    return LocalWeight(WINDOW)


W = (3, 2, 3, 3, 3, 3)

RECORDS = (
    Record(
        Local,
        partial(draw, operator=Local, first="x", second="w", bias=True),
        brute_local,
        linear=(("x", "b"), ("w", "b")),
        refusals=(
            *window_refusals(Local),
            refusal(r"w is \(3, 2, 3, 3\); .*\(3, 3, 3, 3\)", forward, X, (3, 2, 3, 3)),
            refusal(r"x is \(1, 2, 6, 5\)", forward, (1, 2, 6, 5), W),
            refusal("x has 2 channels, 2 a group; .* for 3", forward, X, (3, 3, 3, 3, 3, 3)),
            refusal(r"bias is \(3,\); \(3, 3, 3\) is expected", forward, X, W, (3,)),
            refusal("w has 3 .*groups=2", lambda: Local(WINDOW, 2), X, (3, 1, 3, 3, 3, 3)),
        ),
    ),
    Record(
        LocalTranspose,
        partial(draw, operator=LocalTranspose, first="w", second="y", bias=True),
        brute_transpose,
        linear=(("w", "b"), ("y", "b")),
        refusals=(
            *window_refusals(LocalTranspose),
            refusal(r"w is \(3, 2, 3, 3\)", transpose, (3, 2, 3, 3), Y),
            refusal(r"y is \(1, 3, 3\)", transpose, W, (1, 3, 3)),
            refusal("y has 2 channels, not 3", transpose, W, (1, 2, 3, 3)),
            refusal(r"bias is \(2,\); \(2, 5, 5\) is expected", transpose, W, Y, (2,)),
        ),
    ),
    Record(
        LocalWeight,
        partial(draw, operator=LocalWeight, first="x", second="y"),
        brute_weight,
        linear=(("x",), ("y",)),
        refusals=(
            *window_refusals(LocalWeight),
            refusal("x is a batch of 2, y of 1", weight, (2, 2, 5, 5), Y),
            refusal(r"y is \(1, 3, 4, 3\)", weight, X, (1, 3, 4, 3)),
            refusal("x has 2 channels; groups=3", lambda: LocalWeight(WINDOW, 3), X, Y),
        ),
    ),
)

FUNCTIONS = (
    Function(
        "locally_connected",
        given=lambda n: (IMAGES[n], np.ones((2, 2, *(2,) * n, *(3,) * n))),
        is_spatial=True,
    ),
    Function(
        "locally_connected_transpose",
        given=lambda n: (IMAGES[n], np.ones((2, 2, *(2,) * n, *(4,) * n))),
        is_spatial=True,
    ),
)
