"""Convolution and its transpose against SciPy, the ONNX reference and their own laws."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from allconv import functional as F

from .outsiders import onnx_node

Array = np.ndarray[Any, Any]
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def whole_numbers(seed: int, *shape: int) -> Array:
    """Small whole numbers as float64, on which sums of products are exact."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float64)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["valid", "full"])
def test_scipy_correlate(axes: int, mode: str) -> None:
    """One channel, "valid" and "full": scipy.signal.correlate; with flip=True its convolve."""
    x, w = whole_numbers(0, *(6, 5, 4)[:axes]), whole_numbers(1, *(3, 2, 3)[:axes])
    y = CONV[axes](x[None, None], w[None, None], padding=mode)[0, 0]
    assert np.array_equal(y, signal.correlate(x, w, mode, method="direct"))
    flipped = CONV[axes](x[None, None], w[None, None], padding=mode, flip=True)[0, 0]
    assert np.array_equal(flipped, signal.convolve(x, w, mode, method="direct"))


@given(st.data())
def test_onnx_conv(data: st.DataObject) -> None:
    """Drawn geometries of all settings equal ONNX's Conv."""
    axes = data.draw(st.integers(1, 2))
    several = st.tuples(*(st.integers(1, 3),) * axes)
    groups = data.draw(st.integers(1, 2))
    kernel, stride, dilation = data.draw(several), data.draw(several), data.draw(several)
    pads = data.draw(st.tuples(*(st.tuples(st.integers(0, 2), st.integers(0, 2)),) * axes))
    sizes = tuple(d * (k - 1) + 1 + data.draw(st.integers(0, 4))
                  for k, d in zip(kernel, dilation, strict=True))  # fmt: skip
    x, w = whole_numbers(2, 2, 2 * groups, *sizes), whole_numbers(3, 3 * groups, 2, *kernel)
    b = whole_numbers(4, 3 * groups)
    y = CONV[axes](x, w, b, stride, pads, dilation, groups)
    ends = [low for low, _ in pads] + [high for _, high in pads]
    settings = {"strides": stride, "dilations": dilation, "pads": ends, "group": groups}
    assert np.array_equal(y, onnx_node("Conv", [x, w, b], **settings))


@pytest.mark.parametrize(
    ("name", "auto_pad"), [("same", "SAME_UPPER"), ("same_lower", "SAME_LOWER")]
)
@pytest.mark.parametrize(("size", "kernel", "stride"), list(product([5, 6, 7], [2, 3], [1, 2, 3])))
def test_onnx_same(name: str, auto_pad: str, size: int, kernel: int, stride: int) -> None:
    """The names "same" and "same_lower" are ONNX's SAME_UPPER and SAME_LOWER, at every stride."""
    x, w = whole_numbers(5, 1, 1, size), whole_numbers(6, 1, 1, kernel)
    y = F.conv1d(x, w, stride=stride, padding=name)
    assert y.shape[2] == -(-size // stride)
    wanted = onnx_node("Conv", [x, w], auto_pad=auto_pad, strides=[stride], kernel_shape=[kernel])
    assert np.array_equal(y, wanted)


def test_lecture_half_padding() -> None:
    """1 2 3 4 with 1 2 3 and half padding gives 8 14 20 11, by stride 2: 8 20; "same": 14 11."""
    x, w = np.array([[[1.0, 2, 3, 4]]]), np.array([[[1.0, 2, 3]]])
    assert F.conv1d(x, w, padding="half")[0, 0].tolist() == [8, 14, 20, 11]
    assert F.conv1d(x, w, stride=2, padding="half")[0, 0].tolist() == [8, 20]
    assert F.conv1d(x, w, stride=2, padding="same")[0, 0].tolist() == [14, 11]


def test_causal_padding() -> None:
    """With "causal" no output depends on a later input."""
    x, w = whole_numbers(7, 1, 1, 6), whole_numbers(8, 1, 1, 3)
    y = F.conv1d(x, w, padding="causal", dilation=2)
    later = x.copy()
    later[..., 4:] = 100
    assert y.shape == x.shape
    assert np.array_equal(F.conv1d(later, w, padding="causal", dilation=2)[..., :4], y[..., :4])
    assert np.array_equal(y, F.conv1d(x, w, padding=((4, 0),), dilation=2))


def test_input_dilation_is_zero_stuffing() -> None:
    """input_dilation=b equals the convolution of the input with b - 1 zeros between its cells."""
    x, w = whole_numbers(9, 1, 2, 4, 3), whole_numbers(10, 3, 2, 3, 2)
    stuffed = np.zeros((1, 2, 10, 5))
    stuffed[..., ::3, ::2] = x
    y = F.conv2d(x, w, stride=2, padding=1, input_dilation=(3, 2))
    assert np.array_equal(y, F.conv2d(stuffed, w, stride=2, padding=1))


def test_negative_padding_crops() -> None:
    """Negative padding equals a convolution of the cropped input."""
    x, w = whole_numbers(11, 2, 1, 8), whole_numbers(12, 1, 1, 3)
    assert np.array_equal(F.conv1d(x, w, padding=((-1, -2),)), F.conv1d(x[..., 1:-2], w))


@given(st.data())
def test_transpose_is_the_adjoint(data: st.DataObject) -> None:
    """<conv(x), y> == <x, conv_transpose(y)> for the same settings and output_size."""
    axes = data.draw(st.integers(1, 2))
    several = st.tuples(*(st.integers(1, 3),) * axes)
    groups = data.draw(st.integers(1, 2))
    kernel, stride, dilation = data.draw(several), data.draw(several), data.draw(several)
    names = st.sampled_from(["valid", "same", "same_lower", "full"])
    padding = data.draw(st.one_of(st.integers(0, 2), names))
    sizes = tuple(d * (k - 1) + 1 + data.draw(st.integers(0, 4))
                  for k, d in zip(kernel, dilation, strict=True))  # fmt: skip
    if padding == "same" or padding == "same_lower":
        sizes = tuple(s * -(-i // s) for i, s in zip(sizes, stride, strict=True))
    x, w = whole_numbers(13, 2, 2 * groups, *sizes), whole_numbers(14, 3 * groups, 2, *kernel)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y = CONV[axes](x, w, **settings)
    gy = whole_numbers(15, *y.shape)
    gx = TRANSPOSE[axes](gy, w, output_size=sizes, **settings)
    assert gx.shape == x.shape
    assert (y * gy).sum() == (x * gx).sum()


@pytest.mark.parametrize(("stride", "padding", "extra"), [(1, 0, 0), (2, 1, 1), (3, 1, 2)])
def test_onnx_conv_transpose(stride: int, padding: int, extra: int) -> None:
    """output_padding and groups equal ONNX's ConvTranspose."""
    x, w, b = whole_numbers(16, 2, 4, 3, 4), whole_numbers(17, 4, 2, 3, 2), whole_numbers(18, 4)
    y = F.conv_transpose2d(x, w, b, stride, padding, extra, 2)
    wanted = sum_of_onnx_groups(x, w, b, stride, padding, extra)
    assert np.array_equal(y, wanted)


def sum_of_onnx_groups(x: Array, w: Array, b: Array, s: int, p: int, extra: int) -> Array:
    """Two groups as two ONNX nodes, since groups only place channels side by side."""
    settings = {"strides": [s, s], "pads": [p] * 4, "output_padding": [extra, extra]}
    parts = [
        onnx_node("ConvTranspose", [x[:, h], w[h], b[h]], **settings)
        for h in (slice(0, 2), slice(2, 4))
    ]
    return np.concatenate(parts, 1)


def test_transpose_same_multiplies_sizes() -> None:
    """padding="same" makes the output stride times as large."""
    y = F.conv_transpose2d(np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3)), stride=2, padding="same")
    assert y.shape == (1, 1, 6, 8)


def test_mixed_floats_promote() -> None:
    """float32 with float64 gives float64, float32 alone float32."""
    x, w = np.ones((1, 1, 3), np.float32), np.ones((1, 1, 2), np.float32)
    assert F.conv1d(x, w).dtype == np.float32
    assert F.conv1d(x, w.astype(np.float64)).dtype == np.float64
