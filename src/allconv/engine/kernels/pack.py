"""Packed weights: blocks of vectors of output channels, in the order in which kernels read them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

from allconv.engine.kernel import Kernel
from allconv.engine.kernels.copy import AXES as COPY_AXES
from allconv.engine.kernels.copy import emit_runs
from allconv.engine.place import Place, collapse

if TYPE_CHECKING:
    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index
    from allconv.engine.plan import Planner

POSITIONS = 3  # axes along which locally connected weights move
TAPS = 4


@dataclass(frozen=True)
class Pack(Kernel):
    """out[g][q0][q1][q2][column block][row block][t0]...[t3][row][lane], zeros where there is none.

    Rows are the channels that a kernel sums over, columns those it computes. A weight exists where,
    for three axes, bf + bq*q + bt*t lies in 0 ... bn-1 (always, unless weights move).
    A chunk is one column block of one position of one group.
    """

    width: int  # columns of a block

    slots: ClassVar[tuple[str, ...]] = (
        "w", "out", "chunkbytes", "q0", "q1", "q2", "columnblocks", "columns", "rowblocks", "rows",
        "block", "t0", "t1", "t2", "t3", "wg", "wq0", "wq1", "wq2", "wcolumn", "wrow",
        "wt0", "wt1", "wt2", "wt3",
        *(f"{name}{axis}" for axis in range(POSITIONS) for name in ("bf", "bq", "bt", "bn")),
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        rest, block = code.chunk, code.arg("columnblocks")
        column_block, rest = code.rem(rest, block), code.div(rest, block)
        q: list[Index] = []
        for axis in reversed(range(POSITIONS)):
            size = code.arg(f"q{axis}")
            q.insert(0, code.rem(rest, size))
            rest = code.div(rest, size)
        source = code.add(code.arg("w"), code.mul(rest, code.arg("wg")))
        for axis in range(POSITIONS):
            source = code.add(source, code.mul(q[axis], code.arg(f"wq{axis}")))
        first = code.mul(column_block, self.width)
        source = code.add(source, code.mul(first, code.arg("wcolumn")))
        columns = code.min(code.sub(code.arg("columns"), first), self.width)
        out = code.add(code.arg("out"), code.mul(code.chunk, code.arg("chunkbytes")))
        line = self.width * code.size
        tap = code.mul(code.arg("block"), line)
        strides: list[Index] = [tap]
        for axis in reversed(range(1, TAPS)):
            strides.insert(0, code.mul(strides[0], code.arg(f"t{axis}")))
        row_block = code.mul(strides[0], code.arg("t0"))
        with code.loop(code.arg("rowblocks")) as b:
            start = code.mul(b, code.arg("block"))
            rows = code.min(code.sub(code.arg("rows"), start), code.arg("block"))
            here = code.add(source, code.mul(start, code.arg("wrow")))
            self._taps(code, 0, here, code.add(out, code.mul(b, row_block)), True,
                       (q, strides, rows, columns))  # fmt: skip

    def _taps(
        self, code: Code, axis: int, source: Index, out: Index, exists: object,
        rest: tuple[list[Index], list[Index], Index, Index],
    ) -> None:  # fmt: skip
        q, strides, rows, columns = rest
        if axis == TAPS:
            self._rows(code, source, out, exists, rows, columns)
            return
        with code.loop(code.arg(f"t{axis}")) as t:
            known = exists
            if axis < POSITIONS:
                cell = code.add(
                    code.arg(f"bf{axis}"),
                    code.mul(q[axis], code.arg(f"bq{axis}")),
                    code.mul(t, code.arg(f"bt{axis}")),
                )
                known = code.both(known, code.within(cell, code.arg(f"bn{axis}")))
            here = code.add(source, code.mul(t, code.arg(f"wt{axis}")))
            there = code.add(out, code.mul(t, strides[axis]))
            self._taps(code, axis + 1, here, there, known, rest)

    def _rows(
        self, code: Code, source: Index, out: Index, exists: object, rows: Index, columns: Index
    ) -> None:
        from allconv.engine.emit.view import View
        from allconv.engine.kernels.band import emit_zeros

        columns = code.select(exists, columns, 0)
        with code.loop(rows) as r:
            here = code.add(source, code.mul(r, code.arg("wrow")))
            there = code.add(out, code.mul(r, self.width * code.size))
            with code.loop(columns) as lane:
                x = View(code, code.add(here, code.mul(lane, code.arg("wcolumn")))).scalar()
                View(code, code.add(there, code.mul(lane, code.size))).store_scalar(x)
            empty = code.add(there, code.mul(columns, code.size))
            emit_zeros(code, empty, code.sub(self.width, columns))


@dataclass(frozen=True)
class Moving:
    """How weights move with the position along one axis: cell = first + step*q + tap*t of n."""

    count: int = 1
    stride: int = 0
    first: int = 0
    step: int = 0
    tap: int = 0
    n: int = 1


@dataclass(frozen=True)
class Packed:
    """Packed weights: where they are, and their strides in bytes."""

    place: Place
    width: int
    block: int
    rowblocks: int
    columnblocks: int
    taps: tuple[int, ...]
    positions: tuple[int, ...]

    def slots(self, item: int) -> dict[str, int]:
        """The strides: wt0 ... wt3 by tap, wc row block, wk column block, wp position, wg group."""
        step = self.block * self.width * item
        slots: dict[str, int] = {}
        for axis in reversed(range(TAPS)):
            slots[f"wt{axis}"] = step
            step *= self.taps[axis]
        slots["wc"] = step
        step *= self.rowblocks
        slots["wk"] = step
        step *= self.columnblocks
        for axis in reversed(range(POSITIONS)):
            slots[f"wp{axis}"] = step if self.positions[axis] > 1 else 0
            step *= self.positions[axis]
        slots["wg"] = step
        return slots


def pack(
    planner: Planner,
    weights: Place,
    *,
    groups: int,
    rows: tuple[int, int],
    columns: tuple[int, int],
    group_stride: int,
    taps: tuple[tuple[int, int], ...],
    offset: int,
    width: int,
    block: int,
    moving: tuple[Moving, ...] = (Moving(),) * POSITIONS,
) -> Packed:
    """Add the step that packs weights; rows, columns and taps are (count, stride in bytes)."""
    counts = tuple(count for count, _ in taps)
    rowblocks, columnblocks = -(-rows[0] // block), -(-columns[0] // width)
    positions = tuple(axis.count for axis in moving)
    unit = rowblocks * prod(counts) * block * width
    chunks = groups * prod(positions) * columnblocks
    place = planner.temporary((max(chunks * unit, 1),), weights.spec.dtype)
    packed = Packed(place, width, block, rowblocks, columnblocks, counts, positions)
    source = weights.viewed(weights.shape, weights.strides, offset)
    if all(axis == Moving() for axis in moving) and _by_copies(
        planner, source, packed, (groups, group_stride), rows, columns, taps
    ):
        return packed
    arguments: dict[str, int | Place] = {
        "w": source,
        "out": place,
        "chunkbytes": unit * place.item,
        "columnblocks": columnblocks,
        "columns": columns[0],
        "rowblocks": rowblocks,
        "rows": rows[0],
        "block": block,
        "wg": group_stride,
        "wcolumn": columns[1],
        "wrow": rows[1],
    }
    for axis, (count, stride) in enumerate(taps):
        arguments |= {f"t{axis}": count, f"wt{axis}": stride}
    for axis, move in enumerate(moving):
        arguments |= {
            f"q{axis}": move.count, f"wq{axis}": move.stride, f"bf{axis}": move.first,
            f"bq{axis}": move.step, f"bt{axis}": move.tap, f"bn{axis}": move.n,
        }  # fmt: skip
    kernel = Pack(planner.target, weights.spec.dtype, width)
    if unit:
        planner.step(kernel, arguments, writes=[place], chunks=chunks, what="pack weights")
    return packed


def _by_copies(
    planner: Planner,
    source: Place,
    packed: Packed,
    groups: tuple[int, int],
    rows: tuple[int, int],
    columns: tuple[int, int],
    taps: tuple[tuple[int, int], ...],
) -> bool:
    """Pack weights that do not move by plain copies: whole blocks, and what is left of each."""
    item, width, block = source.item, packed.width, packed.block
    strides = packed.slots(item)
    fixed = [(groups[0], (strides["wg"], groups[1]))]
    fixed += [(n, (strides[f"wt{axis}"], step)) for axis, (n, step) in enumerate(taps)]
    if not all(n for n, _ in fixed):
        return True
    parts = []
    for column, lanes, blocks in _blocks(columns[0], width):
        for row, height, rowblocks in _blocks(rows[0], block):
            outer = [
                *fixed,
                (blocks, (strides["wk"], width * columns[1])),
                (rowblocks, (strides["wc"], block * rows[1])),
                (height, (width * item, rows[1])),
            ]
            counts, steps = zip(*outer, strict=True)
            turned = tuple(zip(*steps, strict=True))
            axes = [(n, (to, step)) for n, (to, step) in collapse(counts, turned)]
            if len(axes) >= COPY_AXES:
                return False
            start = column // width * strides["wk"] + row // block * strides["wc"]
            begin = column * columns[1] + row * rows[1]
            parts.append((begin, start, [*axes, (lanes, (item, columns[1]))], width - lanes))
    for begin, start, axes, zeros in parts:
        here = source.viewed(source.shape, source.strides, begin)
        there = packed.place.viewed(packed.place.shape, packed.place.strides, start)
        emit_runs(planner, here, there, axes, zeros=zeros, what="pack weights")
    return True


def _blocks(total: int, size: int) -> list[tuple[int, int, int]]:
    """Whole blocks and the rest: (where they begin, how long each is, how many)."""
    whole = total // size
    parts = [(0, size, whole), (whole * size, total - whole * size, 1)]
    return [part for part in parts if part[1] and part[2]]
