"""Where the boxes of a drawing stand: rows from top to bottom, few crossings, short lines.

Rows by the longest way from the top; a line that passes rows gets a place in each of them, which
all lines of one box share; rows are sorted by the mean place of their neighbours; then each row is
moved as near to its neighbours as the gaps allow. Source: Sugiyama, Tagawa and Toda 1981, "Methods
for visual understanding of hierarchical system structures".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

BOX, LINE = 200.0, 22.0  # widths of a box, and of the place of a line that passes
GAP = 18.0
SWEEPS = 6
MOST_PLACES = 6000  # of lines that pass; above it they are drawn straight

Point = tuple[float, int]
"""The x of the middle, and the number of the row."""


@dataclass(frozen=True)
class Placed:
    """Where boxes stand, by their number, and the points that each line passes.

    Lines are from a box to a box. `width` is that of all rows.
    """

    boxes: tuple[Point, ...]
    lines: Mapping[tuple[int, int], tuple[Point, ...]]
    width: float
    rows: int


@dataclass
class _Item:
    """A box, or the place where a line passes a row."""

    row: int
    width: float
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    x: float = 0.0


def place(count: int, links: Sequence[tuple[int, int]]) -> Placed:
    """Places for boxes 0 to count - 1; a link leads from a box to one of a higher number."""
    links = sorted({(a, b) for a, b in links if a < b})
    rows = _rows(count, links)
    items = [_Item(row, BOX) for row in rows]
    ways = _ways(items, links, rows)
    for way in ways.values():
        for one, other in pairwise(way):
            if other not in items[one].below:
                items[one].below.append(other)
                items[other].above.append(one)
    table = _sorted(items)
    for sweep in range(SWEEPS):
        for row in table if sweep % 2 == 0 else reversed(table):
            _settle(items, row, up=sweep % 2 == 0)
    left = min((item.x - item.width / 2 for item in items), default=0.0)
    right = max((item.x + item.width / 2 for item in items), default=BOX)
    points = [(item.x - left, item.row) for item in items]
    lines = {link: tuple(points[n] for n in way) for link, way in ways.items()}
    return Placed(tuple(points[:count]), lines, right - left, len(table))


def _rows(count: int, links: Sequence[tuple[int, int]]) -> list[int]:
    """The row of each box: below all that it takes; a start stands just above its first user."""
    rows = [0] * count
    for one, other in links:  # sorted: what leads to `one` was seen
        rows[other] = max(rows[other], rows[one] + 1)
    taking = {other for _, other in links}
    nearest: dict[int, int] = {}
    for one, other in links:
        nearest[one] = min(nearest.get(one, rows[other] - 1), rows[other] - 1)
    for box, row in nearest.items():
        if box not in taking:
            rows[box] = row
    return rows


def _ways(
    items: list[_Item], links: Sequence[tuple[int, int]], rows: Sequence[int]
) -> dict[tuple[int, int], list[int]]:
    """The items that each line passes, its ends included; new ones are appended."""
    needed = sum(max(rows[b] - rows[a] - 1, 0) for a, b in links)
    passing: dict[tuple[int, int], int] = {}
    ways = {}
    for one, other in links:
        between = range(rows[one] + 1, rows[other]) if needed <= MOST_PLACES else range(0)
        way = [one]
        for row in between:
            if (one, row) not in passing:
                passing[one, row] = len(items)
                items.append(_Item(row, LINE))
            way.append(passing[one, row])
        ways[one, other] = [*way, other]
    return ways


def _sorted(items: list[_Item]) -> list[list[int]]:
    """The items of each row from left to right."""
    table: list[list[int]] = [[] for _ in range(1 + max((i.row for i in items), default=-1))]
    for number, item in enumerate(items):
        table[item.row].append(number)
    order = {n: float(k) for row in table for k, n in enumerate(row)}
    for sweep in range(SWEEPS):
        is_down = sweep % 2 == 0
        for row in table if is_down else reversed(table):
            means = {n: _mean(items[n].above if is_down else items[n].below, order, n) for n in row}
            row.sort(key=means.__getitem__)
            order.update((n, float(k)) for k, n in enumerate(row))
    for row in table:
        x = 0.0
        for number in row:
            item = items[number]
            item.x = x + item.width / 2
            x += item.width + GAP
    return table


def _mean(near: Sequence[int], order: Mapping[int, float], own: int) -> float:
    return fmean(order[n] for n in near) if near else order[own]


def _settle(items: list[_Item], row: Sequence[int], *, up: bool) -> None:
    """Move a row to the mean of its neighbours above (or below), as near as the gaps allow.

    The nearest in the sum of squares: items that would overlap are joined, and joined ones move as
    one (pool adjacent violators).
    """
    wanted, starts, start = [], [], 0.0
    for place, number in enumerate(row):
        item = items[number]
        if place:
            before = items[row[place - 1]]
            start += (before.width + item.width) / 2 + GAP
        near = item.above if up else item.below
        near = near or item.below or item.above
        target = fmean(items[n].x for n in near) if near else item.x
        starts.append(start)
        wanted.append((target - start, 4.0 if item.width == LINE else 1.0))
    for number, start, moved in zip(row, starts, _rising(wanted), strict=True):
        items[number].x = start + moved


def _rising(wanted: Sequence[tuple[float, float]]) -> list[float]:
    """The nearest numbers that never fall, by weight.

    >>> _rising([(0, 1), (4, 1), (2, 1)])
    [0.0, 3.0, 3.0]
    """
    pools: list[tuple[float, float, int]] = []  # sum, weight, count
    for value, weight in wanted:
        pool = (value * weight, weight, 1)
        while pools and pools[-1][0] / pools[-1][1] >= pool[0] / pool[1]:
            total, held, count = pools.pop()
            pool = (total + pool[0], held + pool[1], count + pool[2])
        pools.append(pool)
    return [total / held for total, held, count in pools for _ in range(count)]
