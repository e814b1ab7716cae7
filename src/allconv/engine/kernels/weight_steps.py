"""The steps of a weight gradient, phase by phase: sums over parts of the batch, then their sum."""

from __future__ import annotations

from math import prod

from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.chunks import (
    Blocks,
    Extent,
    band_slots,
    loop_slots,
    part_of_batch,
    split_channels,
)
from allconv.engine.kernels.form import Image, four, output_slots
from allconv.engine.kernels.weight import JoinWeight, Weight, choose_weight_tile
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.graph import Node
from allconv.window import Phase


def lower_weights(
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
    rows, images = (1, 1) if kind[1] else part_of_batch(phases, x.images, pixel, groups * unit)
    extent = Extent.of(phases, rows, m3, pixel)
    positions = m0 * m1 * -(-m2 // rows)
    parts = -(-x.images // images) * positions
    work = x.images * m0 * m1 * m2 * m3 * taps * x.channels * y.channels
    split = split_channels(kblocks, parts * groups, work * groups)
    splits = -(-kblocks // split)
    partial = planner.temporary((parts * groups * unit // item,), dtype)
    offset, out = output_slots(y, phases)
    slots = band_slots(x, phases, blocks, extent) | out | loop_slots(phases, blocks)
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
