"""A crowded scene in few bytes: the cells of each class as one path, without their numbers, which
are too small to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from allconv.picture.markup import Markup, element, short
from allconv.show.stage.primitives import Primitive, Rect, Scene

MOST_CELLS = 700
"""Above so many a scene is crowded."""


def is_crowded(scene: Scene) -> bool:
    """Whether a scene has more cells than a page should hold one by one."""
    return sum(isinstance(item, Rect) for item in scene.items) > MOST_CELLS


def in_few_bytes(items: Iterable[Primitive]) -> Iterator[Primitive | Markup]:
    """What is drawn, with paths for cells that follow each other; all else as it is."""
    for is_cell, run in groupby(items, _is_of_cell):
        if not is_cell:
            yield from run
            continue
        outlines: dict[str, list[str]] = {}
        for item in run:
            if isinstance(item, Rect):
                outlines.setdefault(item.classes, []).append(_outline(item))
        for classes, found in outlines.items():
            yield element("path", class_=classes, d="".join(found))


def _is_of_cell(item: Primitive) -> bool:
    """Whether this is a cell or its number."""
    return item.classes.split()[0] in ("cell", "number")


def _outline(cell: Rect) -> str:
    """A square, or a circle for a cell that is round."""
    x, y, side = (short(float(n)) for n in (cell.x, cell.y, cell.width))
    if "round" not in cell.classes.split():
        return f"M{x} {y}h{side}v{side}h-{side}z"
    radius = short(cell.width / 2)
    middle = short(cell.y + cell.height / 2)
    return f"M{x} {middle}a{radius} {radius} 0 1 0 {side} 0 {radius} {radius} 0 1 0-{side} 0"
