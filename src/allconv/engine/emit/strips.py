"""Sums of strips: numbers side by side, one strip after another, in the order of `sixteen`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.sixteen import PARTS
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View

POWERS = (1, 2, 4, 8)  # below PARTS


def strips(
    code: Code, x: View, pitch: Index, n: Index, width: Index, out: View, memory: Index
) -> None:
    """out = the sum of n >= 1 strips of `width` numbers that lie `pitch` bytes apart.

    Partial sums lie in `memory`. A part of a vector is written behind their ends and that of `out`.
    """
    sums = View(code, memory, code.mul(width, code.size))
    many = code.compare(">", n, 2 * PARTS)
    with code.when(many):
        _take_all(code, x, pitch, n, width, sums)
    source = View(code, code.select(many, memory, x.address))
    step, count = code.select(many, sums.strides[0], pitch), code.select(many, PARTS, n)
    left = _fold(code, source, step, count, width, sums)
    for each in POWERS:
        with code.when(code.compare("==", left, each)):
            _join(code, sums, each, width, out)


def _take_all(code: Code, x: View, pitch: Index, n: Index, width: Index, sums: View) -> None:
    """More than 2*PARTS strips to PARTS partial sums, two at a time while there are so many."""
    two = 2 * PARTS

    def in_turn(of: Sequence[ir.Value]) -> ir.Value:
        return reduce(code.fadd, of)

    _take(code, x, pitch, (0, PARTS), PARTS, width, sums, in_turn)
    pairs = code.sub(n, code.rem(n, two))
    with code.loop(pairs, start=two, step=two) as i:
        here = x.moved(code.mul(i, pitch))
        _take(code, here, pitch, (0, PARTS), PARTS, width, sums, in_turn, add=True)
    with code.loop(n, start=pairs, step=PARTS) as i:
        left, here = code.min(code.sub(n, i), PARTS), x.moved(code.mul(i, pitch))
        _take(code, here, pitch, (0,), left, width, sums, in_turn, add=True)


def _fold(code: Code, x: View, pitch: Index, n: Index, width: Index, sums: View) -> Index:
    """At most 2*PARTS strips to a power of two of sums, whose number is returned.

    Each is that of the partial sums so many strips apart, of one to four strips.
    """
    half: Index = POWERS[0]
    for each in POWERS[1:]:
        half = code.select(code.compare(">", n, each), each, half)
    # So many of the sums have a strip number 0, 1, 2, 3.
    have = [code.max(code.min(code.sub(n, code.mul(half, k)), half), 0) for k in range(4)]

    def in_halves(of: Sequence[ir.Value]) -> ir.Value:
        parts = [reduce(code.fadd, of[k::2]) for k in range(min(len(of), 2))]
        return reduce(code.fadd, parts)

    for count in (4, 3, 2, 1):  # ascending: what is written behind an end is overwritten
        start = have[count] if count < 4 else 0
        number = code.sub(have[count - 1], start)
        with code.when(code.compare(">", number, 0)):
            taken = [code.mul(half, k) for k in range(count)]
            here, there = (
                x.moved(code.mul(start, pitch)),
                sums.moved(code.mul(start, *sums.strides)),
            )
            _take(code, here, pitch, taken, number, width, there, in_halves)
    return half


def _take(
    code: Code,
    x: View,
    pitch: Index,
    strips: Sequence[Index],
    n: Index,
    width: Index,
    sums: View,
    total: Callable[[Sequence[ir.Value]], ir.Value],
    *,
    add: bool = False,
) -> None:
    """sums[i] = the `total` of these strips counted from strip i, for n of them.

    With `add` the sum is the first of the numbers. What follows each other is one strip. The zeros
    behind the end of a strip change nothing of the next sum, or are overwritten by it.
    """
    follow = code.compare("==", pitch, sums.strides[0])
    width = code.select(follow, code.mul(n, width), width)
    with code.loop(code.select(follow, 1, n), at_least_once=True) as i:
        here = [x.moved(code.mul(code.add(i, strip), pitch)).anew() for strip in strips]

        def take(at: Index, vectors: int, mask: Mask) -> None:
            for v in range(vectors):
                there = sums[i].moved(at)
                before = [there.vector(v)] if add else []  # all of it: zeros change nothing
                read = [strip.moved(at).vector(v, mask) for strip in here]
                there.store(total([*before, *read]), v)

        each_vector(code, width, 4, take)


def _join(code: Code, sums: View, n: int, width: Index, out: View) -> None:
    """out = the sum of n partial sums, a power of two of them."""

    def join(at: Index, vectors: int, mask: Mask) -> None:
        here = sums.moved(at)
        level = [[here[part].vector(v, mask) for v in range(vectors)] for part in range(n)]
        while len(level) > 1:
            half = len(level) // 2
            level = [
                list(map(code.fadd, *pair)) for pair in zip(level[:half], level[half:], strict=True)
            ]
        for v, each in enumerate(level[0]):
            out.moved(at).store(each, v)

    each_vector(code, width, 2, join)


def copy(
    code: Code, x: View, out: View, n: Index, change: Callable[[ir.Value], ir.Value] | None = None
) -> None:
    """Write n numbers that follow each other, passed through `change`."""

    def move(at: Index, vectors: int, mask: Mask) -> None:
        for v in range(vectors):
            read = x.moved(at).vector(v, mask)
            out.moved(at).store(change(read) if change else read, v, mask)

    each_vector(code, n, 4, move)


def each_vector(
    code: Code,
    n: Index,
    side: int,
    body: Callable[[Index, int, Mask], None],
    *,
    ends: bool = False,
) -> None:
    """body(bytes from the start, vectors, mask) over n numbers: `side` vectors, then one.

    `ends` says that n is a number of whole vectors.
    """
    start: Index = 0
    for vectors in (side, 1):
        step = vectors * code.lanes
        end = code.mul(code.div(n, step), step)
        with code.loop(end, start=start, step=step) as i:
            body(code.mul(i, code.size), vectors, None)
        start = end
    if not ends:
        with code.when(code.compare("<", start, n)):
            body(code.mul(start, code.size), 1, code.mask(code.sub(n, start)))
