"""Products of many matrices: tiles of a few rows, in vectors over the columns of the second."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import Array, Operator
from allconv.operators.matmul import MatMul

ROWS, VECTORS = 6, 2  # of a tile: 12 registers of sums, 3 of what is multiplied
CHUNKS = 64  # of a step, at most, unless they would be too long
CHUNK_WORK = (65536, 4_000_000)  # products of a chunk, at least and at most


@dataclass(frozen=True, kw_only=True)
class ProductArguments(Arguments[T]):
    """The arrays, where the matrices of each product begin, their sizes, and byte strides; the
    tiles of rows of a matrix, of all, and of a chunk."""

    a: T
    b: T
    out: T
    a_starts: T
    b_starts: T
    rows: T
    inner: T
    columns: T
    a_row: T
    a_cell: T
    b_row: T
    tiles: T
    units: T
    block: T


@dataclass(frozen=True)
class Products(Kernel):
    """out[n] = a[n] @ b[n]; a chunk is `block` tiles of rows. Every sum runs in the order of k.

    Rows that a tile has too many are the last one again, and are not written.
    """

    takes: ClassVar = ProductArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(ProductArguments)
        pitch, size = code.mul(a.columns, code.size), code.size
        a_starts, b_starts = (
            View(code, each, 8, dtype="int64") for each in (a.a_starts, a.b_starts)
        )
        with code.units(a.block, a.units) as unit:
            matrix, tile = code.counted(unit, a.tiles)
            first = code.mul(tile, ROWS)
            rows = [code.min(code.add(first, r), code.sub(a.rows, 1)) for r in range(ROWS)]
            left = View(code, code.add(a.a, a_starts[matrix].scalar()))
            right = View(code, code.add(a.b, b_starts[matrix].scalar()))
            out = View(code, code.add(a.out, code.mul(matrix, a.rows, pitch)))
            offsets = [code.mul(row, a.a_row) for row in rows]
            with code.loop(a.columns, step=VECTORS * code.lanes) as column:
                masks = code.masks(code.sub(a.columns, column), VECTORS)
                along = code.mul(column, size)
                total = [code.const(0.0)] * (ROWS * VECTORS)
                with code.loop(a.inner, carry=total) as k:
                    b_row = right.moved(code.add(along, code.mul(k, a.b_row)))
                    vectors = [b_row.vector(v, mask) for v, mask in enumerate(masks)]
                    cell = left.moved(code.mul(k, a.a_cell))
                    for r, offset in enumerate(offsets):
                        x = code.splat(cell.moved(offset).scalar())
                        for v, y in enumerate(vectors):
                            at = r * VECTORS + v
                            total[at] = code.fma(x, y, total[at])
                for r in range(ROWS):
                    with code.when(code.compare("<", code.add(first, r), a.rows)):
                        row = out.moved(code.add(along, code.mul(code.add(first, r), pitch)))
                        for v, mask in enumerate(masks):
                            row.store(total[r * VECTORS + v], v, mask)


def lower_products(planner: Planner, node: Node) -> bool:
    """One step; the columns of the second operand lie side by side."""
    if not node.outputs[0].spec.is_float:
        return False
    a, b = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    if b.shape[-1] > 1 and b.strides[-1] != b.item:
        b = planner.copied(b, "rows")
    out = planner.result(node.outputs[0], "rows")
    if not out.spec.size:
        return True
    *batch, rows, columns = out.shape
    inner, tiles = a.shape[-1], -(-rows // ROWS)
    units = prod(batch) * tiles
    work = units * ROWS * columns * max(inner, 1)
    least, most = CHUNK_WORK
    block = -(-units // max(1, min(CHUNKS, work // least), -(-work // most)))
    arguments = ProductArguments[Argument](
        a=a,
        b=b,
        out=out,
        a_starts=planner.constant(_starts(a, batch)),
        b_starts=planner.constant(_starts(b, batch)),
        rows=rows,
        inner=inner,
        columns=columns,
        a_row=a.strides[-2],
        a_cell=a.strides[-1],
        b_row=b.strides[-2],
        tiles=tiles,
        units=units,
        block=block,
    )
    kernel = Products(planner.target, node.outputs[0].dtype)
    planner.step(kernel, arguments, writes=[out], chunks=-(-units // block))
    return True


def _starts(place: Place, batch: list[int]) -> Array:
    """How far the matrix of each product lies from the first, in bytes."""
    lead = len(batch) - (len(place.shape) - 2)
    starts = np.zeros(batch, np.int64)
    for axis, n in enumerate(place.shape[:-2]):
        if n > 1:
            steps = np.arange(n, dtype=np.int64) * place.strides[axis]
            starts += steps.reshape((-1, *(1,) * (len(batch) - lead - axis - 1)))
    return starts.reshape(-1)


LOWERINGS: dict[type[Operator], Lowering] = {MatMul: lower_products}
