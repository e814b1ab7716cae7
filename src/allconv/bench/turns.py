"""Engines measured in turn: blocks of calls with silence before each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import numpy as np

from allconv.bench.engines import OURS
from allconv.bench.process import WorkerProcess, failing
from allconv.bench.timing import Timing, largest_difference
from allconv.bench.worker import Message

SILENCE = 0.12  # seconds in which the workers of the engine before come to rest
SLOW = 0.1  # seconds of a call from which on one dropped call is enough


@dataclass(frozen=True)
class Pace:
    """How long to measure: so many rounds of one block an engine, each of some seconds of calls."""

    rounds: int = 5
    seconds: float = 0.25
    warm: float = 0.5
    silence: float = SILENCE
    least_calls: int = 3
    most_calls: int = 500

    def block(self, usual: float) -> tuple[int, int]:
        """How many calls a block has, and how many before them are dropped.

        >>> Pace().block(0.01), Pace().block(1.0)
        ((25, 3), (3, 1))
        """
        calls = round(self.seconds / max(usual, 1e-9))
        return min(max(calls, self.least_calls), self.most_calls), 1 if usual > SLOW else 3


@dataclass
class Measured:
    """What came out for one workload, by the names of engines."""

    timings: dict[str, Timing] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    differences: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def measure(
    workers: Sequence[WorkerProcess],
    told: Message,
    folder: Path,
    pace: Pace,
    sleep: Callable[[float], object] = time.sleep,
) -> Measured:
    """Time a workload on each of the workers, in turn; one that fails is left out from there on."""
    found = Measured()
    usual: dict[str, float] = {}
    for worker in workers:
        with failing(found.failures, worker.engine.name):
            found.settings[worker.engine.name] = worker.prepare(told)["settings"]
            usual[worker.engine.name] = worker.ask("warm", seconds=pace.warm)["usual"]
    seconds: dict[str, list[float]] = {name: [] for name in usual}
    for turn in range(pace.rounds):
        alive = [w for w in workers if w.engine.name in seconds]
        first = turn % max(len(alive), 1)
        for worker in [*alive[first:], *alive[:first]]:  # no engine always follows the same one
            sleep(pace.silence)
            calls, dropped = pace.block(usual[worker.engine.name])
            with failing(found.failures, worker.engine.name):
                times = worker.ask("block", calls=calls, dropped=dropped)["times"]
                seconds[worker.engine.name] += [each * 1e-9 for each in times]
        seconds = {name: each for name, each in seconds.items() if name not in found.failures}
    found.timings = {name: Timing.of(each) for name, each in seconds.items() if each}
    _compare(found, [w for w in workers if w.engine.name in found.timings], folder)
    return found


def _compare(found: Measured, workers: Sequence[WorkerProcess], folder: Path) -> None:
    """The largest differences of results from ours."""
    results = {}
    for worker in workers:
        name = worker.engine.name
        with failing(found.failures, worker.engine.name):
            path = folder / f"{name}.npz"
            worker.ask("results", path=str(path))
            with np.load(path, allow_pickle=False) as file:
                results[name] = [file[each] for each in sorted(file.files)]
            path.unlink()
    ours = results.pop(OURS, None)
    if ours is None:
        return
    for name, each in results.items():
        difference = largest_difference(ours, each)
        if difference == inf:
            found.failures[name] = "its results differ in shape, or in which of them are finite"
            del found.timings[name]
        else:
            found.differences[name] = difference
