"""Pooling: channels last, vectors over channels, the taps of a window clipped as the kernel runs.

One emitter serves all operators. It walks the phases of the window (see `window.Phase`): those of
the correlation for max, gather and average, those of its transpose for their gradients. Images
of one and two axes are those of three whose outer axes have size 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import inf, prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from allconv.engine.kernel import Kernel
from allconv.engine.kernels.reduce import lower_mean_pool
from allconv.engine.place import Place
from allconv.engine.plan import Address, Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.pool import (
    AveragePool,
    AveragePoolTranspose,
    GatherWindow,
    MaxPool,
    ScatterWindow,
)
from allconv.window import Phase, Window

if TYPE_CHECKING:
    from llvmlite import ir

    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index
    from allconv.engine.emit.vector import Mask
    from allconv.engine.emit.view import View

AXES = 3
PIXELS = 4  # of a row that are computed at once
CHUNKS = 64  # at most, of a step
CHUNK_WORK = 32768  # elements times taps, at least, of a chunk

# What an axis is that the images do not have.
_ABSENT = {
    "n": 1, "offset": 0, "stride": 1, "dilation": 1, "taps": 1, "size": 1,
    "number": 0, "source": 0, "out": 0, "counts": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Pool(Kernel):
    """The outputs of one phase of a window; a chunk is `block` rows of (image, depth, height).

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
        *("source", "tap", "out", "counts", "count", "number", "rows", "block", "channels"),
        *("source_image", "out_image", "inner", "inner_end"),
        *(f"{name}{axis}" for name in _ABSENT for axis in range(AXES)),
    )

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("block"))
        last = code.min(code.add(first, code.arg("block")), code.arg("rows"))
        with code.loop(last, start=first) as row:
            _Row(self, code, row).emit()


class _Row:
    """A row of output pixels being computed."""

    def __init__(self, kernel: Pool, code: Code, row: Index) -> None:
        self.kernel, self.code = kernel, code
        rest, height = code.div(row, self.arg("n", 1)), code.rem(row, self.arg("n", 1))
        image, depth = code.div(rest, self.arg("n", 0)), code.rem(rest, self.arg("n", 0))
        outer = (depth, height)
        self.source = code.mul(image, code.arg("source_image"))
        self.out = code.add(code.mul(image, code.arg("out_image")), *self.steps("out", outer))
        self.count = code.add(0, *self.steps("counts", outer))  # for divisor "out"
        self.spans = [self.span(axis, m) for axis, m in enumerate(outer)]
        channels = code.arg("channels")
        self.whole = code.sub(channels, code.rem(channels, code.lanes))
        self.mask = code.mask(code.sub(channels, self.whole))

    def arg(self, name: str, axis: int) -> Index:
        """A number of an axis."""
        absent = axis < AXES - self.kernel.axes
        if absent or (name == "dilation" and not self.kernel.dilated):
            return _ABSENT[name]
        return self.code.arg(f"{name}{axis}")

    def steps(self, name: str, indices: Sequence[Index]) -> list[Index]:
        """Each index of the outer axes times the stride called `name`."""
        return [self.code.mul(i, self.arg(name, axis)) for axis, i in enumerate(indices)]

    def span(self, axis: int, m: Index, *, clip: bool = True) -> tuple[Index, Index, Index]:
        """The source cell of output m's tap 0, and the first and last + 1 tap to take."""
        code, taps = self.code, self.arg("taps", axis)
        base = code.add(self.arg("offset", axis), code.mul(self.arg("stride", axis), m))
        if not clip or axis < AXES - self.kernel.axes:
            return base, 0, taps
        dilation = self.arg("dilation", axis)
        low = code.ceil_div(code.max(code.sub(0, base), 0), dilation)
        room = code.max(code.sub(self.arg("size", axis), base), 0)
        return base, low, code.min(taps, code.ceil_div(room, dilation))

    def emit(self) -> None:
        """Pixels whose taps all exist in groups, the last of which may overlap; others alone."""
        code = self.code
        inner, end = code.arg("inner"), code.arg("inner_end")
        gap = code.sub(end, inner)
        with code.loop(code.sub(self.arg("n", 2), gap)) as k:
            m = code.select(code.compare("<", k, inner), k, code.add(k, gap))
            self.emit_pixels(m, 1)
        with code.loop(end, start=inner, step=PIXELS) as k:
            self.emit_pixels(code.min(k, code.sub(end, PIXELS)), PIXELS)

    def emit_pixels(self, m: Index, pixels: int) -> None:
        """All channels of adjacent pixels; one pixel may lie at the border."""
        code = self.code
        group = _Group(self, m, pixels)
        with code.loop(self.whole, step=code.lanes) as channel:
            group.emit(channel, None)
        with code.when(code.compare("<", self.whole, code.arg("channels"))):
            group.emit(self.whole, self.mask)


class _Group:
    """Adjacent output pixels of a row, for one vector of channels at a time."""

    def __init__(self, row: _Row, m: Index, pixels: int) -> None:
        code = row.code
        self.row, self.code, self.kernel, self.pixels = row, code, row.kernel, pixels
        self.spans = [*row.spans, row.span(2, m, clip=pixels == 1)]
        pitch = code.mul(row.arg("stride", 2), row.arg("source", 2))
        self.sources = [code.mul(p, pitch) for p in range(pixels)]
        self.outs = [
            code.add(row.out, code.mul(code.add(m, p), row.arg("out", 2))) for p in range(pixels)
        ]
        self.m = m

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
            number, count = code.arg("number"), code.arg("counts")
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
                along = code.mul(code.add(self.m, p), self.row.arg("counts", 2))
                place = code.mul(code.add(self.row.count, along), code.size)
                x = code.fdiv(x, self.number_at(code.add(code.arg("counts"), place)))
            self.view("out", element).store(x, 0, self.mask)
            if self.kernel.mode == "argmax":
                won = registers[self.pixels + p]
                self.view("tap", element, "int32").store(won, 0, self.mask)

    def first_number(self) -> ir.Value:
        """The number of the first tap that exists, which wins among windows of -inf; else -1."""
        code, exists, number = self.code, True, self.code.arg("number")
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
        from allconv.engine.emit.view import View

        return self.code.splat(View(self.code, address).scalar())

    def tap(self, channel: Index, cell: Index) -> ir.Value:
        """The taps that won, of a cell."""
        return self.view("tap", self.code.add(channel, cell), "int32").vector(0, self.mask)

    def view(self, slot: str, element: Index, dtype: str | None = None) -> View:
        """An element of an array."""
        from allconv.engine.emit.view import View

        code = self.code
        size = 4 if dtype else code.size
        return View(code, code.add(code.arg(slot), code.mul(element, size)), dtype=dtype)


@dataclass(frozen=True)
class _Walk:
    """All phases of a window, or `back` through those of its transpose, on these arrays."""

    kernel: Pool
    window: Window
    back: bool
    source: Place
    out: Place
    tap: Place | None = None
    counts: Place | None = None

    @property
    def sizes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sizes of the images that are read and written."""
        pair = self.window.input, self.window.output
        return pair[::-1] if self.back else pair

    def add_steps(self, planner: Planner) -> None:
        """One step for every phase."""
        batch, channels = self.out.shape[:2]
        if not batch * channels:
            return
        window = self.window
        for phases in window.transpose_phases() if self.back else window.phases():
            pixels = [phase.out_count for phase in phases]
            taps = prod(max(phase.tap_count, 1) for phase in phases)
            rows = batch * prod(pixels[:-1])
            work = rows * pixels[-1] * channels * taps
            block = -(-rows // max(1, min(CHUNKS, work // CHUNK_WORK)))
            slots: dict[str, int | Place | Address] = {"rows": rows, "block": block}
            slots.update(self._slots(phases))
            slots.update(self._addresses(phases))
            dilated = any(p.dilation != 1 and p.tap_count > 1 for p in phases)
            kernel = replace(self.kernel, dilated=dilated)
            writes = [self.out, self.tap] if kernel.mode == "argmax" and self.tap else [self.out]
            planner.step(kernel, slots, writes=writes, chunks=-(-rows // block))

    def _slots(self, phases: Sequence[Phase]) -> dict[str, int]:
        """The sizes and strides of a phase."""
        (size, out_size), channels = self.sizes, self.out.shape[1]
        lead, weights = AXES - len(phases), _steps(self.window.kernel, 1)
        source, out = _steps(size, channels), _steps(out_size, channels)
        cells = _steps(size if self.back else out_size, 1)
        slots = {f"{name}{axis}": value for name, value in _ABSENT.items() for axis in range(lead)}
        for a, phase in enumerate(phases):
            values = (
                phase.out_count, phase.offset, phase.stride, phase.dilation, phase.tap_count,
                size[a], phase.tap_step * weights[a], source[a], phase.out_step * out[a],
                cells[a] * (1 if self.back else phase.out_step),
            )  # fmt: skip
            slots |= {f"{name}{lead + a}": x for name, x in zip(_ABSENT, values, strict=True)}
        slots["inner"], slots["inner_end"] = _inner(phases[-1], size[-1])
        return slots | {
            "count": self.window.taps,
            "channels": channels,
            "number": sum(p.tap_start * w for p, w in zip(phases, weights, strict=True)),
            "source_image": channels * prod(size),
            "out_image": channels * prod(out_size),
        }

    def _addresses(self, phases: Sequence[Phase]) -> dict[str, Address | int]:
        """Where the first output of a phase lies, and the arrays that lie alike."""
        steps = _steps(self.sizes[1], 1)
        cell = sum(phase.out_start * step for phase, step in zip(phases, steps, strict=True))
        channels = self.out.shape[1]

        def at(place: Place | None, elements: int) -> Address | int:
            return Address(place.storage, place.offset + elements * place.item) if place else 0

        return {
            "source": at(self.source, 0),
            "out": at(self.out, cell * channels),
            "tap": at(self.tap, 0 if self.back else cell * channels),
            "counts": at(self.counts, 0 if self.back else cell),
        }


def _steps(sizes: Sequence[int], innermost: int) -> list[int]:
    """Strides of row-major cells of so many elements."""
    return [innermost * prod(sizes[a + 1 :]) for a in range(len(sizes))]


def _inner(phase: Phase, size: int) -> tuple[int, int]:
    """The outputs m whose taps all exist; none where they are too few for a group."""
    first = max(0, -(phase.offset // phase.stride))
    reach = phase.dilation * max(phase.tap_count - 1, 0)
    last = min(phase.out_count, (size - 1 - reach - phase.offset) // phase.stride + 1)
    return (first, last) if last - first >= PIXELS else (0, 0)


def lower_max(planner: Planner, node: Node) -> bool:
    """Values, and the taps that won where anything reads them."""
    operator = node.of(MaxPool)
    y, tap = node.outputs
    graph, window = planner.graph, operator.window
    if not 0 < len(window.axes) <= AXES:
        return False
    used = tap in graph.outputs or any(tap in other.inputs for other in graph.nodes)
    kernel = Pool(planner.target, y.dtype, "argmax" if used else "max", len(window.axes))
    x, out = planner.read(node.inputs[0], "last"), planner.result(y, "last")
    won = planner.result(tap, "last") if used else None
    _Walk(kernel, window, False, x, out, won).add_steps(planner)
    return True


def lower_moved(planner: Planner, node: Node) -> bool:
    """Values carried along the taps that won, forwards or backwards."""
    operator = node.of(GatherWindow, ScatterWindow)
    window, back = operator.window, isinstance(operator, ScatterWindow)
    if not 0 < len(window.axes) <= AXES:
        return False
    x, tap = (planner.read(value, "last") for value in node.inputs)
    (y,) = node.outputs
    kernel = Pool(planner.target, y.dtype, "scatter" if back else "gather", len(window.axes))
    _Walk(kernel, window, back, x, planner.result(y, "last"), tap).add_steps(planner)
    return True


def lower_average(planner: Planner, node: Node) -> bool:
    """Sums over the taps, or over the outputs that a cell meets, divided by the cells counted."""
    operator = node.of(AveragePool, AveragePoolTranspose)
    window, back = operator.window, isinstance(operator, AveragePoolTranspose)
    if not 0 < len(window.axes) <= AXES:
        return False
    (y,) = node.outputs
    counts, divisor, counted = None, "all", operator.counts()
    if not back and lower_mean_pool(planner, node.inputs[0], y, window, int(counted.flat[0])):
        return True
    if np.any(counted != window.taps):
        counts, divisor = planner.constant(counted.astype(y.dtype)), "source" if back else "out"
    kernel = Pool(planner.target, y.dtype, "sum", len(window.axes), divisor=divisor)
    x, out = planner.read(node.inputs[0], "last"), planner.result(y, "last")
    _Walk(kernel, window, back, x, out, counts=counts).add_steps(planner)
    return True


LOWERINGS: dict[type[Operator], Lowering] = {
    MaxPool: lower_max,
    GatherWindow: lower_moved,
    ScatterWindow: lower_moved,
    AveragePool: lower_average,
    AveragePoolTranspose: lower_average,
}
