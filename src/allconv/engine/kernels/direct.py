"""The direct algorithm: y = b + sum over channel blocks, taps and channels of x times w.

Rows of the register tile are output cells along the last axes, its vectors are output channels. The
same kernel computes correlations, their transposes (phase by phase), linear and locally connected
layers: they differ in where their operands lie. The order of summation of an output is
fixed: bias, channel blocks, taps in row-major order, channels of the block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from allconv.engine.kernel import Kernel
from allconv.engine.kernels import band
from allconv.engine.kernels.epilogue import AFTER, BEFORE, Epilogue, slots_of
from allconv.engine.kernels.phases import clip_taps, phase_slots, reach, read_phase, share
from allconv.engine.target import Target

if TYPE_CHECKING:
    from llvmlite import ir

    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index
    from allconv.engine.emit.tile import Tile
    from allconv.engine.emit.vector import Mask
    from allconv.engine.emit.view import Rows, View


NEARLY = 1.05  # times the least work
COLUMNS = ("cells", "taps", "offset", "w", "y", "b")
"""Of a phase: its counts, the source cell of its first cell and tap, and how many bytes further
its weights, outputs and biases begin."""


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
class Direct(Kernel):
    """A unit: some rows and columns of a phase, of one image and group, some blocks of channels.

    Units count images, groups, phases and cells of axes 0 and 1, phases and blocks of rows, phases
    and blocks of columns, blocks of channels; a chunk is `chunkunits` of them. Taps of axes 0 and 1
    whose source does not exist are left out, and those of axis 2 where the tile is one row high;
    else the band has zeros there.
    """

    tile: tuple[int, int, int]  # cells along axis 2, along axis 3, vectors of channels
    pitch: int
    stride: int  # along axis 3
    bias: bool
    epilogue: Epilogue
    prologue: Epilogue | None = None

    slots: ClassVar[tuple[str, ...]] = (
        *band.SLOTS, *phase_slots(4), "w", "b", "y", "units", "chunkunits",
        "groups", "p0", "p1", "p2", "p3", "m0", "m1", "rowblocks", "colblocks", "splits",
        "s0", "s1", "s2", "d2", "d3", "cc", "cblocks", "merged", "o", "kblocks", "ksplit",
        "wg", "wk", "wc", "wt0", "wt1", "wt2", "wt3", "wp0", "wp1", "wp2",
        "bg", "bp0", "bp1", "bp2", "yn", "yg", "y0", "y1", "y2", "y3",
        *slots_of(AFTER), *slots_of(BEFORE),
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("chunkunits"))
        last = code.min(code.add(first, code.arg("chunkunits")), code.arg("units"))
        with code.loop(last, start=first) as unit:
            image, group, p0, m0, p1, m1, *rest = _counted(code, unit)
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
        (image, group), (p2, row, p3, column, split) = place, rest
        phases = phases + [read_phase(code, COLUMNS, axis, p) for axis, p in ((2, p2), (3, p3))]
        r0, rows = share(code, phases[2]["cells"], row, code.arg("rowblocks"))
        q0, columns = share(code, phases[3]["cells"], column, code.arg("colblocks"))
        cells = (*outer, r0, q0)
        strides = (code.arg("s0"), code.arg("s1"), code.arg("s2"), self.stride)
        start = [
            code.add(phase["offset"], code.mul(stride, cell))
            for phase, stride, cell in zip(phases, strides, cells, strict=True)
        ]
        taps = [phase["taps"] for phase in phases]
        weights = code.add(code.arg("w"), code.mul(group, code.arg("wg")))
        for axis in (0, 1):
            dilation = code.arg(f"d{axis}")
            low, taps[axis] = clip_taps(
                code, start[axis], dilation, code.arg(f"i{axis}"), taps[axis]
            )
            start[axis] = code.add(start[axis], code.mul(low, dilation))
            weights = code.add(weights, code.mul(low, code.arg(f"wt{axis}")))
        part = band.Part(
            start=(start[0], start[1], start[2], start[3]),
            taps=(taps[0], taps[1]),
            rows=reach(code, code.arg("s2"), rows, code.arg("d2"), taps[2]),
            columns=reach(code, self.stride, columns, code.arg("d3"), taps[3]),
            first_block=0,
            blocks=code.arg("cblocks"),
        )
        packed = band.emit_band(code, self.pitch, code.scratch, image, group, part, self.prologue)
        weights = code.add(weights, *_moves(code, phases, "w", ("wp0", "wp1", "wp2"), cells))
        y = code.add(
            code.arg("y"), code.mul(image, code.arg("yn")), code.mul(group, code.arg("yg")),
            *_moves(code, phases, "y", ("y0", "y1", "y2", "y3"), cells),
        )  # fmt: skip
        bias: Index = 0
        if self.bias:
            moves = _moves(code, phases, "b", ("bp0", "bp1", "bp2"), cells)
            bias = code.add(code.arg("b"), code.mul(group, code.arg("bg")), *moves)
        first = code.mul(split, code.arg("ksplit"))
        last = code.min(code.add(first, code.arg("ksplit")), code.arg("kblocks"))
        here = _Cells(
            start[2], rows, columns, (taps[0], taps[1], taps[2], taps[3]),
            image, code.mul(group, code.arg("bg")),
        )  # fmt: skip
        with code.loop(last, start=first) as k:
            self._channels(code, packed, here, k, weights, bias, y)

    def _channels(
        self, code: Code, packed: band.Band, cells: _Cells, k: Index, weights: Index, bias: Index,
        y: Index,
    ) -> None:  # fmt: skip
        """All cells of the unit for one block of output channels."""
        from allconv.engine.emit.tile import Tile
        from allconv.engine.emit.view import View

        height, width, vectors = self.tile
        block = vectors * code.lanes
        left = code.sub(code.arg("o"), code.mul(k, block))
        masks = code.masks(left, vectors)
        w = View(code, code.add(weights, code.mul(k, code.arg("wk"))))
        b = View(code, code.add(bias, code.mul(k, block * code.size)))
        out = View(code, code.add(y, code.mul(k, block * code.size)))
        with code.loop(cells.rows, step=height) as r_:
            r = code.min(r_, code.sub(cells.rows, height))
            here = w.moved(code.mul(r, code.arg("wp2")))
            low, taps2 = self._taps_of_row(code, cells, r)
            here = here.moved(code.mul(low, code.arg("wt2")))
            line = code.add(code.mul(code.arg("s2"), r), code.mul(code.arg("d2"), low))
            start = None
            if self.bias:
                there = b.moved(code.mul(r, code.arg("bp2")))
                start = [there.vector(v, masks[v]) for v in range(vectors)]
            with code.loop(cells.columns, step=width) as q_:
                q = code.min(q_, code.sub(cells.columns, width))
                tile = Tile(code, height * width, vectors, start)
                origin = code.add(
                    packed.address,
                    code.mul(line, packed.row),
                    code.mul(q, self.stride * packed.pixel),
                )
                taps = (*cells.taps[:2], taps2, cells.taps[3])
                self._contract(code, tile, packed, taps, View(code, origin), here)
                target = out.moved(code.mul(r, code.arg("y2"))).moved(code.mul(q, code.arg("y3")))
                offsets = [
                    code.add(code.mul(code.arg("y2"), i), code.mul(code.arg("y3"), j))
                    for i in range(height)
                    for j in range(width)
                ]
                channel = code.add(cells.channel, code.mul(k, block * code.size))
                self._store(code, tile, target.rows(offsets), (cells.image, channel), left, masks)

    def _taps_of_row(self, code: Code, cells: _Cells, r: Index) -> tuple[Index, Index]:
        """The first tap of axis 2 to take for a row of the tile, and how many."""
        if self.tile[0] > 1:
            return 0, cells.taps[2]
        base = code.add(cells.base, code.mul(code.arg("s2"), r))
        return clip_taps(code, base, code.arg("d2"), code.arg("i2"), cells.taps[2])

    def _contract(
        self, code: Code, tile: Tile, packed: band.Band, taps: tuple[Index, ...], x: View, w: View
    ) -> None:
        """Sum over channel blocks, taps and channels."""
        from allconv.engine.emit.tile import contract

        height, width, vectors = self.tile
        step = code.mul(code.arg("s2"), packed.row)
        cell = self.stride * packed.pixel
        a = x.rows(
            [code.add(code.mul(step, i), j * cell) for i in range(height) for j in range(width)]
        )
        merged = code.compare("!=", code.arg("merged"), 0)
        alone = code.select(merged, 1, taps[3])
        run = code.select(merged, taps[3], 1)
        total, block = code.mul(code.arg("cc"), run), code.mul(code.arg("block"), run)

        def channels(b: Index, *_: Index) -> Index:
            return code.min(code.sub(total, code.mul(b, block)), block)

        loops = [
            (code.arg("cblocks"), packed.block, code.arg("wc")),
            (taps[0], packed.tap0, code.arg("wt0")),
            (taps[1], packed.tap1, code.arg("wt1")),
            (taps[2], code.mul(code.arg("d2"), packed.row), code.arg("wt2")),
            (alone, code.mul(code.arg("d3"), packed.pixel), code.arg("wt3")),
            (channels, code.size, vectors * code.lanes * code.size),
        ]
        contract(code, tile, loops, a, w)

    def _store(
        self, code: Code, tile: Tile, out: Rows, place: tuple[Index, Index], left: Index,
        masks: list[Mask],
    ) -> None:  # fmt: skip
        """Write the tile; only the last block of channels needs masks."""
        image, channel = place

        def after(masks: list[Mask] | None) -> Callable[[ir.Value, int, int], ir.Value]:
            def epilogue(x: ir.Value, row: int, v: int) -> ir.Value:
                along = v * code.lanes * code.size
                cell = code.add(code.sub(out[row].address, code.arg("y")), along)
                mask = masks[v] if masks else None
                return self.epilogue.apply(code, x, image, code.add(channel, along), cell, mask)

            return epilogue

        whole = code.compare(">=", left, tile.vectors * code.lanes)
        with code.either(whole) as (then, otherwise):
            with then:
                tile.store(out, after(None))
            with otherwise:
                tile.store(out, after(masks), masks)


def _counted(code: Code, unit: Index) -> list[Index]:
    """What the number of a unit counts, outer first."""
    parts: list[Index] = []
    rest = unit
    for slot in (
        "splits", "colblocks", "p3", "rowblocks", "p2", "m1", "p1", "m0", "p0", "groups",
    ):  # fmt: skip
        parts.insert(0, code.rem(rest, code.arg(slot)))
        rest = code.div(rest, code.arg(slot))
    return [rest, *parts]


def _moves(
    code: Code, phases: list[dict[str, Index]], column: str, slots: tuple[str, ...],
    cells: tuple[Index, ...],
) -> list[Index]:  # fmt: skip
    """How far the phases, and the cells within them, lie from the first of an operand."""
    begin = [phase[column] for phase in phases]
    return begin + [code.mul(code.arg(s), i) for s, i in zip(slots, cells, strict=False)]


def _cost(cells: int, vectors: int) -> float:
    """Cycles of a step of a tile: its multiplications at two a cycle, at least four cycles (two
    units of latency four) and at least its loads at two a cycle, and one for the loop."""
    return max(cells * vectors / 2, (cells + vectors) / 2, 4.0) + 1


def _fits(target: Target, cells: int, vectors: int) -> bool:
    """Whether the registers hold a tile, a row of weights and what a step needs besides."""
    return cells * vectors + vectors + 1 + (not target.fma) <= target.registers


def _widths(target: Target) -> tuple[int, int]:
    """The two widths of tiles that are offered; few, so that few kernels are compiled."""
    return (14, 7) if target.registers >= 32 else (6, 4)


def choose_vectors(target: Target, vectors: int) -> int:
    """Vectors of a tile for so many vectors of output channels: the most of those that take nearly
    the least work on wide images, for many are better on narrow ones.

    This is the width of a block of packed weights, so no size of an image may decide it.
    """
    costs = [
        (-(-vectors // v) * _cost(width, v) / width, v)
        for v in range(1, min(vectors, 3) + 1)
        for width in _widths(target)
        if _fits(target, width, v) and _fits(target, _widths(target)[1], v)
    ]
    least, _ = min(costs)
    return max(v for cost, v in costs if cost <= NEARLY * least)


def choose_tile(target: Target, rows: int, columns: int, vectors: int) -> tuple[int, int, int]:
    """The register tile (cells along axis 2, along axis 3, vectors) with the least work."""
    wide, narrow = _widths(target)
    shapes = [(1, width) for width in (wide, narrow) if width <= columns]
    if columns < narrow:
        shapes = [(height, columns) for height in range(1, min(rows, narrow // columns) + 1)]
    costs = [
        (-(-rows // height) * -(-columns // width) * _cost(height * width, vectors), n)
        for n, (height, width) in enumerate(shapes)
        if _fits(target, height * width, vectors)
    ]
    if not costs:
        raise ValueError(f"no tile for {rows} x {columns} cells and {vectors} vectors")
    return (*shapes[min(costs)[1]], vectors)
