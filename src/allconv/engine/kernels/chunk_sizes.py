"""How a convolution is cut into chunks: by its shape alone, never by the number of threads.

A unit is what a kernel computes from one band. A chunk is some units, where units are small, or one
unit, which is cut down to `MOST` multiply-adds where that can be done without other bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from allconv.engine.kernels.band import SourceArguments, pitch_of
from allconv.engine.kernels.four_axes import AxisPhases, Image, OutputArguments, split_evenly
from allconv.engine.step import Argument

BAND = 256 * 1024  # bytes of a band: it stays in the second-level cache
CHUNKS = 32  # expected at least, where each has
WORK = 100_000  # multiply-adds at least
MOST = 20_000_000  # multiply-adds of a unit, above which it is cut further
FEW = 8  # chunks, below which the output channels are split
CHAIN = 4096  # cells at most in one accumulator of a weight gradient
PARTIALS = 32 * 1024 * 1024  # bytes at most of partial sums
UNIT = 2000  # multiply-adds that beginning a unit is worth
COPY = 10  # multiply-adds that packing an element is worth


@dataclass(frozen=True)
class ChannelBlocks:
    """Channels of a band: how many blocks of how many, and how a pixel is laid out."""

    channels: int
    pitch: int
    block: int
    blocks: int

    @classmethod
    def of(cls, channels: int) -> ChannelBlocks:
        """Equal blocks of at most 64 channels."""
        block = block_of(channels)
        return cls(channels, pitch_of(block), block, -(-channels // block))

    def merges(self, axis: AxisPhases) -> bool:
        """Whether taps of the last axis and channels are one run, of the band and of weights."""
        alike = self.blocks == 1 and self.pitch == self.channels
        common = axis.common
        beside = common.dilation == 1 and not axis.apart
        return alike and beside and (common.tap_step in (1, -1) or axis.taps <= 1)


def block_of(channels: int) -> int:
    """Channels of a block: a function of their number alone, for it orders the sums."""
    return split_evenly(channels, 64)


def band_bytes(axes: tuple[AxisPhases, ...], rows: int, cols: int, pixel: int) -> int:
    """The largest band of `rows` x `cols` cells; `pixel` counts the bytes of all its channels."""
    return axes[0].taps * axes[1].taps * axes[2].packed(rows) * axes[3].packed(cols) * pixel


def expected_chunks(work: int) -> int:
    """How many chunks some work is worth."""
    return max(1, min(CHUNKS, work // WORK))


def split_channels(blocks: int, chunks: int, work: int, unit: int) -> int:
    """Blocks of output channels in a unit of so much work: all, unless it is too much or there are
    few chunks without splitting.

    Each split packs the same band again.
    """
    splits = max(1, min(expected_chunks(work), FEW) // chunks, -(-unit // MOST))
    return max(1, blocks // splits if unit > MOST else -(-blocks // splits))


def units_of_chunk(units: int, work: int, packed: int) -> int:
    """Units in a chunk of at least `WORK`; each unit packs so many elements."""
    return max(1, min(units, WORK // (work // units + UNIT + COPY * packed)))


@dataclass(frozen=True)
class Parts:
    """The parts of a weight gradient, which fix the order of its sums: images, rows and columns of
    each, and how many of each there are."""

    images: int
    rows: int
    columns: int
    counts: tuple[int, int, int, int, int]  # blocks of images, cells of axes 0, 1, rows, columns

    @classmethod
    def of(
        cls, axes: tuple[AxisPhases, ...], x: Image, pixel: int, unit: int, beside: int = 1
    ) -> Parts:
        """Parts of at most `CHAIN` cells, as far as their sums, of `unit` bytes each, fit; several
        threads find work in a part if it has blocks `beside` each other."""
        images = x.images
        m0, m1, m2, m3 = (max(axis.most, 1) for axis in axes)
        lines = images * m0 * m1 * m2
        fitting = max(1, PARTIALS // unit)
        long = max(PARTIALS, x.place.spec.size * x.place.item // 16)  # for rows longer than that
        columns = -(-m3 // min(-(-m3 // CHAIN), max(1, long // unit // lines)))
        least = -(-lines // fitting)  # rows of images in a part
        rows = m2
        while rows > 1 and (rows * m3 > CHAIN or band_bytes(axes, rows, columns, pixel) > BAND):
            rows = -(-rows // 2)
        rows = max(rows, min(m2, least))
        count = 1
        if rows == m2:
            bytes_of_one = max(band_bytes(axes, rows, columns, pixel), 1)
            fits = min(BAND // bytes_of_one, CHAIN // (rows * m3), -(-images * beside // FEW))
            count = max(1, min(images, max(fits, -(-least // rows))))
        rows, count = split_evenly(m2, rows), split_evenly(images, count)
        blocks = -(-images // count), m0, m1, -(-m2 // rows), -(-m3 // columns)
        return cls(count, rows, columns, blocks)

    @classmethod
    def of_cells(cls, axes: tuple[AxisPhases, ...]) -> Parts:
        """Every cell of three axes is a part of its own."""
        m0, m1, m2, m3 = (max(axis.most, 1) for axis in axes)
        return cls(1, 1, m3, (1, m0, m1, m2, 1))

    @property
    def total(self) -> int:
        """How many parts there are."""
        return prod(self.counts)


def source_arguments(
    x: Image, axes: tuple[AxisPhases, ...], blocks: ChannelBlocks
) -> SourceArguments[Argument]:
    """Where bands come from, and how phases walk there."""
    return SourceArguments[Argument](
        x=x.place,
        x_image=x.image_stride,
        x_group=x.group_stride,
        x_channel=x.channel_stride,
        x_axis=x.strides,
        size=x.sizes,
        stride=tuple(axis.common.stride for axis in axes),
        dilation=tuple(axis.common.dilation for axis in axes),
        channels=blocks.channels,
        block=blocks.block,
        blocks=blocks.blocks,
    )


def output_arguments(y: Image, axes: tuple[AxisPhases, ...]) -> OutputArguments[Argument]:
    """Where outputs lie, by the cells of a phase."""
    return OutputArguments[Argument](
        y=y.place,
        y_image=y.image_stride,
        y_group=y.group_stride,
        y_axis=tuple(axis.common.out_step * by for axis, by in zip(axes, y.strides, strict=True)),
    )
