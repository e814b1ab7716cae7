"""Cells at the border, computed again where weights are not finite.

The direct algorithm reads zeros where a window leaves the input, and 0 times an infinite weight is
NaN where the definition has no term. So that no other case pays for it, this step follows: it does
nothing if all weights are finite, as packing them has found out; else it computes the cells whose
window leaves the input along the last two axes, without the taps that lie outside. The order of the
terms is that of `direct`, so a finite sum has the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.arguments import T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.vector import constant
from allconv.engine.emit.view import View
from allconv.engine.epilogue import Epilogue, finished
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.correlation_arguments import COLUMNS, CorrelationArguments
from allconv.engine.kernels.phase_table import clip_taps, read_phase


@dataclass(frozen=True, kw_only=True)
class BorderArguments(CorrelationArguments[T]):
    """Beside those, how units are counted, the lanes of a block of packed weights, and where it is
    written, in how many numbers, whether they are finite."""

    units: T
    chunk_units: T
    width: T
    finite: T
    flags: T


@dataclass(frozen=True)
class MendBorder(Kernel):
    """A unit: the cells of a row (image, group, cell of axes 0 to 2); a chunk is `chunk_units`."""

    bias: bool
    epilogues: tuple[Epilogue, ...]

    takes: ClassVar = BorderArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(BorderArguments)
        found = [constant(code.scalar, 0.0)]
        with code.loop(a.flags, carry=found) as n:
            flag = View(code, code.add(a.finite, code.mul(n, code.size))).scalar()
            found[0] = code.fadd(found[0], flag)
        with code.when(code.is_nan(found[0])), code.units(a.chunk_units, a.units) as unit:
            self._row(code, unit)

    def _row(self, code: Code, unit: Index) -> None:
        """Every cell of a row whose window leaves the input."""
        a = code.arguments(BorderArguments)
        pairs = [each for axis in range(3) for each in (a.phase_count[axis], a.most[axis])]
        image, group, *rest = code.counted(unit, a.groups, *pairs)
        outer = rest[1::2]
        phases = [read_phase(code, COLUMNS, axis, p) for axis, p in enumerate(rest[::2])]
        exists = code.both(
            code.both(*(code.compare("<", outer[k], phases[k]["cells"]) for k in (0, 1))),
            code.compare("<", outer[2], phases[2]["cells"]),
        )
        with code.when(exists), code.loop(a.phase_count[3]) as p3:
            every = [*phases, read_phase(code, COLUMNS, 3, p3)]
            with code.loop(every[3]["cells"]) as m3:
                self._cell(code, (image, group), every, [*outer, m3])

    def _cell(
        self,
        code: Code,
        place: tuple[Index, Index],
        phases: list[dict[str, Index]],
        cells: list[Index],
    ) -> None:
        """A cell, if some of its taps of the last two axes lie outside."""
        a = code.arguments(BorderArguments)
        image, group = place
        x = code.add(a.x, code.mul(image, a.x_image), code.mul(group, a.x_group))
        y = code.add(a.y, code.mul(image, a.y_image), code.mul(group, a.y_group))
        w = code.add(a.w, code.mul(group, a.w_group))
        taps: list[Index] = []
        whole = True
        for axis, (phase, cell) in enumerate(zip(phases, cells, strict=True)):
            dilation = a.dilation[axis]
            base = code.add(phase["offset"], code.mul(a.stride[axis], cell))
            low, count = clip_taps(code, base, dilation, a.size[axis], phase["taps"])
            source = code.add(base, code.mul(low, dilation))
            x = code.add(x, code.mul(source, a.x_axis[axis]))
            y = code.add(y, phase["y"], code.mul(cell, a.y_axis[axis]))
            w = code.add(w, phase["w"], code.mul(low, a.w_tap[axis]))
            taps.append(count)
            if axis >= 2:
                whole = code.both(whole, code.compare("==", count, phase["taps"]))
        with code.when(code.inverse(whole)), code.loop(a.out_blocks) as k:
            first = code.mul(k, a.width)
            panel = code.add(w, code.mul(k, a.w_block))
            with code.loop(a.width, step=code.lanes) as lane:
                channel = code.add(first, lane)
                here = code.add(panel, code.mul(lane, code.size))
                self._channels(code, x, here, y, taps, place, channel)

    def _channels(
        self,
        code: Code,
        x: Index,
        w: Index,
        y: Index,
        taps: list[Index],
        place: tuple[Index, Index],
        channel: Index,
    ) -> None:
        """One vector of output channels of a cell."""
        a = code.arguments(BorderArguments)
        image, group = place
        mask = code.mask(code.sub(a.outputs, channel))
        along = code.mul(channel, code.size)
        of_all = code.add(code.mul(group, a.b_group), along)
        start = None
        if self.bias:
            bias = code.add(a.b, of_all)
            start = [View(code, bias).vector(0, mask)]
        tile = Tile(code, 1, 1, start)

        def channels(b: Index, *_: Index) -> Index:
            rest = code.sub(a.channels, code.mul(b, a.block))
            return code.min(rest, a.block)

        loops = [
            (a.blocks, code.mul(a.block, a.x_channel), a.w_rows),
            *(
                (n, code.mul(a.dilation[axis], a.x_axis[axis]), a.w_tap[axis])
                for axis, n in enumerate(taps)
            ),
            (channels, a.x_channel, code.mul(a.width, code.size)),
        ]
        contract(code, tile, loops, View(code, x).rows([0]), View(code, w))
        cell = code.sub(code.add(y, along), a.y)
        kept = tile.registers
        for found in finished(
            code, self.epilogues, tile.registers, image, of_all, lambda _: cell, mask, carry=kept
        ):
            kept[:] = found
        (result,) = kept
        with code.either(code.compare("==", a.y_channel, code.size)) as (close, apart):
            with close:
                View(code, code.add(y, along)).store(result, 0, mask)
            with apart:
                out = View(code, code.add(y, code.mul(channel, a.y_channel)), a.y_channel)
                for lane in range(code.lanes):
                    with code.when(code.compare("<", code.add(channel, lane), a.outputs)):
                        out[lane].store_scalar(code.lane(result, lane))
