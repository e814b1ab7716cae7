"""The steps of a correlation: its weights packed once, then one step for all phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from allconv.engine.arguments import joined
from allconv.engine.epilogue import Epilogue, Tail
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.chunk_sizes import (
    MOST,
    ChannelBlocks,
    output_arguments,
    source_arguments,
    units_of_chunk,
)
from allconv.engine.kernels.correlation_arguments import CorrelationArguments
from allconv.engine.kernels.cut import CHANGE, COPY, TRANSPOSE, WorkToCut, cut
from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.direct_tiles import DirectArguments
from allconv.engine.kernels.four_axes import AXES, AxisPhases, Image, four
from allconv.engine.kernels.mend_border import BorderArguments, MendBorder
from allconv.engine.kernels.pack import Packed
from allconv.engine.kernels.packing import packings
from allconv.engine.kernels.phase_table import phase_table
from allconv.engine.kernels.planes import Planes, PlanesArguments
from allconv.engine.kernels.planes_steps import planes_arguments, planes_work
from allconv.engine.kernels.register_tile import choose_heights
from allconv.engine.kernels.unit import TermRuns, UnitMemory
from allconv.engine.phases import Phase
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node


@dataclass(frozen=True, slots=True)
class WeightSteps:
    """Where weights lie along an axis, in bytes: tap 0, and the steps by tap, by output cell and
    by source cell (for weights that move with either)."""

    start: int = 0
    tap: int = 0
    cell: int = 0
    source: int = 0

    def first(self, phase: Phase) -> int:
        """Where a phase begins to read."""
        moved = phase.out_start * self.cell + phase.offset * self.source
        return self.start + phase.tap_start * self.tap + moved

    def by_tap(self, phase: Phase) -> int:
        """The step from tap to tap of a phase."""
        return phase.tap_step * self.tap + phase.dilation * self.source

    def by_cell(self, phase: Phase) -> int:
        """The step from cell to cell of a phase."""
        return phase.out_step * self.cell + phase.stride * self.source


@dataclass(frozen=True)
class DirectConvolution:
    """A node that runs on the direct kernel, with all its phases, or in `planes` where a cut fits;
    `batch` is the number of images where they are the last axis."""

    planner: Planner
    groups: int
    bias: Place | None
    tail: Tail
    batch: int | None
    head: Tail | None = None  # on the input
    planes: bool = False

    def run(
        self, x: Place, y: Place, packed: Packed,
        axes: Sequence[Sequence[Phase]], steps: Sequence[WeightSteps],
    ) -> None:  # fmt: skip
        """Add the step, given the phases of the axes of the window and how weights lie there."""
        batch = self.batch is not None
        source, target = (Image.of(place, self.groups, batch=batch) for place in (x, y))
        walk = four([AxisPhases(tuple(phases)) for phases in axes], self.batch)
        lead = AXES - len(axes) - batch
        weights = (*[WeightSteps()] * lead, *steps, *[WeightSteps()] * batch)
        if not (self.planes and self._planes(source, target, walk, packed, weights)):
            self._direct(source, target, walk, packed, weights)

    def _planes(
        self, x: Image, y: Image, axes: tuple[AxisPhases, ...], packed: Packed,
        weights: tuple[WeightSteps, ...],
    ) -> bool:  # fmt: skip
        """Add the step on planes, unless those of no unit fit, or too many of their rows are met by
        no tap, so that transposing the result takes less."""
        target, form = self.planner.target, packed.format
        work = planes_work(x, axes, form, target, self.groups)
        pieces = cut(work)
        other, _ = self._best(x, axes, packed, weights)
        transposed = other.time(cut(other)) + TRANSPOSE * y.place.spec.size
        if not work.fits(pieces) or work.time(pieces) > transposed:
            return False
        common = self._arguments(x, y, axes, packed, weights)
        pairs = x.images * self.groups * form.rows * form.columns * prod(a.pairs for a in axes)
        arguments, *needs = planes_arguments(common, work, pieces, pairs)
        kernel = Planes(target, form.dtype, work.tile, self.bias is not None, self.tail.epilogue)
        self._step(kernel, arguments, common, axes, packed, (x, y), *needs)
        return True

    def _direct(
        self, x: Image, y: Image, axes: tuple[AxisPhases, ...], packed: Packed,
        weights: tuple[WeightSteps, ...],
    ) -> None:  # fmt: skip
        form, blocks = packed.format, ChannelBlocks.of(packed.format.rows)
        work, axes = self._best(x, axes, packed, weights)
        pieces = cut(work)
        split = -(-form.columnblocks // pieces.channels)
        pieces = pieces._replace(channels=-(-form.columnblocks // split))
        units = work.units(pieces)
        runs = TermRuns.of(work, x, axes, packed, weights[3].by_tap(axes[3].common))
        transposed = y.channel_stride != y.place.item
        memory = UnitMemory.of(work, pieces, runs, kept=transposed)
        pairs = x.images * self.groups * form.rows * form.columns * prod(a.pairs for a in axes)
        block = units_of_chunk(units, pairs, memory.runs // work.item)
        common = self._arguments(x, y, axes, packed, weights)
        head = self.head or Tail(Epilogue(before=True))
        bias = zip(axes[:3], self._bias_strides(), strict=False)
        arguments = DirectArguments[Argument](
            **joined(common, head.arguments()),
            units=units,
            chunk_units=block,
            row_blocks=pieces.rows,
            column_blocks=pieces.columns,
            splits=pieces.channels,
            split_blocks=split,
            w_cell=tuple(w.by_cell(a.common) for a, w in zip(axes[:3], weights, strict=False)),
            b_cell=tuple(axis.common.out_step * by for axis, by in bias),
            pitch=blocks.pitch,
            pace=tuple(axis.pace for axis in axes[2:]),
            apart=tuple(int(axis.apart) for axis in axes[2:]),
            inplace=int(not work.copy),
            alone=int(work.alone),
            merged=int(runs.merged),
            run=runs.channels,
            run_blocks=runs.blocks,
            parts=runs.parts,
            part_runs=runs.part,
            part_bytes=runs.bytes,
            runs=memory.runs,
            cells=memory.cells,
            sums=memory.sums,
            ahead=memory.ahead,
        )
        kernel = Direct(
            self.planner.target, form.dtype, work.heights, work.vectors, self.bias is not None,
            self.tail.epilogues(alone=work.heights[0] == 1), head.epilogues(), transposed,
        )  # fmt: skip
        chunks = -(-units // block)
        self._step(kernel, arguments, common, axes, packed, (x, y), chunks, memory.bytes)

    def _step(
        self, kernel: Kernel, arguments: DirectArguments[Argument] | PlanesArguments[Argument],
        common: CorrelationArguments[Argument], axes: tuple[AxisPhases, ...], packed: Packed,
        images: tuple[Image, Image], chunks: int, scratch: int,
    ) -> None:  # fmt: skip
        """Add the step that computes y from x, and the one that mends cells at the border."""
        x, y = images
        operands = (*self.tail.operands, *(self.head.operands if self.head else ()))
        reads = [x.place, packed.place, *operands]
        reads += [place for place in (common.phases, self.bias) if isinstance(place, Place)]
        self.planner.step(
            kernel, arguments, reads=reads, writes=[y.place],
            chunks=chunks, scratch=scratch,
        )  # fmt: skip
        met = all(axis.taps for axis in axes)
        if self.batch is None and met and any(map(AxisPhases.leaves, axes[2:], x.sizes[2:])):
            self._border(axes, common, packed, reads, y.place)

    def _best(
        self, x: Image, axes: tuple[AxisPhases, ...], packed: Packed,
        weights: tuple[WeightSteps, ...],
    ) -> tuple[WorkToCut, tuple[AxisPhases, ...]]:  # fmt: skip
        """The axes, with bands packed in the fastest way."""
        alone = any(steps.cell or steps.source for steps in weights)
        ways = packings(axes, close=x.channel_stride == x.place.item)
        every = [(self._work(x, each, packed, alone=alone), each) for each in ways]
        return min(every, key=lambda pair: pair[0].time(cut(pair[0])))

    def _work(
        self, x: Image, axes: tuple[AxisPhases, ...], packed: Packed, *, alone: bool
    ) -> WorkToCut:
        """All that decides how the convolution is cut."""
        form, blocks, item = packed.format, ChannelBlocks.of(packed.format.rows), x.place.item
        vectors = form.width // self.planner.target.lanes(form.dtype)
        line = axes[3].least * (1 if alone else axes[2].least)
        outer = x.images * self.groups * prod(len(axis.phases) for axis in axes)
        # The source can be its own band if nothing of it lies outside, nor is changed.
        close = x.channel_stride == item
        inplace = close and self.head is None
        inplace = inplace and not any(map(AxisPhases.leaves, axes[2:], x.sizes[2:]))
        return WorkToCut(
            row=axes[2],
            column=axes[3],
            outer=outer * axes[0].most * axes[1].most,
            heights=choose_heights(self.planner.target, line, vectors),
            vectors=vectors,
            alone=alone,
            terms=form.rows * prod(axis.taps for axis in axes),
            width=form.width,
            blocks=form.columnblocks,
            pixel=blocks.blocks * blocks.pitch * item * max(axes[0].taps * axes[1].taps, 1),
            item=item,
            copy=0.0 if inplace else COPY if close else TRANSPOSE if self.head is None else CHANGE,
        )

    def _border(
        self, axes: tuple[AxisPhases, ...], common: CorrelationArguments[Argument], packed: Packed,
        reads: list[Place], y: Place,
    ) -> None:  # fmt: skip
        """Mend what a weight that is not finite has made of zeros outside of the input."""
        form = packed.format
        reaches = [common.dilation * axis.taps for axis in axes for common in (axis.common,)]
        units = prod(len(axis.phases) * axis.most for axis in axes[:3])
        units *= self.groups * y.shape[0]
        cells = len(axes[3].phases) * min(axes[3].most, reaches[3] + 1)
        depth = form.rows * prod(axis.taps for axis in axes) * form.columnblocks * form.width
        block = max(1, MOST // (cells * depth))
        arguments = BorderArguments[Argument](
            **joined(common),
            units=units,
            chunk_units=block,
            width=form.width,
            finite=packed.finite,
            flags=packed.finite.spec.size,
        )
        kernel = MendBorder(
            self.planner.target, form.dtype, self.bias is not None, self.tail.epilogues()
        )
        self.planner.step(
            kernel, arguments, reads=[*reads, packed.finite], writes=[y],
            chunks=-(-units // block), what="mend border",
        )  # fmt: skip

    def _arguments(
        self, x: Image, y: Image, axes: tuple[AxisPhases, ...], packed: Packed,
        weights: tuple[WeightSteps, ...],
    ) -> CorrelationArguments[Argument]:  # fmt: skip
        """What all its kernels are given, with the table of phases."""
        form, blocks = packed.format, ChannelBlocks.of(packed.format.rows)
        _, phases = phase_table(
            self.planner,
            [
                [
                    (p.out_count, p.tap_count, p.offset, w.first(p), p.out_start * step,
                     p.out_start * by_bias)
                    for p in axis.phases
                ]
                for axis, w, step, by_bias in zip(
                    axes, weights, y.strides, self._bias_strides(), strict=True
                )
            ],
        )  # fmt: skip
        source, output = source_arguments(x, axes, blocks), output_arguments(y, axes)
        return CorrelationArguments[Argument](
            **joined(phases, source, packed.arguments(), output, self.tail.arguments()),
            phase_count=tuple(len(axis.phases) for axis in axes),
            most=tuple(axis.most for axis in axes),
            w_tap=tuple(w.by_tap(a.common) for a, w in zip(axes, weights, strict=True)),
            y_channel=y.channel_stride,
            b=self.bias or 0,
            b_group=y.channels * y.place.item,
            groups=self.groups,
            outputs=form.columns,
            out_blocks=form.columnblocks,
        )

    def _bias_strides(self) -> tuple[int, ...]:
        """Of a bias (C,) by channel none, of (1, C, *P) those of the cells."""
        if self.bias is None or len(self.bias.shape) == 1:
            return (0,) * AXES
        own = self.bias.strides[2:]
        return (0,) * (AXES - 1 - len(own)) + own + (0,)


def of_floats(lower: Lowering) -> Lowering:
    """Integers run by definition, in their own arithmetic."""

    def lower_floats(planner: Planner, node: Node) -> bool:
        return all(value.spec.is_float for value in node.inputs) and lower(planner, node)

    return lower_floats
