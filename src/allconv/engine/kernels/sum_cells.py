"""Sums over listed cells of an axis: vectors over whatever lies contiguous inside of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Number
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.sum_cells import SumCells

CHUNKS = 64  # of a step, at most, unless they would be too long
CHUNK_WORK = (16384, 4_000_000)  # elements of a chunk, at least and at most


@dataclass(frozen=True, kw_only=True)
class CellSumArguments(Arguments[T]):
    """The arrays and the tables of cells; how many rows there are, in all and in a chunk; the rows
    and the source cells of an image, and the elements of a cell."""

    source: T
    out: T
    starts: T
    cells: T
    rows: T
    block: T
    count: T
    size: T
    inner: T


@dataclass(frozen=True)
class CellSum(Kernel):
    """out[row, inner] = sum over the cells of the row; a chunk is `block` rows (outer, p).

    The cells of p are `cells[starts[p]]` to `cells[starts[p + 1] - 1]`.
    """

    takes: ClassVar = CellSumArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(CellSumArguments)
        starts = View(code, a.starts, 8, dtype="int64")
        cells = View(code, a.cells, 8, dtype="int64")
        pitch = code.mul(a.inner, code.size)
        with code.units(a.block, a.rows) as row:
            outer, p = code.counted(row, a.count)
            begin, end = starts[p].scalar(), starts[code.add(p, 1)].scalar()
            source = View(code, code.add(a.source, code.mul(outer, a.size, pitch)), pitch)
            out = View(code, code.add(a.out, code.mul(row, pitch)))
            with code.loop(a.inner, step=code.lanes) as i:
                mask, along = code.mask(code.sub(a.inner, i)), code.mul(i, code.size)
                total = [code.const(0.0)]
                with code.loop(end, start=begin, carry=total) as t:
                    x = source[cells[t].scalar()].moved(along).vector(0, mask)
                    total[0] = code.fadd(total[0], x)
                out.moved(along).store(total[0], 0, mask)


def lower_cells(planner: Planner, node: Node) -> bool:
    """One step; images keep their channels innermost."""
    operator = node.of(SumCells)
    x, out = planner.read(node.inputs[0], "last"), planner.result(node.outputs[0], "last")
    if not out.spec.size:
        return True
    rank = len(out.shape)
    order = [0, *range(2, rank), 1] if rank > 2 else list(range(rank))
    at = order.index(operator.axis)
    inner = prod(out.shape[a] for a in order[at + 1 :])
    rows, lists = out.spec.size // inner, operator.cells
    work = inner * sum(map(len, lists)) * (rows // len(lists))
    least, most = CHUNK_WORK
    block = -(-rows // max(1, min(CHUNKS, work // least), -(-work // most)))
    arguments = CellSumArguments[Number](
        source=x,
        out=out,
        starts=planner.constant(np.cumsum([0, *map(len, lists)], dtype=np.int64)),
        cells=planner.constant(np.array([j for each in lists for j in each] or [0], np.int64)),
        rows=rows,
        block=block,
        count=len(lists),
        size=operator.size,
        inner=inner,
    )
    kernel = CellSum(planner.target, node.outputs[0].dtype)
    planner.step(kernel, arguments, writes=[out], chunks=-(-rows // block))
    return True


LOWERINGS: dict[type[Operator], Lowering] = {SumCells: lower_cells}
