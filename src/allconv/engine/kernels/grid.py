"""The numbers of cells at places of whole numbers: what images are read at between their cells."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.over_axis import CHUNK_WORK
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Number
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.grid import CellNumber

AXES = 3  # of an image


@dataclass(frozen=True, kw_only=True)
class CellArguments(Arguments[T]):
    """The places of each axis, its size, and the result; how many places an image has, the cells of
    all images; how many places there are, in all of the image and in a chunk, and its chunks."""

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
    arguments = CellArguments[Number](
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


LOWERINGS: dict[type[Operator], Lowering] = {CellNumber: lower_cell_number}
