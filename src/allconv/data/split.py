"""Dividing labelled samples so that every class keeps its share (stratified), keyed by a seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from allconv import random
from allconv.errors import ArgumentError

Indices = npt.NDArray[np.int64]


def check_fraction(name: str, value: float, *, zero: bool) -> float:
    """Return a share of the samples; ArgumentError unless it is below 1 and above (or at) 0."""
    low = "[0" if zero else "(0"
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
        raise ArgumentError(f"{name} must be a share of the images in {low}, 1), got {value!r}")
    if not (0 <= value < 1) or (value == 0 and not zero):
        raise ArgumentError(f"{name} must be a share of the images in {low}, 1), got {value}")
    return float(value)


def check_positive(name: str, value: object) -> None:
    """ArgumentError unless this is a whole number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ArgumentError(f"{name} must be a positive integer, got {value!r}")


def hold_out(labels: npt.ArrayLike, fraction: float, seed: int, purpose: str) -> Indices:
    """Indices, in order, of about `fraction` of each class.

    Of a class of n samples round(fraction * n) are taken, but at least one of three or more, and
    never all of them. `purpose` separates draws with the same seed.
    """
    labels = np.asarray(labels, np.int64)
    chosen = []
    for members in _drawn_classes(labels, seed, purpose):
        expected = int(np.floor(fraction * members.size + 0.5))
        if fraction > 0 and members.size >= 3:
            expected = max(expected, 1)
        chosen.append(members[: min(expected, members.size - 1)])
    return _merged(chosen)


def sample(labels: npt.ArrayLike, count: int, seed: int) -> Indices:
    """Indices, in order, of `count` samples, each class by its share and at least once.

    All indices where `count` is the number of samples or more. ArgumentError where `count` is
    smaller than the number of classes present.
    """
    labels = np.asarray(labels, np.int64)
    check_positive("samples", count)
    if count >= labels.size:
        return np.arange(labels.size, dtype=np.int64)
    classes = _drawn_classes(labels, seed, "samples")
    if count < len(classes):
        raise ArgumentError(
            f"samples is {count}, fewer than the {len(classes)} classes; "
            f"each class needs one, so use {len(classes)} or more"
        )
    shares = np.array([members.size for members in classes]) * (count / labels.size)
    taken = np.maximum(shares.astype(np.int64), 1)
    # What rounding left goes to the classes furthest below their share, one each round.
    while taken.sum() < count:
        taken[np.argmax(shares - taken)] += 1
    while taken.sum() > count:
        taken[np.argmax(np.where(taken > 1, taken - shares, -np.inf))] -= 1
    return _merged([members[:n] for members, n in zip(classes, taken, strict=True)])


def _drawn_classes(labels: Indices, seed: int, purpose: str) -> list[Indices]:
    """For each class present, the indices of its samples in a random order of its own."""
    return [
        random.generator(seed, "split", purpose, int(label)).permutation(
            np.flatnonzero(labels == label)
        )
        for label in np.unique(labels)
    ]


def _merged(parts: list[Indices]) -> Indices:
    empty = np.empty(0, np.int64)
    return np.sort(np.concatenate([empty, *parts])).astype(np.int64)
