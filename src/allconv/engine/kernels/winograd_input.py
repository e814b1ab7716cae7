"""The input of Winograd's algorithm: tiles of (m + 2) x (m + 2) cells, transformed.

A tile is read from x itself where all of its cells exist and channels are contiguous, in whole
vectors; else it is gathered first in a patch of scratch memory, which has zeros where there is
no cell. What is computed is the same, so bits depend on no layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernels.band import emit_zeros
from allconv.engine.kernels.winograd_transform import data_matrix, emit_evaluation


@dataclass(frozen=True, kw_only=True)
class InputArguments(Arguments[T]):
    """Input x with strides, sizes and paddings."""

    x: T
    x_image: T
    x_channel: T
    x_axis: tuple[T, ...] = several(2)
    size: tuple[T, ...] = several(2)
    padding: tuple[T, ...] = several(2)


@dataclass(frozen=True, kw_only=True)
class TileArguments(InputArguments[T]):
    """Beside those, tiles of an image along each axis, channels of a group in `blocks` blocks; of
    v, the bytes of a plane and the tiles that a channel block has room for; and how the tiles of
    all images are cut: `run` of them a run, of each group."""

    tiles_of: tuple[T, ...] = several(2)
    channels: T
    blocks: T
    v: T
    v_plane: T
    rows: T
    tiles: T
    run: T
    groups: T


def place_of(code: Code, m: int, tile: Index) -> tuple[Index, Index, Index]:
    """The image of a tile, and its first cell along both axes."""
    image, i, j = code.counted(tile, *code.arguments(TileArguments).tiles_of)
    return image, code.mul(i, m), code.mul(j, m)


def transform(
    code: Code, m: int, pitch: int, tiles: tuple[Index, Index], group: Index,
    blocks: tuple[Index, Index], out: Index,
) -> None:  # fmt: skip
    """v = B^T x B of some tiles (first, count) and blocks of channels."""
    a = code.arguments(TileArguments)
    n, pixel = m + 2, pitch * code.size
    first, count = tiles
    close = code.compare("==", a.x_channel, code.size)
    with code.loop(count) as t:
        image, i, j = place_of(code, m, code.add(first, t))
        i, j = code.sub(i, a.padding[0]), code.sub(j, a.padding[1])
        origin = code.add(
            a.x, code.mul(image, a.x_image), *map(code.mul, (i, j), a.x_axis),
            code.mul(group, a.channels, a.x_channel),
        )  # fmt: skip
        exist = [_all(code, begin, n, size) for begin, size in zip((i, j), a.size, strict=True)]
        inside = code.both(close, code.both(*exist))
        patch = _Patch(code, n, pitch, (i, j), close)
        with code.loop(blocks[1], start=blocks[0]) as block:
            begin = code.mul(block, pitch)
            channels = code.min(code.sub(a.channels, begin), pitch)
            there = code.add(out, code.mul(block, a.rows, pixel), code.mul(t, pixel))
            here = code.add(origin, code.mul(begin, a.x_channel))
            source = [code.value(here), *a.x_axis]
            whole = code.compare("==", code.rem(channels, code.lanes), 0)
            with code.when(code.inverse(code.both(inside, whole)), source):
                patch.fill(here, channels)
                source[:] = map(code.value, (code.scratch, n * pixel, pixel))
            with code.loop(channels, step=code.lanes) as c:
                along = code.mul(c, code.size)
                cells = (code.add(source[0], along), source[1], source[2])
                _transform_vector(code, m, pitch, cells, code.add(there, along))


def _transform_vector(
    code: Code, m: int, pitch: int, source: tuple[Index, Index, Index], out: Index
) -> None:
    """All cells of a tile, of a vector of channels: down the columns, then along the rows."""
    n, vector, v_plane = m + 2, code.lanes * code.size, code.arguments(TileArguments).v_plane
    address, row, column = source
    half = View(code, code.add(code.scratch, n * n * pitch * code.size), n * vector, vector)
    with code.loop(n) as j:
        cells = View(code, code.add(address, code.mul(j, column)))
        x = []
        for cell in walk(cells, row, n):
            cell.moved(code.mul(column, m)).prefetch()  # of the next tile
            x.append(cell.vector())
        for i, value in enumerate(emit_evaluation(code, data_matrix(m), x)):
            half[i, j].store(value)
    with code.loop(n) as i:
        values = emit_evaluation(code, data_matrix(m), [half[i, j].vector() for j in range(n)])
        planes = View(code, code.add(out, code.mul(i, n, v_plane)))
        for value, plane in zip(values, walk(planes, v_plane, n), strict=True):
            plane.store(value)


def emit_zero_tiles(
    code: Code, m: int, pitch: int, tiles: tuple[Index, Index], blocks: tuple[Index, Index],
    out: Index,
) -> None:  # fmt: skip
    """Zeros for the tiles (first, end) behind the last one, which fill the register tile."""
    a = code.arguments(TileArguments)
    first, end = tiles
    pixel = pitch * code.size
    missing = code.sub(end, first)
    planes = code.select(code.compare(">", missing, 0), (m + 2) ** 2, 0)
    with code.loop(planes) as e, code.loop(blocks[1], start=blocks[0]) as block:
        there = code.add(
            out, code.mul(e, a.v_plane), code.mul(first, pixel), code.mul(block, a.rows, pixel)
        )
        emit_zeros(code, there, code.mul(missing, pitch))


def walk(start: View, step: Index, n: int) -> Sequence[View]:
    """n views `step` bytes apart, each reached from the one before it."""
    views = [start.anew()]
    for _ in range(n - 1):
        views.append(views[-1].moved(step))
    return views


def _all(code: Code, first: Index, n: int, size: Index) -> Condition:
    """Whether n cells from `first` on exist."""
    end = code.compare("<=", code.add(first, n), size)
    return code.both(code.compare(">=", first, 0), end)


class _Patch:
    """The patch of a tile whose first cell is `start`."""

    def __init__(
        self, code: Code, n: int, pitch: int, start: tuple[Index, Index], close: Condition
    ) -> None:
        self.code, self.a = code, code.arguments(TileArguments)
        self.n = n
        self.pitch = pitch
        self.start = start
        self.close = close

    def fill(self, source: Index, channels: Index) -> None:
        """Gather so many channels of the cells that exist."""
        code, pixel = self.code, self.pitch * self.code.size
        run = code.compare("==", self.a.x_axis[1], code.size)
        patch = View(code, code.scratch, self.n * pixel, pixel)
        with code.loop(self.n) as i:
            line = code.add(source, code.mul(i, self.a.x_axis[0]))
            exists = code.within(code.add(self.start[0], i), self.a.size[0])
            with code.either(exists) as (inside, outside):
                with outside:
                    self._zeros(patch[i], self.n * self.pitch)
                with inside, code.either(self.close) as (close, far):
                    with close:
                        self._channels(line, patch[i], channels)
                    with far, code.loop(channels, step=code.lanes) as c:
                        count = code.min(code.sub(channels, c), code.lanes)
                        here = code.add(line, code.mul(c, self.a.x_channel))
                        there = patch[i].moved(code.mul(c, code.size))
                        with code.either(run) as (rows, cells):
                            with rows:
                                self._transposed(here, there, count)
                            with cells:
                                self._one_by_one(here, there, count)

    def _zeros(self, out: View, count: int) -> None:
        """Whole vectors of zeros."""
        with self.code.loop(count, step=self.code.lanes) as c:
            out.moved(self.code.mul(c, self.code.size)).store(self.code.const(0.0))

    def _channels(self, line: Index, out: View, channels: Index) -> None:
        """A row of cells whose channels are contiguous."""
        code = self.code
        rest = code.rem(channels, code.lanes)
        whole, mask = code.sub(channels, rest), code.mask(rest)
        with code.loop(self.n) as j:
            cell = View(code, code.add(line, code.mul(j, self.a.x_axis[1])))
            exists = code.within(code.add(self.start[1], j), self.a.size[1])
            with code.either(exists) as (inside, outside):
                with inside:
                    with code.loop(whole, step=code.lanes) as c:
                        along = code.mul(c, code.size)
                        out[j].moved(along).store(cell.moved(along).vector())
                    with code.when(code.compare(">", rest, 0)):
                        along = code.mul(whole, code.size)
                        out[j].moved(along).store(cell.moved(along).vector(0, mask))
                with outside:
                    self._zeros(out[j], self.pitch)

    def _transposed(self, line: Index, out: View, count: Index) -> None:
        """A row of cells that are contiguous, channel by channel: a square of registers is
        transposed. Channels that do not exist repeat the last one; nothing reads them."""
        code, (_, j0) = self.code, self.start
        for first in range(0, self.n, code.lanes):
            wanted = min(code.lanes, self.n - first)
            mask = self._columns(code.add(j0, first), wanted)
            rows = []
            for lane in range(code.lanes):
                channel = code.min(lane, code.sub(count, 1))
                move = code.add(code.mul(channel, self.a.x_channel), first * code.size)
                rows.append(View(code, code.add(line, move)).vector(0, mask))
            for j, x in enumerate(code.transposed(rows)[:wanted]):
                out[first + j].store(x)

    def _columns(self, start: Index, wanted: int) -> Mask:
        """Which of `wanted` cells from `start` on exist."""
        code = self.code
        low, high = code.sub(0, start), code.sub(self.a.size[1], start)
        ends = code.max(code.min(low, wanted), 0), code.max(code.min(high, wanted), 0)
        numbers = code.numbers("int32")
        begin, end = (
            code.splat(code.builder.trunc(code.value(x), numbers.type.element)) for x in ends
        )
        return code.integer(
            "&", code.icompare(">=", numbers, begin), code.icompare("<", numbers, end)
        )

    def _one_by_one(self, line: Index, out: View, count: Index) -> None:
        """A row of cells of any strides."""
        code, (_, j0) = self.code, self.start
        with code.loop(self.n) as j:
            out[j].store(code.const(0.0))
            with code.when(code.within(code.add(j0, j), self.a.size[1])):
                cell = code.add(line, code.mul(j, self.a.x_axis[1]))
                with code.loop(count) as lane:
                    x = View(code, code.add(cell, code.mul(lane, self.a.x_channel))).scalar()
                    out[j].moved(code.mul(lane, code.size)).store_scalar(x)
