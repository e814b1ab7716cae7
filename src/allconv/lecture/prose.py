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
from importlib.resources import files

from allconv.lecture.pieces import Draw, LecturePart, Listed, Live, Piece, Say, Show

_HEAD = re.compile(r"^# ([\w-]+): (.*)\n", re.MULTILINE)
_KIND = re.compile(r"\[\[(\w+) (.*)\]\]")
_INDENT = "    "


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
