"""Channels as space and back: cell by cell, undone, differentiated; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv.errors import Error


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
@pytest.mark.parametrize("r", [1, 2, 3])
def test_pixels(lead: tuple[int, ...], r: int) -> None:
    """Each cell by the formula, for any axes in front; unshuffling undoes it."""
    x = np.random.default_rng(0).normal(size=(*lead, 2 * r * r, 3, 4))
    y = F.pixel_shuffle(x, r)
    assert y.shape == (*lead, 2, 3 * r, 4 * r)
    for c, h, w, i, j in np.ndindex(2, 3, 4, r, r):
        wanted = x[..., c * r * r + r * i + j, h, w]
        assert np.array_equal(y[..., c, r * h + i, r * w + j], wanted)
    assert np.array_equal(F.pixel_unshuffle(y, r), x)


def test_channels() -> None:
    """Each channel by the formula."""
    x = np.random.default_rng(0).normal(size=(2, 6, 5))
    y = F.channel_shuffle(x, 3)
    for g, k in np.ndindex(3, 2):
        assert np.array_equal(y[:, g + 3 * k], x[:, 2 * g + k])


def test_gradients() -> None:
    """First and second derivatives."""
    x = np.random.default_rng(0).normal(size=(1, 4, 2, 2))
    for function in (F.pixel_shuffle, F.pixel_unshuffle, F.channel_shuffle):
        ac.testing.check_gradients(lambda x, f=function: F.tanh(f(x, 2)), x)


@pytest.mark.parametrize(
    ("function", "shape", "given", "message"),
    [
        (F.pixel_shuffle, (3, 2, 2), 2, r"x is \(3, 2, 2\); its channels are not a multiple of 2"),
        (F.pixel_shuffle, (4, 2), 2, r"x is \(4, 2\); \(..., C, H, W\)"),
        (F.pixel_shuffle, (4, 2, 2), 0, "upscale_factor is 0; it must be at least 1"),
        (F.pixel_unshuffle, (4, 3, 2), 2, "its height or width is not a multiple of 2"),
        (F.channel_shuffle, (1, 4, 2), 3, "its channels are not a multiple of 3 groups"),
        (F.channel_shuffle, (4, 2), 2, r"x is \(4, 2\); \(N, C, \*I\)"),
    ],
)
def test_refusals(function: Any, shape: tuple[int, ...], given: int, message: str) -> None:
    """One clear error."""
    with pytest.raises(Error, match=message) as raised:
        function(np.ones(shape), given)
    assert str(raised.value).startswith(f"{function.__name__}: ")
