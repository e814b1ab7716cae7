"""The gradient of weights: w = sum over images and cells of x times y.

Rows of the register tile are input channels, its vectors are output channels; the sum runs over the
cells of a part of the batch (at most 4,096, so that one accumulator does not drown small terms).
The parts depend on the shape alone; `JoinWeight` adds them in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.view import TileRows, View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels import band
from allconv.engine.kernels.band import BandArguments, SourceArguments
from allconv.engine.kernels.four_axes import OutputArguments
from allconv.engine.kernels.phase_table import PhaseArguments, read_phase, share

COLUMNS = ("taps", "cells", "offset", "tap", "y")
"""Of a phase: its counts, the source cell of its first cell and tap, the number of its first tap,
and how many bytes further its first cell of y lies."""


@dataclass(frozen=True, kw_only=True)
class TermArguments(SourceArguments[T], PhaseArguments[T], OutputArguments[T]):
    """The terms of a weight gradient: `images` of the source x and of the gradient y. Of each axis:
    the taps of the kernel, and by how many the next tap of a phase is further."""

    kernel: tuple[T, ...] = several(4)
    tap_step: tuple[T, ...] = several(4)
    images: T


@dataclass(frozen=True, kw_only=True)
class PartArguments(Arguments[T]):
    """The parts of the batch, see `chunk_sizes.Parts`: images, rows and columns of each, the cells
    of axes 0 and 1, the blocks of the others; their sums, of so many bytes each, in `partial`."""

    part_images: T
    rows: T
    columns: T
    cells: tuple[T, ...] = several(2)
    row_blocks: T
    column_blocks: T
    partial: T
    part_bytes: T


@dataclass(frozen=True, kw_only=True)
class WeightArguments(TermArguments[T], PartArguments[T], BandArguments[T]):
    """Beside those, how units are counted: the phases of each axis, blocks of the taps of axes 2
    and 3, splits of so many blocks of input channels and of output channels. `outputs` are the
    output channels of a group, whose sums of a part take `group_bytes`."""

    units: T
    chunk_units: T
    groups: T
    phase_count: tuple[T, ...] = several(4)
    tap_blocks: tuple[T, ...] = several(2)
    in_splits: T
    in_split_blocks: T
    splits: T
    split_blocks: T
    outputs: T
    out_blocks: T
    group_bytes: T
    band_bytes: T  # of an image
    merged: T  # whether taps of axis 3 and channels are one run


@dataclass(frozen=True)
class _Terms:
    """What a unit sums over, and for which taps of axes 2 and 3 it does."""

    images: Index
    rows: Index
    columns: Index
    taps: tuple[Index, Index]
    blocks: tuple[Index, Index]  # of input channels: the first, and how many


@dataclass(frozen=True)
class Weight(Kernel):
    """A unit: a part of the batch, one group, one tap of axes 0 and 1 and some of a phase of axes 2
    and 3, some blocks of input and of output channels.

    Units count parts (blocks of images, cells of axes 0 and 1, blocks of rows, of columns), groups,
    taps of axes 0 and 1, phases and blocks of taps of axes 2 and 3, splits of input channels, of
    output channels; a chunk is `chunk_units` of them. Results go to
    partial[part][group][channel block][tap][row][lane]. The last tile of some taps or channels may
    have too many of them, which are not written: each sum has one tile.
    """

    tile: tuple[int, int, int]  # taps along axis 2, channels, vectors of output channels
    pitch: int
    stride: int  # along axis 3, in cells of the band

    takes: ClassVar = WeightArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(WeightArguments)
        with code.units(a.chunk_units, a.units) as unit:
            self._unit(code, unit)

    def _unit(self, code: Code, unit: Index) -> None:
        """Pack the band of every image, then compute block after block of channels."""
        a = code.arguments(WeightArguments)
        part, group, k0, k1, p2, block2, p3, block3, in_split, split = code.counted(
            unit, a.groups, a.kernel[0], a.kernel[1], a.phase_count[2], a.tap_blocks[0],
            a.phase_count[3], a.tap_blocks[1], a.in_splits, a.splits,
        )  # fmt: skip
        image, cells = begin_part(code, part)
        which = (code.rem(k0, a.tap_step[0]), code.rem(k1, a.tap_step[1]), p2, p3)
        phases = [read_phase(code, COLUMNS, axis, p) for axis, p in enumerate(which)]
        t2, taps2 = share(code, phases[2]["taps"], block2, a.tap_blocks[0])
        t3, taps3 = share(code, phases[3]["taps"], block3, a.tap_blocks[1])
        taps = (code.div(k0, a.tap_step[0]), code.div(k1, a.tap_step[1]), t2, t3)
        start = [
            code.add(phase["offset"], code.mul(stride, cell), code.mul(dilation, tap))
            for phase, stride, cell, dilation, tap in zip(
                phases, a.stride, cells, a.dilation, taps, strict=True
            )
        ]
        rows = _left(code, phases[2]["cells"], cells[2], a.rows)
        rows = _meeting(code, 2, cells, start, rows, taps2)
        columns = _left(code, phases[3]["cells"], cells[3], a.columns)
        columns = _meeting(code, 3, cells, start, columns, taps3)
        for axis in (0, 1):
            exists = code.both(
                code.compare("<", cells[axis], phases[axis]["cells"]),
                code.within(start[axis], a.size[axis]),
            )
            rows = code.select(exists, rows, 0)
        first = code.mul(in_split, a.in_split_blocks)
        terms = _Terms(
            images=code.min(code.sub(a.images, image), a.part_images),
            rows=rows,
            columns=columns,
            taps=(taps2, taps3),
            blocks=(first, _left(code, a.blocks, first, a.in_split_blocks)),
        )
        packed = self._pack(code, terms, group, image, start)
        y = code.add(
            a.y, *(phase["y"] for phase in phases),
            code.mul(a.y_image, image), code.mul(a.y_group, group), *code.moves(a.y_axis, cells),
        )  # fmt: skip
        out = code.add(a.partial, code.mul(part, a.part_bytes), code.mul(group, a.group_bytes))
        tap2 = code.add(phases[2]["tap"], code.mul(a.tap_step[2], t2))
        tap3 = code.add(phases[3]["tap"], code.mul(a.tap_step[3], t3))
        tap = code.numbered((k0, k1, tap2, tap3), a.kernel)
        begin = code.mul(split, a.split_blocks)
        end = code.min(code.add(begin, a.split_blocks), a.out_blocks)
        with code.loop(end, start=begin) as k:
            self._channels(code, packed, k, terms, y, out, tap)

    def _pack(
        self, code: Code, terms: _Terms, group: Index, image: Index, start: list[Index]
    ) -> band.Band:
        """The bands of all images, one after the other."""
        a = code.arguments(WeightArguments)
        taps2, taps3 = terms.taps
        part = band.BandPart(
            start=(start[0], start[1], start[2], start[3]),
            taps=(1, 1),
            rows=band.Span.of(code, 2, terms.rows, taps2),
            columns=band.Span.of(code, 3, terms.columns, taps3),
            first_block=terms.blocks[0],
            blocks=terms.blocks[1],
        )
        with code.loop(terms.images) as i:
            address = code.add(code.scratch, code.mul(i, a.band_bytes))
            band.emit_band(code, self.pitch, address, code.add(image, i), group, part)
        return band.Band.of(code, self.pitch, code.scratch, part)

    def _channels(
        self, code: Code, packed: band.Band, k: Index, terms: _Terms, y: Index, out: Index,
        first_tap: Index,
    ) -> None:  # fmt: skip
        """All taps and input channels of the unit for one block of output channels."""
        a = code.arguments(WeightArguments)
        height, width, vectors = self.tile
        lane_bytes = vectors * code.lanes * code.size
        left = code.sub(a.outputs, code.mul(k, vectors * code.lanes))
        right = View(code, code.add(y, code.mul(k, lane_bytes)))
        line = code.mul(a.channels, lane_bytes)
        target = code.add(out, code.mul(k, *a.kernel, line), code.mul(first_tap, line))
        by_tap2 = code.mul(a.tap_step[2], a.kernel[3], line)
        by_tap3 = code.mul(a.tap_step[3], line)
        merged = code.compare("!=", a.merged, 0)
        (taps2, taps3), (first_block, blocks) = terms.taps, terms.blocks
        alone, run = code.select(merged, 1, taps3), code.select(merged, taps3, 1)
        with code.loop(taps2, step=height) as t2:
            # Taps that a tile has too many read what the last one does, and are not written.
            below = code.sub(code.sub(taps2, t2), 1)
            heights = [0, *(code.mul(packed.tap2, code.min(i, below)) for i in range(1, height))]
            with code.loop(alone) as t3, code.loop(blocks) as b:
                channel = code.mul(code.add(first_block, b), a.block)
                rest = code.min(code.sub(a.channels, channel), a.block)
                count = code.mul(rest, run)
                with code.loop(count, step=width) as c:
                    origin = code.add(
                        packed.address, code.mul(b, packed.block), code.mul(t2, packed.tap2),
                        code.mul(t3, packed.tap3), code.mul(c, code.size),
                    )  # fmt: skip
                    pairs = [(i, j) for i in range(height) for j in range(width)]
                    offsets = [code.add(heights[i], j * code.size) for i, j in pairs]
                    tile = Tile(code, height * width, vectors)
                    self._contract(
                        code, tile, packed, terms, View(code, origin).rows(offsets), right, left
                    )
                    place = code.add(
                        target, code.mul(t2, by_tap2), code.mul(t3, by_tap3),
                        code.mul(code.add(channel, c), lane_bytes),
                    )  # fmt: skip
                    offsets = [code.add(code.mul(by_tap2, i), j * lane_bytes) for i, j in pairs]
                    exist = code.sub(taps2, t2), code.sub(count, c)
                    self._store(code, tile, View(code, place).rows(offsets), exist)

    def _store(self, code: Code, tile: Tile, out: TileRows, exist: tuple[Index, Index]) -> None:
        """Write a tile, of which so many taps and channels exist."""
        height, width, vectors = self.tile
        full = code.both(code.compare(">=", exist[0], height), code.compare(">=", exist[1], width))
        with code.either(full) as (then, otherwise):
            with then:
                tile.store(out)
            with otherwise:
                for i, j in ((i, j) for i in range(height) for j in range(width)):
                    n = i * width + j
                    exists = code.both(
                        code.compare(">", exist[0], i), code.compare(">", exist[1], j)
                    )
                    with code.when(exists):
                        for v in range(vectors):
                            out[n].store(tile.registers[n * vectors + v], v)

    def _contract(
        self, code: Code, tile: Tile, packed: band.Band, terms: _Terms, x: TileRows, y: View,
        left: Index,
    ) -> None:  # fmt: skip
        """Sum over images, rows and columns; only the last block of channels needs masks."""
        a = code.arguments(WeightArguments)
        loops = [
            (terms.images, a.band_bytes, a.y_image),
            (terms.rows, packed.row, a.y_axis[2]),
            (terms.columns, self.stride * self.pitch * code.size, a.y_axis[3]),
        ]
        whole = code.compare(">=", left, tile.vectors * code.lanes)
        masks = code.masks(left, tile.vectors)

        def masked(x: TileRows, y: View | None) -> None:
            if y is None:
                raise TypeError("an outer product needs both operands")
            vectors = [y.vector(v, masks[v]) for v in range(tile.vectors)]
            for r in range(tile.rows):
                scalar = code.splat(x[r].scalar())
                for v, vector in enumerate(vectors):
                    n = r * tile.vectors + v
                    tile.registers[n] = code.fma(scalar, vector, tile.registers[n])

        with code.either(whole, carry=tile.registers) as (then, otherwise):
            with then:
                contract(code, tile, loops, x, y)
            with otherwise:
                contract(code, tile, loops, x, y, masked)


def begin_part(code: Code, part: Index) -> tuple[Index, list[Index]]:
    """The first image of a part of the batch, and its first cell along each axis."""
    a = code.arguments(PartArguments)
    block, m0, m1, row, column = code.counted(part, *a.cells, a.row_blocks, a.column_blocks)
    cells = [m0, m1, code.mul(row, a.rows), code.mul(column, a.columns)]
    return code.mul(block, a.part_images), cells


def _left(code: Code, total: Index, begin: Index, most: Index) -> Index:
    """How many of a block of at most so many there are from its beginning on."""
    return code.max(code.min(code.sub(total, begin), most), 0)


def _meeting(
    code: Code, axis: int, cells: list[Index], start: list[Index], count: Index, taps: Index
) -> Index:
    """How many of so many cells of an axis have a source for some tap; `cells` and `start` are
    moved on to the first of these."""
    a = code.arguments(TermArguments)
    stride, over = a.stride[axis], code.mul(a.dilation[axis], code.sub(taps, 1))
    before = code.max(code.sub(0, code.add(start[axis], over)), 0)
    first = code.min(code.ceil_div(before, stride), count)
    end = code.ceil_div(code.max(code.sub(a.size[axis], start[axis]), 0), stride)
    cells[axis] = code.add(cells[axis], first)
    start[axis] = code.add(start[axis], code.mul(stride, first))
    return code.max(code.sub(code.min(end, count), first), 0)
