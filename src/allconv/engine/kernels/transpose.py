"""Transposing copies: channels first to channels last and back, in blocks of registers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, TypeAlias

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.buffer import LINE
from allconv.engine.emit.code import Code
from allconv.engine.emit.transpose import transpose
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.engine.step import Argument

OUTER = 3
SPLIT = 16384  # elements of a chunk
LEAST = 4  # rows and columns: below, elements are moved one by one
MANY = 16  # of these blocks, and rows and columns that each must have then

Axis: TypeAlias = tuple[int, tuple[int, int]]  # size, strides in bytes of result and source


@dataclass(frozen=True, kw_only=True)
class TransposeArguments(Arguments[T]):
    """Rows i and columns j, how far rows lie apart in the source and columns in the result, and
    sizes and strides of the outer axes; a chunk is `block` columns."""

    source: T
    out: T
    block: T
    i: T
    j: T
    source_row: T
    out_column: T
    n: tuple[T, ...] = several(OUTER)
    source_axis: tuple[T, ...] = several(OUTER)
    out_axis: tuple[T, ...] = several(OUTER)


@dataclass(frozen=True)
class Transpose(Kernel):
    """out[n0, n1, n2, j, i] = source[n0, n1, n2, i, j]: i runs along out, j along the source.

    A chunk is `block` columns j of one index of the outer axes.
    """

    takes: ClassVar = TransposeArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(TransposeArguments)
        _, *outer, number = code.counted(code.chunk, *a.n, code.ceil_div(a.j, a.block))
        first = code.mul(number, a.block)
        source = code.add(a.source, code.mul(first, code.size))
        out = code.add(a.out, code.mul(first, a.out_column))
        for index, source_step, out_step in zip(outer, a.source_axis, a.out_axis, strict=True):
            source = code.add(source, code.mul(index, source_step))
            out = code.add(out, code.mul(index, out_step))
        columns = code.min(code.sub(a.j, first), a.block)
        rows, result = View(code, source, a.source_row), View(code, out, a.out_column)
        transpose(code, rows, result, a.i, columns)


def add_transpose(planner: Planner, source: Place, out: Place, axes: Sequence[Axis]) -> bool:
    """Add the step that copies over these axes if the innermost of source and result differ."""
    *outer, (n, (to, step)) = axes
    inner = next((a for a, (_, (_, step)) in enumerate(outer) if step == source.item), None)
    if inner is None or to != out.item or step == source.item or len(outer) > OUTER + 1:
        return False
    columns, (by_column, _) = outer.pop(inner)
    few = MANY if prod(size for size, _ in outer) > MANY else LEAST
    if min(n, columns) < few:
        return False
    axes = [*[(1, (0, 0))] * (OUTER - len(outer)), *outer]
    dtype = {4: "float32", 8: "float64"}[source.item]
    line = LINE // source.item
    block = min(columns, max(line, SPLIT // n // line * line))
    arguments = TransposeArguments[Argument](
        source=source,
        out=out,
        block=block,
        i=n,
        j=columns,
        source_row=step,
        out_column=by_column,
        n=tuple(size for size, _ in axes),
        source_axis=tuple(by for _, (_, by) in axes),
        out_axis=tuple(by for _, (by, _) in axes),
    )
    planner.step(
        Transpose(planner.target, dtype), arguments, reads=[source], writes=[out],
        chunks=prod(size for size, _ in axes) * -(-columns // block),
    )  # fmt: skip
    return True
