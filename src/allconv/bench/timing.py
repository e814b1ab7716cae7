"""What times say: the median and how far they spread; which peer is the fastest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from allconv.operators.base import Array


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median, the quartiles, the least; and how many calls they are of.

    >>> Timing.of([0.003, 0.001, 0.002])
    Timing(median=0.002, low=0.0015, high=0.0025, least=0.001, calls=3)
    """

    median: float
    low: float
    high: float
    least: float
    calls: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """Of the seconds of each call, one at least."""
        low, median, high = (float(q) for q in np.percentile(seconds, [25, 50, 75]))
        return cls(median, low, high, float(min(seconds)), len(seconds))

    def data(self) -> dict[str, float]:
        """As plain data."""
        return asdict(self)


def fastest_peer(seconds: Mapping[str, float], ours: str) -> str | None:
    """Which of the others takes the least; None where there is none.

    >>> fastest_peer({"allconv": 1.0, "one": 3.0, "two": 2.0}, "allconv")
    'two'
    """
    others = {name: each for name, each in seconds.items() if name != ours}
    return min(others, key=others.__getitem__, default=None)


def ratio(seconds: Mapping[str, float], ours: str) -> float | None:
    """The time of the fastest peer over ours: above 1 we are faster.

    >>> ratio({"allconv": 1.0, "one": 3.0, "two": 2.0}, "allconv")
    2.0
    """
    peer = fastest_peer(seconds, ours)
    return None if peer is None or ours not in seconds else seconds[peer] / seconds[ours]


def largest_difference(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """The largest difference of two engines' results over the largest number in ours.

    Infinite where the results differ in number or shape, or one of them has a NaN that the other
    lacks.

    >>> largest_difference([np.array([2.0, 4.0])], [np.array([2.0, 4.5])])
    0.125
    """
    if len(ours) != len(theirs):
        return float("inf")
    largest = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
            return float("inf")
        finite = np.isfinite(a)
        x, y = a[finite].astype(np.float64), b[finite].astype(np.float64)
        if x.size:
            scale = float(np.abs(x).max()) or 1.0
            largest = max(largest, float(np.abs(x - y).max()) / scale)
    return largest
