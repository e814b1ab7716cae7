"""Pooling: which phases, blocks and chunks the steps of each operator have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allconv.engine.arguments import joined
from allconv.engine.kernels.four_axes import AxisPhases
from allconv.engine.kernels.phase_table import phase_table
from allconv.engine.kernels.reduce import lower_mean_pool
from allconv.engine.kernels.taps import ABSENT, AXES, PIXELS, Pool, PoolArguments
from allconv.engine.phases import Phase, input_phases, output_phases
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.pool import (
    AveragePool,
    AveragePoolTranspose,
    GatherWindow,
    MaxPool,
    ScatterWindow,
)
from allconv.window import Axis, Window

CHUNKS = 64  # expected at least, of a step that has as many
CHUNK_WORK = 32768  # elements times taps, at least, of a chunk
MOST = 4_000_000  # elements times taps of a unit, above which it is cut further
UNIT = 500  # elements times taps that beginning a unit is worth


@dataclass(frozen=True)
class _PhaseWalk:
    """All phases of a window, or `back` those of its transpose, on these arrays."""

    kernel: Pool
    window: Window
    back: bool
    source: Place
    out: Place
    tap: Place | None = None
    counts: Place | None = None

    @property
    def sizes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sizes of the images that are read and written."""
        pair = self.window.input, self.window.output
        return pair[::-1] if self.back else pair

    def add_step(self, planner: Planner) -> None:
        """One step for all phases."""
        batch, channels = self.out.shape[:2]
        if not batch * channels:
            return
        window = self.window
        axes = [
            AxisPhases(input_phases(axis) if self.back else output_phases(axis))
            for axis in window.axes
        ]
        cut = _PoolCut.of(axes, batch, channels, planner.target.lanes(self.out.spec.dtype))
        table, arguments = self._arguments(planner, axes, cut)
        dilated = any(axis.common.dilation != 1 and axis.taps > 1 for axis in axes)
        kernel = replace(self.kernel, dilated=dilated)
        reads, writes = [self.source, table], [self.out]
        if self.counts:
            reads.append(self.counts)
        if self.tap:
            (writes if kernel.mode == "argmax" else reads).append(self.tap)
        chunks = -(-cut.units // cut.block)
        planner.step(kernel, arguments, reads=reads, writes=writes, chunks=chunks)

    def _arguments(
        self, planner: Planner, axes: Sequence[AxisPhases], cut: _PoolCut
    ) -> tuple[Place, PoolArguments[Argument]]:
        """The table of phases, and what the kernel is given."""
        (size, out_size), channels = self.sizes, self.out.shape[1]
        lead, weights = AXES - len(axes), _steps(self.window.kernel, 1)
        rows: list[list[tuple[int, ...]]] = [
            [(p.out_count, p.tap_count, p.offset, p.tap_start * weight, *_inner(p, n))
             for p in axis.phases]
            for axis, weight, n in zip(axes, weights, size, strict=True)
        ]  # fmt: skip
        table, phases = phase_table(planner, [*[[]] * lead, *rows, []])
        common = [axis.common for axis in axes]
        of_axes: dict[str, Sequence[int]] = {
            "out_size": out_size,
            "step": [p.out_step for p in common],
            "stride": [p.stride for p in common],
            "dilation": [p.dilation for p in common],
            "size": size,
            "number": [p.tap_step * weight for p, weight in zip(common, weights, strict=True)],
            "source_axis": _steps(size, channels),
            "out_axis": _steps(out_size, channels),
            "counts_axis": _steps(size if self.back else out_size, 1),
        }
        every: dict[str, Any] = {
            name: (x,) * lead + (*of_axes[name],) for name, x in ABSENT.items()
        }
        return table, PoolArguments[Argument](
            **joined(phases),
            **every,
            source=self.source,
            source_image=channels * prod(size),
            out=self.out,
            out_image=channels * prod(out_size),
            tap=self.tap or 0,
            counts=self.counts or 0,
            count=self.window.taps,
            channels=channels,
            units=cut.units,
            block=cut.block,
            last_phases=len(axes[-1].phases),
            phase_blocks=cut.phases,
            cell_blocks=cut.cells,
            channel_blocks=cut.channels,
        )


@dataclass(frozen=True)
class _PoolCut:
    """How rows of outputs are cut: blocks of phases, of the cells of a phase, of channels; how many
    units there are, and how many make a chunk."""

    phases: int
    cells: int
    channels: int
    units: int
    block: int

    @classmethod
    def of(cls, axes: Sequence[AxisPhases], batch: int, channels: int, lanes: int) -> _PoolCut:
        """By the shape alone: no unit is too much work, and there are chunks enough."""
        last, outer = axes[-1], axes[:-1]
        rows = batch * prod(axis.cells for axis in outer)
        row = channels * max(last.pairs, last.cells) * prod(max(a.taps, 1) for a in outer)
        work = batch * channels * prod(max(axis.pairs, axis.cells) for axis in axes)
        expected = max(1, min(CHUNKS, work // CHUNK_WORK))
        pieces = max(-(-row // MOST), -(-expected // rows))
        cells = max(1, min(pieces, last.least // (4 * PIXELS)))
        phases = max(1, min(-(-pieces // cells), len(last.phases)))
        vectors = max(1, min(-(-pieces // (cells * phases)), channels // lanes))
        missing = -(-pieces // (cells * phases * vectors))
        cells = max(cells, min(cells * missing, last.least))
        units = rows * cells * phases * vectors
        block = max(1, min(-(-units // expected), MOST // (work // units + UNIT)))
        return cls(phases, cells, vectors, units, block)


def _steps(sizes: Sequence[int], innermost: int) -> list[int]:
    """Strides of row-major cells of so many elements."""
    return [innermost * prod(sizes[a + 1 :]) for a in range(len(sizes))]


def _inner(phase: Phase, size: int) -> tuple[int, int]:
    """The cells m whose taps all exist: from the first to before the last."""
    first = max(0, -(phase.offset // phase.stride))
    reach = phase.dilation * max(phase.tap_count - 1, 0)
    return first, (size - 1 - reach - phase.offset) // phase.stride + 1


def lower_max(planner: Planner, node: Node) -> bool:
    """Values, and the taps that won where anything reads them."""
    operator = node.of(MaxPool)
    y, tap = node.outputs
    graph, window = planner.graph, operator.window
    if not 0 < len(window.axes) <= AXES:
        return False
    used = tap in graph.outputs or any(tap in other.inputs for other in graph.nodes)
    kernel = Pool(planner.target, y.dtype, "argmax" if used else "max", len(window.axes))
    x, out = planner.read(node.inputs[0], "last"), planner.result(y, "last")
    won = planner.result(tap, "last") if used else None
    _PhaseWalk(kernel, window, False, x, out, won).add_step(planner)
    return True


def lower_moved(planner: Planner, node: Node) -> bool:
    """Values carried along the taps that won, forwards or backwards."""
    operator = node.of(GatherWindow, ScatterWindow)
    window, back = operator.window, isinstance(operator, ScatterWindow)
    if not 0 < len(window.axes) <= AXES:
        return False
    x, tap = (planner.read(value, "last") for value in node.inputs)
    (y,) = node.outputs
    kernel = Pool(planner.target, y.dtype, "scatter" if back else "gather", len(window.axes))
    _PhaseWalk(kernel, window, back, x, planner.result(y, "last"), tap).add_step(planner)
    return True


def lower_average(planner: Planner, node: Node) -> bool:
    """Sums over the taps, or over the outputs that a cell meets, divided by the cells counted."""
    operator = node.of(AveragePool, AveragePoolTranspose)
    window, back = operator.window, isinstance(operator, AveragePoolTranspose)
    if not 0 < len(window.axes) <= AXES:
        return False
    (y,) = node.outputs
    counts, divisor = None, "all"
    met = [_met(axis) for axis in window.axes]
    count = window.taps if operator.count_padding else prod(int(n[0]) for n in met if n.size)
    if not back and lower_mean_pool(planner, node.inputs[0], y, window, count):
        return True
    if not operator.count_padding and any(
        np.any(n != axis.kernel) for n, axis in zip(met, window.axes, strict=True)
    ):
        counted = np.asarray(prod(np.ix_(*met)), y.dtype)
        counts, divisor = planner.constant(counted), "source" if back else "out"
    kernel = Pool(planner.target, y.dtype, "sum", len(window.axes), divisor=divisor)
    x, out = planner.read(node.inputs[0], "last"), planner.result(y, "last")
    _PhaseWalk(kernel, window, back, x, out, counts=counts).add_step(planner)
    return True


def _met(axis: Axis) -> NDArray[np.int64]:
    """How many input cells each output meets, at least 1."""
    counts = np.empty(axis.output, np.int64)
    for phase in output_phases(axis):
        base = phase.offset + phase.stride * np.arange(phase.out_count)
        low = -(np.minimum(base, 0) // phase.dilation)
        high = np.minimum(-((base - axis.input) // phase.dilation), phase.tap_count)
        counts[phase.out_start :: phase.out_step] = np.maximum(high - low, 1)
    return counts


LOWERINGS: dict[type[Operator], Lowering] = {
    MaxPool: lower_max,
    GatherWindow: lower_moved,
    ScatterWindow: lower_moved,
    AveragePool: lower_average,
    AveragePoolTranspose: lower_average,
}
