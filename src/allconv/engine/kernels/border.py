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

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.vector import constant
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels import band
from allconv.engine.kernels.direct import COLUMNS
from allconv.engine.kernels.epilogue import AFTER, Epilogue, slots_of
from allconv.engine.kernels.phases import clip_taps, phase_slots, read_phase


@dataclass(frozen=True)
class Border(Kernel):
    """A unit: the cells of a row (image, group, cell of axes 0 to 2); a chunk is `chunkunits`."""

    bias: bool
    epilogue: Epilogue

    slots: ClassVar[tuple[str, ...]] = (
        *band.SLOTS, *phase_slots(4), "w", "b", "y", "finite", "flags", "units", "chunkunits",
        "groups", "p0", "p1", "p2", "p3", "m0", "m1", "m2",
        "s0", "s1", "s2", "s3", "d2", "d3", "cc", "cblocks", "o", "kblocks", "width",
        "wg", "wk", "wc", "wt0", "wt1", "wt2", "wt3", "bg",
        "yn", "yg", "y0", "y1", "y2", "y3", *slots_of(AFTER),
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        found = [constant(code.scalar, 0.0)]
        with code.loop(code.arg("flags"), carry=found) as n:
            flag = View(code, code.add(code.arg("finite"), code.mul(n, code.size))).scalar()
            found[0] = code.fadd(found[0], flag)
        first = code.mul(code.chunk, code.arg("chunkunits"))
        last = code.min(code.add(first, code.arg("chunkunits")), code.arg("units"))
        with (
            code.when(code.is_nan(found[0])),
            code.loop(last, start=first) as unit,
        ):
            self._row(code, unit)

    def _row(self, code: Code, unit: Index) -> None:
        """Every cell of a row whose window leaves the input."""
        counts: dict[str, Index] = {}
        for slot in ("m2", "p2", "m1", "p1", "m0", "p0", "groups"):
            counts[slot] = code.rem(unit, code.arg(slot))
            unit = code.div(unit, code.arg(slot))
        outer = [counts[f"m{axis}"] for axis in range(3)]
        phases = [read_phase(code, COLUMNS, axis, counts[f"p{axis}"]) for axis in range(3)]
        exists = code.both(
            code.both(*(code.compare("<", outer[a], phases[a]["cells"]) for a in (0, 1))),
            code.compare("<", outer[2], phases[2]["cells"]),
        )
        with code.when(exists), code.loop(code.arg("p3")) as p3:
            every = [*phases, read_phase(code, COLUMNS, 3, p3)]
            with code.loop(every[3]["cells"]) as m3:
                self._cell(code, (unit, counts["groups"]), every, [*outer, m3])

    def _cell(
        self,
        code: Code,
        place: tuple[Index, Index],
        phases: list[dict[str, Index]],
        cells: list[Index],
    ) -> None:
        """A cell, if some of its taps of the last two axes lie outside."""
        image, group = place
        x = code.add(
            code.arg("x"), code.mul(image, code.arg("xn")), code.mul(group, code.arg("xg"))
        )
        y = code.add(
            code.arg("y"), code.mul(image, code.arg("yn")), code.mul(group, code.arg("yg"))
        )
        w = code.add(code.arg("w"), code.mul(group, code.arg("wg")))
        taps: list[Index] = []
        whole = True
        for axis, (phase, cell) in enumerate(zip(phases, cells, strict=True)):
            dilation = code.arg(f"d{axis}")
            base = code.add(phase["offset"], code.mul(code.arg(f"s{axis}"), cell))
            low, count = clip_taps(code, base, dilation, code.arg(f"i{axis}"), phase["taps"])
            source = code.add(base, code.mul(low, dilation))
            x = code.add(x, code.mul(source, code.arg(f"x{axis}")))
            y = code.add(y, phase["y"], code.mul(cell, code.arg(f"y{axis}")))
            w = code.add(w, phase["w"], code.mul(low, code.arg(f"wt{axis}")))
            taps.append(count)
            if axis >= 2:
                whole = code.both(whole, code.compare("==", count, phase["taps"]))
        with code.when(code.inverse(whole)), code.loop(code.arg("kblocks")) as k:
            first = code.mul(k, code.arg("width"))
            panel = code.add(w, code.mul(k, code.arg("wk")))
            with code.loop(code.arg("width"), step=code.lanes) as lane:
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
        image, group = place
        mask = code.mask(code.sub(code.arg("o"), channel))
        along = code.mul(channel, code.size)
        of_all = code.add(code.mul(group, code.arg("bg")), along)
        start = None
        if self.bias:
            bias = code.add(code.arg("b"), of_all)
            start = [View(code, bias).vector(0, mask)]
        tile = Tile(code, 1, 1, start)

        def channels(b: Index, *_: Index) -> Index:
            rest = code.sub(code.arg("cc"), code.mul(b, code.arg("block")))
            return code.min(rest, code.arg("block"))

        loops = [
            (code.arg("cblocks"), code.mul(code.arg("block"), code.arg("xc")), code.arg("wc")),
            *(
                (n, code.mul(code.arg(f"d{a}"), code.arg(f"x{a}")), code.arg(f"wt{a}"))
                for a, n in enumerate(taps)
            ),
            (channels, code.arg("xc"), code.mul(code.arg("width"), code.size)),
        ]
        contract(code, tile, loops, View(code, x).rows([0]), View(code, w))
        out = code.add(y, along)
        cell = code.sub(out, code.arg("y"))
        result = self.epilogue.apply(code, tile.registers[0], image, of_all, cell, mask)
        View(code, out).store(result, 0, mask)
