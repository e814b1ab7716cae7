"""The order of a sum as passes over runs: see `operators.reduce`, whose rule this is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allconv.engine.emit.passes import CELLS

BATCH, CHANNELS, SPACE = 0, 1, 2  # the first axes, and where space begins
RUN_OF_CHANNELS = 4096


@dataclass(frozen=True)
class Pass:
    """Every run of `run` numbers along an axis becomes one."""

    axis: int
    run: int

    @property
    def group(self) -> int:
        """The batch, the channels, or all of space."""
        return min(self.axis, SPACE)

    def after(self, sizes: Sequence[int]) -> list[int]:
        """The sizes of the array of the sums."""
        return [-(-n // self.run) if a == self.axis else n for a, n in enumerate(sizes)]


def passes(sizes: Sequence[int], axes: Sequence[int]) -> list[Pass]:
    """The passes after which the axes of a sum have size 1.

    >>> [(each.axis, each.run) for each in passes((1, 5, 40, 33), (1, 2, 3))]
    [(3, 32), (2, 32), (3, 32), (2, 32), (1, 4096)]
    """
    space = sorted((a for a in axes if a >= SPACE), reverse=True)
    return [
        *_cycles(sizes, space, CELLS),
        *_cycles(sizes, [a for a in axes if a == CHANNELS], RUN_OF_CHANNELS),
        *_cycles(sizes, [a for a in axes if a == BATCH], CELLS),
    ]


def _cycles(sizes: Sequence[int], axes: Sequence[int], run: int) -> Iterator[Pass]:
    """One axis after the other, again and again until nothing is left to add."""
    left = {a: sizes[a] for a in axes}
    while any(n > 1 for n in left.values()):
        for a in axes:
            if left[a] > 1:
                left[a] = -(-left[a] // run)
                yield Pass(a, run)
