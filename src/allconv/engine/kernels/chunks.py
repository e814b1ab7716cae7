"""How a problem is cut into chunks: by its shape alone, never by the number of threads."""

from __future__ import annotations

from dataclasses import dataclass

from allconv.engine.kernels.band import pitch_of
from allconv.engine.kernels.form import Image, split_evenly
from allconv.engine.place import Place
from allconv.window import Phase

BAND = 256 * 1024  # bytes of a band: it stays in the second-level cache
CHUNKS = 32  # wanted, where each has
WORK = 100_000  # multiply-adds at least
FEW = 8  # chunks, below which the output channels are split
EVEN = 4  # blocks of rows come in multiples of this
CHAIN = 4096  # cells at most in one accumulator of a weight gradient
PARTIALS = 32 * 1024 * 1024  # bytes at most of partial sums


@dataclass(frozen=True)
class Blocks:
    """Channels of a band: how many blocks of how many, and how a pixel is laid out."""

    channels: int
    pitch: int
    block: int
    blocks: int

    @classmethod
    def of(cls, channels: int) -> Blocks:
        """Equal blocks of at most 64 channels."""
        block = split_evenly(channels, 64)
        return cls(channels, pitch_of(block), block, -(-channels // block))

    def merges(self, phase: Phase) -> bool:
        """Whether taps of the last axis and channels are one run of the band."""
        return self.blocks == 1 and self.pitch == self.channels and phase.dilation == 1


@dataclass(frozen=True)
class Extent:
    """The band of a chunk of `rows` x `cols` cells: its rows and columns, and its bytes."""

    rows: int
    cols: int
    bytes: int

    @classmethod
    def of(cls, phases: tuple[Phase, ...], rows: int, cols: int, pixel: int) -> Extent:
        """The extent of cells of a phase; `pixel` counts the bytes of all channels of a pixel."""
        if any(phase.tap_count == 0 for phase in phases):
            return cls(0, 0, 0)
        u2, u3 = (
            phase.stride * (cells - 1) + phase.dilation * (phase.tap_count - 1) + 1
            for phase, cells in ((phases[2], rows), (phases[3], cols))
        )
        return cls(u2, u3, phases[0].tap_count * phases[1].tap_count * u2 * u3 * pixel)


def wanted_chunks(work: int) -> int:
    """How many chunks some work is worth."""
    return max(1, min(CHUNKS, work // WORK))


def split_channels(blocks: int, chunks: int, work: int) -> int:
    """Blocks of output channels in a chunk: all, unless there are few chunks without splitting.

    Each split packs the same band again.
    """
    splits = max(1, min(wanted_chunks(work), FEW) // chunks)
    return max(1, -(-blocks // splits))


def cells_of_chunk(
    phases: tuple[Phase, ...], tile: tuple[int, int, int], outer: int, work: int, pixel: int
) -> tuple[int, int]:
    """Rows and columns of a chunk: its band stays in the cache, and there are chunks enough."""
    (height, width, _), m2, m3 = tile, phases[2].out_count, phases[3].out_count
    rows, cols = m2, m3
    while rows > height and Extent.of(phases, rows, cols, pixel).bytes > BAND:
        rows = max(height, rows // 2)
    while cols > 4 * width and Extent.of(phases, rows, cols, pixel).bytes > BAND:
        cols = max(4 * width, cols // 2)
    wanted = wanted_chunks(work)
    if outer * -(-m2 // rows) * -(-m3 // cols) < wanted:
        rows = max(min(rows, 8), min(rows, m2 * outer // wanted), height)
    missing = -(-wanted // (outer * -(-m2 // rows)))
    if m2 == 1 and missing > 1:
        cols = max(min(cols, 2 * width), min(cols, m3 // missing), width)
    blocks = -(-m2 // rows)
    if blocks > 1 and outer * blocks < CHUNKS:
        blocks = -(-blocks // EVEN) * EVEN  # every thread gets as many
    rows = max(height, split_evenly(m2, -(-m2 // blocks)))
    cols = max(width, min(m3, -(-split_evenly(m3, cols) // width) * width))
    return rows, cols


def part_of_batch(phases: tuple[Phase, ...], images: int, pixel: int, unit: int) -> tuple[int, int]:
    """Rows and images of a part of the batch, by shape alone."""
    m0, m1, m2, m3 = (phase.out_count for phase in phases)
    least = -(-images * m0 * m1 * m2 // max(1, PARTIALS // unit))  # rows of images in a part
    rows = m2
    while rows > 1 and (rows * m3 > CHAIN or Extent.of(phases, rows, m3, pixel).bytes > BAND):
        rows = -(-rows // 2)
    rows = max(rows, min(m2, least))
    count = 1
    if rows == m2:
        bytes_of_one = max(Extent.of(phases, rows, m3, pixel).bytes, 1)
        fitting = min(BAND // bytes_of_one, CHAIN // (rows * m3), -(-images // 8))
        count = max(1, min(images, max(fitting, -(-least // rows))))
    return split_evenly(m2, rows), split_evenly(images, count)


def band_slots(
    x: Image, phases: tuple[Phase, ...], blocks: Blocks, extent: Extent
) -> dict[str, int | Place]:
    """Where a band comes from and how large it is."""
    slots: dict[str, int | Place] = {"x": x.place, **x.slots("x")}
    for axis, (phase, size) in enumerate(zip(phases, x.sizes, strict=True)):
        slots |= {f"i{axis}": size, f"f{axis}": phase.offset, f"d{axis}": phase.dilation}
        if axis < 3:
            slots[f"s{axis}"] = phase.stride
    empty = extent.rows == 0
    return slots | {
        "bt0": phases[0].tap_count, "bt1": phases[1].tap_count, "u2": extent.rows,
        "u3": extent.cols, "bc": blocks.channels, "blocks": 0 if empty else blocks.blocks,
        "block": blocks.block,
    }  # fmt: skip


def loop_slots(phases: tuple[Phase, ...], blocks: Blocks) -> dict[str, int | Place]:
    """The counts of the loops over taps and channels."""
    slots: dict[str, int | Place] = {f"t{axis}": p.tap_count for axis, p in enumerate(phases)}
    return slots | {"cc": blocks.channels, "cblock": blocks.block, "cblocks": blocks.blocks}
