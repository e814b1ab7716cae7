"""Bytes to the numbers a network is fed with: the same in training, prediction and in the file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allconv.data.images import PIXEL_LIMIT, Pixels, are_pixels, kind_of_array, read_image
from allconv.data.pixels import WHITES
from allconv.errors import ArgumentError, FileError, ShapeError

_LARGEST_SIDE = 65_536
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Preprocess:
    """Size of the images, and mean and standard deviation of each channel on the scale 0 to 1.

    `mean` and `std` have one number a channel and are rounded to float32, in which `apply` counts.
    `white` is the value of white in the arrays that were trained on, by which later arrays of the
    same kind become bytes: 1, 255 or 65535; None where those were bytes, or files.
    """

    height: int
    width: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    white: int | None = None

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            side = getattr(self, name)
            if isinstance(side, bool) or not isinstance(side, int) or side < 1:
                raise ArgumentError(f"{name} must be a positive integer, got {side!r}")
            if side > _LARGEST_SIDE:
                raise ArgumentError(f"{name} must be at most {_LARGEST_SIDE}, got {side}")
        if self.channels not in (1, 3):
            raise ArgumentError(f"channels must be 1 (grey) or 3 (RGB), got {self.channels!r}")
        object.__setattr__(self, "mean", self._numbers("mean"))
        object.__setattr__(self, "std", self._numbers("std"))
        if min(self.std) <= 0:
            raise ArgumentError(f"std must be above 0, got {self.std}")
        if isinstance(self.white, bool) or self.white not in (None, *WHITES):
            raise ArgumentError(f"white must be 1, 255, 65535 or None, got {self.white!r}")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width): that of an image as the network takes it."""
        return self.channels, self.height, self.width

    def _numbers(self, name: str) -> tuple[float, ...]:
        values = getattr(self, name)
        try:
            numbers = tuple(float(np.float32(value)) for value in values)
        except (TypeError, ValueError):
            numbers = ()
        if len(numbers) != self.channels or not all(map(math.isfinite, numbers)):
            raise ArgumentError(f"{name} must be {self.channels} finite numbers, got {values!r}")
        return numbers

    @classmethod
    def from_training(cls, images: Pixels, *, white: int | None = None) -> Self:
        """Measure mean and standard deviation of uint8 images (N, H, W, C), exactly.

        A channel that never changes gets the deviation 1, so that it becomes 0.
        """
        if not are_pixels(images) or images.size == 0:
            raise ShapeError(
                f"images must be uint8 (N, H, W, C) with N > 0, got {kind_of_array(images)}"
            )
        channels = images.shape[3]
        counts = np.zeros((channels, 256), np.int64)
        for start in range(0, images.shape[0], _ROWS_AT_ONCE):
            block = images[start : start + _ROWS_AT_ONCE]
            for c in range(channels):
                counts[c] += np.bincount(block[..., c].ravel(), minlength=256)
        value = np.arange(256) / 255
        total = counts.sum(1)
        mean = counts @ value / total
        variance = (counts * (value - mean[:, None]) ** 2).sum(1) / total
        std = np.where(np.count_nonzero(counts, 1) > 1, np.sqrt(variance), 1.0)
        height, width = images.shape[1:3]
        return cls(height, width, channels, tuple(mean.tolist()), tuple(std.tolist()), white)

    def apply(self, images: Pixels) -> npt.NDArray[np.float32]:
        """uint8 (N, H, W, C) to float32 (N, C, H, W): y = (x / 255 - mean) / std in float32.

        The result is a view, channels first, of memory that is channels last (a C-contiguous
        (N, H, W, C) array), as the engine likes it. ShapeError for images of another size.
        """
        if not are_pixels(images) or images.shape[1:] != (*self.size, self.channels):
            raise ShapeError(
                f"images must be uint8 (N, {self.height}, {self.width}, {self.channels}), "
                f"got {kind_of_array(images)}"
            )
        y = images.astype(np.float32, order="C")
        y /= np.float32(255)
        y -= np.array(self.mean, np.float32)
        y /= np.array(self.std, np.float32)
        return np.moveaxis(y, 3, 1)

    def load(self, path: Path | str, *, pixel_limit: int = PIXEL_LIMIT) -> Pixels:
        """Decode one image file exactly as for training: uint8 (height, width, channels)."""
        return read_image(Path(path), self.channels, self.size, pixel_limit=pixel_limit)

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back to an equal value."""
        fields = asdict(self)
        if self.white is None:  # as files have it that were written before there was a `white`
            del fields["white"]
        return json.dumps(fields)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; FileError for anything else."""
        try:
            fields: Any = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise FileError(f"the preprocessing is not JSON ({error}); save it again") from None
        names = [name for name in cls.__dataclass_fields__ if name != "white"]
        if not isinstance(fields, dict) or fields.keys() - {"white"} != set(names):
            raise FileError(f"the preprocessing must be a JSON object of {', '.join(names)}")
        try:
            return cls(**fields)
        except ArgumentError as error:
            raise FileError(f"the preprocessing is wrong: {error.message}") from None
