"""The one idea on plain arrays and lists: no batch, no channels.

    sum over all j, k, i with j + p = s*i + d*k, an axis each, of x[j] * w[k] * y[i]

Leaving out y, x or w gives `correlate`, `correlate_transpose` and `correlate_weight`. Integers and
booleans are computed exactly, in their own dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import apply, public
from allconv.functional.correlate import flipped, transpose_window
from allconv.functional.settings import Padding, Sizes, pairs, per_axis, window_of
from allconv.intake.arrays import take_array
from allconv.intake.limits import MOST_AXES, check_axes
from allconv.operators.base import FLOATS
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.value import Value
from allconv.window import Axis


@public
def correlate(
    x: Any, w: Any, /, *, stride: Sizes = 1, padding: Padding = 0, dilation: Sizes = 1
) -> Any:
    """Slide `w` over `x` without turning it round, and sum the products.

    Shapes: x (*I), w (*K) -> (*P), any number of axes; numbers of any real dtype, or lists.
    y[i] = sum over k of x[s*i + d*k - p] * w[k]. Settings as in `functional.conv1d`.

    >>> correlate([1, 2, 3, 4], [1, 2, 3])
    array([14, 20])
    """
    x, w = _operands(x=x, w=w)
    window = window_of(x.shape, w.shape, stride, padding, dilation)
    return _plain(apply(Correlate(window), _lifted(x), _lifted(w)))


@public
def convolve(
    x: Any, w: Any, /, *, stride: Sizes = 1, padding: Padding = 0, dilation: Sizes = 1
) -> Any:
    """True convolution: `correlate` with `w` flipped along every axis.

    >>> convolve([1, 2, 3, 4], [1, 2, 3])
    array([10, 16])
    """
    x, w = _operands(x=x, w=w)
    window = window_of(x.shape, w.shape, stride, padding, dilation)
    kernel = flipped(w, len(w.shape)) if w.shape else w
    return _plain(apply(Correlate(window), _lifted(x), _lifted(kernel)))


@public
def correlate_transpose(
    y: Any,
    w: Any,
    /,
    *,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    output_size: Sizes | None = None,
) -> Any:
    """The adjoint of `correlate` in x: every y[i] lays y[i] * w over the cells that it came from.

    Shapes: y (*P), w (*K) -> (*I): the smallest I whose correlation has the size P, or
    `output_size`. x[j] = sum of y[i] * w[k] over the i, k with j = s*i + d*k - p.

    >>> correlate_transpose([14, 20], [1, 2, 3])
    array([14, 48, 82, 60])
    """
    y, w = _operands(y=y, w=w)
    window = transpose_window(y.shape, w.shape, stride, padding, 0, dilation, output_size)
    return _plain(apply(CorrelateTranspose(window), _lifted(w), _lifted(y)))


@public
def correlate_weight(
    x: Any,
    y: Any,
    /,
    *,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    kernel_size: Sizes | None = None,
) -> Any:
    """The adjoint of `correlate` in w: what meets each tap, summed.

    Shapes: x (*I), y (*P) -> (*K): the largest K whose correlation has the size P, or
    `kernel_size`. w[k] = sum over i of x[s*i + d*k - p] * y[i].

    >>> correlate_weight([1, 2, 3, 4], [1, 10])
    array([21, 32, 43])
    """
    x, y = _operands(x=x, y=y)
    kernel = _kernel(x.shape, y.shape, stride, padding, dilation, kernel_size)
    window = window_of(x.shape, kernel, stride, padding, dilation)
    if window.output != y.shape:
        raise ShapeError(
            f"y is {y.shape}; x {x.shape} and a kernel of {kernel} give {window.output}"
        )
    return _plain(apply(CorrelateWeight(window), _lifted(x), _lifted(y)))


def _kernel(
    input: tuple[int, ...],
    output: tuple[int, ...],
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    given: Sizes | None,
) -> tuple[int, ...]:
    """The sizes of the kernel: as given, or the largest that fit."""
    if given is not None:
        return per_axis("kernel_size", given, len(input))
    if isinstance(padding, str) and padding != "valid":
        raise ArgumentError(f'padding="{padding}" depends on the kernel; give kernel_size')
    strides = per_axis("stride", stride, len(input))
    dilations = per_axis("dilation", dilation, len(input))
    ends = pairs(padding, input, input, strides, dilations)
    kernel = []
    for i, p, s, d, (low, high) in zip(input, output, strides, dilations, ends, strict=True):
        size = Axis(i, p, 1, d, s).fitting(low, high)  # outputs and taps change places
        if size < 1:
            raise ShapeError(f"y is {output}; x {input} is too small for so many outputs")
        kernel.append(size)
    return tuple(kernel)


def _operands(**named: Any) -> list[Any]:
    """Two arrays of as many axes, promoted together as in NumPy."""
    taken = [_real(name, given) for name, given in named.items()]
    (a, b), (first, second) = taken, named
    if len(a.shape) != len(b.shape):
        raise ShapeError(
            f"{first} is {a.shape}, {second} {b.shape}; arrays of as many axes are expected"
        )
    for name, each in zip(named, taken, strict=True):
        check_axes(name, len(each.shape), MOST_AXES - 2)  # a batch and channels are added
        if 0 in each.shape:
            raise ShapeError(f"{name} is {each.shape}: a size is 0")
    dtype = np.result_type(*(np.dtype(each.dtype) for each in taken))
    return [each if np.dtype(each.dtype) == dtype else each.astype(dtype) for each in taken]


def _real(name: str, given: Any) -> Any:
    if isinstance(given, Value):
        return given
    array = take_array(name, given)
    if array.dtype.name in FLOATS or array.dtype.kind in "biu":
        return array
    raise ArgumentError(f"{name} is {array.dtype.name}; integers, float32 or float64 are expected")


def _lifted(x: Any) -> Any:
    return x.reshape((1, 1, *x.shape))


def _plain(y: Any) -> Any:
    return y.reshape(y.shape[2:])
