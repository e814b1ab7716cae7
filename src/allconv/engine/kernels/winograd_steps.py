"""Planning of Winograd's algorithm: weights transformed once, runs of tiles, splits of channels.

Weights come by group, as (G, O, C, 3, 3): those of a correlation as they are, those of a transpose
flipped, for it is the correlation of y with them. What a chunk does depends on shapes alone, never
on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt, prod

from allconv.engine.arguments import joined
from allconv.engine.buffer import LINE
from allconv.engine.epilogue import Tail
from allconv.engine.kernels.chunk_sizes import expected_chunks
from allconv.engine.kernels.register_tile import choose_heights, cover, largest
from allconv.engine.kernels.winograd import (
    TransformedArguments,
    Winograd,
    WinogradArguments,
    WinogradInput,
    WinogradInputArguments,
    WinogradWeights,
    WinogradWeightsArguments,
)
from allconv.engine.kernels.winograd_input import InputArguments, TileArguments
from allconv.engine.kernels.winograd_output import ResultArguments, buffer_size
from allconv.engine.kernels.winograd_transform import TAPS
from allconv.engine.place import Place, item_size
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.engine.target import Target
from allconv.operators.base import Spec
from allconv.window import Axis, Window

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
    def of(cls, weights: Spec, m: int, target: Target) -> WeightFormat:
        """The format of the weights (G, O, C, 3, 3) on a target."""
        groups, outputs, channels = weights.shape[:3]
        lanes = target.lanes(weights.dtype)
        vectors = min(2, -(-outputs // lanes))
        return cls(weights.dtype, m, groups, channels, outputs, vectors, lanes)

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

    def arguments(self, u: Place) -> TransformedArguments[Argument]:
        """What a kernel is given of the transformed weights u."""
        return TransformedArguments[Argument](
            u=u,
            u_plane=self.plane,
            channels=self.channels,
            outputs=self.outputs,
            out_blocks=self.blocks,
        )


@dataclass(frozen=True)
class WinogradCut:
    """How the work is cut: tiles of a run, blocks of output channels of a split; and the tiles of a
    chunk of the step that transforms the input, or 0 where each chunk does it for itself."""

    run: int
    split: int
    piece: int = 0

    @classmethod
    def of(cls, tiles: int, form: WeightFormat, large: int, pixel: int) -> WinogradCut:
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


def by_group(w: Place, groups: int) -> Place:
    """Weights (G*O, C, 3, 3) of a correlation by group."""
    outputs, by_output = w.shape[0] // groups, w.strides[0]
    shape = (groups, outputs, *w.shape[1:])
    return w.viewed(shape, (outputs * by_output, *w.strides))


def transpose_as_correlation(w: Place, window: Window, groups: int) -> tuple[Place, Window]:
    """The weights and the window of the correlation of y that a transpose of stride 1 is.

    As j + p = i + k, also i + (2 - p) = j + (2 - k): taps run backwards, and the channels of x and
    of y change places.
    """
    each = by_group(w, groups)
    by_g, by_o, by_c, *by_tap = each.strides
    shape = (groups, each.shape[2], each.shape[1], TAPS, TAPS)
    last = (TAPS - 1) * sum(by_tap)
    transposed = each.viewed(shape, (by_g, by_c, by_o, *(-step for step in by_tap)), last)
    axes = (
        Axis(axis.output, TAPS, axis.input, padding=TAPS - 1 - axis.padding) for axis in window.axes
    )
    return transposed, Window(tuple(axes))


def add_winograd(
    planner: Planner, x: Place, w: Place, y: Place, bias: Place | None, tail: Tail, window: Window,
    m: int,
) -> None:  # fmt: skip
    """Add the steps of y = tail(bias + x correlated with w) by F(m x m, 3 x 3).

    Channels of y, or its rows, are contiguous; x and w, by group, lie anyhow.
    """
    form = WeightFormat.of(w.spec, m, planner.target)
    weights, item = _transform_weights(planner, form, w), item_size(form.dtype)
    pitch = min(BLOCK, -(-form.channels // PITCH) * PITCH)
    blocks = -(-form.channels // pitch)
    tiles_of = tuple(-(-axis.output // m) for axis in window.axes)
    tiles = x.shape[0] * prod(tiles_of)
    cut = WinogradCut.of(tiles, form, largest(planner.target, form.vectors), blocks * pitch * item)
    heights = choose_heights(planner.target, cut.run, form.vectors, write=0.0)
    room = cover(heights, cut.run)[2]
    v_plane = _plane(room * blocks * pitch * item)
    m_plane = _plane(room * cut.split * form.width * item)
    runs = -(-tiles // cut.run) * form.groups
    v = planner.temporary((runs * form.planes * v_plane // item,), form.dtype)
    of_tiles = TileArguments[Argument](
        **joined(_input_arguments(x, window)),
        tiles_of=tiles_of,
        channels=form.channels,
        blocks=blocks,
        v=v if cut.piece else 0,
        v_plane=v_plane,
        rows=room,
        tiles=tiles,
        run=cut.run,
        groups=form.groups,
    )
    transposed = y.strides[1] != item
    buffers = buffer_size(m, pitch, form.lanes, transposed=transposed) * item
    if cut.piece:
        pieces = -(-cut.run // cut.piece)
        planner.step(
            WinogradInput(planner.target, form.dtype, m, heights, pitch),
            WinogradInputArguments[Argument](**joined(of_tiles), piece=cut.piece, pieces=pieces),
            reads=[x], writes=[v], chunks=runs * pieces * blocks, scratch=buffers,
            what="transform input",
        )  # fmt: skip
        of_tiles = replace(of_tiles, x=0)
    results = _result_arguments(y, m_plane, bias, tail)
    splits = -(-form.blocks // cut.split)
    arguments = WinogradArguments[Argument](
        **joined(of_tiles, form.arguments(weights), results), splits=splits, split_blocks=cut.split
    )
    reads = [weights, *tail.operands, *([] if bias is None else [bias]), v if cut.piece else x]
    planner.step(
        Winograd(
            planner.target, form.dtype, m, heights, form.vectors, pitch, cut.piece > 0,
            bias is not None, tail.epilogue, transposed,
        ),
        arguments, reads=reads, writes=[y], chunks=runs * splits,
        scratch=buffers + form.planes * (m_plane if cut.piece else m_plane + v_plane),
    )  # fmt: skip


def _input_arguments(x: Place, window: Window) -> InputArguments[Argument]:
    """Where the input lies."""
    return InputArguments[Argument](
        x=x,
        x_image=x.strides[0],
        x_channel=x.strides[1],
        x_axis=x.strides[2:],
        size=window.input,
        padding=tuple(axis.padding for axis in window.axes),
    )


def _result_arguments(
    y: Place, m_plane: int, bias: Place | None, tail: Tail
) -> ResultArguments[Argument]:
    """Where products and results lie, and what follows."""
    return ResultArguments[Argument](
        **joined(tail.arguments()),
        m_plane=m_plane,
        b=bias or 0,
        y=y,
        y_image=y.strides[0],
        y_channel=y.strides[1],
        y_axis=y.strides[2:],
        y_size=y.shape[2:],
    )


def _transform_weights(planner: Planner, form: WeightFormat, w: Place) -> Place:
    """Add the step that transforms the weights; it depends on them alone."""
    place = form.place(planner)
    arguments = WinogradWeightsArguments[Argument](
        **joined(form.arguments(place)),
        w=w,
        w_group=w.strides[0],
        w_output=w.strides[1],
        w_channel=w.strides[2],
        w_tap=w.strides[3:],
    )
    item = item_size(form.dtype)
    planner.step(
        WinogradWeights(planner.target, form.dtype, form.m, form.vectors), arguments,
        reads=[w], writes=[place], chunks=form.groups * form.blocks,
        scratch=TAPS * (TAPS * form.width + (form.m + TAPS - 1) * form.lanes) * item,
        what="transform weights",
    )  # fmt: skip
    return place


def _plane(size: int) -> int:
    """Bytes of a plane: an odd number of lines, so that planes fall into different sets."""
    return (-(-size // LINE) | 1) * LINE
