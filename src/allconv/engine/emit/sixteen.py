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
ROW = 2 * PARTS  # numbers at most of the rows that are summed up together
SIDE = 4  # vectors in a turn of a loop over memory


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
    return code.reduce(code.fadd, _one_vector(code, sums))


def _one_vector(code: Code, sums: Sequence[ir.Value]) -> ir.Value:
    """The upper halves of the registers added onto the lower ones, which may be all there are."""
    level, half = list(sums), PARTS // code.lanes
    while half > 1:
        half //= 2
        upper = level[half:]
        level = [
            code.fadd(x, upper[v]) if v < len(upper) else x for v, x in enumerate(level[:half])
        ]
    return level[0]


def along(code: Code, x: View, n: Index) -> ir.Value:
    """The sum of n numbers that follow each other in memory, as a scalar."""
    sums = empty(code)
    whole = code.sub(n, code.rem(n, PARTS))
    with code.loop(whole, step=PARTS, carry=sums) as i:
        here = x.moved(code.mul(i, code.size))
        sums[:] = [code.fadd(part, here.vector(v)) for v, part in enumerate(sums)]
    with code.when(code.compare("<", whole, n), carry=sums):
        here = x.moved(code.mul(whole, code.size))
        masks = code.masks(code.sub(n, whole), len(sums))
        sums[:] = [code.fadd(s, here.vector(v, masks[v])) for v, s in enumerate(sums)]
    return joined(code, sums)


def rows_along(code: Code, x: View, pitch: Index, rows: Index, n: Index, out: View) -> None:
    """out[row] = the sum of each row of 1 <= n <= ROW numbers, of rows `pitch` bytes apart."""
    lanes = code.lanes
    few = code.compare("<", rows, lanes)
    with code.loop(code.select(few, rows, 0)) as row:
        total = along(code, x.moved(code.mul(row, pitch)), n)
        out.moved(code.mul(row, code.size)).store_scalar(total)
    many = code.select(few, 0, rows)
    for vectors in range(1, ROW // lanes + 1):
        is_so_wide = code.compare("==", code.ceil_div(n, lanes), vectors)
        with code.loop(code.select(is_so_wide, many, 0), step=lanes) as next_row:
            first = code.min(next_row, code.sub(rows, lanes))  # the last ones once more
            masks = [*[None] * (vectors - 1), code.mask(code.sub(n, (vectors - 1) * lanes))]
            here = x.moved(code.mul(first, pitch))
            sums = [_row(code, here.moved(code.mul(pitch, row)), masks) for row in range(lanes)]
            total = code.reduce_each(code.fadd, sums)
            out.moved(code.mul(first, code.size)).store(total)


def _row(code: Code, x: View, masks: Sequence[Mask]) -> ir.Value:
    """A row of a few vectors, whose lanes are still to be added up."""
    sums: list[ir.Value] = []
    for v, mask in enumerate(masks):
        read, part = x.vector(v, mask), v % (PARTS // code.lanes)
        if part < len(sums):
            sums[part] = code.fadd(sums[part], read)
        else:
            sums.append(read)
    return _one_vector(code, sums)


class Strips:
    """Sixteen partial sums of `width` numbers each, in memory: sums of strips, number by number."""

    def __init__(self, code: Code, address: Index, width: Index) -> None:
        self.code = code
        self.width = width
        self.pitch = code.mul(width, code.size)
        self.sums = View(code, address, self.pitch)

    def sum(self, x: View, pitch: Index, n: Index, out: View) -> None:
        """out = the sum of n >= 1 strips that lie `pitch` bytes apart."""
        code = self.code
        self._take(x, pitch, code.min(n, PARTS), self._put)
        with code.loop(n, start=PARTS, step=PARTS) as i:
            left = code.min(code.sub(n, i), PARTS)
            self._take(x.moved(code.mul(i, pitch)), pitch, left, self._add)
        parts, half = code.min(n, PARTS), PARTS // 2
        while half:
            with code.when(code.compare("<", half, parts)):
                pairs = code.mul(code.sub(parts, half), self.width)
                each_vector(code, pairs, self._adding(self.sums[half]))
            parts, half = code.min(parts, half), half // 2
        copy(code, self.sums, out, self.width)

    def _take(
        self, x: View, pitch: Index, n: Index, take: Callable[[View, View, Index, Mask], None]
    ) -> None:
        """n strips, each for the next partial sum; strips that follow each other are one."""
        code = self.code
        follows = code.compare("==", pitch, self.pitch)
        width = code.select(follows, code.mul(n, self.width), self.width)
        with code.loop(code.select(follows, 1, n), at_least_once=True) as i:
            here, out = x.moved(code.mul(i, pitch)), self.sums[i]
            each_vector(code, width, lambda at, mask: take(here, out, at, mask))

    def _put(self, x: View, out: View, at: Index, mask: Mask) -> None:
        out.moved(at).store(x.moved(at).vector(0, mask), 0, mask)

    def _add(self, x: View, out: View, at: Index, mask: Mask) -> None:
        total = self.code.fadd(out.moved(at).vector(0, mask), x.moved(at).vector(0, mask))
        out.moved(at).store(total, 0, mask)

    def _adding(self, x: View) -> Callable[[Index, Mask], None]:
        return lambda at, mask: self._add(x, self.sums, at, mask)


def copy(
    code: Code, x: View, out: View, n: Index, change: Callable[[ir.Value], ir.Value] | None = None
) -> None:
    """Write n numbers that follow each other, passed through `change`."""

    def move(at: Index, mask: Mask) -> None:
        read = x.moved(at).vector(0, mask)
        out.moved(at).store(change(read) if change else read, 0, mask)

    each_vector(code, n, move)


def each_vector(code: Code, n: Index, body: Callable[[Index, Mask], None]) -> None:
    """body(bytes from the start, mask) for every vector of n numbers."""
    start: Index = 0
    for side in (SIDE, 1):
        step = side * code.lanes
        end = code.mul(code.div(n, step), step)
        with code.loop(end, start=start, step=step) as i:
            for v in range(side):
                body(code.mul(code.add(i, v * code.lanes), code.size), None)
        start = end
    with code.when(code.compare("<", start, n)):
        body(code.mul(start, code.size), code.mask(code.sub(n, start)))
