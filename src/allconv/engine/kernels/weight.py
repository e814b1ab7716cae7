"""The gradient of weights: w = sum over images and cells of x times y.

Rows of the register tile are input channels, its vectors are output channels; the sum runs over the
cells of a part of the batch (at most 4,096, so that one accumulator does not drown small terms).
The parts depend on the shape alone; `JoinWeight` adds them in their order.
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
class Weight(Kernel):
    """One chunk: a part of the batch, one group, some blocks of output channels.

    Chunks count blocks of images, groups, cells of axes 0 and 1, blocks of rows, splits of the
    output channels. Results go to partial[part][group][channel block][tap][row][lane], where parts
    count images, cells and rows.
    """

    tile: tuple[int, int, int]  # taps along axis 2, channels, vectors of output channels
    pitch: int
    stride: int  # along axis 3

    slots: ClassVar[tuple[str, ...]] = (
        *band.SLOTS, "y", "out", "images", "groups", "p0", "p1", "rowblocks", "splits", "n",
        "rows", "m2", "m3", "t0", "t1", "t2", "t3", "cc", "cblock", "cblocks", "o",
        "kblocks", "ksplit", "outpart", "outgroup", "bandbytes",
        "yn", "yg", "y0", "y1", "y2", "y3",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        block, group, m0, m1, row, split = self._chunk(code)
        n0 = code.mul(block, code.arg("images"))
        images = code.min(code.sub(code.arg("n"), n0), code.arg("images"))
        r0 = code.mul(row, code.arg("rows"))
        rows = code.min(code.sub(code.arg("m2"), r0), code.arg("rows"))
        start = (
            code.add(code.arg("f0"), code.mul(m0, code.arg("s0"))),
            code.add(code.arg("f1"), code.mul(m1, code.arg("s1"))),
            code.add(code.arg("f2"), code.mul(r0, code.arg("s2"))),
            code.arg("f3"),
        )
        with code.loop(images) as i:
            address = code.add(code.scratch, code.mul(i, code.arg("bandbytes")))
            packed = band.emit_band(code, self.pitch, address, code.add(n0, i), group, start)
        packed = _at(code, packed, code.scratch)
        y = code.add(
            code.arg("y"),
            *(
                code.mul(code.arg(slot), i)
                for slot, i in (("yn", n0), ("yg", group), ("y0", m0), ("y1", m1), ("y2", r0))
            ),
        )
        part = code.mul(block, code.arg("p0"))
        part = code.mul(code.add(part, m0), code.arg("p1"))
        part = code.add(code.mul(code.add(part, m1), code.arg("rowblocks")), row)
        out = code.add(
            code.arg("out"),
            code.mul(part, code.arg("outpart")),
            code.mul(group, code.arg("outgroup")),
        )
        first = code.mul(split, code.arg("ksplit"))
        last = code.min(code.add(first, code.arg("ksplit")), code.arg("kblocks"))
        with code.loop(last, start=first) as k:
            self._channels(code, packed, k, (images, rows), y, out)

    def _chunk(self, code: Code) -> list[Index]:
        """What the chunk number counts, outer first."""
        rest: Index = code.chunk
        parts: list[Index] = []
        for slot in ("splits", "rowblocks", "p1", "p0", "groups"):
            parts.insert(0, code.rem(rest, code.arg(slot)))
            rest = code.div(rest, code.arg(slot))
        return [rest, *parts]

    def _channels(
        self, code: Code, packed: band.Band, k: Index, counts: tuple[Index, Index], y: Index,
        out: Index,
    ) -> None:  # fmt: skip
        """All taps and input channels for one block of output channels."""
        from allconv.engine.emit.tile import Tile
        from allconv.engine.emit.view import View

        height, width, vectors = self.tile
        lane_bytes = vectors * code.lanes * code.size
        left = code.sub(code.arg("o"), code.mul(k, vectors * code.lanes))
        right = View(code, code.add(y, code.mul(k, lane_bytes)))
        line = code.mul(code.arg("cc"), lane_bytes)
        taps = [code.arg(f"t{axis}") for axis in range(4)]
        target = code.add(out, code.mul(k, code.mul(*taps, line)))
        step2 = code.mul(code.arg("d2"), packed.row)
        step3 = code.mul(code.arg("d3"), packed.pixel)
        with code.loop(taps[0]) as t0, code.loop(taps[1]) as t1:
            outer = code.mul(code.add(code.mul(t0, taps[1]), t1), taps[2])
            plane = code.add(packed.address, code.mul(t0, packed.tap0), code.mul(t1, packed.tap1))
            with code.loop(taps[2], step=height) as t2_:
                t2 = code.min(t2_, code.sub(taps[2], height))
                with code.loop(taps[3]) as t3, code.loop(code.arg("cblocks")) as b:
                    channel = code.mul(b, code.arg("cblock"))
                    count = code.min(code.sub(code.arg("cc"), channel), code.arg("cblock"))
                    with code.loop(count, step=width) as c_:
                        c = code.max(code.min(c_, code.sub(count, width)), 0)
                        a = View(
                            code,
                            code.add(
                                plane,
                                code.mul(b, packed.block),
                                code.mul(t2, step2),
                                code.mul(t3, step3),
                                code.mul(c, code.size),
                            ),
                        ).rows(
                            [
                                code.add(code.mul(step2, i), j * code.size)
                                for i in range(height)
                                for j in range(width)
                            ]
                        )
                        tile = Tile(code, height * width, vectors)
                        self._contract(code, tile, packed, counts, a, right, left)
                        tap = code.add(code.mul(code.add(outer, t2), taps[3]), t3)
                        place = code.add(
                            target,
                            code.mul(tap, line),
                            code.mul(code.add(channel, c), lane_bytes),
                        )
                        row = code.mul(taps[3], line)
                        tile.store(
                            View(code, place).rows(
                                [
                                    code.add(code.mul(row, i), j * lane_bytes)
                                    for i in range(height)
                                    for j in range(width)
                                ]
                            )
                        )

    def _contract(
        self, code: Code, tile: Tile, packed: band.Band, counts: tuple[Index, Index], a: Rows,
        right: View, left: Index,
    ) -> None:  # fmt: skip
        """Sum over images, rows and columns; only the last block of channels needs masks."""
        from allconv.engine.emit.tile import contract

        images, rows = counts
        loops = [
            (images, code.arg("bandbytes"), code.arg("yn")),
            (rows, code.mul(code.arg("s2"), packed.row), code.arg("y2")),
            (code.arg("m3"), self.stride * packed.pixel, code.arg("y3")),
        ]
        whole = code.compare(">=", left, tile.vectors * code.lanes)
        masks = code.masks(left, tile.vectors)

        def masked(a: Rows, b: View | None) -> None:
            if b is None:
                raise TypeError("an outer product needs both operands")
            vectors = [b.vector(v, masks[v]) for v in range(tile.vectors)]
            for r in range(tile.rows):
                x = code.splat(a[r].scalar())
                for v, y in enumerate(vectors):
                    n = r * tile.vectors + v
                    tile.registers[n] = code.fma(x, y, tile.registers[n])

        with code.either(whole, carry=tile.registers) as (then, otherwise):
            with then:
                contract(code, tile, loops, a, right)
            with otherwise:
                contract(code, tile, loops, a, right, masked)


def _at(code: Code, packed: band.Band, address: Index) -> band.Band:
    """The strides of a band as they are outside the loop that packed it, at another address."""
    row = code.mul(code.arg("u3"), packed.pixel)
    tap1 = code.mul(code.arg("u2"), row)
    tap0 = code.mul(code.arg("bt1"), tap1)
    return band.Band(address, packed.pixel, row, tap1, tap0, code.mul(code.arg("bt0"), tap0))


@dataclass(frozen=True)
class JoinWeight(Kernel):
    """w[o, c, k] = sum of the parts, in their order.

    A chunk is one (position, group, block of o, tap); positions have weights of their own.
    """

    width: int  # output channels of a block

    slots: ClassVar[tuple[str, ...]] = (
        "partial", "w", "parts", "part", "q1", "q2", "groups", "kblocks", "o", "c",
        "t0", "t1", "t2", "t3", "wq0", "wq1", "wq2", "wg", "wo", "wc", "wt0", "wt1", "wt2", "wt3",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        from allconv.engine.emit.view import View

        rest: Index = code.chunk
        out: Index = code.arg("w")
        for axis in reversed(range(4)):
            t = code.rem(rest, code.arg(f"t{axis}"))
            rest = code.div(rest, code.arg(f"t{axis}"))
            out = code.add(out, code.mul(t, code.arg(f"wt{axis}")))
        k, rest = code.rem(rest, code.arg("kblocks")), code.div(rest, code.arg("kblocks"))
        group, rest = code.rem(rest, code.arg("groups")), code.div(rest, code.arg("groups"))
        q2, rest = code.rem(rest, code.arg("q2")), code.div(rest, code.arg("q2"))
        q1, q0 = code.rem(rest, code.arg("q1")), code.div(rest, code.arg("q1"))
        for axis, q in enumerate((q0, q1, q2)):
            out = code.add(out, code.mul(q, code.arg(f"wq{axis}")))
        first = code.mul(k, self.width)
        out = code.add(out, code.mul(group, code.arg("wg")), code.mul(first, code.arg("wo")))
        count = code.min(code.sub(code.arg("o"), first), self.width)
        line = self.width * code.size
        source = code.add(code.arg("partial"), code.mul(code.chunk, code.mul(code.arg("c"), line)))
        vectors = self.width // code.lanes
        with code.loop(code.arg("c")) as c:
            here = code.add(source, code.mul(c, line))
            sums = [code.const(0.0)] * vectors
            with code.loop(code.arg("parts"), carry=sums) as p:
                view = View(code, code.add(here, code.mul(p, code.arg("part"))))
                sums[:] = [code.fadd(x, view.vector(v)) for v, x in enumerate(sums)]
            line_of_sums = View(code, code.scratch)
            for v, x in enumerate(sums):
                line_of_sums.store(x, v)
            there = code.add(out, code.mul(c, code.arg("wc")))
            with code.loop(count) as lane:
                x = View(code, code.add(code.scratch, code.mul(lane, code.size))).scalar()
                View(code, code.add(there, code.mul(lane, code.arg("wo")))).store_scalar(x)


def choose_weight_tile(
    target: Target, taps: int, channels: int, vectors: int
) -> tuple[int, int, int]:
    """The register tile (taps along axis 2, channels, vectors) of least work; see `direct`."""
    best: tuple[float, int, tuple[int, int, int]] | None = None
    for v in range(1, min(vectors, 3) + 1):
        for width in (w for w in (14, 11, 8, 7, 4, 3, 2, 1) if w <= channels):
            for height in range(1, (min(taps, 4) if width == channels else 1) + 1):
                cells = height * width
                if cells * v + v + 1 + (not target.fma) > target.registers:
                    continue
                step = max(cells * v / 2, (cells + v) / 2, 4.0) + 1
                tiles = -(-taps // height) * -(-channels // width) * -(-vectors // v)
                candidate = (tiles * step, -cells * v, (height, width, v))
                best = candidate if best is None else min(best, candidate)
    if best is None:
        raise ValueError(f"no tile for {channels} channels and {vectors} vectors")
    return best[2]
