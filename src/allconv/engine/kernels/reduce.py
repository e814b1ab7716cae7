"""Sums: rows onto rows, or along rows, in blocks whose partial sums are joined by further steps.

Any sum is brought to the form (groups, rows, columns), where columns are contiguous in memory. The
rows are summed, and the columns with them unless they are kept. Blocks follow from the shape
alone, so that the order of additions does too.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf
from operator import mul
from typing import TYPE_CHECKING, ClassVar

from allconv.engine.kernel import Kernel
from allconv.engine.kernels.arrange import fill
from allconv.engine.place import Place, collapse, layout_strides
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.reduce import Sum
from allconv.value import Value

if TYPE_CHECKING:
    from llvmlite import ir

    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index
    from allconv.engine.emit.vector import Mask
    from allconv.engine.emit.view import View

SUMS = 8  # in flight, so that additions overlap
CHUNKS = 64  # at most, of a step
CHUNK_WORK = 32768  # elements, at least, of a chunk
WIDTH = 512  # columns of a block that keeps its columns
ROWS = (64, 1024)  # rows of such a block, the least and the most
RUN = 8192  # elements of a block that is summed up altogether


@dataclass(frozen=True)
class _Blocks(Kernel):
    """Sums of blocks, numbered in row-major order of (group, part of rows, part of columns).

    A chunk is `block` of the `blocks`. Unless `parts`, a group is one block. Strides are in bytes.
    """

    parts: bool

    slots: ClassVar[tuple[str, ...]] = (
        *("x", "out", "blocks", "block", "rows", "columns", "part_rows", "part_columns"),
        *("row_parts", "column_parts", "x_group", "x_row", "out_group", "out_part"),
    )

    def emit(self, code: Code) -> None:
        """Write the body."""
        from allconv.engine.emit.view import View

        arg = code.arg
        first = code.mul(code.chunk, arg("block"))
        last = code.min(code.add(first, arg("block")), arg("blocks"))
        with code.loop(last, start=first) as number:
            row: Index = 0
            column: Index = 0
            group: Index = number
            if self.parts:
                rest = code.div(number, arg("column_parts"))
                column = code.rem(number, arg("column_parts"))
                row, group = code.rem(rest, arg("row_parts")), code.div(rest, arg("row_parts"))
            start, left = code.mul(row, arg("part_rows")), code.mul(column, arg("part_columns"))
            rows, columns = arg("rows"), arg("columns")
            if self.parts:
                rows = code.min(arg("part_rows"), code.sub(rows, start))
                columns = code.min(arg("part_columns"), code.sub(columns, left))
            x = View(code, arg("x"), arg("x_group"), arg("x_row"), code.size)[group, start, left]
            out = View(code, arg("out"), arg("out_group"), arg("out_part"))[group, row]
            self.emit_block(code, rows, columns, x, out.moved(self.shift(code, column, left)))

    @abstractmethod
    def shift(self, code: Code, column: Index, left: Index) -> Index:
        """How many bytes further on a part of the columns is written."""

    @abstractmethod
    def emit_block(self, code: Code, rows: Index, columns: Index, x: View, out: View) -> None:
        """Sum up one block."""


@dataclass(frozen=True)
class SumRows(_Blocks):
    """out[g, part, c] = sum over the rows r of the part of x[g, r, c], `vectors` at a time."""

    vectors: int

    def shift(self, code: Code, column: Index, left: Index) -> Index:
        """Columns lie as they do in x."""
        return code.mul(left, code.size)

    def emit_block(self, code: Code, rows: Index, columns: Index, x: View, out: View) -> None:
        """Sum up one block."""
        width = self.vectors * code.lanes
        whole = code.sub(columns, code.rem(columns, width))
        with code.loop(whole, step=width) as c:
            at = code.mul(c, code.size)
            self._emit_strip(code, rows, x.moved(at), out.moved(at), [None] * self.vectors)
        with code.when(code.compare("<", whole, columns)):
            at = code.mul(whole, code.size)
            masks = code.masks(code.sub(columns, whole), self.vectors)
            self._emit_strip(code, rows, x.moved(at), out.moved(at), masks)

    def _emit_strip(
        self, code: Code, rows: Index, x: View, out: View, masks: Sequence[Mask]
    ) -> None:
        """Some vectors of columns over all rows, which take turns in several sums."""
        vectors, turns = self.vectors, SUMS // self.vectors
        sums = [code.const(0.0)] * (turns * vectors)
        step = code.arg("x_row")
        whole = code.sub(rows, code.rem(rows, turns))
        with code.loop(whole, step=turns, carry=sums) as r:
            for k in range(turns):
                row = x.moved(code.mul(code.add(r, k), step))
                for v in range(vectors):
                    n = k * vectors + v
                    sums[n] = code.fadd(sums[n], row.vector(v, masks[v]))
        with code.loop(rows, start=whole, carry=sums) as r:
            row = x.moved(code.mul(r, step))
            for v in range(vectors):
                sums[v] = code.fadd(sums[v], row.vector(v, masks[v]))
        for v in range(vectors):
            out.store(_joined(code, sums[v::vectors]), v, masks[v])


@dataclass(frozen=True)
class SumColumns(_Blocks):
    """out[g, part] = sum over the rows r and columns c of the part of x[g, r, c]."""

    def shift(self, code: Code, column: Index, left: Index) -> Index:
        """Every part has one sum."""
        return code.mul(column, code.size)

    def emit_block(self, code: Code, rows: Index, columns: Index, x: View, out: View) -> None:
        """Sum up one block: lanes apart, then halves of the lanes onto each other."""
        turns = SUMS // 2
        sums = [code.const(0.0)] * turns
        whole = code.sub(columns, code.rem(columns, turns * code.lanes))
        with code.loop(rows, carry=sums) as r:
            row = x.moved(code.mul(r, code.arg("x_row")))
            with code.loop(whole, step=turns * code.lanes, carry=sums) as c:
                here = row.moved(code.mul(c, code.size))
                for k in range(turns):
                    sums[k] = code.fadd(sums[k], here.vector(k))
            with code.loop(columns, step=code.lanes, start=whole, carry=sums) as c:
                mask = code.mask(code.sub(columns, c))
                here = row.moved(code.mul(c, code.size))
                sums[0] = code.fadd(sums[0], here.vector(0, mask))
        out.store_scalar(code.reduce(code.fadd, _joined(code, sums)))


def _joined(code: Code, sums: Sequence[ir.Value]) -> ir.Value:
    """The sum of a power of two of vectors, neighbours first."""
    level = list(sums)
    while len(level) > 1:
        level = [code.fadd(x, y) for x, y in zip(level[::2], level[1::2], strict=True)]
    return level[0]


@dataclass(frozen=True)
class _Form:
    """A sum over the rows of x (groups, rows, columns), and over its columns unless `keep`."""

    keep: bool
    groups: int
    rows: int
    columns: int
    x_group: int
    x_row: int
    out_group: int

    def parts(self) -> tuple[int, int]:
        """Rows and columns of a block."""
        if self.keep:
            width = min(self.columns, WIDTH)
            least, most = ROWS
            return min(self.rows, most, max(least, WIDTH * ROWS[0] // width)), width
        width = min(self.columns, RUN)
        return min(self.rows, max(1, RUN // width)), width


def lower_sum(planner: Planner, node: Node) -> bool:
    """Blocks, then sums of their sums until one is left; integers run by definition."""
    operator, (value,), (result,) = node.of(Sum), node.inputs, node.outputs
    if not value.spec.is_float:
        return False
    x = planner.read(value)
    kept = [a for a in range(value.spec.rank) if a not in operator.axes]
    if all(x.shape[a] == 1 for a in operator.axes):
        at = dict(zip(kept, (x.strides[a] for a in kept), strict=True))
        axes = range(value.spec.rank) if operator.keep else kept
        planner.alias(result, x.viewed(result.shape, tuple(at.get(a, x.item) for a in axes)))
        return True
    out, steps = _result(planner, result, x, kept, keep=operator.keep)
    if not result.spec.size:
        return True
    if not x.spec.size:
        fill(planner, out, 0.0)
        return True
    form = _form(x, steps)
    if form is None:
        x, steps = _with_reduced_last(planner, x, steps)
        form = _form(x, steps)
    if form is None:
        raise ValueError(f"a contiguous array of {x.shape} is no rows of columns")
    _add_steps(planner, form, x, out)
    return True


def _result(
    planner: Planner, result: Value, x: Place, kept: Sequence[int], *, keep: bool
) -> tuple[Place, tuple[int, ...]]:
    """Memory for a sum in the order of x's own, and its stride along each axis of x (0: summed)."""
    order = sorted(kept, key=lambda a: -abs(x.strides[a]) if x.strides[a] else -inf)
    sizes = [x.shape[a] for a in order]
    bytes_after = list(accumulate(reversed([*sizes[1:], x.item]), mul))[::-1] if order else []
    at = dict(zip(order, bytes_after, strict=True))
    steps = tuple(at.get(a, 0) for a in range(len(x.shape)))
    strides = tuple(at.get(a, x.item) for a in (range(len(x.shape)) if keep else kept))
    for layout in ("rows", "last"):
        wanted = layout_strides(result.spec, layout)
        pairs = zip(result.shape, strides, wanted, strict=True)
        if all(n == 1 or stride == want for n, stride, want in pairs):
            return planner.result(result, layout), steps
    memory = planner.temporary(tuple(sizes), result.dtype)
    planner.alias(result, memory.viewed(result.shape, strides))
    return memory, steps


def _form(x: Place, steps: tuple[int, ...]) -> _Form | None:
    """The sum as rows of contiguous columns, if x lies so."""
    axes = [(n, *strides) for n, strides in collapse(x.shape, (steps, x.strides)) if n > 1]
    kept = [(n, at, out) for n, out, at in axes if out]
    summed = [(n, at) for n, out, at in axes if not out]
    columns = 1
    keep = bool(kept) and kept[-1][1:] == (x.item, x.item)
    if keep:
        columns = kept.pop()[0]
    else:
        along = [axis for axis in summed if axis[1] == x.item]
        if not along:
            return None
        summed.remove(along[0])
        columns = along[0][0]
    if len(kept) > 1 or len(summed) > 1:
        return None
    groups, x_group, out_group = kept[0] if kept else (1, 0, 0)
    rows, x_row = summed[0] if summed else (1, 0)
    return _Form(keep, groups, rows, columns, x_group, x_row, out_group)


def _with_reduced_last(
    planner: Planner, x: Place, steps: tuple[int, ...]
) -> tuple[Place, tuple[int, ...]]:
    """A copy whose axes lie as the result's, then those that are summed."""
    order = sorted(range(len(steps)), key=lambda a: -steps[a])
    view = x.viewed(tuple(x.shape[a] for a in order), tuple(x.strides[a] for a in order))
    return planner.copied(view, "rows"), tuple(steps[a] for a in order)


def _add_steps(planner: Planner, form: _Form, x: Place, out: Place) -> None:
    """Sum up blocks; while a group has several, sum up their sums."""
    while True:
        part_rows, part_columns = form.parts()
        row_parts, column_parts = -(-form.rows // part_rows), -(-form.columns // part_columns)
        rest = _sums(form, row_parts, column_parts, x.item)
        target = out
        if rest:
            width = form.columns if form.keep else column_parts
            target = planner.temporary((form.groups, row_parts, width), x.spec.dtype)
        blocks = form.groups * row_parts * column_parts
        least = max(1, CHUNK_WORK // (part_rows * part_columns))
        block = max(min(least, blocks), -(-blocks // CHUNKS))
        columns = form.columns if form.keep else column_parts
        slots: dict[str, int | Place] = {
            "x": x,
            "out": target,
            "blocks": blocks,
            "block": block,
            "rows": form.rows,
            "columns": form.columns,
            "part_rows": part_rows,
            "part_columns": part_columns,
            "row_parts": row_parts,
            "column_parts": column_parts,
            "x_group": form.x_group,
            "x_row": form.x_row,
            "out_group": rest.x_group if rest else form.out_group,
            "out_part": columns * x.item,
        }
        kernel = _kernel(planner, form, x, parts=row_parts * column_parts > 1)
        planner.step(kernel, slots, writes=[target], chunks=-(-blocks // block))
        if rest is None:
            return
        form, x = rest, target


def _sums(form: _Form, row_parts: int, column_parts: int, item: int) -> _Form | None:
    """The sum of the sums of the blocks, which lie as (groups, parts, ...); None: there is one."""
    if form.keep:
        row = form.columns * item
        again = replace(form, rows=row_parts, x_group=row_parts * row, x_row=row)
        return again if row_parts > 1 else None
    parts = row_parts * column_parts
    return replace(form, rows=1, columns=parts, x_group=parts * item) if parts > 1 else None


def _kernel(planner: Planner, form: _Form, x: Place, *, parts: bool) -> Kernel:
    """The kernel of a form: as many vectors side by side as the columns fill."""
    dtype = x.spec.dtype
    if not form.keep:
        return SumColumns(planner.target, dtype, parts)
    filled = -(-form.columns // planner.target.lanes(dtype))
    return SumRows(planner.target, dtype, parts, 4 if filled > 2 else min(filled, 2))


LOWERINGS: dict[type[Operator], Lowering] = {Sum: lower_sum}
