"""Flat indices: from the taps of a pooling, and values written and read at them.

Writing and reading take a channel of an image a chunk and walk it cell by cell: which of several
values for a cell is the last must not depend on which thread writes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.index import FlatIndex, ReadAt, WriteAt

ROWS = 4096  # at most, of a chunk that makes indices
CHUNKS = 64  # of that step, at most, unless they would be longer


@dataclass(frozen=True, kw_only=True)
class TapToIndexArguments(Arguments[T]):
    """The taps, the result, a table of `cells` outputs and one of so many taps; how many rows there
    are, in all and in a chunk."""

    tap: T
    out: T
    bases: T
    offsets: T
    rows: T
    block: T
    cells: T
    channels: T
    taps: T


@dataclass(frozen=True, kw_only=True)
class AtIndexArguments(Arguments[T]):
    """The values, the indices, the result; the cells of a plane and how many indices it has."""

    source: T
    index: T
    out: T
    size: T
    count: T


@dataclass(frozen=True)
class TapToIndex(Kernel):
    """out[row, c] = bases[row % cells] + offsets[tap[row, c]], or -1; a chunk is `block` rows."""

    takes: ClassVar = TapToIndexArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(TapToIndexArguments)
        won = View(code, a.tap, code.mul(a.channels, 4), 4, dtype="int32")
        out = View(code, a.out, code.mul(a.channels, 8), 8, dtype="int64")
        bases = View(code, a.bases, 8, dtype="int64")
        offsets = View(code, a.offsets, 8, dtype="int64")
        with code.units(a.block, a.rows) as row:
            base = bases[code.rem(row, a.cells)].scalar()
            with code.loop(a.channels) as c:
                tap = code.builder.sext(won[row, c].scalar(), code.chunk.type)
                known = code.within(tap, a.taps)
                index = code.add(base, offsets[code.select(known, tap, 0)].scalar())
                out[row, c].store_scalar(code.value(code.select(known, index, -1)))


@dataclass(frozen=True)
class AtIndex(Kernel):
    """Planes of `size` cells and `count` indices, in "write" or "read" mode; a chunk is a plane.

    "write"  out[index[i]] = source[i] one after the other, zero elsewhere
    "read"   out[i] = source[index[i]], zero where a later i has the same index; the scratch notes
             for each cell the last that leads there
    """

    mode: str

    takes: ClassVar = AtIndexArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(AtIndexArguments)
        index = _plane(code, a.index, a.count, "int64")
        if self.mode == "write":
            source, out = _plane(code, a.source, a.count), _plane(code, a.out, a.size)
            with code.loop(a.size, step=code.lanes) as j:
                mask = code.mask(code.sub(a.size, j))
                out.moved(code.mul(j, code.size)).store(code.const(0.0), 0, mask)
            with code.loop(a.count) as i:
                j = index[i].scalar()
                with code.when(code.within(j, a.size)):
                    out[j].store_scalar(source[i].scalar())
            return
        self._read(code, index)

    def _read(self, code: Code, index: View) -> None:
        a = code.arguments(AtIndexArguments)
        source, out = _plane(code, a.source, a.size), _plane(code, a.out, a.count)
        notes = View(code, code.scratch, 8, dtype="int64")
        with code.loop(a.count) as i:
            j = index[i].scalar()
            with code.when(code.within(j, a.size)):
                notes[j].store_scalar(code.value(i))
        with code.loop(a.count) as i:
            j, found = index[i].scalar(), [code.scalar(0.0)]
            with (
                code.when(code.within(j, a.size), found),
                code.when(code.compare("==", notes[j].scalar(), i), found),
            ):
                found[0] = source[j].scalar()
            out[i].store_scalar(found[0])


def _plane(code: Code, array: Index, cells: Index, dtype: str | None = None) -> View:
    """The plane of this chunk of an array."""
    item = 8 if dtype else code.size
    return View(code, code.add(array, code.mul(code.chunk, cells, item)), item, dtype=dtype)


def lower_index(planner: Planner, node: Node) -> bool:
    """Indices in the layout of the taps: two tables, by output and by tap."""
    operator = node.of(FlatIndex)
    tap, out = planner.read(node.inputs[0], "last"), planner.result(node.outputs[0], "last")
    if not out.spec.size:
        return True
    batch, channels, *output = out.shape
    rows = batch * prod(output)
    block = min(-(-rows // CHUNKS), ROWS)
    arguments = TapToIndexArguments[Argument](
        tap=tap,
        out=out,
        bases=planner.constant(operator.bases()),
        offsets=planner.constant(operator.offsets()),
        rows=rows,
        block=block,
        cells=prod(output),
        channels=channels,
        taps=prod(operator.kernel),
    )
    kernel = TapToIndex(planner.target, "float64")  # as wide as an index
    planner.step(kernel, arguments, writes=[out], chunks=-(-rows // block))
    return True


def lower_at(planner: Planner, node: Node) -> bool:
    """Values carried to or from the cells that indices name."""
    operator = node.of(WriteAt, ReadAt)
    x, index = (planner.read(value, "rows") for value in node.inputs)
    out = planner.result(node.outputs[0], "rows")
    if not out.spec.size:
        return True
    size, writing = prod(operator.image), isinstance(operator, WriteAt)
    kernel = AtIndex(planner.target, node.outputs[0].dtype, "write" if writing else "read")
    arguments = AtIndexArguments[Argument](
        source=x, index=index, out=out, size=size, count=prod(index.shape[2:])
    )
    planner.step(
        kernel,
        arguments,
        writes=[out],
        chunks=prod(out.shape[:2]),
        scratch=0 if writing else 8 * size,
    )
    return True


LOWERINGS: dict[type[Operator], Lowering] = {
    FlatIndex: lower_index,
    WriteAt: lower_at,
    ReadAt: lower_at,
}
