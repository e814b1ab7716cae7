"""The gradient of depthwise weights: w = sum over images and cells of x times y, by channel.

Lanes are channels. The sum runs over the cells of a part of the batch (see `chunks.Parts`), and
`JoinWeight` adds the parts up. Cells that a tap meets outside of the input are left out.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.phases import clip_taps, phase_slots, read_phase

AXES = 4
COLUMNS = ("taps", "cells", "offset", "y")
"""Of a phase: its counts, the source cell of its first cell and tap, and how many bytes further
its first cell of y lies."""
VECTORS = 4  # of channels that are summed side by side, for one tap at a time
RUN = 28  # cells of a row whose sums are in registers, before those of the next channels
CELLS = 4  # along axis 3 whose y is in registers at once, for all taps at a time


@dataclass(frozen=True)
class DepthwiseWeight(Kernel):
    """A unit: a part of the batch, a tap of every axis, or of the first two, some channels.

    Units count parts (blocks of images, cells of axes 0 and 1, blocks of rows, of columns), taps of
    axes 0 and 1, of axes 2 and 3 if `taps` is 0, blocks of `split` channels; a chunk is
    `chunkunits` of them. Results go to partial[part][vector of channels][tap][lane].
    """

    taps: int  # along axes 2 and 3, whose dilations are 1, or 0: any
    stride: int  # along those axes, if `taps` is known
    ragged: bool  # the last channels may fill no vector

    slots: ClassVar[tuple[str, ...]] = (
        *phase_slots(AXES), "x", "xn", "y", "yn", "out", "outpart",
        *(f"{name}{a}" for name in ("x", "i", "s", "d", "y", "k", "step") for a in range(AXES)),
        "units", "chunkunits", "p0", "p1", "rowblocks", "rows", "colblocks", "columns",
        "images", "n", "splits", "split", "channels",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("chunkunits"))
        last = code.min(code.add(first, code.arg("chunkunits")), code.arg("units"))
        with code.loop(last, start=first) as unit:
            _Unit(self, code, unit).emit()


class _Unit:
    """A unit being summed."""

    def __init__(self, kernel: DepthwiseWeight, code: Code, unit: Index) -> None:
        self.kernel, self.code = kernel, code
        counts = self._counted(unit)
        image = code.mul(counts["image"], code.arg("images"))
        self.images = code.min(code.sub(code.arg("n"), image), code.arg("images"))
        begin = (
            counts["p0"], counts["p1"],
            code.mul(counts["rowblocks"], code.arg("rows")),
            code.mul(counts["colblocks"], code.arg("columns")),
        )  # fmt: skip
        most = (1, 1, code.arg("rows"), code.arg("columns"))
        x = code.add(code.arg("x"), code.mul(image, code.arg("xn")))
        y = code.add(code.arg("y"), code.mul(image, code.arg("yn")))
        known = 2 if kernel.taps else AXES  # axes of which a unit has one tap
        self.base: list[Index] = []  # the source of the first cell, by tap 0 of the others
        self.cells: list[Index] = []
        for a in range(AXES):
            tap = counts[f"k{a}"] if a < known else 0
            step, stride = code.arg(f"step{a}"), code.arg(f"s{a}")
            phase = read_phase(code, COLUMNS, a, code.rem(tap, step) if a < known else 0)
            offset = code.add(phase["offset"], code.mul(code.arg(f"d{a}"), code.div(tap, step)))
            first, end = begin[a], code.min(code.add(begin[a], most[a]), phase["cells"])
            if a < known:
                low, count = clip_taps(code, offset, stride, code.arg(f"i{a}"), phase["cells"])
                first, end = code.max(first, low), code.min(end, code.add(low, count))
            source = code.add(offset, code.mul(stride, first))
            x = code.add(x, code.mul(source, code.arg(f"x{a}")))
            y = code.add(y, phase["y"], code.mul(first, code.arg(f"y{a}")))
            self.base.append(source)
            self.cells.append(code.max(code.sub(end, first), 0))
        self.x, self.y = View(code, x), View(code, y)
        taps = code.mul(*(code.arg(f"k{a}") for a in range(AXES)))
        number: Index = 0
        for a in range(AXES):
            number = code.add(code.mul(number, code.arg(f"k{a}")), counts.get(f"k{a}", 0))
        line = code.lanes * code.size
        self.by_vector = code.mul(taps, line)
        self.out = code.add(
            code.arg("out"), code.mul(counts["part"], code.arg("outpart")), code.mul(number, line)
        )
        self.first = code.mul(counts["splits"], code.arg("split"))
        self.last = code.min(code.add(self.first, code.arg("split")), code.arg("channels"))
        vectors = code.div(code.sub(self.last, self.first), code.lanes)
        self.whole = code.add(self.first, code.mul(vectors, code.lanes))

    def _counted(self, unit: Index) -> dict[str, Index]:
        """What the number of a unit counts; "part" are all that divide the batch."""
        code = self.code
        counts: dict[str, Index] = {}
        taps = ("k1", "k0") if self.kernel.taps else ("k3", "k2", "k1", "k0")
        for slot in ("splits", *taps):
            counts[slot] = code.rem(unit, code.arg(slot))
            unit = code.div(unit, code.arg(slot))
        counts["part"] = unit
        for slot in ("colblocks", "rowblocks", "p1", "p0"):
            counts[slot] = code.rem(unit, code.arg(slot))
            unit = code.div(unit, code.arg(slot))
        return counts | {"image": unit}

    def emit(self) -> None:
        """All channels of the unit."""
        if self.kernel.taps:
            self._all_taps()
        else:
            self._one_tap()

    def place(self, channel: Index) -> View:
        """Where the sums of a vector of channels go."""
        code = self.code
        vector = code.div(channel, code.lanes)
        return View(code, code.add(self.out, code.mul(vector, self.by_vector)))

    def _one_tap(self) -> None:
        """Several vectors of channels at a time, then single ones, the last with a mask."""
        code = self.code
        wide = VECTORS * code.lanes
        groups = code.mul(code.div(code.sub(self.whole, self.first), wide), wide)
        end = code.add(self.first, groups)
        with code.loop(end, start=self.first, step=wide) as channel:
            self._sum(channel, VECTORS, None)
        with code.loop(self.whole, start=end, step=code.lanes) as channel:
            self._sum(channel, 1, None)
        if self.kernel.ragged:
            with code.when(code.compare("<", self.whole, self.last)):
                self._sum(self.whole, 1, code.mask(code.sub(self.last, self.whole)))

    def _sum(self, channel: Index, vectors: int, mask: Mask) -> None:
        """The sum over all cells of the unit."""
        code = self.code
        tile = Tile(code, 1, vectors)
        _, _, rows, columns = self.cells
        outer = code.mul(self.cells[0], self.cells[1])  # 1, or 0 where the tap meets nothing
        loops: list[tuple[Index, Index, Index]] = [
            (code.mul(self.images, outer), code.arg("xn"), code.arg("yn")),
            (rows, code.mul(code.arg("s2"), code.arg("x2")), code.arg("y2")),
            (columns, code.mul(code.arg("s3"), code.arg("x3")), code.arg("y3")),
        ]

        def add(sums: ir.Value, x: ir.Value, y: ir.Value | None) -> ir.Value:
            return code.fma(x, 0.0 if y is None else y, sums)

        along = code.mul(channel, code.size)
        x, y = self.x.moved(along), self.y.moved(along)
        contract(code, tile, loops, x.rows([0]), y, tile.lanewise(add, [mask] * vectors))
        place = self.place(channel)
        for v, sums in enumerate(tile.registers):
            place.moved(code.mul(v, self.by_vector)).store(sums)

    def _all_taps(self) -> None:
        """Row after row, in which the sums of each vector of channels are taken up again."""
        code, lanes = self.code, self.code.lanes
        count = self.kernel.taps**2
        with code.loop(self.last, start=self.first, step=lanes) as channel:
            for k in range(count):
                self.place(channel).store(code.const(0.0), k)
        images = code.mul(self.images, self.cells[0], self.cells[1])
        with (
            code.loop(images) as image,
            code.loop(self.cells[2]) as row,
            code.loop(self.cells[3], step=RUN) as column,
        ):
            run = _Run(self, image, row, column)
            with code.loop(self.whole, start=self.first, step=lanes) as channel:
                run.emit(channel, None)
            if self.kernel.ragged:
                with code.when(code.compare("<", self.whole, self.last)):
                    run.emit(self.whole, code.mask(code.sub(self.last, self.whole)))


class _Run:
    """Adjacent cells of a row being summed, for all taps of axes 2 and 3."""

    def __init__(self, unit: _Unit, image: Index, row: Index, column: Index) -> None:
        code, kernel = unit.code, unit.kernel
        self.unit, self.code, self.kernel = unit, code, kernel
        line, along = (code.mul(cell, kernel.stride) for cell in (row, column))
        self.source = (code.add(unit.base[2], line), code.add(unit.base[3], along))
        self.cells = code.min(code.sub(unit.cells[3], column), RUN)
        self.x, self.y = (
            view.moved(
                code.add(
                    code.mul(image, code.arg(f"{name}n")),
                    code.mul(first, code.arg(f"{name}2")),
                    code.mul(second, code.arg(f"{name}3")),
                )
            )
            for name, view, first, second in (
                ("x", unit.x, line, along), ("y", unit.y, row, column),
            )
        )  # fmt: skip

    def emit(self, channel: Index, mask: Mask) -> None:
        """One vector of channels: cells whose taps all exist in groups, the others alone."""
        code, kernel = self.code, self.kernel
        along = code.mul(channel, code.size)
        place = self.unit.place(channel)
        x, y = self.x.moved(along).anew(), self.y.moved(along).anew()
        sums = [place.vector(k) for k in range(kernel.taps**2)]
        base = self.source[1]
        # Cells m with 0 <= base + stride*m and base + stride*m + taps - 1 < size.
        first = code.ceil_div(code.max(code.sub(0, base), 0), kernel.stride)
        room = code.sub(code.add(code.arg("i3"), 1 - kernel.taps), base)
        end = code.min(code.ceil_div(code.max(room, 0), kernel.stride), self.cells)
        first = code.min(first, self.cells)
        inner = code.mul(code.div(code.max(code.sub(end, first), 0), CELLS), CELLS)
        after = code.add(first, inner)
        if mask is None:
            with code.loop(first, carry=sums) as cell:
                self._add(x, y, sums, cell, 1, mask)
            with code.loop(after, start=first, step=CELLS, carry=sums) as cell:
                self._add(x, y, sums, cell, CELLS, mask)
        with code.loop(self.cells, start=after if mask is None else 0, carry=sums) as cell:
            self._add(x, y, sums, cell, 1, mask)
        for k, each in enumerate(sums):
            place.store(each, k)

    def _add(
        self, x: View, y: View, sums: list[ir.Value], cell: Index, cells: int, mask: Mask
    ) -> None:  # fmt: skip
        """Add adjacent cells to the sums; a single one may lie at the border."""
        code, kernel = self.code, self.kernel
        taps, stride = kernel.taps, kernel.stride
        first = code.mul(cell, stride)
        line = x.moved(code.mul(first, code.arg("x3"))).anew()
        here = y.moved(code.mul(cell, code.arg("y3"))).anew()
        gradients = [here.moved(code.mul(t, code.arg("y3"))).vector(0, mask) for t in range(cells)]
        for i in range(taps):
            with code.when(code.within(code.add(self.source[0], i), code.arg("i2")), sums):
                at = line
                for v in range(stride * (cells - 1) + taps):
                    source = code.add(self.source[1], first, v)
                    exists = code.within(source, code.arg("i3"))
                    with code.when(exists, sums) if cells == 1 else nullcontext():
                        number = at.vector(0, mask)
                        for t in range(cells):
                            j = v - stride * t
                            if 0 <= j < taps:
                                k = i * taps + j
                                sums[k] = code.fma(number, gradients[t], sums[k])
                    at = at.moved(code.arg("x3"))
            line = line.moved(code.arg("x2"))
        if cells > 1:  # what the next row reads and this one does not
            for k in range(stride):
                below = line.moved(code.mul(k, code.arg("x2")))
                _prefetch(below, code.arg("x3"), cells * stride)
            _prefetch(here.moved(code.arg("y2")), code.arg("y3"), cells)


def _prefetch(view: View, step: Index, count: int) -> None:
    """Fetch so many cells: each lies in a line of its own, which the processor does not foresee."""
    for _ in range(count):
        view.prefetch()
        view = view.moved(step)
