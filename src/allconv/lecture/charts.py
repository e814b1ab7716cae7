"""The lecture's pictures of sizes and of trainings: bars, areas, kernels, fields."""

from __future__ import annotations

from math import sqrt

import numpy as np

from allconv.analysis.counts import count_lecture_layers
from allconv.lecture.counts import dilated
from allconv.lecture.drawing import box, drawing, result_of, written
from allconv.lecture.kept import ALL_CNN, kept
from allconv.picture.markup import Markup, element, joined
from allconv.show.report.pieces import percent, table

WIDE = 290.0  # pixels of a bar of 100 %
SHADES = 6


def networks() -> Markup:
    """Accuracies of three networks as bars, and what each is made of as a table."""
    held = kept()
    parts: list[str] = []
    for n, each in enumerate(held.networks):
        top = n * 78.0
        parts.append(written(0, top + 10, each.name))
        for at, share, kind, count in (
            (22.0, each.accuracy, "bar y", held.training),
            (46.0, each.part_accuracy, "bar y pale", held.training // 10),
        ):
            parts.append(_bar(top + at, share, kind, f"{percent(share)} after {count:,} images"))
    told = "; ".join(
        f"{each.name} {percent(each.accuracy)}, with a tenth of the images "
        f"{percent(each.part_accuracy)}"
        for each in held.networks
    )
    head = ("network", "weights and biases", "multiply-adds", "accuracy, shifted by 3 pixels")
    rows = [
        (
            each.name,
            f"{each.parameters:,}",
            f"{each.multiply_adds:,}",
            percent(each.shifted_accuracy),
        )
        for each in held.networks
    ]
    bars = drawing(WIDE, len(rows) * 78.0, *parts, label=told)
    return joined(bars, table(head, rows))


def _bar(top: float, share: float, kind: str, said: str) -> Markup:
    bar = box(0.5, top, WIDE * share - 1, 21, kind)
    return joined(bar, written(8, top + 10.5, said, size=13))


def kernels() -> Markup:
    """The kernels of the first layer of the convolutional network, in a few shades."""
    found, side, across = kept().kernels, 15, 8
    most = float(np.abs(found).max())
    rows, columns = found.shape[1:]
    shades: dict[tuple[str, int], list[str]] = {}
    edges, bars = [], []
    for (n, row, column), value in np.ndenumerate(found):
        x = n % across * (columns * side + 12) + column * side + 1
        y = n // across * (rows * side + 12) + row * side + 1
        shade = round(SHADES * sqrt(abs(value) / most))
        kind = "positive" if value >= 0 else "negative"
        shades.setdefault((kind, shade), []).append(f"M{x} {y}h{side}v{side}h-{side}z")
        if value < 0 and shade > 1:
            bars.append(f"M{x + 4} {y + side / 2:g}h{side - 8}")
        if row == column == 0:
            edges.append(f"M{x} {y}h{columns * side}v{rows * side}h-{columns * side}z")
    parts = [
        element("path", d="".join(held), class_=kind, fill_opacity=shade / SHADES)
        for (kind, shade), held in shades.items()
    ]
    parts += [element("path", d="".join(bars), class_="minus")]
    parts += [element("path", d="".join(edges), class_="edge")]
    lines = -(-len(found) // across)
    width, height = across * (columns * side + 12) - 10, lines * (rows * side + 12) - 10
    return drawing(width, height, *parts, label=f"{len(found)} kernels of 3 × 3, as shades")


def counts() -> Markup:
    """Weights of the lecture's layers as areas: 200 x 200 pixels to 40,000 hidden units."""
    full, local, one, _ = count_lecture_layers(200, 10)
    side = 280.0
    scale = side / sqrt(full.weights)
    small, least = scale * sqrt(local.weights), scale * sqrt(one.weights)
    parts = [
        box(0.5, 0.5, side, side, "cell x"),
        written(side / 2, side / 2 - 12, "fully connected", anchor="middle"),
        written(side / 2, side / 2 + 12, f"{full.weights:,}", anchor="middle", size=19),
        box(0.5, side + 16, small, small, "cell w lit"),
        written(26, side + 16 + small / 2, f"locally connected, 10 × 10: {local.weights:,}"),
        box(0.5 + small / 2, side + 46 + small / 2, least, least, "dot w"),
        box(0.5, side + 46, small, small, "edge", rx=small / 2),
        written(26, side + 46 + small / 2, f"convolution, 10 × 10: {one.weights}"),
    ]
    label = (
        f"Areas: {full.weights:,} weights fully connected, {local.weights:,} locally connected, "
        f"{one.weights} shared"
    )
    return drawing(side + 8, side + 66, *parts, label=label)


def fields() -> Markup:
    """Receptive fields after dilations 1, 2 and 4."""
    unit = 13.0
    sizes = result_of(dilated).tolist()
    most = max(sizes)
    parts = []
    for n, (size, dilation) in enumerate(zip(sizes, (1, 2, 4), strict=True)):
        left = n * (most * unit + 34)
        start = (most - size) / 2 * unit
        parts.append(box(left + start, start + 1, size * unit, size * unit, "cell x lit"))
        parts.append(element("path", d=_lattice(left, most, unit), class_="lattice"))
        for row, column in np.ndindex(3, 3):
            x, y = ((most // 2 + (at - 1) * dilation) * unit for at in (column, row))
            parts.append(box(left + x + 1, y + 2, unit - 2, unit - 2, "dot w", rx=3))
        said = f"dilation {dilation}: {size} × {size}"
        parts.append(written(left + most * unit / 2, most * unit + 18, said, anchor="middle"))
    label = f"Receptive fields of {', '.join(map(str, sizes))} cells"
    return drawing(3 * most * unit + 2 * 34 + 2, most * unit + 32, *parts, label=label)


def _lattice(left: float, count: int, unit: float) -> str:
    """Lines between so many cells."""
    end = count * unit
    lines = [
        f"M{left + n * unit:g} 1v{end:g}M{left:g} {n * unit + 1:g}h{end:g}"
        for n in range(count + 1)
    ]
    return "".join(lines)


def all_cnn() -> Markup:
    """Accuracy before pooling is turned into strides, right after, and after more training."""
    parts: list[str] = []
    for n, (name, share) in enumerate(ALL_CNN):
        top = n * 54.0
        parts.append(written(0, top + 10, name))
        parts.append(_bar(top + 22, share, "bar y pale" if n == 1 else "bar y", percent(share)))
    label = "; ".join(f"{name}: {percent(share)}" for name, share in ALL_CNN)
    return drawing(WIDE + 30, len(ALL_CNN) * 54.0, *parts, label=label)
