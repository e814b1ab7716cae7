"""What goes from cell to cell along an axis: vectors across it, or along a single line."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.strips import each_vector
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.place import Place, layout_strides
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.value import Value

STRIP = 512  # elements of a strip across the axis
VECTORS = 4  # of a strip, side by side
CHUNKS = 64  # of a step, at most
CHUNK_WORK = 16384  # elements, at least, of a chunk


@dataclass(frozen=True, kw_only=True)
class AxisArguments(Arguments[T]):
    """The arrays; the cells of the axis, the elements of a cell, and the strips that these are cut
    into; how many strips there are, in all and in a chunk."""

    x: T
    out: T
    cells: T
    inner: T
    strips: T
    units: T
    block: T


@dataclass(frozen=True)
class OverAxis(Kernel):
    """A kernel on x[outer, cells, inner]; a chunk is `block` strips of `inner` elements.

    `across`: vectors of `inner`; else inner is 1, and there are lines of cells that follow each
    other.
    """

    across: bool

    takes: ClassVar = AxisArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(AxisArguments)
        with code.units(a.block, a.units) as unit:
            outer, strip = code.counted(unit, a.strips)
            first = code.mul(strip, STRIP)
            start = code.add(code.mul(outer, a.cells, a.inner), first)
            x = View(code, code.add(a.x, code.mul(start, code.size)), code.mul(a.inner, code.size))
            out = self.out(code, outer, first)
            if self.across:
                width = code.min(code.sub(a.inner, first), STRIP)
                each_vector(code, width, VECTORS, partial(self.vectors, code, x, out))
            else:
                self.line(code, x, out)

    @abstractmethod
    def out(self, code: Code, outer: Index, first: Index) -> View:
        """The result from the element `first` on."""

    @abstractmethod
    def vectors(self, code: Code, x: View, out: View, at: Index, vectors: int, mask: Mask) -> None:
        """Go from cell to cell with vectors side by side, `at` bytes further on in x."""

    @abstractmethod
    def line(self, code: Code, x: View, out: View) -> None:
        """Go along a line of x."""


def inner_size(place: Place, layout: str, axis: int) -> int:
    """How many elements a cell of an axis has: those that lie inside of it in memory."""
    return layout_strides(place.spec, layout)[axis] // place.item


def add_step(
    planner: Planner, kernel: OverAxis, x: Place, out: Place, cells: int, inner: int
) -> None:
    """Strips in chunks."""
    strips = -(-inner // STRIP)
    units = x.spec.size // (cells * inner) * strips
    block = -(-units // max(1, min(CHUNKS, x.spec.size // CHUNK_WORK)))
    arguments = AxisArguments[Argument](
        x=x, out=out, cells=cells, inner=inner, strips=strips, units=units, block=block
    )
    planner.step(kernel, arguments, writes=[out], chunks=-(-units // block))


def lines(planner: Planner, value: Value, axis: int) -> Place:
    """An operand whose axis is the innermost in memory, the others in their order."""
    rank = value.spec.rank
    if axis in (1, rank - 1):
        return planner.read(value, "rows" if axis == rank - 1 else "last")
    order = [a for a in range(rank) if a != axis] + [axis]
    lies = planner.read(value)
    shape = tuple(lies.shape[a] for a in order)
    transposed = lies.viewed(shape, tuple(lies.strides[a] for a in order))
    return transposed if transposed.has("rows") else planner.copied(transposed, "rows")


def result_lines(planner: Planner, y: Value, axis: int) -> Place:
    """Memory for a result of that kind."""
    rank = y.spec.rank
    if axis in (1, rank - 1):
        return planner.result(y, "rows" if axis == rank - 1 else "last")
    order = [a for a in range(rank) if a != axis] + [axis]
    out = planner.temporary(tuple(y.shape[a] for a in order), y.dtype)
    strides = tuple(out.strides[order.index(a)] for a in range(rank))
    planner.alias(y, out.viewed(y.shape, strides))
    return out
