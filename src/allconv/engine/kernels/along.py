"""Elements at indices along an axis, taken or added up: each has an index of its own.

Indices are data: each is compared with the size of the axis before anything is read by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.strips import each_vector
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.over_axis import CHUNK_WORK, CHUNKS, STRIP, inner_size
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.order import PutAlong, TakeAlong


@dataclass(frozen=True, kw_only=True)
class AlongArguments(Arguments[T]):
    """The arrays; the cells that indices name, how many cells of indices there are, the elements of
    a cell, and the strips that these are cut into; how many strips there are, in all and in a
    chunk."""

    source: T
    index: T
    out: T
    size: T
    count: T
    inner: T
    strips: T
    units: T
    block: T


@dataclass(frozen=True)
class Along(Kernel):
    """Elements of cells, of which each has an index at the same place; a chunk is `block` strips.

    "take"  out[outer, p, i] = source[outer, index[outer, p, i], i], 0 where there is no such cell
    "put"   out[outer, j, i] = the sum of source[outer, p, i] over the p whose index is j, in order
    """

    mode: str

    takes: ClassVar = AlongArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a, taking = code.arguments(AlongArguments), self.mode == "take"
        with code.units(a.block, a.units) as unit:
            outer, strip = code.counted(unit, a.strips)
            first = code.mul(strip, STRIP)
            width = code.min(code.sub(a.inner, first), STRIP)

            def strip_of(array: Index, cells: Index, item: int, dtype: str) -> View:
                start = code.add(code.mul(outer, cells, a.inner), first)
                address = code.add(array, code.mul(start, item))
                return View(code, address, code.mul(a.inner, item), item, dtype=dtype)

            index = strip_of(a.index, a.count, 8, "int64")
            source = strip_of(a.source, a.size if taking else a.count, code.size, code.dtype)
            out = strip_of(a.out, a.count if taking else a.size, code.size, code.dtype)
            if not taking:
                self._clear(code, out, width)
            with code.loop(a.count) as p, code.loop(width) as i:
                j = index[p, i].scalar()
                if taking:
                    found = [code.scalar(0.0)]
                    with code.when(code.within(j, a.size), found):
                        found[0] = source[j, i].scalar()
                    out[p, i].store_scalar(found[0])
                else:
                    with code.when(code.within(j, a.size)):
                        total = code.fadd(out[j, i].scalar(), source[p, i].scalar())
                        out[j, i].store_scalar(total)

    def _clear(self, code: Code, out: View, width: Index) -> None:
        """Zeros in all cells of a strip; where that is all there is they follow each other."""
        a = code.arguments(AlongArguments)
        alone = code.compare("==", a.strips, 1)
        length = code.select(alone, code.mul(a.size, width), width)
        with code.loop(code.select(alone, code.min(a.size, 1), a.size)) as j:
            row = out[j]

            def blank(at: Index, vectors: int, mask: Mask) -> None:
                for v in range(vectors):
                    row.moved(at).store(code.const(0.0), v, mask)

            each_vector(code, length, 4, blank)


def lower_along(planner: Planner, node: Node) -> bool:
    """A step; the result and the indices lie as the operand does."""
    operator, (value, indices), (y,) = node.of(TakeAlong, PutAlong), node.inputs, node.outputs
    layout = "rows" if planner.read(value).has("rows") else "last"
    x, index = planner.read(value, layout), planner.read(indices, layout)
    out = planner.result(y, layout)
    if not out.spec.size:
        return True
    taking, axis = isinstance(operator, TakeAlong), operator.axis
    inner = inner_size(out, layout, axis)
    strips = -(-inner // STRIP)
    units = out.spec.size // (out.shape[axis] * inner) * strips
    block = -(-units // max(1, min(CHUNKS, (index.spec.size + out.spec.size) // CHUNK_WORK)))
    arguments = AlongArguments[Argument](
        source=x, index=index, out=out, size=(x if taking else out).shape[axis],
        count=index.shape[axis], inner=inner, strips=strips, units=units, block=block,
    )  # fmt: skip
    kernel = Along(planner.target, y.dtype, "take" if taking else "put")
    planner.step(kernel, arguments, writes=[out], chunks=-(-units // block))
    return True
