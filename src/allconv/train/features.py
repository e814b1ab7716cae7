"""What the frozen layers of a network give for every image: computed once, then read every epoch.

Above `MEMORY_LIMIT` bytes they are kept in a file without a name in the folder of the run, which
is gone when the process ends, however it ends.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from allconv import random
from allconv.data.batches import prefetch
from allconv.data.dataset import Part
from allconv.data.preprocess import Preprocess
from allconv.errors import Error, FileError
from allconv.operators.base import Array
from allconv.train.feed import Augmentation, Feed
from allconv.train.inference import Inference

MEMORY_LIMIT = 2**29
"""Bytes of features that are kept in memory."""
BATCH = 64
BLOCK = 1024  # images that are measured at once
_STREAM = "augment flip"

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class FeatureFeed(Feed):
    """Features (N, views, F): of each image, and of its mirror image where there are two views.

    They are given to the network as (x - mean) / spread.
    """

    x: Array
    mean: Array
    spread: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Feed.shape`."""
        return self.x.shape[2:]

    def epoch(
        self, epoch: int, *, batch_size: int, seed: int, augment: Augmentation, shuffle: bool
    ) -> Iterator[tuple[Array, npt.NDArray[np.int64]]]:
        """See `Feed.epoch`; in training every second image is mirrored on average."""
        count = len(self)
        order = random.permutation(seed, epoch, count) if shuffle else np.arange(count)
        for start in range(0, count, batch_size):
            part = order[start : start + batch_size]
            views = np.zeros(len(part), np.int64)
            if shuffle and self.x.shape[1] > 1:
                views = (random.uniform(seed, _STREAM, epoch, part, 1)[:, 0] < 0.5).astype(np.int64)
            x = (self.x[part, views] - self.mean) / self.spread
            yield np.ascontiguousarray(x, self.dtype), self.labels[part]

    def _source(self) -> Array:
        return self.x


def compute_features(
    inference: Inference,
    part: Part,
    preprocess: Preprocess,
    *,
    mirrored: bool,
    folder: Path | None = None,
    memory_limit: int = MEMORY_LIMIT,
    progress: Progress = lambda done, total: None,
) -> Array:
    """The features (N, views, F) of all images of a part, float32."""
    views = (1, -1) if mirrored else (1,)
    count, done = len(part), 0
    found: Array | None = None

    def batches() -> Iterator[tuple[int, int, Array]]:
        for start in range(0, count, BATCH):
            images = part.images[start : start + BATCH]
            for view, step in enumerate(views):
                x = preprocess.apply(np.ascontiguousarray(images[:, :, ::step]))
                yield start, view, x.astype(inference.dtype, copy=False)

    with closing(prefetch(batches())) as ready:
        for start, view, x in ready:
            y = inference(x)
            if found is None:
                found = _room((count, len(views), y.shape[1]), folder, memory_limit)
            found[start : start + len(y), view] = y
            done += len(y)
            progress(done, count * len(views))
    return np.empty((0, len(views), 0), np.float32) if found is None else found


def mean_and_spread(x: Array) -> tuple[Array, Array]:
    """Mean and spread (F,) of features (N, views, F).

    The spread is at least a tenth of the usual one, so that what hardly changed here is not blown
    up elsewhere. Error for features that are not finite.
    """
    total, squares = np.zeros(x.shape[2]), np.zeros(x.shape[2])
    count = x.shape[0] * x.shape[1]
    blocks = [slice(start, start + BLOCK) for start in range(0, len(x), BLOCK)]
    with np.errstate(all="ignore"):
        for rows in blocks:
            total += x[rows].reshape(-1, x.shape[2]).sum(0, dtype=np.float64)
        mean = total / count
        for rows in blocks:
            difference = x[rows].reshape(-1, x.shape[2]) - mean
            squares += (difference * difference).sum(0)
        spread = np.sqrt(squares / count)
    if not np.isfinite(spread).all():
        raise Error(
            "the layers below the head give NaN or infinity for these images; are they prepared as "
            "the network expects?"
        )
    usual = float(spread.mean()) or 1.0
    return mean.astype(np.float32), np.maximum(spread, 0.1 * usual).astype(np.float32)


def _room(shape: tuple[int, ...], folder: Path | None, memory_limit: int) -> Array:
    """An array of float32 in memory or, above the limit, in a file of the folder."""
    size = 4 * int(np.prod(shape, dtype=object))
    if size <= memory_limit:
        return np.empty(shape, np.float32)
    place = str(folder) if folder is not None else tempfile.gettempdir()
    try:
        if size > shutil.disk_usage(place).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryFile(prefix="features-", dir=place) as file:
            mapped: Array = _mapped(file, shape, size)
            return mapped
    except OSError as error:
        raise FileError(
            f"the features of the images, {size:,} bytes, do not fit into {place} "
            f"({error.strerror}); free some space, or use fewer samples"
        ) from error


def _mapped(file: IO[bytes], shape: tuple[int, ...], size: int) -> Any:
    """A file of this size as an array; its room on the disk is taken now, not when it is full."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    return np.memmap(file, np.float32, "r+", shape=shape)
