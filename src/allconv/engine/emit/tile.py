"""The register tile, and the nested loops that run it: what all three views of T are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import TileRows, View

Step: TypeAlias = Callable[[TileRows, View | None], None]
Count: TypeAlias = Index | Callable[..., Index]


class Tile:
    """rows x vectors of accumulators, held in registers.

    `start` holds their first values: one a vector (the same in every row), or one a register in
    row-major order; zeros if left out.
    """

    def __init__(
        self, code: Code, rows: int, vectors: int, start: Sequence[ir.Value] | None = None
    ) -> None:
        self.code = code
        self.rows = rows
        self.vectors = vectors
        first = [code.const(0.0)] * vectors if start is None else list(start)
        self.registers: list[ir.Value] = first if len(first) == rows * vectors else first * rows

    def outer(self, a: TileRows, b: View | None, mask: Mask = None) -> None:
        """tile[r, v] += a[r] * b[v]: a scalar times a vector, the step of every correlation; lanes
        of b outside of a mask are not read."""
        if b is None:
            raise TypeError("an outer product needs both operands")
        right = [b.vector(v, mask) for v in range(self.vectors)]
        for r in range(self.rows):
            left = self.code.splat(a[r].scalar())
            for v, k in self._numbered(r):
                self.registers[k] = self.code.fma(left, right[v], self.registers[k])

    def lanewise(
        self,
        op: Callable[[ir.Value, ir.Value, ir.Value | None], ir.Value],
        masks: Sequence[Mask] | None = None,
    ) -> Step:
        """The step tile[r, v] = op(tile[r, v], a[r][v], b[v]) on vectors; b[v] may be None."""
        masks = masks or [None] * self.vectors

        def step(a: TileRows, b: View | None) -> None:
            right = [b.vector(v, masks[v]) if b else None for v in range(self.vectors)]
            for r in range(self.rows):
                for v, k in self._numbered(r):
                    left = a[r].vector(v, masks[v])
                    self.registers[k] = op(self.registers[k], left, right[v])

        return step

    def store(
        self,
        out: TileRows,
        epilogue: Callable[[ir.Value, int, int], ir.Value] | None = None,
        masks: Sequence[Mask] | None = None,
        *,
        only: int | None = None,
    ) -> None:
        """Write every register, or those of one vector of each row.

        Each is passed through epilogue(value, row, vector) on its way.
        """
        for r in range(self.rows):
            for v, k in self._numbered(r):
                if only in (None, v):
                    x = self.registers[k]
                    x = epilogue(x, r, v) if epilogue else x
                    out[r].store(x, v, masks[v] if masks else None)

    def _numbered(self, row: int) -> list[tuple[int, int]]:
        return [(v, row * self.vectors + v) for v in range(self.vectors)]


def contract(
    code: Code,
    tile: Tile,
    loops: Sequence[tuple[Count, Index, Index]],
    a: TileRows,
    b: View | None,
    step: Step | None = None,
    *,
    at_least_once: bool = False,
    far: list[ir.Value] | None = None,
    by: Index = 0,
) -> None:
    """Run a step of the tile in nested loops (count, bytes a moves, bytes b moves), outer first.

    A count may be a function of the indices of the loops around it (the channels of the last
    block are fewer). `at_least_once` says that no count is ever 0. Each turn of a single loop
    fetches the lines of the addresses `far`, which move `by` so many bytes.
    """
    _nest(code, tile, list(loops), a, b, step or tile.outer, at_least_once, (), (far or [], by))


def _nest(
    code: Code,
    tile: Tile,
    loops: list[tuple[Count, Index, Index]],
    a: TileRows,
    b: View | None,
    step: Step,
    at_least_once: bool,
    indices: tuple[Index, ...],
    ahead: tuple[list[ir.Value], Index],
) -> None:
    if not loops:
        step(a, b)
        return
    (count, a_bytes, b_bytes), inner = loops[0], loops[1:]
    n = count(*indices) if callable(count) else count
    if not inner and b is not None:
        _innermost(code, tile, (n, a_bytes, b_bytes), a, b, step, at_least_once, ahead)
        return
    with code.loop(n, carry=tile.registers, at_least_once=at_least_once) as i:
        moved_a = a.moved(code.mul(i, a_bytes))
        moved_b = b.moved(code.mul(i, b_bytes)) if b else None
        _nest(code, tile, inner, moved_a, moved_b, step, at_least_once, (*indices, i), ahead)


def _innermost(
    code: Code,
    tile: Tile,
    loop: tuple[Index, Index, Index],
    a: TileRows,
    b: View,
    step: Step,
    at_least_once: bool,
    ahead: tuple[list[ir.Value], Index],
) -> None:
    """The innermost loop: one index for all rows, and an address for `b`.

    LLVM by itself counts an address for every row; each of those additions takes the place of a
    multiplication.
    """
    n, a_bytes, b_bytes = loop
    shared = a_bytes in (1, 2, 4, 8)  # what an address can multiply an index with
    if not all(isinstance(offset, int) for offset in a.offsets):
        a = View(code, 0).rows([code.add(a.base.address, offset) for offset in a.offsets])
    (far, by), size = ahead, len(tile.registers)
    moved = [code.value(b.address), *far]
    carried = [*tile.registers, *moved]
    with code.loop(n, carry=carried, at_least_once=at_least_once, anew=shared) as i:
        tile.registers[:], moved = carried[:size], carried[size:]
        for each in moved[1:]:
            View(code, each).prefetch(near=False)
        step(a.moved(code.mul(i, a_bytes)), View(code, moved[0], *b.strides, dtype=b.dtype))
        steps = (b_bytes, *[by] * len(far))
        moved = [code.value(code.add(x, step)) for x, step in zip(moved, steps, strict=True)]
        carried[:] = [*tile.registers, *moved]
    tile.registers[:], far[:] = carried[:size], carried[size + 1 :]
