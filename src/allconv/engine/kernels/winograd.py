"""Winograd's algorithm: correlations with 3 x 3 kernels by fewer multiplications.

Tiles of m x m output cells are computed from (m + 2) x (m + 2) input cells, all of which are
transformed, as are the weights; then every one of the (m + 2)^2 transformed cells is a matrix
product of its own, tiles x channels times channels x output channels, and the transform back gives
the cells of the tile (Lavin and Gray 2016, arXiv:1509.09308, sections 4.1 and 5).

Tiles start at multiples of m, so a cell belongs to one tile, wherever chunks begin. The sum over
input channels runs upwards in one accumulator; then come the transform back, the bias and the
epilogue. So bits depend on m and on the values alone. A number that is not finite spreads over its
tile, and an infinite weight over all images.

Layouts: v[run][group][plane][channel block][tile][pitch] of transformed input, where a run is some
tiles; u[group][plane][block][channel][lane] of transformed weights; m[plane][tile][block][lane] of
products. `winograd_steps` plans them; planes are an odd number of cache lines apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile
from allconv.engine.emit.view import View
from allconv.engine.epilogue import Epilogue
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.register_tile import emit_cover
from allconv.engine.kernels.winograd_input import TileArguments, emit_zero_tiles, transform, walk
from allconv.engine.kernels.winograd_output import ResultArguments, WinogradResults, buffer_size
from allconv.engine.kernels.winograd_transform import TAPS, emit_evaluation, weight_matrix


@dataclass(frozen=True, kw_only=True)
class TransformedArguments(Arguments[T]):
    """Transformed weights u with the bytes of a plane; `outputs` are the output channels of a
    group, in `out_blocks` blocks."""

    u: T
    u_plane: T
    channels: T
    outputs: T
    out_blocks: T


@dataclass(frozen=True, kw_only=True)
class WinogradWeightsArguments(TransformedArguments[T]):
    """Beside those, weights w with their strides."""

    w: T
    w_group: T
    w_output: T
    w_channel: T
    w_tap: tuple[T, ...] = several(2)


@dataclass(frozen=True, kw_only=True)
class WinogradInputArguments(TileArguments[T]):
    """Beside those, how a run is cut: `piece` tiles in each of `pieces` pieces."""

    piece: T
    pieces: T


@dataclass(frozen=True, kw_only=True)
class WinogradArguments(TileArguments[T], TransformedArguments[T], ResultArguments[T]):
    """Beside those, how the blocks of output channels are cut."""

    splits: T
    split_blocks: T


@dataclass(frozen=True)
class WinogradWeights(Kernel):
    """u = G w G^T, zeros in unused lanes; a chunk is a block of output channels of a group."""

    m: int
    vectors: int  # of a block

    takes: ClassVar = WinogradWeightsArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(WinogradWeightsArguments)
        n, width, step = self.m + 2, self.vectors * code.lanes, code.lanes * code.size
        line = width * code.size
        group, block = code.counted(code.chunk, a.out_blocks)
        first = code.mul(block, width)
        count = code.min(code.sub(a.outputs, first), width)
        source = code.add(a.w, code.mul(group, a.w_group), code.mul(first, a.w_output))
        out = code.add(a.u, code.mul(group, a.u_plane, n * n), code.mul(block, a.channels, line))
        taps = View(code, code.scratch, TAPS * line, line)
        half = View(code, code.add(code.scratch, TAPS * TAPS * line), TAPS * step, step)
        with code.loop(TAPS * TAPS * self.vectors) as i:
            taps.store(code.const(0.0), i)
        with code.loop(a.channels) as c:
            here = code.add(source, code.mul(c, a.w_channel))
            with code.loop(count) as lane:
                one = View(code, code.add(here, code.mul(lane, a.w_output)), *a.w_tap)
                for r in range(TAPS):
                    for s in range(TAPS):
                        tap = taps[r, s].moved(code.mul(lane, code.size))
                        tap.store_scalar(one[r, s].scalar())
            with code.loop(self.vectors) as v:
                with code.loop(TAPS) as s:
                    column = [taps[r, s].vector(v) for r in range(TAPS)]
                    for i, x in enumerate(emit_evaluation(code, weight_matrix(self.m), column)):
                        half[i, s].store(x)
                there = code.add(out, code.mul(c, line), code.mul(v, step))
                with code.loop(n) as i:
                    row = [half[i, s].vector() for s in range(TAPS)]
                    planes = View(code, code.add(there, code.mul(i, n, a.u_plane)))
                    values = emit_evaluation(code, weight_matrix(self.m), row)
                    for x, place in zip(values, walk(planes, a.u_plane, n), strict=True):
                        place.store(x)


@dataclass(frozen=True)
class WinogradInput(Kernel):
    """v = B^T x B; a chunk is a block of channels of a piece of a run, `piece` tiles."""

    m: int
    heights: tuple[int, int]
    pitch: int

    takes: ClassVar = WinogradInputArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(WinogradInputArguments)
        part, piece, block = code.counted(code.chunk, a.pieces, a.blocks)
        run, group = code.counted(part, a.groups)
        first, count = _tiles(code, run)
        begin = code.mul(piece, a.piece)
        left = code.min(code.sub(count, begin), a.piece)
        blocks = (block, code.add(block, 1))
        out = code.add(a.v, code.mul(part, a.v_plane, (self.m + 2) ** 2))
        there = code.add(out, code.mul(begin, self.pitch * code.size))
        transform(code, self.m, self.pitch, (code.add(first, begin), left), group, blocks, there)
        last = code.compare("==", code.add(piece, 1), a.pieces)
        _, _, padded = emit_cover(code, self.heights, count)
        ends = (count, code.select(last, padded, count))
        emit_zero_tiles(code, self.m, self.pitch, ends, blocks, out)


@dataclass(frozen=True)
class Winograd(Kernel):
    """Products, the transform back, the bias and the epilogue, and the input's transform before.

    A chunk is a run of tiles of a group times some blocks of output channels. Where `apart`, the
    input was transformed by a step of its own, for several chunks need it.
    """

    m: int
    heights: tuple[int, int]  # tiles of the two register tiles
    vectors: int  # of output channels in a block
    pitch: int
    apart: bool
    bias: bool
    epilogue: Epilogue
    transposed: bool = False  # channels of y lie apart

    takes: ClassVar = WinogradArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(WinogradArguments)
        planes = (self.m + 2) ** 2
        part, split = code.counted(code.chunk, a.splits)
        run, group = code.counted(part, a.groups)
        first, count = _tiles(code, run)
        buffers = buffer_size(self.m, self.pitch, code.lanes, transposed=self.transposed)
        products = code.add(code.scratch, buffers * code.size)
        if self.apart:
            v = code.add(a.v, code.mul(part, a.v_plane, planes))
        else:
            v = code.add(products, code.mul(a.m_plane, planes))
            blocks = (0, a.blocks)
            transform(code, self.m, self.pitch, (first, count), group, blocks, v)
            padded = emit_cover(code, self.heights, count)[2]
            emit_zero_tiles(code, self.m, self.pitch, (count, padded), blocks, v)
        begin = code.mul(split, a.split_blocks)
        end = code.min(code.add(begin, a.split_blocks), a.out_blocks)
        self._products(code, v, count, group, (begin, end), products)
        self._results(code, products, (first, count), group, (begin, end))

    def _products(
        self, code: Code, v: Index, count: Index, group: Index, blocks: tuple[Index, Index],
        products: Index,
    ) -> None:  # fmt: skip
        """m[plane] = v[plane] times u[plane], of these blocks of output channels.

        A block of weights is fetched from afar while the one before it is used, evenly.
        """
        a = code.arguments(WinogradArguments)
        large, small = self.heights
        planes, pixel = (self.m + 2) ** 2, self.pitch * code.size
        line = self.vectors * code.lanes * code.size
        row = code.mul(a.split_blocks, line)
        whole, begin, _ = emit_cover(code, self.heights, count)
        weights = code.add(a.u, code.mul(group, a.u_plane, planes))
        rest = code.select(code.compare("<", begin, count), 1, 0)
        panel, groups = code.mul(a.channels, line), code.add(whole, rest)
        turns = code.mul(groups, code.sub(blocks[1], blocks[0]))
        plane = code.mul(a.blocks, a.rows, pixel)
        steps = (code.ceil_div(line, groups), code.ceil_div(plane, code.mul(turns, a.channels)))
        with code.loop(planes) as e:
            left = code.add(v, code.mul(e, a.v_plane))
            right = code.add(weights, code.mul(e, a.u_plane))
            out = code.add(products, code.mul(e, a.m_plane))
            far_v = [code.value(code.add(left, a.v_plane))]
            with code.loop(blocks[1], start=blocks[0], carry=far_v) as k:
                there = code.add(out, code.mul(code.sub(k, blocks[0]), line))
                b = code.add(right, code.mul(k, panel))
                last = code.compare("==", code.add(k, 1), blocks[1])
                far = [
                    code.select(
                        last,
                        code.add(right, a.u_plane, code.mul(blocks[0], panel)),
                        code.add(b, panel),
                    ),
                    *far_v,
                ]
                with code.loop(whole, carry=far) as q:
                    tile = code.mul(q, large)
                    along, to = code.mul(tile, pixel), code.mul(tile, row)
                    operands = (code.add(left, along), b, code.add(there, to))
                    self._multiply(code, large, operands, row, far, steps)
                with code.when(code.compare("<", begin, count), far):
                    along, to = code.mul(begin, pixel), code.mul(begin, row)
                    operands = (code.add(left, along), b, code.add(there, to))
                    self._multiply(code, small, operands, row, far, steps)
                far_v[0] = far[1]

    def _multiply(
        self, code: Code, height: int, operands: tuple[Index, Index, Index], row: Index,
        far: list[ir.Value], steps: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """One register tile: `height` tiles times a block of output channels."""
        a = code.arguments(WinogradArguments)
        pixel, line = self.pitch * code.size, self.vectors * code.lanes * code.size
        left, right, out = operands
        tile = Tile(code, height, self.vectors)
        v = View(code, left).anew().rows([t * pixel for t in range(height)])
        u = View(code, right).anew()
        carry = [*tile.registers, *far]
        with code.loop(a.blocks, carry=carry, at_least_once=True) as block:
            begin = code.mul(block, self.pitch)
            channels = code.min(code.sub(a.channels, begin), self.pitch)
            here = v.moved(code.mul(block, a.rows, pixel))
            there = u.moved(code.mul(begin, line))
            carry.append(code.value(there.address))
            with code.loop(channels, carry=carry, at_least_once=True, anew=True) as c:
                tile.registers, (*ahead, weights) = carry[:-3], carry[-3:]
                for each in ahead:
                    View(code, each).prefetch(near=False)
                tile.outer(here.moved(code.mul(c, code.size)), View(code, weights))
                moved = zip((*ahead, weights), (*steps, line), strict=True)
                carry[:] = [*tile.registers, *(code.value(code.add(x, by)) for x, by in moved)]
            carry.pop()
        tile.registers, far[:] = carry[:-2], carry[-2:]
        tile.store(View(code, out).rows([code.mul(t, row) for t in range(height)]))

    def _results(
        self, code: Code, products: Index, tiles: tuple[Index, Index], group: Index,
        blocks: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """Transform the products of some tiles back and write their cells."""
        a = code.arguments(WinogradArguments)
        width = self.vectors * code.lanes
        start = code.mul(blocks[0], width)
        channels = code.sub(code.min(code.mul(blocks[1], width), a.outputs), start)
        first = code.add(code.mul(group, a.outputs), start)
        pitch = code.mul(a.split_blocks, width * code.size)
        strip = buffer_size(self.m, self.pitch, code.lanes, transposed=False)
        WinogradResults(self.m, self.bias, self.epilogue, self.transposed, strip * code.size).emit(
            code, products, pitch, tiles, (first, channels)
        )


def _tiles(code: Code, run: Index) -> tuple[Index, Index]:
    """The first tile of a run, and how many it has."""
    a = code.arguments(TileArguments)
    first = code.mul(run, a.run)
    return first, code.min(code.sub(a.tiles, first), a.run)
