"""The direct algorithm: y = b + sum over channel blocks, taps and channels of x times w.

Rows of the register tile are output cells, any that follow each other in a block of them, also from
row to row; its vectors are output channels. The same kernel computes correlations, their transposes
(phase by phase), linear and locally connected layers: they differ in where their operands lie. The
order of summation of an output is fixed: bias, channel blocks, taps in row-major order, channels of
the block. A long sum is taken part by part, over all cells of a unit, so that the weights of a
part stay in the first-level cache; in between the sums lie in scratch memory, and lose no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import T, several
from allconv.engine.buffer import LINE
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.turn import turn
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import Rows, View
from allconv.engine.epilogue import BeforeArguments, Epilogue
from allconv.engine.kernel import Kernel
from allconv.engine.kernels import band
from allconv.engine.kernels.correlation import COLUMNS, ProblemArguments
from allconv.engine.kernels.entries import CELL, RUN, entry, write_entry
from allconv.engine.kernels.phase_table import clip_taps, reach, read_phase, share


@dataclass(frozen=True, kw_only=True)
class DirectArguments(ProblemArguments[T], BeforeArguments[T]):
    """Beside those, how units are counted, how long runs are, and where in scratch memory what is
    written down begins."""

    units: T
    chunk_units: T
    row_blocks: T
    column_blocks: T
    splits: T
    split_blocks: T  # of output channels in a split
    w_cell: tuple[T, ...] = several(3)  # how far weights and biases move from cell to cell
    b_cell: tuple[T, ...] = several(3)
    pitch: T  # channels that a pixel of the band has room for
    inplace: T
    alone: T
    merged: T
    run: T  # channels of a run
    run_blocks: T
    parts: T
    part_runs: T
    part_bytes: T  # of the weights of a part
    runs: T
    cells: T
    sums: T
    ahead: T  # bytes of the next part of the weights that each tile fetches


@dataclass(frozen=True)
class _Cells:
    """The cells of a unit along axes 2 and 3: where they begin, how many, and what they read."""

    base: Index  # the source of the first row's tap 0
    rows: Index
    columns: Index
    taps: tuple[Index, Index, Index, Index]  # of axes 0 and 1 those that exist
    image: Index
    channel: Index  # the first of the group, in bytes


@dataclass(frozen=True)
class _Panel:
    """A block of output channels: its weights, biases and outputs, how many channels are left."""

    w: Index
    b: Index
    y: Index  # in bytes from the first of the group
    channel: Index  # the first one, in bytes, counted over all groups
    left: Index
    masks: list[Mask]


@dataclass(frozen=True)
class _Terms:
    """A part of the runs of every sum, in their order; it is the `first`, the `last` or both."""

    first: Condition
    last: Condition
    begin: Index
    end: Index
    following: Index  # where the weights of the next part lie


@dataclass(frozen=True)
class Direct(Kernel):
    """A unit: some rows and columns of a phase, of one image and group, some blocks of channels.

    Units count images, groups, phases and cells of axes 0 and 1, phases and blocks of rows, phases
    and blocks of columns, blocks of channels; a chunk is `chunk_units` of them. Taps of axes 0 and
    1 whose source does not exist are left out, and those of axis 2 that no row of a tile has; else
    the band has zeros there. Where nothing lies outside (`inplace`) the source itself is the band.
    Where weights or biases move with the rows (`alone`) no tile crosses from one to the next. Where
    channels of y lie apart (`turned`) a unit's block of them is finished in scratch memory first.
    """

    tile: tuple[int, int]  # cells, vectors of channels
    bias: bool
    epilogue: Epilogue
    prologue: Epilogue | None = None
    turned: bool = False

    takes: ClassVar = DirectArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(DirectArguments)
        with code.units(a.chunk_units, a.units) as unit:
            image, group, p0, m0, p1, m1, *rest = code.counted(
                unit, a.groups, a.phase_count[0], a.most[0], a.phase_count[1], a.most[1],
                a.phase_count[2], a.row_blocks, a.phase_count[3], a.column_blocks, a.splits,
            )  # fmt: skip
            phases = [read_phase(code, COLUMNS, axis, p) for axis, p in enumerate((p0, p1))]
            exists = code.both(
                code.compare("<", m0, phases[0]["cells"]), code.compare("<", m1, phases[1]["cells"])
            )
            with code.when(exists):
                self._unit(code, (image, group), (m0, m1), phases, rest)

    def _unit(
        self, code: Code, place: tuple[Index, Index], outer: tuple[Index, Index],
        phases: list[dict[str, Index]], rest: list[Index],
    ) -> None:  # fmt: skip
        """Pack the band, then compute block after block of channels."""
        a = code.arguments(DirectArguments)
        (image, group), (p2, row, p3, column, split) = place, rest
        phases = phases + [read_phase(code, COLUMNS, axis, p) for axis, p in ((2, p2), (3, p3))]
        r0, rows = share(code, phases[2]["cells"], row, a.row_blocks)
        q0, columns = share(code, phases[3]["cells"], column, a.column_blocks)
        cells = (*outer, r0, q0)
        start = [
            code.add(phase["offset"], code.mul(a.stride[axis], cell))
            for axis, (phase, cell) in enumerate(zip(phases, cells, strict=True))
        ]
        taps = [phase["taps"] for phase in phases]
        weights = code.add(a.w, code.mul(group, a.w_group))
        for axis in (0, 1):
            dilation = a.dilation[axis]
            low, taps[axis] = clip_taps(code, start[axis], dilation, a.size[axis], taps[axis])
            start[axis] = code.add(start[axis], code.mul(low, dilation))
            weights = code.add(weights, code.mul(low, a.w_tap[axis]))
        part = band.Part(
            start=(start[0], start[1], start[2], start[3]),
            taps=(taps[0], taps[1]),
            rows=reach(code, a.stride[2], rows, a.dilation[2], taps[2]),
            columns=reach(code, a.stride[3], columns, a.dilation[3], taps[3]),
            first_block=0,
            blocks=a.blocks,
        )
        packed = self._band(code, image, group, part)
        weights = code.add(weights, *_moves(code, phases, "w", a.w_cell, cells))
        y = code.add(
            a.y, code.mul(image, a.y_image), code.mul(group, a.y_group),
            *_moves(code, phases, "y", a.y_axis, cells),
        )  # fmt: skip
        bias: Index = 0
        if self.bias:
            moves = _moves(code, phases, "b", a.b_cell, cells)
            bias = code.add(a.b, code.mul(group, a.b_group), *moves)
        here = _Cells(start[2], rows, columns, (taps[0], taps[1], taps[2], taps[3]), image,
                      code.mul(group, a.b_group))  # fmt: skip
        self._write_cells(code, packed, here, y)
        runs = self._write_runs(code, packed, here)
        first = code.mul(split, a.split_blocks)
        last = code.min(code.add(first, a.split_blocks), a.out_blocks)
        with code.loop(last, start=first) as k:
            self._channels(code, here, k, (weights, bias), runs)

    def _channels(
        self, code: Code, cells: _Cells, k: Index, operands: tuple[Index, Index], runs: Index
    ) -> None:
        """All cells of the unit for one block of output channels, part by part."""
        a = code.arguments(DirectArguments)
        weights, bias = operands
        block = self.tile[1] * code.lanes
        left, along = code.sub(a.outputs, code.mul(k, block)), code.mul(k, block, code.size)
        panel = _Panel(
            w=code.add(weights, code.mul(k, a.w_block)),
            b=code.add(bias, along),
            y=along,
            channel=code.add(cells.channel, along),
            left=left,
            masks=code.masks(left, self.tile[1]),
        )
        with code.loop(a.parts) as number:
            begin, following = code.mul(number, a.part_runs), code.add(number, 1)
            terms = _Terms(
                first=code.compare("==", number, 0),
                last=code.compare("==", following, a.parts),
                begin=begin,
                end=code.min(code.add(begin, a.part_runs), runs),
                following=code.add(panel.w, code.mul(following, a.part_bytes)),
            )
            self._part(code, cells, panel, terms)
        if self.turned:
            self._turn(code, cells, panel, code.mul(k, block, a.y_channel))

    def _turn(self, code: Code, cells: _Cells, panel: _Panel, channel: Index) -> None:
        """Write a finished block of channels, the first of which lies `channel` bytes from that of
        the group: rows of cells, or all cells at once where y has nothing in between."""
        a = code.arguments(DirectArguments)
        width = self.tile[1] * code.lanes
        size = width * code.size
        finished = View(code, code.add(code.scratch, a.sums, size), size)
        follow = code.compare("==", a.y_axis[2], code.mul(cells.columns, a.y_axis[3]))
        lines = code.select(follow, 1, cells.rows)
        length = code.select(follow, code.mul(cells.rows, cells.columns), cells.columns)
        with code.loop(lines) as line:
            first = code.mul(line, length)
            target = entry(code, code.add(code.scratch, a.cells), first, CELL)["target"].scalar()
            out = View(code, code.add(target, channel), a.y_channel)
            turn(code, finished.moved(code.mul(first, size)), out, length,
                 code.min(panel.left, width))  # fmt: skip

    def _band(self, code: Code, image: Index, group: Index, part: band.Part) -> band.Band:
        """The band of a unit: packed, or the source itself."""
        a = code.arguments(DirectArguments)
        own = band.Band.of_source(code, image, group, part)
        if self.prologue is not None:
            return band.emit_band(code, a.pitch, code.scratch, image, group, part, self.prologue)
        packed = band.Band.of(code, a.pitch, code.scratch, part)
        inplace = code.compare("!=", a.inplace, 0)
        with code.when(code.inverse(inplace)):
            band.emit_band(code, a.pitch, code.scratch, image, group, part)
        return packed.unless(code, inplace, own)

    def _write_cells(self, code: Code, packed: band.Band, cells: _Cells, y: Index) -> None:
        """Write down of every cell of the unit what all blocks of channels need: see `CELL`."""
        a = code.arguments(DirectArguments)
        table = code.add(code.scratch, a.cells)
        along = code.mul(a.stride[3], packed.pixel)
        with code.loop(cells.rows) as row:
            low, high = self._taps_of_row(code, cells, row)
            line = code.add(packed.address, code.mul(row, a.stride[2], packed.row))
            target = code.add(y, code.mul(row, a.y_axis[2]))
            first = code.mul(row, cells.columns)
            with code.loop(cells.columns) as column:
                numbers = (
                    code.add(line, code.mul(column, along)),
                    code.add(target, code.mul(column, a.y_axis[3])),
                    low, high,
                )  # fmt: skip
                write_entry(code, table, code.add(first, column), numbers)

    def _taps_of_row(self, code: Code, cells: _Cells, row: Index) -> tuple[Index, Index]:
        """From which to which of the taps of axis 2 there is a source."""
        a = code.arguments(DirectArguments)
        base = code.add(cells.base, code.mul(a.stride[2], row))
        low, count = clip_taps(code, base, a.dilation[2], a.size[2], cells.taps[2])
        return low, code.add(low, count)

    def _write_runs(self, code: Code, packed: band.Band, cells: _Cells) -> Index:
        """Write down the runs of a sum in their order, see `RUN`, and say how many there are."""
        a = code.arguments(DirectArguments)
        merged = code.compare("!=", a.merged, 0)
        alone, taps = code.select(merged, 1, cells.taps[3]), code.select(merged, cells.taps[3], 1)
        blocks = code.div(a.run, a.block)
        by_block = code.mul(blocks, packed.block), code.mul(blocks, a.w_rows)
        steps = [
            (a.run_blocks, *by_block),
            (cells.taps[0], packed.tap0, a.w_tap[0]),
            (cells.taps[1], packed.tap1, a.w_tap[1]),
            (cells.taps[2], code.mul(a.dilation[2], packed.row), a.w_tap[2]),
            (alone, code.mul(a.dilation[3], packed.pixel), a.w_tap[3]),
        ]
        table = code.add(code.scratch, a.runs)

        def write(number: Index, source: Index, weight: Index, indices: tuple[Index, ...]) -> None:
            if len(indices) < len(steps):
                count, by_source, by_weight = steps[len(indices)]
                with code.loop(count) as i:
                    write(
                        code.add(code.mul(number, count), i),
                        code.add(source, code.mul(i, by_source)),
                        code.add(weight, code.mul(i, by_weight)),
                        (*indices, i),
                    )  # fmt: skip
                return
            left = code.sub(a.channels, code.mul(indices[0], a.run))
            channels = code.min(left, a.run)
            write_entry(code, table, number, (source, weight, code.mul(channels, taps), indices[3]))

        write(0, 0, 0, ())
        return code.mul(*(count for count, *_ in steps))

    def _part(self, code: Code, cells: _Cells, panel: _Panel, terms: _Terms) -> None:
        """A part of the sums of all cells of the unit, for one block of output channels."""
        a = code.arguments(DirectArguments)
        number, vectors = self.tile
        alone = code.compare("!=", a.alone, 0)
        lines = code.select(alone, cells.rows, 1)
        length = code.select(alone, cells.columns, code.mul(cells.rows, cells.columns))
        biases = View(code, code.add(code.scratch, a.sums))
        size = vectors * code.lanes * code.size  # of the sums of a cell
        rounded = code.mul(code.ceil_div(length, number), number)
        with code.loop(lines) as line:
            bias = View(code, code.add(panel.b, code.mul(line, a.b_cell[2])))
            for v in range(vectors):
                first = bias.vector(v, panel.masks[v]) if self.bias else code.const(0.0)
                biases.store(first, v)
            kept = biases.moved(code.mul(code.add(code.mul(line, rounded), 1), size))
            here = [code.value(terms.following)]
            with code.loop(length, step=number, carry=here) as begin:
                with code.loop(a.ahead, step=LINE) as i:
                    View(code, code.add(here[0], i)).prefetch(near=False)
                here[0] = code.value(code.add(here[0], a.ahead))
                cell = code.min(begin, code.sub(length, number))
                place = line, code.add(code.mul(line, cells.columns), cell)
                sums = kept.moved(code.mul(begin, size))
                self._tile(code, cells, panel, terms, place, (biases, sums))

    def _tile(
        self, code: Code, cells: _Cells, panel: _Panel, terms: _Terms,
        place: tuple[Index, Index], sums: tuple[View, View],
    ) -> None:  # fmt: skip
        """A register tile: cells from one on, in a line. They begin with the biases, later with
        their own sums."""
        a = code.arguments(DirectArguments)
        (number, vectors), (line, cell), (biases, kept) = self.tile, place, sums
        size = vectors * code.lanes * code.size
        entries = [
            entry(code, code.add(code.scratch, a.cells), code.add(cell, i), CELL)
            for i in range(number)
        ]
        # The last row has the first of all taps, the first row the last ones.
        low, high = entries[-1]["low"].scalar(), entries[0]["high"].scalar()
        x = View(code, 0).rows([each["source"].scalar() for each in entries])
        w = View(code, code.add(panel.w, code.mul(line, a.w_cell[2])))
        tile = Tile(code, number, vectors, [biases.vector(v) for v in range(vectors)])
        after = kept.rows([i * size for i in range(number)])
        with code.when(code.inverse(terms.first), carry=tile.registers):
            tile.registers[:] = [after[i].vector(v) for i in range(number) for v in range(vectors)]
        with code.loop(terms.end, start=terms.begin, carry=tile.registers) as n:
            run = entry(code, code.add(code.scratch, a.runs), n, RUN)
            inside = code.within(code.sub(run["tap"].scalar(), low), code.sub(high, low))
            count = code.select(inside, run["terms"].scalar(), 0)
            source, weight = x.moved(run["source"].scalar()), w.moved(run["weight"].scalar())
            contract(code, tile, [(count, code.size, size)], source, weight)
        with code.either(terms.last) as (then, otherwise):
            with then:
                if self.turned:
                    finished = View(code, code.add(code.scratch, a.sums)).moved(
                        code.mul(code.add(cell, 1), size)
                    )
                    out = finished.rows([i * size for i in range(number)])
                else:
                    targets = [code.add(each["target"].scalar(), panel.y) for each in entries]
                    out = View(code, 0).rows(targets)
                self._store(code, tile, out, cells.image, panel)
            with otherwise:
                tile.store(after)

    def _store(self, code: Code, tile: Tile, out: Rows, image: Index, panel: _Panel) -> None:
        """Write the tile; only the last vector of the last block of channels needs a mask."""
        a = code.arguments(DirectArguments)

        def after(mask: Mask) -> Callable[[ir.Value, int, int], ir.Value]:
            def epilogue(x: ir.Value, row: int, v: int) -> ir.Value:
                along = v * code.lanes * code.size
                cell = code.add(code.sub(out[row].address, a.y), along)
                channel = code.add(panel.channel, along)
                return self.epilogue.apply(code, x, image, channel, cell, mask)

            return epilogue

        for v, mask in enumerate(panel.masks):
            whole = code.compare(">=", panel.left, (v + 1) * code.lanes)
            with code.either(whole) as (then, otherwise):
                with then:
                    tile.store(out, after(None), only=v)
                with otherwise, code.when(code.compare(">", panel.left, v * code.lanes)):
                    tile.store(out, after(mask), panel.masks, only=v)


def _moves(
    code: Code, phases: list[dict[str, Index]], column: str, steps: tuple[Index, ...],
    cells: tuple[Index, ...],
) -> list[Index]:  # fmt: skip
    """How far the phases, and the cells within them, lie from the first of an operand."""
    begin = [phase[column] for phase in phases]
    return begin + code.moves(steps, cells[: len(steps)])
