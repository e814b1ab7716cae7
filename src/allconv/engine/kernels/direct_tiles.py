"""The register tiles of the direct algorithm: the sums of all cells of a unit, part by part.

Tiles cover a line of cells as `register_tile` says. A full one is written from its registers. What
a tile holds that has rows too many, and what a small one does, goes to scratch memory, from where
the cells that exist are written one after the other: each passes through the epilogue once.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from allconv.engine.arguments import T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import TileRows, View
from allconv.engine.epilogue import BeforeArguments, Epilogue, finished
from allconv.engine.kernels.band import BandArguments
from allconv.engine.kernels.correlation_arguments import CorrelationArguments
from allconv.engine.kernels.entries import CELL, RUN, entry
from allconv.engine.kernels.register_tile import Heights, emit_cover


@dataclass(frozen=True, kw_only=True)
class DirectArguments(CorrelationArguments[T], BandArguments[T], BeforeArguments[T]):
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
    ahead: T  # bytes of the next part of the weights that each tile fetches a term


@dataclass(frozen=True)
class Cells:
    """The cells of a unit along axes 2 and 3: where they begin, how many, and what they read."""

    base: Index  # the source of the first row's tap 0
    rows: Index
    columns: Index
    taps: tuple[Index, Index, Index, Index]  # of axes 0 and 1 those that exist
    image: Index
    channel: Index  # the first of the group, in bytes


@dataclass(frozen=True)
class OutputBlock:
    """A block of output channels: its weights, biases and outputs, how many channels are left."""

    w: Index
    b: Index
    y: Index  # in bytes from the first of the group
    channel: Index  # the first one, in bytes, counted over all groups
    left: Index
    masks: list[Mask]


@dataclass(frozen=True)
class TermRange:
    """A part of the runs of every sum, in their order; it is the `first`, the `last` or both."""

    first: Condition
    last: Condition
    begin: Index
    end: Index
    following: Index  # where the weights of the next part lie


@dataclass(frozen=True)
class Lines:
    """The lines of a unit, which tiles do not cross: all cells are one, or every row is (`alone`).
    Large tiles cover so many cells of a line, then a small one does from `begin` on, if any are
    left; `covered` counts the rows of all of them."""

    count: Index
    length: Index
    whole: Index  # large tiles
    begin: Index
    covered: Index
    pitch: Index  # from row to row among the cells that are written down

    @classmethod
    def of(cls, code: Code, heights: Heights, cells: Cells) -> Lines:
        """The lines of these cells."""
        alone = code.compare("!=", code.arguments(DirectArguments).alone, 0)
        count = code.select(alone, cells.rows, 1)
        length = code.select(alone, cells.columns, code.mul(cells.rows, cells.columns))
        whole, begin, covered = emit_cover(code, heights, length)
        pitch = code.select(alone, covered, cells.columns)
        return cls(count, length, whole, begin, covered, pitch)


class UnitSums:
    """Sums of the cells of a unit for one block of output channels, a part of their terms.

    In scratch memory, from `sums` on, lie the biases, then the sums of the tiles of a line that are
    not full, then those of cells that wait for their next part, or where `transposed` for that.
    """

    def __init__(
        self, code: Code, heights: Heights, vectors: int, epilogues: tuple[Epilogue, ...], *,
        transposed: bool,
    ) -> None:  # fmt: skip
        self.code, self.heights, self.vectors, self.epilogues = code, heights, vectors, epilogues
        self.transposed = transposed
        self.a = a = code.arguments(DirectArguments)
        self.size = size = vectors * code.lanes * code.size  # bytes of the sums of a cell
        self.biases = View(code, code.add(code.scratch, a.sums), size)
        self.rest = View(code, self.biases[1].address, size)
        self.waiting = View(code, self.biases[1 + heights[0]].address, size)

    def emit(
        self, cells: Cells, lines: Lines, panel: OutputBlock, terms: TermRange, bias: View | None
    ) -> None:
        """Line by line."""
        code, a = self.code, self.a
        with code.loop(lines.count) as line:
            for v in range(self.vectors):
                first = code.const(0.0)
                if bias is not None:
                    here = bias.moved(code.mul(line, a.b_cell[2]))
                    first = here.vector(v, panel.masks[v])
                self.biases.store(first, v)
            _Line(self, cells, lines, panel, terms, line).emit()


class _Line:
    """A line of a unit, tile by tile."""

    def __init__(
        self,
        sums: UnitSums,
        cells: Cells,
        lines: Lines,
        panel: OutputBlock,
        terms: TermRange,
        number: Index,
    ) -> None:
        code, a = sums.code, sums.a
        self.sums, self.code, self.a, self.terms, self.panel = sums, code, a, terms, panel
        self.image, self.lines = cells.image, lines
        self.w = View(code, code.add(panel.w, code.mul(number, a.w_cell[2])))
        self.first = code.mul(number, lines.pitch)  # of the cells that were written down
        self.finished = code.mul(number, cells.columns)

    def emit(self) -> None:
        """The large tiles, the small one, and what they leave."""
        code, lines, terms = self.code, self.lines, self.terms
        large, small = self.sums.heights
        ahead = [code.value(terms.following)]
        with code.loop(lines.whole, carry=ahead) as number:
            begin = code.mul(number, large)
            tile, cells = self._tile(begin, large, ahead)
            full = code.compare("<=", code.add(begin, large), lines.length)
            with code.either(code.both(terms.last, full)) as (then, otherwise):
                with then:
                    self._write(tile, self._targets(cells, begin))
                with otherwise:
                    self._keep(tile, begin)
        if small:
            with code.when(code.compare("<", lines.begin, lines.length)):
                tile, _ = self._tile(lines.begin, small, ahead)
                self._keep(tile, lines.begin)
        written = code.mul(code.min(lines.whole, code.div(lines.length, large)), large)
        with code.loop(code.select(terms.last, lines.length, 0), start=written) as cell:
            kept = self.sums.rest[code.sub(cell, written)]
            alone = Tile(code, 1, self.sums.vectors, [])
            alone.registers = [kept.vector(v) for v in range(self.sums.vectors)]
            self._write(alone, self._targets([self._entry(cell)], cell))

    def _entry(self, cell: Index) -> dict[str, View]:
        code = self.code
        table = code.add(code.scratch, self.a.cells)
        return entry(code, table, code.add(self.first, cell), CELL)

    def _tile(
        self, begin: Index, height: int, ahead: list[ir.Value]
    ) -> tuple[Tile, list[dict[str, View]]]:
        """A register tile: cells from one on, with the biases or what they were so far; and what
        was written down of them. Term by term it fetches its share of the next part of the
        weights, which is `ahead`."""
        code, terms, vectors, size = self.code, self.terms, self.sums.vectors, self.sums.size
        cells = [self._entry(code.add(begin, i)) for i in range(height)]
        # The last row has the first of all taps, the first row the last ones.
        low, high = cells[-1]["low"].scalar(), cells[0]["high"].scalar()
        x = View(code, 0).rows([cell["source"].scalar() for cell in cells])
        tile = Tile(code, height, vectors, [self.sums.biases.vector(v) for v in range(vectors)])
        with code.when(code.inverse(terms.first), carry=tile.registers):
            before = self._waiting(begin).rows([i * size for i in range(height)])
            tile.registers[:] = [before[i].vector(v) for i in range(height) for v in range(vectors)]
        carry = [*tile.registers, *ahead]
        with code.loop(terms.end, start=terms.begin, carry=carry) as n:
            tile.registers, ahead[:] = carry[:-1], carry[-1:]
            run = entry(code, code.add(code.scratch, self.a.runs), n, RUN)
            inside = code.within(code.sub(run["tap"].scalar(), low), code.sub(high, low))
            count = code.select(inside, run["terms"].scalar(), 0)
            source, weight = x.moved(run["source"].scalar()), self.w.moved(run["weight"].scalar())
            loops = [(count, code.size, size)]
            contract(code, tile, loops, source, weight, far=ahead, by=self.a.ahead)
            carry[:] = [*tile.registers, *ahead]
        tile.registers, ahead[:] = carry[:-1], carry[-1:]
        return tile, cells

    def _waiting(self, begin: Index) -> View:
        return self.sums.waiting[self.code.add(self.first, begin)]

    def _keep(self, tile: Tile, begin: Index) -> None:
        """Keep sums that wait for their next part, or finished ones for being written."""
        code, size = self.code, self.sums.size
        place = code.select(self.terms.last, self.sums.rest.address, self._waiting(begin).address)
        tile.store(View(code, place).rows([i * size for i in range(tile.rows)]))

    def _targets(self, cells: list[dict[str, View]], begin: Index) -> TileRows:
        """Where cells go: to the output, or where they are transposed."""
        code, size = self.code, self.sums.size
        if self.sums.transposed:
            finished = self.sums.waiting[code.add(self.finished, begin)]
            return finished.rows([i * size for i in range(len(cells))])
        targets = [code.add(cell["target"].scalar(), self.panel.y) for cell in cells]
        return View(code, 0).rows(targets)

    def _write(self, tile: Tile, out: TileRows) -> None:
        """Write the tile; only the last vector of the last block of channels needs a mask."""
        code, panel = self.code, self.panel
        for v, mask in enumerate(panel.masks):
            whole = code.compare(">=", panel.left, (v + 1) * code.lanes)
            with code.either(whole) as (then, otherwise):
                with then:
                    self._write_vectors(tile, out, v, None)
                with otherwise, code.when(code.compare(">", panel.left, v * code.lanes)):
                    self._write_vectors(tile, out, v, mask)

    def _write_vectors(self, tile: Tile, out: TileRows, v: int, mask: Mask) -> None:
        """Write a vector of each row."""
        code = self.code
        along = v * code.lanes * code.size
        registers = tile.registers[v :: tile.vectors]

        def cell(row: int) -> Index:
            return code.add(code.sub(out[row].address, self.a.y), along)

        channel = code.add(self.panel.channel, along)
        for found in finished(
            code, self.sums.epilogues, registers, self.image, channel, cell, mask
        ):
            for row, x in enumerate(found):
                out[row].store(x, v, mask)
