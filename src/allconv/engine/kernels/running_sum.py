"""Running sums along an axis, in float64 and in their order: the bits of the definition."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernels.over_axis import AxisArguments, OverAxis, add_step, inner_size
from allconv.engine.plan import Planner
from allconv.graph import Node
from allconv.operators.take import RunningSum

DOUBLE = ir.DoubleType()


@dataclass(frozen=True)
class Running(OverAxis):
    """out[outer, p, inner] = x[outer, 0, inner] + ... + x[outer, p, inner].

    `exclusive`: without the last of them; `reverse`: from the end.
    """

    exclusive: bool
    reverse: bool

    def out(self, code: Code, outer: Index, first: Index) -> View:
        """As x lies."""
        a = code.arguments(AxisArguments)
        start = code.add(code.mul(outer, a.cells, a.inner), first)
        return View(code, code.add(a.out, code.mul(start, code.size)), code.mul(a.inner, code.size))

    def vectors(self, code: Code, x: View, out: View, at: Index, vectors: int, mask: Mask) -> None:
        """A total in each lane."""
        totals = [code.const(0.0, "float64")] * vectors
        with code.loop(code.arguments(AxisArguments).cells, carry=totals) as p:
            cell = self._cell(code, p)
            source, to = x[cell].moved(at), out[cell].moved(at)
            for v, before in enumerate(list(totals)):
                number = code.convert(source.vector(v, mask), "float64")
                totals[v] = code.fadd(before, number)
                y = before if self.exclusive else totals[v]
                to.store(code.convert(y, code.dtype), v, mask)

    def line(self, code: Code, x: View, out: View) -> None:
        """One total."""
        total, narrow = [ir.Constant(DOUBLE, 0.0)], code.dtype == "float32"
        with code.loop(code.arguments(AxisArguments).cells, carry=total) as p:
            cell, before = self._cell(code, p), total[0]
            number = x[cell].scalar()
            total[0] = code.fadd(before, code.builder.fpext(number, DOUBLE) if narrow else number)
            y = before if self.exclusive else total[0]
            out[cell].store_scalar(code.builder.fptrunc(y, code.scalar) if narrow else y)

    def _cell(self, code: Code, p: Index) -> Index:
        """The p-th cell on the way."""
        last = code.sub(code.arguments(AxisArguments).cells, 1)
        return code.sub(last, p) if self.reverse else p


def lower_running(planner: Planner, node: Node) -> bool:
    """A step; the result lies as the operand does."""
    operator, (value,), (y,) = node.of(RunningSum), node.inputs, node.outputs
    layout = "rows" if planner.read(value).has("rows") else "last"
    x, out = planner.read(value, layout), planner.result(y, layout)
    if out.spec.size:
        inner = inner_size(x, layout, operator.axis)
        kernel = Running(planner.target, y.dtype, inner > 1, operator.exclusive, operator.reverse)
        add_step(planner, kernel, x, out, x.shape[operator.axis], inner)
    return True
