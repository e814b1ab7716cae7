"""Random changes: what each does, and that an image's change is its own."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.data import Augment
from allconv.data.augment import augmented
from allconv.errors import ArgumentError

from . import making

EVERY = Augment(flip=True, shift=3, rotation=20, brightness=0.3, erase=0.5)
EACH = [
    Augment(flip=True),
    Augment(shift=3),
    Augment(rotation=20),
    Augment(brightness=0.3),
    Augment(erase=0.5),
    EVERY,
]


def images(count: int = 40, channels: int = 3) -> np.ndarray:
    return np.stack([making.pattern(12, 10, channels, seed=n % 40) for n in range(count)])


@pytest.mark.parametrize("augment", EACH)
@pytest.mark.parametrize("channels", [1, 3])
def test_independent_of_the_batch(augment, channels):
    """Any order and any cut into batches gives every image the same change; inputs stay."""
    x = images(channels=channels)
    before, indices = x.copy(), np.arange(100, 140)
    together = augment(x, indices, 3, 7)
    order = np.random.default_rng(0).permutation(40)
    apart = [augment(x[part], indices[part], 3, 7) for part in np.array_split(order, 6)]
    assert np.array_equal(np.concatenate(apart), together[order])
    assert np.array_equal(x, before)
    assert together.dtype == np.uint8
    assert not np.array_equal(together, x)


@pytest.mark.parametrize("augment", EACH)
def test_keyed_by_epoch_and_seed(augment):
    """Another epoch or another seed changes the images otherwise."""
    x, indices = images(), np.arange(40)
    results = [augment(x, indices, epoch, seed) for epoch, seed in [(0, 0), (1, 0), (0, 1)]]
    assert not np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_flip_mirrors_about_half():
    """Each image is itself or its mirror image, both of them often."""
    x = images(400)
    y = Augment(flip=True)(x, np.arange(400), 0, 0)
    mirrored = [np.array_equal(a[:, ::-1], b) for a, b in zip(x, y, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(x, y, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 150 < sum(mirrored) < 250


def test_shift_moves_and_repeats_the_border():
    """Each image is one of the (2 n + 1)^2 moves, and all of them come up."""
    x = images(600)
    y = Augment(shift=1)(x, np.arange(600), 0, 0)
    seen = set()
    for a, b in zip(x, y, strict=True):
        moves = [
            (i, j)
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
            if np.array_equal(
                b, a[np.clip(np.arange(12) + i, 0, 11)][:, np.clip(np.arange(10) + j, 0, 9)]
            )
        ]
        assert len(moves) == 1
        seen.update(moves)
    assert len(seen) == 9


def test_rotation_turns_around_the_centre():
    """A symmetric disc stays; a bar turns by no more than the angle; nothing else appears."""
    y, x = np.mgrid[-10:11, -10:11]
    disc = (255 * np.clip(8 - np.hypot(x, y), 0, 1)).astype(np.uint8)[None, ..., None]
    turned = Augment(rotation=45)(disc.repeat(20, 0), np.arange(20), 0, 0)
    assert np.abs(turned.astype(int) - disc).mean() < 6
    bar = np.where(np.abs(y) < 1.5, 255, 0).astype(np.uint8)[None, ..., None]
    angles = []
    for image in Augment(rotation=20)(bar.repeat(50, 0), np.arange(50), 0, 0)[..., 0]:
        weight = image / image.sum()
        sxx, sxy, syy = ((a * b * weight).sum() for a, b in ((x, x), (x, y), (y, y)))
        angles.append(np.rad2deg(np.arctan2(2 * sxy, sxx - syy) / 2))
    assert np.abs(angles).max() < 22
    assert np.ptp(angles) > 25


def test_rotation_is_bilinear_by_definition():
    """One image equals the formula, pixel by pixel, for the angle that the key draws."""
    from allconv import random

    image = making.pattern(7, 6, 1)
    angle = np.deg2rad((2 * random.uniform(5, "augment rotation", 2, [9], 1)[0, 0] - 1) * 30)
    result = Augment(rotation=30)(image[None], np.array([9]), 2, 5)[0, ..., 0]
    for i, j in np.ndindex(7, 6):
        y, x = i - 3, j - 2.5
        row = min(max(np.cos(angle) * y - np.sin(angle) * x + 3, 0), 6)
        column = min(max(np.sin(angle) * y + np.cos(angle) * x + 2.5, 0), 5)
        value = sum(
            image[r, c, 0] * (1 - abs(row - r)) * (1 - abs(column - c))
            for r in range(7)
            for c in range(6)
            if abs(row - r) < 1 and abs(column - c) < 1
        )
        assert abs(result[i, j] - value) <= 0.51


def test_brightness_multiplies():
    """A grey image is multiplied within the bounds and cut at white."""
    x = np.full((200, 2, 2, 1), 100, np.uint8)
    y = Augment(brightness=0.5)(x, np.arange(200), 0, 0)[:, 0, 0, 0]
    assert 50 <= y.min() < 60
    assert 140 < y.max() <= 150
    white = np.full((50, 1, 1, 1), 250, np.uint8)
    assert Augment(brightness=1.0)(white, np.arange(50), 0, 0).max() == 255


def test_erase_paints_one_rectangle():
    """What changes lies in a rectangle within the bound, and is the image's mean colour."""
    x = images(300)
    y = Augment(erase=0.5)(x, np.arange(300), 0, 0)
    erased = 0
    for a, b in zip(x, y, strict=True):
        rows, columns = np.nonzero((a != b).any(-1))
        if rows.size:
            erased += 1
            assert np.ptp(rows) < 6
            assert np.ptp(columns) < 5
            colour = np.rint(a.reshape(-1, 3).mean(0))
            assert np.array_equal(np.unique(b[rows, columns], axis=0), [colour])
    assert 90 < erased < 170


def test_defaults_by_kind():
    """Colour is flipped and shifted, grey only shifted: 2 pixels of 28."""
    assert Augment.default(28, 28, 1) == Augment(shift=2)
    assert Augment.default(96, 64, 3) == Augment(flip=True, shift=5)


def test_no_settings_change_nothing():
    """None and an Augment without settings leave the images as they are."""
    x = images(3)
    assert augmented(None, x, np.arange(3), 0, 0) is x
    assert np.array_equal(augmented(Augment(), x, np.arange(3), 0, 0), x)


def test_functions_of_users_are_keyed():
    """f(images, rng) draws the same for the same batch of the same epoch, and may write into x."""

    def noise(x, rng):
        x += rng.integers(0, 5, x.shape, dtype=np.uint8)
        return x

    x, indices = images(4), np.arange(4)
    before = x.copy()
    first = augmented(noise, x, indices, 1, 2)
    assert np.array_equal(first, augmented(noise, x, indices, 1, 2))
    assert not np.array_equal(first, augmented(noise, x, indices, 2, 2))
    assert not np.array_equal(first, augmented(noise, x, indices + 4, 1, 2))
    assert np.array_equal(x, before)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x, rng: x / 255, "must return a uint8 array, it returned float64"),
        (lambda x, rng: None, "it returned NoneType"),
        (lambda x, rng: x[:, 1:], r"keep the shape: it was given \(4, 12, 10, 3\)"),
    ],
)
def test_results_of_users_are_checked(function, message):
    """A function that returns something else is told what."""
    with pytest.raises(ArgumentError, match=message):
        augmented(function, images(4), np.arange(4), 0, 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"flip": 1},
        {"shift": -1},
        {"shift": 1.5},
        {"rotation": 181},
        {"rotation": float("nan")},
        {"brightness": -0.1},
        {"brightness": "a"},
        {"erase": 1.1},
        {"erase": True},
    ],
)
def test_settings_are_checked(settings):
    """A setting out of range is named."""
    with pytest.raises(ArgumentError, match=f"^{next(iter(settings))} must be"):
        Augment(**settings)
