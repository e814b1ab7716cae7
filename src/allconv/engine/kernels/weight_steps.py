"""The steps of a weight gradient: sums over parts of the batch, then their sum."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from allconv.engine.arguments import joined
from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.chunk_sizes import (
    BAND,
    MOST,
    ChannelBlocks,
    Parts,
    band_bytes,
    output_arguments,
    source_arguments,
    split_channels,
    units_of_chunk,
)
from allconv.engine.kernels.four_axes import AXES, AxisPhases, Image, four
from allconv.engine.kernels.join_border import JoinBorder, JoinBorderArguments
from allconv.engine.kernels.join_local import JoinLocal, JoinLocalArguments
from allconv.engine.kernels.join_weight import (
    GradientArguments,
    JoinWeight,
    JoinWeightArguments,
)
from allconv.engine.kernels.packing import packings_by_tap
from allconv.engine.kernels.phase_table import phase_table
from allconv.engine.kernels.register_tile import choose_weight_tile
from allconv.engine.kernels.weight import PartArguments, TermArguments, Weight, WeightArguments
from allconv.engine.phases import tap_phases
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.window import Window

LINES = 32 * 1024  # bytes of sums that are joined and transposed together


def lower_weights(
    planner: Planner, node: Node, x: Place, window: Window, groups: int, batch: bool, *, local: bool
) -> bool:
    """Two steps; with `batch` the images are an axis, with `local` every cell is a part."""
    y = planner.read(node.inputs[1], "last")
    w = planner.result(node.outputs[0], "rows")
    if y.spec.size == 0 or x.spec.size == 0:
        fill(planner, w, 0.0)
        return True
    size = x.shape[0] if batch else None
    source, result = (Image.of(place, groups, batch=batch) for place in (x, y))
    walk = four([AxisPhases(tap_phases(axis)) for axis in window.axes], size)
    lead = AXES - len(window.axes) - batch
    kernel = (*[1] * lead, *window.kernel, *[1] * batch)
    WeightGradient(planner, source, result, walk, kernel, lead, groups, local).add_steps(w)
    return True


@dataclass(frozen=True)
class WeightGradient:
    """A weight gradient over four axes, the first `lead` of which the window does not have."""

    planner: Planner
    x: Image
    y: Image
    axes: tuple[AxisPhases, ...]  # classes of taps, with the outputs that meet them
    kernel: tuple[int, ...]
    lead: int
    groups: int
    local: bool

    def add_steps(self, w: Place) -> None:
        """Sums over parts of the batch, and their sum."""
        planner, x, axes = self.planner, self.x, self.axes
        dtype, item, blocks = x.place.spec.dtype, x.place.item, ChannelBlocks.of(x.channels)
        ways = map(self._way, packings_by_tap(axes, close=x.channel_stride == item))
        way = min(ways, key=lambda each: each.packed)
        parts, width = way.parts, way.tile[2] * planner.target.lanes(dtype)
        part = self.part_bytes(width, x.channels)
        partial = planner.temporary((parts.total * part // item,), dtype)
        table, terms = self.terms(blocks)
        self._sum(way, partial, terms)
        if self.local:
            self._join_local(partial, w, parts, width)
        elif any(map(AxisPhases.leaves, axes[2:], x.sizes[2:])):
            self._join_border(partial, w, parts, width, table, terms)
        else:
            self.join(partial, w, parts, width, x.channels)

    def _way(self, axes: tuple[AxisPhases, ...]) -> _Way:
        """Bands packed along these axes."""
        x, y, blocks = self.x, self.y, ChannelBlocks.of(self.x.channels)
        target, item = self.planner.target, x.place.item
        lanes = target.lanes(x.place.spec.dtype)
        last = x.channels - (blocks.blocks - 1) * blocks.block  # channels of the smallest block
        run = x.channels * axes[3].fewest if blocks.merges(axes[3]) else last
        tile = choose_weight_tile(target, axes[2].fewest, run, -(-y.channels // lanes))
        width = tile[2] * lanes
        part, beside = self.part_bytes(width, x.channels), blocks.blocks * -(-y.channels // width)
        parts = Parts.of(axes, x, blocks.pitch * item, part, beside)
        parts = Parts.of_cells(axes) if self.local else parts
        taps = self.axes[2].taps if axes[2].apart else 1
        return _Way(axes, tile, parts, taps)

    def _sum(self, way: _Way, partial: Place, terms: TermArguments[Argument]) -> None:
        """The step of the sums over parts of the batch."""
        x, y, axes, parts = self.x, self.y, way.axes, way.parts
        blocks, target, dtype = (
            ChannelBlocks.of(x.channels),
            self.planner.target,
            x.place.spec.dtype,
        )
        merged = blocks.merges(axes[3])
        width = way.tile[2] * target.lanes(dtype)
        part, out_blocks = self.part_bytes(width, x.channels), -(-y.channels // width)
        band = band_bytes(axes, parts.rows, parts.columns, blocks.pitch * x.place.item)
        cut = way.cut(width, blocks, merged, parts.images * band)
        whole = self.groups * prod(self.kernel[:2]) * len(axes[2].phases) * len(axes[3].phases)
        whole *= parts.total * prod(cut.tap_blocks) * cut.in_splits
        work = x.images * self.groups * prod(axis.pairs for axis in self.axes)
        work *= x.channels * y.channels
        split = split_channels(out_blocks, whole, work, cut.work * out_blocks * width)
        splits = -(-out_blocks // split)
        units = whole * splits
        bands = cut.in_split * band * parts.images
        block = units_of_chunk(units, work, bands // x.place.item)
        arguments = WeightArguments[Argument](
            **joined(terms, part_arguments(parts, partial, part)),
            units=units,
            chunk_units=block,
            groups=self.groups,
            phase_count=tuple(len(axis.phases) for axis in axes),
            tap_blocks=cut.tap_blocks,
            in_splits=cut.in_splits,
            in_split_blocks=cut.in_split,
            splits=splits,
            split_blocks=split,
            outputs=y.channels,
            out_blocks=out_blocks,
            group_bytes=part // self.groups,
            band_bytes=cut.in_split * band,
            pace=tuple(axis.pace for axis in axes[2:]),
            apart=tuple(int(axis.apart) for axis in axes[2:]),
            merged=int(merged),
        )
        kernel = Weight(target, dtype, way.tile, blocks.pitch, axes[3].by_cell)
        self.planner.step(
            kernel, arguments, writes=[partial], chunks=-(-units // block),
            scratch=bands + 256,
        )  # fmt: skip

    def part_bytes(self, width: int, channels: int) -> int:
        """Bytes of the sums of a part, in blocks of `width` output channels."""
        outputs = -(-self.y.channels // width) * width
        return self.groups * outputs * prod(self.kernel) * channels * self.x.place.item

    def terms(self, blocks: ChannelBlocks) -> tuple[Place, TermArguments[Argument]]:
        """The table of phases, and what the sums are given of x and y."""
        x, y, axes = self.x, self.y, self.axes
        table, phases = phase_table(
            self.planner,
            [
                [
                    (p.tap_count, p.out_count, p.offset, p.tap_start, p.out_start * step)
                    for p in axis.phases
                ]
                for axis, step in zip(axes, y.strides, strict=True)
            ],
        )
        terms = TermArguments[Argument](
            **joined(phases, source_arguments(x, axes, blocks), output_arguments(y, axes)),
            kernel=self.kernel,
            tap_step=tuple(axis.common.tap_step for axis in axes),
            images=x.images,
        )
        return table, terms

    def join(self, partial: Place, w: Place, parts: Parts, width: int, channels: int) -> None:
        """Add the parts up, which have so many input channels, and put the sums where the weights
        lie."""
        arguments, chunks, scratch = self._runs(partial, w, parts, width, channels)
        self.planner.step(
            JoinWeight(self.planner.target, w.spec.dtype, width), arguments,
            writes=[w], chunks=chunks, scratch=scratch, what="join weights",
        )  # fmt: skip

    def _join_border(
        self, partial: Place, w: Place, parts: Parts, width: int, table: Place,
        terms: TermArguments[Argument],
    ) -> None:  # fmt: skip
        """The same, and mend what gradients that are not finite have made of zeros outside of the
        input."""
        runs, chunks, scratch = self._runs(partial, w, parts, width, self.x.channels)
        self.planner.step(
            JoinBorder(self.planner.target, w.spec.dtype, width),
            JoinBorderArguments[Argument](**joined(terms, runs)),
            reads=[self.x.place, self.y.place, table, partial], writes=[w], chunks=chunks,
            scratch=scratch, what="join weights, mend border",
        )  # fmt: skip

    def _runs(
        self, partial: Place, w: Place, parts: Parts, width: int, channels: int
    ) -> tuple[JoinWeightArguments[Argument], int, int]:
        """How sums are joined in runs of lines, in how many chunks, and the bytes of a run."""
        line, taps = width * w.item, prod(self.kernel)
        run_taps = min(taps, max(1, LINES // line))
        run_channels = max(1, min(channels, LINES // (line * taps)))
        tap_runs, channel_runs = -(-taps // run_taps), -(-channels // run_channels)
        out_blocks = -(-self.y.channels // width)
        units = self.groups * out_blocks * channel_runs * tap_runs
        lines = run_taps * run_channels
        block = units_of_chunk(units, 0, parts.total * lines * width)
        arguments = JoinWeightArguments[Argument](
            **joined(self._gradient(partial, w, parts.total, width, channels)),
            units=units,
            chunk_units=block,
            channel_runs=channel_runs,
            run_channels=run_channels,
            tap_runs=tap_runs,
            run_taps=run_taps,
        )
        return arguments, -(-units // block), lines * line

    def _join_local(self, partial: Place, w: Place, parts: Parts, width: int) -> None:
        """Put the parts of all cells where their weights lie."""
        axes, lead = self.axes, self.lead
        common = [axis.common for axis in axes[:3]]
        count = len(w.shape[2:]) // 2
        cells, by_cell, by_tap = [1] * 3, [0] * 3, [0] * AXES
        cells[lead:] = w.shape[2 + count :]
        by_cell[lead:] = w.strides[2 + count :]
        by_tap[lead : lead + count] = w.strides[2 : 2 + count]
        _, phases = phase_table(
            self.planner,
            [
                [(p.out_start if p.out_count else -1, p.offset) for p in axis.phases]
                for axis in axes
            ],
        )
        channels = self.x.channels
        gradient = self._gradient(partial, w, 1, width, channels)
        units = prod(cells) * self.groups * -(-self.y.channels // width) * prod(self.kernel)
        block = units_of_chunk(units, 0, channels * width)
        arguments = JoinLocalArguments[Argument](
            **joined(gradient, phases),
            units=units,
            chunk_units=block,
            w_tap=tuple(by_tap),
            positions=tuple(cells),
            w_position=tuple(by_cell),
            most=parts.counts[1:4],
            tap_step=tuple(each.tap_step for each in common),
            out_step=tuple(each.out_step for each in common),
            size=self.x.sizes[:3],
            stride=tuple(each.stride for each in common),
            dilation=tuple(each.dilation for each in common),
        )
        self.planner.step(
            JoinLocal(self.planner.target, w.spec.dtype, width), arguments,
            writes=[w], chunks=-(-units // block), what="join weights",
        )  # fmt: skip

    def _gradient(
        self, partial: Place, w: Place, parts: int, width: int, channels: int
    ) -> GradientArguments[Argument]:
        """Where w and the sums of its parts lie."""
        return GradientArguments[Argument](
            w=w,
            w_group=self.y.channels * w.strides[0],
            w_output=w.strides[0],
            w_channel=w.strides[1],
            partial=partial,
            parts=parts,
            part_bytes=self.part_bytes(width, channels),
            groups=self.groups,
            outputs=self.y.channels,
            out_blocks=-(-self.y.channels // width),
            channels=channels,
            kernel=self.kernel,
        )


def part_arguments(parts: Parts, partial: Place, part_bytes: int) -> PartArguments[Argument]:
    """How the batch is cut, and where the sums of the parts lie."""
    return PartArguments[Argument](
        part_images=parts.images,
        rows=parts.rows,
        columns=parts.columns,
        cells=parts.counts[1:3],
        row_blocks=parts.counts[3],
        column_blocks=parts.counts[4],
        partial=partial,
        part_bytes=part_bytes,
    )


class _WeightCut(NamedTuple):
    """How the outputs of a weight gradient are cut, so that no unit is too much work: blocks of
    taps of axes 2 and 3, splits of the input channels into `in_split` blocks; the multiply-adds of
    what is left, for one output channel."""

    tap_blocks: tuple[int, int]
    in_splits: int
    in_split: int
    work: int


@dataclass(frozen=True)
class _Way:
    """A way to pack the bands of a weight gradient: the axes of a unit, its register tile (taps of
    axis 2, input channels, vectors), the parts, and into how many units `taps` of axis 2 go."""

    axes: tuple[AxisPhases, ...]
    tile: tuple[int, int, int]
    parts: Parts
    taps: int

    @property
    def packed(self) -> int:
        """Pixels of all bands."""
        parts = self.parts
        bands = self.taps * parts.total * parts.images
        return bands * band_bytes(self.axes, parts.rows, parts.columns, 1)

    def cut(self, lanes: int, blocks: ChannelBlocks, merged: bool, band: int) -> _WeightCut:
        """Cut input channels first, which packs nothing twice, then taps; output channels, of which
        a tile has so many, are cut elsewhere. `band` is the bytes of a block of input channels."""
        axes, parts, (height, width, _) = self.axes, self.parts, self.tile
        cells = parts.images * parts.rows * parts.columns
        taps2, taps3 = axes[2].taps, axes[3].taps
        room = MOST // (cells * lanes)  # pairs of tap and input channel
        fitting = min(BAND // max(band, 1), room // (blocks.block * taps2 * taps3))
        in_split = max(1, min(blocks.blocks, fitting))
        channels = in_split * blocks.block
        room = max(1, room // channels)  # taps
        block2 = max(height, min(taps2, room // taps3))
        tap_blocks2 = max(1, min(-(-taps2 // block2), axes[2].fewest // height))
        room = max(1, room // -(-taps2 // tap_blocks2))
        least3 = -(-width // blocks.channels) if merged else 1  # taps that fill a tile
        tap_blocks3 = max(1, min(-(-taps3 // max(room, least3)), axes[3].fewest // least3))
        work = cells * channels * -(-taps2 // tap_blocks2) * -(-taps3 // tap_blocks3)
        tap_blocks = self.taps * tap_blocks2, tap_blocks3
        return _WeightCut(tap_blocks, -(-blocks.blocks // in_split), in_split, work)
