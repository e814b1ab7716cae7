"""Groups of few channels on planes: images in row-major order, the direct algorithm's sums.

Lanes are cells that follow each other along axis 3, and weights are the same in all lanes, so that
no lane is idle for want of channels. A tile is some output channels of a group and some vectors of
one row. The order of the terms is that of `direct`: bias, taps, channels; lanes whose tap lies
outside of the input keep their sum.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.epilogue import Epilogue
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.depthwise_planes import DepthwisePlanesArguments
from allconv.engine.kernels.depthwise_unit import DepthwiseUnit, each_unit
from allconv.engine.kernels.four_axes import AXES
from allconv.engine.kernels.phase_table import clip_taps


@dataclass(frozen=True, kw_only=True)
class GroupArguments(DepthwisePlanesArguments[T]):
    """Beside those, the input channels of a group, how far their weights lie apart, and the blocks
    of output channels of a group; what is called a channel there is such a block of any group."""

    inputs: T
    w_input: T
    out_blocks: T


@dataclass(frozen=True)
class GroupPlanes(Kernel):
    """Units as `each_unit` has them; the cells of axis 3 follow each other in x and in y."""

    tile: tuple[int, int]  # output channels, vectors along axis 3
    axes: int  # of images
    stride: int  # along axis 3
    bias: bool
    epilogue: Epilogue

    takes: ClassVar = GroupArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        step = self.tile[1] * code.lanes
        with (
            each_unit(code) as unit,
            code.loop(unit.last, start=unit.first) as block,
            code.loop(unit.rows) as row,
            code.loop(unit.columns, step=step) as column,
        ):
            _GroupTile(self, unit, block, row, column).emit()


class _GroupTile:
    """Columns of a row, for a block of output channels."""

    def __init__(
        self, kernel: GroupPlanes, unit: DepthwiseUnit, block: Index, row: Index, column: Index
    ) -> None:
        code = unit.code
        a = code.arguments(GroupArguments)
        self.kernel, self.unit, self.code = kernel, unit, code
        channel = code.mul(block, kernel.tile[0])
        group = code.div(block, a.out_blocks)
        self.along = code.mul(channel, code.size)
        base = code.add(unit.base[2], code.mul(a.stride[2], row))
        low, self.rows = clip_taps(code, base, a.dilation[2], a.size[2], unit.phases[2]["taps"])
        source = code.add(base, code.mul(low, a.dilation[2]))
        self.first = code.add(unit.base[3], code.mul(kernel.stride, column))
        self.x = View(code, code.add(
            unit.x, code.mul(group, a.x_group), code.mul(source, a.x_axis[2]),
            code.mul(self.first, code.size),
        ))  # fmt: skip
        self.w = View(code, code.add(
            unit.w, code.mul(channel, a.w_channel), code.mul(low, a.w_tap[2]),
        ))  # fmt: skip
        self.y = code.add(
            unit.y, code.mul(channel, a.y_channel), code.mul(row, a.y_axis[2]),
            code.mul(column, code.size),
        )  # fmt: skip
        self.left = code.sub(unit.columns, column)
        self.taps = unit.phases[3]["taps"]
        self.registers: list[ir.Value] = []

    def emit(self) -> None:
        """Sum and write, with tests only where something lies outside."""
        with self.code.either(self._inside()) as (whole, part):
            with whole:
                self._sum(checked=False)
                self._store(checked=False)
            with part:
                self._sum(checked=True)
                self._store(checked=True)

    def _inside(self) -> Condition:
        """Whether all cells exist, and all that is read for them."""
        code, kernel = self.code, self.kernel
        a = code.arguments(GroupArguments)
        cells = kernel.tile[1] * code.lanes
        over = code.mul(code.sub(self.taps, 1), a.dilation[3])
        end = code.add(self.first, over, kernel.stride * cells)
        return code.both(
            code.compare(">=", self.left, cells),
            code.both(code.compare(">=", self.first, 0), code.compare("<=", end, a.size[3])),
        )

    def _sum(self, *, checked: bool) -> None:
        """Add the terms tap by tap, and channel by channel of each."""
        code, kernel = self.code, self.kernel
        a = code.arguments(GroupArguments)
        outputs, vectors = kernel.tile
        self.registers = []
        for o in range(outputs):
            start = code.const(0.0)
            if kernel.bias:
                start = code.splat(View(code, code.add(a.b, self.along, o * code.size)).scalar())
            self.registers += [start] * vectors
        x, w = self.x, self.w
        counts = [*self.unit.outer, self.rows, self.taps]
        with ExitStack() as loops:
            tap: Index = 0
            for axis in range(AXES - kernel.axes, AXES):
                tap = loops.enter_context(code.loop(counts[axis], carry=self.registers))
                x = x.moved(code.mul(tap, a.dilation[axis], a.x_axis[axis]))
                w = w.moved(code.mul(tap, a.w_tap[axis]))
            masks = self._masks(code.mul(tap, a.dilation[3])) if checked else None
            with code.loop(a.inputs, carry=self.registers) as channel:
                x = x.moved(code.mul(channel, a.x_channel))
                self._channel(x, w.moved(code.mul(channel, a.w_input)), masks)

    def _masks(self, moved: Index) -> list[tuple[Mask, list[Mask]]]:
        """The lanes that a tap has, and those that are read for it, of each vector."""
        code, stride = self.code, self.kernel.stride
        start = code.add(self.first, moved)
        size = code.arguments(GroupArguments).size[3]
        limits = code.limits(code.sub(0, start), code.sub(size, start))
        found: list[tuple[Mask, list[Mask]]] = []
        for j in range(self.kernel.tile[1]):
            firsts = [(stride * j + k) * code.lanes for k in range(stride)]
            met = code.between(firsts[0], stride, limits)
            read = [met] if stride == 1 else [code.between(n, 1, limits) for n in firsts]
            found.append((met, read))
        return found

    def _channel(self, x: View, w: View, masks: list[tuple[Mask, list[Mask]]] | None) -> None:
        """The terms of an input channel."""
        code, stride = self.code, self.kernel.stride
        a = code.arguments(GroupArguments)
        outputs, vectors = self.kernel.tile
        sources: list[ir.Value] = []
        for j in range(vectors):
            read = [x.vector(stride * j + k, masks and masks[j][1][k]) for k in range(stride)]
            sources.append(code.apart(list(map(code.held, read)) if masks else read)[0])
        for o in range(outputs):
            weight = code.splat(w.moved(code.mul(o, a.w_channel)).scalar())
            for j, source in enumerate(sources):
                k = o * vectors + j
                summed = code.fma(source, weight, self.registers[k])
                self.registers[k] = code.select(masks and masks[j][0], summed, self.registers[k])

    def _store(self, *, checked: bool) -> None:
        """Write the cells that exist."""
        code = self.code
        a = code.arguments(GroupArguments)
        vectors = self.kernel.tile[1]
        masks = code.masks(self.left, vectors) if checked else [None] * vectors
        for k, register in enumerate(self.registers):
            o, j = divmod(k, vectors)
            cell = code.add(self.y, code.mul(o, a.y_channel), j * code.lanes * code.size)
            along = code.add(self.along, o * code.size)
            y = self.kernel.epilogue.apply(
                code, register, self.unit.image, along, cell, masks[j], plane=True
            )
            View(code, code.add(a.y, cell)).store(y, 0, masks[j])
