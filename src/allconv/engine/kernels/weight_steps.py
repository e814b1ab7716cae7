"""The steps of a weight gradient: sums over parts of the batch, then their sum."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.chunks import (
    MOST,
    Blocks,
    Parts,
    band_bytes,
    source_slots,
    split_channels,
    units_of_chunk,
)
from allconv.engine.kernels.form import AXES, AxisPhases, Image, four
from allconv.engine.kernels.phases import phase_table
from allconv.engine.kernels.weight import JoinWeight, Weight, choose_weight_tile
from allconv.engine.kernels.weight_border import WeightBorder
from allconv.engine.place import Place
from allconv.engine.plan import Planner
from allconv.graph import Node
from allconv.window import Window


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
    walk = four([AxisPhases(axis.weight_phases()) for axis in window.axes], size)
    lead = AXES - len(window.axes) - batch
    kernel = (*[1] * lead, *window.kernel, *[1] * batch)
    _Gradient(planner, source, result, walk, kernel, lead, groups, local).add_steps(w)
    return True


@dataclass(frozen=True)
class _Gradient:
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
        planner, x, y, axes = self.planner, self.x, self.y, self.axes
        dtype, item = x.place.spec.dtype, x.place.item
        lanes, blocks = planner.target.lanes(dtype), Blocks.of(x.channels)
        merged = blocks.merges(axes[3])
        last = x.channels - (blocks.blocks - 1) * blocks.block  # channels of the smallest block
        run = x.channels * axes[3].fewest if merged else last
        tile = choose_weight_tile(planner.target, axes[2].fewest, run, -(-y.channels // lanes))
        width = tile[2] * lanes
        kblocks = -(-y.channels // width)
        # Bytes of a part: of a group, and of all.
        unit = kblocks * prod(self.kernel) * x.channels * width * item
        pixel = blocks.pitch * item
        parts = (
            Parts.of_cells(axes) if self.local
            else Parts.of(axes, x, blocks.blocks * pixel, self.groups * unit)
        )  # fmt: skip
        cut = _cut(axes, (tile[0], tile[1], width), parts, blocks, merged)
        whole = self.groups * prod(self.kernel[:2]) * len(axes[2].phases) * len(axes[3].phases)
        whole *= parts.total * prod(cut.tapblocks) * cut.rowsplits
        work = x.images * self.groups * prod(axis.pairs for axis in axes) * x.channels * y.channels
        ksplit = split_channels(kblocks, whole, work, cut.work * kblocks * width)
        splits = -(-kblocks // ksplit)
        units = whole * splits
        bytes_of_band = (
            band_bytes(cut.outer_alone(axes), parts.rows, parts.columns, pixel) * cut.csplit
        )
        block = units_of_chunk(units, work, bytes_of_band * parts.images // item)
        partial = planner.temporary((parts.total * self.groups * unit // item,), dtype)
        table, slots = self._table()
        slots |= source_slots(x, axes, blocks)
        slots |= {
            "y": y.place, "out": partial, "units": units, "chunkunits": block,
            "p0": parts.counts[1], "p1": parts.counts[2],
            "rowblocks": parts.counts[3], "colblocks": parts.counts[4], "groups": self.groups,
            "tapblocks2": cut.tapblocks[0], "tapblocks3": cut.tapblocks[1],
            "rowsplits": cut.rowsplits, "csplit": cut.csplit, "splits": splits,
            "images": parts.images, "n": x.images, "rows": parts.rows, "columns": parts.columns,
            "o": y.channels, "kblocks": kblocks, "ksplit": ksplit, "merged": int(merged),
            "outpart": self.groups * unit, "outgroup": unit, "bandbytes": bytes_of_band,
        }  # fmt: skip
        planner.step(
            Weight(planner.target, dtype, tile, blocks.pitch, axes[3].common.stride), slots,
            reads=[x.place, y.place, table], writes=[partial], chunks=-(-units // block),
            scratch=parts.images * bytes_of_band + 256,
        )  # fmt: skip
        if self.local or not any(map(AxisPhases.leaves, axes[2:], x.sizes[2:])):
            self._join(partial, w, parts, kblocks, width)
            return
        sums = planner.temporary(w.shape, dtype)
        self._join(partial, sums, parts, kblocks, width)
        self._border(slots, sums, w, table)

    def _border(self, slots: dict[str, int | Place], sums: Place, w: Place, table: Place) -> None:
        """Mend what gradients that are not finite have made of zeros outside of the input."""
        channels, target, dtype = self.x.channels, self.planner.target, w.spec.dtype
        lanes = target.lanes(dtype)
        units = self.groups * prod(self.kernel) * channels * -(-self.y.channels // lanes)
        terms = self.x.images * prod(axis.cells for axis in self.axes) * lanes
        block = max(1, MOST // max(terms, 1))
        extra: dict[str, int | Place] = {
            "sums": sums, "w": w, "units": units, "chunkunits": block, "c": channels,
            "s3": self.axes[3].common.stride, **self._w_strides(w),
        }  # fmt: skip
        arguments = {name: slots[name] for name in WeightBorder.slots if name not in extra} | extra
        self.planner.step(
            WeightBorder(target, dtype), arguments,
            reads=[self.x.place, self.y.place, table, sums], writes=[w],
            chunks=-(-units // block), scratch=lanes * w.item, what="mend border",
        )  # fmt: skip

    def _w_strides(self, w: Place) -> dict[str, int]:
        """The strides of w by tap of each axis, by channel and by group."""
        lead = self.lead
        count = len(w.shape[2:]) // (2 if self.local else 1)
        by_tap = [0] * AXES
        by_tap[lead : lead + count] = w.strides[2 : 2 + count]
        return {
            "wg": self.y.channels * w.strides[0], "wo": w.strides[0], "wc": w.strides[1],
            **{f"wk{axis}": step for axis, step in enumerate(by_tap)},
        }  # fmt: skip

    def _table(self) -> tuple[Place, dict[str, int | Place]]:
        """The table of phases, and what all phases share."""
        y = self.y
        table, slots = phase_table(
            self.planner,
            [
                [
                    (p.tap_count, p.out_count, p.offset, p.tap_start, p.out_start * step)
                    for p in axis.phases
                ]
                for axis, step in zip(self.axes, y.strides, strict=True)
            ],
        )
        for axis, phases in enumerate(self.axes):
            common = phases.common
            slots |= {
                f"k{axis}": self.kernel[axis],
                f"step{axis}": common.tap_step,
                f"y{axis}": common.out_step * y.strides[axis],
            }
        slots |= {"q2": len(self.axes[2].phases), "q3": len(self.axes[3].phases)}
        return table, slots | {"yn": y.image_stride, "yg": y.group_stride}

    def _join(self, partial: Place, w: Place, parts: Parts, kblocks: int, width: int) -> None:
        """Add the parts up and put the sums where the weights lie."""
        axes, lead, y = self.axes, self.lead, self.y
        count = len(w.shape[2:]) // (2 if self.local else 1)
        cells, by_cell = [1] * 3, [0] * 3
        if self.local:
            cells[lead:] = w.shape[2 + count :]
            by_cell[lead:] = w.strides[2 + count :]
        firsts = [
            [(p.out_start if p.out_count else -1, p.offset) for p in axis.phases]
            for axis in axes[:3]
        ]
        table, slots = phase_table(self.planner, firsts)
        for axis in range(AXES):
            slots[f"k{axis}"] = self.kernel[axis]
        for axis in range(3):
            slots |= {
                f"q{axis}": cells[axis], f"wq{axis}": by_cell[axis],
                f"tapstep{axis}": axes[axis].common.tap_step,
                f"cellstep{axis}": axes[axis].common.out_step,
                f"s{axis}": axes[axis].common.stride, f"d{axis}": axes[axis].common.dilation,
                f"i{axis}": self.x.sizes[axis],
            }  # fmt: skip
        units = prod(cells) * self.groups * kblocks * prod(self.kernel)
        sums = 1 if self.local else parts.total
        channels = self.x.channels
        part = self.groups * kblocks * prod(self.kernel) * channels * width * w.item
        block = units_of_chunk(units, 0, sums * channels * width)
        slots |= {
            "partial": partial, "w": w, "units": units, "chunkunits": block, "parts": sums,
            "part": part, "groups": self.groups, "kblocks": kblocks, "o": y.channels, "c": channels,
            "m1": parts.counts[2], "m2": parts.counts[3],
            **self._w_strides(w),
        }  # fmt: skip
        self.planner.step(
            JoinWeight(self.planner.target, w.spec.dtype, width, self.local), slots,
            reads=[partial, table], writes=[w], chunks=-(-units // block),
            scratch=width * w.item, what="join weights",
        )  # fmt: skip


@dataclass(frozen=True)
class _Cut:
    """How the outputs of a weight gradient are cut, so that no unit is too much work: blocks of
    taps of axes 2 and 3, splits of the input channels into `csplit` blocks; the multiply-adds of
    what is left, for one output channel."""

    tapblocks: tuple[int, int]
    rowsplits: int
    csplit: int
    work: int

    def outer_alone(self, axes: tuple[AxisPhases, ...]) -> tuple[AxisPhases, ...]:
        """The axes of a unit, which has one tap of the first two."""
        single = four([], None)
        return (*single[:2], *axes[2:])


def _cut(
    axes: tuple[AxisPhases, ...], tile: tuple[int, int, int], parts: Parts, blocks: Blocks,
    merged: bool,
) -> _Cut:  # fmt: skip
    """Cut input channels first, which packs nothing twice, then taps. The tile counts taps of axis
    2, input channels and output channels, which are cut elsewhere."""
    height, width, lanes = tile
    cells = parts.images * parts.rows * parts.columns
    taps2, taps3 = axes[2].taps, axes[3].taps
    room = MOST // (cells * lanes)  # pairs of tap and input channel
    csplit = max(1, min(blocks.blocks, room // (blocks.block * taps2 * taps3)))
    channels = csplit * blocks.block
    room = max(1, room // channels)  # taps
    block2 = max(height, min(taps2, room // taps3))
    tapblocks2 = max(1, min(-(-taps2 // block2), axes[2].fewest // height))
    room = max(1, room // -(-taps2 // tapblocks2))
    least3 = -(-width // blocks.channels) if merged else 1  # taps that fill a tile
    tapblocks3 = max(1, min(-(-taps3 // max(room, least3)), axes[3].fewest // least3))
    work = cells * channels * -(-taps2 // tapblocks2) * -(-taps3 // tapblocks3)
    return _Cut((tapblocks2, tapblocks3), -(-blocks.blocks // csplit), csplit, work)
