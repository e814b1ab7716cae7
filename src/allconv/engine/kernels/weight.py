"""The gradient of weights: w = sum over images and cells of x times y.

Rows of the register tile are input channels, its vectors are output channels; the sum runs over the
cells of a part of the batch (at most 4,096, so that one accumulator does not drown small terms).
The parts depend on the shape alone; `JoinWeight` adds them in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.view import Rows, View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels import band
from allconv.engine.kernels.phases import phase_slots, reach, read_phase, share
from allconv.engine.target import Target

COLUMNS = ("taps", "cells", "offset", "tap", "y")
"""Of a phase: its counts, the source cell of its first cell and tap, the number of its first tap,
and how many bytes further its first cell of y lies."""


@dataclass(frozen=True)
class _Terms:
    """What a unit sums over, and for which taps of axes 2 and 3 it does."""

    images: Index
    rows: Index
    columns: Index
    taps: tuple[Index, Index]
    blocks: tuple[Index, Index]  # of input channels: the first, and how many


@dataclass(frozen=True)
class Weight(Kernel):
    """A unit: a part of the batch, one group, one tap of axes 0 and 1 and some of a phase of axes 2
    and 3, some blocks of input and of output channels.

    Units count parts (blocks of images, cells of axes 0 and 1, blocks of rows, of columns), groups,
    taps of axes 0 and 1, phases and blocks of taps of axes 2 and 3, blocks of input channels, of
    output channels; a chunk is `chunkunits` of them. Results go to
    partial[part][group][channel block][tap][row][lane].
    """

    tile: tuple[int, int, int]  # taps along axis 2, channels, vectors of output channels
    pitch: int
    stride: int  # along axis 3

    slots: ClassVar[tuple[str, ...]] = (
        *band.SLOTS, *phase_slots(4), "y", "out", "units", "chunkunits",
        "p0", "p1", "rowblocks", "colblocks", "groups", "k0", "k1", "k2", "k3",
        "q2", "tapblocks2", "q3", "tapblocks3", "rowsplits", "splits",
        "images", "n", "rows", "columns", "s0", "s1", "s2", "d2", "d3",
        "step0", "step1", "step2", "step3", "cc", "cblocks", "csplit", "merged", "o",
        "kblocks", "ksplit", "outpart", "outgroup", "bandbytes",
        "yn", "yg", "y0", "y1", "y2", "y3",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("chunkunits"))
        last = code.min(code.add(first, code.arg("chunkunits")), code.arg("units"))
        with code.loop(last, start=first) as unit:
            self._unit(code, _counted(code, unit))

    def _unit(self, code: Code, counts: dict[str, Index]) -> None:
        """Pack the band of every image, then compute block after block of channels."""
        step = [code.arg(f"step{axis}") for axis in range(4)]
        outer = [
            (code.rem(counts[k], s), code.div(counts[k], s))
            for k, s in zip(("k0", "k1"), step, strict=False)
        ]
        which = (outer[0][0], outer[1][0], counts["q2"], counts["q3"])
        phases = [read_phase(code, COLUMNS, axis, p) for axis, p in enumerate(which)]
        t2, taps2 = share(code, phases[2]["taps"], counts["tapblocks2"], code.arg("tapblocks2"))
        t3, taps3 = share(code, phases[3]["taps"], counts["tapblocks3"], code.arg("tapblocks3"))
        n0 = code.mul(counts["block"], code.arg("images"))
        r0 = code.mul(counts["rowblocks"], code.arg("rows"))
        c0 = code.mul(counts["colblocks"], code.arg("columns"))
        cells = (counts["p0"], counts["p1"], r0, c0)
        taps = (outer[0][1], outer[1][1], t2, t3)
        strides = (code.arg("s0"), code.arg("s1"), code.arg("s2"), self.stride)
        start = [
            code.add(phase["offset"], code.mul(stride, cell), code.mul(code.arg(f"d{axis}"), tap))
            for axis, (phase, stride, cell, tap) in enumerate(
                zip(phases, strides, cells, taps, strict=True)
            )
        ]
        rows = _left(code, phases[2]["cells"], r0, code.arg("rows"))
        for axis in (0, 1):
            exists = code.both(
                code.compare("<", cells[axis], phases[axis]["cells"]),
                code.within(start[axis], code.arg(f"i{axis}")),
            )
            rows = code.select(exists, rows, 0)
        first_block = code.mul(counts["rowsplits"], code.arg("csplit"))
        terms = _Terms(
            images=code.min(code.sub(code.arg("n"), n0), code.arg("images")),
            rows=rows,
            columns=_left(code, phases[3]["cells"], c0, code.arg("columns")),
            taps=(taps2, taps3),
            blocks=(first_block, _left(code, code.arg("cblocks"), first_block, code.arg("csplit"))),
        )
        packed = self._pack(code, terms, counts["groups"], n0, start)
        y = code.add(
            code.arg("y"),
            *(phase["y"] for phase in phases),
            *(
                code.mul(code.arg(slot), i)
                for slot, i in zip(
                    ("yn", "yg", "y0", "y1", "y2", "y3"),
                    (n0, counts["groups"], *cells),
                    strict=True,
                )
            ),
        )
        out = code.add(
            code.arg("out"),
            code.mul(counts["part"], code.arg("outpart")),
            code.mul(counts["groups"], code.arg("outgroup")),
        )
        tap2 = code.add(phases[2]["tap"], code.mul(step[2], t2))
        tap3 = code.add(phases[3]["tap"], code.mul(step[3], t3))
        plane = code.add(code.mul(counts["k0"], code.arg("k1")), counts["k1"])
        tap = code.add(
            code.mul(code.add(code.mul(plane, code.arg("k2")), tap2), code.arg("k3")), tap3
        )
        first = code.mul(counts["splits"], code.arg("ksplit"))
        last = code.min(code.add(first, code.arg("ksplit")), code.arg("kblocks"))
        with code.loop(last, start=first) as k:
            self._channels(code, packed, k, terms, y, out, tap)

    def _pack(
        self, code: Code, terms: _Terms, group: Index, n0: Index, start: list[Index]
    ) -> band.Band:
        """The bands of all images, one after the other."""
        taps2, taps3 = terms.taps
        part = band.Part(
            start=(start[0], start[1], start[2], start[3]),
            taps=(1, 1),
            rows=reach(code, code.arg("s2"), terms.rows, code.arg("d2"), taps2),
            columns=reach(code, self.stride, terms.columns, code.arg("d3"), taps3),
            first_block=terms.blocks[0],
            blocks=terms.blocks[1],
        )
        with code.loop(terms.images) as i:
            address = code.add(code.scratch, code.mul(i, code.arg("bandbytes")))
            band.emit_band(code, self.pitch, address, code.add(n0, i), group, part)
        return band.Band.of(code, self.pitch, code.scratch, part)

    def _channels(
        self, code: Code, packed: band.Band, k: Index, terms: _Terms, y: Index, out: Index,
        first_tap: Index,
    ) -> None:  # fmt: skip
        """All taps and input channels of the unit for one block of output channels."""
        height, width, vectors = self.tile
        lane_bytes = vectors * code.lanes * code.size
        left = code.sub(code.arg("o"), code.mul(k, vectors * code.lanes))
        right = View(code, code.add(y, code.mul(k, lane_bytes)))
        line = code.mul(code.arg("cc"), lane_bytes)
        taps = code.mul(*(code.arg(f"k{axis}") for axis in range(4)))
        target = code.add(out, code.mul(k, taps, line), code.mul(first_tap, line))
        by_tap2 = code.mul(code.arg("step2"), code.arg("k3"), line)
        by_tap3 = code.mul(code.arg("step3"), line)
        step2 = code.mul(code.arg("d2"), packed.row)
        step3 = code.mul(code.arg("d3"), packed.pixel)
        merged = code.compare("!=", code.arg("merged"), 0)
        (taps2, taps3), (first_block, blocks) = terms.taps, terms.blocks
        alone, run = code.select(merged, 1, taps3), code.select(merged, taps3, 1)
        with code.loop(taps2, step=height) as t2_:
            t2 = code.min(t2_, code.sub(taps2, height))
            with code.loop(alone) as t3, code.loop(blocks) as b:
                channel = code.mul(code.add(first_block, b), code.arg("block"))
                rest = code.min(code.sub(code.arg("cc"), channel), code.arg("block"))
                count = code.mul(rest, run)
                with code.loop(count, step=width) as c_:
                    c = code.min(c_, code.sub(count, width))
                    origin = code.add(
                        packed.address, code.mul(b, packed.block), code.mul(t2, step2),
                        code.mul(t3, step3), code.mul(c, code.size),
                    )  # fmt: skip
                    cells = [(i, j) for i in range(height) for j in range(width)]
                    a = View(code, origin).rows(
                        [code.add(code.mul(step2, i), j * code.size) for i, j in cells]
                    )
                    tile = Tile(code, height * width, vectors)
                    self._contract(code, tile, packed, terms, a, right, left)
                    place = code.add(
                        target, code.mul(t2, by_tap2), code.mul(t3, by_tap3),
                        code.mul(code.add(channel, c), lane_bytes),
                    )  # fmt: skip
                    tile.store(
                        View(code, place).rows(
                            [code.add(code.mul(by_tap2, i), j * lane_bytes) for i, j in cells]
                        )
                    )

    def _contract(
        self, code: Code, tile: Tile, packed: band.Band, terms: _Terms, a: Rows, right: View,
        left: Index,
    ) -> None:  # fmt: skip
        """Sum over images, rows and columns; only the last block of channels needs masks."""
        loops = [
            (terms.images, code.arg("bandbytes"), code.arg("yn")),
            (terms.rows, code.mul(code.arg("s2"), packed.row), code.arg("y2")),
            (terms.columns, self.stride * packed.pixel, code.arg("y3")),
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


def _counted(code: Code, unit: Index) -> dict[str, Index]:
    """What the number of a unit counts; "block" are images and "part" all that divide the batch."""
    counts: dict[str, Index] = {}
    rest = unit
    for slot in (
        "splits", "rowsplits", "tapblocks3", "q3", "tapblocks2", "q2", "k1", "k0", "groups",
    ):  # fmt: skip
        counts[slot] = code.rem(rest, code.arg(slot))
        rest = code.div(rest, code.arg(slot))
    counts["part"] = rest
    for slot in ("colblocks", "rowblocks", "p1", "p0"):
        counts[slot] = code.rem(rest, code.arg(slot))
        rest = code.div(rest, code.arg(slot))
    return counts | {"block": rest}


def _left(code: Code, total: Index, begin: Index, most: Index) -> Index:
    """How many of a block of at most so many there are from its beginning on."""
    return code.max(code.min(code.sub(total, begin), most), 0)


@dataclass(frozen=True)
class JoinWeight(Kernel):
    """w[o, c, k] = sum of the parts, in their order.

    A unit is one (position, group, block of o, tap), a chunk `chunkunits` of them. With `local`
    positions have weights of their own, and each cell is a part: the table has the first cell of
    the phase of each tap (-1: none) and its source. A tap that meets no cell there has weight 0.
    """

    width: int  # output channels of a block
    local: bool

    slots: ClassVar[tuple[str, ...]] = (
        *phase_slots(3), "partial", "w", "units", "chunkunits", "parts", "part",
        "q0", "q1", "q2", "groups", "kblocks", "o", "c", "k0", "k1", "k2", "k3",
        "m1", "m2",
        *(f"{name}{a}" for name in ("tapstep", "cellstep", "s", "d", "i") for a in range(3)),
        "wq0", "wq1", "wq2", "wg", "wo", "wc", "wk0", "wk1", "wk2", "wk3",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("chunkunits"))
        last = code.min(code.add(first, code.arg("chunkunits")), code.arg("units"))
        with code.loop(last, start=first) as unit:
            self._unit(code, unit)

    def _unit(self, code: Code, unit: Index) -> None:
        """Decode a unit, add its parts up and write the sums."""
        counts: dict[str, Index] = {}
        rest, sums = (
            unit,
            code.mul(*(code.arg(s) for s in ("groups", "kblocks", "k0", "k1", "k2", "k3"))),
        )
        for slot in ("k3", "k2", "k1", "k0", "kblocks", "groups", "q2", "q1"):
            counts[slot] = code.rem(rest, code.arg(slot))
            rest = code.div(rest, code.arg(slot))
        counts["q0"] = rest
        steps = [*(f"k{axis}" for axis in range(4)), *(f"q{axis}" for axis in range(3))]
        block = code.mul(counts["kblocks"], self.width)
        out = code.add(
            code.arg("w"),
            *(code.mul(counts[name], code.arg(f"w{name}")) for name in steps),
            code.mul(counts["groups"], code.arg("wg")),
            code.mul(block, code.arg("wo")),
        )
        line = code.mul(code.arg("c"), self.width, code.size)
        source = code.add(
            code.arg("partial"), code.mul(code.rem(unit, sums) if self.local else unit, line)
        )
        parts = code.arg("parts")
        if self.local:
            part, met = self._part_of_cell(code, counts)
            source = code.add(source, code.mul(part, code.arg("part")))
            parts = code.select(met, 1, 0)
        self._add(code, source, parts, out, code.min(code.sub(code.arg("o"), block), self.width))

    def _part_of_cell(self, code: Code, counts: dict[str, Index]) -> tuple[Index, Condition]:
        """The part of a position, and whether the tap meets it."""
        numbers: list[Index] = []
        met: Condition = True
        for axis in range(3):
            cell, step = counts[f"q{axis}"], code.arg(f"cellstep{axis}")
            tap, tap_step = counts[f"k{axis}"], code.arg(f"tapstep{axis}")
            phase = read_phase(code, ("first", "offset"), axis, code.rem(tap, tap_step))
            number = code.div(cell, step)
            source = code.add(
                phase["offset"],
                code.mul(code.arg(f"s{axis}"), number),
                code.mul(code.arg(f"d{axis}"), code.div(tap, tap_step)),
            )
            in_phase = code.compare("==", phase["first"], code.rem(cell, step))
            met = code.both(met, code.both(in_phase, code.within(source, code.arg(f"i{axis}"))))
            numbers.append(number)
        inner = code.add(code.mul(numbers[1], code.arg("m2")), numbers[2])
        return code.add(code.mul(numbers[0], code.arg("m1"), code.arg("m2")), inner), met

    def _add(self, code: Code, source: Index, parts: Index, out: Index, count: Index) -> None:
        """The sums of one tap, channel after channel."""
        vectors, line = self.width // code.lanes, self.width * code.size
        with code.loop(code.arg("c")) as c:
            here = code.add(source, code.mul(c, line))
            sums = [code.const(0.0)] * vectors
            with code.loop(parts, carry=sums) as p:
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
