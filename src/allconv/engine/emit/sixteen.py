"""Sixteen partial sums: the order in which a run of numbers is added, for every vector width.

Number i belongs to partial sum i mod 16, which takes its numbers in ascending order; then halves
of the partial sums are added onto each other: 8 and 8, 4 and 4, 2 and 2, 1 and 1. A partial sum
without numbers adds nothing, or 0.0: only the sign of a zero can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View

PARTS = 16
AHEAD = 2048  # bytes from what is read to what is prefetched


def empty(code: Code) -> list[ir.Value]:
    """Sixteen zeros, in registers."""
    return [code.const(0.0)] * (PARTS // code.lanes)


def added(code: Code, sums: Sequence[ir.Value], x: ir.Value) -> list[ir.Value]:
    """The partial sums after the next `lanes` numbers.

    The register whose turn it is comes first. They may stay turned: halves that are added onto
    each other remain as far apart.
    """
    return [*sums[1:], code.fadd(sums[0], x)]


def joined(code: Code, sums: Sequence[ir.Value]) -> ir.Value:
    """The partial sums in registers, added up to a scalar."""
    return code.reduce(code.fadd, in_one(code, sums))


def in_one(code: Code, sums: Sequence[ir.Value]) -> ir.Value:
    """The partial sums in one register, its lanes still to be added up."""
    level = list(sums)
    while len(level) > 1:
        half = len(level) // 2
        level = [code.fadd(x, y) for x, y in zip(level[:half], level[half:], strict=True)]
    return level[0]


class Runs:
    """Runs of numbers that follow each other in memory, each summed up but for `in_one`'s lanes."""

    def __init__(self, code: Code, n: Index) -> None:
        """Of n numbers, or of any multiple of PARTS."""
        self.code = code
        self.mask = code.mask(code.rem(n, code.lanes))

    def sums(self, x: View, n: Index) -> ir.Value:
        """The partial sums of a run."""
        code, sums = self.code, empty(self.code)
        whole = code.sub(n, code.rem(n, code.lanes))
        pairs = code.sub(n, code.rem(n, 2 * PARTS))
        with code.loop(pairs, step=2 * PARTS, carry=sums) as i:
            here = x.moved(code.mul(i, code.size))
            for v in range(2 * PARTS // code.lanes):
                sums[:] = added(code, sums, here.vector(v))
        with code.loop(whole, start=pairs, step=code.lanes, carry=sums) as i:
            sums[:] = added(code, sums, x.moved(code.mul(i, code.size)).vector())
        with code.when(code.compare("<", whole, n), carry=sums):
            last = x.moved(code.mul(whole, code.size)).vector(0, self.mask)
            sums[:] = added(code, sums, last)
        return in_one(code, sums)


def pair_of_parts(code: Code, x: View, masks: Sequence[Mask]) -> ir.Value:
    """The partial sums of a run of at most 2*PARTS numbers, a vector for each of the masks."""
    count = PARTS // code.lanes
    read = [x.vector(v, mask) for v, mask in enumerate(masks)]
    sums = [code.fadd(a, b) for a, b in zip(read, read[count:], strict=False)]
    sums += read[len(sums) : count]
    return in_one(code, [*sums, *[code.const(0.0)] * (count - len(sums))])


def short_rows(code: Code, x: View, pitch: Index, rows: Index, n: Index, out: View) -> None:
    """out[row] = the sum of each of rows >= lanes rows of 1 <= n <= 2*PARTS numbers."""
    lanes = code.lanes
    for vectors in range(1, 2 * PARTS // lanes + 1):
        is_so_wide = code.compare("==", code.ceil_div(n, lanes), vectors)
        masks = [*[None] * (vectors - 1), code.mask(code.sub(n, (vectors - 1) * lanes))]
        with code.loop(code.select(is_so_wide, rows, 0), step=lanes) as following:
            first = code.min(following, code.sub(rows, lanes))  # the last ones once more
            here = x.moved(code.mul(first, pitch))
            total = []
            for number in range(lanes):
                row = here.moved(code.mul(pitch, number))
                row.moved(AHEAD).prefetch()  # masked loads do not show processors where they lead
                total.append(pair_of_parts(code, row, masks))
            out.moved(code.mul(first, code.size)).store(code.reduce_each(code.fadd, total))


def write_totals(code: Code, sums: View, n: Index, out: View) -> None:
    """out[i] = the lanes of vector i added up, of n vectors; a few more are read and written."""
    lanes = code.lanes
    with code.loop(n, step=lanes, at_least_once=True) as i:
        here = sums.moved(code.mul(i, lanes * code.size))
        total = code.reduce_each(code.fadd, [here.vector(v) for v in range(lanes)])
        out.moved(code.mul(i, code.size)).store(total)


def strips(
    code: Code, x: View, pitch: Index, n: Index, width: Index, out: View, memory: Index
) -> None:
    """out = the sum of n >= 1 strips of `width` numbers that lie `pitch` bytes apart.

    Up to PARTS strips are added in registers; more are added to partial sums in `memory` first, as
    they come. A part of a vector is written behind the ends of `out` and of the partial sums.
    """
    sums = View(code, memory, code.mul(width, code.size))
    few = code.compare("<=", n, PARTS)
    with code.when(code.inverse(few)):
        _take(code, x, pitch, PARTS, width, sums, add=False)
    with code.loop(code.select(few, 0, n), start=PARTS, step=PARTS) as i:
        left = code.min(code.sub(n, i), PARTS)
        _take(code, x.moved(code.mul(i, pitch)), pitch, left, width, sums, add=True)
    source = View(code, code.select(few, x.address, memory))
    step = code.select(few, pitch, sums.strides[0])
    parts = code.min(n, PARTS)

    def join(at: Index, vectors: int, mask: Mask) -> None:
        total = _halves(code, source.moved(at), step, parts, 0, 1, vectors, mask)
        for v, each in enumerate(total):
            out.moved(at).store(each, v)

    each_vector(code, width, 4 if code.target.registers >= 32 else 2, join)


def _take(
    code: Code, x: View, pitch: Index, n: Index, width: Index, sums: View, *, add: bool
) -> None:
    """n strips, each for the next partial sum; strips that follow each other are one.

    The zeros behind the end of a strip change nothing of the next sum, or are overwritten by it.
    """
    follow = code.compare("==", pitch, sums.strides[0])
    width = code.select(follow, code.mul(n, width), width)
    with code.loop(code.select(follow, 1, n), at_least_once=True) as i:
        here, out = x.moved(code.mul(i, pitch)), sums[i]

        def take(at: Index, vectors: int, mask: Mask) -> None:
            for v in range(vectors):
                read, there = here.moved(at).vector(v, mask), out.moved(at)
                there.store(code.fadd(there.vector(v), read) if add else read, v)

        each_vector(code, width, 4, take)


def _halves(
    code: Code, x: View, pitch: Index, n: Index, part: int, apart: int, vectors: int, mask: Mask
) -> list[ir.Value]:
    """The partial sums part, part + apart, part + 2*apart ... of n that lie `pitch` bytes apart.

    Those at odd places are added onto those at even places, so that what is held is little.
    """
    if apart == PARTS:
        here = x.moved(code.mul(part, pitch))
        return [here.vector(v, mask) for v in range(vectors)]
    total = _halves(code, x, pitch, n, part, 2 * apart, vectors, mask)
    with code.when(code.compare("<", part + apart, n), carry=total):
        others = _halves(code, x, pitch, n, part + apart, 2 * apart, vectors, mask)
        total[:] = [code.fadd(a, b) for a, b in zip(total, others, strict=True)]
    return total


def copy(
    code: Code, x: View, out: View, n: Index, change: Callable[[ir.Value], ir.Value] | None = None
) -> None:
    """Write n numbers that follow each other, passed through `change`."""

    def move(at: Index, vectors: int, mask: Mask) -> None:
        for v in range(vectors):
            read = x.moved(at).vector(v, mask)
            out.moved(at).store(change(read) if change else read, v, mask)

    each_vector(code, n, 4, move)


def each_vector(code: Code, n: Index, side: int, body: Callable[[Index, int, Mask], None]) -> None:
    """body(bytes from the start, vectors, mask) over n numbers: `side` vectors, then one."""
    start: Index = 0
    for vectors in (side, 1):
        step = vectors * code.lanes
        end = code.mul(code.div(n, step), step)
        with code.loop(end, start=start, step=step) as i:
            body(code.mul(i, code.size), vectors, None)
        start = end
    with code.when(code.compare("<", start, n)):
        body(code.mul(start, code.size), 1, code.mask(code.sub(n, start)))
