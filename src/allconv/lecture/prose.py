"""What the lecture's page says, as `prose.md` has it: how it begins, and its parts in their order.

Blocks stand between empty lines. One of words is a paragraph; "> " before its lines says that it
holds a result, which can be covered. Others begin with what they are:

    # ANCHOR: NAME       a part, to the next one; the paragraphs before the first are those of
                         the page
    [[show NAME]]        an example, and
    [[program NAME]]     a listing; several may follow each other, a line each
    [[draw NAME]]        a picture, and below it its caption
    [[live PARTS]]       a figure, and below it the lines of its address, indented, and its caption
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

_HEAD = re.compile(r"^# ([\w-]+): (.*)\n", re.MULTILINE)
_KIND = re.compile(r"\[\[(\w+) (.*)\]\]")
_INDENT = "    "


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
    parts     what is beside its stage, by the names of `js/lecture.js`, separated by blanks
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
    """A part of the lecture: its anchor, its name, and what stands in it."""

    anchor: str
    name: str
    pieces: tuple[Piece, ...]


def text_of(name: str) -> str:
    """A text file of the lecture."""
    return (files("allconv.lecture") / name).read_text("utf-8")


def sections(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, title and text of what stands below each heading; the first has neither.

    >>> list(sections("before\\n# a: A title\\ntext\\n"))
    [('', '', 'before\\n'), ('a', 'A title', 'text\\n')]
    """
    before, *rest = _HEAD.split(text)
    yield "", "", before
    yield from zip(*[iter(rest)] * 3, strict=True)


def paragraphs(text: str) -> list[str]:
    """The blocks between empty lines."""
    return re.split(r"\n{2,}", text.strip())


def joined(block: str) -> str:
    """The lines of a paragraph as one."""
    return " ".join(block.splitlines())


def pieces(block: str) -> Iterator[Piece]:
    """What a block stands for."""
    lines = [line.removeprefix("> ") for line in block.splitlines()]
    is_answer = block.startswith("> ")
    for place, line in enumerate(lines):
        rest = lines[place + 1 :]
        match _KIND.findall(line):
            case [("show", name)]:
                yield Show(name)
            case [("program", name)]:
                yield Listed(name)
            case [("draw", name)]:
                yield Draw(name, " ".join(rest), is_answer)
                return
            case [("live", parts)]:
                address = "".join(each.strip() for each in rest if each.startswith(_INDENT))
                caption = " ".join(each for each in rest if not each.startswith(_INDENT))
                yield Live(address, parts, caption)
                return
            case _:
                yield Say(" ".join(lines), is_answer)
                return


_BEFORE, *_PARTS = sections(text_of("prose.md"))
LEAD, *READING = map(joined, paragraphs(_BEFORE[2]))
PLAN = tuple(
    LecturePart(anchor, name, tuple(piece for block in paragraphs(text) for piece in pieces(block)))
    for anchor, name, text in _PARTS
)
PART_OF = {
    piece.name: part.name for part in PLAN for piece in part.pieces if isinstance(piece, Show)
}
"""The part that shows each example."""
