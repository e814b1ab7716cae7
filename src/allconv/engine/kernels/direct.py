"""The direct algorithm: y = b + sum over channel blocks, taps and channels of x times w.

Rows of the register tile are output cells, any that follow each other in a block of them, also from
row to row; its vectors are output channels. The same kernel computes correlations, their transposes
(phase by phase), linear and locally connected layers: they differ in where their operands lie. The
order of summation of an output is fixed: bias, channel blocks, taps in row-major order, channels of
the block. A long sum is taken part by part, over all cells of a unit, so that the weights of a
part stay in the first-level cache; in between the sums lie in scratch memory, and lose no bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.transpose import transpose
from allconv.engine.emit.view import View
from allconv.engine.epilogue import Epilogue
from allconv.engine.kernel import Kernel
from allconv.engine.kernels import band
from allconv.engine.kernels.correlation_arguments import COLUMNS, source_of_unit
from allconv.engine.kernels.direct_tiles import (
    Cells,
    DirectArguments,
    Lines,
    OutputBlock,
    TermRange,
    UnitSums,
)
from allconv.engine.kernels.entries import CELL, entry, write_entry
from allconv.engine.kernels.phase_table import clip_taps, read_phase, share
from allconv.engine.kernels.register_tile import Heights


@dataclass(frozen=True)
class Direct(Kernel):
    """A unit: some rows and columns of a phase, of one image and group, some blocks of channels.

    Units count images, groups, phases and cells of axes 0 and 1, phases and blocks of rows, phases
    and blocks of columns, blocks of channels; a chunk is `chunk_units` of them. Taps of axes 0 and
    1 whose source does not exist are left out, and those of axis 2 that no row of a tile has; else
    the band has zeros there. Where nothing lies outside (`inplace`) the source itself is the band.
    Where weights or biases move with the rows (`alone`) no tile crosses from one to the next. Where
    channels of y lie apart (`transposed`) a unit's block of them is finished in scratch first.
    """

    heights: Heights
    vectors: int  # of output channels in a block
    bias: bool
    epilogues: tuple[Epilogue, ...]
    prologues: tuple[Epilogue, ...]
    transposed: bool

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
        start, taps, weights = source_of_unit(code, phases, cells, group)
        part = band.BandPart(
            start=(start[0], start[1], start[2], start[3]),
            taps=(taps[0], taps[1]),
            rows=band.Span.of(code, 2, rows, taps[2]),
            columns=band.Span.of(code, 3, columns, taps[3]),
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
        here = Cells(start[2], rows, columns, (taps[0], taps[1], taps[2], taps[3]), image,
                     code.mul(group, a.b_group))  # fmt: skip
        lines = Lines.of(code, self.heights, here)
        self._write_cells(code, packed, here, lines, y)
        runs = self._write_runs(code, packed, here)
        first = code.mul(split, a.split_blocks)
        last = code.min(code.add(first, a.split_blocks), a.out_blocks)
        with code.loop(last, start=first) as k:
            self._channels(code, here, lines, k, (weights, bias), runs)

    def _channels(
        self, code: Code, cells: Cells, lines: Lines, k: Index, operands: tuple[Index, Index],
        runs: Index,
    ) -> None:  # fmt: skip
        """All cells of the unit for one block of output channels, part by part."""
        a = code.arguments(DirectArguments)
        weights, bias = operands
        block = self.vectors * code.lanes
        left, along = code.sub(a.outputs, code.mul(k, block)), code.mul(k, block, code.size)
        panel = OutputBlock(
            w=code.add(weights, code.mul(k, a.w_block)),
            b=code.add(bias, along),
            y=along,
            channel=code.add(cells.channel, along),
            left=left,
            masks=code.masks(left, self.vectors),
        )
        sums = UnitSums(
            code, self.heights, self.vectors, self.epilogues, transposed=self.transposed
        )
        with code.loop(a.parts) as number:
            begin, following = code.mul(number, a.part_runs), code.add(number, 1)
            terms = TermRange(
                first=code.compare("==", number, 0),
                last=code.compare("==", following, a.parts),
                begin=begin,
                end=code.min(code.add(begin, a.part_runs), runs),
                following=code.add(panel.w, code.mul(following, a.part_bytes)),
            )
            biases = View(code, panel.b) if self.bias else None
            sums.emit(cells, lines, panel, terms, biases)
        if self.transposed:
            finished = sums.waiting
            self._transpose(code, cells, lines, panel, finished, code.mul(k, block, a.y_channel))

    def _transpose(
        self,
        code: Code,
        cells: Cells,
        lines: Lines,
        panel: OutputBlock,
        finished: View,
        channel: Index,
    ) -> None:
        """Write a finished block of channels, the first of which lies `channel` bytes from that of
        the group: rows of cells, or all cells at once where y has nothing in between."""
        a = code.arguments(DirectArguments)
        width = self.vectors * code.lanes
        follow = code.compare("==", a.y_axis[2], code.mul(cells.columns, a.y_axis[3]))
        count = code.select(follow, 1, cells.rows)
        length = code.select(follow, code.mul(cells.rows, cells.columns), cells.columns)
        table = code.add(code.scratch, a.cells)
        with code.loop(count) as row:
            first = code.mul(row, lines.pitch)
            target = entry(code, table, first, CELL)["target"].scalar()
            out = View(code, code.add(target, channel), a.y_channel)
            source = finished[code.mul(row, cells.columns)]
            transpose(code, View(code, source.address, width * code.size), out, length,
                 code.min(panel.left, width))  # fmt: skip

    def _band(self, code: Code, image: Index, group: Index, part: band.BandPart) -> band.Band:
        """The band of a unit: packed, or the source itself."""
        a = code.arguments(DirectArguments)
        own = band.Band.of_source(code, image, group, part)
        packed = band.Band.of(code, a.pitch, code.scratch, part)
        inplace = code.compare("!=", a.inplace, 0)
        with code.when(code.inverse(inplace)):
            which = a.which_before if len(self.prologues) > 1 else 0
            for n in code.cases(which, range(len(self.prologues))):
                prologue = None if self.prologues[n].is_nothing else self.prologues[n]
                band.emit_band(code, a.pitch, code.scratch, image, group, part, prologue)
        return packed.unless(code, inplace, own)

    def _write_cells(
        self, code: Code, packed: band.Band, cells: Cells, lines: Lines, y: Index
    ) -> None:
        """Write down of every cell of the unit what all blocks of channels need, see `CELL`; rows
        that the last tile of a line has too many read what its last cell does."""
        a = code.arguments(DirectArguments)
        table = code.add(code.scratch, a.cells)
        with code.loop(cells.rows) as row:
            low, high = self._taps_of_row(code, cells, row)
            line = code.add(packed.address, code.mul(row, packed.row))
            target = code.add(y, code.mul(row, a.y_axis[2]))
            first = code.mul(row, lines.pitch)
            with code.loop(cells.columns) as column:
                numbers = (
                    code.add(line, code.mul(column, packed.column)),
                    code.add(target, code.mul(column, a.y_axis[3])),
                    low, high,
                )  # fmt: skip
                write_entry(code, table, code.add(first, column), numbers)
        with code.loop(lines.count) as line:
            first = code.mul(line, lines.pitch)
            last = entry(code, table, code.add(first, lines.length, -1), CELL)
            found = tuple(last[name].scalar() for name in CELL)
            with code.loop(lines.covered, start=lines.length) as cell:
                write_entry(code, table, code.add(first, cell), found)

    def _taps_of_row(self, code: Code, cells: Cells, row: Index) -> tuple[Index, Index]:
        """From which to which of the taps of axis 2 there is a source."""
        a = code.arguments(DirectArguments)
        base = code.add(cells.base, code.mul(a.stride[2], row))
        low, count = clip_taps(code, base, a.dilation[2], a.size[2], cells.taps[2])
        return low, code.add(low, count)

    def _write_runs(self, code: Code, packed: band.Band, cells: Cells) -> Index:
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
            (cells.taps[2], packed.tap2, a.w_tap[2]),
            (alone, packed.tap3, a.w_tap[3]),
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


def _moves(
    code: Code, phases: list[dict[str, Index]], column: str, steps: tuple[Index, ...],
    cells: tuple[Index, ...],
) -> list[Index]:  # fmt: skip
    """How far the phases, and the cells within them, lie from the first of an operand."""
    begin = [phase[column] for phase in phases]
    return begin + code.moves(steps, cells[: len(steps)])
