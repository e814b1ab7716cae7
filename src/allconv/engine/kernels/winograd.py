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

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.epilogue import Epilogue
from allconv.engine.kernels.winograd_input import (
    INPUT_SLOTS,
    emit_zero_tiles,
    transform,
    walk,
)
from allconv.engine.kernels.winograd_output import OUTPUT_SLOTS, Results
from allconv.engine.kernels.winograd_transform import TAPS, emit_evaluation, weight_matrix


@dataclass(frozen=True)
class WinogradWeights(Kernel):
    """u = G w G^T, zeros in unused lanes; a chunk is a block of output channels of a group."""

    m: int
    vectors: int  # of a block

    slots: ClassVar[tuple[str, ...]] = (
        "w", "u", "o", "c", "kblocks", "ue", "wo", "wc", "w2", "w3",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        n, width, step = self.m + 2, self.vectors * code.lanes, code.lanes * code.size
        line = width * code.size
        block, group = _split(code, code.chunk, "kblocks")
        first = code.mul(block, width)
        count = code.min(code.sub(code.arg("o"), first), width)
        channel = code.add(code.mul(group, code.arg("o")), first)
        source = code.add(code.arg("w"), code.mul(channel, code.arg("wo")))
        out = code.add(
            code.arg("u"), code.mul(group, code.arg("ue"), n * n),
            code.mul(block, code.arg("c"), line),
        )  # fmt: skip
        taps = View(code, code.scratch, TAPS * line, line)
        half = View(code, code.add(code.scratch, TAPS * TAPS * line), TAPS * step, step)
        with code.loop(TAPS * TAPS * self.vectors) as i:
            taps.store(code.const(0.0), i)
        with code.loop(code.arg("c")) as c:
            here = code.add(source, code.mul(c, code.arg("wc")))
            with code.loop(count) as lane:
                one = View(
                    code, code.add(here, code.mul(lane, code.arg("wo"))),
                    code.arg("w2"), code.arg("w3"),
                )  # fmt: skip
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
                    planes = View(code, code.add(there, code.mul(i, n, code.arg("ue"))))
                    values = emit_evaluation(code, weight_matrix(self.m), row)
                    for x, place in zip(values, walk(planes, code.arg("ue"), n), strict=True):
                        place.store(x)


@dataclass(frozen=True)
class WinogradInput(Kernel):
    """v = B^T x B; a chunk is a block of channels of a piece of a run, `piece` tiles."""

    m: int
    heights: tuple[int, int]
    pitch: int

    slots: ClassVar[tuple[str, ...]] = (
        *INPUT_SLOTS, "tiles", "run", "groups", "v", "pieces", "piece",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        block, rest = _split(code, code.chunk, "cblocks")
        piece, part = _split(code, rest, "pieces")
        group, run = _split(code, part, "groups")
        first, count = _tiles(code, run)
        begin = code.mul(piece, code.arg("piece"))
        left = code.min(code.sub(count, begin), code.arg("piece"))
        blocks = (block, code.add(block, 1))
        out = code.add(code.arg("v"), code.mul(part, code.arg("ev"), (self.m + 2) ** 2))
        there = code.add(out, code.mul(begin, self.pitch * code.size))
        transform(code, self.m, self.pitch, (code.add(first, begin), left), group, blocks, there)
        last = code.compare("==", code.add(piece, 1), code.arg("pieces"))
        _, _, padded = padded_tiles(code, self.heights, count)
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

    slots: ClassVar[tuple[str, ...]] = (
        *INPUT_SLOTS, *OUTPUT_SLOTS, "tiles", "run", "groups", "v",
        "u", "ue", "kblocks", "ksplit", "splits", "o",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        planes = (self.m + 2) ** 2
        split, part = _split(code, code.chunk, "splits")
        group, run = _split(code, part, "groups")
        first, count = _tiles(code, run)
        products = code.add(code.scratch, planes * (self.pitch + code.lanes) * code.size)
        if self.apart:
            v = code.add(code.arg("v"), code.mul(part, code.arg("ev"), planes))
        else:
            v = code.add(products, code.mul(code.arg("em"), planes))
            blocks = (0, code.arg("cblocks"))
            transform(code, self.m, self.pitch, (first, count), group, blocks, v)
            padded = padded_tiles(code, self.heights, count)[2]
            emit_zero_tiles(code, self.m, self.pitch, (count, padded), blocks, v)
        begin = code.mul(split, code.arg("ksplit"))
        end = code.min(code.add(begin, code.arg("ksplit")), code.arg("kblocks"))
        self._products(code, v, count, group, (begin, end), products)
        self._results(code, products, (first, count), group, (begin, end))

    def _products(
        self, code: Code, v: Index, count: Index, group: Index, blocks: tuple[Index, Index],
        products: Index,
    ) -> None:  # fmt: skip
        """m[plane] = v[plane] times u[plane], of these blocks of output channels.

        A block of weights is fetched from afar while the one before it is used, evenly.
        """
        large, small = self.heights
        planes, pixel = (self.m + 2) ** 2, self.pitch * code.size
        line = self.vectors * code.lanes * code.size
        row = code.mul(code.arg("ksplit"), line)
        whole, begin, _ = padded_tiles(code, self.heights, count)
        weights = code.add(code.arg("u"), code.mul(group, code.arg("ue"), planes))
        panel, groups = code.mul(code.arg("c"), line), code.add(whole, 1)
        turns = code.mul(groups, code.sub(blocks[1], blocks[0]))
        plane = code.mul(code.arg("cblocks"), code.arg("rows"), pixel)
        steps = (code.div(line, groups), code.ceil_div(plane, code.mul(turns, code.arg("c"))))
        with code.loop(planes) as e:
            left = code.add(v, code.mul(e, code.arg("ev")))
            right = code.add(weights, code.mul(e, code.arg("ue")))
            out = code.add(products, code.mul(e, code.arg("em")))
            far_v = [code.value(code.add(left, code.arg("ev")))]
            with code.loop(blocks[1], start=blocks[0], carry=far_v) as k:
                there = code.add(out, code.mul(code.sub(k, blocks[0]), line))
                b = code.add(right, code.mul(k, panel))
                last = code.compare("==", code.add(k, 1), blocks[1])
                far = [
                    code.select(
                        last,
                        code.add(right, code.arg("ue"), code.mul(blocks[0], panel)),
                        code.add(b, panel),
                    ),
                    *far_v,
                ]
                with code.loop(whole, carry=far) as q:
                    tile = code.mul(q, large)
                    a, to = code.mul(tile, pixel), code.mul(tile, row)
                    operands = (code.add(left, a), b, code.add(there, to))
                    self._multiply(code, large, operands, row, far, steps)
                with code.when(code.compare("<", begin, count), far):
                    a, to = code.mul(begin, pixel), code.mul(begin, row)
                    operands = (code.add(left, a), b, code.add(there, to))
                    self._multiply(code, small, operands, row, far, steps)
                far_v[0] = far[1]

    def _multiply(
        self, code: Code, height: int, operands: tuple[Index, Index, Index], row: Index,
        far: list[ir.Value], steps: tuple[Index, Index],
    ) -> None:  # fmt: skip
        """One register tile: `height` tiles times a block of output channels."""
        pixel, line = self.pitch * code.size, self.vectors * code.lanes * code.size
        left, right, out = operands
        tile = Tile(code, height, self.vectors)
        a = View(code, left).anew().rows([t * pixel for t in range(height)])
        b = View(code, right).anew()
        carry = [*tile.registers, *far]
        with code.loop(code.arg("cblocks"), carry=carry, at_least_once=True) as block:
            begin = code.mul(block, self.pitch)
            channels = code.min(code.sub(code.arg("c"), begin), self.pitch)
            here = a.moved(code.mul(block, code.arg("rows"), pixel))
            there = b.moved(code.mul(begin, line))
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
        width = self.vectors * code.lanes
        start = code.mul(blocks[0], width)
        channels = code.sub(code.min(code.mul(blocks[1], width), code.arg("o")), start)
        first = code.add(code.mul(group, code.arg("o")), start)
        pitch = code.mul(code.arg("ksplit"), width * code.size)
        Results(self.m, self.bias, self.epilogue).emit(
            code, products, pitch, tiles, (first, channels)
        )


def padded_tiles(code: Code, heights: tuple[int, int], count: Index) -> tuple[Index, Index, Index]:
    """How many large register tiles cover `count` tiles, where the small one begins, if any are
    left, and how many tiles all of them cover."""
    large, small = heights
    whole = code.ceil_div(code.max(code.sub(count, small), 0), large)
    begin = code.mul(whole, large)
    rest = code.select(code.compare("<", begin, count), small, 0)
    return whole, begin, code.add(begin, rest)


def _split(code: Code, number: Index, slot: str) -> tuple[Index, Index]:
    """What a number counts within so many, and what is around it."""
    return code.rem(number, code.arg(slot)), code.div(number, code.arg(slot))


def _tiles(code: Code, run: Index) -> tuple[Index, Index]:
    """The first tile of a run, and how many it has."""
    first = code.mul(run, code.arg("run"))
    return first, code.min(code.sub(code.arg("tiles"), first), code.arg("run"))
