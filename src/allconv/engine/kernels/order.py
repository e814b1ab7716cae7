"""Where the largest numbers of an axis are.

Numbers are compared as integers (`emit.ranking`), among which NaN is one more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import I64, Index
from allconv.engine.emit.ranking import counts, integers, largest, limits, rank, smallest
from allconv.engine.emit.strips import each_vector
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.place import layout_strides
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Number
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.order import ArgExtreme

STRIP = 512  # elements of a strip across the axis
VECTORS = 4  # of a strip, side by side
MOST_CELLS = 2**31  # of an axis: float32 counts them in as many bits
CHUNKS = 64  # of a step, at most
CHUNK_WORK = 16384  # elements, at least, of a chunk


@dataclass(frozen=True, kw_only=True)
class ExtremeArguments(Arguments[T]):
    """The arrays; the cells of the axis, the elements of a cell, and the strips that these are cut
    into; how many strips there are, in all and in a chunk."""

    x: T
    out: T
    cells: T
    inner: T
    strips: T
    units: T
    block: T


@dataclass(frozen=True)
class Extreme(Kernel):
    """out[outer, inner] = the index of the largest x[outer, :, inner], the first or `last` of
    several; a chunk is `block` strips.

    `across`: vectors of `inner`; else inner is 1, and vectors lie along the axis.
    """

    smallest: bool
    last: bool
    across: bool

    takes: ClassVar = ExtremeArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(ExtremeArguments)
        with code.units(a.block, a.units) as unit:
            outer, strip = code.counted(unit, a.strips)
            first = code.mul(strip, STRIP)
            start = code.add(code.mul(outer, a.cells, a.inner), first)
            x = View(code, code.add(a.x, code.mul(start, code.size)), code.mul(a.inner, code.size))
            cell = code.add(code.mul(outer, a.inner), first)
            out = View(code, code.add(a.out, code.mul(cell, 8)), dtype="int64")
            if self.across:
                width = code.min(code.sub(a.inner, first), STRIP)
                each_vector(code, width, VECTORS, partial(self._across, code, x, out))
            else:
                self._along(code, x, out)

    def _across(self, code: Code, x: View, out: View, at: Index, vectors: int, mask: Mask) -> None:
        """Vectors side by side, from cell to cell."""
        a = code.arguments(ExtremeArguments)
        carry = self._none(code) * vectors
        with code.loop(a.cells, carry=carry, at_least_once=True) as cell:
            row, number = x[cell].moved(at), counts(code, cell, 0)
            for v in range(vectors):
                here = slice(2 * v, 2 * v + 2)
                carry[here] = self._better(code, row.vector(v, mask), number, mask, carry[here])
        for v, index in enumerate(carry[1::2]):
            there = out.moved(code.mul(at, 8 // code.size))
            there.store(code.convert(index, "int64"), v, mask)

    def _along(self, code: Code, x: View, out: View) -> None:
        """One vector after the other, and the best of its lanes."""
        a, (least, most) = code.arguments(ExtremeArguments), limits(code)
        carry = self._none(code)
        with code.loop(a.cells, step=code.lanes, carry=carry, at_least_once=True) as cell:
            mask = code.mask(code.sub(a.cells, cell))
            carry[:] = self._better(code, x[cell].vector(0, mask), counts(code, cell), mask, carry)
        ranks, index = carry
        first = code.icompare("==", ranks, code.splat(largest(code, ranks)))
        if self.last:
            found = largest(code, code.select(first, index, code.const(least, integers(code))))
        else:
            found = smallest(code, code.select(first, index, code.const(most, integers(code))))
        out.store_scalar(code.builder.sext(found, I64))

    def _none(self, code: Code) -> list[ir.Value]:
        """Ranks and indices before the first cell."""
        kind = integers(code)
        return [code.const(limits(code)[0], kind), code.const(0, kind)]

    def _better(
        self, code: Code, x: ir.Value, number: ir.Value, mask: Mask, best: list[ir.Value]
    ) -> list[ir.Value]:
        """Ranks and indices, those of x where these are better."""
        ranks, index = best
        new = rank(code, x, falling=self.smallest)
        new = code.select(mask, new, self._none(code)[0])
        better = code.icompare(">=" if self.last else ">", new, ranks)
        return [code.select(better, new, ranks), code.select(better, number, index)]


def lower_extreme(planner: Planner, node: Node) -> bool:
    """The operand stays in its layout, where the result has one that follows it."""
    operator, (value,), (index,) = node.of(ArgExtreme), node.inputs, node.outputs
    cells = value.shape[operator.axis]
    if cells >= MOST_CELLS:
        return False
    rows = planner.read(value).has("rows") or operator.axis == 0
    layout = "rows" if rows else "last"
    x = planner.read(value, layout)
    out = planner.result(index, "rows" if operator.axis == 1 else layout)
    if not out.spec.size:
        return True
    inner = layout_strides(x.spec, layout)[operator.axis] // x.item
    strips = -(-inner // STRIP)
    units = out.spec.size // inner * strips
    block = -(-units // max(1, min(CHUNKS, x.spec.size // CHUNK_WORK)))
    kernel = Extreme(
        planner.target, value.dtype, operator.smallest, operator.last, across=inner > 1
    )
    arguments = ExtremeArguments[Number](
        x=x, out=out, cells=cells, inner=inner, strips=strips, units=units, block=block
    )
    planner.step(kernel, arguments, writes=[out], chunks=-(-units // block))
    return True


LOWERINGS: dict[type[Operator], Lowering] = {ArgExtreme: lower_extreme}
