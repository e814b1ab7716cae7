"""Bytes become numbers by one formula, measured on the training images."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from allconv.data import Preprocess
from allconv.errors import ArgumentError, FileError, ShapeError

from . import making

IMAGES = st.sampled_from([1, 3]).flatmap(
    lambda channels: hnp.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 3, st.just(channels)))
)


@settings(deadline=None, max_examples=40)
@given(IMAGES)
def test_apply_is_the_formula(images):
    """y = (x / 255 - mean) / std, each step rounded to float32, channels first over NHWC memory."""
    preprocess = Preprocess.from_training(images)
    y = preprocess.apply(images)
    f = np.float32
    for place in np.ndindex(images.shape):
        n, i, j, c = place
        wanted = (f(images[place]) / f(255) - f(preprocess.mean[c])) / f(preprocess.std[c])
        assert y[n, c, i, j] == wanted
    assert y.dtype == np.float32
    assert np.moveaxis(y, 1, 3).flags.c_contiguous


@settings(deadline=None, max_examples=40)
@given(IMAGES)
def test_mean_and_deviation_are_those_of_the_pixels(images):
    """They agree with NumPy's to the precision of float32; a constant channel has deviation 1."""
    preprocess = Preprocess.from_training(images)
    flat = images.reshape(-1, images.shape[3]) / 255
    std = np.where(flat.max(0) == flat.min(0), 1, flat.std(0))
    assert np.allclose(preprocess.mean, flat.mean(0), rtol=1e-6, atol=1e-7)
    assert np.allclose(preprocess.std, std, rtol=1e-6)


def test_many_images_are_measured_in_blocks():
    """More images than one block holds give the same numbers."""
    images = np.arange(9000, dtype=np.int64).astype(np.uint8).reshape(9000, 1, 1, 1)
    assert Preprocess.from_training(images).mean[0] == pytest.approx(images.mean() / 255, rel=1e-6)


@settings(deadline=None, max_examples=20)
@given(IMAGES)
def test_json_comes_back_equal(images):
    """What is written is read to an equal value, so with the same bits."""
    preprocess = Preprocess.from_training(images)
    assert Preprocess.from_json(preprocess.to_json()) == preprocess


GOOD = {"height": 8, "width": 9, "channels": 1, "mean": [0.5], "std": [0.25]}
BAD = {
    "height": [0, -1, 1.5, "8", True, 10**9, None],
    "width": [0, 65_537],
    "channels": [2, "1", None],
    "mean": [[], [0.1, 0.2], [float("nan")], 0.5, ["x"], None],
    "std": [[0.0], [-1.0], [float("inf")], [1e-60]],
}


@pytest.mark.parametrize(("name", "value"), [(n, value) for n in BAD for value in BAD[n]])
def test_settings_are_checked(name, value):
    """Each setting out of range is named, as an argument and in a file."""
    with pytest.raises(ArgumentError, match=f"^{name} must"):
        Preprocess(**{**GOOD, name: value})
    with pytest.raises(FileError, match=f"preprocessing is wrong: {name} must"):
        Preprocess.from_json(json.dumps({**GOOD, name: value}))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"height": 8}', "null", "[" * 100_000])
def test_other_json_is_refused(text):
    """Text that is no such object is a FileError."""
    with pytest.raises(FileError, match="the preprocessing"):
        Preprocess.from_json(text)
    with pytest.raises(FileError, match="JSON object of height"):
        Preprocess.from_json(json.dumps({**GOOD, "more": 1}))


def test_images_of_another_kind_are_refused():
    """Size, channels and dtype must be those measured; no image cannot be measured."""
    preprocess = Preprocess(**GOOD)
    for images in (np.zeros((1, 9, 8, 1), np.uint8), np.zeros((1, 8, 9, 1), np.float32)):
        with pytest.raises(ShapeError, match=r"must be uint8 \(N, 8, 9, 1\)"):
            preprocess.apply(images)
    with pytest.raises(ShapeError, match="N > 0"):
        Preprocess.from_training(np.zeros((0, 8, 9, 1), np.uint8))


def test_load_gives_the_size(tmp_path):
    """A file of any size is read to (height, width, channels)."""
    path = making.save(tmp_path / "a.png", making.pattern(30, 20))
    preprocess = Preprocess(**GOOD)
    assert preprocess.load(path).shape == (8, 9, 1)
    assert preprocess.apply(preprocess.load(str(path))[None]).shape == (1, 1, 8, 9)
