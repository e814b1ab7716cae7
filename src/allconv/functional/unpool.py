"""Max unpooling: values put back where a max pooling found them."""

from __future__ import annotations

from math import prod
from typing import Any

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import apply, spatial, take_labels
from allconv.functional.correlate import take_images
from allconv.functional.settings import Sizes, per_axis
from allconv.intake.settings import is_sequence
from allconv.operators.index import WriteAt
from allconv.value import Value
from allconv.window import least_input

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def _max_unpool(
    axes: int,
    x: Any,
    /,
    indices: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sizes | None = None,
) -> Any:
    """Max unpooling: each value at its index, zeros elsewhere.

    Shapes: x and indices (N, C, *P), of `max_pool1d` ... with return_indices -> (N, C, *I).
    y[n,c,indices[n,c,i]] = x[n,c,i]; of several values for a cell the last, in row-major order.

    I is stride*(P-1) + kernel_size - 2*padding, or `output_size` (of the image, or the whole
    shape), which may differ from that by less than a stride. Indices are of any integer dtype and
    count the cells of the output row by row.

    >>> import numpy as np
    >>> max_unpool1d(np.array([[[5.0, 3]]]), np.array([[[1, 3]]]), 2)
    array([[[0., 5., 0., 3.]]])
    """
    x, indices = take_images(x, axes), take_labels("indices", indices)
    if indices.shape != x.shape:
        raise ShapeError(f"indices are {indices.shape}; the shape of x, {x.shape}, is expected")
    kernel = per_axis("kernel_size", kernel_size, axes)
    s = kernel if stride is None else per_axis("stride", stride, axes)
    pads = per_axis("padding", padding, axes, least=0)
    plain = tuple(
        least_input(n, k, step, 1, (p, p))
        for n, step, k, p in zip(x.shape[2:], s, kernel, pads, strict=True)
    )
    image = plain if output_size is None else _image(output_size, x.shape, plain, s)
    if min(image) < 1:
        raise ShapeError(f"the output would have the sizes {image}; use less padding")
    if not isinstance(indices, Value) and indices.size:
        low, high = int(indices.min()), int(indices.max())
        if low < 0 or high >= prod(image):
            raise ArgumentError(
                f"indices reach from {low} to {high}; an output of {image} has the cells 0 to "
                f"{prod(image) - 1}: give the output_size of the pooling's input"
            )
    return apply(WriteAt(image), x, indices)


def _image(
    given: Any, shape: tuple[int, ...], plain: tuple[int, ...], stride: tuple[int, ...]
) -> tuple[int, ...]:
    """The sizes that are asked for, if the pooling could have started from them."""
    axes = len(plain)
    if is_sequence(given) and len(given) == axes + 2:
        whole_shape = per_axis("output_size", given, axes + 2, least=0)
        if whole_shape[:2] != tuple(shape[:2]):
            raise ArgumentError(
                f"output_size is {whole_shape}; x has the batch and channels {shape[:2]}"
            )
        given = whole_shape[2:]
    sizes = per_axis("output_size", given, axes)
    for n, expected, least, s in zip(range(axes), sizes, plain, stride, strict=True):
        if not least - s < expected < least + s:
            raise ArgumentError(
                f"output_size is {expected} on axis {n}; {max(least - s + 1, 1)} to "
                f"{least + s - 1} are possible"
            )
    return sizes


max_unpool1d, max_unpool2d, max_unpool3d = spatial(_max_unpool)
