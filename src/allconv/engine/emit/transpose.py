"""A matrix in memory transposed: its rows become columns, block by block in registers."""

from __future__ import annotations

from llvmlite import ir

from allconv.engine.buffer import LINE
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.view import View

AHEAD = 2 * LINE  # bytes from what is read to what is fetched


def transpose(code: Code, source: View, out: View, rows: Index, columns: Index) -> None:
    """out[j][i] = source[i][j], in blocks of registers; j runs along the source, i along out."""
    line = LINE // code.size  # numbers of a row that are read together
    with code.loop(columns, step=line) as j, code.loop(rows, step=code.lanes) as i:
        below = code.sub(rows, i)
        for row in range(code.lanes):  # rows lie so far apart that no processor sees a pattern
            far = code.mul(code.add(i, row), *source.strides), code.mul(j, code.size), AHEAD
            source.moved(code.add(*far)).prefetch(near=False)
        for first in range(0, line, code.lanes):
            along = code.add(j, first)
            here = source.moved(code.add(code.mul(i, *source.strides), code.mul(along, code.size)))
            there = out.moved(code.add(code.mul(along, *out.strides), code.mul(i, code.size)))
            _some(code, here, there, below, code.sub(columns, along))


def _some(code: Code, source: View, out: View, rows: Index, columns: Index) -> None:
    """A block, of which so many rows and columns exist, if any do. There is code for each way to
    read and to write a block that is cut, but only once for the shuffles, which take long to
    compile."""
    lanes = code.lanes
    high, wide = code.compare(">=", rows, lanes), code.compare(">=", columns, lanes)
    with code.when(code.compare(">", columns, 0)):
        block = [code.const(0.0)] * lanes
        with code.either(code.both(high, wide), carry=block) as (whole, part):
            with whole:
                block[:] = [source[i].vector() for i in range(lanes)]
            with part:
                block[:] = _read(code, source, rows, columns)
        transposed = code.transposed(block)
        with code.either(code.both(high, wide)) as (whole, part):
            with whole:
                for j, x in enumerate(transposed):
                    out[j].store(x)
            with part, code.either(high) as (narrow, low):
                with narrow:
                    _write(code, out, transposed, lanes, columns)
                with low:
                    _write(code, out, transposed, rows, columns)


def _read(code: Code, source: View, rows: Index, columns: Index) -> list[ir.Value]:
    """The rows that exist, and zeros."""
    masks = (
        code.mask(code.select(code.compare(">", rows, i), columns, 0)) for i in range(code.lanes)
    )
    return [source[i].vector(0, mask) for i, mask in enumerate(masks)]


def _write(code: Code, out: View, transposed: list[ir.Value], rows: Index, columns: Index) -> None:
    """The columns that exist; a store with a mask takes some processors long."""
    mask = code.mask(rows)
    for j, x in enumerate(transposed):
        with code.when(code.compare(">", columns, j)):
            out[j].store(x, 0, mask)
