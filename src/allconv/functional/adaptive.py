"""Pooling to an output of a given size, whatever the input's."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.errors import ArgumentError
from allconv.functional.call import apply, evaluate, spatial
from allconv.functional.correlate import take_images
from allconv.functional.pool import flat_index, max_and_index
from allconv.intake.settings import flag, is_sequence, short_repr, whole
from allconv.operators.index import FlatIndex
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.sum_cells import SumCells
from allconv.window import Window

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]

LARGEST = 2**16  # cells of an output axis that is larger than the input's: each is planned
Spans = tuple[tuple[tuple[int, int], ...], ...]  # (first, last + 1) of each output, an axis each


def _sizes(output_size: Any, x: Any, axes: int) -> tuple[int, ...]:
    """The sizes of the output; None keeps one of the input's."""
    given = output_size if is_sequence(output_size) else (output_size,) * axes
    if len(given) != axes:
        raise ArgumentError(
            f"output_size is {short_repr(output_size)}; one number, or {axes}, is expected"
        )
    parts = zip(given, x.shape[2:], strict=True)
    return tuple(
        i if p is None else whole("output_size", p, least=1, most=max(i, LARGEST)) for p, i in parts
    )


def _even(input: tuple[int, ...], output: tuple[int, ...]) -> Window | None:
    """The window where every output meets equally many cells, each cell once; else None."""
    if any(i % p for i, p in zip(input, output, strict=True)):
        return None
    kernel = [i // p for i, p in zip(input, output, strict=True)]
    return Window.forward(input, kernel, stride=kernel)


def _spans(input: tuple[int, ...], output: tuple[int, ...]) -> Spans:
    """Output i of P meets the cells from floor(i*I/P) to ceil((i+1)*I/P) - 1."""
    return tuple(
        tuple((i * n // p, -(-(i + 1) * n // p)) for i in range(p))
        for n, p in zip(input, output, strict=True)
    )


def _adaptive_avg_pool(axes: int, x: Any, /, output_size: Any) -> Any:
    """Average pooling to an output of a given size, whatever the input's.

    Shapes: x (N, C, *I) -> (N, C, *output_size); None keeps a size. 1 is global average pooling.
    y[n,c,i] = the mean of the cells from floor(i*I/P) to ceil((i+1)*I/P) - 1 of each axis; where P
    does not divide I, windows differ by a cell and overlap.

    >>> import numpy as np
    >>> adaptive_avg_pool1d(np.array([[[1.0, 2, 6]]]), 2)
    array([[[1.5, 4. ]]])
    """
    x = take_images(x, axes)
    sizes = _sizes(output_size, x, axes)
    even = _even(x.shape[2:], sizes)
    if even is not None:
        return apply(AveragePool(even), x)
    return evaluate(_mean_of_spans, x, spans=_spans(x.shape[2:], sizes))


def _mean_of_spans(x: Any, *, spans: Spans) -> Any:
    """Sums along one axis after the other, divided by the cells of each window."""
    counts = np.ones((1, 1, *(1,) * len(spans)))
    for axis, rows in enumerate(spans, 2):
        cells = tuple(tuple(range(first, last)) for first, last in rows)
        x = apply(SumCells(axis, x.shape[axis], cells), x)
        lengths = np.array([last - first for first, last in rows], np.float64)
        counts = counts * lengths.reshape([-1 if a == axis else 1 for a in range(counts.ndim)])
    return x / counts.astype(x.dtype)


def _adaptive_max_pool(
    axes: int, x: Any, /, output_size: Any, *, return_indices: bool = False
) -> Any:
    """Max pooling to an output of a given size, whatever the input's.

    Shapes: x (N, C, *I) -> (N, C, *output_size); None keeps a size. 1 is global max pooling.
    Windows are those of `adaptive_avg_pool1d` ..., ties and indices those of `max_pool1d` ...

    >>> import numpy as np
    >>> adaptive_max_pool1d(np.array([[[1.0, 2, 6]]]), 2)
    array([[[2., 6.]]])
    """
    x = take_images(x, axes)
    sizes, return_indices = _sizes(output_size, x, axes), flag("return_indices", return_indices)
    window = _even(x.shape[2:], sizes)
    if window is None:
        return evaluate(
            _max_of_spans, x, spans=_spans(x.shape[2:], sizes), return_indices=return_indices
        )
    if return_indices:
        return evaluate(max_and_index, x, window=window, index=flat_index(window))
    y, _ = apply(MaxPool(window), x)
    return y


def _max_of_spans(x: Any, *, spans: Spans, return_indices: bool) -> Any:
    """The windows laid side by side, the shorter ones with their last cell again.

    A repeated cell comes after the one that it repeats, so it never wins.
    """
    image, kernel = x.shape[2:], []
    for axis, rows in enumerate(spans, 2):
        longest = max(last - first for first, last in rows)
        kernel.append(longest)
        cells = [min(a + k, b - 1) for a, b in rows for k in range(longest)]
        x = apply(SumCells(axis, x.shape[axis], tuple((j,) for j in cells)), x)
    y, tap = apply(MaxPool(Window.forward(x.shape[2:], kernel, stride=kernel)), x)
    if not return_indices:
        return y
    starts = tuple(tuple(first for first, _ in rows) for rows in spans)
    index = FlatIndex(image, tuple(kernel), (1,) * len(kernel), starts)
    return y, apply(index, tap)


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = spatial(_adaptive_avg_pool)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = spatial(_adaptive_max_pool)
