"""What training reads: images of a part, or plain arrays, in batches keyed by (seed, epoch)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from allconv import random
from allconv.data.augment import Augment, UserAugment
from allconv.data.batches import batches
from allconv.data.dataset import Part
from allconv.data.pixels import to_images
from allconv.data.preprocess import Preprocess
from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import take_labels
from allconv.intake.arrays import take_array
from allconv.operators.base import FLOATS, Array

Augmentation: TypeAlias = Augment | UserAugment | None

_SAMPLED = 64  # images that the fingerprint looks at


@dataclass(frozen=True)
class Feed(ABC):
    """Samples with labels, as batches (x, labels) of a network's dtype."""

    labels: npt.NDArray[np.int64]
    dtype: str

    def __len__(self) -> int:
        return len(self.labels)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, as the network sees it."""

    @abstractmethod
    def epoch(
        self, epoch: int, *, batch_size: int, seed: int, augment: Augmentation, shuffle: bool
    ) -> Iterator[tuple[Array, npt.NDArray[np.int64]]]:
        """The batches of one epoch; the last may be smaller, and each sample comes once."""

    def in_order(self, batch_size: int) -> Iterator[tuple[Array, npt.NDArray[np.int64]]]:
        """All samples as they are, in their own order."""
        return self.epoch(0, batch_size=batch_size, seed=0, augment=None, shuffle=False)

    @abstractmethod
    def _source(self) -> Array:
        """What the samples are made of, along the first axis."""

    def fingerprint(self) -> str:
        """A digest of the labels and of some of the samples, by which other data is noticed."""
        source = self._source()
        digest = sha256(repr((source.shape, source.dtype.str, self.shape)).encode())
        digest.update(self.labels.astype("<i8").tobytes())
        chosen = np.unique(np.linspace(0, len(source) - 1, _SAMPLED).astype(np.int64))
        digest.update(source[chosen].tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class ImageFeed(Feed):
    """Images uint8 (N, H, W, C), augmented as bytes, then preprocessed to (N, C, H, W)."""

    part: Part
    preprocess: Preprocess

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Feed.shape`."""
        return self.preprocess.shape

    def epoch(
        self, epoch: int, *, batch_size: int, seed: int, augment: Augmentation, shuffle: bool
    ) -> Iterator[tuple[Array, npt.NDArray[np.int64]]]:
        """See `Feed.epoch`."""
        made = batches(
            self.part,
            batch_size=batch_size,
            epoch=epoch,
            seed=seed,
            preprocess=self.preprocess,
            augment=augment,
            shuffle=shuffle,
        )
        return ((batch.x.astype(self.dtype, copy=False), batch.y) for batch in made)

    def _source(self) -> Array:
        return self.part.images


@dataclass(frozen=True)
class ArrayFeed(Feed):
    """Arrays (N, ...), given to the network as they are."""

    x: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Feed.shape`."""
        return self.x.shape[1:]

    def epoch(
        self, epoch: int, *, batch_size: int, seed: int, augment: Augmentation, shuffle: bool
    ) -> Iterator[tuple[Array, npt.NDArray[np.int64]]]:
        """See `Feed.epoch`; `augment` is for images."""
        count = len(self)
        order = random.permutation(seed, epoch, count) if shuffle else np.arange(count)
        parts = (order[n : n + batch_size] for n in range(0, count, batch_size))
        return (
            (np.ascontiguousarray(self.x[part], self.dtype), self.labels[part]) for part in parts
        )

    def _source(self) -> Array:
        return self.x


def feed_of(data: Any, dtype: str, preprocess: Preprocess | None, name: str = "data") -> Feed:
    """A part, or arrays (x, y), as batches for a network of a dtype.

    Floats are given to the network as they are. uint8 arrays are images (N, H, W), (N, H, W, C) or
    (N, C, H, W); they and parts go through `preprocess`, by default measured on them.
    """
    if not isinstance(data, Part):
        if not isinstance(data, tuple | list) or len(data) != 2:
            raise ArgumentError(
                f"{name} must be a Dataset, a Part or arrays (x, y), got {type(data).__name__}; "
                "allconv.data.load reads files"
            )
        x, labels = take_array("x", data[0]), np.ascontiguousarray(take_labels("y", data[1]))
        if x.ndim < 2 or labels.ndim < 1 or len(x) != len(labels) or not len(x):
            raise ShapeError(
                f"{name} has x {x.shape} and y {labels.shape}; x (N, ...) and y (N,) with N of at "
                "least 1 are expected"
            )
        if x.dtype.name in FLOATS:
            return ArrayFeed(labels, dtype, x)
        if x.dtype != np.uint8:
            raise ArgumentError(
                f"x is {x.dtype.name}; give uint8 images, or floats for the network as they are"
            )
        data = Part(to_images(x, count=len(labels)), labels)
    if not len(data):
        raise ShapeError(f"{name} holds no image")
    return ImageFeed(data.labels, dtype, data, preprocess or Preprocess.from_training(data.images))
