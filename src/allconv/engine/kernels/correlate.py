"""Lowering of the three views of a correlation, shared or locally connected, to direct kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.band import pitch_of
from allconv.engine.kernels.copy import emit_copy
from allconv.engine.kernels.direct import Direct, choose_tile
from allconv.engine.kernels.form import Image, four, output_slots, split_evenly
from allconv.engine.kernels.pack import Moving, Packed, pack
from allconv.engine.kernels.weight import JoinWeight, Weight, choose_weight_tile
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.operators.pointwise import Relu
from allconv.value import Value
from allconv.window import Phase

BAND = 256 * 1024  # bytes of a band: it stays in the second-level cache
CHUNKS = 32  # wanted, where each has
WORK = 100_000  # multiply-adds at least
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


def lower_correlate(planner: Planner, node: Node) -> bool:
    """The forward pass; with the batch as an axis where each image gives one cell."""
    operator = node.operator
    assert isinstance(operator, Correlate)  # noqa: S101 (narrows the type)
    window, groups = operator.window, operator.groups
    if len(window.axes) > 3:
        return False
    x, w = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = planner.read(node.inputs[2], "rows") if len(node.inputs) > 2 else None
    whole, phases_of = _phases([axis.phases() for axis in window.axes])
    y, activation = _result(planner, node, whole=whole)
    if y.spec.size == 0:
        return True
    if not whole:
        _start(planner, y, bias)
    batch = x.shape[0] if all(axis.output == 1 for axis in window.axes) else None
    problem = _Problem(planner, groups, bias, activation, batch)
    out_channels, in_channels = w.shape[0] // groups, w.shape[1]
    for phases in phases_of:
        shift = sum(p.tap_start * s for p, s in zip(phases, w.strides[2:], strict=True))
        problem.run(
            x, y, w, four(phases, batch), shift,
            rows=(in_channels, w.strides[1]), columns=(out_channels, w.strides[0]),
            taps=_taps(w.strides[2:], phases, batch),
        )  # fmt: skip
    return True


def lower_transpose(planner: Planner, node: Node) -> bool:
    """The gradient of the input, one phase of the stride after the other."""
    operator = node.operator
    assert isinstance(operator, CorrelateTranspose)  # noqa: S101
    window, groups = operator.window, operator.groups
    if len(window.axes) > 3:
        return False
    w, y = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = planner.read(node.inputs[2], "rows") if len(node.inputs) > 2 else None
    whole, phases_of = _phases([axis.transpose_phases() for axis in window.axes])
    single = all(a.output == 1 and a.input_dilation == 1 and a.dilation == 1 for a in window.axes)
    x, activation = _result(planner, node, whole=whole or single)
    if x.spec.size == 0:
        return True
    rows = (w.shape[0] // groups, w.strides[0])
    columns = (w.shape[1], w.strides[1])
    if single:
        # Each input cell meets one tap: weights that move with the cell, and one tap each.
        problem = _Problem(planner, groups, bias, activation, y.shape[0])
        phases = tuple(Phase(0, 1, a.input, 0, 1, 1, 0, 0, 1) for a in window.axes)
        moving = tuple(
            Moving(a.input, stride, a.padding, 1, 0, a.kernel)
            for a, stride in zip(window.axes, w.strides[2:], strict=True)
        )
        shift = sum(a.padding * s for a, s in zip(window.axes, w.strides[2:], strict=True))
        problem.run(
            y, x, w, four(phases, y.shape[0]), shift, rows=rows, columns=columns,
            taps=((1, 0),) * 4, moving=moving,
        )  # fmt: skip
        return True
    if not whole:
        _start(planner, x, bias)
    problem = _Problem(planner, groups, bias, activation, None)
    for phases in phases_of:
        shift = sum(p.tap_start * s for p, s in zip(phases, w.strides[2:], strict=True))
        problem.run(
            y, x, w, four(phases, None), shift, rows=rows, columns=columns,
            taps=_taps(w.strides[2:], phases, None),
        )  # fmt: skip
    return True


def lower_local(planner: Planner, node: Node) -> bool:
    """Locally connected: the batch fills the tile, the weights move with the cell."""
    operator = node.operator
    assert isinstance(operator, Local)  # noqa: S101
    window, groups = operator.window, operator.groups
    if len(window.axes) > 3:
        return False
    x, w = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    bias = _local_bias(planner, node.inputs[2]) if len(node.inputs) > 2 else None
    whole, phases_of = _phases([axis.phases() for axis in window.axes])
    y, activation = _result(planner, node, whole=whole)
    if y.spec.size == 0:
        return True
    if not whole:
        _start(planner, y, bias)
    axes = len(window.axes)
    by_tap, by_cell = w.strides[2 : 2 + axes], w.strides[2 + axes :]
    problem = _Problem(planner, groups, bias, activation, x.shape[0])
    for phases in phases_of:
        shift = sum(
            p.tap_start * s + p.out_start * c
            for p, s, c in zip(phases, by_tap, by_cell, strict=True)
        )
        moving = tuple(
            Moving(p.out_count, p.out_step * c) for p, c in zip(phases, by_cell, strict=True)
        )
        problem.run(
            x, y, w, four(phases, x.shape[0]), shift,
            rows=(w.shape[1], w.strides[1]), columns=(w.shape[0] // groups, w.strides[0]),
            taps=_taps(by_tap, phases, x.shape[0]), moving=moving,
        )  # fmt: skip
    return True


def lower_local_transpose(planner: Planner, node: Node) -> bool:
    """The gradient of a locally connected layer's input: weights exist where the output does."""
    operator = node.operator
    assert isinstance(operator, LocalTranspose)  # noqa: S101
    window, groups = operator.window, operator.groups
    if len(window.axes) > 3:
        return False
    w, y = planner.read(node.inputs[0]), planner.read(node.inputs[1])
    whole, phases_of = _phases([axis.transpose_phases() for axis in window.axes])
    x, activation = _result(planner, node, whole=whole)
    if x.spec.size == 0:
        return True
    if not whole:
        _start(planner, x, None)
    axes = len(window.axes)
    by_tap, by_cell = w.strides[2 : 2 + axes], w.strides[2 + axes :]
    problem = _Problem(planner, groups, None, activation, y.shape[0])
    for phases in phases_of:
        rows = list(zip(phases, by_tap, by_cell, window.output, strict=True))
        shift = sum(p.tap_start * s + p.offset * c for p, s, c, _ in rows)
        moving = tuple(
            Moving(p.out_count, p.stride * c, p.offset, p.stride, p.dilation, n)
            for p, _, c, n in rows
        )
        taps = tuple((p.tap_count, p.tap_step * s + p.dilation * c) for p, s, c, _ in rows)
        problem.run(
            y, x, w, four(phases, y.shape[0]), shift,
            rows=(w.shape[0] // groups, w.strides[0]), columns=(w.shape[1], w.strides[1]),
            taps=((1, 0),) * (3 - axes) + taps + ((1, 0),), moving=moving,
        )  # fmt: skip
    return True


def _result(planner: Planner, node: Node, *, whole: bool = True) -> tuple[Place, str]:
    """Where the result goes, and the activation that is computed on the way, if all is computed."""
    (value,) = node.outputs
    user = planner.sole_user(value)
    if whole and user is not None and isinstance(user.operator, Relu):
        planner.absorbed.add(user)
        return planner.result(user.outputs[0]), "relu"
    return planner.result(value), ""


def _phases(axes: Sequence[tuple[Phase, ...]]) -> tuple[bool, list[tuple[Phase, ...]]]:
    """Whether every phase has taps, and those that have: without taps there is nothing to add."""
    met = [tuple(phase for phase in phases if phase.tap_count) for phases in axes]
    return all(map(len, met)) and met == list(axes), list(product(*met))


def _start(planner: Planner, y: Place, bias: Place | None) -> None:
    """Set cells that no phase computes: to the bias, or to zero."""
    if bias is None:
        fill(planner, y, 0.0)
        return
    lead = (0,) * (len(y.shape) - 1)
    strides = (0, *bias.strides, *lead[1:]) if len(bias.shape) == 1 else (0, *bias.strides[1:])
    emit_copy(planner, bias.viewed(y.shape, strides), y)


def _taps(
    strides: tuple[int, ...], phases: tuple[Phase, ...], batch: int | None
) -> tuple[tuple[int, int], ...]:
    """(count, stride in bytes) of the taps of four axes."""
    own = tuple((p.tap_count, p.tap_step * s) for p, s in zip(phases, strides, strict=True))
    last = () if batch is None else ((1, 0),)
    return ((1, 0),) * (4 - len(own) - len(last)) + own + last


def _local_bias(planner: Planner, value: Value) -> Place:
    """A bias (O, *P) as (1, O, *P) with its channels innermost."""
    place = planner.read(value)
    return planner.copied(place.viewed((1, *place.shape), (0, *place.strides)), "last")


@dataclass(frozen=True)
class _Problem:
    """What all phases of one node share."""

    planner: Planner
    groups: int
    bias: Place | None
    activation: str
    batch: int | None

    def run(
        self,
        x: Place,
        y: Place,
        w: Place,
        phases: tuple[Phase, ...],
        shift: int,
        *,
        rows: tuple[int, int],
        columns: tuple[int, int],
        taps: tuple[tuple[int, int], ...],
        moving: tuple[Moving, ...] | None = None,
    ) -> None:
        """Add the steps of one phase: pack its weights, then the direct kernel."""
        planner, target = self.planner, self.planner.target
        lanes = target.lanes(x.spec.dtype)
        m2 = 1 if moving is not None else phases[2].out_count
        tile = choose_tile(target, m2, phases[3].out_count, -(-columns[0] // lanes))
        blocks = Blocks.of(rows[0])
        if moving is None:
            moving = ()
        moving = (Moving(),) * (3 - len(moving)) + moving
        packed = pack(
            planner, w, groups=self.groups, rows=rows, columns=columns,
            group_stride=(w.shape[0] // self.groups) * w.strides[0], taps=taps, offset=shift,
            width=tile[2] * lanes, block=blocks.block, moving=moving,
        )  # fmt: skip
        source = Image.of(x, self.groups, batch=self.batch is not None)
        target_image = Image.of(y, self.groups, batch=self.batch is not None)
        self._direct(source, target_image, phases, tile, blocks, packed, columns[0])

    def _direct(
        self,
        x: Image,
        y: Image,
        phases: tuple[Phase, ...],
        tile: tuple[int, int, int],
        blocks: Blocks,
        packed: Packed,
        channels: int,
    ) -> None:
        item = x.place.item
        m0, m1, m2, m3 = (phase.out_count for phase in phases)
        outer = x.images * self.groups * m0 * m1
        work = outer * m2 * m3 * channels * blocks.channels * prod(packed.taps)
        pixel = blocks.blocks * blocks.pitch * item
        rows, cols = _cells(phases, tile, outer, work, pixel)
        extent = Extent.of(phases, rows, cols, pixel)
        chunks = outer * -(-m2 // rows) * -(-m3 // cols)
        split = -(-packed.columnblocks // max(1, min(_wanted(work) // chunks, 64)))
        split = max(1, min(split, packed.columnblocks))
        splits = -(-packed.columnblocks // split)
        offset, out = output_slots(y, phases)
        slots = _band_slots(x, phases, blocks, extent) | out | packed.slots(item)
        slots |= {
            "w": packed.place,
            "y": y.place.viewed(y.place.shape, y.place.strides, offset),
            "groups": self.groups, "p0": m0, "p1": m1,
            "rowblocks": -(-m2 // rows), "colblocks": -(-m3 // cols), "splits": splits,
            "rows": rows, "cols": cols, "m2": m2, "m3": m3,
            "o": channels, "kblocks": packed.columnblocks, "ksplit": split,
        }  # fmt: skip
        slots |= _loop_slots(phases, blocks)
        if blocks.merges(phases[3]):
            slots |= {"t3": 1, "cc": slots["cc"] * phases[3].tap_count}  # type: ignore[operator]
            slots["cblock"] = slots["cc"]
        slots |= self._bias_slots(channels, phases, item)
        kernel = Direct(
            self.planner.target, x.place.spec.dtype, tile, blocks.pitch, phases[3].stride,
            self.bias is not None, self.activation,
        )  # fmt: skip
        self.planner.step(
            kernel, slots, writes=[y.place], chunks=chunks * splits, scratch=extent.bytes + 256
        )

    def _bias_slots(
        self, channels: int, phases: tuple[Phase, ...], item: int
    ) -> dict[str, int | Place]:
        """A bias (C,) by group, or (1, C, *P) that moves with the cells of a phase."""
        bias = self.bias
        slots: dict[str, int | Place] = {"bg": channels * item, "bp0": 0, "bp1": 0, "bp2": 0}
        if bias is None:
            return slots | {"b": 0}
        if len(bias.shape) > 1:
            strides = (0,) * (5 - len(bias.shape)) + bias.strides[2:]
            cells = list(zip(phases[:3], strides, strict=True))
            slots |= {f"bp{axis}": p.out_step * s for axis, (p, s) in enumerate(cells)}
            start = sum(p.out_start * s for p, s in cells)
            bias = bias.viewed(bias.shape, bias.strides, start)
        return slots | {"b": bias}


def _band_slots(
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


def _loop_slots(phases: tuple[Phase, ...], blocks: Blocks) -> dict[str, int | Place]:
    """The counts of the loops over taps and channels."""
    slots: dict[str, int | Place] = {f"t{axis}": p.tap_count for axis, p in enumerate(phases)}
    return slots | {"cc": blocks.channels, "cblock": blocks.block, "cblocks": blocks.blocks}


def _wanted(work: int) -> int:
    """How many chunks some work is worth."""
    return max(1, min(CHUNKS, work // WORK))


def _cells(
    phases: tuple[Phase, ...], tile: tuple[int, int, int], outer: int, work: int, pixel: int
) -> tuple[int, int]:
    """Rows and columns of a chunk: its band stays in the cache, and there are chunks enough."""
    (height, width, _), m2, m3 = tile, phases[2].out_count, phases[3].out_count
    rows, cols = m2, m3
    while rows > height and Extent.of(phases, rows, cols, pixel).bytes > BAND:
        rows = max(height, rows // 2)
    while cols > 4 * width and Extent.of(phases, rows, cols, pixel).bytes > BAND:
        cols = max(4 * width, cols // 2)
    wanted = _wanted(work)
    if outer * -(-m2 // rows) * -(-m3 // cols) < wanted:
        rows = max(min(rows, 8), min(rows, m2 * outer // wanted), height)
    missing = -(-wanted // (outer * -(-m2 // rows)))
    if m2 == 1 and missing > 1:
        cols = max(min(cols, 2 * width), min(cols, m3 // missing), width)
    rows = max(height, split_evenly(m2, rows))
    cols = max(width, min(m3, -(-split_evenly(m3, cols) // width) * width))
    return rows, cols


def lower_weight(planner: Planner, node: Node) -> bool:
    """The gradient of shared weights: parts of the batch, then their sum."""
    operator = node.operator
    assert isinstance(operator, CorrelateWeight)  # noqa: S101
    window = operator.window
    if len(window.axes) > 3:
        return False
    x = planner.read(node.inputs[0])
    batch = all(axis.output == 1 for axis in window.axes)
    return _weights(planner, node, x, window.phases(), operator.groups, batch, local=False)


def lower_local_weight(planner: Planner, node: Node) -> bool:
    """The gradient of locally connected weights: every cell is a part of its own."""
    operator = node.operator
    assert isinstance(operator, LocalWeight)  # noqa: S101
    window = operator.window
    if len(window.axes) > 3:
        return False
    x = planner.read(node.inputs[0])
    return _weights(planner, node, x, window.phases(), operator.groups, True, local=True)


def _weights(
    planner: Planner,
    node: Node,
    x: Place,
    all_phases: tuple[tuple[Phase, ...], ...],
    groups: int,
    batch: bool,
    *,
    local: bool,
) -> bool:
    y = planner.read(node.inputs[1], "last")
    w = planner.result(node.outputs[0], "rows")
    axes = len(x.shape) - 2
    covered = sum(prod(p.tap_count for p in phases) for phases in all_phases)
    if covered < prod(w.shape[2 : 2 + axes]) or local or y.spec.size == 0 or x.spec.size == 0:
        fill(planner, w, 0.0)
    if y.spec.size == 0 or x.spec.size == 0:
        return True
    size = x.shape[0] if batch else None
    source = Image.of(x, groups, batch=batch)
    result = Image.of(y, groups, batch=batch)
    for phases in all_phases:
        if all(phase.tap_count for phase in phases):
            _weight_phase(planner, source, result, w, four(phases, size), groups, (batch, local))
    return True


def _weight_phase(
    planner: Planner,
    x: Image,
    y: Image,
    w: Place,
    phases: tuple[Phase, ...],
    groups: int,
    kind: tuple[bool, bool],
) -> None:
    """One phase: the taps that it covers. `kind`: the batch is an axis; every cell is a part."""
    target, dtype, item = planner.target, x.place.spec.dtype, x.place.item
    lanes = target.lanes(dtype)
    blocks = Blocks.of(x.channels)
    merged = blocks.merges(phases[3])
    t3 = phases[3].tap_count
    run = x.channels * t3 if merged else x.channels - (blocks.blocks - 1) * blocks.block
    tile = choose_weight_tile(target, phases[2].tap_count, run, -(-y.channels // lanes))
    width = tile[2] * lanes
    kblocks = -(-y.channels // width)
    m0, m1, m2, m3 = (phase.out_count for phase in phases)
    taps = prod(phase.tap_count for phase in phases)
    unit = kblocks * taps * x.channels * width * item  # bytes of a part of a group
    pixel = blocks.blocks * blocks.pitch * item
    rows, images = (1, 1) if kind[1] else _part(phases, x.images, pixel, groups * unit)
    extent = Extent.of(phases, rows, m3, pixel)
    positions = m0 * m1 * -(-m2 // rows)
    parts = -(-x.images // images) * positions
    work = x.images * m0 * m1 * m2 * m3 * taps * x.channels * y.channels
    split = -(-kblocks // max(1, min(_wanted(work * groups) // (parts * groups), 64)))
    splits = -(-kblocks // split)
    partial = planner.temporary((parts * groups * unit // item,), dtype)
    offset, out = output_slots(y, phases)
    slots = _band_slots(x, phases, blocks, extent) | out | _loop_slots(phases, blocks)
    slots |= {
        "y": y.place.viewed(y.place.shape, y.place.strides, offset), "out": partial,
        "images": images, "groups": groups, "p0": m0, "p1": m1, "rowblocks": -(-m2 // rows),
        "splits": splits, "n": x.images, "rows": rows, "m2": m2, "m3": m3, "o": y.channels,
        "kblocks": kblocks, "ksplit": split, "outpart": groups * unit, "outgroup": unit,
        "bandbytes": extent.bytes,
    }  # fmt: skip
    if merged:
        slots |= {"t3": 1, "cc": run, "cblock": run}
    kernel = Weight(target, dtype, tile, blocks.pitch, phases[3].stride)
    chunks = parts * groups * splits
    planner.step(
        kernel, slots, writes=[partial], chunks=chunks, scratch=images * extent.bytes + 256
    )
    _join(planner, partial, w, phases, groups, kind, (parts, unit, kblocks, width), y, x)


def _join(
    planner: Planner,
    partial: Place,
    w: Place,
    phases: tuple[Phase, ...],
    groups: int,
    kind: tuple[bool, bool],
    sizes: tuple[int, int, int, int],
    y: Image,
    x: Image,
) -> None:
    """Add the parts up and put the sums where the weights lie."""
    parts, unit, kblocks, width = sizes
    batch, local = kind
    axes = (len(w.shape) - 2) // (2 if local else 1)
    own = phases[4 - axes - batch : 4 - batch]
    by_tap, by_cell = w.strides[2 : 2 + axes], w.strides[2 + axes :]
    offset = sum(p.tap_start * s for p, s in zip(own, by_tap, strict=True))
    strides = [p.tap_step * s for p, s in zip(own, by_tap, strict=True)]
    strides = [0] * (4 - axes - batch) + strides + [0] * batch
    cells, steps = [1, 1, 1], [0, 0, 0]
    if local:
        offset += sum(p.out_start * s for p, s in zip(own, by_cell, strict=True))
        cells[3 - axes :] = [p.out_count for p in own]
        steps[3 - axes :] = [p.out_step * s for p, s in zip(own, by_cell, strict=True)]
    positions = prod(cells) if local else 1
    slots: dict[str, int | Place] = {
        "partial": partial, "w": w.viewed(w.shape, w.strides, offset),
        "parts": 1 if local else parts, "part": groups * unit, "q1": cells[1], "q2": cells[2],
        "groups": groups, "kblocks": kblocks, "o": y.channels, "c": x.channels,
        "wg": y.channels * w.strides[0], "wo": w.strides[0], "wc": w.strides[1],
    }  # fmt: skip
    slots |= {f"t{axis}": p.tap_count for axis, p in enumerate(phases)}
    slots |= {f"wt{axis}": stride for axis, stride in enumerate(strides)}
    slots |= {f"wq{axis}": step for axis, step in enumerate(steps)}
    taps = prod(p.tap_count for p in phases)
    kernel = JoinWeight(planner.target, w.spec.dtype, width)
    planner.step(
        kernel, slots, writes=[w], chunks=positions * groups * kblocks * taps,
        scratch=width * w.item, what="join weights",
    )  # fmt: skip


def _part(phases: tuple[Phase, ...], images: int, pixel: int, unit: int) -> tuple[int, int]:
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


def _of_floats(lower: Lowering) -> Lowering:
    """Integers run by definition, in their own arithmetic."""

    def lower_floats(planner: Planner, node: Node) -> bool:
        return all(value.spec.is_float for value in node.inputs) and lower(planner, node)

    return lower_floats


LOWERINGS: dict[type[Operator], Lowering] = {
    Correlate: _of_floats(lower_correlate),
    CorrelateTranspose: _of_floats(lower_transpose),
    CorrelateWeight: _of_floats(lower_weight),
    Local: _of_floats(lower_local),
    LocalTranspose: _of_floats(lower_local_transpose),
    LocalWeight: _of_floats(lower_local_weight),
}
