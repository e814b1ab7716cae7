"""Pictures of a layer: the kernels of the first convolutions, and its maps for an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allconv.operators.base import Array
from allconv.picture.markup import Markup, element
from allconv.show.network.evidence import is_convolution
from allconv.show.network.layers import DrawnLayer
from allconv.show.network.pictures import LARGEST_TILE, as_grid, png, signed, stretched, tiles
from allconv.show.network.record import RunnableNetwork
from allconv.show.text import number
from allconv.text import counted

FIRST_CONVOLUTIONS = 3
MOST_KERNELS = 64
MOST_PAIRS = 8  # of kernels, and of channels of each, where channels are not colours
SHOWN_TILE = 56  # pixels of a map's longer side on the page
SHOWN_KERNEL = 32
COLUMNS = 8


def kernel_figures(run: RunnableNetwork) -> dict[int, Markup]:
    """The kernels of the first convolutions, by the layer's number."""
    found: dict[int, Markup] = {}
    for layer in run.network.layers:
        for node in layer.nodes:
            if is_convolution(node) and len(found) < FIRST_CONVOLUTIONS:
                held = run.held(node.inputs[1])
                if held is not None and held.size and max(held.shape[-2:]) > 1:
                    found[layer.number] = kernels(held)
    return found


def kernels(weights: Array) -> Markup:
    """Kernels (G, O, C, h, w) or (O, C, h, w): in colours where C is 3, else each channel."""
    flat = weights.reshape(-1, *weights.shape[-3:])
    count, depth = flat.shape[:2]
    if depth == 3:
        gray, most = signed(np.moveaxis(flat[:MOST_KERNELS], 1, 3))
        what = f"{min(count, MOST_KERNELS)} of {count:,} kernels in colours"
        columns = 2 * COLUMNS
    else:
        pairs = flat[: MOST_KERNELS if depth == 1 else MOST_PAIRS, :MOST_PAIRS]
        gray, most = signed(pairs.reshape(-1, *flat.shape[-2:]))
        what = f"{len(pairs)} of {count:,} kernels"
        if depth > 1:
            what += f", a row each, and {pairs.shape[1]} of their {depth:,} channels"
        columns = pairs.shape[1] if depth > 1 else 2 * COLUMNS
    sheet = tiles(gray, columns)
    side = max(gray.shape[1:3])
    said = f"{what}; grey is 0, white {_short(most)}, black {_short(-most)}"
    return _figure(sheet, min(side, LARGEST_TILE), SHOWN_KERNEL, said, "kernels")


def map_figure(maps: Array, channels: int) -> Markup:
    """The first maps (N, h, w) of a layer, or the first numbers (1, C) of a vector.

    `channels` is how many there are in all.
    """
    if maps.ndim == 2:
        gray, low, high = stretched(as_grid(maps[0]))
        count = f"{maps.shape[1]} of " if maps.shape[1] < channels else ""
        said = f"{count}{channels:,} numbers; black is {_short(low)}, white {_short(high)}"
        # A number is a square; a row of 64 fills the width.
        return _figure(gray, 1, 7, said, "maps")
    gray, low, high = stretched(maps)
    sheet = tiles(gray, COLUMNS)
    said = (
        f"{len(maps)} of {counted(channels, 'channel')} for this image; "
        f"black is {_short(low)}, white {_short(high)}"
    )
    return _figure(sheet, min(max(maps.shape[1:]), LARGEST_TILE), SHOWN_TILE, said, "maps")


def _short(value: float) -> str:
    """A number to four digits."""
    return number(float(f"{value:.4g}"))


def _figure(sheet: Array, side: int, shown: int, said: str, kind: str) -> Markup:
    """A sheet of tiles, of which each is enlarged so that its side is about `shown` pixels."""
    scale = max(shown / max(side, 1), 1)
    height, width = (round(n * scale) for n in sheet.shape[:2])
    image = element("img", src=png(sheet), width=width, height=height, alt=said, class_="tiles")
    return element("figure", image, element("figcaption", said + "."), class_=kind)


def channel_count(shape: Sequence[int], field_axes: Sequence[int]) -> int:
    """How many maps, or numbers, a value of a shape has."""
    rest = [n for axis, n in enumerate(shape) if axis and axis not in field_axes]
    return int(np.prod(rest)) if rest else 1


def layer_maps(layer: DrawnLayer, maps: Array, most: int, axes: Sequence[int]) -> Markup:
    """The maps of a layer, at most so many."""
    assert layer.value is not None  # noqa: S101 (only such layers have maps)
    if maps.ndim == 2:
        return map_figure(maps, layer.value.size)
    return map_figure(maps[:most], channel_count(layer.value.shape, axes))
