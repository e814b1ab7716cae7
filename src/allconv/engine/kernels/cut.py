"""How the cells and output channels of a correlation are cut into units, by a count of cycles.

A unit is some rows and columns of a phase, with some blocks of output channels. Many cells use what
they read of the weights often, many channels what they read of the image; few of both leave units
for many threads. Neither bits nor the number of threads depend on the cut: it is the one with the
fewest cycles on 1 to 64 threads, as far as those can be foretold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from allconv.engine.kernels.chunk_sizes import BAND, MOST
from allconv.engine.kernels.entries import CELL
from allconv.engine.kernels.four_axes import AxisPhases
from allconv.engine.kernels.phase_table import ITEM
from allconv.engine.kernels.register_tile import Heights, line_cycles

THREADS = {1: 4, 2: 4, 4: 2, 5: 1, 8: 2, 16: 1, 32: 1, 64: 1}  # with the weight that each has
SHARE, MOST_SHARE = 12_500, 100_000
"""Cycles of each thread at least: so many times the number of threads, and at most how many."""
UNITS = 64  # at most, where less would not do
PANEL = 16 * 1024  # bytes of a part of the weights: half of a first-level cache
LARGEST = 1024 * 1024  # bytes of a band, and of what is written down of its cells
MORE, OVER = 8, 1.5
"""How many times as much a unit may hold and do, if it takes so many times less."""
NEAR = 256 * 1024  # bytes of weights that stay in the second-level cache beside a band
AHEAD = 2  # tiles of a unit at least, over which fetching the next part of the weights is spread
CELL_BYTES = len(CELL) * ITEM  # that are written down of a cell
TILE = 40  # cycles to begin and end a tile
BEGIN = 300  # cycles to begin a unit
COPY, CHANGE, TRANSPOSE = 0.3, 1.0, 1.0
"""Cycles to pack an element of a band, to change it on the way, and to transpose it from rows."""
NEAR_BYTES, FAR_BYTES = 64, 12  # of weights a cycle, from the second-level cache or beyond


class Cut(NamedTuple):
    """How many pieces the rows, the columns and the blocks of output channels are cut into."""

    rows: int
    columns: int
    channels: int


@dataclass(frozen=True, slots=True)
class WorkToCut:
    """All that decides a cut."""

    row: AxisPhases  # the two axes along which cells are cut
    column: AxisPhases
    outer: int  # how often all this comes: images, groups, phases, cells of the outer axes
    heights: Heights  # of the register tiles
    vectors: int
    alone: bool  # no tile crosses from row to row
    terms: int  # of a sum
    width: int  # output channels of a block
    blocks: int  # of output channels
    pixel: int  # bytes of all channels of a pixel, times the taps of the outer axes
    item: int
    copy: float  # cycles to pack an element of the band; 0 if the source is its own band

    def band(self, rows: int, columns: int) -> int:
        """Bytes of the band of a unit of so many cells."""
        return self.row.packed(rows) * self.column.packed(columns) * self.pixel

    def cells(self, cut: Cut) -> tuple[int, int]:
        """Rows and columns of the largest unit."""
        return -(-self.row.most // cut.rows), -(-self.column.most // cut.columns)

    def units(self, cut: Cut) -> int:
        """How many units there are."""
        return self.outer * cut.rows * cut.columns * cut.channels

    def fits(self, cut: Cut) -> bool:
        """Whether the band of a unit stays in the cache, and its work is not too much."""
        return self._within(cut, 1)

    def possible(self, cut: Cut) -> bool:
        """Whether both are within `MORE` times what fits: where sums have so many terms that few
        cells would fit, each of which reads all weights, more of them take less time."""
        return self._within(cut, MORE)

    def _within(self, cut: Cut, times: int) -> bool:
        rows, columns = self.cells(cut)
        work = rows * columns * self.terms * -(-self.blocks // cut.channels) * self.width
        held = self.band(rows, columns) + rows * columns * CELL_BYTES
        return work <= times * MOST and held <= times * LARGEST

    def cycles(self, cut: Cut) -> float:
        """Of the largest unit."""
        rows, columns = self.cells(cut)
        lines, length = (rows, columns) if self.alone else (1, rows * columns)
        blocks = -(-self.blocks // cut.channels)
        panel = self.terms * self.width * self.item
        parts = -(-panel // PANEL)
        near = panel * self.blocks <= NEAR
        band = self.band(rows, columns)
        often = blocks + 4 * (self.copy > 0) if band > BAND else 1
        read = blocks * panel / (NEAR_BYTES if near else FAR_BYTES) + often * band / FAR_BYTES
        pack = self.copy * band / self.item
        more = parts * TILE / max(self.terms, 1)  # of each tile, in cycles of a step
        step = line_cycles(self.heights, length, self.vectors, more)
        return lines * step * self.terms * blocks + read + pack + BEGIN

    def time(self, cut: Cut) -> float:
        """Cycles of all units on some threads, times those: the mean over `THREADS` that pay."""
        units, cycles = self.units(cut), self.cycles(cut)
        weights = {
            n: weight
            for n, weight in THREADS.items()
            if units * cycles >= n * min(n * SHARE, MOST_SHARE)
        }
        weights = weights or {1: 1}
        turns = sum(weight * -(-units // n) * n for n, weight in weights.items())
        return turns * cycles / sum(weights.values())

    def cuts(self) -> Iterator[Cut]:
        """Cuts into ever more units, none of which is smaller than a tile."""
        line = self.column.least * (1 if self.alone else self.row.least)
        cells = min(self.heights[0], line)
        least = 1 if self.alone else -(-cells // self.column.least)
        for channels in _counts(self.blocks):
            seen = None
            for blocks in _counts(self.row.most * self.column.most):
                rows = min(blocks, self.row.least // least)
                together = 1 if self.alone else self.row.least // rows  # rows of the smallest unit
                most = self.column.least // -(-cells // together)
                cut = Cut(rows, min(-(-blocks // rows), most), channels)
                if cut != seen:
                    yield cut
                seen = cut
                if self.units(cut) >= UNITS and self.fits(cut):
                    break


@lru_cache(4096)
def cut(work: WorkToCut) -> Cut:
    """The best cut, for which one that does not fit counts as slower; if none is possible, the
    finest."""
    cuts = list(work.cuts())
    possible = [each for each in cuts if work.possible(each)]
    if not possible:
        return max(cuts, key=work.units)
    return min(possible, key=lambda each: work.time(each) * (1 if work.fits(each) else OVER))


def _counts(most: int) -> Iterator[int]:
    """1, 2, 3, 4, 6, 8, 12, 16 ... and the most."""
    count = 1
    while count < most:
        yield count
        if count > 1 and 3 * count // 2 < most:
            yield 3 * count // 2
        count *= 2
    yield most
