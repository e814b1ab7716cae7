"""Windows cut out of images, and put back: im2col and col2im."""

from __future__ import annotations

from math import prod
from typing import Any

from allconv.errors import LimitError, ShapeError
from allconv.functional.call import evaluate, public, take_float
from allconv.functional.correlate import check_sizes, take_images
from allconv.functional.settings import Sizes, per_axis
from allconv.operators.arrange import Reshape, Transpose
from allconv.operators.sum_cells import SumCells
from allconv.window import Axis, Window

__all__ = ["fold", "unfold"]

AXES = 2
LARGEST = 2**22  # pairs of tap and output along an axis: each is planned


def _window(
    input: tuple[int, ...], kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> Window:
    """The window of the patches of an image."""
    pads = per_axis("padding", padding, AXES, least=0)
    window = Window.forward(
        input,
        per_axis("kernel_size", kernel, AXES),
        stride=per_axis("stride", stride, AXES),
        dilation=per_axis("dilation", dilation, AXES),
        padding=[(p, p) for p in pads],
    )
    check_pairs(window)
    return window


def check_pairs(window: Window) -> None:
    """Refuse a window with more pairs of tap and output along an axis than are planned."""
    for axis in window.axes:
        if axis.kernel * axis.output > LARGEST:
            raise LimitError(
                f"{axis.kernel} taps of {axis.output} outputs are more than {LARGEST} along an "
                "axis; use a smaller kernel_size or padding, or a larger stride"
            )


def _met(axis: Axis) -> tuple[tuple[int, ...], ...]:
    """The cell, or none, of every pair (tap, output) of an axis."""
    met = (axis.source(i, k) for k in range(axis.kernel) for i in range(axis.output))
    return tuple(() if j is None else (j,) for j in met)


@public
def unfold(
    x: Any,
    /,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Any:
    """Every window of an image as a column (im2col).

    Shapes: x (N, C, H, W) -> (N, C*K, P), K the taps and P the outputs of the window, both counted
    row by row; padding holds zeros.

    >>> import numpy as np
    >>> unfold(np.arange(6.0).reshape(1, 1, 2, 3), 2)
    array([[[0., 1.], [1., 2.], [3., 4.], [4., 5.]]])
    """
    x = take_images(x, AXES)
    window = _window(x.shape[2:], kernel_size, dilation, padding, stride)
    return evaluate(_unfolded, x, window=window)


def _unfolded(x: Any, *, window: Window) -> Any:
    """The cells of every (tap, output) of each axis, then taps before outputs."""
    n, c = x.shape[:2]
    for axis, each in enumerate(window.axes, 2):
        x = SumCells(axis, each.input, _met(each))(x)
    (a, b), (p, q) = window.kernel, window.output
    x = Transpose((0, 1, 2, 4, 3, 5))(Reshape((n, c, a, p, b, q))(x))
    return Reshape((n, c * a * b, p * q))(x)


@public
def fold(
    x: Any,
    /,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Any:
    """The transpose of `unfold`: columns added up where their windows lie (col2im).

    Shapes: x (N, C*K, P) -> (N, C, *output_size).

    >>> import numpy as np
    >>> fold(np.ones((1, 4, 2)), (2, 3), 2)
    array([[[[1., 2., 1.], [1., 2., 1.]]]])
    """
    x = take_float("x", x)
    if len(x.shape) != 3:
        raise ShapeError(f"x is {x.shape}; (N, C*K, P) is expected")
    check_sizes(x.shape)
    sizes = per_axis("output_size", output_size, AXES)
    window = _window(sizes, kernel_size, dilation, padding, stride)
    if x.shape[1] % window.taps:
        raise ShapeError(
            f"x is {x.shape}; a multiple of the {window.taps} taps is expected, axis 1"
        )
    if x.shape[2] != prod(window.output):
        raise ShapeError(
            f"x is {x.shape}; the window has the outputs {window.output}, "
            f"{prod(window.output)} in all, which are expected on axis 2"
        )
    return evaluate(folded_columns, x, window=window)


def folded_columns(x: Any, *, window: Window) -> Any:
    """What `_unfolded` does, backwards, for any number of axes."""
    n, c, axes = x.shape[0], x.shape[1] // window.taps, len(window.axes)
    pairs = [axis for a in range(axes) for axis in (2 + a, 2 + axes + a)]
    x = Reshape((n, c, *window.kernel, *window.output))(x)
    x = Transpose((0, 1, *pairs))(x)
    x = Reshape((n, c, *(each.kernel * each.output for each in window.axes)))(x)
    for axis, each in enumerate(window.axes, 2):
        x = SumCells(axis, each.input, _met(each)).transposed()(x)
    return x
