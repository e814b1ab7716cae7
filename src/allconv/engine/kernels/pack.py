"""Packed weights: blocks of vectors of output channels, in the order in which kernels read them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.band import emit_zeros
from allconv.engine.kernels.chunk_sizes import block_of
from allconv.engine.kernels.register_tile import choose_vectors
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.engine.target import Target
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.local import Local, LocalTranspose

AXES = 3  # of taps, and of positions along which locally connected weights move
CHUNKS = 64  # expected at least, where each has
CHUNK_WORK = 16384  # elements at least
MOST = 1_000_000  # elements at most
LINEAR = 2  # vectors of a block where a window gives one cell: it waits for weights, not for sums

Correlation = Correlate | CorrelateTranspose | Local | LocalTranspose


@dataclass(frozen=True, kw_only=True)
class PackArguments(Arguments[T]):
    """Weights w with their strides, and how many there are of all that is counted; `total` are all
    panels, `lines` those of a chunk, `taps` those of a row block."""

    w: T
    w_group: T
    w_column: T
    w_row: T
    w_tap: tuple[T, ...] = several(AXES)
    w_position: tuple[T, ...] = several(AXES)
    taps_of: tuple[T, ...] = several(AXES)
    positions_of: tuple[T, ...] = several(AXES)
    out: T
    finite: T
    total: T
    lines: T
    taps: T
    columns: T
    width: T
    column_blocks: T
    rows: T
    block: T
    row_blocks: T


@dataclass(frozen=True)
class Pack(Kernel):
    """out[g][q0][q1][q2][column block][row block][k0][k1][k2][row][lane], zeros in unused lanes.

    Rows are the channels that a kernel sums over, columns those it computes; a column block is
    `width` of them. A chunk is `lines` panels [row][lane]. It writes one number of its own to
    `finite`: 0, or NaN if it met a weight that is not finite.
    """

    takes: ClassVar = PackArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(PackArguments)
        first = code.mul(code.chunk, a.lines)
        last = code.min(code.add(first, a.lines), a.total)
        taps = a.taps
        found = [code.const(0.0)]
        with code.loop(code.ceil_div(last, taps), start=code.div(first, taps), carry=found) as unit:
            source, rows, columns = self._unit(code, unit)
            begin = code.mul(unit, taps)
            low = code.max(code.sub(first, begin), 0)
            high = code.min(code.sub(last, begin), taps)
            with code.loop(high, start=low, carry=found) as tap:
                here = code.add(source, *_steps(code, tap, a.taps_of, a.w_tap))
                panel = code.mul(a.block, a.width, code.size)
                there = code.add(a.out, code.mul(code.add(begin, tap), panel))
                self._panel(code, here, there, rows, columns)
                self._check_finite(code, there, rows, found)
        finite = code.add(a.finite, code.mul(code.chunk, code.size))
        View(code, finite).store_scalar(code.reduce(code.fadd, found[0]))

    def _unit(self, code: Code, unit: Index) -> tuple[Index, Index, Index]:
        """Where the weights of a row block lie, and how many rows and columns it has."""
        a = code.arguments(PackArguments)
        positions = code.mul(*a.positions_of)
        counts = (positions, a.column_blocks, a.row_blocks)
        group, position, column_block, row_block = code.counted(unit, *counts)
        row = code.mul(row_block, a.block)
        column = code.mul(column_block, a.width)
        source = code.add(
            a.w,
            code.mul(group, a.w_group),
            code.mul(row, a.w_row),
            code.mul(column, a.w_column),
            *_steps(code, position, a.positions_of, a.w_position),
        )
        return (
            source,
            code.min(code.sub(a.rows, row), a.block),
            code.min(code.sub(a.columns, column), a.width),
        )

    def _panel(self, code: Code, source: Index, out: Index, rows: Index, columns: Index) -> None:
        """Copy rows x columns weights, by rows where columns are contiguous; zeros elsewhere."""
        a = code.arguments(PackArguments)
        line, size = code.mul(a.width, code.size), code.size
        step, row_step = a.w_column, a.w_row
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
        unused = code.sub(a.width, columns)
        with code.when(code.compare(">", unused, 0)), code.loop(rows) as r:
            emit_zeros(code, code.add(out, code.mul(r, line), code.mul(columns, size)), unused)
        missing = code.mul(code.sub(a.block, rows), a.width)
        emit_zeros(code, code.add(out, code.mul(rows, line)), missing)

    def _check_finite(self, code: Code, panel: Index, rows: Index, found: list[ir.Value]) -> None:
        """Add 0 times every weight of a panel that was just written: NaN unless it is finite."""
        n = code.mul(rows, code.arguments(PackArguments).width)
        with code.loop(n, step=code.lanes, carry=found) as i:
            x = View(code, code.add(panel, code.mul(i, code.size))).vector()
            found[0] = code.fma(x, 0.0, found[0])


def _steps(
    code: Code, number: Index, sizes: tuple[Index, ...], steps: tuple[Index, ...]
) -> list[Index]:
    """The distances along each axis to a tap or position, given its row-major number."""
    return code.moves(steps, code.counted(number, *sizes[1:]))


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
        vectors = choose_vectors(target, -(-columns // lanes))
        if all(axis.output == 1 for axis in operator.window.axes):
            vectors = min(LINEAR, -(-columns // lanes))
        return cls(
            weights.dtype, transposed, operator.groups, rows, columns,
            weights.shape[2 : 2 + axes], weights.shape[2 + axes :],
            block_of(rows), vectors * lanes,
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


@dataclass(frozen=True, kw_only=True)
class PackedArguments(Arguments[T]):
    """Packed weights w with their strides by group, by block of columns and by block of rows."""

    w: T
    w_group: T
    w_block: T
    w_rows: T


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

    def arguments(self) -> PackedArguments[Argument]:
        """What a kernel is given of them."""
        strides, lead = self.place.strides, 1 + len(self.format.positions)
        return PackedArguments[Argument](
            w=self.place, w_group=strides[0], w_block=strides[lead], w_rows=strides[lead + 1]
        )


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
    by_tap, by_position = weights.strides[2 : 2 + axes], weights.strides[2 + axes :]
    begin = 0
    if form.transposed:  # the last tap comes first
        begin = sum((n - 1) * step for n, step in zip(form.taps, by_tap, strict=True))
        by_tap = tuple(-step for step in by_tap)
    arguments = PackArguments[Argument](
        w=weights.viewed(weights.shape, weights.strides, begin),
        w_group=weights.shape[0] // form.groups * weights.strides[0],
        w_column=by_column,
        w_row=by_row,
        w_tap=_three(by_tap, 0),
        w_position=_three(by_position, 0),
        taps_of=_three(form.taps, 1),
        positions_of=_three(form.positions, 1),
        out=place,
        finite=finite,
        total=total,
        lines=lines,
        taps=taps,
        columns=form.columns,
        width=form.width,
        column_blocks=form.columnblocks,
        rows=form.rows,
        block=form.block,
        row_blocks=form.rowblocks,
    )
    planner.step(
        Pack(planner.target, form.dtype), arguments, reads=[weights], writes=[place, finite],
        chunks=chunks, what="pack weights",
    )  # fmt: skip
    return Packed(form, place, finite)


def _three(numbers: tuple[int, ...], absent: int) -> tuple[int, ...]:
    """The numbers of three axes, of which the first may not be there."""
    return (absent,) * (AXES - len(numbers)) + numbers
