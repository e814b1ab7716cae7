"""Weight gradients at the border, summed again where they are NaN.

`weight` reads zeros where a tap lies outside of the input, and 0 times a gradient of the output
that is not finite is NaN where the definition has no term. So that no other case pays for it, this
step follows: it copies the sums, which are few, and sums those that are NaN once more, over the
cells whose tap lies inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.arguments import T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.vector import constant
from allconv.engine.emit.view import Rows, View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.join_weight import GradientArguments
from allconv.engine.kernels.phase_table import clip_taps, read_phase
from allconv.engine.kernels.weight import COLUMNS, TermArguments


@dataclass(frozen=True, kw_only=True)
class WeightBorderArguments(TermArguments[T], GradientArguments[T]):
    """Beside those, the sums, which lie as w does, the output channels of a group, and how units
    are counted."""

    units: T
    chunk_units: T
    sums: T
    outputs: T


@dataclass(frozen=True)
class WeightBorder(Kernel):
    """A unit: a group, a vector of output channels, an input channel and a tap.

    A chunk is `chunk_units` of the `units`; `sums` and w lie alike, with any strides.
    """

    takes: ClassVar = WeightBorderArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(WeightBorderArguments)
        with code.units(a.chunk_units, a.units) as unit:
            self._unit(code, unit)

    def _unit(self, code: Code, unit: Index) -> None:
        """Look whether a weight is NaN, and sum again if one is."""
        a = code.arguments(WeightBorderArguments)
        vectors = code.ceil_div(a.outputs, code.lanes)
        group, vector, channel, *taps = code.counted(unit, vectors, a.channels, *a.kernel)
        first = code.mul(vector, code.lanes)
        at = code.add(
            *code.moves(a.w_tap, taps),
            code.mul(group, a.w_group),
            code.mul(channel, a.w_channel),
            code.mul(first, a.w_output),
        )
        left = code.sub(a.outputs, first)
        sums, w = code.add(a.sums, at), code.add(a.w, at)
        with code.when(_copy(code, sums, w, left)):
            x = code.add(a.x, code.mul(group, a.x_group), code.mul(channel, a.x_channel))
            y = code.add(a.y, code.mul(group, a.y_group), code.mul(first, code.size))
            self._sum(code, x, y, taps, left)
            _replace(code, sums, w, left)

    def _sum(self, code: Code, x: Index, y: Index, taps: list[Index], left: Index) -> None:
        """The sums of a vector of output channels, into scratch memory."""
        a = code.arguments(WeightBorderArguments)
        loops: list[tuple[Index, Index, Index]] = [(a.images, a.x_image, a.y_image)]
        for axis, tap in enumerate(taps):
            step, stride, by_cell = a.tap_step[axis], a.stride[axis], a.y_axis[axis]
            phase = read_phase(code, COLUMNS, axis, code.rem(tap, step))
            base = code.add(phase["offset"], code.mul(a.dilation[axis], code.div(tap, step)))
            low, count = clip_taps(code, base, stride, a.size[axis], phase["cells"])
            source = code.add(base, code.mul(stride, low))
            x = code.add(x, code.mul(source, a.x_axis[axis]))
            y = code.add(y, phase["y"], code.mul(low, by_cell))
            loops.append((count, code.mul(stride, a.x_axis[axis]), by_cell))
        mask = code.mask(left)
        tile = Tile(code, 1, 1)

        def add(x: Rows, y: View | None) -> None:
            if y is None:
                raise TypeError("an outer product needs both operands")
            product = (code.splat(x[0].scalar()), y.vector(0, mask))
            tile.registers[0] = code.fma(*product, tile.registers[0])

        contract(code, tile, loops, View(code, x).rows([0]), View(code, y), add)
        View(code, code.scratch).store(tile.registers[0])


def _copy(code: Code, sums: Index, w: Index, left: Index) -> Condition:
    """Copy the sums of the next `lanes` output channels; whether one is NaN (or inf - inf is)."""
    a = code.arguments(WeightBorderArguments)
    total = [constant(code.scalar, 0.0)]
    with code.loop(code.min(left, code.lanes), carry=total) as lane:
        at = code.mul(lane, a.w_output)
        x = View(code, code.add(sums, at)).scalar()
        View(code, code.add(w, at)).store_scalar(x)
        total[0] = code.fadd(total[0], x)
    return code.is_nan(total[0])


def _replace(code: Code, sums: Index, w: Index, left: Index) -> None:
    """Write the sums in scratch memory where the others are NaN."""
    a = code.arguments(WeightBorderArguments)
    with code.loop(code.min(left, code.lanes)) as lane:
        at = code.mul(lane, a.w_output)
        before = View(code, code.add(sums, at)).scalar()
        again = View(code, code.add(code.scratch, code.mul(lane, code.size))).scalar()
        after = code.builder.select(code.is_nan(before), again, before)
        View(code, code.add(w, at)).store_scalar(after)
