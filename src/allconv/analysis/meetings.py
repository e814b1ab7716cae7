"""What meets: the triples (x, w, y) of cells of one window, from `Axis.meetings` alone.

Cells are those of the operators: x (n, channel, *j), w (o, c, *k), of a locally connected layer
(o, c, *k, *i), and y (n, o, *i), where b*j + p = s*i + d*k on every axis and c counts the channels
of a group. Leave y out and its meetings are the terms of the forward pass; leave x or w out and
they are those of a gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from allconv.window import Axis, Window

Index = tuple[int, ...]
Triple = dict[str, Index]  # by role: "x", "w", "y"


class AxisMeetings:
    """The meetings of one axis: triples (output i, input j, tap k).

    >>> AxisMeetings(Axis.forward(3, 2)).by("x", 1)
    [(0, 1, 1), (1, 1, 0)]
    """

    def __init__(self, axis: Axis) -> None:
        self._axis = axis

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """All, in the order of the outputs, and of the taps within one."""
        return (each for i in range(self._axis.output) for each in self.by("y", i))

    def by(self, role: str, cell: int) -> list[tuple[int, int, int]]:
        """Those of one output i ("y"), input j ("x") or tap k ("w")."""
        if role == "y":
            return [(cell, j, k) for j, k in self._axis.meetings(cell)]
        return (self._inputs if role == "x" else self._taps).get(cell, [])

    @cached_property
    def _inputs(self) -> dict[int, list[tuple[int, int, int]]]:
        return self._grouped(1)

    @cached_property
    def _taps(self) -> dict[int, list[tuple[int, int, int]]]:
        return self._grouped(2)

    def _grouped(self, place: int) -> dict[int, list[tuple[int, int, int]]]:
        grouped: dict[int, list[tuple[int, int, int]]] = {}
        for triple in self:
            grouped.setdefault(triple[place], []).append(triple)
        return grouped


@dataclass(frozen=True)
class Meetings:
    """The meetings of a window with weights: `channels` in and `outputs` out of each group."""

    window: Window
    batch: int
    channels: int
    outputs: int
    is_local: bool = False

    def of(self, role: str, cell: Index) -> Iterator[Triple]:
        """The triples in which a cell of x, w or y takes part, taps in row-major order."""
        if role == "w" and self.is_local:
            yield from self._local_weight(cell)
            return
        spatial = [each.by(role, c) for each, c in zip(self._axes, cell[2:], strict=True)]
        for n, o, c in self._pairs(role, *cell[:2]):
            for combination in product(*spatial):
                yield self._triple(n, o, c, combination)

    def _local_weight(self, cell: Index) -> Iterator[Triple]:
        """A weight of a locally connected layer meets one cell of each image."""
        axes = self.window.axes
        taps, outputs = cell[2 : 2 + len(axes)], cell[2 + len(axes) :]
        sources = [a.source(i, k) for a, i, k in zip(axes, outputs, taps, strict=True)]
        cells = [j for j in sources if j is not None]
        if len(cells) < len(axes):
            return
        combination = tuple(zip(outputs, cells, taps, strict=True))
        for n, o, c in self._pairs("w", *cell[:2]):
            yield self._triple(n, o, c, combination)

    @cached_property
    def _axes(self) -> list[AxisMeetings]:
        return [AxisMeetings(axis) for axis in self.window.axes]

    def _pairs(self, role: str, a: int, b: int) -> Iterator[tuple[int, int, int]]:
        """The (n, o, c) that the first two indices of a cell leave open; c within the group."""
        if role == "y":
            yield from ((a, b, c) for c in range(self.channels))
        elif role == "x":
            group, c = divmod(b, self.channels)
            first = group * self.outputs
            yield from ((a, o, c) for o in range(first, first + self.outputs))
        else:
            yield from ((n, a, b) for n in range(self.batch))

    def _triple(
        self, n: int, o: int, c: int, combination: tuple[tuple[int, int, int], ...]
    ) -> Triple:
        i, j, k = zip(*combination, strict=True) if combination else ((), (), ())
        channel = o // self.outputs * self.channels + c
        return {
            "x": (n, channel, *j),
            "w": (o, c, *k, *i) if self.is_local else (o, c, *k),
            "y": (n, o, *i),
        }
