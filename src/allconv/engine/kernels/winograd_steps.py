"""Planning of Winograd's algorithm: weights transformed once, runs of tiles, splits of channels.

What a chunk does depends on shapes alone, never on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from allconv.engine.kernels.chunks import expected_chunks
from allconv.engine.kernels.epilogue import Tail
from allconv.engine.kernels.winograd import Winograd, WinogradInput, WinogradWeights
from allconv.engine.kernels.winograd_transform import TAPS
from allconv.engine.place import Place, item_size
from allconv.engine.plan import Planner
from allconv.engine.target import Target
from allconv.operators.base import Spec
from allconv.window import Window

LINE = 64  # bytes of a cache line
PITCH = 16  # channels of a block of v come in multiples of this: whole vectors of any target
BLOCK = 64  # channels of a block of v at most
NEAR = 256 * 1024  # bytes of v and m that are expected to stay in the second-level cache
MOST = 32_000_000  # multiply-adds of a chunk, above which output channels are split
FEW = 8  # chunks, below which output channels are split
LEAST = 8  # tiles in a chunk of the step that transforms the input
APART = 64 * 1024 * 1024  # bytes at most of transformed input that steps hand over


@dataclass(frozen=True)
class WeightFormat:
    """How transformed weights lie: all that decides it, and nothing of the size of images.

    The array is [group][plane][block][channel][lane], with a gap behind each plane.
    """

    dtype: str
    m: int
    groups: int
    channels: int
    outputs: int
    vectors: int
    lanes: int

    @classmethod
    def of(cls, weights: Spec, groups: int, m: int, target: Target) -> WeightFormat:
        """The format of the weights (G*O, C, 3, 3) on a target."""
        outputs, lanes = weights.shape[0] // groups, target.lanes(weights.dtype)
        vectors = min(2, -(-outputs // lanes))
        return cls(weights.dtype, m, groups, weights.shape[1], outputs, vectors, lanes)

    @property
    def width(self) -> int:
        """Output channels of a block."""
        return self.vectors * self.lanes

    @property
    def blocks(self) -> int:
        """Blocks of output channels of a group."""
        return -(-self.outputs // self.width)

    @property
    def planes(self) -> int:
        """Matrix products."""
        return (self.m + TAPS - 1) ** 2

    @property
    def plane(self) -> int:
        """Bytes from plane to plane."""
        return _plane(self.blocks * self.channels * self.width * item_size(self.dtype))

    def place(self, planner: Planner) -> Place:
        """Memory for the transformed array."""
        item = item_size(self.dtype)
        memory = planner.temporary((self.groups * self.planes * self.plane // item,), self.dtype)
        cells = self.blocks * self.channels * self.width
        strides = (self.planes * self.plane, self.plane, item)
        return memory.viewed((self.groups, self.planes, cells), strides)


@dataclass(frozen=True)
class Cut:
    """How the work is cut: tiles of a run, blocks of output channels of a split; and the tiles of a
    chunk of the step that transforms the input, or 0 where each chunk does it for itself."""

    run: int
    split: int
    piece: int = 0

    @classmethod
    def of(cls, tiles: int, form: WeightFormat, large: int, pixel: int) -> Cut:
        """The cut for so many tiles; `pixel` counts the bytes of a tile in a plane of v.

        Few channels: each chunk transforms its input and multiplies it with all weights; v and m
        stay in the second-level cache. Many channels: weights are read from memory, so runs are
        long, and chunks share their input. Then a chunk takes about as many tiles as output
        channels: it reads the least for its multiply-adds.
        """
        depth, width = form.planes * form.channels, form.width
        outputs = form.blocks * width
        expected = expected_chunks(form.groups * tiles * depth * outputs)
        near = NEAR // (form.planes * (pixel + outputs * item_size(form.dtype)))
        fitting = min(near, tiles * form.groups // expected) // large
        run = min(tiles, max(2, fitting) * large)
        chunks = form.groups * -(-tiles // run)
        if run * depth * outputs <= MOST and chunks >= min(FEW, expected // 2):
            return cls(run, form.blocks)
        apart = form.groups * tiles * form.planes * pixel <= APART
        side = max(large, isqrt(MOST // depth)) if apart else 2 * large
        runs = max(1, (tiles + side // 2) // side)
        run = min(tiles, -(-tiles // (runs * large)) * large)
        parts = form.groups * -(-tiles // run)
        split = min(MOST // (depth * run * width), form.blocks * parts // expected)
        split = max(1, min(split, form.blocks))
        if not apart:
            return cls(run, split)
        pieces = -(-expected // (parts * -(-form.channels // BLOCK)))
        return cls(run, split, max(-(-run // pieces), min(run, LEAST)))


def choose_heights(target: Target, vectors: int) -> tuple[int, int]:
    """Tiles of the large and of the small register tile."""
    if target.registers >= 32:
        return (14, 8) if vectors > 1 else (16, 8)
    return (6, 4) if vectors > 1 else (8, 4)


def add_winograd(
    planner: Planner, x: Place, w: Place, y: Place, bias: Place | None, tail: Tail, window: Window,
    m: int,
) -> None:  # fmt: skip
    """Add the steps of y = tail(bias + x correlated with w) by F(m x m, 3 x 3).

    Channels of y are contiguous; x and w lie anyhow.
    """
    groups = x.shape[1] // w.shape[1]
    form = WeightFormat.of(w.spec, groups, m, planner.target)
    weights = _transform_weights(planner, form, w)
    heights = choose_heights(planner.target, form.vectors)
    item = item_size(form.dtype)
    pitch = min(BLOCK, -(-form.channels // PITCH) * PITCH)
    cblocks = -(-form.channels // pitch)
    down, across = (-(-axis.output // m) for axis in window.axes)
    tiles = x.shape[0] * down * across
    cut = Cut.of(tiles, form, heights[0], cblocks * pitch * item)
    runs, splits = -(-tiles // cut.run), -(-form.blocks // cut.split)
    room = _padded(heights, cut.run)
    ev = _plane(room * cblocks * pitch * item)
    em = _plane(room * cut.split * form.width * item)
    (a2, a3), (xn, xc, x2, x3) = window.axes, x.strides
    slots: dict[str, int | Place] = {
        "x": x, "xn": xn, "xc": xc, "x2": x2, "x3": x3, "i2": a2.input, "i3": a3.input,
        "p2": a2.padding, "p3": a3.padding, "th": down, "tw": across, "c": form.channels,
        "cblocks": cblocks, "rows": room, "ev": ev, "tiles": tiles, "run": cut.run,
        "groups": groups, "v": 0,
    }  # fmt: skip
    buffers = form.planes * (pitch + form.lanes) * item
    reads = [weights, *tail.operands] + ([] if bias is None else [bias])
    if cut.piece:
        pieces = -(-cut.run // cut.piece)
        slots |= {"pieces": pieces, "piece": cut.piece}
        v = planner.temporary((runs * groups * form.planes * ev // item,), form.dtype)
        slots["v"] = v
        kernel = WinogradInput(planner.target, form.dtype, m, heights, pitch)
        planner.step(
            kernel, {name: slots[name] for name in kernel.slots}, reads=[x], writes=[v],
            chunks=runs * groups * pieces * cblocks, scratch=buffers, what="transform input",
        )  # fmt: skip
        reads.append(v)
        slots["x"] = 0
    else:
        reads.append(x)
    yn, _, y2, y3 = y.strides
    slots |= tail.slots() | {
        "u": weights, "ue": form.plane, "kblocks": form.blocks, "ksplit": cut.split,
        "splits": splits, "em": em, "b": 0 if bias is None else bias, "o": form.outputs,
        "y": y, "yn": yn, "y2": y2, "y3": y3, "m2": a2.output, "m3": a3.output,
    }  # fmt: skip
    planner.step(
        Winograd(
            planner.target, form.dtype, m, heights, form.vectors, pitch, cut.piece > 0,
            bias is not None, tail.epilogue,
        ),
        {name: slots[name] for name in Winograd.slots}, reads=reads, writes=[y],
        chunks=runs * groups * splits,
        scratch=buffers + form.planes * (em if cut.piece else em + ev),
    )  # fmt: skip


def _transform_weights(planner: Planner, form: WeightFormat, w: Place) -> Place:
    """Add the step that transforms the weights; it depends on them alone."""
    place = form.place(planner)
    wo, wc, w2, w3 = w.strides
    slots: dict[str, int | Place] = {
        "w": w, "u": place, "o": form.outputs, "c": form.channels, "kblocks": form.blocks,
        "ue": form.plane, "wo": wo, "wc": wc, "w2": w2, "w3": w3,
    }  # fmt: skip
    item = item_size(form.dtype)
    planner.step(
        WinogradWeights(planner.target, form.dtype, form.m, form.vectors), slots,
        reads=[w], writes=[place], chunks=form.groups * form.blocks,
        scratch=TAPS * (TAPS * form.width + (form.m + TAPS - 1) * form.lanes) * item,
        what="transform weights",
    )  # fmt: skip
    return place


def _plane(size: int) -> int:
    """Bytes of a plane: an odd number of lines, so that planes fall into different sets."""
    return (-(-size // LINE) | 1) * LINE


def _padded(heights: tuple[int, int], count: int) -> int:
    """How many tiles the register tiles cover, as `padded_tiles` says."""
    large, small = heights
    begin = -(-max(count - small, 0) // large) * large
    return begin + (small if begin < count else 0)
