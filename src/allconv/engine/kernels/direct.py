"""The direct algorithm: y = b + sum over channel blocks, taps and channels of x times w.

Rows of the register tile are output cells along the last axes, its vectors are output channels. The
same kernel computes correlations, their transposes (one phase at a time), linear and locally
connected layers: they differ in where their operands lie. The order of summation of an output is
fixed: bias, channel blocks, taps in row-major order, channels of the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from allconv.engine.kernel import Kernel
from allconv.engine.kernels import band
from allconv.engine.target import Target

if TYPE_CHECKING:
    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index
    from allconv.engine.emit.tile import Tile
    from allconv.engine.emit.view import Rows, View


@dataclass(frozen=True)
class Direct(Kernel):
    """One chunk: `rows` x `cols` output cells of one image and group, some blocks of channels.

    Chunks count images, groups, cells of axes 0 and 1, blocks of rows, of columns, of channels.
    """

    tile: tuple[int, int, int]  # cells along axis 2, along axis 3, vectors of channels
    pitch: int
    stride: int  # along axis 3
    bias: bool
    activation: str  # "" or "relu"

    slots: ClassVar[tuple[str, ...]] = (
        *band.SLOTS, "w", "b", "y",
        "groups", "p0", "p1", "rowblocks", "colblocks", "splits", "rows", "cols", "m2", "m3",
        "t0", "t1", "t2", "t3", "cc", "cblock", "cblocks", "o", "kblocks", "ksplit",
        "wg", "wk", "wc", "wt0", "wt1", "wt2", "wt3", "wp0", "wp1", "wp2",
        "bg", "bp0", "bp1", "bp2", "yn", "yg", "y0", "y1", "y2", "y3",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        image, group, m0, m1, row, column, split = self._chunk(code)
        r0 = code.min(code.mul(row, code.arg("rows")), code.sub(code.arg("m2"), code.arg("rows")))
        q0 = code.min(
            code.mul(column, code.arg("cols")), code.sub(code.arg("m3"), code.arg("cols"))
        )
        start = (
            code.add(code.arg("f0"), code.mul(m0, code.arg("s0"))),
            code.add(code.arg("f1"), code.mul(m1, code.arg("s1"))),
            code.add(code.arg("f2"), code.mul(r0, code.arg("s2"))),
            code.add(code.arg("f3"), code.mul(q0, self.stride)),
        )
        packed = band.emit_band(code, self.pitch, code.scratch, image, group, start)

        def at(name: str, base: Index) -> Index:
            """The address of the chunk's first position in operand `name`."""
            moves = ((f"{name}g", group), (f"{name}p0", m0), (f"{name}p1", m1), (f"{name}p2", r0))
            return code.add(base, *(code.mul(code.arg(slot), i) for slot, i in moves))

        weights = at("w", code.arg("w"))
        bias = at("b", code.arg("b")) if self.bias else 0
        y = code.add(
            code.arg("y"),
            *(
                code.mul(code.arg(slot), i)
                for slot, i in (
                    ("yn", image), ("yg", group), ("y0", m0), ("y1", m1), ("y2", r0), ("y3", q0),
                )
            ),
        )  # fmt: skip
        first = code.mul(split, code.arg("ksplit"))
        last = code.min(code.add(first, code.arg("ksplit")), code.arg("kblocks"))
        with code.loop(last, start=first) as k:
            self._channels(code, packed, k, weights, bias, y)

    def _chunk(self, code: Code) -> list[Index]:
        """What the chunk number counts, outer first."""
        rest: Index = code.chunk
        parts: list[Index] = []
        for slot in ("splits", "colblocks", "rowblocks", "p1", "p0", "groups"):
            parts.insert(0, code.rem(rest, code.arg(slot)))
            rest = code.div(rest, code.arg(slot))
        return [rest, *parts]

    def _channels(
        self, code: Code, packed: band.Band, k: Index, weights: Index, bias: Index, y: Index
    ) -> None:
        """All cells of the chunk for one block of output channels."""
        from allconv.engine.emit.tile import Tile
        from allconv.engine.emit.view import View

        height, width, vectors = self.tile
        block = vectors * code.lanes
        left = code.sub(code.arg("o"), code.mul(k, block))
        masks = code.masks(left, vectors)
        w = View(code, code.add(weights, code.mul(k, code.arg("wk"))))
        b = View(code, code.add(bias, code.mul(k, block * code.size)))
        out = View(code, code.add(y, code.mul(k, block * code.size)))
        with code.loop(code.arg("rows"), step=height) as r_:
            r = code.min(r_, code.sub(code.arg("rows"), height))
            here = w.moved(code.mul(r, code.arg("wp2")))
            start = None
            if self.bias:
                there = b.moved(code.mul(r, code.arg("bp2")))
                start = [there.vector(v, masks[v]) for v in range(vectors)]
            with code.loop(code.arg("cols"), step=width) as q_:
                q = code.min(q_, code.sub(code.arg("cols"), width))
                tile = Tile(code, height * width, vectors, start)
                self._contract(code, tile, packed, r, q, here)
                cells = out.moved(code.mul(r, code.arg("y2"))).moved(code.mul(q, code.arg("y3")))
                offsets = [
                    code.add(code.mul(code.arg("y2"), i), code.mul(code.arg("y3"), j))
                    for i in range(height)
                    for j in range(width)
                ]
                self._store(code, tile, cells.rows(offsets), left, masks)

    def _contract(
        self, code: Code, tile: Tile, packed: band.Band, r: Index, q: Index, w: View
    ) -> None:
        """Sum over channel blocks, taps and channels."""
        from allconv.engine.emit.tile import contract
        from allconv.engine.emit.view import View

        height, width, vectors = self.tile
        step = code.mul(code.arg("s2"), packed.row)
        cell = self.stride * packed.pixel
        a: Rows = View(code, code.add(packed.address, code.mul(r, step), code.mul(q, cell))).rows(
            [code.add(code.mul(step, i), j * cell) for i in range(height) for j in range(width)]
        )

        def channels(b: Index, *_: Index) -> Index:
            rest = code.sub(code.arg("cc"), code.mul(b, code.arg("cblock")))
            return code.min(rest, code.arg("cblock"))

        loops = [
            (code.arg("cblocks"), packed.block, code.arg("wc")),
            (code.arg("t0"), packed.tap0, code.arg("wt0")),
            (code.arg("t1"), packed.tap1, code.arg("wt1")),
            (code.arg("t2"), code.mul(code.arg("d2"), packed.row), code.arg("wt2")),
            (code.arg("t3"), code.mul(code.arg("d3"), packed.pixel), code.arg("wt3")),
            (channels, code.size, vectors * code.lanes * code.size),
        ]
        contract(code, tile, loops, a, w)

    def _store(self, code: Code, tile: Tile, out: Rows, left: Index, masks: list[object]) -> None:
        """Write the tile; only the last block of channels needs masks."""

        def epilogue(x: object, row: int, v: int) -> object:
            return relu(code, x) if self.activation == "relu" else x

        whole = code.compare(">=", left, tile.vectors * code.lanes)
        with code.either(whole) as (then, otherwise):
            with then:
                tile.store(out, epilogue)
            with otherwise:
                tile.store(out, epilogue, masks)


def relu(code: Code, x: object) -> object:
    """max(x, 0); NaN stays NaN."""
    return code.builder.select(code.fcompare("<=", x, 0.0), code.const(0.0), x)


def choose_tile(target: Target, rows: int, columns: int, vectors: int) -> tuple[int, int, int]:
    """The register tile (cells along axis 2, along axis 3, vectors) with the least work.

    A step of the tile costs its multiplications at two a cycle, at least four cycles (two units of
    latency four) and at least its loads at two a cycle, and one for the loop. Few shapes are
    offered, so that few kernels are compiled.
    """
    wide, narrow = (14, 7) if target.registers >= 32 else (6, 4)
    best: tuple[float, tuple[int, int, int]] | None = None
    for v in range(1, min(vectors, 4) + 1):
        shapes = [(1, w) for w in (wide, narrow) if w <= columns]
        if columns < narrow:
            shapes = [(h, columns) for h in range(1, min(rows, narrow // columns) + 1)]
        for height, width in shapes:
            cells = height * width
            if cells * v + v + 1 + (not target.fma) > target.registers:
                continue
            step = max(cells * v / 2, (cells + v) / 2, 4.0) + 1
            tiles = -(-rows // height) * -(-columns // width) * -(-vectors // v)
            if best is None or tiles * step < best[0]:
                best = tiles * step, (height, width, v)
    if best is None:
        raise ValueError(f"no tile for {rows} x {columns} cells and {vectors} vectors")
    return best[1]
