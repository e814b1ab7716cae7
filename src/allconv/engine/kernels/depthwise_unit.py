"""A unit of the depthwise algorithm, whichever way its image lies, and what a kernel is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from allconv.engine.arguments import T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.epilogue import AfterArguments
from allconv.engine.kernels.band import SourceArguments
from allconv.engine.kernels.four_axes import OutputArguments
from allconv.engine.kernels.phase_table import PhaseArguments, clip_taps, read_phase

COLUMNS = ("cells", "taps", "offset", "w", "y")
"""Of a phase: its counts, the source cell of its first cell and tap, and how many bytes further
its weights and outputs begin."""


@dataclass(frozen=True, kw_only=True)
class DepthwiseArguments(
    SourceArguments[T], PhaseArguments[T], OutputArguments[T], AfterArguments[T]
):
    """Beside those, weights w with their strides by tap, biases b, of each axis the number of its
    phases and the cells of the largest, and how units are counted: blocks of so many rows and
    columns, splits of so many channels."""

    w: T
    w_tap: tuple[T, ...] = several(4)
    b: T
    phase_count: tuple[T, ...] = several(4)
    most: tuple[T, ...] = several(4)
    units: T
    chunk_units: T
    row_blocks: T
    rows: T
    column_blocks: T
    columns: T
    splits: T
    split_channels: T


class DepthwiseUnit:
    """Some rows and columns of a phase, of one image, some channels."""

    def __init__(
        self, code: Code, image: Index, phases: list[dict[str, Index]],
        cells: tuple[Index, Index, Index, Index], channel: Index,
    ) -> None:  # fmt: skip
        a = code.arguments(DepthwiseArguments)
        self.code, self.phases, self.image = code, phases, image
        self.base = [
            code.add(phase["offset"], code.mul(stride, cell))
            for phase, stride, cell in zip(phases, a.stride, cells, strict=True)
        ]
        self.rows = code.min(code.sub(phases[2]["cells"], cells[2]), a.rows)
        self.columns = code.min(code.sub(phases[3]["cells"], cells[3]), a.columns)
        self.x = code.add(a.x, code.mul(image, a.x_image))
        self.w = code.add(a.w, *(phase["w"] for phase in phases))
        self.y = code.add(
            code.mul(image, a.y_image),
            *(phase["y"] for phase in phases),
            *(code.mul(cell, step) for cell, step in zip(cells, a.y_axis, strict=True)),
        )
        self.outer: list[Index] = []  # the taps of axes 0 and 1 that exist
        for axis in (0, 1):
            dilation, taps = a.dilation[axis], phases[axis]["taps"]
            low, count = clip_taps(code, self.base[axis], dilation, a.size[axis], taps)
            source = code.add(self.base[axis], code.mul(low, dilation))
            self.x = code.add(self.x, code.mul(source, a.x_axis[axis]))
            self.w = code.add(self.w, code.mul(low, a.w_tap[axis]))
            self.outer.append(count)
        self.first = channel
        self.last = code.min(code.add(channel, a.split_channels), a.channels)


@contextmanager
def each_unit(code: Code) -> Iterator[DepthwiseUnit]:
    """The units of this chunk, one after the other.

    Units count images, phases and cells of axes 0 and 1, phases and blocks of rows, phases and
    blocks of columns, blocks of `split_channels`; a chunk is `chunk_units` of them.
    """
    a = code.arguments(DepthwiseArguments)
    with code.units(a.chunk_units, a.units) as unit:
        image, p0, m0, p1, m1, p2, row, p3, column, split = code.counted(
            unit, a.phase_count[0], a.most[0], a.phase_count[1], a.most[1],
            a.phase_count[2], a.row_blocks, a.phase_count[3], a.column_blocks, a.splits,
        )  # fmt: skip
        phases = [read_phase(code, COLUMNS, axis, p) for axis, p in enumerate((p0, p1, p2, p3))]
        exists = code.both(
            code.compare("<", m0, phases[0]["cells"]), code.compare("<", m1, phases[1]["cells"])
        )
        with code.when(exists):
            cells = (m0, m1, code.mul(row, a.rows), code.mul(column, a.columns))
            yield DepthwiseUnit(code, image, phases, cells, code.mul(split, a.split_channels))
