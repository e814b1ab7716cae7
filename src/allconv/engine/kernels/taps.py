"""The kernel of pooling: channels last, vectors over channels, taps clipped as it runs.

One emitter serves all operators. It walks the phases of the window (see `window.Phase`): those of
the correlation for max, gather and average, those of its transpose for their gradients. A row of
outputs looks up its phases of the outer axes, then goes through those of the last. Images of one
and two axes are those of three whose outer axes have size 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import inf
from typing import ClassVar

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.phases import clip_taps, phase_slots, read_phase, share

AXES = 3
PIXELS = 4  # of a row that are computed at once

COLUMNS = ("cells", "taps", "offset", "number", "inner", "inner_end")
"""Of a phase: its counts, the source cell of its first cell and tap, what its first tap adds to the
number of a tap, and which of its cells find all taps."""

# Values for the axes that images do not have.
ABSENT = {
    "n": 1, "step": 1, "stride": 1, "dilation": 1, "size": 1,
    "number": 0, "source": 0, "out": 0, "counts": 0,
}  # fmt: skip
_ONE = {"cells": 1, "taps": 1, "offset": 0, "number": 0}


@dataclass(frozen=True)
class Pool(Kernel):
    """A unit: some cells of some phases of the last axis, in one row (image, depth, height) of
    outputs, and some channels; a chunk is `block` units.

    Modes, with x at the source cells of the taps:
      "max"      out = the largest x
      "argmax"   the same, and tap = the number of the first tap that has it (-1: there is none)
      "gather"   out = the x whose tap has the number in tap, which lies as out does
      "scatter"  out = sum of the x whose tap has the number in tap, which lies as x does
      "sum"      out = sum of x
    A sum is divided as `divisor` says: "none"; "all": by `count`; "out": by the number in `counts`
    of the output cell; "source": each x by that of its cell. `axes` is how many axes images have;
    unless `dilated` every dilation is 1. Strides are in elements.
    """

    mode: str
    axes: int
    dilated: bool = False
    divisor: str = "none"

    slots: ClassVar[tuple[str, ...]] = (
        *phase_slots(AXES),
        *("source", "tap", "out", "counts", "count", "units", "block", "channels"),
        *("phases2", "phaseblocks", "cellblocks", "channelblocks", "source_image", "out_image"),
        *(f"{name}{axis}" for name in ABSENT for axis in range(AXES)),
    )

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("block"))
        last = code.min(code.add(first, code.arg("block")), code.arg("units"))
        with code.loop(last, start=first) as unit:
            parts: list[Index] = []
            for slot in ("channelblocks", "cellblocks", "phaseblocks"):
                parts.insert(0, code.rem(unit, code.arg(slot)))
                unit = code.div(unit, code.arg(slot))
            _Row(self, code, unit, parts).emit()


class _Row:
    """A part of a row of output pixels being computed: of its phases, their cells, channels."""

    def __init__(self, kernel: Pool, code: Code, row: Index, parts: list[Index]) -> None:
        self.kernel, self.code, self.parts = kernel, code, parts
        rest, height = code.div(row, self.arg("n", 1)), code.rem(row, self.arg("n", 1))
        image, depth = code.div(rest, self.arg("n", 0)), code.rem(rest, self.arg("n", 0))
        outer = (depth, height)
        self.source = code.mul(image, code.arg("source_image"))
        self.out = code.add(code.mul(image, code.arg("out_image")), *self.steps("out", outer))
        self.count = code.add(0, *self.steps("counts", outer))  # for divisor "out"
        self.phases = []
        self.spans = []
        for axis, cell in enumerate(outer):
            step = self.arg("step", axis)
            phase = self.phase(axis, code.rem(cell, step))
            self.phases.append(phase)
            self.spans.append(self.span(axis, phase, code.div(cell, step)))
        channels, lanes = code.arg("channels"), code.lanes
        vectors = code.div(channels, lanes)
        begin, n = share(code, vectors, parts[2], code.arg("channelblocks"))
        self.channels = code.mul(begin, lanes), code.mul(code.add(begin, n), lanes)
        self.whole = code.mul(vectors, lanes)
        self.mask = code.mask(code.sub(channels, self.whole))
        # The last block has the channels that fill no vector.
        last = code.compare("==", code.add(parts[2], 1), code.arg("channelblocks"))
        self.ragged = code.both(last, code.compare("<", self.whole, channels))

    def phase(self, axis: int, number: Index) -> dict[str, Index]:
        """A phase of an axis."""
        if axis < AXES - self.kernel.axes:
            return dict(_ONE)
        return read_phase(self.code, COLUMNS, axis, number)

    def arg(self, name: str, axis: int) -> Index:
        """A number of an axis."""
        absent = axis < AXES - self.kernel.axes
        if absent or (name == "dilation" and not self.kernel.dilated):
            return ABSENT[name]
        return self.code.arg(f"{name}{axis}")

    def steps(self, name: str, indices: Sequence[Index]) -> list[Index]:
        """Each index of the outer axes times the stride called `name`."""
        return [self.code.mul(i, self.arg(name, axis)) for axis, i in enumerate(indices)]

    def span(
        self, axis: int, phase: dict[str, Index], m: Index, *, clip: bool = True
    ) -> tuple[Index, Index, Index]:
        """The source cell of output m's tap 0, and the first and last + 1 tap to take."""
        code, taps = self.code, phase["taps"]
        base = code.add(phase["offset"], code.mul(self.arg("stride", axis), m))
        if not clip or axis < AXES - self.kernel.axes:
            return base, 0, taps
        dilation, size = self.arg("dilation", axis), self.arg("size", axis)
        low, count = clip_taps(code, base, dilation, size, taps)
        return base, low, code.add(low, count)

    def emit(self) -> None:
        """The phases of the last axis, one after the other."""
        code = self.code
        first, n = share(code, code.arg("phases2"), self.parts[0], code.arg("phaseblocks"))
        with code.loop(code.add(first, n), start=first) as p:
            phase = self.phase(2, p)
            low, count = share(code, phase["cells"], self.parts[1], code.arg("cellblocks"))
            self.emit_cells(phase, p, low, code.add(low, count))

    def emit_cells(self, phase: dict[str, Index], p: Index, low: Index, high: Index) -> None:
        """Cells whose taps all exist in groups, the last of which may overlap; others alone."""
        code = self.code
        inner = code.min(code.max(phase["inner"], low), high)
        end = code.max(code.min(phase["inner_end"], high), inner)
        end = code.select(code.compare("<", code.sub(end, inner), PIXELS), inner, end)
        gap = code.sub(end, inner)
        with code.loop(code.sub(high, gap), start=low) as k:
            m = code.select(code.compare("<", k, inner), k, code.add(k, gap))
            self.emit_pixels(phase, p, m, 1)
        with code.loop(end, start=inner, step=PIXELS) as k:
            self.emit_pixels(phase, p, code.min(k, code.sub(end, PIXELS)), PIXELS)

    def emit_pixels(self, phase: dict[str, Index], p: Index, m: Index, pixels: int) -> None:
        """All channels of adjacent cells of a phase; one cell may lie at the border."""
        code = self.code
        group = _Group(self, phase, p, m, pixels)
        with code.loop(self.channels[1], start=self.channels[0], step=code.lanes) as channel:
            group.emit(channel, None)
        with code.when(self.ragged):
            group.emit(self.whole, self.mask)


class _Group:
    """Adjacent cells of a phase of a row, for one vector of channels at a time."""

    def __init__(self, row: _Row, phase: dict[str, Index], p: Index, m: Index, pixels: int) -> None:
        code = row.code
        self.row, self.code, self.kernel, self.pixels = row, code, row.kernel, pixels
        self.spans = [*row.spans, row.span(2, phase, m, clip=pixels == 1)]
        self.number = code.add(*(each["number"] for each in (*row.phases, phase)))
        pitch = code.mul(row.arg("stride", 2), row.arg("source", 2))
        self.sources = [code.mul(k, pitch) for k in range(pixels)]
        # The cells of the row, and where they begin.
        self.cells = [
            code.add(p, code.mul(row.arg("step", 2), code.add(m, k))) for k in range(pixels)
        ]
        self.outs = [code.add(row.out, code.mul(cell, row.arg("out", 2))) for cell in self.cells]

    def emit(self, channel: Index, mask: Mask) -> None:
        """One vector of channels, of every pixel."""
        code, mode = self.code, self.kernel.mode
        self.mask = mask
        self.taps = [self.tap(channel, out) for out in self.outs] if mode == "gather" else []
        registers = [code.const(-inf if "max" in mode else 0.0)] * self.pixels
        if mode == "argmax":
            registers += [self.first_number()] * self.pixels
        with ExitStack() as loops:
            element = code.add(self.row.source, channel)
            number, count = self.number, code.arg("counts")
            for axis, (base, low, high) in enumerate(self.spans):
                t = loops.enter_context(code.loop(high, start=low, carry=registers))
                cell = code.add(base, code.mul(self.row.arg("dilation", axis), t))
                element = code.add(element, code.mul(cell, self.row.arg("source", axis)))
                number = code.add(number, code.mul(t, self.row.arg("number", axis)))
                count = code.add(count, code.mul(cell, self.row.arg("counts", axis), code.size))
            self.step(registers, element, number, count)
        self.finish(registers, channel)

    def step(self, registers: list[ir.Value], element: Index, number: Index, count: Index) -> None:
        """Take one tap of every pixel."""
        code, mode = self.code, self.kernel.mode
        tap = self.splat_number(number) if mode in ("argmax", "gather", "scatter") else None
        for p, pitch in enumerate(self.sources):
            old, cell = registers[p], code.add(element, pitch)
            x = self.view("source", cell).vector(0, self.mask)
            if mode == "gather":
                registers[p] = code.select(code.icompare("==", self.taps[p], tap), x, old)
            elif mode == "scatter":
                won = code.icompare("==", self.tap(0, cell), tap)
                registers[p] = code.fadd(old, code.select(won, x, code.const(0.0)))
            elif mode == "sum":
                if self.kernel.divisor == "source":
                    apart = code.mul(self.row.arg("stride", 2), self.row.arg("counts", 2), p)
                    x = code.fdiv(x, self.number_at(code.add(count, code.mul(apart, code.size))))
                registers[p] = code.fadd(old, x)
            else:
                # The first of equals stays, and so does the first NaN.
                better = code.both(
                    code.inverse(code.fcompare("<=", x, old)), code.inverse(code.is_nan(old))
                )
                registers[p] = code.select(better, x, old)
                if mode == "argmax":
                    q = self.pixels + p
                    registers[q] = code.select(better, tap, registers[q])

    def finish(self, registers: list[ir.Value], channel: Index) -> None:
        """Write the pixels."""
        code = self.code
        for p, out in enumerate(self.outs):
            element, x = code.add(out, channel), registers[p]
            if self.kernel.divisor == "all":
                x = code.fdiv(x, code.splat(code.builder.sitofp(code.arg("count"), code.scalar)))
            elif self.kernel.divisor == "out":
                along = code.mul(self.cells[p], self.row.arg("counts", 2))
                place = code.mul(code.add(self.row.count, along), code.size)
                x = code.fdiv(x, self.number_at(code.add(code.arg("counts"), place)))
            self.view("out", element).store(x, 0, self.mask)
            if self.kernel.mode == "argmax":
                won = registers[self.pixels + p]
                self.view("tap", element, "int32").store(won, 0, self.mask)

    def first_number(self) -> ir.Value:
        """The number of the first tap that exists, which wins among windows of -inf; else -1."""
        code, exists, number = self.code, True, self.number
        for axis, (_, low, high) in enumerate(self.spans):
            exists = code.both(exists, code.compare("<", low, high))
            number = code.add(number, code.mul(low, self.row.arg("number", axis)))
        return self.splat_number(code.select(exists, number, -1))

    def splat_number(self, number: Index) -> ir.Value:
        """The number of a tap in all lanes."""
        code = self.code
        return code.splat(code.builder.trunc(code.value(number), code.vector_type("int32").element))

    def number_at(self, address: Index) -> ir.Value:
        """One floating-point number in all lanes."""
        return self.code.splat(View(self.code, address).scalar())

    def tap(self, channel: Index, cell: Index) -> ir.Value:
        """The taps that won, of a cell."""
        return self.view("tap", self.code.add(channel, cell), "int32").vector(0, self.mask)

    def view(self, slot: str, element: Index, dtype: str | None = None) -> View:
        """An element of an array."""
        code = self.code
        size = 4 if dtype else code.size
        return View(code, code.add(code.arg(slot), code.mul(element, size)), dtype=dtype)
