"""The gradient of depthwise weights: w = sum over images and cells of x times y, by channel.

Lanes are channels. The sum runs over the cells of a part of the batch (see `chunk_sizes.Parts`),
and `JoinWeight` adds the parts up. Cells that a tap meets outside of the input are left out.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.four_axes import AXES
from allconv.engine.kernels.phase_table import clip_taps, read_phase
from allconv.engine.kernels.weight import (
    COLUMNS,
    PartArguments,
    TermArguments,
    begin_part,
)

VECTORS = 4  # of channels that are summed side by side, for one tap at a time
RUN = 28  # cells of a row whose sums are in registers, before those of the next channels
CELLS = 4  # along axis 3 whose y is in registers at once, for all taps at a time


@dataclass(frozen=True, kw_only=True)
class DepthwiseWeightArguments(TermArguments[T], PartArguments[T]):
    """Beside those, how units are counted, among them splits of so many channels."""

    units: T
    chunk_units: T
    splits: T
    split_channels: T


@dataclass(frozen=True)
class DepthwiseWeight(Kernel):
    """A unit: a part of the batch, a tap of every axis, or of the first two, some channels.

    Units count parts (blocks of images, cells of axes 0 and 1, blocks of rows, of columns), taps of
    axes 0 and 1, of axes 2 and 3 if `taps` is 0, blocks of `split_channels`; a chunk is
    `chunk_units` of them. Results go to partial[part][vector of channels][tap][lane].
    """

    taps: int  # along axes 2 and 3, whose dilations are 1, or 0: any
    stride: int  # along those axes, if `taps` is known
    ragged: bool  # the last channels may fill no vector

    takes: ClassVar = DepthwiseWeightArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(DepthwiseWeightArguments)
        with code.units(a.chunk_units, a.units) as unit:
            _Unit(self, code, unit).emit()


class _Unit:
    """A unit being summed."""

    def __init__(self, kernel: DepthwiseWeight, code: Code, unit: Index) -> None:
        self.kernel, self.code = kernel, code
        a = code.arguments(DepthwiseWeightArguments)
        known = 2 if kernel.taps else AXES  # axes of which a unit has one tap
        part, *taps, split = code.counted(unit, *a.kernel[:known], a.splits)
        taps += [0] * (AXES - known)
        image, begin = begin_part(code, part)
        self.images = code.min(code.sub(a.images, image), a.part_images)
        most = (1, 1, a.rows, a.columns)
        x = code.add(a.x, code.mul(image, a.x_image))
        y = code.add(a.y, code.mul(image, a.y_image))
        self.base: list[Index] = []  # the source of the first cell, by tap 0 of the others
        self.cells: list[Index] = []
        for axis, (tap, step) in enumerate(zip(taps, a.tap_step, strict=True)):
            stride = a.stride[axis]
            phase = read_phase(code, COLUMNS, axis, code.rem(tap, step))
            offset = code.add(phase["offset"], code.mul(a.dilation[axis], code.div(tap, step)))
            first = begin[axis]
            end = code.min(code.add(first, most[axis]), phase["cells"])
            if axis < known:
                low, count = clip_taps(code, offset, stride, a.size[axis], phase["cells"])
                first, end = code.max(first, low), code.min(end, code.add(low, count))
            source = code.add(offset, code.mul(stride, first))
            x = code.add(x, code.mul(source, a.x_axis[axis]))
            y = code.add(y, phase["y"], code.mul(first, a.y_axis[axis]))
            self.base.append(source)
            self.cells.append(code.max(code.sub(end, first), 0))
        self.x, self.y = View(code, x), View(code, y)
        line = code.lanes * code.size
        number = code.mul(code.numbered(taps, a.kernel), line)
        self.by_vector = code.mul(*a.kernel, line)
        self.out = code.add(a.partial, code.mul(part, a.part_bytes), number)
        self.first = code.mul(split, a.split_channels)
        self.last = code.min(code.add(self.first, a.split_channels), a.channels)
        vectors = code.div(code.sub(self.last, self.first), code.lanes)
        self.whole = code.add(self.first, code.mul(vectors, code.lanes))

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
        a = code.arguments(DepthwiseWeightArguments)
        tile = Tile(code, 1, vectors)
        _, _, rows, columns = self.cells
        outer = code.mul(self.cells[0], self.cells[1])  # 1, or 0 where the tap meets nothing
        loops: list[tuple[Index, Index, Index]] = [
            (code.mul(self.images, outer), a.x_image, a.y_image),
            (rows, code.mul(a.stride[2], a.x_axis[2]), a.y_axis[2]),
            (columns, code.mul(a.stride[3], a.x_axis[3]), a.y_axis[3]),
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
        a = code.arguments(DepthwiseWeightArguments)
        self.unit, self.code, self.kernel = unit, code, kernel
        line, along = (code.mul(cell, kernel.stride) for cell in (row, column))
        self.source = (code.add(unit.base[2], line), code.add(unit.base[3], along))
        self.cells = code.min(code.sub(unit.cells[3], column), RUN)
        by_x, by_y = (a.x_image, *a.x_axis[2:]), (a.y_image, *a.y_axis[2:])
        self.x = unit.x.moved(code.add(*code.moves(by_x, (image, line, along))))
        self.y = unit.y.moved(code.add(*code.moves(by_y, (image, row, column))))

    def emit(self, channel: Index, mask: Mask) -> None:
        """One vector of channels: cells whose taps all exist in groups, the others alone."""
        code, kernel = self.code, self.kernel
        a = code.arguments(DepthwiseWeightArguments)
        along = code.mul(channel, code.size)
        place = self.unit.place(channel)
        x, y = self.x.moved(along).anew(), self.y.moved(along).anew()
        sums = [place.vector(k) for k in range(kernel.taps**2)]
        base = self.source[1]
        # Cells m with 0 <= base + stride*m and base + stride*m + taps - 1 < size.
        first = code.ceil_div(code.max(code.sub(0, base), 0), kernel.stride)
        room = code.sub(code.add(a.size[3], 1 - kernel.taps), base)
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
        a = code.arguments(DepthwiseWeightArguments)
        taps, stride = kernel.taps, kernel.stride
        first = code.mul(cell, stride)
        line = x.moved(code.mul(first, a.x_axis[3])).anew()
        here = y.moved(code.mul(cell, a.y_axis[3])).anew()
        gradients = [here.moved(code.mul(t, a.y_axis[3])).vector(0, mask) for t in range(cells)]
        for i in range(taps):
            with code.when(code.within(code.add(self.source[0], i), a.size[2]), sums):
                at = line
                for v in range(stride * (cells - 1) + taps):
                    source = code.add(self.source[1], first, v)
                    exists = code.within(source, a.size[3])
                    with code.when(exists, sums) if cells == 1 else nullcontext():
                        number = at.vector(0, mask)
                        for t in range(cells):
                            j = v - stride * t
                            if 0 <= j < taps:
                                k = i * taps + j
                                sums[k] = code.fma(number, gradients[t], sums[k])
                    at = at.moved(a.x_axis[3])
            line = line.moved(a.x_axis[2])
        if cells > 1:  # what the next row reads and this one does not
            for k in range(stride):
                below = line.moved(code.mul(k, a.x_axis[2]))
                _prefetch(below, a.x_axis[3], cells * stride)
            _prefetch(here.moved(a.y_axis[2]), a.y_axis[3], cells)


def _prefetch(view: View, step: Index, count: int) -> None:
    """Fetch so many cells: each lies in a line of its own, which the processor does not foresee."""
    for _ in range(count):
        view.prefetch()
        view = view.moved(step)
