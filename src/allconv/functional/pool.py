"""Max, average and norm pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.errors import ArgumentError
from allconv.functional.call import apply, evaluate, spatial
from allconv.functional.correlate import take_images
from allconv.functional.settings import Sizes, per_axis
from allconv.intake.refusals import refusal
from allconv.intake.settings import flag, number, whole
from allconv.operators.arrange import Pad
from allconv.operators.correlate import Correlate
from allconv.operators.index import FlatIndex
from allconv.operators.pointwise import Exp, Log, Relu, Select, Sqrt
from allconv.operators.pool import AveragePool, MaxPool
from allconv.window import Window

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]


def _window(
    input: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> Window:
    """The window of a pooling; `ceil_mode` adds one that starts inside and reaches outside."""
    axes = len(kernel)
    s = kernel if stride is None else per_axis("stride", stride, axes)
    pads = per_axis("padding", padding, axes, least=0)
    d = per_axis("dilation", dilation, axes)
    for p, k in zip(pads, kernel, strict=True):
        if 2 * p > k:
            raise ArgumentError(refusal("pool padding", padding=p, kernel=k))
    make = Window.ceiled if flag("ceil_mode", ceil_mode) else Window.forward
    return make(input, kernel, stride=s, dilation=d, padding=[(p, p) for p in pads])


def _max_pool(
    axes: int,
    x: Any,
    /,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Max pooling: the largest value under the window, each channel on its own.

    Shapes: x (N, C, *I) -> (N, C, *P); float32 or float64.
    y[n,c,i] = max over k of x[n,c,j] where j = s*i + d*k - p.

    The stride is the kernel's size unless given; padding (at most half of the kernel) never wins,
    NaN does, and of equal values the first in row-major order wins: the gradient follows it.
    `ceil_mode` adds a last output for what is left over. With `return_indices` the result is (y,
    indices), int64 (N, C, *P): which cell of its image, counted row by row, each value is; -1 where
    a dilated window meets padding only.

    >>> import numpy as np
    >>> max_pool1d(np.array([[[1.0, 5, 2, 3]]]), 2)
    array([[[5., 3.]]])
    """
    x = take_images(x, axes)
    kernel = per_axis("kernel_size", kernel_size, axes)
    window = _window(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    if flag("return_indices", return_indices):
        return evaluate(max_and_index, x, window=window, index=flat_index(window))
    y, _ = apply(MaxPool(window), x)
    return y


def flat_index(window: Window) -> FlatIndex:
    """The operator from the taps of a window to flat indices of its input."""
    starts = tuple(tuple(axis.starts) for axis in window.axes)
    dilation = tuple(axis.dilation for axis in window.axes)
    return FlatIndex(window.input, window.kernel, dilation, starts)


def max_and_index(x: Any, *, window: Window, index: FlatIndex) -> tuple[Any, Any]:
    """The largest values and where they lie."""
    y, tap = apply(MaxPool(window), x)
    return y, apply(index, tap)


def _avg_pool(
    axes: int,
    x: Any,
    /,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """Average pooling: a convolution of each channel with a constant kernel.

    Shapes: x (N, C, *I) -> (N, C, *P); float32 or float64.
    y[n,c,i] = sum over k of x[n,c,j], divided by the cells of the window. Padding is counted among
    them unless `count_include_pad=False`; what `ceil_mode` reaches beyond the padding never is.
    `divisor_override` divides every sum by that number instead.

    >>> import numpy as np
    >>> avg_pool1d(np.array([[[1.0, 5, 2, 3]]]), 2)
    array([[[3. , 2.5]]])
    """
    x = take_images(x, axes)
    kernel = per_axis("kernel_size", kernel_size, axes)
    window = _window(x.shape[2:], kernel, stride, padding, 1, ceil_mode)
    if divisor_override is not None:
        divisor = whole("divisor_override", divisor_override, least=1)
        return evaluate(_divided_sum, x, window=window, divisor=float(divisor))
    counted = flag("count_include_pad", count_include_pad)
    if counted and any(a.high > a.padding for a in window.axes):
        # Padding is counted, what lies beyond is not: so make the padding cells of the input.
        x = apply(Pad(((0, 0), (0, 0), *((a.padding, a.padding) for a in window.axes))), x)
        window = Window(tuple(a.moved(a.padding, a.padding) for a in window.axes))
        return apply(AveragePool(window, False), x)
    return apply(AveragePool(window, counted), x)


def window_sum(x: Any, window: Window) -> Any:
    """The sum under each window, every channel on its own: a depthwise kernel of ones."""
    ones = np.ones((x.shape[1], 1, *window.kernel), x.dtype)
    return apply(Correlate(window, x.shape[1]), x, ones)


def _divided_sum(x: Any, *, window: Window, divisor: float) -> Any:
    """The sum under each window by one divisor."""
    return window_sum(x, window) / divisor


def _lp_pool(
    axes: int,
    x: Any,
    /,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    *,
    ceil_mode: bool = False,
) -> Any:
    """Norm pooling: the p-norm of what lies under the window, each channel on its own.

    Shapes: x (N, C, *I) -> (N, C, *P); float32 or float64.
    y[n,c,i] = (sum over k of x[n,c,j]**p) ** (1/p), p = norm_type > 0. As in PyTorch the power
    keeps its sign where p is odd (p = 1 is the sum) and the root of a negative sum is NaN; where
    the sum is 0 the gradient is 0; infinity is the largest |x|, -infinity the smallest.

    >>> import numpy as np
    >>> lp_pool1d(np.array([[[3.0, 4, 0, 5]]]), 2, 2)
    array([[[5., 5.]]])
    """
    x = take_images(x, axes)
    p = number("norm_type", norm_type, "a number above 0, 2 say,", lambda n: n > 0 or n == -np.inf)
    kernel = per_axis("kernel_size", kernel_size, axes)
    window = _window(x.shape[2:], kernel, stride, 0, 1, ceil_mode)
    return evaluate(window_norm, x, window=window, p=p)


def window_norm(x: Any, *, window: Window, p: float) -> Any:
    """The p-norm under each window."""
    if np.isinf(p):
        sign = 1.0 if p > 0 else -1.0
        return sign * apply(MaxPool(window), sign * abs(x))[0]
    return _power(window_sum(_power(x, p), window), 1.0 / p)


def _power(x: Any, p: float) -> Any:
    """x**p; NaN where x < 0 and p is no whole number; its gradient at 0 is that of a constant."""
    if p.is_integer() and p <= 16:
        return x ** int(p)
    above = apply(Select(), x, x, 1.0)  # roots are taken where they have a slope
    root = apply(Sqrt(), above) if p == 0.5 else apply(Exp(), apply(Log(), above) * p)
    rest = apply(Select(), -x, np.nan, apply(Relu(), x))  # NaN stays NaN, 0 stays 0
    return apply(Select(), x, root, rest)


max_pool1d, max_pool2d, max_pool3d = spatial(_max_pool)
avg_pool1d, avg_pool2d, avg_pool3d = spatial(_avg_pool)
lp_pool1d, lp_pool2d, lp_pool3d = spatial(_lp_pool)
