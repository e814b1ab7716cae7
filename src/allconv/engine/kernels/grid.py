"""Images read between their cells: the numbers of cells at places, and their weighted sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod
from typing import ClassVar

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.strips import each_vector
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.over_axis import CHUNK_WORK, CHUNKS, VECTORS
from allconv.engine.kernels.take import from_front
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.grid import CellNumber, CellSum

AXES = 3  # of an image


@dataclass(frozen=True, kw_only=True)
class CellArguments(Arguments[T]):
    """The places along each axis, its size, and the result; how many places an image has; the
    number that stands for no cell; the places of a chunk, and the chunks of an image."""

    place: tuple[T, ...] = several(AXES)
    size: tuple[T, ...] = several(AXES)
    out: T
    places: T
    nowhere: T
    block: T
    blocks: T


@dataclass(frozen=True)
class CellNumbers(Kernel):
    """out[n, p] = the number of the cell at place[:, n, p] of image n, or `nowhere`; a chunk is
    `block` places of an image."""

    axes: int

    takes: ClassVar = CellArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(CellArguments)
        image, block = code.counted(code.chunk, a.blocks)
        first = code.mul(block, a.block)
        last = code.min(code.add(first, a.block), a.places)
        row = code.mul(image, a.places)
        with code.loop(last, start=first, step=code.lanes) as p:
            mask = code.mask(code.sub(last, p))
            number, everywhere = code.splat(code.value(image)), None
            for at, n in zip(a.place[: self.axes], a.size, strict=False):
                v = View(code, at, code.size)[code.add(row, p)].vector(0, mask)
                size = code.splat(code.builder.sitofp(code.value(n), code.scalar))
                inside = code.builder.and_(code.fcompare(">=", v, 0.0), code.fcompare("<", v, size))
                cell = code.convert(code.select(inside, v, code.const(0.0)), "int64")
                number = code.integer("+", code.integer("*", number, code.splat(n)), cell)
                everywhere = inside if everywhere is None else code.builder.and_(everywhere, inside)
            found = code.select(everywhere, number, code.splat(a.nowhere))
            View(code, a.out, 8, dtype="int64")[code.add(row, p)].store(found, 0, mask)


def lower_cell_number(planner: Planner, node: Node) -> bool:
    """Chunks of each image."""
    operator, (number,) = node.of(CellNumber), node.outputs
    axes = len(operator.image)
    if axes > AXES:
        return False
    places = [planner.read(value, "rows") for value in node.inputs]
    out = planner.result(number, "rows")
    if not out.spec.size:
        return True
    images, count = out.shape[0], prod(out.shape[1:])
    block = min(count, CHUNK_WORK)
    blocks = -(-count // block)
    arguments = CellArguments[Argument](
        place=(*places, *(0,) * (AXES - axes)),
        size=(*operator.image, *(0,) * (AXES - axes)),
        out=out,
        places=count,
        nowhere=images * prod(operator.image),
        block=block,
        blocks=blocks,
    )
    kernel = CellNumbers(planner.target, node.inputs[0].dtype, axes)
    planner.step(kernel, arguments, writes=[out], chunks=images * blocks)
    return True


@dataclass(frozen=True, kw_only=True)
class SumArguments(Arguments[T]):
    """The arrays; how many cells there are, and the elements of one; how many taps a place has; how
    many places there are, in all and in a chunk."""

    x: T
    number: T
    weight: T
    out: T
    cells: T
    inner: T
    taps: T
    places: T
    block: T


@dataclass(frozen=True)
class CellSums(Kernel):
    """out[p] = the sum of weight[t, p] * x[number[t, p]] over the taps t, in their order, 0 for
    what is no cell; a chunk is `block` places."""

    takes: ClassVar = SumArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(SumArguments)
        pitch = code.mul(a.inner, code.size)
        with code.units(a.block, a.places) as p:
            out = View(code, code.add(a.out, code.mul(p, pitch)))
            each_vector(code, a.inner, VECTORS, partial(self._vectors, code, p, out))

    def _vectors(
        self, code: Code, p: Index, out: View, at: Index, vectors: int, mask: Mask
    ) -> None:
        a, totals = code.arguments(SumArguments), [code.const(0.0)] * vectors
        x = View(code, a.x, code.mul(a.inner, code.size))
        with code.loop(a.taps, carry=totals) as t:
            tap = code.add(code.mul(t, a.places), p)
            j = from_front(code, View(code, a.number, 8, dtype="int64")[tap].scalar(), a.cells)
            weight = code.splat(View(code, a.weight, code.size)[tap].scalar())
            found = [code.const(0.0)] * vectors
            with code.when(code.within(j, a.cells), found):
                found[:] = [x[j].moved(at).vector(v, mask) for v in range(vectors)]
            for v, each in enumerate(found):
                totals[v] = code.fadd(totals[v], code.fmul(weight, each))
        for v, total in enumerate(totals):
            out.moved(at).store(total, v, mask)


def lower_cell_sum(planner: Planner, node: Node) -> bool:
    """A step."""
    x, number, weight = (planner.read(value, "rows") for value in node.inputs)
    out = planner.result(node.outputs[0], "rows")
    if not out.spec.size:
        return True
    (taps, places), inner = number.shape, x.shape[1]
    block = -(-places // max(1, min(CHUNKS, taps * out.spec.size // CHUNK_WORK)))
    arguments = SumArguments[Argument](
        x=x,
        number=number,
        weight=weight,
        out=out,
        cells=x.shape[0],
        inner=inner,
        taps=taps,
        places=places,
        block=block,
    )
    kernel = CellSums(planner.target, node.outputs[0].dtype)
    planner.step(kernel, arguments, writes=[out], chunks=-(-places // block))
    return True


LOWERINGS: dict[type[Operator], Lowering] = {
    CellNumber: lower_cell_number,
    CellSum: lower_cell_sum,
}
