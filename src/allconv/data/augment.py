"""Random changes to training images, each a function of (seed, epoch, index of the image).

An image is changed in the same way whatever batch it is in, so a resumed run sees what an
uninterrupted one would have seen. All work on batches uint8 (n, H, W, C) and return new arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

import numpy as np
import numpy.typing as npt

from allconv import random
from allconv.data.images import Pixels
from allconv.errors import ArgumentError

Draws = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
UserAugment = Callable[[Pixels, np.random.Generator], Pixels]


@dataclass(frozen=True)
class Augment:
    """Settings of the random changes; all are off by default.

    flip: mirror left and right, every second image on average.
    shift: move by up to this many pixels each way; the border is repeated.
    rotation: turn by up to this many degrees each way (0 to 180), bilinear.
    brightness: multiply by 1 - brightness to 1 + brightness (0 to 1).
    erase: paint a rectangle with sides up to this share of the image's (0 to 1) in its mean colour,
        in every second image on average.
    """

    flip: bool = False
    shift: int = 0
    rotation: float = 0.0
    brightness: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.flip, bool):
            raise ArgumentError(f"flip must be True or False, got {self.flip!r}")
        if isinstance(self.shift, bool) or not isinstance(self.shift, int) or self.shift < 0:
            raise ArgumentError(f"shift must be a number of pixels from 0, got {self.shift!r}")
        for name, high in (("rotation", 180), ("brightness", 1), ("erase", 1)):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value <= high:
                raise ArgumentError(f"{name} must be in [0, {high}], got {value!r}")

    @classmethod
    def default(cls, height: int, width: int, channels: int) -> Self:
        """What suits most images: a shift of a twelfth; a flip too for colour.

        Grey images are often characters, which a flip would turn into others.
        """
        return cls(flip=channels == 3, shift=max(1, round(min(height, width) / 12)))

    def __call__(self, images: Pixels, indices: Indices, epoch: int, seed: int) -> Pixels:
        """Change uint8 images (n, H, W, C), which are the samples `indices` (n,)."""

        def draws(stream: str, count: int) -> Draws:
            return random.uniform(seed, f"augment {stream}", epoch, indices, count)

        if self.flip:
            images = _flip(images, draws("flip", 1))
        if self.rotation:
            images = _rotate(images, self.rotation, draws("rotation", 1))
        if self.shift:
            images = _shift(images, self.shift, draws("shift", 2))
        if self.brightness:
            images = _brighten(images, self.brightness, draws("brightness", 1))
        if self.erase:
            images = _erase(images, self.erase, draws("erase", 5))
        return images


def augmented(
    augment: Augment | UserAugment | None, images: Pixels, indices: Indices, epoch: int, seed: int
) -> Pixels:
    """Apply `augment`: None, settings, or a function `f(images, rng)` of a batch.

    The function gets its own copy uint8 (n, H, W, C) and a generator keyed by (seed, epoch, indices
    of the batch), and must return uint8 images of that shape; ArgumentError otherwise.
    """
    if augment is None:
        return images
    if isinstance(augment, Augment):
        return augment(images, indices, epoch, seed)
    key = blake2b(np.ascontiguousarray(indices, "<i8").tobytes(), digest_size=16).hexdigest()
    result = augment(images.copy(), random.generator(seed, "augment", epoch, key))
    if not isinstance(result, np.ndarray) or result.dtype != np.uint8:
        got = result.dtype if isinstance(result, np.ndarray) else type(result).__name__
        raise ArgumentError(f"augment must return a uint8 array, it returned {got}")
    if result.shape != images.shape:
        raise ArgumentError(
            f"augment must keep the shape: it was given {images.shape}, returned {result.shape}"
        )
    return result


def _flip(images: Pixels, draw: Draws) -> Pixels:
    chosen = draw[:, 0] < 0.5
    return np.where(chosen[:, None, None, None], images[:, :, ::-1], images)


def _shift(images: Pixels, reach: int, draw: Draws) -> Pixels:
    _, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    starts = (draw * (2 * reach + 1)).astype(np.int64).tolist()
    result = np.empty_like(images)
    for n, (top, left) in enumerate(starts):
        result[n] = padded[n, top : top + height, left : left + width]
    return result


def _rotate(images: Pixels, degrees: float, draw: Draws) -> Pixels:
    """Turn each image around its centre; where it came from outside, the border is repeated."""
    count, height, width, _ = images.shape
    angle = np.deg2rad((2 * draw[:, 0] - 1) * degrees)[:, None, None]
    y = np.arange(height)[None, :, None] - (height - 1) / 2
    x = np.arange(width)[None, None, :] - (width - 1) / 2
    row = np.cos(angle) * y - np.sin(angle) * x + (height - 1) / 2
    column = np.sin(angle) * y + np.cos(angle) * x + (width - 1) / 2
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    down, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    n = np.arange(count)[:, None, None]
    a = (row - top).astype(np.float32)[..., None]
    b = (column - left).astype(np.float32)[..., None]
    upper = images[n, top, left] * (1 - b) + images[n, top, right] * b
    lower = images[n, down, left] * (1 - b) + images[n, down, right] * b
    result: Pixels = np.rint(upper * (1 - a) + lower * a).astype(np.uint8)
    return result


def _brighten(images: Pixels, strength: float, draw: Draws) -> Pixels:
    factor = 1 + strength * (2 * draw - 1)
    table = np.rint(np.clip(np.arange(256) * factor, 0, 255)).astype(np.uint8)
    result: Pixels = table[np.arange(len(images))[:, None, None, None], images]
    return result


def _erase(images: Pixels, share: float, draw: Draws) -> Pixels:
    count, height, width, channels = images.shape
    result = images.copy()
    mean = np.rint(images.reshape(count, -1, channels).mean(1)).astype(np.uint8)
    high = np.rint(draw[:, 1] * share * height).astype(np.int64)
    wide = np.rint(draw[:, 2] * share * width).astype(np.int64)
    top = (draw[:, 3] * (height - high + 1)).astype(np.int64)
    left = (draw[:, 4] * (width - wide + 1)).astype(np.int64)
    for n in np.flatnonzero(draw[:, 0] < 0.5).tolist():
        result[n, top[n] : top[n] + high[n], left[n] : left[n] + wide[n]] = mean[n]
    return result
