"""Pooling against windows cut by hand and the ONNX reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allconv import functional as F

from .outsiders import onnx_node

Array = np.ndarray[Any, Any]


def by_hand(x: Array, k: int, s: int, p: int, d: int, out: int, what: str) -> Array:
    """Pool the last axis by cutting every window out of the padded input."""
    cells = []
    for i in range(out):
        j = [s * i + d * t - p for t in range(k)]
        inside = [n for n in j if 0 <= n < x.shape[-1]]
        window = x[..., inside]
        if what == "max":
            cells.append(window.max(-1))
        elif what == "inside":
            cells.append(window.sum(-1) / len(inside))
        else:
            counted = sum(-p <= n < x.shape[-1] + p for n in j)
            cells.append(window.sum(-1) / counted)
    return np.stack(cells, -1)


def torch_size(i: int, k: int, s: int, p: int, d: int, ceil: bool) -> int:
    """PyTorch's documented size: the last window must start inside the input or its low padding."""
    room = i + 2 * p - d * (k - 1) - 1
    out = (-(-room // s) if ceil else room // s) + 1
    return out - 1 if ceil and (out - 1) * s >= i + p else out


@given(st.data())
def test_windows_by_hand(data: st.DataObject) -> None:
    """Max and average over drawn windows equal the windows cut out, with and without ceil_mode."""
    k, s = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    p, d = data.draw(st.integers(0, k // 2)), data.draw(st.integers(1, 3))
    ceil = data.draw(st.booleans())
    x = np.random.default_rng(0).integers(-9, 9, (2, 3, d * (k - 1) + 1 + data.draw(
        st.integers(0, 6)))).astype(np.float64)  # fmt: skip
    out = torch_size(x.shape[-1], k, s, p, d, ceil)
    y = F.max_pool1d(x, k, s, p, d, ceil_mode=ceil)
    assert np.array_equal(y, by_hand(x, k, s, p, d, out, "max"))
    out = torch_size(x.shape[-1], k, s, p, 1, ceil)
    for include, what in ((True, "counted"), (False, "inside")):
        y = F.avg_pool1d(x, k, s, p, ceil_mode=ceil, count_include_pad=include)
        assert np.allclose(y, by_hand(x, k, s, p, 1, out, what), rtol=1e-14, atol=1e-14)


def test_ceil_mode_takes_a_kernel_larger_than_the_input() -> None:
    """In ceil_mode one window reaches beyond the input, as PyTorch has it."""
    x = np.array([[[3.0]]])
    assert F.max_pool1d(x, 2, ceil_mode=True).tolist() == [[[3.0]]]
    assert F.avg_pool1d(x, 2, ceil_mode=True).tolist() == [[[3.0]]]


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_onnx_max_pool(ceil_mode: bool) -> None:
    """Two axes, stride, padding: ONNX's MaxPool."""
    x = np.random.default_rng(1).standard_normal((2, 3, 8, 7))
    y = F.max_pool2d(x, (3, 2), 2, 1, ceil_mode=ceil_mode)
    settings = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    assert np.array_equal(y, onnx_node("MaxPool", [x], ceil_mode=int(ceil_mode), **settings))


def test_three_axes() -> None:
    """Pooling three axes is pooling blocks of cells."""
    x = np.random.default_rng(2).integers(0, 9, (1, 2, 4, 4, 6)).astype(np.float64)
    blocks = x.reshape(1, 2, 2, 2, 2, 2, 3, 2).transpose(0, 1, 2, 4, 6, 3, 5, 7)
    cells = blocks.reshape(1, 2, 2, 2, 3, 8)
    assert np.array_equal(F.max_pool3d(x, 2), cells.max(-1))
    assert np.array_equal(F.avg_pool3d(x, 2), cells.sum(-1) / 8)


def test_adaptive() -> None:
    """Output 1 is the mean; a size that divides is average pooling; None keeps a size."""
    x = np.random.default_rng(3).integers(0, 9, (2, 3, 4, 6)).astype(np.float64)
    assert np.allclose(F.adaptive_avg_pool2d(x, 1)[..., 0, 0], x.mean((2, 3)), rtol=1e-15)
    assert np.array_equal(F.adaptive_avg_pool2d(x, (2, 3)), F.avg_pool2d(x, 2))
    kept = F.adaptive_avg_pool2d(x, (None, 1))
    assert np.allclose(kept[..., 0], x.mean(3), rtol=1e-15)


def test_nan_wins_and_padding_does_not() -> None:
    """NaN propagates through max pooling; padding does not win over negative numbers."""
    x = np.array([[[-5.0, np.nan, -7.0, -3.0]]])
    y = F.max_pool1d(x, 2, 2, 1)[0, 0]
    assert y[0] == -5
    assert np.isnan(y[1])
    assert y[2] == -3
