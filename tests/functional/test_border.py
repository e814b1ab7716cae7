"""Borders that continue the image, against numpy.pad; convolution with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allconv import functional as F

NUMPY = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@given(st.data())
def test_numpy_pad(data: st.DataObject) -> None:
    """Any rank, any axes: numpy.pad of the same name."""
    shape = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    mode = data.draw(st.sampled_from(sorted(NUMPY)))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    pairs = [
        data.draw(st.tuples(*[st.integers(0, n - 1 if mode == "reflect" else n)] * 2))
        for n in shape
    ]
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    wanted = np.pad(x, pairs, NUMPY[mode])
    given_ends = [end for pair in reversed(pairs) for end in pair]
    y = F.pad(x, given_ends, mode)
    assert y.dtype == dtype
    assert np.array_equal(y, wanted)
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("reflect", [1, 2, 3, 4, 3, 2]),
        ("replicate", [1, 2, 3, 4, 4, 4]),
        ("circular", [1, 2, 3, 4, 1, 2]),
    ],
)
def test_cropped_on_one_side(mode: str, wanted: list[int]) -> None:
    """A side that crops: "circular" wraps round what is left, the others see the whole image."""
    assert F.pad(np.arange(5.0), (-1, 2), mode).tolist() == wanted


def test_not_finite() -> None:
    """NaN and infinities are continued like other numbers."""
    x = np.array([np.nan, 1.0, -np.inf])
    assert np.array_equal(F.pad(x, (2, 2), "reflect"), np.pad(x, 2, "reflect"), equal_nan=True)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", sorted(NUMPY))
def test_convolution(axes: int, mode: str) -> None:
    """A convolution of the image that numpy.pad makes, on whole numbers exactly."""
    rng = np.random.default_rng(axes)
    x = rng.integers(-4, 5, (2, 4, *(6, 5, 4)[:axes])).astype(np.float64)
    w = rng.integers(-4, 5, (6, 2, *(3, 2, 3)[:axes])).astype(np.float64)
    b = rng.integers(-4, 5, 6).astype(np.float64)
    ends = ((1, 2), (0, 1), (2, 0))[:axes]
    padded = np.pad(x, ((0, 0), (0, 0), *ends), NUMPY[mode])
    y = CONV[axes](x, w, b, 2, ends, 1, 2, padding_mode=mode)
    assert np.array_equal(y, CONV[axes](padded, w, b, 2, 0, 1, 2))


def test_names_and_crops() -> None:
    """A named padding, a side that crops, and dilation, in a mode."""
    x = np.random.default_rng(1).integers(-4, 5, (1, 1, 9)).astype(np.float64)
    w = np.array([[[1.0, -2, 3]]])
    y = F.conv1d(x, w, padding="half", dilation=2, padding_mode="circular")
    wanted = F.conv1d(np.pad(x, ((0, 0), (0, 0), (2, 2)), "wrap"), w, dilation=2)
    assert np.array_equal(y, wanted)
    y = F.conv1d(x, w, padding=((-2, 1),), padding_mode="replicate")
    wanted = F.conv1d(np.pad(x, ((0, 0), (0, 0), (0, 1)), "edge")[..., 2:], w)
    assert np.array_equal(y, wanted)


def test_a_mode_without_padding_is_none() -> None:
    """Where there is no padding the mode does not matter, also with an input dilation."""
    x, w = np.ones((1, 1, 4)), np.ones((1, 1, 2))
    wanted = F.conv1d(x, w, input_dilation=2)
    assert np.array_equal(F.conv1d(x, w, input_dilation=2, padding_mode="reflect"), wanted)
