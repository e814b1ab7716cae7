"""Where the memory between steps lies: one arena, in which what is alive together lies apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allconv.engine.place import ALIGNMENT, Storage
from allconv.engine.step import PlanStep

GAP = 64  # bytes between blocks that are alive together
END = 64  # bytes after the last block


@dataclass(frozen=True)
class Arena:
    """The offset in bytes of each storage, and the bytes of all."""

    offsets: Mapping[Storage, int]
    bytes: int


def lives(steps: Sequence[PlanStep], storages: Iterable[Storage]) -> dict[Storage, tuple[int, int]]:
    """The first and the last step that touch each of these storages."""
    among = set(storages)
    found: dict[Storage, tuple[int, int]] = {}
    for number, step in enumerate(steps):
        for storage in step.storages:
            if storage in among:
                found[storage] = (found.get(storage, (number, number))[0], number)
    return found


def allocate(steps: Sequence[PlanStep], storages: Iterable[Storage]) -> Arena:
    """Give each of these storages an offset; the largest choose first, each the lowest gap.

    Decided by the steps alone.
    """
    life = lives(steps, storages)
    order = sorted(life, key=lambda storage: -storage.bytes)
    first, last = np.array([life[storage] for storage in order], np.int64).reshape(-1, 2).T
    start, end = np.zeros((2, len(order)), np.int64)
    for k, storage in enumerate(order):
        need = -(-storage.bytes // ALIGNMENT) * ALIGNMENT + GAP
        alive = np.flatnonzero((first[:k] <= last[k]) & (first[k] <= last[:k]))
        alive = alive[np.argsort(start[alive], kind="stable")]
        tops = np.maximum.accumulate(np.concatenate([[0], end[alive]]))
        roomy = np.flatnonzero(start[alive] - tops[:-1] >= need)
        start[k] = tops[roomy[0]] if roomy.size else tops[-1]
        end[k] = start[k] + need
    offsets = dict(zip(order, start.tolist(), strict=True))
    return Arena(offsets, int(end.max(initial=0)) + END)
