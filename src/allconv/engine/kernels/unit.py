"""A unit of the direct algorithm: in which parts it sums, and what lies where in its scratch
memory."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from allconv.engine.buffer import LINE
from allconv.engine.kernels.chunk_sizes import ChannelBlocks
from allconv.engine.kernels.cut import AHEAD, CELL_BYTES, NEAR, PANEL, Cut, WorkToCut
from allconv.engine.kernels.entries import RUN
from allconv.engine.kernels.four_axes import AxisPhases, Image
from allconv.engine.kernels.pack import Packed
from allconv.engine.kernels.phase_table import ITEM
from allconv.engine.kernels.register_tile import cover


@dataclass(frozen=True)
class TermRuns:
    """Terms that follow each other: `channels` of a run, `blocks` of them for all channels, how
    many runs a sum has, and how many are a part of it, whose weights stay in the cache."""

    channels: int
    blocks: int
    number: int
    part: int
    merged: bool  # taps of the last axis are in one run
    bytes: int  # of the weights of a part

    @classmethod
    def of(
        cls, work: WorkToCut, x: Image, axes: tuple[AxisPhases, ...], packed: Packed, by_tap: int
    ) -> TermRuns:
        """The longest runs; weights lie `by_tap` bytes apart along the last axis."""
        blocks, taps = ChannelBlocks.of(packed.format.rows), [axis.taps for axis in axes]
        of_term = work.width * work.item
        panel = blocks.block * of_term
        pixel = blocks.pitch * work.item if work.copy else x.strides[3]
        steps = axes[3].common.dilation * pixel, by_tap
        full = blocks.channels == blocks.blocks * blocks.block
        merged = full and not axes[3].apart and steps == (blocks.block * work.item, panel)
        channels = blocks.block
        if prod(taps) == 1 and not work.copy and packed.arguments().w_rows == panel:
            channels *= max(1, PANEL // panel)  # blocks of channels follow each other
        of_channels = -(-blocks.channels // channels)
        number = max(1, of_channels * prod(taps[:3]) * (1 if merged else taps[3]))
        terms = -(-work.terms // number)
        part = max(1, PANEL // max(terms * of_term, 1))
        return cls(channels, of_channels, number, part, merged, terms * part * of_term)

    @property
    def parts(self) -> int:
        """Parts of a sum."""
        return -(-self.number // self.part)


class UnitMemory(NamedTuple):
    """Where in scratch memory the entries of runs and of cells, and sums, begin, behind the band;
    how many bytes there are in all; and how many of the next part of the weights each tile fetches
    a term."""

    runs: int
    cells: int
    sums: int
    bytes: int
    ahead: int

    @classmethod
    def of(cls, work: WorkToCut, pieces: Cut, runs: TermRuns, *, kept: bool) -> UnitMemory:
        """Memory for the largest unit; with `kept` it has room for all sums of a block."""
        rows, columns = work.cells(pieces)
        lines, length = (rows, columns) if work.alone else (1, rows * columns)
        whole, begin, covered = cover(work.heights, length)
        tiles = lines * (whole + (begin < covered))
        band = _lines(work.band(rows, columns)) if work.copy else 0
        cells = band + _lines(runs.number * len(RUN) * ITEM)
        sums = cells + _lines(lines * covered * CELL_BYTES)
        held = 1 + work.heights[0]  # the biases, and a tile that is not full
        held += lines * covered if kept or runs.parts > 1 else 0
        far = work.blocks * work.terms * work.width * work.item > NEAR and tiles >= AHEAD
        ahead = -(-work.width * work.item // tiles) if far else 0
        return cls(band, cells, sums, sums + held * work.width * work.item, ahead)


def _lines(size: int) -> int:
    """Bytes of whole cache lines."""
    return -(-size // LINE) * LINE
