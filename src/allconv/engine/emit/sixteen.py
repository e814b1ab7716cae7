"""Sixteen partial sums: the order in which a run of numbers is added, for every vector width.

Number i belongs to partial sum i mod 16, which takes its numbers in ascending order; then halves
of the partial sums are added onto each other: 8 and 8, 4 and 4, 2 and 2, 1 and 1. A partial sum
without numbers adds nothing, or 0.0: only the sign of a zero can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llvmlite import ir

from allconv.engine.buffer import LINE
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
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


class RunSums:
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


def of_each(code: Code, x: View, pitch: Index, masks: Sequence[Mask]) -> ir.Value:
    """The sums of `lanes` runs `pitch` bytes apart, each a vector of numbers for each mask."""
    rows = []
    for number in range(code.lanes):
        row = x.moved(code.mul(pitch, number))
        for line in range(0, len(masks) * code.lanes * code.size, LINE):
            row.moved(AHEAD + line).prefetch()  # masked loads do not show where they lead
        rows.append(_pair_of_parts(code, [row.vector(v, mask) for v, mask in enumerate(masks)]))
    return code.reduce_each(code.fadd, rows)


def _pair_of_parts(code: Code, read: Sequence[ir.Value]) -> ir.Value:
    """The partial sums of a run of at most 2*PARTS numbers."""
    count = PARTS // code.lanes
    sums = [code.fadd(a, b) for a, b in zip(read, read[count:], strict=False)]
    sums += read[len(sums) : count]
    return in_one(code, [*sums, *[code.const(0.0)] * (count - len(sums))])


def by_vectors(code: Code, n: Index) -> Iterator[tuple[Condition, list[Mask]]]:
    """Whether 1 <= n <= 2*PARTS numbers are 1, 2, ... vectors, and the masks of each."""
    for vectors in range(1, 2 * PARTS // code.lanes + 1):
        before = (vectors - 1) * code.lanes
        is_that = code.compare("==", code.ceil_div(n, code.lanes), vectors)
        yield is_that, [*[None] * (vectors - 1), code.mask(code.sub(n, before))]


def store_apart(code: Code, x: ir.Value, out: View, step: Index) -> None:
    """Write the lanes of a vector `step` bytes apart."""
    with code.either(code.compare("==", step, code.size)) as (then, otherwise):
        with then:
            out.store(x)
        with otherwise:
            for lane in range(code.lanes):
                out.moved(code.mul(step, lane)).store_scalar(code.lane(x, lane))


def few_apart(code: Code, n: int, x: View) -> ir.Value:
    """The sums of `lanes` runs of n numbers, all of which follow each other."""
    cells = code.apart([x.vector(v) for v in range(n)])
    half = PARTS // 2
    while half:
        pairs = zip(cells, cells[half:], strict=False)
        cells[: max(len(cells) - half, 0)] = [code.fadd(a, b) for a, b in pairs]
        cells, half = cells[:half], half // 2
    return cells[0]


def side_by_side(code: Code, width: int, x: View, n: Index | None) -> list[ir.Value]:
    """The partial sums of a run of n cells (None: 2*PARTS) of `width` numbers, a vector for each.

    n is at least 1 and at most 2*PARTS.
    """
    count = width * 2 * PARTS // code.lanes
    masks = [None] * count if n is None else code.masks(code.mul(n, width), count)
    read = [x.vector(v, mask) for v, mask in enumerate(masks)]
    while len(read) > width:  # halves of the cells onto each other, still number beside number
        half = len(read) // 2
        read = [code.fadd(a, b) for a, b in zip(read[:half], read[half:], strict=True)]
    return code.apart(read)


def write_totals(code: Code, sums: View, n: Index, out: View) -> None:
    """out[i] = the lanes of vector i added up, of n vectors; a few more are read and written."""
    lanes = code.lanes
    with code.loop(n, step=lanes, at_least_once=True) as i:
        here = sums.moved(code.mul(i, lanes * code.size))
        total = code.reduce_each(code.fadd, [here.vector(v) for v in range(lanes)])
        out.moved(code.mul(i, code.size)).store(total)
