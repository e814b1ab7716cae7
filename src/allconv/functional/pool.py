"""Pooling, as `torch.nn.functional` spells it."""

from __future__ import annotations

from typing import Any

from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.functional.call import apply, spatial, take_float
from allconv.functional.correlate import check_rank, check_sizes
from allconv.functional.settings import Sizes, is_sequence, per_axis
from allconv.operators.arrange import Pad
from allconv.operators.pool import AveragePool, MaxPool
from allconv.window import Axis, Window


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
            raise ArgumentError(f"padding is {p}; at most half of kernel_size {k} is possible")
    if not ceil_mode:
        return Window.forward(input, kernel, stride=s, dilation=d, padding=[(p, p) for p in pads])
    return Window(tuple(map(_ceiled, input, kernel, s, d, pads)))


def _ceiled(i: int, k: int, s: int, d: int, p: int) -> Axis:
    """An axis whose last output may reach beyond the padding, if it starts before it."""
    output = -(-(i + 2 * p - d * (k - 1) - 1) // s) + 1
    if (output - 1) * s >= i + p:
        output -= 1
    if output < 1:
        raise ShapeError(f"the kernel of {k} (dilation {d}) starts outside the input of {i}")
    return Axis(i, k, output, s, d, 1, p)


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
    NaN does, and of equal values the first in row-major order is followed by the gradient.
    `ceil_mode` adds a last output for what is left over.

    >>> import numpy as np
    >>> max_pool1d(np.array([[[1.0, 5, 2, 3]]]), 2)
    array([[[5., 3.]]])
    """
    x = take_float("x", x)
    check_rank("x", x, axes)
    check_sizes(x)
    if return_indices:
        raise UnsupportedError("return_indices=True is not done yet; without it, pooling is")
    kernel = per_axis("kernel_size", kernel_size, axes)
    window = _window(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    y, _ = apply(MaxPool(window), x)
    return y


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
    """
    x = take_float("x", x)
    check_rank("x", x, axes)
    check_sizes(x)
    if divisor_override is not None:
        raise UnsupportedError("divisor_override is not done; multiply the result instead")
    kernel = per_axis("kernel_size", kernel_size, axes)
    window = _window(x.shape[2:], kernel, stride, padding, 1, ceil_mode)
    if count_include_pad and any(a.high > a.padding for a in window.axes):
        # Padding is counted, what lies beyond is not: so make the padding cells of the input.
        x = apply(Pad(((0, 0), (0, 0), *((a.padding, a.padding) for a in window.axes))), x)
        window = Window(tuple(_moved(axis) for axis in window.axes))
        return apply(AveragePool(window, False), x)
    return apply(AveragePool(window, count_include_pad), x)


def _moved(axis: Axis) -> Axis:
    """The same axis on an input that holds its padding."""
    return Axis(axis.input + 2 * axis.padding, axis.kernel, axis.output, axis.stride)


def _adaptive_avg_pool(axes: int, x: Any, /, output_size: Any) -> Any:
    """Average pooling to an output of a given size, whatever the input's.

    Shapes: x (N, C, *I) -> (N, C, *output_size); None keeps a size. 1 is global average pooling.
    """
    x = take_float("x", x)
    check_rank("x", x, axes)
    check_sizes(x)
    given = output_size if is_sequence(output_size) else (output_size,) * axes
    if len(given) != axes:
        raise ArgumentError(f"output_size is {output_size!r}; one number, or {axes}, is wanted")
    parts = zip(given, x.shape[2:], strict=True)
    sizes = per_axis("output_size", [i if p is None else p for p, i in parts], axes)
    for p, i in zip(sizes, x.shape[2:], strict=True):
        if i % p:
            raise UnsupportedError(
                f"output_size {p} does not divide the input's {i}; windows of unequal size are not "
                "done: use a size that divides, or 1"
            )
    kernel = [i // p for p, i in zip(sizes, x.shape[2:], strict=True)]
    return apply(AveragePool(Window.forward(x.shape[2:], kernel, stride=kernel)), x)


max_pool1d = spatial(_max_pool, 1)
max_pool2d = spatial(_max_pool, 2)
max_pool3d = spatial(_max_pool, 3)
avg_pool1d = spatial(_avg_pool, 1)
avg_pool2d = spatial(_avg_pool, 2)
avg_pool3d = spatial(_avg_pool, 3)
adaptive_avg_pool1d = spatial(_adaptive_avg_pool, 1)
adaptive_avg_pool2d = spatial(_adaptive_avg_pool, 2)
adaptive_avg_pool3d = spatial(_adaptive_avg_pool, 3)
