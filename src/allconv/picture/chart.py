"""Small line charts as SVG, from plain numbers: round ticks, gaps where a number is missing, and
the name of each line at its end, so that no legend has to be looked up.

Lines differ in colour and in their dashes, so that grey print tells them apart, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10

from allconv.picture.markup import Markup, element, shortened, svg

LARGEST = 1e100
"""Numbers that are not below it, or no numbers at all, are gaps."""

MOST_POINTS = 300  # of a line; more are thinned out
MOST_DOTS = 40  # points that are drawn as dots, too, which say their numbers
LETTER = 6.6  # the mean width of a letter in pixels
LABEL = 14  # pixels from a name at the end of a line to the next
LONGEST = 18  # letters of a name
TOP, BOTTOM = 40, 34  # pixels above and below the lines
NEAR = 1e-6  # numbers that differ by a smaller share of them are drawn as equal

_COLOURS = ("x", "w", "y", "ink")
_DASHES = (None, "7 3", "2 3")

_RULES = {
    "text": "font-size:12px;fill:var(--soft)",
    ".title": "font-size:13px;fill:var(--ink)",
    ".grid": "stroke:var(--hair)",
    ".axis": "stroke:var(--line)",
    ".mark": "stroke:var(--soft);stroke-dasharray:1 3",
    ".line": "fill:none;stroke-width:1.8;stroke-linejoin:round",
    ".leader": "fill:none;opacity:.5",
}
STYLE = "".join(f"svg.allconv .chart {name}{{{rule}}}" for name, rule in _RULES.items())


class Picture(Markup):
    """An SVG as text, which notebooks show."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Series:
    """A line by its name: what it is at each place; None, NaN and infinity are gaps.

    look   which of the looks it has, a colour and dashes; lines of one chart have several
    """

    name: str
    values: Sequence[float | None]
    look: int = 0

    def points(self, first: int) -> list[tuple[int, float | None]]:
        """(place, value), None for a gap; of many points the extremes of each stretch."""
        known = [None if v is None or not abs(v) < LARGEST else float(v) for v in self.values]
        return thinned(list(enumerate(known, first)))

    @property
    def colour(self) -> str:
        """Its colour as CSS."""
        return f"var(--{_COLOURS[self.look % len(_COLOURS)]})"

    @property
    def dashes(self) -> str | None:
        """Its dashes as SVG, None where it is whole."""
        return _DASHES[self.look // len(_COLOURS) % len(_DASHES)]


@dataclass(frozen=True)
class Chart:
    """What is drawn: lines over places `first`, `first` + 1, ...

    across      what the places are, below the axis
    marked      a place with a line across, and what stands above it
    base        a value that the axis reaches, such as 0
    is_share    values are shares, and shown as percentages
    """

    title: str
    lines: tuple[Series, ...]
    across: str = "epoch"
    first: int = 1
    marked: int | None = None
    mark: str = ""
    base: float | None = None
    is_share: bool = False
    width: float = 340
    height: float = 230

    def svg(self, theme: str = "auto") -> Picture:
        """The chart alone."""
        return pictured([self], theme)


def pictured(charts: Sequence[Chart], theme: str = "auto", gap: float = 24) -> Picture:
    """Charts beside each other in one picture."""
    parts, left = [], 0.0
    for chart in charts:
        parts.append(element("g", drawn(chart), transform=f"translate({left:g} 0)"))
        left += chart.width + gap
    width, height = max(left - gap, 1.0), max([_height(c) for c in charts], default=1.0)
    paper = element("rect", width=width, height=height, style="fill:var(--paper)")
    label = "; ".join(map(in_words, charts))
    return Picture(svg(width, height, paper, *parts, label=label, style=STYLE, theme=theme))


def in_words(chart: Chart) -> str:
    """What a chart says, in words: where each line begins and ends."""
    said = []
    for line in chart.lines:
        values = [v for _, v in line.points(chart.first) if v is not None]
        if values:
            ends = [value_text(v, chart.is_share) for v in (values[0], values[-1])]
            said.append(f"{line.name} from {ends[0]} to {ends[1]}")
    return f"{chart.title}: {', '.join(said) or 'no numbers'}"


def drawn(chart: Chart) -> Markup:
    """A chart as a group of SVG, its upper left corner at (0, 0)."""
    frame = _ChartFrame(chart)
    title = element("text", chart.title, class_="title", x=0, y=14)
    parts = [title, *frame.grid(), *frame.mark(), *frame.lines(), *frame.names()]
    return element("g", *parts, class_="chart")


class _ChartFrame:
    """Where the numbers of a chart lie on the paper."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.points = [line.points(chart.first) for line in chart.lines]
        values = [v for points in self.points for _, v in points if v is not None]
        values += [] if chart.base is None else [chart.base]
        self.ticks = ticks(min(values, default=0.0), max(values, default=1.0))
        self.texts = tick_texts(self.ticks, chart.is_share)
        count = max((len(line.values) for line in chart.lines), default=0)
        self.last = chart.first + max(count, 1) - 1
        named = [
            len(shortened(line.name, LONGEST))
            for line, points in zip(chart.lines, self.points, strict=True)
            if any(v is not None for _, v in points)
        ]
        self.left = LETTER * max(map(len, self.texts)) + 8
        self.right = chart.width - (LETTER * max(named, default=0) + 12)
        self.low = _height(chart) - BOTTOM

    def x(self, place: float) -> float:
        """Pixels from the left."""
        span = self.last - self.chart.first
        share = (place - self.chart.first) / span if span else 0.5
        return self.left + 4 + share * (self.right - self.left - 8)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        bottom, top = self.ticks[0], self.ticks[-1]
        return self.low - (value - bottom) / (top - bottom) * (self.low - TOP)

    def grid(self) -> list[Markup]:
        """Both axes, with their numbers."""
        parts = []
        for value, text in zip(self.ticks, self.texts, strict=True):
            y = self.y(value)
            kind = "grid" if value != self.ticks[0] else "axis"
            parts.append(element("line", class_=kind, x1=self.left, x2=self.right, y1=y, y2=y))
            parts.append(_label(text, self.left - 6, y + 4, "end"))
        places = whole_ticks(self.chart.first, self.last)
        parts += [_label(f"{n:,}", self.x(n), self.low + 15, "middle") for n in places]
        middle = (self.left + self.right) / 2
        return [*parts, _label(self.chart.across, middle, self.low + 30, "middle")]

    def mark(self) -> list[Markup]:
        """The line across at the marked place."""
        marked = self.chart.marked
        if marked is None or not self.chart.first <= marked <= self.last:
            return []
        x = self.x(marked)
        is_right = x > (self.left + self.right) / 2
        anchor = "end" if is_right else "start"
        return [
            element("line", class_="mark", x1=x, x2=x, y1=TOP - 10, y2=self.low),
            _label(self.chart.mark, x, TOP - 13, anchor),
        ]

    def lines(self) -> list[Markup]:
        """The lines, in stretches without a gap, and their points where they are few."""
        parts = []
        for line, points in zip(self.chart.lines, self.points, strict=True):
            for stretch in stretches(points):
                at = " ".join(f"{self.x(n):.1f},{self.y(v):.1f}" for n, v in stretch)
                style = f"stroke:{line.colour}"
                pattern = {"style": style, "stroke_dasharray": line.dashes}
                parts.append(element("polyline", class_="line", points=at, **pattern))
                if len(points) <= MOST_DOTS or len(stretch) == 1:
                    parts += [self._dot(line, n, v) for n, v in stretch]
        return parts

    def _dot(self, line: Series, place: int, value: float) -> Markup:
        said = f"{line.name}, {self.chart.across} {place}: {value_text(value, self.chart.is_share)}"
        style = f"fill:{line.colour}"
        at = {"cx": self.x(place), "cy": self.y(value), "r": 2.2}
        return element("circle", element("title", said), style=style, **at)

    def names(self) -> list[Markup]:
        """The names of the lines at their ends, moved apart where they would meet."""
        ends = []
        for line, points in zip(self.chart.lines, self.points, strict=True):
            known = [(n, v) for n, v in points if v is not None]
            if known:
                ends.append((self.y(known[-1][1]), self.x(known[-1][0]), line))
        ends.sort(key=lambda end: end[0])
        places = apart([y for y, _, _ in ends], LABEL, self.low)
        parts = []
        for (y, x, line), place in zip(ends, places, strict=True):
            x2, style = self.right + 6, f"stroke:{line.colour}"
            if abs(place - y) > 3:
                lead = {"x1": x + 4, "y1": y, "x2": x2 - 2, "y2": place}
                parts.append(element("line", class_="leader", style=style, **lead))
            said = [shortened(line.name, LONGEST)]
            if said[0] != line.name:
                said.append(element("title", line.name))
            fill = f"fill:{line.colour}"
            parts.append(element("text", *said, x=x2, y=place + 4, style=fill))
        return parts


def _height(chart: Chart) -> float:
    """Its height: all names find a place."""
    return max(chart.height, TOP + BOTTOM + LABEL * len(chart.lines))


def _label(text: str, x: float, y: float, anchor: str) -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchor)


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers from at most `low` to at least `high`, some `most` steps apart; two at least.

    >>> ticks(0.13, 0.92), ticks(0, 0.003), ticks(7, 7)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 0.001, 0.002, 0.003], [3.0, 4.0, 5.0, 6.0, 7.0])
    """
    size = max(abs(low), abs(high))
    if high - low <= NEAR * size:
        low, high = (low - size / 2, high) if size else (0.0, 1.0)
    least = (high - low) / most
    power = floor(log10(least)) if least else -320
    factor = next((m for m in (1, 2, 5) if m * 10.0**power >= least * (1 - NEAR)), 10)
    # Whole numbers over powers of ten are rounded once, so that 3 steps of 0.1 are 0.3.
    up, down = (10**power, 1) if power >= 0 else (1, 10**-power)
    step = factor * up / down
    begin, end = floor(low / step + NEAR), -floor(-high / step + NEAR)
    return [n * factor * up / down for n in range(begin, max(end, begin + 1) + 1)]


def tick_texts(values: Sequence[float], is_share: bool = False) -> list[str]:
    """Ticks as text, all with as many decimals as they need.

    >>> tick_texts([0.0, 0.5, 1.0]), tick_texts([0.8, 0.9], True), tick_texts([0, 2e-7])
    (['0.0', '0.5', '1.0'], ['80 %', '90 %'], ['0', '2e-07'])
    """
    numbers = [100 * v for v in values] if is_share else list(values)
    step = min(abs(b - a) for a, b in pairwise(numbers))
    decimals = max(0, -floor(log10(step) + NEAR)) if step else 9
    if decimals > 5 or max(map(abs, numbers)) >= 1e6:
        return [f"{v:.4g}" for v in numbers]
    unit = " %" if is_share else ""
    return [f"{v:,.{decimals}f}{unit}" for v in numbers]


def whole_ticks(first: int, last: int) -> list[int]:
    """Round whole numbers from `first` to `last`, both included.

    >>> whole_ticks(1, 8), whole_ticks(1, 1), whole_ticks(1, 60)
    ([2, 4, 6, 8], [1], [20, 40, 60])
    """
    if first == last:
        return [first]
    return [int(n) for n in ticks(first, last, 5) if n == int(n) and first <= n <= last]


def value_text(value: float, is_share: bool = False) -> str:
    """A value as text of a few letters.

    >>> value_text(0.91268, True), value_text(0.2345678), value_text(1e-4)
    ('91.3 %', '0.2346', '0.0001')
    """
    return f"{100 * value:.1f} %" if is_share else f"{value:.4g}"


def thinned(points: list[tuple[int, float | None]]) -> list[tuple[int, float | None]]:
    """Points as they are, or of each stretch of many the first gap, the least and the greatest."""
    if len(points) <= MOST_POINTS:
        return points
    size = -(-len(points) // (MOST_POINTS // 3))
    kept = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        known = [(v, n) for n, v in part if v is not None]
        chosen = {n for _, n in (min(known), max(known))} if known else set()
        chosen.update([n for n, v in part if v is None][:1])
        kept += [point for point in part if point[0] in chosen]
    return kept


def stretches(points: Iterable[tuple[int, float | None]]) -> list[list[tuple[int, float]]]:
    """The points between the gaps.

    >>> stretches([(1, 5.0), (2, None), (3, 6.0), (4, 7.0)])
    [[(1, 5.0)], [(3, 6.0), (4, 7.0)]]
    """
    found: list[list[tuple[int, float]]] = [[]]
    for place, value in points:
        if value is None:
            found.append([])
        else:
            found[-1].append((place, value))
    return [stretch for stretch in found if stretch]


def apart(places: Sequence[float], least: float, low: float) -> list[float]:
    """Sorted places moved so that they are at least so far apart, the last at most at `low`.

    >>> apart([10, 11, 50], 14, 100), apart([98, 99], 14, 100)
    ([10, 24, 50], [86, 100])
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + least) if moved else place)
    limit = low
    for n in reversed(range(len(moved))):
        moved[n] = min(moved[n], limit)
        limit = moved[n] - least
    return moved
