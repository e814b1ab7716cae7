"""The band: the part of the input that one chunk needs, packed into scratch memory.

Layout [channel block][tap 0][tap 1][row][column][pitch]. Padding, the layout of the source and
negative padding (cropping) end here; no other code knows of borders. A pixel has `pitch` channels,
so that the offsets of the rows of a register tile are constants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index

SLOTS = (
    "x", "xn", "xg", "xc", "x0", "x1", "x2", "x3", "i0", "i1", "i2", "i3",
    "f0", "f1", "f2", "f3", "s0", "s1", "s2", "d0", "d1", "d2", "d3",
    "bt0", "bt1", "u2", "u3", "bc", "blocks", "block",
)  # fmt: skip
"""Source x with strides and sizes i; offsets f, strides s, dilations d; the band's extents
(taps bt0, bt1, rows u2, columns u3), channels bc in `blocks` blocks of `block`."""


def pitch_of(channels: int) -> int:
    """Channels that a pixel of a band has room for."""
    if channels >= 64:
        return 64
    return channels if channels <= 4 else -(-channels // 8) * 8


@dataclass(frozen=True)
class Band:
    """The strides of a packed band, in bytes."""

    address: Index
    pixel: int
    row: Index
    tap1: Index
    tap0: Index
    block: Index


def emit_band(
    code: Code,
    pitch: int,
    address: Index,
    image: Index,
    group: Index,
    start: tuple[Index, Index, Index, Index],
) -> Band:
    """Pack the band whose first cell is `start` (source coordinates, may lie outside)."""
    pixel = pitch * code.size
    row = code.mul(code.arg("u3"), pixel)
    tap1 = code.mul(code.arg("u2"), row)
    tap0 = code.mul(code.arg("bt1"), tap1)
    block = code.mul(code.arg("bt0"), tap0)
    band = Band(address, pixel, row, tap1, tap0, block)
    source = code.add(
        code.arg("x"), code.mul(image, code.arg("xn")), code.mul(group, code.arg("xg"))
    )
    first = code.min(code.max(code.sub(0, start[3]), 0), code.arg("u3"))
    last = code.max(code.min(code.sub(code.arg("i3"), start[3]), code.arg("u3")), first)
    with code.loop(code.arg("blocks")) as cb:
        channel = code.mul(cb, code.arg("block"))
        count = code.min(code.sub(code.arg("bc"), channel), code.arg("block"))
        plane = code.add(source, code.mul(channel, code.arg("xc")))
        with code.loop(code.arg("bt0")) as t0, code.loop(code.arg("bt1")) as t1:
            a0 = code.add(start[0], code.mul(t0, code.arg("d0")))
            a1 = code.add(start[1], code.mul(t1, code.arg("d1")))
            outer = code.both(code.within(a0, code.arg("i0")), code.within(a1, code.arg("i1")))
            here = code.add(plane, code.mul(a0, code.arg("x0")), code.mul(a1, code.arg("x1")))
            there = code.add(address, code.mul(cb, block), code.mul(t0, tap0), code.mul(t1, tap1))
            with code.loop(code.arg("u2")) as u:
                a2 = code.add(start[2], u)
                inside = code.both(outer, code.within(a2, code.arg("i2")))
                out = code.add(there, code.mul(u, row))
                line = code.add(
                    here, code.mul(a2, code.arg("x2")), code.mul(start[3], code.arg("x3"))
                )
                with code.either(inside) as (then, otherwise):
                    with then:
                        emit_zeros(code, out, code.mul(first, pitch))
                        _row(code, pitch, line, out, first, last, count)
                        rest = code.sub(code.arg("u3"), last)
                        emit_zeros(
                            code, code.add(out, code.mul(last, pixel)), code.mul(rest, pitch)
                        )
                    with otherwise:
                        emit_zeros(code, out, code.mul(code.arg("u3"), pitch))
    return band


def emit_zeros(code: Code, address: Index, count: Index) -> None:
    """Set `count` elements to zero."""
    from allconv.engine.emit.view import View

    with code.loop(count, step=code.lanes) as i:
        mask = code.mask(code.sub(count, i))
        View(code, code.add(address, code.mul(i, code.size))).store(code.const(0.0), 0, mask)


def _row(
    code: Code, pitch: int, line: Index, out: Index, first: Index, last: Index, count: Index
) -> None:
    """Pixels first ... last - 1 of a row: one run, vectors a pixel, or element by element."""
    from allconv.engine.emit.view import View

    pixel = pitch * code.size
    step, channel = code.arg("x3"), code.arg("xc")
    close = code.compare("==", channel, code.size)
    whole = code.both(code.compare("==", step, pixel), code.compare("==", count, pitch))
    with code.either(code.both(close, whole)) as (run, other):
        with run:
            n = code.mul(code.sub(last, first), pitch)
            source, target = (
                code.add(line, code.mul(first, pixel)),
                code.add(out, code.mul(first, pixel)),
            )
            _copy(code, source, target, n)
        with other, code.either(close) as (vectors, elements):
            with vectors, code.loop(last, start=first) as column:
                source = code.add(line, code.mul(column, step))
                _copy(code, source, code.add(out, code.mul(column, pixel)), count)
            with elements, code.loop(count) as c:
                source = code.add(line, code.mul(c, channel))
                target = code.add(out, code.mul(c, code.size))
                with code.loop(last, start=first) as column:
                    x = View(code, code.add(source, code.mul(column, step))).scalar()
                    View(code, code.add(target, code.mul(column, pixel))).store_scalar(x)


def _copy(code: Code, source: Index, target: Index, n: Index) -> None:
    """Copy a run: four vectors a turn, then one with a mask."""
    from allconv.engine.emit.view import View

    wide = 4 * code.lanes
    whole = code.mul(code.div(n, wide), wide)
    with code.loop(whole, step=wide) as i:
        x, y = (View(code, code.add(a, code.mul(i, code.size))) for a in (source, target))
        for v in range(4):
            y.store(x.vector(v), v)
    with code.loop(n, step=code.lanes, start=whole) as i:
        mask = code.mask(code.sub(n, i))
        x, y = (View(code, code.add(a, code.mul(i, code.size))) for a in (source, target))
        y.store(x.vector(0, mask), 0, mask)
