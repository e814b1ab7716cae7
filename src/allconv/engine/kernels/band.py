"""The band: the part of the input that one chunk needs, packed into scratch memory.

Layout [channel block][tap 0][tap 1][tap 2][row][tap 3][column][pitch]. Padding, the layout of the
source and negative padding (cropping) end here; no other code knows of borders. A pixel has room
for `pitch` channels of a block. All taps of an axis share its cells, unless each has its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias

from llvmlite import ir

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.strips import each_vector
from allconv.engine.emit.transpose import transpose
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.epilogue import Epilogue
from allconv.engine.kernels.phase_table import reach

FEW = (1, 2, 3, 4)  # channels of a pixel that are put together by vectors

Change: TypeAlias = Callable[[ir.Value, Index, Mask], ir.Value]


@dataclass(frozen=True, kw_only=True)
class SourceArguments(Arguments[T]):
    """The source x of bands with its strides and sizes, how the windows of a phase walk there, and
    the channels of a group in `blocks` blocks of `block`."""

    x: T
    x_image: T
    x_group: T
    x_channel: T
    x_axis: tuple[T, ...] = several(4)
    size: tuple[T, ...] = several(4)
    stride: tuple[T, ...] = several(4)
    dilation: tuple[T, ...] = several(4)
    channels: T
    block: T
    blocks: T


@dataclass(frozen=True, kw_only=True)
class BandArguments(SourceArguments[T]):
    """Beside those, of axes 2 and 3: how far cells of a band lie apart in the source, and whether
    each tap has cells of its own."""

    pace: tuple[T, ...] = several(2)
    apart: tuple[T, ...] = several(2)


def pitch_of(channels: int) -> int:
    """Channels that a pixel of a band has room for."""
    if channels >= 64:
        return 64
    return channels if channels <= 4 else -(-channels // 8) * 8


@dataclass(frozen=True)
class Span:
    """What is packed along axis 2 or 3: `taps` times `cells` source cells, those of a tap `step`
    apart; and by how many of them the next output and the next tap are further."""

    taps: Index
    cells: Index
    step: Index
    by_cell: Index
    by_tap: Index

    @classmethod
    def of(cls, code: Code, axis: int, cells: Index, taps: Index) -> Span:
        """What so many outputs and taps meet."""
        a = code.arguments(BandArguments)
        stride, dilation, pace = a.stride[axis], a.dilation[axis], a.pace[axis - 2]
        apart = code.compare("!=", a.apart[axis - 2], 0)
        shared = code.ceil_div(reach(code, stride, cells, dilation, taps), pace)
        return cls(
            taps=code.select(apart, taps, 1),
            cells=code.select(apart, cells, shared),
            step=pace,
            by_cell=code.div(stride, pace),
            by_tap=code.select(apart, cells, code.div(dilation, pace)),
        )

    @property
    def counts(self) -> tuple[Index, Index]:
        """Of taps and cells."""
        return self.taps, self.cells


@dataclass(frozen=True)
class BandPart:
    """The part of the input that is packed: its first cell, which may lie outside, and counts."""

    start: tuple[Index, Index, Index, Index]
    taps: tuple[Index, Index]  # of axes 0 and 1
    rows: Span
    columns: Span
    first_block: Index  # of channels
    blocks: Index


@dataclass(frozen=True)
class Band:
    """The strides of a packed band, in bytes: from output to output along a row, from row to row of
    outputs, from tap to tap of each axis, from block to block of channels."""

    address: Index
    column: Index
    row: Index
    tap3: Index
    tap2: Index
    tap1: Index
    tap0: Index
    block: Index

    @classmethod
    def of(cls, code: Code, pitch: Index, address: Index, part: BandPart) -> Band:
        """The band of a part, at an address."""
        rows, columns = part.rows, part.columns
        pixel = code.mul(pitch, code.size)
        row = code.mul(*columns.counts, pixel)
        tap1 = code.mul(*rows.counts, row)
        tap0 = code.mul(part.taps[1], tap1)
        return cls(
            address,
            column=code.mul(columns.by_cell, pixel),
            row=code.mul(rows.by_cell, row),
            tap3=code.mul(columns.by_tap, pixel),
            tap2=code.mul(rows.by_tap, row),
            tap1=tap1,
            tap0=tap0,
            block=code.mul(part.taps[0], tap0),
        )

    @classmethod
    def of_source(cls, code: Code, image: Index, group: Index, part: BandPart) -> Band:
        """The source itself as the band of a part that lies inside."""
        a = code.arguments(SourceArguments)
        cells, taps = code.moves(a.x_axis, part.start), code.moves(a.x_axis, a.dilation)
        of_image, of_group = code.mul(image, a.x_image), code.mul(group, a.x_group)
        return cls(
            address=code.add(a.x, of_image, of_group, *cells),
            column=code.mul(a.stride[3], a.x_axis[3]),
            row=code.mul(a.stride[2], a.x_axis[2]),
            tap3=taps[3],
            tap2=taps[2],
            tap1=taps[1],
            tap0=taps[0],
            block=code.mul(a.block, a.x_channel),
        )

    def unless(self, code: Code, condition: Condition, other: Band) -> Band:
        """Another band where a condition holds, else this one."""
        names = [field.name for field in fields(self)]
        pairs = [(getattr(other, name), getattr(self, name)) for name in names]
        return Band(*(code.select(condition, theirs, own) for theirs, own in pairs))


def emit_band(
    code: Code, pitch: Index, address: Index, image: Index, group: Index, part: BandPart,
    prologue: Epilogue | None = None,
) -> Band:  # fmt: skip
    """Pack a part of one image and group, passed through a prologue.

    With a prologue the channels follow each other in the source.
    """
    a = code.arguments(SourceArguments)
    band = Band.of(code, pitch, address, part)
    start, rows = part.start, part.rows
    source = code.add(a.x, code.mul(image, a.x_image), code.mul(group, a.x_group))
    with code.loop(part.blocks) as cb:
        channel = code.mul(code.add(part.first_block, cb), a.block)
        count = code.min(code.sub(a.channels, channel), a.block)
        plane = code.add(source, code.mul(channel, a.x_channel))
        of_all = code.add(code.mul(group, a.channels), channel)
        change = _change(code, prologue, image, code.mul(of_all, code.size))
        with (
            code.loop(part.taps[0]) as t0, code.loop(part.taps[1]) as t1,
            code.loop(part.columns.taps) as t3,
        ):  # fmt: skip
            outer = [code.add(start[n], code.mul(t, a.dilation[n])) for n, t in enumerate((t0, t1))]
            exists = code.both(*(code.within(cell, a.size[n]) for n, cell in enumerate(outer)))
            here = code.add(plane, *code.moves(a.x_axis[:2], outer))
            there = code.add(
                address, code.mul(cb, band.block), code.mul(t0, band.tap0), code.mul(t1, band.tap1)
            )
            packed = _PackedRow(code, pitch, part, t3, count, change)
            with code.loop(rows.taps) as t2, code.loop(rows.cells) as u:
                a2 = code.add(start[2], code.mul(t2, a.dilation[2]), code.mul(u, rows.step))
                number = code.add(code.mul(t2, rows.cells), u)
                inside = code.both(exists, code.within(a2, a.size[2]))
                packed.emit(inside, code.add(here, code.mul(a2, a.x_axis[2])), there, number)
    return band


class _PackedRow:
    """What is packed of a row for tap `tap` of axis 3, or for all of them."""

    def __init__(
        self,
        code: Code,
        pitch: Index,
        part: BandPart,
        tap: Index,
        count: Index,
        change: Change | None,
    ) -> None:
        a = code.arguments(SourceArguments)
        self.code, self.pitch, self.count, self.change = code, pitch, count, change
        self.pixel = code.mul(pitch, code.size)
        self.columns = cells = part.columns.cells
        self.begin = code.mul(tap, cells, self.pixel)
        self.row = code.mul(*part.columns.counts, self.pixel)
        column, step = code.add(part.start[3], code.mul(tap, a.dilation[3])), part.columns.step
        last = code.ceil_div(code.max(code.sub(a.size[3], column), 0), step)
        self.first = code.min(code.ceil_div(code.max(code.sub(0, column), 0), step), cells)
        self.last = code.max(code.min(last, cells), self.first)
        self.source, self.step = code.mul(column, a.x_axis[3]), code.mul(step, a.x_axis[3])

    def emit(self, inside: Condition, line: Index, band: Index, number: Index) -> None:
        """Pack that of the row of this number in the band, from a line of the source, where such a
        line lies inside."""
        code, pitch = self.code, self.pitch
        out = code.add(band, code.mul(number, self.row), self.begin)
        with code.either(inside) as (then, otherwise):
            with then:
                emit_zeros(code, out, code.mul(self.first, pitch))
                self._pixels(code.add(line, self.source), out)
                rest = code.mul(code.sub(self.columns, self.last), pitch)
                emit_zeros(code, code.add(out, code.mul(self.last, self.pixel)), rest)
            with otherwise:
                emit_zeros(code, out, code.mul(self.columns, pitch))

    def _pixels(self, line: Index, out: Index) -> None:
        """Pixels first ... last - 1: one run, vectors a pixel, or element by element."""
        code, first, last = self.code, self.first, self.last
        count, pitch = self.count, self.pitch
        source, target = (
            code.add(line, code.mul(first, self.step)), code.add(out, code.mul(first, self.pixel))
        )  # fmt: skip
        if self.change is not None:
            self._vectors(source, target)
            return
        channel, cells = code.arguments(SourceArguments).x_channel, code.sub(last, first)
        close = code.compare("==", channel, code.size)
        dense = code.compare("==", self.step, self.pixel)
        whole = code.both(dense, code.compare("==", count, pitch))
        with code.either(code.both(close, whole)) as (run, other):
            with run:
                n = code.mul(cells, pitch)
                _copy(code, source, target, n, n)
            with other, code.either(close) as (vectors, elements):
                with vectors:
                    self._vectors(source, target)
                with elements:
                    _transposed(code, (source, self.step), (target, self.pixel), cells, count)

    def _vectors(self, source: Index, target: Index) -> None:
        """Vectors a pixel."""
        code = self.code
        with code.loop(code.sub(self.last, self.first)) as n:
            x, out = (
                code.add(source, code.mul(n, self.step)),
                code.add(target, code.mul(n, self.pixel)),
            )
            _copy(code, x, out, self.count, self.pitch, self.change)


def _change(code: Code, prologue: Epilogue | None, image: Index, channel: Index) -> Change | None:
    """What a vector of a pixel, so many bytes from a channel on, is passed through."""
    if prologue is None:
        return None
    return lambda x, at, mask: prologue.apply(code, x, image, code.add(channel, at), 0, mask)


def emit_zeros(code: Code, address: Index, count: Index) -> None:
    """Set `count` elements to zero."""
    with code.loop(count, step=code.lanes) as i:
        mask = code.mask(code.sub(count, i))
        View(code, code.add(address, code.mul(i, code.size))).store(code.const(0.0), 0, mask)


def _transposed(
    code: Code, begin: tuple[Index, Index], end: tuple[Index, Index], columns: Index, count: Index
) -> None:
    """So many pixels whose channels lie apart: where they begin and how far they lie apart in the
    source, and in the band."""
    channel = code.arguments(SourceArguments).x_channel
    (source, step), (out, pixel) = begin, end
    beside = code.compare("==", step, code.size)
    many = code.both(beside, code.compare(">=", count, code.lanes))
    dense = code.both(beside, code.compare("==", pixel, code.mul(count, code.size)))
    few = code.both(code.inverse(many), code.both(dense, code.compare("<=", count, max(FEW))))
    elements = code.both(code.inverse(many), code.inverse(few))
    with code.when(many):
        transpose(code, View(code, source, channel), View(code, out, pixel), count, columns)
    with code.when(few):
        for each in FEW:
            with code.when(code.compare("==", count, each)):
                _together(code, View(code, source, channel), View(code, out), each, columns)
    with code.loop(code.select(elements, count, 0)) as c:
        here = View(code, code.add(source, code.mul(c, channel)), step)
        there = View(code, code.add(out, code.mul(c, code.size)), pixel)
        with code.loop(columns) as column:
            there[column].store_scalar(here[column].scalar())


def _together(code: Code, source: View, out: View, count: int, columns: Index) -> None:
    """Pixels of so few channels, put together by vectors."""

    def move(at: Index, _: int, mask: Mask) -> None:
        read = [source[c].moved(at).vector(0, mask) for c in range(count)]
        masks = [None] * count if mask is None else code.masks(left, count)
        for v, x in enumerate(code.together(read)):
            out.moved(code.mul(at, count)).store(x, v, masks[v])

    left = code.mul(code.rem(columns, code.lanes), count)
    each_vector(code, columns, 1, move)


def _copy(
    code: Code, source: Index, target: Index, n: Index, room: Index, change: Change | None = None
) -> None:
    """Copy a run of n elements, changed on the way, to where there is `room` for at least them."""
    x, y = View(code, source), View(code, target)

    def read(at: Index, v: int, mask: Mask) -> ir.Value:
        along = code.add(at, v * code.lanes * code.size)
        element = x.moved(along).vector(0, mask)
        return element if change is None else change(element, along, mask)

    def move(at: Index, vectors: int, mask: Mask) -> None:
        for v in range(vectors):
            y.moved(at).store(read(at, v, mask), v, mask)

    rest = code.rem(n, code.lanes)
    whole = code.sub(n, rest)
    each_vector(code, whole, 4, move, ends=True)
    with code.when(code.compare(">", rest, 0)):
        # A store with a mask takes some processors as long as ten without.
        end, mask = code.mul(whole, code.size), code.mask(rest)
        last = read(end, 0, mask)
        with code.either(code.compare(">=", code.sub(room, whole), code.lanes)) as (wide, narrow):
            with wide:
                y.moved(end).store(last)
            with narrow:
                y.moved(end).store(last, 0, mask)
