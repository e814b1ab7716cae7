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
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.epilogue import AFTER, Epilogue, slots_of
from allconv.engine.kernels.phases import clip_taps, phase_slots, read_phase

AXES = 4
COLUMNS = ("cells", "taps", "offset", "w", "y")
"""Of a phase: its counts, the source cell of its first cell and tap, and how many bytes further
its weights and outputs begin."""


@dataclass(frozen=True)
class Depthwise(Kernel):
    """A unit: some rows and columns of a phase, of one image, some channels.

    Units count images, phases and cells of axes 0 and 1, phases and blocks of rows, phases and
    blocks of columns, blocks of `split` channels; a chunk is `chunkunits` of them. Weights lie as
    [tap][channel].
    """

    tile: tuple[int, int]  # cells along axis 2, along axis 3
    axes: int  # of images
    taps: int  # along axis 3, whose dilation is 1, or 0: any
    stride: int  # along that axis, if `taps` is known
    square: bool  # the same holds along axis 2; else the tile has one row
    ragged: bool  # the last channels may fill no vector
    bias: bool
    epilogue: Epilogue

    slots: ClassVar[tuple[str, ...]] = (
        *phase_slots(AXES), "x", "xn", "w", "b", "y", "yn",
        *(f"{name}{a}" for name in ("x", "i", "s", "d", "wt", "y", "p") for a in range(AXES)),
        "units", "chunkunits", "m0", "m1", "rowblocks", "rows", "colblocks", "columns",
        "splits", "split", "channels", *slots_of(AFTER),
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("chunkunits"))
        last = code.min(code.add(first, code.arg("chunkunits")), code.arg("units"))
        with code.loop(last, start=first) as unit:
            counts = _counted(code, unit)
            phases = [read_phase(code, COLUMNS, a, counts[f"p{a}"]) for a in range(AXES)]
            exists = code.both(
                *(code.compare("<", counts[f"m{a}"], phases[a]["cells"]) for a in (0, 1))
            )
            with code.when(exists):
                _Unit(self, code, counts, phases).emit()


class _Unit:
    """A unit being computed, tile after tile."""

    def __init__(
        self, kernel: Depthwise, code: Code, counts: dict[str, Index],
        phases: list[dict[str, Index]],
    ) -> None:  # fmt: skip
        self.kernel, self.code, self.phases = kernel, code, phases
        self.image = counts["image"]
        first = [
            counts["m0"], counts["m1"],
            code.mul(counts["rowblocks"], code.arg("rows")),
            code.mul(counts["colblocks"], code.arg("columns")),
        ]  # fmt: skip
        self.base = [
            code.add(phase["offset"], code.mul(code.arg(f"s{a}"), cell))
            for a, (phase, cell) in enumerate(zip(phases, first, strict=True))
        ]
        self.rows, self.columns = (
            code.min(code.sub(phases[a]["cells"], first[a]), code.arg(most))
            for a, most in ((2, "rows"), (3, "columns"))
        )
        self.x = code.add(code.arg("x"), code.mul(self.image, code.arg("xn")))
        self.w = code.add(code.arg("w"), *(phase["w"] for phase in phases))
        self.y = code.add(
            code.mul(self.image, code.arg("yn")),
            *(phase["y"] for phase in phases),
            *(code.mul(cell, code.arg(f"y{a}")) for a, cell in enumerate(first)),
        )
        self.outer: list[Index] = []  # the taps of axes 0 and 1 that exist
        for a in (0, 1):
            dilation, size = code.arg(f"d{a}"), code.arg(f"i{a}")
            low, count = clip_taps(code, self.base[a], dilation, size, phases[a]["taps"])
            source = code.add(self.base[a], code.mul(low, dilation))
            self.x = code.add(self.x, code.mul(source, code.arg(f"x{a}")))
            self.w = code.add(self.w, code.mul(low, code.arg(f"wt{a}")))
            self.outer.append(count)
        self.first = code.mul(counts["splits"], code.arg("split"))
        self.last = code.min(code.add(self.first, code.arg("split")), code.arg("channels"))

    def emit(self) -> None:
        """Tiles that lie inside without tests, the others with them; part of a vector masked."""
        code, lanes = self.code, self.code.lanes
        height, width = self.kernel.tile
        vectors = code.mul(code.div(code.sub(self.last, self.first), lanes), lanes)
        whole = code.add(self.first, vectors)
        with (
            code.loop(self.rows, step=height) as row,
            code.loop(self.columns, step=width) as column,
        ):
            tile = _Tile(self, row, column)
            end = code.select(tile.inside(), whole, self.first)
            with code.loop(end, start=self.first, step=lanes) as channel:
                tile.emit(channel, None, checked=False)
            with code.loop(whole, start=end, step=lanes) as channel:
                tile.emit(channel, None, checked=True)
            if self.kernel.ragged:
                with code.when(code.compare("<", whole, self.last)):
                    tile.emit(whole, code.mask(code.sub(self.last, whole)), checked=True)


class _Tile:
    """Adjacent cells of a unit, for one vector of channels at a time."""

    def __init__(self, unit: _Unit, row: Index, column: Index) -> None:
        code, kernel = unit.code, unit.kernel
        self.unit, self.code, self.kernel = unit, code, kernel
        known = kernel.taps > 0
        tall = kernel.square
        self.strides = (
            kernel.stride if tall else code.arg("s2"), kernel.stride if known else code.arg("s3"),
        )  # fmt: skip
        self.taps = (
            kernel.taps if tall else unit.phases[2]["taps"],
            kernel.taps if known else unit.phases[3]["taps"],
        )
        self.dilations = (1 if tall else code.arg("d2"), 1 if known else code.arg("d3"))
        self.base = [
            code.add(unit.base[2 + k], code.mul(stride, cell))
            for k, (stride, cell) in enumerate(zip(self.strides, (row, column), strict=True))
        ]
        self.left = (code.sub(unit.rows, row), code.sub(unit.columns, column))
        self.y = code.add(unit.y, code.mul(row, code.arg("y2")), code.mul(column, code.arg("y3")))
        self.registers: list[ir.Value] = []
        self.mask: Mask = None
        self.checked = False

    def inside(self) -> Condition:
        """Whether all of its cells exist, and all their sources; the taps of a single row that do
        not exist are none of its loop."""
        found: Condition = True
        for k in (0, 1):
            cells = self.kernel.tile[k]
            if k == 0 and not self.kernel.square:
                continue
            code = self.code
            reach = code.add(
                code.mul(self.strides[k], cells - 1),
                code.mul(self.dilations[k], code.sub(self.taps[k], 1)),
            )
            found = code.both(found, code.compare(">=", self.left[k], cells))
            found = code.both(found, code.compare(">=", self.base[k], 0))
            end = code.add(self.base[k], reach)
            found = code.both(found, code.compare("<", end, code.arg(f"i{2 + k}")))
        return found

    def emit(self, channel: Index, mask: Mask, *, checked: bool) -> None:
        """One vector of channels of all cells; `checked` leaves out what does not exist."""
        code, unit = self.code, self.unit
        self.mask, self.checked = mask, checked
        along = code.mul(channel, code.size)
        start = code.const(0.0)
        if self.kernel.bias:
            start = View(code, code.add(code.arg("b"), along)).vector(0, mask)
        height, width = self.kernel.tile
        self.registers = [start] * (height * width)
        x, w = (View(code, code.add(address, along)).anew() for address in (unit.x, unit.w))
        with ExitStack() as loops:
            for a in range(AXES - self.kernel.axes, 2):
                count = unit.outer[a]
                tap = loops.enter_context(code.loop(count, carry=self.registers))
                x = x.moved(code.mul(tap, code.arg(f"d{a}"), code.arg(f"x{a}")))
                w = w.moved(code.mul(tap, code.arg(f"wt{a}")))
            x = x.moved(code.mul(self.base[1], code.arg("x3")))
            if self.kernel.square:
                self._known_rows(x, w)
            else:
                self._any_rows(x, w)
        self._store(channel, along)

    def _known_rows(self, x: View, w: View) -> None:
        """Every row of the input is read once, for all rows of the tile."""
        code, taps, stride = self.code, self.kernel.taps, self.kernel.stride
        height = self.kernel.tile[0]
        weights: list[list[ir.Value]] = []
        for u in range(stride * (height - 1) + taps):
            if u < taps:
                here = w.moved(code.mul(u, code.arg("wt2")))
                weights.append(self._weights(here))
            met = [
                (r, weights[u - stride * r]) for r in range(height) if 0 <= u - stride * r < taps
            ]
            source = code.add(self.base[0], u)
            with self._existing(source, "i2"):
                self._known_columns(x.moved(code.mul(source, code.arg("x2"))), met)

    def _any_rows(self, x: View, w: View) -> None:
        """A tile of one row: the taps of axis 2 are a loop over those that exist."""
        code, dilation = self.code, self.dilations[0]
        low, count = clip_taps(code, self.base[0], dilation, code.arg("i2"), self.taps[0])
        source = code.add(self.base[0], code.mul(low, dilation))
        x = x.moved(code.mul(source, code.arg("x2")))
        w = w.moved(code.mul(low, code.arg("wt2")))
        step = code.mul(dilation, code.arg("x2"))
        with code.loop(count, carry=self.registers) as tap:
            line, weights = x.moved(code.mul(tap, step)), w.moved(code.mul(tap, code.arg("wt2")))
            if not self.kernel.taps:
                self._any_columns(line, weights)
                return
            self._known_columns(line, [(0, self._weights(weights))])

    def _weights(self, w: View) -> list[ir.Value]:
        """The weights of a row of taps."""
        step = self.code.arg("wt3")
        return [
            w.moved(self.code.mul(j, step)).vector(0, self.mask) for j in range(self.kernel.taps)
        ]

    def _known_columns(self, line: View, met: list[tuple[int, list[ir.Value]]]) -> None:
        """Every cell of a row of the input is read once, for all cells of the tile that meet it;
        `met` are the rows of the tile that do, each with its weights."""
        code, taps, stride = self.code, self.kernel.taps, self.kernel.stride
        width = self.kernel.tile[1]
        line = line.anew()
        for v in range(stride * (width - 1) + taps):
            with self._existing(code.add(self.base[1], v), "i3"):
                x = line.vector(0, self.mask)
                for row, weights in met:
                    for cell in range(width):
                        if 0 <= v - stride * cell < taps:
                            k = row * width + cell
                            w = weights[v - stride * cell]
                            self.registers[k] = code.fma(x, w, self.registers[k])
            line = line.moved(code.arg("x3"))

    def _any_columns(self, line: View, weights: View) -> None:
        """One tap after the other."""
        code = self.code
        step, pitch = (code.mul(by, code.arg("x3")) for by in (self.dilations[1], self.strides[1]))
        with code.loop(self.taps[1], carry=self.registers) as tap:
            w = weights.moved(code.mul(tap, code.arg("wt3"))).vector(0, self.mask)
            source = code.add(self.base[1], code.mul(tap, self.dilations[1]))
            here = line.moved(code.mul(tap, step))
            for cell in range(self.kernel.tile[1]):
                with self._existing(source, "i3"):
                    x = here.vector(0, self.mask)
                    self.registers[cell] = code.fma(x, w, self.registers[cell])
                source, here = code.add(source, self.strides[1]), here.moved(pitch)

    def _existing(self, cell: Index, size: str) -> AbstractContextManager[None]:
        """The body runs only if the cell of the input exists, where that is not known."""
        if not self.checked:
            return nullcontext()
        return self.code.when(self.code.within(cell, self.code.arg(size)), self.registers)

    def _store(self, channel: Index, along: Index) -> None:
        """Write the cells that exist."""
        code, width = self.code, self.kernel.tile[1]
        for k, register in enumerate(self.registers):
            row, column = divmod(k, width)
            exists = code.both(
                code.compare(">", self.left[0], row), code.compare(">", self.left[1], column)
            )
            with code.when(exists) if self.checked else nullcontext():
                cell = code.add(
                    self.y, along, code.mul(row, code.arg("y2")), code.mul(column, code.arg("y3"))
                )
                y = self.kernel.epilogue.apply(
                    code, register, self.unit.image, along, cell, self.mask
                )
                View(code, code.add(code.arg("y"), cell)).store(y, 0, self.mask)


def _counted(code: Code, unit: Index) -> dict[str, Index]:
    """What the number of a unit counts."""
    counts: dict[str, Index] = {}
    for slot in ("splits", "colblocks", "p3", "rowblocks", "p2", "m1", "p1", "m0", "p0"):
        counts[slot] = code.rem(unit, code.arg(slot))
        unit = code.div(unit, code.arg(slot))
    return counts | {"image": unit}
