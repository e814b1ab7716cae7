"""Indices, unpooling, windows of varying size, norms, patches and transposed local layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from allconv import functional as F

Array = np.ndarray[Any, Any]


def whole_numbers(seed: int, *shape: int) -> Array:
    """Small whole numbers as float64, on which sums of products are exact."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float64)


@given(st.data())
def test_indices_lead_to_the_first_of_the_largest(data: st.DataObject) -> None:
    """Each index is that of the first cell, row by row, of the window that holds the largest."""
    k, s, d = (data.draw(st.tuples(*[st.integers(1, 3)] * 2)) for _ in range(3))
    p = tuple(data.draw(st.integers(0, n // 2)) for n in k)
    sizes = [b * (a - 1) + 1 + data.draw(st.integers(0, 3)) for a, b in zip(k, d, strict=True)]
    ceil = data.draw(st.booleans())
    x = whole_numbers(data.draw(st.integers(0, 99)), 2, 2, *sizes)
    y, index = F.max_pool2d(x, k, s, p, d, ceil_mode=ceil, return_indices=True)
    assert index.dtype == np.int64
    assert np.array_equal(y, F.max_pool2d(x, k, s, p, d, ceil_mode=ceil))
    for n, c, *i in np.ndindex(y.shape):
        rows, columns = (
            [each for t in range(k[a]) if 0 <= (each := s[a] * i[a] + d[a] * t - p[a]) < sizes[a]]
            for a in range(2)
        )
        cells = [(x[n, c, a, b], -(a * sizes[1] + b)) for a in rows for b in columns]
        value, negative = max(cells, default=(-np.inf, 1))
        assert (y[n, c, *i], index[n, c, *i]) == (value, -negative)


def test_indices_of_nan() -> None:
    """The first NaN of a window wins and has the index."""
    x = np.array([[[1.0, np.nan, np.nan, 5]]])
    _, index = F.max_pool1d(x, 4, return_indices=True)
    assert index.tolist() == [[[1]]]


def test_unpooling_is_the_inverse_where_windows_do_not_overlap() -> None:
    """Pooling what was unpooled gives it back; every other cell is 0."""
    x = np.random.default_rng(0).uniform(1, 2, (2, 3, 7, 9))
    y, index = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(y, index, 2, output_size=x.shape)
    assert back.shape == x.shape
    assert np.array_equal(F.max_pool2d(back, 2), y)
    assert np.count_nonzero(back) == y.size
    assert np.array_equal(back[back > 0], x[back > 0])


def test_the_last_of_several_values_counts() -> None:
    """Two values for one cell: the later one is there, and gets the gradient."""
    from allconv import grad

    x, index = np.array([[[5.0, 7.0]]]), np.array([[[1, 1]]], np.uint8)
    assert F.max_unpool1d(x, index, 2).tolist() == [[[0, 7, 0, 0]]]
    weights = np.arange(1.0, 5.0)
    gx = grad(lambda x: (F.max_unpool1d(x, index, 2) * weights).sum())(x)
    assert gx.tolist() == [[[0, 2]]]


@given(st.data())
def test_windows_of_varying_size(data: st.DataObject) -> None:
    """Adaptive pooling takes the cells from floor(i*I/P) to ceil((i+1)*I/P) of each axis."""
    sizes, out = (data.draw(st.tuples(*[st.integers(1, 7)] * 2)) for _ in range(2))
    x = whole_numbers(data.draw(st.integers(0, 99)), 2, 3, *sizes)
    mean = F.adaptive_avg_pool2d(x, out)
    largest, index = F.adaptive_max_pool2d(x, out, return_indices=True)
    assert np.array_equal(largest, F.adaptive_max_pool2d(x, out))
    for i in np.ndindex(out):
        low = [int(np.floor(a * n / p)) for a, n, p in zip(i, sizes, out, strict=True)]
        high = [int(np.ceil((a + 1) * n / p)) for a, n, p in zip(i, sizes, out, strict=True)]
        window = x[:, :, low[0] : high[0], low[1] : high[1]]
        assert np.allclose(mean[(..., *i)], window.mean((2, 3)), rtol=1e-15, atol=1e-15)
        assert np.array_equal(largest[(..., *i)], window.max((2, 3)))
        flat = window.reshape(2, 3, -1).argmax(-1)
        row, column = np.unravel_index(flat, window.shape[2:])
        assert np.array_equal(index[(..., *i)], (row + low[0]) * sizes[1] + column + low[1])


@pytest.mark.parametrize("norm", [1, 2, 3, 4, 2.5, np.inf, -np.inf])
def test_norms(norm: float) -> None:
    """The norm of every window, as numpy.linalg has it, of numbers above 0."""
    x = np.random.default_rng(1).uniform(0.5, 2, (2, 3, 6, 7))
    windows = sliding_window_view(x, (3, 2), (2, 3))[:, :, ::2, ::2].reshape(2, 3, 2, 3, 6)
    wanted = np.linalg.norm(windows, norm, axis=-1)
    assert np.allclose(F.lp_pool2d(x, norm, (3, 2), 2), wanted, rtol=1e-14)


def test_norms_at_zero_and_below() -> None:
    """A zero window has norm and gradient 0; the root of a negative sum is NaN, NaN stays NaN."""
    from allconv import grad

    x = np.array([[[0.0, 0, 3, 4]]])
    assert F.lp_pool1d(x, 2, 2).tolist() == [[[0, 5]]]
    gx = grad(lambda x: F.lp_pool1d(x, 2, 2).sum())(x)
    assert np.allclose(gx, [[[0, 0, 0.6, 0.8]]], rtol=1e-15)
    assert np.isnan(F.lp_pool1d(-x, 3, 2)).tolist() == [[[False, True]]]
    assert F.lp_pool1d(-x, 1, 2).tolist() == [[[0, -7]]]
    assert np.isnan(F.lp_pool1d(np.array([[[np.nan, 1.0]]]), 2, 2)).all()


def test_divisor() -> None:
    """divisor_override divides every sum, whatever padding or ceil_mode leave of a window."""
    x = np.array([[[1.0, 2, 3, 4, 5]]])
    y = F.avg_pool1d(x, 2, 2, 1, ceil_mode=True, divisor_override=3)
    assert np.allclose(y, [[[1 / 3, 5 / 3, 3]]], rtol=1e-15)


@given(st.data())
def test_patches(data: st.DataObject) -> None:
    """unfold cuts the windows that NumPy cuts; fold adds up, so it counts how often a cell met."""
    k, s, d = (data.draw(st.tuples(*[st.integers(1, 3)] * 2)) for _ in range(3))
    p = data.draw(st.tuples(*[st.integers(0, 2)] * 2))
    sizes = [b * (a - 1) + 1 + data.draw(st.integers(0, 3)) for a, b in zip(k, d, strict=True)]
    x = whole_numbers(0, 2, 3, *sizes)
    padded = np.pad(x, ((0, 0), (0, 0), *((each, each) for each in p)))
    reach = [b * (a - 1) + 1 for a, b in zip(k, d, strict=True)]
    windows = sliding_window_view(padded, reach, (2, 3))
    windows = windows[:, :, :: s[0], :: s[1], :: d[0], :: d[1]]
    wanted = windows.transpose(0, 1, 4, 5, 2, 3).reshape(2, 3 * k[0] * k[1], -1)
    columns = F.unfold(x, k, d, p, s)
    assert np.array_equal(columns, wanted)
    ones = F.fold(np.ones_like(columns), sizes, k, d, p, s)
    assert np.array_equal(F.fold(columns, sizes, k, d, p, s), x * ones)


def test_patches_keep_what_is_not_finite_apart() -> None:
    """A NaN or an infinity is in its own windows and in no others."""
    x = np.array([np.nan, 1, np.inf, 2]).reshape(1, 1, 1, 4)
    assert np.array_equal(
        F.unfold(x, (1, 2))[0], [[np.nan, 1, np.inf], [1, np.inf, 2]], equal_nan=True
    )


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transposed_local_layer(axes: int) -> None:
    """<gy, local(x)> == <transpose(gy), x>; equal weights everywhere: transposed convolution."""
    local = getattr(F, f"locally_connected{axes}d")
    turned = getattr(F, f"locally_connected_transpose{axes}d")
    conv = getattr(F, f"conv_transpose{axes}d")
    sizes, kernel = (7, 6, 5)[:axes], (3, 2, 3)[:axes]
    settings = {"stride": (2, 1, 2)[:axes], "padding": 1, "dilation": (1, 2, 1)[:axes]}
    x, w = whole_numbers(0, 2, 4, *sizes), whole_numbers(1, 6, 2, *kernel)
    output = F.conv1d if axes == 1 else F.conv2d if axes == 2 else F.conv3d
    cells = output(x, w, groups=2, **settings).shape[2:]
    local_w = whole_numbers(2, 6, 2, *kernel, *cells)
    gy = whole_numbers(3, 2, 6, *cells)
    back = turned(gy, local_w, groups=2, output_size=sizes, **settings)
    assert back.shape == x.shape
    assert (gy * local(x, local_w, groups=2, **settings)).sum() == (back * x).sum()
    equal = np.broadcast_to(w.reshape(*w.shape, *(1,) * axes), (*w.shape, *cells))
    wanted = conv(gy, w, groups=2, output_size=sizes, **settings)
    assert np.array_equal(turned(gy, equal, groups=2, output_size=sizes, **settings), wanted)
    bias = whole_numbers(4, 4, *sizes)
    y = turned(gy, local_w, bias, groups=2, output_size=sizes, **settings)
    assert np.array_equal(y, back + bias)


def test_output_padding_of_a_transposed_local_layer() -> None:
    """output_padding adds cells that only the bias reaches."""
    w = np.ones((1, 1, 1, 3))
    y = F.locally_connected_transpose1d(np.array([[[1.0, 2, 3]]]), w, stride=2, output_padding=1)
    assert y.tolist() == [[[1, 0, 2, 0, 3, 0]]]
