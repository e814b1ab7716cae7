"""What scenes are made of: rectangles, texts, ribbons and dots, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from allconv.show.page.shared import LAYOUT


@dataclass(frozen=True)
class Box:
    """A rectangle of cells, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    def joined(self, other: Box) -> Box:
        """The smallest box around both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def grown(self, by: float) -> Box:
        """With so much more on every side."""
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)


@dataclass(frozen=True)
class Rect:
    """A rectangle; `cell` is "role:place" of a cell of an array."""

    key: str
    classes: str
    x: float
    y: float
    width: float
    height: float
    radius: float
    cell: str | None = None
    kind: Literal["rect"] = "rect"

    @classmethod
    def of(cls, key: str, classes: str, box: Box, radius: float, cell: str | None = None) -> Rect:
        """The rectangle of a box."""
        return cls(key, classes, box.x, box.y, box.width, box.height, radius, cell)


@dataclass(frozen=True)
class Text:
    """A text on its baseline; `letter` stands before it."""

    key: str
    classes: str
    x: float
    y: float
    size: float
    anchor: Literal["start", "middle", "end"]
    text: str
    letter: str | None = None
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class Path:
    """A ribbon from an edge of one box to an edge of another: "across" or "down"."""

    key: str
    classes: str
    points: tuple[float, ...]
    shape: Literal["across", "down"]
    kind: Literal["path"] = "path"


@dataclass(frozen=True)
class Circle:
    """A dot."""

    key: str
    classes: str
    x: float
    y: float
    radius: float
    kind: Literal["circle"] = "circle"


LEAST_EDGE = 6.0

Primitive: TypeAlias = Rect | Text | Path | Circle


@dataclass(frozen=True)
class Scene:
    """What is drawn, the first below all others."""

    width: float
    height: float
    vertical: bool
    items: list[Primitive]

    @property
    def edges(self) -> tuple[float, float]:
        """Pixels that slots and captions reach beyond the left edge and the right one."""
        left = right = LEAST_EDGE
        for item in self.items:
            if isinstance(item, Text) and item.letter:
                letters = len(item.letter) + len(item.text) + 2
                half = letters * LAYOUT["captionLetter"] / 2
                left, right = max(left, half - item.x), max(right, item.x + half - self.width)
        return left, right
