"""Weight gradients at the border, summed again where they are NaN.

`weight` reads zeros where a tap lies outside of the input, and 0 times a gradient of the output
that is not finite is NaN where the definition has no term. So that no other case pays for it, sums
that are NaN when their parts are joined are summed once more, over the cells whose tap lies inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.view import TileRows, View
from allconv.engine.kernels.join_weight import JoinWeight, JoinWeightArguments, Line
from allconv.engine.kernels.phase_table import clip_taps, read_phase
from allconv.engine.kernels.weight import COLUMNS, TermArguments


@dataclass(frozen=True, kw_only=True)
class JoinBorderArguments(TermArguments[T], JoinWeightArguments[T]):
    """The terms as well as their sums."""


@dataclass(frozen=True)
class JoinBorder(JoinWeight):
    """Lines in which a sum is NaN are looked at once more, vector by vector."""

    takes: ClassVar = JoinBorderArguments

    def _add(self, code: Code, source: Index, to: View, line: Line) -> None:
        """Add the parts, and sum again what is NaN."""
        super()._add(code, source, to, line)
        vectors = self.width // code.lanes
        total = reduce(code.fadd, (to.vector(v) for v in range(vectors)))  # or inf - inf
        with code.when(code.any(code.is_nan(total))), code.loop(vectors) as v:
            sums = to.moved(code.mul(v, code.lanes * code.size))
            first = code.add(line.first, code.mul(v, code.lanes))
            before = sums.vector()
            again = self._again(code, line, first)
            sums.store(code.select(code.is_nan(before), again, before))

    def _again(self, code: Code, line: Line, first: Index) -> ir.Value:
        """The sums of a vector of output channels, over the cells that exist."""
        a = code.arguments(JoinBorderArguments)
        x = code.add(a.x, code.mul(line.group, a.x_group), code.mul(line.channel, a.x_channel))
        y = code.add(a.y, code.mul(line.group, a.y_group), code.mul(first, code.size))
        loops: list[tuple[Index, Index, Index]] = [(a.images, a.x_image, a.y_image)]
        for axis, tap in enumerate(code.counted(line.tap, *a.kernel[1:])):
            step, stride, by_cell = a.tap_step[axis], a.stride[axis], a.y_axis[axis]
            phase = read_phase(code, COLUMNS, axis, code.rem(tap, step))
            base = code.add(phase["offset"], code.mul(a.dilation[axis], code.div(tap, step)))
            low, count = clip_taps(code, base, stride, a.size[axis], phase["cells"])
            source = code.add(base, code.mul(stride, low))
            x = code.add(x, code.mul(source, a.x_axis[axis]))
            y = code.add(y, phase["y"], code.mul(low, by_cell))
            loops.append((count, code.mul(stride, a.x_axis[axis]), by_cell))
        mask = code.mask(code.sub(a.outputs, first))
        tile = Tile(code, 1, 1)

        def add(x: TileRows, y: View | None) -> None:
            if y is None:
                raise TypeError("an outer product needs both operands")
            product = (code.splat(x[0].scalar()), y.vector(0, mask))
            tile.registers[0] = code.fma(*product, tile.registers[0])

        contract(code, tile, loops, View(code, x).rows([0]), View(code, y), add)
        return tile.registers[0]
