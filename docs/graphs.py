"""A graph of boxes and arrows, written as Mermaid (`a["A"] --> b["B"]`), as a static SVG.

GitHub draws such a block itself; this site needs no script for it. Every box stands in a row below
all that lead to it, as high as it can.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from allconv.picture.markup import Markup, element

ARROW = re.compile(r'(\w+)\["([^"]*)"\] --> (\w+)\["([^"]*)"\]')
LETTER, PAD, HEIGHT, GAP, BETWEEN = 7.2, 12, 28, 18, 30  # pixels
DROP = 4.5  # from the middle of a box to the foot of its letters
SWEEPS = 8  # rounds in which rows are put into the order of their neighbours

HEAD = element(
    "marker",
    element("path", d="M0 0L6 3L0 6"),
    id="arrow",
    viewBox="0 0 6 6",
    refX=6,
    refY=3,
    markerWidth=6,
    markerHeight=6,
    orient="auto",
)
"""The point of an arrow."""

Boxes = dict[str, tuple[float, float, float]]
"""The middle, the top and the width of each box by its name."""


def drawn(source: str) -> str:
    """The SVG of a graph.

    >>> drawn('graph TD\\n a["nn"] --> b["graph"]').count("<rect")
    2
    """
    arrows = [(m[1], m[3]) for m in ARROW.finditer(source)]
    labels: dict[str, str] = {}
    for found in ARROW.finditer(source):
        labels |= {found[1]: found[2], found[3]: found[4]}
    rows = ordered(ranks(arrows), arrows)
    widths = {name: LETTER * len(label) + 2 * PAD for name, label in labels.items()}
    full = max(sum(widths[n] + GAP for n in row) - GAP for row in rows)
    boxes = placed(rows, widths, full)
    height = len(rows) * (HEIGHT + BETWEEN) - BETWEEN
    parts = [_arrow(boxes[a], boxes[b]) for a, b in arrows]
    parts += [_box(boxes[name], label) for name, label in labels.items()]
    said = "; ".join(f"{labels[a]} stands on {labels[b]}" for a, b in arrows)
    return element(
        "svg",
        HEAD,
        *parts,
        width=full + 2,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"-1 -1 {full + 2:.0f} {height + 2:.0f}",
        role="img",
        aria_label=said,
        class_="graph",
    )


def ranks(arrows: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The boxes row by row: each below all that lead to it."""
    above: dict[str, list[str]] = defaultdict(list)
    for a, b in arrows:
        above[b].append(a)
        above.setdefault(a, [])
    depth: dict[str, int] = {}

    def depth_of(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max(map(depth_of, above[name]), default=-1)
        return depth[name]

    rows: list[list[str]] = [[] for _ in range(1 + max(map(depth_of, above)))]
    for name in above:
        rows[depth[name]].append(name)
    return rows


def ordered(rows: list[list[str]], arrows: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Rows in which boxes stand near those that they are joined to, so that fewer arrows cross."""
    joined: dict[str, list[str]] = defaultdict(list)
    for a, b in arrows:
        joined[a].append(b)
        joined[b].append(a)
    for _ in range(SWEEPS):
        for row in rows:
            spot = {n: (i + 0.5) / len(r) for r in rows for i, n in enumerate(r)}
            row.sort(key=lambda n: sum(spot[m] for m in joined[n]) / len(joined[n]))
    return rows


def placed(rows: Sequence[Sequence[str]], widths: Mapping[str, float], full: float) -> Boxes:
    """Where each box lies, every row spread over the whole width."""
    boxes: Boxes = {}
    for n, row in enumerate(rows):
        free = (full - sum(widths[name] for name in row)) / (len(row) + 1)
        left = free
        for name in row:
            boxes[name] = (left + widths[name] / 2, n * (HEIGHT + BETWEEN), widths[name])
            left += widths[name] + free
    return boxes


def _box(box: tuple[float, float, float], label: str) -> Markup:
    middle, top, width = box
    left, base = middle - width / 2, top + HEIGHT / 2 + DROP
    return element(
        "g",
        element("rect", x=left, y=top, width=width, height=HEIGHT, rx=5),
        element("text", label, x=middle, y=base, text_anchor="middle"),
    )


def _arrow(above: tuple[float, float, float], below: tuple[float, float, float]) -> Markup:
    """A curve from the bottom of a box to the top of another."""
    x, y, u, v = above[0], above[1] + HEIGHT, below[0], below[1]
    bend = (v - y) / 2
    points = f"M{x:.1f} {y:.0f}C{x:.1f} {y + bend:.0f} {u:.1f} {v - bend:.0f} {u:.1f} {v:.0f}"
    return element("path", d=points, marker_end="url(#arrow)")
