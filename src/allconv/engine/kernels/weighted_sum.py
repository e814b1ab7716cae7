"""Weighted sums of listed cells of an axis: vectors over whatever lies contiguous inside of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.copy import add_copy
from allconv.engine.place import Place, Storage, layout_strides, size_in_bytes
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.resize import SparseMatrix

CHUNKS = 64  # of a step, at most, unless they would be too long
CHUNK_WORK = (16384, 4_000_000)  # elements of a chunk, at least and at most


@dataclass(frozen=True, kw_only=True)
class WeightedArguments(Arguments[T]):
    """The arrays and the table of cells; how many rows there are, in all and in a chunk; the rows
    and the source cells of an image, and the elements of a cell."""

    source: T
    out: T
    starts: T
    cells: T
    weights: T
    rows: T
    block: T
    count: T
    size: T
    inner: T


@dataclass(frozen=True)
class WeightedSum(Kernel):
    """out[row, inner] = sum of weight * cell over the cells of the row; a chunk is `block` rows.

    The cells of row (outer, p) are those from starts[p] to starts[p + 1] - 1.
    """

    takes: ClassVar = WeightedArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(WeightedArguments)
        starts = View(code, a.starts, 8, dtype="int64")
        cells = View(code, a.cells, 8, dtype="int64")
        weights = View(code, a.weights, code.size)
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
                    weight = code.splat(weights[t].scalar())
                    total[0] = code.fadd(total[0], code.fmul(weight, x))
                out.moved(along).store(total[0], 0, mask)


def axis_by_axis(planner: Planner, node: Node, maps: Sequence[tuple[int, SparseMatrix]]) -> None:
    """One step an axis; images keep their channels innermost."""
    x, out = planner.read(node.inputs[0], "last"), planner.result(node.outputs[0], "last")
    if not out.spec.size:
        return
    if not maps:
        add_copy(planner, x, out)
    for number, (axis, table) in enumerate(maps):
        y = out if number == len(maps) - 1 else _between(x, axis, len(table.starts) - 1)
        _weighted(planner, x, y, axis, table)
        x = y


def _between(x: Place, axis: int, count: int) -> Place:
    """Memory for what one axis of another size makes of an image."""
    spec = x.spec.with_shape((*x.shape[:axis], count, *x.shape[axis + 1 :]))
    return Place(Storage("arena", size_in_bytes(spec)), spec, layout_strides(spec, "last"))


def _weighted(planner: Planner, x: Place, out: Place, axis: int, table: SparseMatrix) -> None:
    rank = len(out.shape)
    order = [0, *range(2, rank), 1] if rank > 2 else list(range(rank))
    inner = prod(out.shape[a] for a in order[order.index(axis) + 1 :])
    count = len(table.starts) - 1
    rows = out.spec.size // inner
    work = max(inner * len(table.cells) * (rows // count), 1)
    least, most = CHUNK_WORK
    block = -(-rows // max(1, min(CHUNKS, work // least), -(-work // most)))
    some = len(table.cells) > 0
    arguments = WeightedArguments[Argument](
        source=x,
        out=out,
        starts=planner.constant(table.starts),
        cells=planner.constant(table.cells if some else np.zeros(1, np.int64)),
        weights=planner.constant((table.weights if some else np.zeros(1)).astype(out.spec.dtype)),
        rows=rows,
        block=block,
        count=count,
        size=x.shape[axis],
        inner=inner,
    )
    kernel = WeightedSum(planner.target, out.spec.dtype)
    planner.step(kernel, arguments, writes=[out], chunks=-(-rows // block))
