"""The direct algorithm in planes, for results that lie row by row, channel by channel.

Vectors of the register tile are output cells that follow each other, also from row to row; its rows
are output channels. So nothing is transposed: x is read where it lies, or from planes of its few
channels (see `planes_band`), and y is written from registers. Weights are packed as for `direct`,
the terms of a sum and their order are the same, and so are the bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from llvmlite import ir

from allconv.engine.arguments import T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import TileRows, View
from allconv.engine.epilogue import Epilogue
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.correlation_arguments import (
    COLUMNS,
    CorrelationArguments,
    source_of_unit,
)
from allconv.engine.kernels.entries import entry, write_entry
from allconv.engine.kernels.phase_table import reach, read_phase, share
from allconv.engine.kernels.planes_band import PlanesBandArguments, PlanesPart, emit_planes

TERMS = ("source", "weight")
"""What is written down of terms that follow each other, those of a tap of axes 0 to 2: how many
bytes from the first of all they begin."""


@dataclass(frozen=True, kw_only=True)
class PlanesArguments(CorrelationArguments[T], PlanesBandArguments[T]):
    """Beside those, how units are counted, whether the source is read where it lies, the lanes of a
    block of weights, and where in scratch memory terms are written down."""

    units: T
    chunk_units: T
    row_blocks: T
    column_blocks: T
    splits: T
    split_blocks: T  # of output channels in a split
    inplace: T
    width: T
    terms: T


class PlanesUnit(NamedTuple):
    """What a unit computes from: its image, the first channel of its group in bytes, how many cells
    it has, and of the first of them and of the group where x, weights and y lie; how many entries
    `TERMS` has."""

    image: Index
    channel: Index
    cells: Index
    x: Index
    w: Index
    y: Index
    runs: Index


@dataclass(frozen=True)
class Planes(Kernel):
    """A unit: some rows, or columns of one row, of an image and group, some blocks of channels.

    Units count images, groups, cells of axes 0 and 1, blocks of rows, of columns, of channels; a
    chunk is `chunk_units` of them. There is one phase of every axis. The source itself is read
    (`inplace`) where windows are single cells side by side, none of which lies outside.
    """

    tile: tuple[int, int]  # output channels, vectors of cells
    bias: bool
    epilogue: Epilogue

    takes: ClassVar = PlanesArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(PlanesArguments)
        phases = [read_phase(code, COLUMNS, axis, 0) for axis in range(4)]
        with code.units(a.chunk_units, a.units) as number:
            image, group, m0, m1, row, column, split = code.counted(
                number, a.groups, a.most[0], a.most[1], a.row_blocks, a.column_blocks, a.splits
            )
            r0, rows = share(code, phases[2]["cells"], row, a.row_blocks)
            count = phases[3]["cells"]
            q0, columns = share(code, code.ceil_div(count, code.lanes), column, a.column_blocks)
            q0, columns = code.mul(q0, code.lanes), code.mul(columns, code.lanes)
            columns = code.min(columns, code.sub(count, q0))  # cut between vectors
            unit = _prepare(code, phases, (image, group), (m0, m1, r0, q0), (rows, columns))
            first = code.mul(split, a.split_blocks)
            last = code.min(code.add(first, a.split_blocks), a.out_blocks)
            with code.loop(last, start=first) as k:
                channel = code.mul(k, a.width)
                left = code.min(code.sub(a.outputs, channel), a.width)
                weights = code.add(unit.w, code.mul(k, a.w_block))
                with code.loop(left, step=self.tile[0]) as some:
                    w = code.add(weights, code.mul(some, code.size))
                    _Channels(self, code, unit, code.add(channel, some), code.sub(left, some),
                              w).emit()  # fmt: skip


def _prepare(
    code: Code, phases: Sequence[dict[str, Index]], place: tuple[Index, Index],
    cells: tuple[Index, Index, Index, Index], counts: tuple[Index, Index],
) -> PlanesUnit:  # fmt: skip
    """Pack the planes of a unit, unless x is read in place, and write down where terms begin."""
    a = code.arguments(PlanesArguments)
    (image, group), (rows, columns) = place, counts
    start, taps, w = source_of_unit(code, phases, cells, group)
    part = PlanesPart(
        start=(start[0], start[1], start[2], start[3]),
        taps=(taps[0], taps[1]),
        rows=reach(code, a.stride[2], rows, a.dilation[2], taps[2]),
        columns=columns,
    )
    inplace = code.compare("!=", a.inplace, 0)
    with code.when(code.inverse(inplace)):
        emit_planes(code, code.scratch, image, group, part)
    own = code.add(
        a.x, code.mul(image, a.x_image), code.mul(group, a.x_group), *code.moves(a.x_axis, start)
    )
    y = code.add(
        a.y, code.mul(image, a.y_image), code.mul(group, a.y_group), *code.moves(a.y_axis, cells)
    )
    return PlanesUnit(
        image, code.mul(group, a.b_group), code.mul(rows, columns),
        code.select(inplace, own, code.scratch), w, y, _write_terms(code, taps, columns),
    )  # fmt: skip


def _write_terms(code: Code, taps: Sequence[Index], columns: Index) -> Index:
    """Write down where terms begin, in their order, and say how often."""
    a = code.arguments(PlanesArguments)
    table, outer = (code.add(code.scratch, a.terms), code.mul(a.row_taps, a.channels, a.plane))
    with code.loop(taps[0]) as t0, code.loop(taps[1]) as t1, code.loop(taps[2]) as t2:
        number, row = code.numbered((t0, t1), (0, taps[1])), code.mul(t2, a.dilation[2])
        source = code.add(
            code.mul(number, outer), code.mul(code.rem(row, a.stride[2]), a.phase),
            code.mul(code.div(row, a.stride[2]), columns, code.size),
        )  # fmt: skip
        weight = code.add(*code.moves(a.w_tap[:3], (t0, t1, t2)))
        number = code.add(code.mul(number, taps[2]), t2)
        write_entry(code, table, number, (source, weight))
    return code.mul(*taps[:3])


class _Channels:
    """Some output channels of a unit, as many as a tile has; `left` of them exist, at least one."""

    def __init__(
        self, kernel: Planes, code: Code, unit: PlanesUnit, first: Index, left: Index, w: Index
    ) -> None:
        self.kernel, self.code, self.unit, self.left, self.w = (kernel, code, unit, left, w)
        self.a = a = code.arguments(PlanesArguments)
        self.height, self.width = kernel.tile
        self.y = code.add(unit.y, code.mul(first, a.y_channel))
        self.channel = code.add(unit.channel, code.mul(first, code.size))
        self.start = [code.const(0.0)] * self.height
        if kernel.bias:
            self.start = [code.splat(self._bias(row).scalar()) for row in range(self.height)]

    def _bias(self, row: int) -> View:
        """That of a row of the tile, or of the last one that exists."""
        code = self.code
        row_ = code.min(row, code.sub(self.left, 1))
        return View(code, code.add(self.a.b, self.channel, code.mul(row_, code.size)))

    def emit(self) -> None:
        """All cells of the unit: whole tiles, then vector by vector."""
        code, cells = self.code, self.unit.cells
        step = self.width * code.lanes
        whole = code.mul(code.div(cells, step), step)
        with code.loop(whole, step=step) as cell:
            self._tile(cell, self.width, None)
        with code.loop(cells, start=whole, step=code.lanes) as cell:
            self._tile(cell, 1, code.mask(code.sub(cells, cell)))

    def _tile(self, cell: Index, vectors: int, mask: Mask) -> None:
        """The sums of some vectors of cells, from one on."""
        code, a, size = self.code, self.a, self.code.size
        along = code.mul(cell, size)
        x = View(code, code.add(self.unit.x, along))
        w = View(code, self.w).rows([row * size for row in range(self.height)])
        tile = Tile(code, self.height, vectors, [b for b in self.start for _ in range(vectors)])

        def step(weights: TileRows, cells: View | None) -> None:
            tile.outer(weights, cells, mask)

        loops = [(code.mul(a.row_taps, a.channels), code.mul(a.width, size), a.plane)]
        with code.loop(self.unit.runs, carry=tile.registers) as n:
            run = entry(code, code.add(code.scratch, a.terms), n, TERMS)
            source, weight = (x.moved(run["source"].scalar()), w.moved(run["weight"].scalar()))
            contract(code, tile, loops, weight, source, step)
        out = View(code, code.add(self.y, along), a.y_channel)
        for row in range(self.height):
            with code.when(code.compare("<", row, self.left)):
                for v in range(vectors):
                    value = tile.registers[row * vectors + v]
                    out[row].store(self._after(value, row, out[row], v, mask), v, mask)

    def _after(self, x: ir.Value, row: int, out: View, v: int, mask: Mask) -> ir.Value:
        """What the epilogue makes of a vector."""
        code, size = self.code, self.code.size
        cell = code.add(code.sub(out.address, self.a.y), v * code.lanes * size)
        channel = code.add(self.channel, row * size)
        return self.kernel.epilogue.apply(code, x, self.unit.image, channel, cell, mask, plane=True)
