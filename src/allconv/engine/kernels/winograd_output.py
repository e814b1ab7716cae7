"""The results of Winograd's algorithm: products transformed back, biases, epilogues.

Only cells that exist are written: the tiles at the lower and the right edge are cut.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from allconv.engine.arguments import T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.transpose import transpose
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.epilogue import AfterArguments, Epilogue
from allconv.engine.kernels.winograd_input import TileArguments, place_of, walk
from allconv.engine.kernels.winograd_transform import emit_results, result_matrix

AHEAD = 128  # bytes
STRIP = 8  # tiles of a row that are finished together where channels of y lie apart


@dataclass(frozen=True, kw_only=True)
class ResultArguments(AfterArguments[T]):
    """Beside those of the epilogue the bytes of a plane of products, the bias, and y with strides
    and sizes."""

    m_plane: T
    b: T
    y: T
    y_image: T
    y_channel: T
    y_axis: tuple[T, ...] = several(2)
    y_size: tuple[T, ...] = several(2)


@dataclass(frozen=True)
class _Cells:
    """The cells of a tile and a vector of channels: their image, the first channel and the first
    cell in bytes, and how many channels are left."""

    image: Index
    channel: Index
    cell: Index
    left: Index


@dataclass(frozen=True)
class WinogradResults:
    """How results are written: the channels of y follow each other, unless `transposed`."""

    m: int
    bias: bool
    epilogue: Epilogue
    transposed: bool
    strip: int  # where in scratch memory a strip is finished, in bytes

    def emit(
        self, code: Code, products: Index, pitch: Index, tiles: tuple[Index, Index],
        channels: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """Write the cells of tiles (first, count), channels (first, count).

        The products of a tile lie `pitch` bytes behind those of the one before.
        """
        a = code.arguments(ResultArguments)
        if self.transposed:
            self._strips(code, products, pitch, tiles, channels)
            return
        (first, count), (channel, outputs) = tiles, channels
        with code.loop(count) as t:
            image, i, j = place_of(code, self.m, code.add(first, t))
            rows = code.min(code.sub(a.y_size[0], i), self.m)
            columns = code.min(code.sub(a.y_size[1], j), self.m)
            cell = code.add(code.mul(image, a.y_image), *map(code.mul, (i, j), a.y_axis))
            source = code.add(products, code.mul(t, pitch))
            with code.loop(outputs, step=code.lanes) as c:
                along, left = code.mul(c, code.size), code.sub(outputs, c)
                self._down(code, code.add(source, along))
                there = _Cells(image, code.add(code.mul(channel, code.size), along), cell, left)
                whole = code.both(
                    code.compare("==", columns, self.m), code.compare(">=", left, code.lanes)
                )
                with code.either(whole) as (then, otherwise):
                    with then:
                        self._write_rows(code, there, rows)
                    with otherwise:
                        self._write_cells(code, there, rows, columns)

    def _strips(
        self, code: Code, products: Index, pitch: Index, tiles: tuple[Index, Index],
        channels: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """Strip after strip: at most `STRIP` adjacent tiles of a row of tiles."""
        (first, count), width = tiles, code.arguments(TileArguments).tiles_of[1]
        end = code.add(first, count)
        with code.loop(code.ceil_div(end, width), start=code.div(first, width)) as row:
            begin = code.mul(row, width)
            last = code.min(code.add(begin, width), end)
            with code.loop(last, start=code.max(begin, first), step=STRIP) as t:
                number = code.min(code.sub(last, t), STRIP)
                source = code.add(products, code.mul(code.sub(t, first), pitch))
                self._strip(code, source, pitch, (t, number), channels)

    def _strip(
        self, code: Code, products: Index, pitch: Index, tiles: tuple[Index, Index],
        channels: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """Finish a strip, a vector of channels at a time, then write its rows."""
        a, vector = code.arguments(ResultArguments), code.lanes * code.size
        (first, count), (channel, outputs) = tiles, channels
        image, i, j = place_of(code, self.m, first)
        rows = code.min(code.sub(a.y_size[0], i), self.m)
        columns = code.min(code.sub(a.y_size[1], j), code.mul(count, self.m))
        y = code.add(a.y, code.mul(image, a.y_image), *map(code.mul, (i, j), a.y_axis))
        strip = View(code, code.add(code.scratch, self.strip), STRIP * self.m * vector, vector)
        with code.loop(outputs, step=code.lanes) as c:
            along, left = code.mul(c, code.size), code.sub(outputs, c)
            here = _Cells(image, code.add(code.mul(channel, code.size), along), 0, left)
            mask = code.mask(left)
            bias = self._bias(code, here, mask)
            with code.loop(count) as t:
                self._down(code, code.add(products, code.mul(t, pitch), along))
                tile = strip.moved(code.mul(t, self.m * vector))
                with code.loop(rows) as row:
                    for column, x in enumerate(self._across(code, row)):
                        tile[row, column].store(self._finish(code, x, bias, here, 0, mask))
            out = View(code, code.add(y, code.mul(code.add(channel, c), a.y_channel)), a.y_channel)
            with code.loop(rows) as row:
                there = out.moved(code.mul(row, a.y_axis[0]))
                transpose(code, strip[row], there, columns, code.min(left, code.lanes))

    def _down(self, code: Code, source: Index) -> None:
        """A^T m, of a vector of channels of a tile: the columns of its products."""
        m_plane = code.arguments(ResultArguments).m_plane
        half, down = self._half(code), code.mul(m_plane, self.m + 2)
        with code.loop(self.m + 2) as j:
            planes = View(code, code.add(source, code.mul(j, m_plane)))
            column = []
            for plane in walk(planes, down, self.m + 2):
                plane.moved(AHEAD).prefetch()
                column.append(plane.vector())
            for i, x in enumerate(emit_results(code, result_matrix(self.m), column)):
                half[i, j].store(x)

    def _across(self, code: Code, i: Index) -> list[ir.Value]:
        """A row of A^T m A: the cells of a row of a tile."""
        row = self._half(code)[i]
        line = [row[j].vector() for j in range(self.m + 2)]
        return emit_results(code, result_matrix(self.m), line)

    def _half(self, code: Code) -> View:
        vector = code.lanes * code.size
        return View(code, code.scratch, (self.m + 2) * vector, vector)

    def _write_rows(self, code: Code, cells: _Cells, rows: Index) -> None:
        """Whole rows of whole vectors, from the registers."""
        a = code.arguments(ResultArguments)
        bias = self._bias(code, cells, None)
        with code.loop(rows) as i:
            line = self._across(code, i)
            move = code.add(cells.cell, cells.channel, code.mul(i, a.y_axis[0]))
            for j, x in enumerate(line):
                here = code.add(move, code.mul(j, a.y_axis[1]))
                x = self._finish(code, x, bias, cells, here, None)
                View(code, code.add(a.y, here)).store(x)

    def _write_cells(self, code: Code, cells: _Cells, rows: Index, columns: Index) -> None:
        """Cell by cell those that exist, and of their channels those that do."""
        a = code.arguments(ResultArguments)
        vector = code.lanes * code.size
        line = View(code, code.add(code.scratch, (self.m + 2) ** 2 * vector), vector)
        mask = code.mask(cells.left)
        bias = self._bias(code, cells, mask)
        full = code.compare(">=", cells.left, code.lanes)
        with code.loop(rows) as i:
            for j, x in enumerate(self._across(code, i)):
                line[j].store(x)
            row = code.add(cells.cell, cells.channel, code.mul(i, a.y_axis[0]))
            with code.loop(columns) as j:
                here = code.add(row, code.mul(j, a.y_axis[1]))
                x = self._finish(code, line[j].vector(), bias, cells, here, mask)
                y = View(code, code.add(a.y, here))
                with code.either(full) as (whole, part):
                    with whole:
                        y.store(x)
                    with part:
                        y.store(x, 0, mask)

    def _bias(self, code: Code, cells: _Cells, mask: Mask) -> ir.Value | None:
        if not self.bias:
            return None
        b = code.arguments(ResultArguments).b
        return View(code, code.add(b, cells.channel)).vector(0, mask)

    def _finish(
        self, code: Code, x: ir.Value, bias: ir.Value | None, cells: _Cells, here: Index, mask: Mask
    ) -> ir.Value:
        """Bias and epilogue."""
        if bias is not None:
            x = code.fadd(x, bias)
        return self.epilogue.apply(code, x, cells.image, cells.channel, here, mask)


def buffer_size(m: int, pitch: int, lanes: int, *, transposed: bool) -> int:
    """How many numbers a chunk keeps while it transforms; a strip is last if `transposed`."""
    return (m + 2) ** 2 * (pitch + lanes) + transposed * STRIP * m * m * lanes
