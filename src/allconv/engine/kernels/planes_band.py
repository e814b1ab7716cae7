"""The input of `planes` in scratch memory: for every tap along a row a plane of its own.

Layout [tap 0][tap 1][tap 3][channel][phase of rows][row][column]: the plane of a tap holds what it
meets, output column beside output column, and zeros where that lies outside. So the cells of
several rows follow each other, whatever the stride and the padding. Rows that are a stride apart
in the source follow each other, too; a phase of rows is a residue of the stride.

A channel is read once, into strips [row][phase of columns][column], from which planes are copied.
Both are written by whole vectors: what these have too many is written over by what follows, and
there is room for it behind every strip and plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from allconv.engine.arguments import T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.view import View
from allconv.engine.kernels.band import SourceArguments

STEPS = (1, 2)  # from cell to cell along a row


@dataclass(frozen=True, kw_only=True)
class PlanesBandArguments(SourceArguments[T]):
    """Beside those, the bytes of a plane, of a phase of its rows, and of a strip; where in scratch
    memory strips begin; and the taps of axis 3."""

    plane: T
    phase: T
    strip: T
    strips: T
    row_taps: T


class PlanesPart(NamedTuple):
    """The part of the input that is packed: its first cell, which may lie outside, and counts; its
    columns are those of the output."""

    start: tuple[Index, Index, Index, Index]
    taps: tuple[Index, Index]  # of axes 0 and 1
    rows: Index
    columns: Index


def emit_planes(code: Code, address: Index, image: Index, group: Index, part: PlanesPart) -> None:
    """Pack a part of one image and group."""
    a = code.arguments(PlanesBandArguments)
    source = code.add(a.x, code.mul(image, a.x_image), code.mul(group, a.x_group))
    block = code.mul(a.row_taps, a.channels, a.plane)
    with code.loop(part.taps[0]) as t0, code.loop(part.taps[1]) as t1:
        a0 = code.add(part.start[0], code.mul(t0, a.dilation[0]))
        a1 = code.add(part.start[1], code.mul(t1, a.dilation[1]))
        here = code.add(source, code.mul(a0, a.x_axis[0]), code.mul(a1, a.x_axis[1]))
        there = code.add(address, code.mul(code.numbered((t0, t1), (0, part.taps[1])), block))
        with code.loop(a.channels) as channel:
            _read(code, code.add(here, code.mul(channel, a.x_channel)), part)
            _write(code, code.add(there, code.mul(channel, a.plane)), part)


def _read(code: Code, plane: Index, part: PlanesPart) -> None:
    """The strips of a channel."""
    a = code.arguments(PlanesBandArguments)
    strips = code.add(code.scratch, a.strips)
    far = code.div(code.mul(a.dilation[3], code.sub(a.row_taps, 1)), a.stride[3])
    columns = code.add(part.columns, far)
    with code.loop(a.stride[3]) as residue:
        strip = _PhaseStrip(code, code.add(part.start[3], residue), columns)
        with code.loop(part.rows) as row:
            a2 = code.add(part.start[2], row)
            number = code.add(code.mul(row, a.stride[3]), residue)
            out = code.add(strips, code.mul(number, a.strip))
            strip.emit(code.add(plane, code.mul(a2, a.x_axis[2])), code.within(a2, a.size[2]), out)


class _PhaseStrip:
    """A phase of a row, from a source column on: zeros, cells a step apart, zeros."""

    def __init__(self, code: Code, column: Index, columns: Index) -> None:
        self.code, self.columns = code, columns
        a = code.arguments(PlanesBandArguments)
        step = a.stride[3]
        self.first = code.min(code.ceil_div(code.max(code.sub(0, column), 0), step), columns)
        last = code.ceil_div(code.max(code.sub(a.size[3], column), 0), step)
        self.last = code.max(code.min(last, columns), self.first)
        self.begin = code.mul(code.add(column, code.mul(self.first, step)), code.size)

    def emit(self, line: Index, exists: Condition, out: Index) -> None:
        """Write it, zeros alone if there is no such row."""
        code = self.code
        first = code.select(exists, self.first, self.columns)
        last = code.max(self.last, first)
        _zeros(code, out, first)
        count = code.sub(last, first)
        _cells(code, code.add(line, self.begin), code.add(out, code.mul(first, code.size)), count)
        _zeros(code, code.add(out, code.mul(last, code.size)), code.sub(self.columns, last))


def _zeros(code: Code, out: Index, count: Index) -> None:
    """So many zeros at least."""
    with code.loop(count, step=code.lanes) as i:
        View(code, code.add(out, code.mul(i, code.size))).store(code.const(0.0))


def _cells(code: Code, source: Index, out: Index, count: Index) -> None:
    """So many cells a step apart, one of `STEPS`."""
    step = code.arguments(PlanesBandArguments).stride[3]
    for each in STEPS:
        with code.when(code.compare("==", step, each)):
            _vectors(code, source, out, count, each)


def _vectors(code: Code, source: Index, out: Index, count: Index, step: int) -> None:
    """The same of a known step; nothing is read behind the last cell."""
    lanes, size = code.lanes, code.size
    end = code.mul(code.div(code.max(code.sub(count, 1), 0), lanes), lanes)
    with code.loop(end, step=lanes) as i:
        read = View(code, code.add(source, code.mul(i, step * size)))
        vectors = [read.vector(v) for v in range(step)]
        View(code, code.add(out, code.mul(i, size))).store(code.apart(vectors)[0])
    with code.when(code.compare("<", end, count)):
        left = code.add(code.mul(code.sub(count, end), step), 1 - step)
        read = View(code, code.add(source, code.mul(end, step * size)))
        vectors = [read.vector(v, mask) for v, mask in enumerate(code.masks(left, step))]
        View(code, code.add(out, code.mul(end, size))).store(code.apart(vectors)[0])


def _write(code: Code, first: Index, part: PlanesPart) -> None:
    """The planes of a channel, from its strips."""
    a = code.arguments(PlanesBandArguments)
    strips = code.add(code.scratch, a.strips)
    row_of_strips = code.mul(a.stride[3], a.strip)
    line = code.mul(part.columns, code.size)
    with code.loop(a.row_taps) as tap:
        far = code.mul(tap, a.dilation[3])
        along = code.mul(code.rem(far, a.stride[3]), a.strip)
        source = code.add(strips, along, code.mul(code.div(far, a.stride[3]), code.size))
        plane = code.add(first, code.mul(tap, a.channels, a.plane))
        with code.loop(a.stride[2]) as residue:
            rows = code.ceil_div(code.max(code.sub(part.rows, residue), 0), a.stride[2])
            with code.loop(rows) as i:
                row = code.add(residue, code.mul(i, a.stride[2]))
                here = code.add(source, code.mul(row, row_of_strips))
                there = code.add(plane, code.mul(residue, a.phase), code.mul(i, line))
                with code.loop(line, step=code.lanes * code.size) as at:
                    View(code, code.add(there, at)).store(View(code, code.add(here, at)).vector())
