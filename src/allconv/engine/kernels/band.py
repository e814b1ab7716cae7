"""The band: the part of the input that one chunk needs, packed into scratch memory.

Layout [channel block][tap 0][tap 1][row][column][pitch]. Padding, the layout of the source and
negative padding (cropping) end here; no other code knows of borders. A pixel has room for `pitch`
channels of a block.
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
from allconv.engine.emit.turn import turn
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.epilogue import Epilogue

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


def pitch_of(channels: int) -> int:
    """Channels that a pixel of a band has room for."""
    if channels >= 64:
        return 64
    return channels if channels <= 4 else -(-channels // 8) * 8


@dataclass(frozen=True)
class Part:
    """The part of the input that is packed: its first cell, which may lie outside, and counts."""

    start: tuple[Index, Index, Index, Index]
    taps: tuple[Index, Index]  # of axes 0 and 1
    rows: Index
    columns: Index
    first_block: Index  # of channels
    blocks: Index


@dataclass(frozen=True)
class Band:
    """The strides of a packed band, in bytes."""

    address: Index
    pixel: Index
    row: Index
    tap1: Index
    tap0: Index
    block: Index

    @classmethod
    def of(cls, code: Code, pitch: Index, address: Index, part: Part) -> Band:
        """The band of a part, at an address."""
        pixel = code.mul(pitch, code.size)
        row = code.mul(part.columns, pixel)
        tap1 = code.mul(part.rows, row)
        tap0 = code.mul(part.taps[1], tap1)
        return cls(address, pixel, row, tap1, tap0, code.mul(part.taps[0], tap0))

    @classmethod
    def of_source(cls, code: Code, image: Index, group: Index, part: Part) -> Band:
        """The source itself as the band of a part that lies inside."""
        a = code.arguments(SourceArguments)
        cells = [code.mul(cell, a.x_axis[axis]) for axis, cell in enumerate(part.start)]
        of_image, of_group = code.mul(image, a.x_image), code.mul(group, a.x_group)
        return cls(
            address=code.add(a.x, of_image, of_group, *cells),
            pixel=a.x_axis[3],
            row=a.x_axis[2],
            tap1=code.mul(a.dilation[1], a.x_axis[1]),
            tap0=code.mul(a.dilation[0], a.x_axis[0]),
            block=code.mul(a.block, a.x_channel),
        )

    def unless(self, code: Code, condition: Condition, other: Band) -> Band:
        """Another band where a condition holds, else this one."""
        names = [field.name for field in fields(self)]
        pairs = [(getattr(other, name), getattr(self, name)) for name in names]
        return Band(*(code.select(condition, theirs, own) for theirs, own in pairs))


def emit_band(
    code: Code, pitch: Index, address: Index, image: Index, group: Index, part: Part,
    prologue: Epilogue | None = None,
) -> Band:  # fmt: skip
    """Pack a part of one image and group, passed through a prologue.

    With a prologue the channels follow each other in the source.
    """
    a = code.arguments(SourceArguments)
    band = Band.of(code, pitch, address, part)
    start, columns = part.start, part.columns
    source = code.add(a.x, code.mul(image, a.x_image), code.mul(group, a.x_group))
    first = code.min(code.max(code.sub(0, start[3]), 0), columns)
    last = code.max(code.min(code.sub(a.size[3], start[3]), columns), first)
    with code.loop(part.blocks) as cb:
        channel = code.mul(code.add(part.first_block, cb), a.block)
        count = code.min(code.sub(a.channels, channel), a.block)
        plane = code.add(source, code.mul(channel, a.x_channel))
        with code.loop(part.taps[0]) as t0, code.loop(part.taps[1]) as t1:
            a0 = code.add(start[0], code.mul(t0, a.dilation[0]))
            a1 = code.add(start[1], code.mul(t1, a.dilation[1]))
            outer = code.both(code.within(a0, a.size[0]), code.within(a1, a.size[1]))
            here = code.add(plane, code.mul(a0, a.x_axis[0]), code.mul(a1, a.x_axis[1]))
            there = code.add(
                address,
                *(
                    code.mul(i, step)
                    for i, step in ((cb, band.block), (t0, band.tap0), (t1, band.tap1))
                ),
            )
            of_all = code.add(code.mul(group, a.channels), channel)
            change = _change(code, prologue, image, code.mul(of_all, code.size))
            with code.loop(part.rows) as u:
                a2 = code.add(start[2], u)
                inside = code.both(outer, code.within(a2, a.size[2]))
                out = code.add(there, code.mul(u, band.row))
                line = code.add(here, code.mul(a2, a.x_axis[2]), code.mul(start[3], a.x_axis[3]))
                with code.either(inside) as (then, otherwise):
                    with then:
                        emit_zeros(code, out, code.mul(first, pitch))
                        _row(code, pitch, line, out, first, last, count, change)
                        rest = code.sub(columns, last)
                        beyond = code.add(out, code.mul(last, band.pixel))
                        emit_zeros(code, beyond, code.mul(rest, pitch))
                    with otherwise:
                        emit_zeros(code, out, code.mul(columns, pitch))
    return band


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


def _row(
    code: Code, pitch: Index, line: Index, out: Index, first: Index, last: Index, count: Index,
    change: Change | None,
) -> None:  # fmt: skip
    """Pixels first ... last - 1 of a row: one run, vectors a pixel, or element by element."""
    a = code.arguments(SourceArguments)
    pixel = code.mul(pitch, code.size)
    step, channel = a.x_axis[3], a.x_channel
    if change is not None:
        with code.loop(last, start=first) as column:
            source = code.add(line, code.mul(column, step))
            _copy(code, source, code.add(out, code.mul(column, pixel)), count, pitch, change)
        return
    close = code.compare("==", channel, code.size)
    whole = code.both(code.compare("==", step, pixel), code.compare("==", count, pitch))
    with code.either(code.both(close, whole)) as (run, other):
        with run:
            n = code.mul(code.sub(last, first), pitch)
            source, target = (
                code.add(line, code.mul(first, pixel)),
                code.add(out, code.mul(first, pixel)),
            )
            _copy(code, source, target, n, n)
        with other, code.either(close) as (vectors, elements):
            with vectors, code.loop(last, start=first) as column:
                source = code.add(line, code.mul(column, step))
                _copy(code, source, code.add(out, code.mul(column, pixel)), count, pitch)
            with elements:
                begin = code.add(line, code.mul(first, step))
                _turned(code, begin, code.add(out, code.mul(first, pixel)), code.sub(last, first),
                        count, pixel)  # fmt: skip


def _turned(
    code: Code, source: Index, out: Index, columns: Index, count: Index, pixel: Index
) -> None:
    """So many pixels whose channels lie apart."""
    a = code.arguments(SourceArguments)
    step, channel = a.x_axis[3], a.x_channel
    beside = code.compare("==", step, code.size)
    many = code.both(beside, code.compare(">=", count, code.lanes))
    dense = code.both(beside, code.compare("==", pixel, code.mul(count, code.size)))
    few = code.both(code.inverse(many), code.both(dense, code.compare("<=", count, max(FEW))))
    elements = code.both(code.inverse(many), code.inverse(few))
    with code.when(many):
        turn(code, View(code, source, channel), View(code, out, pixel), count, columns)
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
