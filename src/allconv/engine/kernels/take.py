"""Cells of an axis at indices, taken or added up: one list of indices for all that lies around.

Indices are data: each is compared with the size of the axis before anything is read by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.strips import copy, each_vector
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.over_axis import CHUNK_WORK, CHUNKS, inner_size
from allconv.engine.kernels.running_sum import lower_running
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.take import AddAt, RunningSum, Take

STRIP = 64  # indices of a unit of what is taken
SCANNED = 16  # elements of a cell that are worth reading all indices once more


@dataclass(frozen=True, kw_only=True)
class IndexedArguments(Arguments[T]):
    """The arrays and the indices; the cells of the axis that these name, how many indices there
    are, the elements of a cell; the strips of the result, of `strip` cells; how many units there
    are, in all and in a chunk."""

    source: T
    index: T
    out: T
    size: T
    count: T
    inner: T
    strip: T
    strips: T
    units: T
    block: T


@dataclass(frozen=True)
class _Indexed(Kernel):
    """What these share. A unit is a strip of the result; `across`: cells have several elements."""

    across: bool

    takes: ClassVar = IndexedArguments

    def index(self, code: Code, p: Index) -> Index:
        """The p-th index, counted from the front."""
        a = code.arguments(IndexedArguments)
        return from_front(code, View(code, a.index, 8, dtype="int64")[p].scalar(), a.size)


def from_front(code: Code, j: Index, size: Index) -> Index:
    """An index counted from the front: one from -size to -1 counts from the end."""
    return code.select(code.compare("<", j, 0), code.add(j, size), j)


@dataclass(frozen=True)
class TakeCells(_Indexed):
    """out[outer, p, inner] = source[outer, index[p], inner], NaN, or with `zeros` 0, where there is
    no such cell."""

    zeros: bool

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(IndexedArguments)
        pitch = code.mul(a.inner, code.size)
        with code.units(a.block, a.units) as unit:
            outer, strip = code.counted(unit, a.strips)
            source = View(code, code.add(a.source, code.mul(outer, a.size, pitch)), pitch)
            out = View(code, code.add(a.out, code.mul(outer, a.count, pitch)), pitch)
            first = code.mul(strip, a.strip)
            last = code.min(code.add(first, a.strip), a.count)
            with code.loop(last, start=first, at_least_once=True) as p:
                self._cell(code, source, self.index(code, p), out[p])

    def _cell(self, code: Code, source: View, j: Index, out: View) -> None:
        a, nothing = code.arguments(IndexedArguments), 0.0 if self.zeros else nan
        found = code.within(j, a.size)
        if not self.across:
            taken = [ir.Constant(code.scalar, nothing)]
            with code.when(found, taken):
                taken[0] = source[j].scalar()
            out.store_scalar(taken[0])
            return

        def blank(at: Index, vectors: int, mask: Mask) -> None:
            for v in range(vectors):
                out.moved(at).store(code.const(nothing), v, mask)

        with code.either(found) as (inside, outside):
            with inside:
                copy(code, source[j], out, a.inner)
            with outside:
                each_vector(code, a.inner, 4, blank)


@dataclass(frozen=True)
class AddCells(_Indexed):
    """out[outer, j, inner] = sum of source[outer, p, inner] over the p whose index is j, in the
    order of p."""

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(IndexedArguments)
        pitch = code.mul(a.inner, code.size)
        with code.units(a.block, a.units) as unit:
            outer, strip = code.counted(unit, a.strips)
            source = View(code, code.add(a.source, code.mul(outer, a.count, pitch)), pitch)
            first = code.mul(strip, a.strip)
            cells = code.min(code.sub(a.size, first), a.strip)
            start = code.mul(code.add(code.mul(outer, a.size), first), pitch)
            out = View(code, code.add(a.out, start), pitch)

            def blank(at: Index, vectors: int, mask: Mask, out: View = out) -> None:
                for v in range(vectors):
                    out.moved(at).store(code.const(0.0), v, mask)

            each_vector(code, code.mul(cells, a.inner), 4, blank)
            with code.loop(a.count) as p:
                j = code.sub(self.index(code, p), first)
                with code.when(code.within(j, cells)):
                    self._add(code, source[p], out[j])

    def _add(self, code: Code, x: View, out: View) -> None:
        if not self.across:
            out.store_scalar(code.fadd(out.scalar(), x.scalar()))
            return

        def add(at: Index, vectors: int, mask: Mask) -> None:
            for v in range(vectors):
                here = out.moved(at)
                here.store(code.fadd(here.vector(v, mask), x.moved(at).vector(v, mask)), v, mask)

        each_vector(code, code.arguments(IndexedArguments).inner, 4, add)


def _operands(planner: Planner, node: Node) -> tuple[str, tuple[Place, Place, Place]]:
    """The layout of the operand and the result; they, and the indices between them."""
    value, indices = node.inputs
    layout = "rows" if planner.read(value).has("rows") else "last"
    read = planner.read(value, layout), planner.read(indices, "rows")
    return layout, (*read, planner.result(node.outputs[0], layout))


def lower_take(planner: Planner, node: Node) -> bool:
    """A step; the result lies as the operand does."""
    operator, (y,) = node.of(Take), node.outputs
    layout, (x, index, out) = _operands(planner, node)
    if not x.spec.size:
        fill(planner, out, 0.0 if operator.zeros else nan)
    elif out.spec.size:
        inner = inner_size(x, layout, operator.axis)
        kernel = TakeCells(planner.target, y.dtype, inner > 1, operator.zeros)
        _add_step(planner, kernel, (x, index, out), operator.axis, inner, STRIP)
    return True


def lower_add_at(planner: Planner, node: Node) -> bool:
    """Likewise; in as many strips as are worth reading all indices for each of them."""
    operator, (x,) = node.of(AddAt), node.outputs
    layout, (y, index, out) = _operands(planner, node)
    if out.spec.size:
        size, inner = operator.size, inner_size(out, layout, operator.axis)
        outer = out.spec.size // (inner * size)
        work = (y.spec.size + out.spec.size) // outer
        strips = max(1, min(CHUNKS // outer, work // CHUNK_WORK, inner // SCANNED, size))
        kernel = AddCells(planner.target, x.dtype, inner > 1)
        _add_step(planner, kernel, (y, index, out), operator.axis, inner, -(-size // strips))
    return True


def _add_step(
    planner: Planner,
    kernel: _Indexed,
    places: tuple[Place, Place, Place],
    axis: int,
    inner: int,
    strip: int,
) -> None:
    """Strips of so many cells of the result, in chunks."""
    source, index, out = places
    cells = out.shape[axis]
    strips = -(-cells // strip)
    units = out.spec.size // (cells * inner) * strips
    block = -(-units // max(1, min(CHUNKS, (source.spec.size + out.spec.size) // CHUNK_WORK)))
    arguments = IndexedArguments[Argument](
        source=source,
        index=index,
        out=out,
        size=source.shape[axis] if isinstance(kernel, TakeCells) else cells,
        count=index.shape[0],
        inner=inner,
        strip=strip,
        strips=strips,
        units=units,
        block=block,
    )
    planner.step(kernel, arguments, writes=[out], chunks=-(-units // block))


LOWERINGS: dict[type[Operator], Lowering] = {
    Take: lower_take,
    AddAt: lower_add_at,
    RunningSum: lower_running,
}
