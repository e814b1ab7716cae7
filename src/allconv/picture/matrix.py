"""A matrix as SVG: a cell an entry, in a shade for each letter, so that shared weights are seen.

Small matrices have a number or a name in every cell; of larger ones the cells alone are drawn, all
of one shade as one path. Rows and columns carry the names of the cells that they join.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from allconv.picture.chart import Picture
from allconv.picture.markup import Markup, element, joined, short, shortened, svg
from allconv.picture.palette import ROLES

SHADES = 12
"""Shades that are told apart; `Entry.shade` is one of them."""

BEHIND = (0.08, 0.44)
"""How much colour is in the shades behind texts: `ink` can be read on all, light and dark."""

ALONE = (0.16, 1.0)
"""How much is in those without a text."""

MOST_WRITTEN = 700  # cells of a matrix with a text in each
WIDEST = 960  # pixels of such a matrix
NARROW = 480.0  # pixels that a legend may take beside a matrix that is narrower
LONGEST = 14  # letters in a cell
LETTER = 6.3  # the mean width of a letter in pixels
HIGH = 22  # pixels of a row with texts
GAP = 18  # pixels of rows and columns that are left out
LABEL = 11  # pixels from a name of a row to the next
MOST_NAMES = 80  # of rows, and of columns
PAD = 6
SWATCH = 12
LINE = 18  # pixels from a line of words to the next

_RULES = {
    "text": "font-size:11px;fill:var(--ink)",
    ".title": "font-size:13px",
    ".soft": "fill:var(--soft)",
    **{f".{role}": f"fill:var(--{role})" for role in ROLES},
    **{f".{role} text": f"fill:var(--{role})" for role in ROLES},
    ".grid": "fill:none;stroke:var(--line)",
}
_RULES |= {f"path.{role}": f"fill:none;stroke:var(--{role})" for role in ROLES}
STYLE = "".join(f"svg.allconv .matrix {name}{{{rule}}}" for name, rule in _RULES.items())

_LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Side:
    """The rows or the columns: their role ("x", "w", "y") and their names, None for those left out.

    title   what all names have in common: "x[0,0,·,·]"
    """

    role: str
    title: str
    names: Sequence[str | None]


@dataclass(frozen=True)
class Entry:
    """An entry at a row and a column of those drawn: its text, and its shade, 0 to `SHADES` - 1."""

    row: int
    column: int
    text: str
    shade: int


@dataclass(frozen=True)
class MatrixDrawing:
    """What is drawn.

    notes    lines below: what is left out, how often a letter occurs
    legend   a shade and what it stands for
    shades   how many there are
    role     of the entries
    """

    title: str
    rows: Side
    columns: Side
    entries: Sequence[Entry]
    notes: Sequence[str] = ()
    legend: Sequence[tuple[int, str]] = ()
    shades: int = 1
    role: str = "w"

    def svg(self, theme: str = "auto") -> Picture:
        """The picture. theme: "auto" (what the reader's system has), "light" or "dark"."""
        frame = _MatrixFrame(self)
        body = [*frame.head(), *frame.cells(), *frame.names(), *frame.foot()]
        paper = element("rect", width=frame.width, height=frame.height, style="fill:var(--paper)")
        inside = element("g", *body, class_="matrix")
        label = "; ".join((self.title, *self.notes))
        size = frame.width, frame.height
        return Picture(svg(*size, paper, inside, label=label, style=STYLE, theme=theme))


def subscript(letter: str, index: Iterable[int], joint: str = "") -> str:
    """The short name of a cell; `joint` stands between numbers of several digits.

    >>> subscript("w", (0, 2)), subscript("x", (1, 12), ","), subscript("b", ())
    ('w₀₂', 'x₁,₁₂', 'b')
    """
    return letter + joint.join(map(str, index)).translate(_LOW)


def share(shade: int, shades: int, ends: tuple[float, float]) -> float:
    """How much colour is in a shade, the first and the last of which have what `ends` say."""
    least, most = ends
    return least + (most - least) * (shade / (shades - 1) if shades > 1 else 0.5)


class _Places:
    """Where the rows or columns lie, in pixels; those left out are a gap."""

    def __init__(self, names: Sequence[str | None], size: float) -> None:
        self.size, self.end = size, 0.0
        self.at: list[float] = []
        self.parts: list[tuple[float, float]] = []  # (begin, end) of what lies between the gaps
        for is_gap, group in groupby(names, lambda name: name is None):
            begin, step = self.end, GAP if is_gap else size
            for _ in group:
                self.at.append(self.end)
                self.end += step
            if not is_gap:
                self.parts.append((begin, self.end))


class _MatrixFrame:
    """Where the parts of a picture lie."""

    def __init__(self, grid: MatrixDrawing) -> None:
        self.grid = grid
        names = [name for name in grid.columns.names if name is not None]
        texts = [shortened(each.text, LONGEST) for each in grid.entries]
        wide = max([24.0, *(LETTER * len(each) + 10 for each in (*texts, *names))])
        count = len(grid.rows.names) * len(grid.columns.names)
        self.is_written = count <= MOST_WRITTEN and wide * len(grid.columns.names) <= WIDEST
        side = _side(grid)
        self.columns = _Places(grid.columns.names, wide if self.is_written else side)
        self.rows = _Places(grid.rows.names, HIGH if self.is_written else side)
        longest = max((len(name or "") for name in grid.rows.names), default=0)
        self.left = PAD + max(LETTER * longest, LETTER * len(grid.rows.title)) + 8
        high = 0 if self.is_written else LETTER * max(map(len, names), default=0)
        self.top = PAD + 2 * LINE + max(LINE, high + 6)
        legend = self._legend()
        words = [LETTER * 1.1 * len(text) for text in (grid.title, *grid.notes)]
        keys = [left + SWATCH + 5 + LETTER * len(text) for left, _, _, text in legend]
        right = self.left + self.columns.end
        self.width = max(right, LETTER * len(grid.columns.title) + self.left, *words, *keys) + PAD
        self.low = self.top + self.rows.end + 8
        lines = len(grid.notes) + 1 + max([line for _, line, _, _ in legend], default=-1)
        self.height = self.low + LINE * lines + PAD

    def head(self) -> list[Markup]:
        """The title, and what rows and columns are."""
        grid = self.grid
        y = self.top - 5
        return [
            element("text", grid.title, class_="title", x=PAD, y=PAD + 13),
            element("text", grid.columns.title, class_=grid.columns.role, x=self.left, y=PAD + 33),
            element(
                "text", grid.rows.title, class_=grid.rows.role, x=self.left - 8, y=y,
                text_anchor="end",
            ),
        ]  # fmt: skip

    def cells(self) -> list[Markup]:
        """The shades, a path each; lines between cells; the texts."""
        by_shade: dict[int, list[Entry]] = {}
        for each in sorted(self.grid.entries, key=lambda e: (e.row, e.column)):
            by_shade.setdefault(each.shade, []).append(each)
        paths = [self._path(shade, each) for shade, each in sorted(by_shade.items())]
        texts = self._texts() if self.is_written else []
        move = f"translate({short(self.left)} {short(self.top)})"
        return [element("g", *paths, self._lines(), *texts, transform=move)]

    def _path(self, shade: int, entries: Iterable[Entry]) -> Markup:
        """Lines as thick as the cells are high, so that a cell is a few signs."""
        apart = 0 if self.is_written else 1
        wide, high = self.columns.size - apart, self.rows.size - apart
        runs = []
        for each in entries:
            x, y = self.columns.at[each.column], self.rows.at[each.row] + self.rows.size / 2
            runs.append(f"M{short(x + apart / 2)} {short(y)}h{short(wide)}")
        return element(
            "path", class_=self.grid.role, d="".join(runs), stroke_width=high,
            stroke_opacity=self._share(shade),
        )  # fmt: skip

    def _share(self, shade: int) -> float:
        return share(shade, self.grid.shades, BEHIND if self.is_written else ALONE)

    def _lines(self) -> Markup:
        """Lines around all cells with texts; around all of the others."""
        path = []
        for left, right in self.columns.parts:
            for top, low in self.rows.parts:
                across = _steps(top, low, self.rows.size if self.is_written else low - top)
                down = _steps(left, right, self.columns.size if self.is_written else right - left)
                path += [f"M{short(left)} {short(y)}H{short(right)}" for y in across]
                path += [f"M{short(x)} {short(top)}V{short(low)}" for x in down]
        return element("path", class_="grid", d="".join(path))

    def _texts(self) -> list[Markup]:
        """A line of text for each row, zeros and gaps included."""
        known = {(each.row, each.column): each.text for each in self.grid.entries}
        lines = []
        for row, name in enumerate(self.grid.rows.names):
            spans = []
            for column, other in enumerate(self.grid.columns.names):
                is_gap = name is None or other is None
                text = "…" if is_gap else known.get((row, column))
                size = GAP if other is None else self.columns.size
                middle = self.columns.at[column] + size / 2
                kind = "soft" if is_gap or text is None else None
                spans.append(
                    element("tspan", shortened(text or "0", LONGEST), x=middle, class_=kind)
                )
            y = self.rows.at[row] + (GAP if name is None else self.rows.size) / 2 + 4
            lines.append(element("text", *spans, y=y, text_anchor="middle"))
        return lines

    def names(self) -> list[Markup]:
        """The names of rows and columns, as many as there is room for."""
        grid = self.grid
        rows = [
            element("text", name, x=self.left - 8, y=self.top + at + self.rows.size / 2 + 4)
            for name, at in _chosen(grid.rows.names, self.rows)
        ]
        columns = [
            self._column(name, self.left + at + self.columns.size / 2)
            for name, at in _chosen(grid.columns.names, self.columns)
        ]
        return [
            element("g", *rows, class_=grid.rows.role, text_anchor="end"),
            element("g", *columns, class_=grid.columns.role),
        ]

    def _column(self, name: str, x: float) -> Markup:
        if self.is_written:
            return element("text", name, x=x, y=self.top - 5, text_anchor="middle")
        turn = f"translate({short(x + 4)} {short(self.top - 5)})rotate(-90)"
        return element("text", name, transform=turn)

    def foot(self) -> list[Markup]:
        """What the shades stand for, and the notes."""
        parts, lines = [], 0
        for x, line, shade, text in self._legend():
            y, lines = self.low + LINE * line, line + 1
            swatch = element(
                "rect", class_=self.grid.role, x=x, y=y + 2, width=SWATCH, height=SWATCH,
                fill_opacity=self._share(shade),
            )  # fmt: skip
            parts += [swatch, element("text", text, x=x + SWATCH + 5, y=y + 12)]
        for n, note in enumerate(self.grid.notes, lines):
            y = self.low + LINE * n + 12
            parts.append(element("text", note, class_="soft", x=PAD, y=y))
        return [joined(*parts)]

    def _legend(self) -> list[tuple[float, int, int, str]]:
        """(pixels from the left, line, shade, text) of each shade."""
        right = max(self.left + self.columns.end, NARROW)
        longest = max((len(text) for _, text in self.grid.legend), default=0)
        wide = SWATCH + 5 + LETTER * longest + 14
        beside = max(1, int((right - PAD) // wide))
        return [
            (PAD + wide * (n % beside), n // beside, shade, text)
            for n, (shade, text) in enumerate(self.grid.legend)
        ]


def _side(grid: MatrixDrawing) -> float:
    """Pixels of a cell without a text: such that the matrix is neither huge nor tiny."""
    most = max(len(grid.rows.names), len(grid.columns.names), 1)
    return float(min(max(640 // most, 5), 14))


def _chosen(names: Sequence[str | None], places: _Places) -> list[tuple[str, float]]:
    """Names that stand apart, every second or every third, say, and where."""
    known = [(name, at) for name, at in zip(names, places.at, strict=True) if name is not None]
    step = max(1, -int(-LABEL // places.size), -(-len(known) // MOST_NAMES))
    return [each for n, each in enumerate(known) if n % step == 0]


def _steps(begin: float, end: float, size: float) -> list[float]:
    return [begin + size * n for n in range(round((end - begin) / size) + 1)]
