"""One epoch in batches, and a thread that makes them ahead."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from allconv import random
from allconv.data import Augment, Part, Preprocess, batches, prefetch
from allconv.errors import ArgumentError

from . import making


@pytest.fixture
def part() -> Part:
    images = np.stack([making.pattern(6, 5, 3, seed=n) for n in range(23)])
    return Part(images, np.arange(23) % 3)


@pytest.fixture
def preprocess(part) -> Preprocess:
    return Preprocess.from_training(part.images)


def test_every_sample_once(part, preprocess):
    """The order is the permutation of (seed, epoch); the last batch is what is left."""
    found = list(batches(part, batch_size=5, epoch=2, seed=9, preprocess=preprocess))
    assert [len(batch.y) for batch in found] == [5, 5, 5, 5, 3]
    order = np.concatenate([batch.indices for batch in found])
    assert np.array_equal(order, random.permutation(9, 2, 23))
    for batch in found:
        assert np.array_equal(batch.y, part.labels[batch.indices])
        assert np.array_equal(batch.x, preprocess.apply(part.images[batch.indices]))
        assert np.moveaxis(batch.x, 1, 3).flags.c_contiguous


def test_without_shuffling(part, preprocess):
    """The order is the part's own."""
    found = batches(part, batch_size=8, epoch=2, seed=9, preprocess=preprocess, shuffle=False)
    assert np.concatenate([batch.indices for batch in found]).tolist() == list(range(23))


def test_augmentation_does_not_depend_on_the_batch_size(part, preprocess):
    """A sample is changed alike in batches of any size."""
    seen = []
    for batch_size in (1, 7, 100):
        images = np.empty((23, 3, 6, 5), np.float32)
        for x, _, indices in batches(
            part,
            batch_size=batch_size,
            epoch=1,
            seed=3,
            preprocess=preprocess,
            augment=Augment(flip=True, shift=2),
        ):
            images[indices] = x
        seen.append(images)
    assert np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[0], seen[2])


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, None, True])
def test_batch_size_is_checked_at_once(part, preprocess, batch_size):
    """The call itself raises, not the first batch."""
    with pytest.raises(ArgumentError, match="batch_size must be a positive integer"):
        batches(part, batch_size=batch_size, epoch=0, seed=0, preprocess=preprocess)


def prefetching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "allconv-prefetch"]


@pytest.mark.parametrize("depth", [1, 2, 50])
def test_prefetch_gives_the_items_in_order(depth):
    """All items come, in order, also None, and the thread is gone afterwards."""
    items = [*range(20), None, 21]
    assert list(prefetch(iter(items), depth)) == items
    assert not prefetching()


def test_prefetch_works_in_another_thread_and_stays_within_its_depth():
    """Items are made by one other thread, at most `depth` and the one in use ahead."""
    made, makers = [], set()

    def source():
        for item in range(30):
            made.append(item)
            makers.add(threading.get_ident())
            yield item

    for used, item in enumerate(prefetch(source(), 3)):
        assert item == used
        assert len(made) <= used + 1 + 3
    assert len(makers) == 1
    assert threading.get_ident() not in makers


def test_prefetch_raises_what_the_source_raises():
    """An exception comes in its place, after the items before it."""

    def source():
        yield 1
        raise KeyError("gone")

    items = prefetch(source())
    assert next(items) == 1
    with pytest.raises(KeyError, match="gone"):
        next(items)
    assert not prefetching()


@pytest.mark.parametrize("way", [GeneratorExit, KeyboardInterrupt, ValueError])
def test_prefetch_closes(way):
    """Leaving early, by close, Ctrl-C or an error, stops the thread before the source ends."""
    made = []

    def source():
        for item in range(10**9):
            made.append(item)
            yield item

    items = prefetch(source(), 2)
    next(items)
    if way is GeneratorExit:
        items.close()
    else:
        with pytest.raises(way):
            items.throw(way())
    assert not prefetching()
    assert len(made) <= 5


def test_prefetch_depth_is_checked():
    """A depth below one is refused."""
    with pytest.raises(ArgumentError, match="depth must be"):
        prefetch(iter([]), 0)
