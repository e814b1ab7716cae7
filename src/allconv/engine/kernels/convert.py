"""Numbers of one dtype as those of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.vector import SIZES
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.copy import add_copy
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import FLOATS

SPLIT = 8192  # elements of a chunk


@dataclass(frozen=True, kw_only=True)
class CastArguments(Arguments[T]):
    """The arrays; how many elements there are, in all and in a chunk."""

    source: T
    out: T
    total: T
    block: T


@dataclass(frozen=True)
class Cast(Kernel):
    """out[i] = source[i] for `total` elements, `source` of dtype `of`; a chunk is `block` elements.

    Vectors are as long as those of the wider dtype, which is the kernel's.
    """

    of: str
    to: str

    takes: ClassVar = CastArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(CastArguments)
        first = code.mul(code.chunk, a.block)
        last = code.min(code.add(first, a.block), a.total)
        source = View(code, a.source, SIZES[self.of], dtype=self.of)
        out = View(code, a.out, SIZES[self.to], dtype=self.to)
        with code.loop(last, start=first, step=code.lanes) as i:
            mask = code.mask(code.sub(last, i))
            out[i].store(self.converted(code, source[i].vector(0, mask)), 0, mask)

    def converted(self, code: Code, x: ir.Value) -> ir.Value:
        """The numbers as those of the other dtype."""
        if self.of not in FLOATS or self.to in FLOATS:
            return code.convert(x, self.to)
        # Without what is behind the point: 0 for NaN, the last integer for what is beyond.
        beyond = 1 << 8 * SIZES[self.to] - 1  # a float, as the largest integer is not
        below, above = code.fcompare("<", x, float(-beyond)), code.fcompare(">=", x, float(beyond))
        outside = code.builder.or_(code.builder.or_(below, above), code.is_nan(x))
        whole = code.convert(code.select(outside, code.const(0.0, self.of), x), self.to)
        whole = code.select(below, code.const(-beyond, self.to), whole)
        return code.select(above, code.const(beyond - 1, self.to), whole)


def lower_convert(planner: Planner, node: Node) -> bool:
    """One pass over an operand in either layout; the result lies as the operand does."""
    layout = "last" if planner.read(node.inputs[0]).has("last") else "rows"
    source = planner.read(node.inputs[0], layout)
    out = planner.result(node.outputs[0], layout)
    total = source.spec.size
    if source.spec.dtype == out.spec.dtype:
        add_copy(planner, source, out)
    elif total:
        kernel = Cast(planner.target, "float64", source.spec.dtype, out.spec.dtype)
        arguments = CastArguments[Argument](source=source, out=out, total=total, block=SPLIT)
        planner.step(kernel, arguments, writes=[out], chunks=-(-total // SPLIT))
    return True
