"""Sixteen partial sums: the order in which numbers are added, the same for every vector width.

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
    """The partial sums in registers, added up."""
    level = list(sums)
    while len(level) > 1:
        half = len(level) // 2
        level = [code.fadd(x, y) for x, y in zip(level[:half], level[half:], strict=True)]
    return code.reduce(code.fadd, level[0])


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


class Strips:
    """Sixteen partial sums of `width` numbers each, in memory: sums of strips, number by number.

    `step` is how many bytes apart the numbers of a strip that is read lie; None: side by side.
    """

    def __init__(self, code: Code, address: Index, width: Index, step: Index | None = None) -> None:
        self.code = code
        self.width = width
        self.pitch = code.mul(width, code.size)
        self.step = step
        self.sums = View(code, address, self.pitch)

    def add_rows(self, x: View, pitch: Index, n: Index) -> None:
        """Take n >= 1 strips that lie `pitch` bytes apart, the first ones of a run."""
        code = self.code
        self._rows(x, pitch, code.min(n, PARTS), self._put)
        with code.loop(n, start=PARTS, step=PARTS) as i:
            left = code.min(code.sub(n, i), PARTS)
            self._rows(x.moved(code.mul(i, pitch)), pitch, left, self._add)

    def add(self, x: View, i: Index) -> None:
        """Take the i-th strip of a run, which lies side by side."""
        code = self.code
        out = self.sums[code.rem(i, PARTS)]
        with code.either(code.compare("<", i, PARTS)) as (then, otherwise):
            with then:
                self._each(self.width, lambda c, mask: self._put(out, c, mask, _vector(x, c, mask)))
            with otherwise:
                self._each(self.width, lambda c, mask: self._add(out, c, mask, _vector(x, c, mask)))

    def join(self, n: Index) -> View:
        """Add up the partial sums of n strips; the strip lies in the first one."""
        code = self.code
        parts, half = code.min(n, PARTS), PARTS // 2
        while half:
            with code.when(code.compare("<", half, parts)):
                upper = self.sums[half]
                self._each(
                    code.mul(code.sub(parts, half), self.width),
                    lambda c, mask, upper=upper: self._add(
                        self.sums, c, mask, _vector(upper, c, mask)
                    ),
                )
            parts, half = code.min(parts, half), half // 2
        return self.sums

    def write(self, out: View, finish: Callable[[ir.Value], ir.Value]) -> None:
        """Write the strip that `join` left, each vector passed through `finish`."""
        self._each(
            self.width,
            lambda c, mask: out.moved(c).store(finish(_vector(self.sums, c, mask)), 0, mask),
        )

    def _rows(
        self, x: View, pitch: Index, n: Index, take: Callable[[View, Index, Mask, ir.Value], None]
    ) -> None:
        """n strips, each for the next partial sum; strips that follow each other are one."""
        code, width = self.code, self.width
        if self.step is None:
            follows = code.compare("==", pitch, self.pitch)
            width = code.select(follows, code.mul(n, width), width)
            n = code.select(follows, 1, n)
        with code.loop(n, at_least_once=True) as i:
            here, out = x.moved(code.mul(i, pitch)), self.sums[i]
            if self.step is None:
                self._each(width, lambda c, mask: take(out, c, mask, _vector(here, c, mask)))
            else:
                self._scattered(here, out, take)

    def _scattered(
        self, x: View, out: View, take: Callable[[View, Index, Mask, ir.Value], None]
    ) -> None:
        """A strip whose numbers lie `step` bytes apart."""
        code = self.code
        with code.loop(self.width, step=code.lanes, at_least_once=True) as c:
            left = code.sub(self.width, c)
            read = x.moved(code.mul(c, self.step or 0)).spread(self.step or 0, left)
            take(out, code.mul(c, code.size), code.mask(left), read)

    def _put(self, out: View, c: Index, mask: Mask, x: ir.Value) -> None:
        out.moved(c).store(x, 0, mask)

    def _add(self, out: View, c: Index, mask: Mask, x: ir.Value) -> None:
        out.moved(c).store(self.code.fadd(_vector(out, c, mask), x), 0, mask)

    def _each(self, n: Index, body: Callable[[Index, Mask], None]) -> None:
        """body(bytes from the start, mask) for every vector of n numbers."""
        code = self.code
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


def _vector(x: View, distance: Index, mask: Mask) -> ir.Value:
    return x.moved(distance).vector(0, mask)
