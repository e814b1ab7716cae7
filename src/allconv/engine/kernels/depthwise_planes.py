"""The depthwise algorithm on planes: images in row-major order, each channel by itself.

Lanes are cells that follow each other along axis 3, the numbers of a channel are the same in all
lanes, and nothing is packed or transposed. The terms of a sum and their order are those of
`depthwise`: lanes whose tap lies outside of the input keep their sum.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from llvmlite import ir

from allconv.engine.arguments import T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.epilogue import Epilogue
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.depthwise_unit import DepthwiseArguments, DepthwiseUnit, each_unit
from allconv.engine.kernels.four_axes import AXES

Weights: TypeAlias = list[list[ir.Value]]
"""Of the taps of axes 2 and 3, each in all lanes."""


@dataclass(frozen=True, kw_only=True)
class DepthwisePlanesArguments(DepthwiseArguments[T]):
    """Beside those, how far the channels of weights and of outputs lie apart."""

    w_channel: T
    y_channel: T


@dataclass(frozen=True)
class DepthwisePlanes(Kernel):
    """Units as `each_unit` has them; the cells of axis 3 follow each other in x and in y."""

    tile: tuple[int, int]  # cells along axis 2, vectors along axis 3
    axes: int  # of images
    taps: tuple[int, int]  # along axes 2 and 3
    strides: tuple[int, int]
    dilated: bool  # along either
    bias: bool
    epilogue: Epilogue

    takes: ClassVar = DepthwisePlanesArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        step = self.tile[1] * code.lanes
        with each_unit(code) as unit, code.loop(unit.last, start=unit.first) as channel:
            plane = _Plane(self, unit, channel)
            with (
                code.loop(unit.rows, step=self.tile[0]) as row,
                code.loop(unit.columns, step=step) as column,
            ):
                _ColumnStrip(plane, column).emit(row)


class _Plane:
    """The channel of a unit that is being computed."""

    def __init__(self, kernel: DepthwisePlanes, unit: DepthwiseUnit, channel: Index) -> None:
        code = unit.code
        a = code.arguments(DepthwisePlanesArguments)
        self.kernel, self.unit, self.code = kernel, unit, code
        self.along = code.mul(channel, code.size)
        self.x = View(code, code.add(unit.x, code.mul(channel, a.x_channel)))
        self.w = View(code, code.add(unit.w, code.mul(channel, a.w_channel)))
        self.y = code.add(unit.y, code.mul(channel, a.y_channel))
        self.start = code.const(0.0)
        if kernel.bias:
            self.start = code.splat(View(code, code.add(a.b, self.along)).scalar())
        self.weights = self.read(self.w) if kernel.axes <= 2 else []

    def read(self, w: View) -> Weights:
        """The weights of the taps of axes 2 and 3, each in all lanes."""
        code, a = self.code, self.code.arguments(DepthwisePlanesArguments)
        high, wide = self.kernel.taps
        return [
            [
                code.splat(w.moved(code.add(*code.moves(a.w_tap[2:], (t, v)))).scalar())
                for v in range(wide)
            ]
            for t in range(high)
        ]


class _ColumnStrip:
    """Columns of a plane, as many as a tile has."""

    def __init__(self, plane: _Plane, column: Index) -> None:
        kernel, code = plane.kernel, plane.code
        self.plane, self.kernel, self.code = plane, kernel, code
        self.vectors, self.taps, self.stride = kernel.tile[1], kernel.taps[1], kernel.strides[1]
        self.group = 1 if kernel.dilated else self.stride  # taps that are read together
        self.first = code.add(plane.unit.base[3], code.mul(self.stride, column))
        self.y = code.add(plane.y, code.mul(column, code.size))
        self.left = code.sub(plane.unit.columns, column)

    def cell(self, j: int, v: int, k: int) -> Index:
        """The source cell, counted from that of the first lane, at which the k-th vector of those
        that hold tap v of the j-th vector of outputs begins."""
        code = self.code
        dilation = (
            code.arguments(DepthwisePlanesArguments).dilation[3] if self.kernel.dilated else 1
        )
        return code.add((self.stride * j + k) * code.lanes, code.mul(v, dilation))

    def inside(self) -> Condition:
        """Whether all cells exist, and all that is read for them."""
        code, size = self.code, self.code.arguments(DepthwisePlanesArguments).size[3]
        last = (self.taps - 1) // self.group * self.group
        end = code.add(self.first, self.cell(self.vectors - 1, last, self.stride))
        return code.both(
            code.compare(">=", self.left, self.vectors * code.lanes),
            code.both(code.compare(">=", self.first, 0), code.compare("<=", end, size)),
        )

    def emit(self, row: Index) -> None:
        """The tile from a row on, with tests only where something lies outside."""
        code, unit, kernel = self.code, self.plane.unit, self.kernel
        a = code.arguments(DepthwisePlanesArguments)
        height, taps = kernel.tile[0], kernel.taps[0]
        base = code.add(unit.base[2], code.mul(kernel.strides[0], row))
        dilation = a.dilation[2] if kernel.dilated else 1
        end = code.add(base, kernel.strides[0] * (height - 1), code.mul(dilation, taps - 1))
        left = code.sub(unit.rows, row)
        inside = code.both(
            code.compare(">=", left, height),
            code.both(code.compare(">=", base, 0), code.compare("<", end, a.size[2])),
        )
        y = code.add(self.y, code.mul(row, a.y_axis[2]))
        with code.either(code.both(inside, self.inside())) as (whole, part):
            with whole:
                _PlanesTile(self, base, left, y, None).emit()
            with part:
                _PlanesTile(self, base, left, y, _Lanes(self)).emit()

    def sources(self, line: View, lanes: _Lanes | None) -> list[list[ir.Value]]:
        """What the lanes of each vector of outputs meet in a line, tap by tap."""
        code = self.code
        found: list[list[ir.Value]] = []
        for v in range(0, self.taps, self.group):
            apart = [
                code.apart([self._read(line, lanes, j, v, k) for k in range(self.stride)])
                for j in range(self.vectors)
            ]
            found += map(list, zip(*apart, strict=True))
        return found[: self.taps]

    def _read(self, line: View, lanes: _Lanes | None, j: int, v: int, k: int) -> ir.Value:
        """The k-th vector of those that hold tap v of the j-th vector of outputs."""
        here = line.moved(self.code.mul(self.cell(j, v, k), self.code.size))
        return self.code.held(here.vector(0, lanes.reads[j, v, k])) if lanes else here.vector()


class _Lanes:
    """Which lanes exist in a strip: of outputs, of what their taps meet, of what is read."""

    def __init__(self, strip: _ColumnStrip) -> None:
        code, size = strip.code, strip.code.arguments(DepthwisePlanesArguments).size[3]
        self.code, self.first, self.size = code, strip.first, size
        self.limits = code.limits(code.sub(0, strip.first), code.sub(size, strip.first))
        vectors, stride = range(strip.vectors), strip.stride
        self.writes = code.masks(strip.left, strip.vectors)
        self.taps = {
            (j, v): self._existing(strip.cell(j, v, 0), stride)
            for j in vectors for v in range(strip.taps)
        }  # fmt: skip
        self.reads = {
            (j, v, k): self._existing(strip.cell(j, v, k), 1)
            for j in vectors for v in range(0, strip.taps, strip.group) for k in range(stride)
        }  # fmt: skip

    def _existing(self, cell: Index, step: int) -> Mask:
        """The lanes of every `step`-th cell, from one on, that exist."""
        code = self.code
        if isinstance(cell, int):
            return code.between(cell, step, self.limits)
        start = code.add(self.first, cell)
        return code.between(0, step, code.limits(code.sub(0, start), code.sub(self.size, start)))


class _PlanesTile:
    """Adjacent rows of a strip, all of them inside or not: then `lanes` tells which exist."""

    def __init__(
        self, strip: _ColumnStrip, base: Index, left: Index, y: Index, lanes: _Lanes | None
    ) -> None:
        self.strip, self.base, self.left, self.y = strip, base, left, y
        self.code, self.kernel, self.lanes = strip.code, strip.kernel, lanes
        height, vectors = self.kernel.tile
        self.registers = [strip.plane.start] * (height * vectors)

    def emit(self) -> None:
        """Sum over the taps, and write."""
        code, plane = self.code, self.strip.plane
        a = code.arguments(DepthwisePlanesArguments)
        x, w = plane.x, plane.w
        with ExitStack() as loops:
            for axis in range(AXES - self.kernel.axes, 2):
                count = plane.unit.outer[axis]
                tap = loops.enter_context(code.loop(count, carry=self.registers))
                x = x.moved(code.mul(tap, a.dilation[axis], a.x_axis[axis]))
                w = w.moved(code.mul(tap, a.w_tap[axis]))
            x = x.moved(code.mul(self.strip.first, code.size))
            self._lines(x.moved(code.mul(self.base, a.x_axis[2])), plane.weights or plane.read(w))
        self._store()

    def _lines(self, first: View, weights: Weights) -> None:
        """Every line of the input is read once, for all rows of the tile that meet it."""
        code, a = self.code, self.code.arguments(DepthwisePlanesArguments)
        first = first.anew()
        for cell, met in self._meetings():
            source = code.add(self.base, cell)
            exists = code.within(source, a.size[2])
            with code.when(exists, self.registers) if self.lanes else nullcontext():
                line = first.moved(code.mul(cell, a.x_axis[2]))
                self._add(self.strip.sources(line, self.lanes), met, weights)

    def _add(
        self, sources: list[list[ir.Value]], met: list[tuple[int, int]], weights: Weights
    ) -> None:
        """Add the terms of a line, each weight to all vectors at once."""
        code, lanes = self.code, self.lanes
        for v, of_tap in enumerate(sources):
            for row, tap in met:
                for j, x in enumerate(of_tap):
                    k, mask = row * len(of_tap) + j, lanes and lanes.taps[j, v]
                    summed = code.fma(x, weights[tap][v], self.registers[k])
                    self.registers[k] = code.select(mask, summed, self.registers[k])

    def _meetings(self) -> list[tuple[Index, list[tuple[int, int]]]]:
        """The lines that are read, counted from the first, each with the rows of the tile that
        meet it and by which tap."""
        code, (high, stride) = self.code, (self.kernel.taps[0], self.kernel.strides[0])
        rows = range(self.kernel.tile[0])
        if self.kernel.dilated:
            dilation = code.arguments(DepthwisePlanesArguments).dilation[2]
            return [
                (code.add(stride * row, code.mul(dilation, tap)), [(row, tap)])
                for tap in range(high) for row in rows
            ]  # fmt: skip
        return [
            (u, [(row, u - stride * row) for row in rows if 0 <= u - stride * row < high])
            for u in range(stride * (len(rows) - 1) + high)
        ]

    def _store(self) -> None:
        """Write the cells that exist."""
        code, strip = self.code, self.strip
        a = code.arguments(DepthwisePlanesArguments)
        for k, register in enumerate(self.registers):
            row, j = divmod(k, strip.vectors)
            mask = self.lanes and self.lanes.writes[j]
            with self._exists(row):
                cell = code.add(self.y, code.mul(row, a.y_axis[2]), j * code.lanes * code.size)
                y = self.kernel.epilogue.apply(
                    code, register, strip.plane.unit.image, strip.plane.along, cell, mask,
                    plane=True,
                )  # fmt: skip
                View(code, code.add(a.y, cell)).store(y, 0, mask)

    def _exists(self, row: int) -> AbstractContextManager[None]:
        """The body runs only if a row of the tile exists, where that is not known."""
        if self.lanes is None:
            return nullcontext()
        return self.code.when(self.code.compare(">", self.left, row))
