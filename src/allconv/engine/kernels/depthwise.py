"""The depthwise algorithm: y = b + sum over taps of x times w, each channel by itself.

Lanes are channels: x, y and the weights lie channels last, and nothing is packed. Rows of the
register tile are output cells along the last two axes. Forward pass and transpose are the same
kernel, phase by phase. The order of summation of an output is fixed: bias, taps in row-major order
of their sources. Taps outside of the input are left out, never multiplied by zero.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.epilogue import Epilogue
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.depthwise_unit import DepthwiseArguments, DepthwiseUnit, each_unit
from allconv.engine.kernels.four_axes import AXES
from allconv.engine.kernels.phase_table import clip_taps


@dataclass(frozen=True)
class Depthwise(Kernel):
    """Units as `each_unit` has them; weights lie as [tap][channel]."""

    tile: tuple[int, int]  # cells along axis 2, along axis 3
    axes: int  # of images
    taps: int  # along axis 3, whose dilation is 1, or 0: any
    stride: int  # along that axis, if `taps` is known
    square: bool  # the same holds along axis 2; else the tile has one row
    ragged: bool  # the last channels may fill no vector
    bias: bool
    epilogue: Epilogue

    takes: ClassVar = DepthwiseArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        with each_unit(code) as unit:
            self._unit(code, unit)

    def _unit(self, code: Code, unit: DepthwiseUnit) -> None:
        """Tiles that lie inside without tests, the others with them; part of a vector masked."""
        lanes = code.lanes
        height, width = self.tile
        vectors = code.mul(code.div(code.sub(unit.last, unit.first), lanes), lanes)
        whole = code.add(unit.first, vectors)
        with (
            code.loop(unit.rows, step=height) as row,
            code.loop(unit.columns, step=width) as column,
        ):
            tile = _DepthwiseTile(self, unit, row, column)
            end = code.select(tile.inside(), whole, unit.first)
            with code.loop(end, start=unit.first, step=lanes) as channel:
                tile.emit(channel, None, checked=False)
            with code.loop(whole, start=end, step=lanes) as channel:
                tile.emit(channel, None, checked=True)
            if self.ragged:
                with code.when(code.compare("<", whole, unit.last)):
                    tile.emit(whole, code.mask(code.sub(unit.last, whole)), checked=True)


class _DepthwiseTile:
    """Adjacent cells of a unit, for one vector of channels at a time."""

    def __init__(self, kernel: Depthwise, unit: DepthwiseUnit, row: Index, column: Index) -> None:
        code = unit.code
        a = code.arguments(DepthwiseArguments)
        self.unit, self.code, self.kernel = unit, code, kernel
        known = kernel.taps > 0
        tall = kernel.square
        self.strides = (
            kernel.stride if tall else a.stride[2], kernel.stride if known else a.stride[3],
        )  # fmt: skip
        self.taps = (
            kernel.taps if tall else unit.phases[2]["taps"],
            kernel.taps if known else unit.phases[3]["taps"],
        )
        self.dilations = (1 if tall else a.dilation[2], 1 if known else a.dilation[3])
        self.base = [
            code.add(unit.base[2 + k], code.mul(stride, cell))
            for k, (stride, cell) in enumerate(zip(self.strides, (row, column), strict=True))
        ]
        self.left = (code.sub(unit.rows, row), code.sub(unit.columns, column))
        self.y = code.add(unit.y, code.mul(row, a.y_axis[2]), code.mul(column, a.y_axis[3]))
        self.registers: list[ir.Value] = []
        self.mask: Mask = None
        self.checked = False

    def inside(self) -> Condition:
        """Whether all of its cells exist, and all their sources. In a tile of one row those along
        axis 2 need not: the loop over the taps leaves them out."""
        code = self.code
        a = code.arguments(DepthwiseArguments)
        found: Condition = True
        for k in (0, 1):
            cells = self.kernel.tile[k]
            if k == 0 and not self.kernel.square:
                continue
            reach = code.add(
                code.mul(self.strides[k], cells - 1),
                code.mul(self.dilations[k], code.sub(self.taps[k], 1)),
            )
            found = code.both(found, code.compare(">=", self.left[k], cells))
            found = code.both(found, code.compare(">=", self.base[k], 0))
            end = code.add(self.base[k], reach)
            found = code.both(found, code.compare("<", end, a.size[2 + k]))
        return found

    def emit(self, channel: Index, mask: Mask, *, checked: bool) -> None:
        """One vector of channels of all cells; `checked` leaves out what does not exist."""
        code, unit = self.code, self.unit
        a = code.arguments(DepthwiseArguments)
        self.mask, self.checked = mask, checked
        along = code.mul(channel, code.size)
        start = code.const(0.0)
        if self.kernel.bias:
            start = View(code, code.add(a.b, along)).vector(0, mask)
        height, width = self.kernel.tile
        self.registers = [start] * (height * width)
        x, w = (View(code, code.add(address, along)).anew() for address in (unit.x, unit.w))
        with ExitStack() as loops:
            for axis in range(AXES - self.kernel.axes, 2):
                tap = loops.enter_context(code.loop(unit.outer[axis], carry=self.registers))
                x = x.moved(code.mul(tap, a.dilation[axis], a.x_axis[axis]))
                w = w.moved(code.mul(tap, a.w_tap[axis]))
            x = x.moved(code.mul(self.base[1], a.x_axis[3]))
            if self.kernel.square:
                self._known_rows(x, w)
            else:
                self._any_rows(x, w)
        self._store(channel, along)

    def _known_rows(self, x: View, w: View) -> None:
        """Every row of the input is read once, for all rows of the tile."""
        code, taps, stride = self.code, self.kernel.taps, self.kernel.stride
        a = code.arguments(DepthwiseArguments)
        height = self.kernel.tile[0]
        weights: list[list[ir.Value]] = []
        for u in range(stride * (height - 1) + taps):
            if u < taps:
                weights.append(self._weights(w.moved(code.mul(u, a.w_tap[2]))))
            met = [
                (r, weights[u - stride * r]) for r in range(height) if 0 <= u - stride * r < taps
            ]
            source = code.add(self.base[0], u)
            with self._existing(source, 2):
                self._known_columns(x.moved(code.mul(source, a.x_axis[2])), met)

    def _any_rows(self, x: View, w: View) -> None:
        """A tile of one row: the taps of axis 2 are a loop over those that exist."""
        code, dilation = self.code, self.dilations[0]
        a = code.arguments(DepthwiseArguments)
        low, count = clip_taps(code, self.base[0], dilation, a.size[2], self.taps[0])
        source = code.add(self.base[0], code.mul(low, dilation))
        x = x.moved(code.mul(source, a.x_axis[2]))
        w = w.moved(code.mul(low, a.w_tap[2]))
        step = code.mul(dilation, a.x_axis[2])
        with code.loop(count, carry=self.registers) as tap:
            line, weights = x.moved(code.mul(tap, step)), w.moved(code.mul(tap, a.w_tap[2]))
            if not self.kernel.taps:
                self._any_columns(line, weights)
                return
            self._known_columns(line, [(0, self._weights(weights))])

    def _weights(self, w: View) -> list[ir.Value]:
        """The weights of a row of taps."""
        code, step = self.code, self.code.arguments(DepthwiseArguments).w_tap[3]
        return [w.moved(code.mul(j, step)).vector(0, self.mask) for j in range(self.kernel.taps)]

    def _known_columns(self, line: View, met: list[tuple[int, list[ir.Value]]]) -> None:
        """Every cell of a row of the input is read once, for all cells of the tile that meet it;
        `met` are the rows of the tile that do, each with its weights."""
        code, taps, stride = self.code, self.kernel.taps, self.kernel.stride
        a = code.arguments(DepthwiseArguments)
        width = self.kernel.tile[1]
        line = line.anew()
        for v in range(stride * (width - 1) + taps):
            with self._existing(code.add(self.base[1], v), 3):
                x = line.vector(0, self.mask)
                for row, weights in met:
                    for cell in range(width):
                        if 0 <= v - stride * cell < taps:
                            k = row * width + cell
                            w = weights[v - stride * cell]
                            self.registers[k] = code.fma(x, w, self.registers[k])
            line = line.moved(a.x_axis[3])

    def _any_columns(self, line: View, weights: View) -> None:
        """One tap after the other."""
        code = self.code
        a = code.arguments(DepthwiseArguments)
        step, pitch = (code.mul(by, a.x_axis[3]) for by in (self.dilations[1], self.strides[1]))
        with code.loop(self.taps[1], carry=self.registers) as tap:
            w = weights.moved(code.mul(tap, a.w_tap[3])).vector(0, self.mask)
            source = code.add(self.base[1], code.mul(tap, self.dilations[1]))
            here = line.moved(code.mul(tap, step))
            for cell in range(self.kernel.tile[1]):
                with self._existing(source, 3):
                    x = here.vector(0, self.mask)
                    self.registers[cell] = code.fma(x, w, self.registers[cell])
                source, here = code.add(source, self.strides[1]), here.moved(pitch)

    def _existing(self, cell: Index, axis: int) -> AbstractContextManager[None]:
        """The body runs only if the cell of the input exists, where that is not known."""
        if not self.checked:
            return nullcontext()
        size = self.code.arguments(DepthwiseArguments).size[axis]
        return self.code.when(self.code.within(cell, size), self.registers)

    def _store(self, channel: Index, along: Index) -> None:
        """Write the cells that exist."""
        code, width = self.code, self.kernel.tile[1]
        a = code.arguments(DepthwiseArguments)
        for k, register in enumerate(self.registers):
            row, column = divmod(k, width)
            exists = code.both(
                code.compare(">", self.left[0], row), code.compare(">", self.left[1], column)
            )
            with code.when(exists) if self.checked else nullcontext():
                cell = code.add(
                    self.y, along, code.mul(row, a.y_axis[2]), code.mul(column, a.y_axis[3])
                )
                y = self.kernel.epilogue.apply(
                    code, register, self.unit.image, along, cell, self.mask
                )
                View(code, code.add(a.y, cell)).store(y, 0, self.mask)
