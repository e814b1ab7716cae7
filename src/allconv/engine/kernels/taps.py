"""The kernel of pooling: channels last, vectors over channels, taps clipped as it runs.

One emitter serves all operators. It walks the phases of the window (see `engine.phases`): those of
the correlation for max, gather and average, those of its transpose for their gradients. A row of
outputs looks up its phases of the outer axes, then goes through those of the last. Images of one
and two axes are those of three whose outer axes have size 1.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.phase_table import PhaseArguments, clip_taps, read_phase, share

AXES = 3
PIXELS = 4  # of a row that are computed at once

COLUMNS = ("cells", "taps", "offset", "number", "inner", "inner_end")
"""Of a phase: its counts, the source cell of its first cell and tap, what its first tap adds to the
number of a tap, and which of its cells find all taps."""

# Values for the axes that images do not have.
ABSENT = {
    "out_size": 1, "step": 1, "stride": 1, "dilation": 1, "size": 1,
    "number": 0, "source_axis": 0, "out_axis": 0, "counts_axis": 0,
}  # fmt: skip
_ONE = {"cells": 1, "taps": 1, "offset": 0, "number": 0}


@dataclass(frozen=True, kw_only=True)
class PoolArguments(PhaseArguments[T]):
    """Beside the table of phases, which has no rows of a fourth axis: the arrays with their strides
    in elements, how units are cut, and of each axis: outputs, from one of a phase to the next of
    them, how windows walk over the source, and what a tap adds to its number."""

    source: T
    source_image: T
    source_axis: tuple[T, ...] = several(AXES)
    size: tuple[T, ...] = several(AXES)
    out: T
    out_image: T
    out_axis: tuple[T, ...] = several(AXES)
    out_size: tuple[T, ...] = several(AXES)
    step: tuple[T, ...] = several(AXES)
    stride: tuple[T, ...] = several(AXES)
    dilation: tuple[T, ...] = several(AXES)
    number: tuple[T, ...] = several(AXES)
    tap: T
    counts: T
    counts_axis: tuple[T, ...] = several(AXES)
    count: T
    channels: T
    units: T
    block: T
    last_phases: T  # of the last axis
    phase_blocks: T
    cell_blocks: T
    channel_blocks: T


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

    takes: ClassVar = PoolArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = self.arguments(code)
        with code.units(a.block, a.units) as unit:
            row, *parts = code.counted(unit, a.phase_blocks, a.cell_blocks, a.channel_blocks)
            _PixelRow(self, code, row, parts).emit()

    def arguments(self, code: Code) -> PoolArguments[Index]:
        """Its arguments, with what is known of the axes that images do not have."""
        a: PoolArguments[Index] = code.arguments(PoolArguments)
        lead = AXES - self.axes
        known = {name: (x,) * lead + getattr(a, name)[lead:] for name, x in ABSENT.items()}
        if not self.dilated:
            known["dilation"] = (1,) * AXES
        return replace(a, **known)


class _PixelRow:
    """A part of a row of output pixels being computed: of its phases, their cells, channels."""

    def __init__(self, kernel: Pool, code: Code, row: Index, parts: list[Index]) -> None:
        self.kernel, self.code, self.parts = kernel, code, parts
        self.a = a = kernel.arguments(code)
        image, *outer = code.counted(row, *a.out_size[:2])
        self.source = code.mul(image, a.source_image)
        self.out = code.add(code.mul(image, a.out_image), *map(code.mul, outer, a.out_axis))
        self.count = code.add(0, *map(code.mul, outer, a.counts_axis))  # for divisor "out"
        self.phases = []
        self.spans = []
        for axis, cell in enumerate(outer):
            m, number = code.counted(cell, a.step[axis])
            phase = self.phase(axis, number)
            self.phases.append(phase)
            self.spans.append(self.span(axis, phase, m))
        channels, lanes = a.channels, code.lanes
        vectors = code.div(channels, lanes)
        begin, n = share(code, vectors, parts[2], a.channel_blocks)
        self.channels = code.mul(begin, lanes), code.mul(code.add(begin, n), lanes)
        self.whole = code.mul(vectors, lanes)
        self.mask = code.mask(code.sub(channels, self.whole))
        # The last block has the channels that fill no vector.
        last = code.compare("==", code.add(parts[2], 1), a.channel_blocks)
        self.ragged = code.both(last, code.compare("<", self.whole, channels))

    def phase(self, axis: int, number: Index) -> dict[str, Index]:
        """A phase of an axis."""
        if axis < AXES - self.kernel.axes:
            return dict(_ONE)
        return read_phase(self.code, COLUMNS, axis, number)

    def span(
        self, axis: int, phase: dict[str, Index], m: Index, *, clip: bool = True
    ) -> tuple[Index, Index, Index]:
        """The source cell of output m's tap 0, and the first and last + 1 tap to take."""
        code, a, taps = self.code, self.a, phase["taps"]
        base = code.add(phase["offset"], code.mul(a.stride[axis], m))
        if not clip or axis < AXES - self.kernel.axes:
            return base, 0, taps
        low, count = clip_taps(code, base, a.dilation[axis], a.size[axis], taps)
        return base, low, code.add(low, count)

    def emit(self) -> None:
        """The phases of the last axis, one after the other."""
        code, a = self.code, self.a
        first, n = share(code, a.last_phases, self.parts[0], a.phase_blocks)
        with code.loop(code.add(first, n), start=first) as p:
            phase = self.phase(2, p)
            low, count = share(code, phase["cells"], self.parts[1], a.cell_blocks)
            self.emit_cells(phase, p, low, code.add(low, count))

    def emit_cells(self, phase: dict[str, Index], p: Index, low: Index, high: Index) -> None:
        """Cells whose taps all exist in groups, others alone.

        The last group ends with the last cell, so it may overlap the one before it; what that has
        written it does not write again.
        """
        code = self.code
        inner = code.min(code.max(phase["inner"], low), high)
        end = code.max(code.min(phase["inner_end"], high), inner)
        end = code.select(code.compare("<", code.sub(end, inner), PIXELS), inner, end)
        gap = code.sub(end, inner)
        with code.loop(code.sub(high, gap), start=low) as k:
            m = code.select(code.compare("<", k, inner), k, code.add(k, gap))
            self.emit_pixels(phase, p, m, 1, 0)
        with code.loop(end, start=inner, step=PIXELS) as k:
            m = code.min(k, code.sub(end, PIXELS))
            self.emit_pixels(phase, p, m, PIXELS, code.sub(k, m))

    def emit_pixels(
        self, phase: dict[str, Index], p: Index, m: Index, pixels: int, written: Index
    ) -> None:
        """All channels of adjacent cells of a phase, of which the first are `written` already; one
        cell alone may lie at the border."""
        code = self.code
        group = _Group(self, phase, p, m, pixels, written)
        with code.loop(self.channels[1], start=self.channels[0], step=code.lanes) as channel:
            group.emit(channel, None)
        with code.when(self.ragged):
            group.emit(self.whole, self.mask)


class _Group:
    """Adjacent cells of a phase of a row, for one vector of channels at a time."""

    def __init__(
        self,
        row: _PixelRow,
        phase: dict[str, Index],
        p: Index,
        m: Index,
        pixels: int,
        written: Index,
    ) -> None:
        code, a = row.code, row.a
        self.row, self.code, self.a, self.kernel, self.pixels = row, code, a, row.kernel, pixels
        self.written = written
        self.spans = [*row.spans, row.span(2, phase, m, clip=pixels == 1)]
        self.number = code.add(*(each["number"] for each in (*row.phases, phase)))
        pitch = code.mul(a.stride[2], a.source_axis[2])
        self.sources = [code.mul(k, pitch) for k in range(pixels)]
        # The cells of the row, and where they begin.
        self.cells = [code.add(p, code.mul(a.step[2], code.add(m, k))) for k in range(pixels)]
        self.outs = [code.add(row.out, code.mul(cell, a.out_axis[2])) for cell in self.cells]

    def emit(self, channel: Index, mask: Mask) -> None:
        """One vector of channels, of every pixel."""
        code, a, mode = self.code, self.a, self.kernel.mode
        self.mask = mask
        self.taps = [self.tap(channel, out) for out in self.outs] if mode == "gather" else []
        registers = [code.const(-inf if "max" in mode else 0.0)] * self.pixels
        if mode == "argmax":
            registers += [self.first_number()] * self.pixels
        with ExitStack() as loops:
            element = code.add(self.row.source, channel)
            number, count = self.number, a.counts
            for axis, (base, low, high) in enumerate(self.spans):
                t = loops.enter_context(code.loop(high, start=low, carry=registers))
                cell = code.add(base, code.mul(a.dilation[axis], t))
                element = code.add(element, code.mul(cell, a.source_axis[axis]))
                number = code.add(number, code.mul(t, a.number[axis]))
                count = code.add(count, code.mul(cell, a.counts_axis[axis], code.size))
            self.step(registers, element, number, count)
        self.finish(registers, channel)

    def step(self, registers: list[ir.Value], element: Index, number: Index, count: Index) -> None:
        """Take one tap of every pixel."""
        code, a, mode = self.code, self.a, self.kernel.mode
        tap = self.splat_number(number) if mode in ("argmax", "gather", "scatter") else None
        for p, pitch in enumerate(self.sources):
            old, cell = registers[p], code.add(element, pitch)
            x = self.view(a.source, cell).vector(0, self.mask)
            if mode == "gather":
                registers[p] = code.select(code.icompare("==", self.taps[p], tap), x, old)
            elif mode == "scatter":
                won = code.icompare("==", self.tap(0, cell), tap)
                registers[p] = code.fadd(old, code.select(won, x, code.const(0.0)))
            elif mode == "sum":
                if self.kernel.divisor == "source":
                    apart = code.mul(a.stride[2], a.counts_axis[2], p)
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
        """Write the pixels that are not written yet, mostly all of them."""
        code, pixels = self.code, range(self.pixels)
        if self.pixels == 1:
            self.write(0, registers, channel)
            return
        with code.either(code.compare("==", self.written, 0)) as (then, otherwise):
            with then:
                for p in pixels:
                    self.write(p, registers, channel)
            with otherwise:
                for p in pixels[1:]:
                    with code.when(code.compare(">=", p, self.written)):
                        self.write(p, registers, channel)

    def write(self, p: int, registers: list[ir.Value], channel: Index) -> None:
        """Write a pixel."""
        code, a = self.code, self.a
        element, x = code.add(self.outs[p], channel), registers[p]
        if self.kernel.divisor == "all":
            x = code.fdiv(x, code.splat(code.builder.sitofp(code.value(a.count), code.scalar)))
        elif self.kernel.divisor == "out":
            along = code.mul(self.cells[p], a.counts_axis[2])
            place = code.mul(code.add(self.row.count, along), code.size)
            x = code.fdiv(x, self.number_at(code.add(a.counts, place)))
        self.view(a.out, element).store(x, 0, self.mask)
        if self.kernel.mode == "argmax":
            won = registers[self.pixels + p]
            self.view(a.tap, element, "int32").store(won, 0, self.mask)

    def first_number(self) -> ir.Value:
        """The number of the first tap that exists, which wins among windows of -inf; else -1."""
        code, exists, number = self.code, True, self.number
        for axis, (_, low, high) in enumerate(self.spans):
            exists = code.both(exists, code.compare("<", low, high))
            number = code.add(number, code.mul(low, self.a.number[axis]))
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
        return self.view(self.a.tap, self.code.add(channel, cell), "int32").vector(0, self.mask)

    def view(self, array: Index, element: Index, dtype: str | None = None) -> View:
        """An element of an array."""
        code = self.code
        size = 4 if dtype else code.size
        return View(code, code.add(array, code.mul(element, size)), dtype=dtype)
