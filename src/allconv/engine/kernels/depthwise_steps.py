"""The steps of a depthwise convolution and of its gradients: how they are cut, by shape alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from allconv.engine.arguments import joined
from allconv.engine.epilogue import Tail
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.chunk_sizes import (
    MOST,
    PARTIALS,
    UNIT,
    WORK,
    ChannelBlocks,
    Parts,
    expected_chunks,
    output_arguments,
    source_arguments,
    units_of_chunk,
)
from allconv.engine.kernels.copy import add_copy
from allconv.engine.kernels.depthwise import Depthwise
from allconv.engine.kernels.depthwise_planes import DepthwisePlanes, DepthwisePlanesArguments
from allconv.engine.kernels.depthwise_unit import DepthwiseArguments
from allconv.engine.kernels.depthwise_weight import DepthwiseWeight, DepthwiseWeightArguments
from allconv.engine.kernels.four_axes import AXES, AxisPhases, Image, four
from allconv.engine.kernels.phase_table import phase_table
from allconv.engine.kernels.weight_steps import WeightGradient, part_arguments
from allconv.engine.phases import Phase, tap_phases
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.engine.target import Target
from allconv.window import Window

KNOWN = ((3, 1), (3, 2), (5, 1), (5, 2))  # taps and strides that kernels are written for
ROWS = 4  # at least of a part of a weight gradient, that is cut to have parts enough
CHANNELS = 4  # vectors at least of a block of channels: their cells follow each other in memory
WIDTHS = (8, 7, 4, 1)  # of tiles

# Of planes:
TAPS = (3, 5, 7)  # along axis 3, and along axis 2, which may also have one
HEIGHTS = (8, 7, 4, 2)  # of tiles, in rows
VECTORS = (1, 2, 4)  # of tiles of one row
SOURCES = 3  # registers that are not weights nor sums
LEAST = 3  # rows of a third of the lanes
MANY = 4  # vectors of a row where a part of one takes long


def in_planes(target: Target, x: Place, axes: Sequence[Sequence[Phase]]) -> bool:
    """Whether the kernel of planes computes these phases of x, given that its result is to lie in
    row-major order, too: one of few windows, on rows that follow each other and fill vectors."""
    *_, row, last = four([AxisPhases(tuple(phases)) for phases in axes], None)
    close = x.strides[-1] == x.item and not x.is_last
    lanes = target.lanes(x.spec.dtype)
    wide = last.most * LEAST >= lanes
    if not target.masks:
        wide = last.most >= MANY * lanes and _room(target, row, last) > 0
    strides = {axis.common.stride for axis in (row, last) if axis.most > 1}
    dilated = _is_dilated(row) or _is_dilated(last)
    alike = len(last.phases) == 1 and row.taps == row.fewest and row.taps in (1, last.taps)
    moves = strides <= {1} or (strides == {2} and not dilated)
    return close and wide and alike and moves and last.taps in TAPS


def add_depthwise(
    planner: Planner, x: Place, w: Place, y: Place, bias: Place | None, tail: Tail,
    axes: Sequence[Sequence[Phase]],
) -> None:  # fmt: skip
    """Fill y: forward with the phases of the window, or its transpose with theirs. Both images are
    of channels last, or in row-major order (see `in_planes`)."""
    source, target = (Image.of(place, 1, batch=False) for place in (x, y))
    walk = four([AxisPhases(tuple(phases)) for phases in axes], None)
    planes = not y.is_last
    weights = w if planes else _weights(planner, w)
    by_tap = (0,) * (AXES - len(axes)) + (w.strides[2:] if planes else weights.strides[:-1])
    convolution = DepthwiseConvolution(
        planner, source, target, walk, by_tap, len(axes), weights, bias, tail
    )
    (convolution.add_planes if planes else convolution.add_step)()


def _weights(planner: Planner, w: Place) -> Place:
    """Weights (C, 1, *K) as [*tap][channel]."""
    taps, channels = w.shape[2:], w.shape[0]
    packed = planner.temporary((*taps, channels), w.spec.dtype)
    add_copy(planner, w.viewed(packed.shape, (*w.strides[2:], w.strides[0])), packed)
    return packed


@dataclass(frozen=True)
class DepthwiseConvolution:
    """A depthwise convolution or its transpose over four axes, the last `count` of which the window
    has; `by_tap` are the strides of the weights."""

    planner: Planner
    x: Image
    y: Image
    axes: tuple[AxisPhases, ...]
    by_tap: tuple[int, ...]
    count: int
    weights: Place
    bias: Place | None
    tail: Tail

    def add_step(self) -> None:
        """One step for all phases, channels last."""
        planner, x, axes = self.planner, self.x, self.axes
        dtype = x.place.spec.dtype
        lanes = planner.target.lanes(dtype)
        tile, taps, stride, square = choose_tile(planner.target, axes)
        cut = DepthwiseCut.of(axes, x.images, x.channels, lanes, tile)
        kernel = Depthwise(
            planner.target, dtype, tile, self.count, taps, stride, square,
            x.channels % lanes != 0, self.bias is not None, self.tail.epilogue,
        )  # fmt: skip
        self.step(kernel, self.arguments(cut), cut)

    def add_planes(self) -> None:
        """One step for all phases, in row-major order."""
        planner, x, (*_, row, last) = self.planner, self.x, self.axes
        dtype = x.place.spec.dtype
        lanes = planner.target.lanes(dtype)
        tile = choose_planes_tile(planner.target, row, last, lanes)
        cut = DepthwiseCut.of_planes(self.axes, x.images, x.channels, (tile[0], tile[1] * lanes))
        arguments = DepthwisePlanesArguments[Argument](
            **joined(self.arguments(cut)),
            w_channel=self.weights.strides[0],
            y_channel=self.y.channel_stride,
        )
        strides = (row.common.stride if row.most > 1 else 1), last.common.stride
        dilated = _is_dilated(row) or _is_dilated(last)
        kernel = DepthwisePlanes(
            planner.target, dtype, tile, self.count, (row.taps, last.taps), strides, dilated,
            self.bias is not None, self.tail.epilogue,
        )  # fmt: skip
        self.step(kernel, arguments, cut)

    def arguments(self, cut: DepthwiseCut) -> DepthwiseArguments[Argument]:
        """What all kernels are given, with the table of phases."""
        x, y, axes = self.x, self.y, self.axes
        _, phases = phase_table(
            self.planner,
            [
                [
                    (p.out_count, p.tap_count, p.offset, p.tap_start * step, p.out_start * by_cell)
                    for p in axis.phases
                ]
                for axis, step, by_cell in zip(axes, self.by_tap, y.strides, strict=True)
            ],
        )
        source, output = (
            source_arguments(x, axes, ChannelBlocks.of(x.channels)),
            output_arguments(y, axes),
        )
        return DepthwiseArguments[Argument](
            **joined(phases, source, output, self.tail.arguments()),
            w=self.weights,
            w_tap=tuple(a.common.tap_step * by for a, by in zip(axes, self.by_tap, strict=True)),
            b=self.bias or 0,
            phase_count=tuple(len(axis.phases) for axis in axes),
            most=tuple(axis.most for axis in axes),
            units=cut.units,
            chunk_units=cut.block,
            row_blocks=cut.counts[0],
            rows=cut.rows,
            column_blocks=cut.counts[1],
            columns=cut.columns,
            splits=cut.counts[2],
            split_channels=cut.channels,
        )

    def step(
        self, kernel: Kernel, arguments: DepthwiseArguments[Argument], cut: DepthwiseCut
    ) -> None:
        """The step of a kernel."""
        places = arguments.phases, self.bias
        reads = [self.x.place, self.weights, *self.tail.operands]
        reads += [place for place in places if isinstance(place, Place)]
        self.planner.step(
            kernel, arguments, reads=reads, writes=[self.y.place],
            chunks=-(-cut.units // cut.block),
        )  # fmt: skip


def choose_tile(
    target: Target, axes: tuple[AxisPhases, ...]
) -> tuple[tuple[int, int], int, int, bool]:
    """The register tile, the taps and the stride that its kernel is written for (0: any), and
    whether those are the same along both axes."""
    last, row = axes[3], axes[2]
    taps, stride = _known(last)
    square = taps > 0 and (taps, stride) == _known(row)
    tall = square and taps == 3 and row.most > 1
    height = 2 if tall else 1
    widths: tuple[int, ...] = WIDTHS if target.registers >= 32 else WIDTHS[1:]
    if tall and target.registers < 32:
        widths = (4, 1)
    # A tile costs what its cells do, and about two cells more.
    costs = [(-(-last.most // width) * (width + 2), -width) for width in widths]
    return (height, -min(costs)[1]), taps, stride, square


def _known(axis: AxisPhases) -> tuple[int, int]:
    """The taps and the stride that a kernel is written for, or (0, 0)."""
    common = axis.common
    found = (axis.taps, common.stride)
    alike = axis.taps == axis.fewest and common.dilation == 1
    return found if alike and found in KNOWN else (0, 0)


def choose_planes_tile(
    target: Target, row: AxisPhases, last: AxisPhases, lanes: int
) -> tuple[int, int]:
    """The register tile of planes: rows, and vectors along them.

    Weights that do not fit in the registers are read again for every row of the tile, but once for
    all of its vectors.
    """
    if row.most == 1:
        return 1, max(v for v in VECTORS if v == 1 or (v - 1) * lanes < last.most)
    room = _room(target, row, last)
    vectors = 2 if room < 1 and last.most > lanes else 1
    fitting = [height for height in HEIGHTS if height <= room]
    heights = fitting or [height for height in HEIGHTS if height * vectors * 2 <= target.registers]
    # A tile costs what its rows do, and what it reads besides.
    more = max(row.taps - row.common.stride, 0)
    costs = [(-(-row.most // height) * (height + more), -height) for height in heights]
    return -min(costs)[1], vectors


def _room(target: Target, row: AxisPhases, last: AxisPhases) -> int:
    """Registers for sums, if those of weights stay."""
    return target.registers - row.taps * last.taps - SOURCES


def _is_dilated(axis: AxisPhases) -> bool:
    return axis.taps > 1 and axis.common.dilation != 1


@dataclass(frozen=True)
class DepthwiseCut:
    """How a convolution is cut into units, and how many make a chunk: rows and columns of a phase,
    and channels."""

    rows: int
    columns: int
    channels: int
    counts: tuple[int, int, int]
    units: int
    block: int

    @classmethod
    def of(
        cls, axes: tuple[AxisPhases, ...], images: int, channels: int, lanes: int,
        tile: tuple[int, int],
    ) -> DepthwiseCut:  # fmt: skip
        """No unit is too much work, and there are chunks enough."""
        (height, width), (a2, a3) = tile, axes[2:]
        outer = images * prod(len(axis.phases) for axis in axes) * axes[0].most * axes[1].most
        work = images * channels * prod(max(axis.pairs, axis.cells) for axis in axes)
        depth = prod(max(axis.taps, 1) for axis in axes)
        expected = expected_chunks(work)
        rows = max(1, min(a2.most, a2.most * outer // expected))
        while rows > 1 and rows * a3.most * channels * depth > MOST:
            rows = -(-rows // 2)
        rows = min(max(rows // height * height, height), a2.most)
        outer *= -(-a2.most // rows)
        block = CHANNELS * lanes
        missing = max(-(-expected // outer), -(-rows * a3.most * channels * depth // MOST))
        splits = max(1, min(missing, channels // block))
        split = -(-channels // splits // lanes) * lanes if splits > 1 else channels
        split = min(split, channels)
        outer *= -(-channels // split)
        missing = max(-(-expected // outer), -(-rows * a3.most * split * depth // MOST))
        whole = -(-a3.most // width)
        columns = min(-(-whole // min(missing, whole)) * width, a3.most)
        counts = (-(-a2.most // rows), -(-a3.most // columns), -(-channels // split))
        units = images * prod(len(axis.phases) for axis in axes) * axes[0].most * axes[1].most
        units *= prod(counts)
        return cls(rows, columns, split, counts, units, units_of_chunk(units, work, 0))

    @classmethod
    def of_planes(
        cls, axes: tuple[AxisPhases, ...], images: int, channels: int, tile: tuple[int, int],
        terms: int = 1,
    ) -> DepthwiseCut:  # fmt: skip
        """Whole planes, as far as there are chunks enough; every tap has so many `terms`."""
        a2, a3 = axes[2:]
        outer = images * prod(len(axis.phases) for axis in axes) * axes[0].most * axes[1].most
        work = terms * images * channels * prod(max(axis.pairs, axis.cells) for axis in axes)
        depth = terms * prod(max(axis.taps, 1) for axis in axes)
        expected = expected_chunks(work)

        def pieces(of: int, at_most: int, size: int) -> int:
            return max(1, min(at_most, max(-(-expected // of), -(-size // MOST))))

        plane = a2.most * a3.most * depth
        split = -(-channels // pieces(outer, channels, channels * plane))
        outer *= -(-channels // split)
        rows = -(-a2.most // tile[0])
        rows = min(-(-rows // pieces(outer, rows, split * plane)) * tile[0], a2.most)
        outer *= -(-a2.most // rows)
        columns = -(-a3.most // tile[1])
        line = split * rows * a3.most * depth
        columns = min(-(-columns // pieces(outer, columns, line)) * tile[1], a3.most)
        units = outer * -(-a3.most // columns)
        counts = (-(-a2.most // rows), -(-a3.most // columns), -(-channels // split))
        return cls(rows, columns, split, counts, units, units_of_chunk(units, work, 0))


def _finer(
    parts: Parts, axes: tuple[AxisPhases, ...], images: int, part: int, expected: int
) -> Parts:  # fmt: skip
    """The same parts, cut further while they are fewer than the chunks that are expected: a chunk
    of all channels reads memory as it lies."""
    count, rows = parts.images, parts.rows
    m2 = max(axes[2].most, 1)

    def total() -> int:
        blocks = (-(-images // count), *parts.counts[1:3], -(-m2 // rows), parts.counts[4])
        return prod(blocks)

    while total() < expected and 2 * total() * part <= PARTIALS:
        if count > 1:
            count = -(-count // 2)
        elif rows >= 2 * ROWS:
            rows = -(-rows // 2)
        else:
            break
    blocks = -(-images // count), *parts.counts[1:3], -(-m2 // rows), parts.counts[4]
    return Parts(count, rows, parts.columns, blocks)


def add_depthwise_weight(planner: Planner, x: Place, y: Place, w: Place, window: Window) -> None:
    """Fill w (C, 1, *K), given x and y, which are of channels last: sums over parts of the batch,
    and their sum."""
    source, target = (Image.of(place, 1, batch=False) for place in (x, y))
    axes = four([AxisPhases(tap_phases(axis)) for axis in window.axes], None)
    lead = AXES - len(window.axes)
    kernel = (*[1] * lead, *window.kernel)
    _DepthwiseGradient(planner, source, target, axes, kernel, lead, 1, local=False).add_steps(w)


@dataclass(frozen=True)
class _DepthwiseGradient(WeightGradient):
    """A weight gradient of channels each by itself."""

    def add_steps(self, w: Place) -> None:
        """Sums over parts of the batch, and their sum."""
        planner, x, axes = self.planner, self.x, self.axes
        dtype, channels = x.place.spec.dtype, x.channels
        lanes, taps = planner.target.lanes(dtype), prod(self.kernel)
        vectors = -(-channels // lanes)
        part = self.part_bytes(lanes, 1)
        work = x.images * channels * prod(axis.pairs for axis in axes)
        parts = _finer(Parts.of(axes, x, 0, part), axes, x.images, part, expected_chunks(work))
        known, stride = self._known()
        positions = prod(self.kernel[:2]) if known else taps
        cells = parts.images * parts.rows * parts.columns * (known * known if known else 1)
        missing = -(-expected_chunks(work) // (parts.total * positions))
        missing = max(missing, -(-cells * channels // MOST))
        splits = max(1, min(missing, vectors))
        split = -(-vectors // splits) * lanes
        splits = -(-channels // split)
        units = parts.total * positions * splits
        block = max(1, min(units, WORK // (work // units + UNIT)))
        partial = planner.temporary((parts.total * part // w.item,), dtype)
        _, terms = self.terms(ChannelBlocks.of(channels))
        arguments = DepthwiseWeightArguments[Argument](
            **joined(terms, part_arguments(parts, partial, part)),
            units=units,
            chunk_units=block,
            splits=splits,
            split_channels=split,
        )
        planner.step(
            DepthwiseWeight(planner.target, dtype, known, stride, channels % lanes != 0), arguments,
            writes=[partial], chunks=-(-units // block),
        )  # fmt: skip
        # Each vector of channels is a block of outputs of a single input channel.
        self.join(partial, w, parts, lanes, 1)

    def _known(self) -> tuple[int, int]:
        """The taps and the stride of axes 2 and 3 that a kernel is written for, or (0, 0)."""
        (taps, other), axes = self.kernel[2:], self.axes[2:]
        found = (taps, axes[1].common.stride)
        alike = taps == other and axes[0].common.stride == axes[1].common.stride
        plain = all(len(axis.phases) == 1 and axis.common.dilation == 1 for axis in axes)
        fits = taps * taps + 6 <= self.planner.target.registers
        return found if alike and plain and fits and found in KNOWN else (0, 0)
