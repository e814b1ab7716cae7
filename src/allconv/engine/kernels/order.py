"""Where the largest numbers of an axis are.

Numbers are compared by their ranks, which are integers (`emit.ranking`); NaN has one, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import I64, Index
from allconv.engine.emit.ranking import ascending, largest, limits, rank, rank_dtype, smallest
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernels.along import lower_along
from allconv.engine.kernels.over_axis import AxisArguments, OverAxis, add_step, inner_size
from allconv.engine.kernels.top import lower_top
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.order import ArgExtreme, PutAlong, TakeAlong, TopK

MOST_CELLS = 2**31  # of an axis: float32 counts them in as many bits


@dataclass(frozen=True)
class Extreme(OverAxis):
    """out[outer, inner] = the index of the largest x[outer, :, inner], the first or `last` of
    several."""

    smallest: bool
    last: bool

    def out(self, code: Code, outer: Index, first: Index) -> View:
        """Indices without the axis."""
        a = code.arguments(AxisArguments)
        start = code.add(code.mul(outer, a.inner), first)
        return View(code, code.add(a.out, code.mul(start, 8)), dtype="int64")

    def vectors(self, code: Code, x: View, out: View, at: Index, vectors: int, mask: Mask) -> None:
        """The best of each lane."""
        a = code.arguments(AxisArguments)
        carry = self._none(code) * vectors
        with code.loop(a.cells, carry=carry, at_least_once=True) as cell:
            row, number = x[cell].moved(at), ascending(code, cell, 0)
            for v in range(vectors):
                here = slice(2 * v, 2 * v + 2)
                carry[here] = self._better(code, row.vector(v, mask), number, mask, carry[here])
        for v, index in enumerate(carry[1::2]):
            there = out.moved(code.mul(at, 8 // code.size))
            there.store(code.convert(index, "int64"), v, mask)

    def line(self, code: Code, x: View, out: View) -> None:
        """One vector after the other, and the best of its lanes."""
        a, (least, most) = code.arguments(AxisArguments), limits(code)
        carry = self._none(code)
        with code.loop(a.cells, step=code.lanes, carry=carry, at_least_once=True) as cell:
            mask = code.mask(code.sub(a.cells, cell))
            carry[:] = self._better(
                code, x[cell].vector(0, mask), ascending(code, cell), mask, carry
            )
        ranks, index = carry
        first = code.icompare("==", ranks, code.splat(largest(code, ranks)))
        if self.last:
            found = largest(code, code.select(first, index, code.const(least, rank_dtype(code))))
        else:
            found = smallest(code, code.select(first, index, code.const(most, rank_dtype(code))))
        out.store_scalar(code.builder.sext(found, I64))

    def _none(self, code: Code) -> list[ir.Value]:
        """Ranks and indices before the first cell."""
        kind = rank_dtype(code)
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
    inner = inner_size(x, layout, operator.axis)
    kernel = Extreme(planner.target, value.dtype, inner > 1, operator.smallest, operator.last)
    add_step(planner, kernel, x, out, cells, inner)
    return True


LOWERINGS: dict[type[Operator], Lowering] = {
    ArgExtreme: lower_extreme,
    TopK: lower_top,
    TakeAlong: lower_along,
    PutAlong: lower_along,
}
