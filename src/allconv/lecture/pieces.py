"""What the lecture's page is made of: paragraphs, examples, pictures, figures, listings, parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Say:
    """A paragraph (see `cells.words`); one that holds a result can be covered."""

    text: str
    is_answer: bool = False


@dataclass(frozen=True)
class Show:
    """An example by its name."""

    name: str


@dataclass(frozen=True)
class Draw:
    """A picture by its name, and what stands below it; one with results can be covered."""

    name: str
    caption: str
    is_answer: bool = False


@dataclass(frozen=True)
class Live:
    """A figure of no example, and what stands below it.

    address   the state of the operator page that it begins with
    parts     what is beside its stage, by the names of `js/figures.js`, separated by blanks
    """

    address: str
    parts: str
    caption: str


@dataclass(frozen=True)
class Listed:
    """A listing by its name."""

    name: str


Piece: TypeAlias = Say | Show | Draw | Live | Listed


@dataclass(frozen=True)
class LecturePart:
    """A part of the lecture: its anchor, its name in `parts`, and what stands in it."""

    anchor: str
    name: str
    pieces: tuple[Piece, ...]
