"""Transposing copies: channels first to channels last and back, in blocks of registers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, TypeAlias

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.place import Place
from allconv.engine.plan import Planner

OUTER = 3
LINE = 64  # bytes of a row that are read at once: a cache line
SPLIT = 16384  # elements of a chunk
LEAST = 4  # rows and columns: below, elements are moved one by one
MANY = 16  # of these blocks, and rows and columns that each must have then

Axis: TypeAlias = tuple[int, tuple[int, int]]  # size, strides in bytes of result and source


@dataclass(frozen=True)
class Transpose(Kernel):
    """out[n0, n1, n2, j, i] = source[n0, n1, n2, i, j]: i runs along out, j along the source.

    A chunk is `block` columns j of one index of the outer axes.
    """

    slots: ClassVar[tuple[str, ...]] = (
        *("source", "out", "block", "i", "j", "si", "oj"),
        *(f"{name}{a}" for name in "nso" for a in range(OUTER)),
    )

    def emit(self, code: Code) -> None:
        """Write the body."""
        blocks = code.ceil_div(code.arg("j"), code.arg("block"))
        first = code.mul(code.rem(code.chunk, blocks), code.arg("block"))
        rest = code.div(code.chunk, blocks)
        source = code.add(code.arg("source"), code.mul(first, code.size))
        out = code.add(code.arg("out"), code.mul(first, code.arg("oj")))
        for a in reversed(range(OUTER)):
            index, rest = code.rem(rest, code.arg(f"n{a}")), code.div(rest, code.arg(f"n{a}"))
            source = code.add(source, code.mul(index, code.arg(f"s{a}")))
            out = code.add(out, code.mul(index, code.arg(f"o{a}")))
        columns = code.min(code.sub(code.arg("j"), first), code.arg("block"))
        per = LINE // (code.lanes * code.size)
        with code.loop(columns, step=per * code.lanes, at_least_once=True) as j:
            left = code.sub(columns, j)
            with code.loop(code.arg("i"), step=code.lanes, at_least_once=True) as i:
                rows = code.sub(code.arg("i"), i)
                here = code.add(source, code.mul(i, code.arg("si")), code.mul(j, code.size))
                there = code.add(out, code.mul(j, code.arg("oj")), code.mul(i, code.size))
                whole = code.both(
                    code.compare(">=", rows, code.lanes),
                    code.compare(">=", left, per * code.lanes),
                )
                with code.either(whole) as (then, otherwise):
                    with then:
                        self._block(code, here, there, per, code.lanes, per * code.lanes)
                    with otherwise:
                        self._block(code, here, there, per, rows, left)

    @staticmethod
    def _block(
        code: Code, source: Index, out: Index, per: int, rows: Index, columns: Index
    ) -> None:
        """`lanes` rows of `per` vectors, of which so many rows and columns exist."""
        for v in range(per):
            left = code.sub(columns, v * code.lanes)
            along = v * code.lanes * code.size
            read = []
            for k in range(code.lanes):
                mask = code.mask(code.select(code.compare(">", rows, k), left, 0))
                row = code.add(source, code.mul(code.arg("si"), k), along)
                read.append(View(code, row).vector(0, mask))
            for k, x in enumerate(code.transposed(read)):
                mask = code.mask(code.select(code.compare(">", left, k), rows, 0))
                there = code.add(out, code.mul(code.arg("oj"), v * code.lanes + k))
                View(code, there).store(x, 0, mask)


def emit_transpose(planner: Planner, source: Place, out: Place, axes: Sequence[Axis]) -> bool:
    """Add the step that copies over these axes if the innermost of source and result differ."""
    *outer, (n, (to, step)) = axes
    inner = next((a for a, (_, (_, step)) in enumerate(outer) if step == source.item), None)
    if inner is None or to != out.item or step == source.item or len(outer) > OUTER + 1:
        return False
    columns, (by_column, _) = outer.pop(inner)
    few = MANY if prod(size for size, _ in outer) > MANY else LEAST
    if min(n, columns) < few:
        return False
    arguments: dict[str, int | Place] = {
        "source": source, "out": out, "i": n, "j": columns, "si": step, "oj": by_column,
    }  # fmt: skip
    count = 1
    for a, (size, (to, step)) in enumerate([*[(1, (0, 0))] * (OUTER - len(outer)), *outer]):
        arguments |= {f"n{a}": size, f"s{a}": step, f"o{a}": to}
        count *= size
    dtype = {4: "float32", 8: "float64"}[source.item]
    line = LINE // source.item
    block = min(columns, max(line, SPLIT // n // line * line))
    arguments["block"] = block
    planner.step(
        Transpose(planner.target, dtype), arguments, reads=[source], writes=[out],
        chunks=count * -(-columns // block),
    )  # fmt: skip
    return True
