"""Layers grouped by the parts of their names, so that networks of thousands can be drawn.

Layers of one group follow each other; where a name comes again after others, that is a group of its
own. So a group never stands before and after the same layer, and a drawing of groups has no cycle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count

from allconv.show.network.layers import DrawnLayer, shown_name

MOST_BOXES = 60
"""Boxes of one drawing, as far as names or numbers can group them."""

FEWEST_BOXES = 3
PIECE = 24
"""Boxes of a piece of what names do not group."""

DEEPEST = 12
_PARTS = re.compile(r"[/.]+")


@dataclass(frozen=True)
class LayerGroup:
    """Layers that are drawn together, or as one box; `number` is its address on the page."""

    number: int
    name: str
    members: tuple[DrawnLayer | LayerGroup, ...]

    @property
    def key(self) -> str:
        """Its address on the page."""
        return f"group-{self.number}"

    def layers(self) -> Iterator[DrawnLayer]:
        """All layers in it."""
        for member in self.members:
            if isinstance(member, LayerGroup):
                yield from member.layers()
            else:
                yield member


@dataclass(frozen=True)
class _NamedAlike:
    """Layers after each other whose names begin alike."""

    name: str
    layers: Sequence[DrawnLayer]
    depth: int


def grouped(layers: Sequence[DrawnLayer]) -> LayerGroup:
    """The layers as one group, in which no drawing has more than `MOST_BOXES` boxes."""
    return _group("", layers, 0, count())


def _group(
    name: str, layers: Sequence[DrawnLayer], depth: int, numbers: Iterator[int]
) -> LayerGroup:
    number = next(numbers)
    members: list[DrawnLayer | LayerGroup] = []
    for run in _level(layers, depth):
        if len(run.layers) == 1:
            members.extend(run.layers)
        else:
            members.append(_group(run.name, run.layers, run.depth, numbers))
    return LayerGroup(number, name, tuple(members))


def _level(layers: Sequence[DrawnLayer], depth: int) -> list[_NamedAlike]:
    """What one drawing shows: as deep as fits, else the names as far as they group, else pieces."""
    if len(layers) <= MOST_BOXES:
        return [_NamedAlike("", (layer,), depth) for layer in layers]
    runs = _runs(layers, depth)
    while any(len(run.layers) > 1 for run in runs):
        opened = ([run] if len(run.layers) == 1 else _runs(run.layers, run.depth) for run in runs)
        deeper = [inner for inside in opened for inner in inside]
        if len(deeper) > MOST_BOXES:
            # One name around nearly all would be a drawing of one box.
            runs = deeper if len(runs) <= FEWEST_BOXES else runs
            break
        runs = deeper
    return _pieces(runs) if len(runs) > MOST_BOXES else runs


def _runs(layers: Sequence[DrawnLayer], depth: int) -> list[_NamedAlike]:
    """Neighbours whose names agree in the part of this depth; others stand alone."""
    named: list[tuple[str, list[DrawnLayer]]] = []
    before: str | None = None
    for layer in layers:
        parts = name_parts(layer)
        alone = len(parts) <= depth + 1 or depth >= DEEPEST
        name = "" if alone else "/".join(parts[: depth + 1])
        if not alone and name == before:
            named[-1][1].append(layer)
        else:
            named.append((name, [layer]))
        before = None if alone else name
    return [_NamedAlike(name, held, depth + 1) for name, held in named]


def _pieces(runs: Sequence[_NamedAlike]) -> list[_NamedAlike]:
    """Runs joined to at most `MOST_BOXES`, cut where few lines cross."""
    size = max(-(-len(runs) // MOST_BOXES), PIECE)
    crossing = _crossing(runs)
    joined, start = [], 0
    while start < len(runs):
        # Never below `size`, so that there are at most `MOST_BOXES` pieces, nor far above it.
        ends = range(start + size, min(start + size + size // 2, len(runs)))
        end = min(ends, key=lambda n: crossing[n]) if ends else len(runs)
        joined.append(_piece(runs[start:end]))
        start = end
    return joined


def _piece(part: Sequence[_NamedAlike]) -> _NamedAlike:
    layers = [layer for run in part for layer in run.layers]
    if len(part) == 1:
        return part[0]
    name = f"{_called(layers[0])} … {_called(layers[-1])}"
    return _NamedAlike(name, layers, min(run.depth for run in part) - 1)


def _crossing(runs: Sequence[_NamedAlike]) -> list[int]:
    """How many layers are taken across the joint before each run."""
    place = {layer.number: n for n, run in enumerate(runs) for layer in run.layers}
    last = dict(place)  # the last run that takes each layer
    for n, run in enumerate(runs):
        last.update((each.layer, n) for layer in run.layers for each in layer.sources)
    change = [0] * (len(runs) + 2)
    for layer, end in last.items():
        start = place.get(layer, -1)
        if end > start >= 0:
            change[start + 1] += 1
            change[end + 1] -= 1
    return list(accumulate(change))


def _called(layer: DrawnLayer) -> str:
    return shown_name(layer.name or layer.operator)[:40]


def name_parts(layer: DrawnLayer) -> list[str]:
    """The parts of a name; inputs and outputs of the network belong to no group."""
    return [] if layer.is_end else [part for part in _PARTS.split(layer.name) if part]
