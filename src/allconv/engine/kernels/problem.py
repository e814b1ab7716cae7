"""The steps of a correlation, phase by phase: packed weights, then the direct kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.chunks import (
    Blocks,
    Extent,
    band_slots,
    cells_of_chunk,
    loop_slots,
    split_channels,
)
from allconv.engine.kernels.copy import emit_copy
from allconv.engine.kernels.direct import Direct, choose_tile
from allconv.engine.kernels.form import Image, output_slots
from allconv.engine.kernels.pack import Moving, Packed, pack
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.graph import Node
from allconv.operators.pointwise import Relu
from allconv.window import Phase


@dataclass(frozen=True)
class Problem:
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
        rows, cols = cells_of_chunk(phases, tile, outer, work, pixel)
        extent = Extent.of(phases, rows, cols, pixel)
        chunks = outer * -(-m2 // rows) * -(-m3 // cols)
        split = split_channels(packed.columnblocks, chunks, work)
        splits = -(-packed.columnblocks // split)
        offset, out = output_slots(y, phases)
        slots = band_slots(x, phases, blocks, extent) | out | packed.slots(item)
        slots |= {
            "w": packed.place,
            "y": y.place.viewed(y.place.shape, y.place.strides, offset),
            "groups": self.groups, "p0": m0, "p1": m1,
            "rowblocks": -(-m2 // rows), "colblocks": -(-m3 // cols), "splits": splits,
            "rows": rows, "cols": cols, "m2": m2, "m3": m3,
            "o": channels, "kblocks": packed.columnblocks, "ksplit": split,
        }  # fmt: skip
        slots |= loop_slots(phases, blocks)
        if blocks.merges(phases[3]):
            slots |= {"t3": 1, "cc": slots["cc"] * phases[3].tap_count}  # type: ignore[operator]  # slots are ints here
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


def place_result(planner: Planner, node: Node, *, whole: bool = True) -> tuple[Place, str]:
    """Where the result goes, and the activation that is computed on the way, if all is computed."""
    (value,) = node.outputs
    user = planner.sole_user(value)
    if whole and user is not None and isinstance(user.operator, Relu):
        planner.absorbed.add(user)
        return planner.result(user.outputs[0]), "relu"
    return planner.result(value), ""


def met_phases(axes: Sequence[tuple[Phase, ...]]) -> tuple[bool, list[tuple[Phase, ...]]]:
    """Whether every phase has taps, and those that have: without taps there is nothing to add."""
    met = [tuple(phase for phase in phases if phase.tap_count) for phases in axes]
    return all(map(len, met)) and met == list(axes), list(product(*met))


def fill_start(planner: Planner, y: Place, bias: Place | None) -> None:
    """Set cells that no phase computes: to the bias, or to zero."""
    if bias is None:
        fill(planner, y, 0.0)
        return
    lead = (0,) * (len(y.shape) - 1)
    strides = (0, *bias.strides, *lead[1:]) if len(bias.shape) == 1 else (0, *bias.strides[1:])
    emit_copy(planner, bias.viewed(y.shape, strides), y)


def tap_strides(
    strides: tuple[int, ...], phases: tuple[Phase, ...], batch: int | None
) -> tuple[tuple[int, int], ...]:
    """(count, stride in bytes) of the taps of four axes."""
    own = tuple((p.tap_count, p.tap_step * s) for p, s in zip(phases, strides, strict=True))
    last = () if batch is None else ((1, 0),)
    return ((1, 0),) * (4 - len(own) - len(last)) + own + last


def of_floats(lower: Lowering) -> Lowering:
    """Integers run by definition, in their own arithmetic."""

    def lower_floats(planner: Planner, node: Node) -> bool:
        return all(value.spec.is_float for value in node.inputs) and lower(planner, node)

    return lower_floats
