"""Packed weights: blocks of vectors of output channels, in the order in which kernels read them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.band import emit_zeros
from allconv.engine.kernels.chunks import block_of
from allconv.engine.kernels.register_tile import choose_vectors
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.engine.target import Target
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.local import Local, LocalTranspose

AXES = 3  # of taps, and of positions along which locally connected weights move
CHUNKS = 64  # expected at least, where each has
CHUNK_WORK = 16384  # elements at least
MOST = 1_000_000  # elements at most

Correlation = Correlate | CorrelateTranspose | Local | LocalTranspose


@dataclass(frozen=True)
class Pack(Kernel):
    """out[g][q0][q1][q2][column block][row block][k0][k1][k2][row][lane], zeros in unused lanes.

    Rows are the channels that a kernel sums over, columns those it computes; a column block is
    `width` of them. A chunk is `lines` panels [row][lane]. It writes one number of its own to
    `finite`: 0, or NaN if it met a weight that is not finite.
    """

    slots: ClassVar[tuple[str, ...]] = (
        "w", "out", "finite", "total", "lines", "taps", "columnblocks", "columns", "width",
        "rowblocks", "rows", "block", "wg", "wcolumn", "wrow",
        *(f"{name}{axis}" for axis in range(AXES) for name in ("q", "k", "wq", "wk")),
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("lines"))
        last = code.min(code.add(first, code.arg("lines")), code.arg("total"))
        taps = code.arg("taps")
        found = [code.const(0.0)]
        with code.loop(code.ceil_div(last, taps), start=code.div(first, taps), carry=found) as unit:
            source, rows, columns = self._unit(code, unit)
            begin = code.mul(unit, taps)
            low = code.max(code.sub(first, begin), 0)
            high = code.min(code.sub(last, begin), taps)
            with code.loop(high, start=low, carry=found) as tap:
                here = code.add(source, *self._steps(code, tap, "k", "wk"))
                panel = code.mul(code.arg("block"), code.arg("width"), code.size)
                there = code.add(code.arg("out"), code.mul(code.add(begin, tap), panel))
                self._panel(code, here, there, rows, columns)
                self._look(code, there, rows, found)
        finite = code.add(code.arg("finite"), code.mul(code.chunk, code.size))
        View(code, finite).store_scalar(code.reduce(code.fadd, found[0]))

    def _unit(self, code: Code, unit: Index) -> tuple[Index, Index, Index]:
        """Where the weights of a row block lie, and how many rows and columns it has."""
        row_block, rest = (
            code.rem(unit, code.arg("rowblocks")),
            code.div(unit, code.arg("rowblocks")),
        )
        block = code.arg("columnblocks")
        column_block, rest = code.rem(rest, block), code.div(rest, block)
        positions = code.mul(*(code.arg(f"q{axis}") for axis in range(AXES)))
        group, position = code.div(rest, positions), code.rem(rest, positions)
        row = code.mul(row_block, code.arg("block"))
        column = code.mul(column_block, code.arg("width"))
        source = code.add(
            code.arg("w"),
            code.mul(group, code.arg("wg")),
            code.mul(row, code.arg("wrow")),
            code.mul(column, code.arg("wcolumn")),
            *self._steps(code, position, "q", "wq"),
        )
        return (
            source,
            code.min(code.sub(code.arg("rows"), row), code.arg("block")),
            code.min(code.sub(code.arg("columns"), column), code.arg("width")),
        )

    def _steps(self, code: Code, index: Index, size: str, step: str) -> list[Index]:
        """The distances along each axis to a tap or position, given its row-major number."""
        steps = []
        for axis in reversed(range(AXES)):
            n = code.arg(f"{size}{axis}")
            here = code.rem(index, n) if axis else index
            steps.append(code.mul(here, code.arg(f"{step}{axis}")))
            index = code.div(index, n) if axis else 0
        return steps

    def _panel(self, code: Code, source: Index, out: Index, rows: Index, columns: Index) -> None:
        """Copy rows x columns weights, by rows where columns are contiguous; zeros elsewhere."""
        line, size = code.mul(code.arg("width"), code.size), code.size
        step, row_step = code.arg("wcolumn"), code.arg("wrow")
        with code.either(code.compare("==", step, size)) as (then, otherwise):
            with then, code.loop(rows) as r, code.loop(columns, step=code.lanes) as c:
                mask, along = code.mask(code.sub(columns, c)), code.mul(c, size)
                x = View(code, code.add(source, code.mul(r, row_step), along)).vector(0, mask)
                View(code, code.add(out, code.mul(r, line), along)).store(x, 0, mask)
            with otherwise, code.loop(columns) as c:
                here = code.add(source, code.mul(c, step))
                there = code.add(out, code.mul(c, size))
                with code.loop(rows) as r:
                    x = View(code, code.add(here, code.mul(r, row_step))).scalar()
                    View(code, code.add(there, code.mul(r, line))).store_scalar(x)
        unused = code.sub(code.arg("width"), columns)
        with code.when(code.compare(">", unused, 0)), code.loop(rows) as r:
            emit_zeros(code, code.add(out, code.mul(r, line), code.mul(columns, size)), unused)
        missing = code.mul(code.sub(code.arg("block"), rows), code.arg("width"))
        emit_zeros(code, code.add(out, code.mul(rows, line)), missing)

    def _look(self, code: Code, panel: Index, rows: Index, found: list[ir.Value]) -> None:
        """Add 0 times every weight of a panel that was just written: NaN unless it is finite."""
        n = code.mul(rows, code.arg("width"))
        with code.loop(n, step=code.lanes, carry=found) as i:
            x = View(code, code.add(panel, code.mul(i, code.size))).vector()
            found[0] = code.fma(x, 0.0, found[0])


@dataclass(frozen=True)
class PackedFormat:
    """How packed weights lie: all that decides it, and nothing of the size of images.

    The array is [group][*position][column block][row block][*tap][row][lane]. The taps of a
    transpose lie in the opposite order, so that kernels read forwards.
    """

    dtype: str
    transposed: bool
    groups: int
    rows: int
    columns: int
    taps: tuple[int, ...]
    positions: tuple[int, ...]
    block: int
    width: int

    @classmethod
    def of(cls, operator: Correlation, weights: Spec, target: Target) -> PackedFormat:
        """The format in which the kernels of an operator read its weights on a target."""
        transposed = isinstance(operator, CorrelateTranspose | LocalTranspose)
        axes = len(operator.window.axes)
        rows, columns = weights.shape[1], weights.shape[0] // operator.groups
        if transposed:
            rows, columns = columns, rows
        lanes = target.lanes(weights.dtype)
        return cls(
            weights.dtype, transposed, operator.groups, rows, columns,
            weights.shape[2 : 2 + axes], weights.shape[2 + axes :],
            block_of(rows), choose_vectors(target, -(-columns // lanes)) * lanes,
        )  # fmt: skip

    @property
    def rowblocks(self) -> int:
        """Blocks of rows."""
        return -(-self.rows // self.block)

    @property
    def columnblocks(self) -> int:
        """Blocks of columns."""
        return -(-self.columns // self.width)

    @property
    def spec(self) -> Spec:
        """The packed array."""
        blocks = (self.columnblocks, self.rowblocks)
        shape = (self.groups, *self.positions, *blocks, *self.taps, self.block, self.width)
        return Spec(shape, self.dtype)


@dataclass(frozen=True)
class Packed:
    """Packed weights: where they lie, and whether all are finite: the sum of `finite` is 0."""

    format: PackedFormat
    place: Place
    finite: Place

    def by_tap(self) -> list[tuple[int, int]]:
        """For every axis of the window: where tap 0 lies, and the step to the next, in bytes."""
        count = len(self.format.taps)
        steps = self.place.strides[-2 - count : -2]
        if not self.format.transposed:
            return [(0, step) for step in steps]
        return [((n - 1) * step, -step) for n, step in zip(self.format.taps, steps, strict=True)]

    def by_position(self) -> tuple[int, ...]:
        """For every axis of the window: the step to the next position, in bytes."""
        return self.place.strides[1 : 1 + len(self.format.positions)]

    def slots(self) -> dict[str, int | Place]:
        """The strides of groups, blocks of columns and blocks of rows."""
        strides, lead = self.place.strides, 1 + len(self.format.positions)
        return {"w": self.place, "wg": strides[0], "wk": strides[lead], "wc": strides[lead + 1]}


def pack(planner: Planner, operator: Correlation, weights: Place) -> Packed:
    """Add the step that packs the weights of an operator, all taps and positions at once."""
    form = PackedFormat.of(operator, weights.spec, planner.target)
    place = planner.temporary(form.spec.shape, form.dtype)
    taps, axes = prod(form.taps), len(form.taps)
    panel = form.block * form.width
    total = place.spec.size // panel
    chunks = max(1, min(CHUNKS, place.spec.size // CHUNK_WORK), place.spec.size // MOST)
    lines = -(-total // chunks)
    chunks = -(-total // lines)
    finite = planner.temporary((chunks,), form.dtype)
    by_row, by_column = weights.strides[1], weights.strides[0]
    if form.transposed:
        by_row, by_column = by_column, by_row
    begin, lead = 0, AXES - axes
    slots: dict[str, int | Place] = {}
    for axis in range(lead):
        slots |= {f"k{axis}": 1, f"wk{axis}": 0}
    for axis, (n, step) in enumerate(zip(form.taps, weights.strides[2:], strict=False)):
        slots |= {f"k{lead + axis}": n, f"wk{lead + axis}": -step if form.transposed else step}
        begin += (n - 1) * step if form.transposed else 0
    moves = list(zip(form.positions, weights.strides[2 + axes :], strict=True))
    for axis, (n, step) in enumerate([*[(1, 0)] * (AXES - len(moves)), *moves]):
        slots |= {f"q{axis}": n, f"wq{axis}": step}
    slots |= {
        "w": weights.viewed(weights.shape, weights.strides, begin),
        "out": place, "finite": finite, "total": total, "lines": lines, "taps": taps,
        "columnblocks": form.columnblocks, "columns": form.columns, "width": form.width,
        "rowblocks": form.rowblocks, "rows": form.rows, "block": form.block,
        "wg": weights.shape[0] // form.groups * weights.strides[0],
        "wcolumn": by_column, "wrow": by_row,
    }  # fmt: skip
    planner.step(
        Pack(planner.target, form.dtype), slots, reads=[weights], writes=[place, finite],
        chunks=chunks, what="pack weights",
    )  # fmt: skip
    return Packed(form, place, finite)
