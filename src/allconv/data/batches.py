"""Batches of a part in the order of an epoch, made ready by a thread while the last one is used."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import SimpleQueue
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from allconv import random
from allconv.data.augment import Augment, UserAugment, augmented
from allconv.data.dataset import Part
from allconv.data.preprocess import Preprocess
from allconv.data.split import check_positive

T = TypeVar("T")


class Batch(NamedTuple):
    """x float32 (n, C, H, W), y int64 (n,) and indices int64 (n,) of the samples in the part."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]


def batches(
    part: Part,
    *,
    batch_size: int,
    epoch: int,
    seed: int,
    preprocess: Preprocess,
    augment: Augment | UserAugment | None = None,
    shuffle: bool = True,
) -> Iterator[Batch]:
    """Batches of one epoch; the last may be smaller, and each sample comes once.

    The order is `random.permutation(seed, epoch, N)`, or the part's own without `shuffle`.
    """
    check_positive("batch_size", batch_size)
    count = len(part)
    order = random.permutation(seed, epoch, count) if shuffle else np.arange(count, dtype=np.int64)
    return _batches(part, order, batch_size, epoch, seed, preprocess, augment)


def _batches(
    part: Part,
    order: npt.NDArray[np.int64],
    batch_size: int,
    epoch: int,
    seed: int,
    preprocess: Preprocess,
    augment: Augment | UserAugment | None,
) -> Iterator[Batch]:
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        images = augmented(augment, part.images[indices], indices, epoch, seed)
        yield Batch(preprocess.apply(images), part.labels[indices], indices)


def prefetch(source: Iterator[T], depth: int = 2) -> Generator[T, None, None]:
    """The items of `source`, up to `depth` of them made ahead by one background thread.

    An exception in `source` is raised here, in its place. Closing the generator (leaving its loop,
    an exception, Ctrl-C) stops the thread after the item it is at and waits for it.
    """
    check_positive("depth", depth)
    return _prefetch(source, depth)


def _prefetch(source: Iterator[T], depth: int) -> Generator[T, None, None]:
    ready: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
    free = threading.Semaphore(depth)
    closed = threading.Event()

    def work() -> None:
        try:
            while free.acquire() and not closed.is_set():
                ready.put((next(source), None))
        except BaseException as error:  # StopIteration, too, is for the reader
            ready.put((None, error))

    thread = threading.Thread(target=work, name="allconv-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            free.release()
            yield item  # type: ignore[misc]  # None stands only beside an error
    finally:
        closed.set()
        free.release()
        thread.join()
