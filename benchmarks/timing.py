"""Alternating measurements: medians, and how far they spread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median, and the first and last quartile."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median * 1e3:.2f} ms ({self.low * 1e3:.2f} - {self.high * 1e3:.2f})"


BURST = 0.02  # seconds that one call has to itself before the next has its turn


def alternate(
    calls: Sequence[Callable[[], object]], seconds: float = 2.0, warm: int = 3
) -> list[Timing]:
    """Time several calls in turn, in short bursts, for about `seconds` each."""
    for call in calls:
        for _ in range(warm):
            call()
    samples: list[list[float]] = [[] for _ in calls]
    end = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < end or len(samples[0]) < 5:
        for call, taken in zip(calls, samples, strict=True):
            turn = time.perf_counter() + BURST
            call()
            start = time.perf_counter()
            while True:
                call()
                now = time.perf_counter()
                taken.append(now - start)
                start = now
                if now > turn:
                    break
    return [Timing(*np.percentile(taken, [50, 25, 75])) for taken in samples]
