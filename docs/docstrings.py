"""The project's docstrings as reStructuredText, which Sphinx reads.

They are plain English for `help()`: names between single backticks, formulas and trees indented,
settings as two columns or as `name: what it is`, examples after `>>>`. Nothing in them is meant as
markup, so every sign that reStructuredText would take for some is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

COLUMNS = re.compile(r"(\S+(?: \S+)*) {2,}(?=\S)")
SETTING = re.compile(r"([a-z_]\w*(?:, [a-z_]\w*)*): (?=\S)")
SPAN = re.compile(r"(`+)(?! )(.+?)(?<! )\1")
JOINT = "\\ "  # a gap that is not shown, which code needs where it touches other text
SIGNS = re.compile(r"[\\`*_|]")
FORMULA = re.compile(r"\w+\[[^\]]*\] = ")
LABELS = ("example", "errors", "source", "shapes", "cost")  # a sentence may begin so


def as_rst(lines: Iterable[str]) -> list[str]:
    """The lines of a docstring, without its indentation, as lines of reStructuredText.

    >>> as_rst(["A sum of `x`*2.", "", "x  numbers"])
    ['A sum of ``x``\\\\ \\\\*2.', '', '``x``', '   numbers', '']
    """
    return [line for block in _blocks(lines) for line in (*_block(block), "")]


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """What stands between blank lines; literal blocks that only a blank line parts are one."""
    held: list[str] = []
    blanks = 0
    for line in lines:
        if not line.strip():
            blanks += 1
            continue
        if held and blanks:
            if not (held[0][0] == line[0] == " "):
                yield held
                held, blanks = [], 0
            held += [""] * blanks
        held.append(line.rstrip())
        blanks = 0
    if held:
        yield held


def _block(lines: Sequence[str]) -> Iterator[str]:
    """A paragraph, an example, a table of two columns, or text to be kept as it is."""
    if lines[0].startswith(">>>"):
        yield from _literal(lines, "pycon")
    elif lines[0].startswith(" "):
        yield from _literal(lines, "text")
    elif COLUMNS.match(lines[0]):
        yield from _rows(lines) or _literal(lines, "text")
    else:
        yield from _paragraph(lines)


def _literal(lines: Sequence[str], language: str) -> list[str]:
    return [f".. code-block:: {language}", "", *(f"   {line}".rstrip() for line in lines)]


def _rows(lines: Sequence[str]) -> list[str]:
    """Two columns as a list of definitions; none where the second begins in several places."""
    rows: list[tuple[str, list[str]]] = []
    column = 0
    for line in lines:
        match = COLUMNS.match(line)
        column = column or (match.end() if match else 0)
        if match and match.end() == column:
            rows.append((match[1], [line[column:]]))
        elif rows and not line[:column].strip() and line[column : column + 1].strip():
            rows[-1][1].append(line[column:])
        elif rows and not match and line[0] != " ":  # a name that leaves no room: text begins below
            rows.append((line, []))
        else:
            return []
    if not all(text for _, text in rows):
        return []
    return [part for key, text in rows for part in _row(key, text)]


def _row(key: str, text: Sequence[str]) -> Iterator[str]:
    yield f"``{key}``"
    yield from (f"   {escaped(line.strip())}" for line in text)


def _paragraph(lines: Sequence[str]) -> Iterator[str]:
    """Sentences; among them settings with what is indented below each, or indented text."""
    prose = True  # whether the line before was a sentence's
    groups: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith(" ") and groups:
            groups[-1][1].append(line)
        else:
            groups.append((line, []))
    for first, below in groups:
        match = SETTING.match(first)
        if match and match[1] not in LABELS:
            yield from () if not prose else ("",)
            yield from _row(match[1], [first[match.end() :], *below])
            prose = False
        else:
            yield from ("",) if not prose or FORMULA.match(first) else ()
            yield escaped(first)
            prose = True
            if below:
                yield from ("", *_literal(below, "text"), "")


def escaped(text: str) -> str:
    """A text that reads as it is written, with what stands between backticks as code."""
    parts: list[str] = []
    end = 0
    for span in SPAN.finditer(text):
        parts.append(_plain(text[end : span.start()]))
        before = "" if text[: span.start()][-1:] in ("", " ", "(") else JOINT
        after = "" if text[span.end() :][:1] in ("", " ") else JOINT
        parts.append(f"{before}``{span[2]}``{after}")
        end = span.end()
    return "".join([*parts, _plain(text[end:])])


def _plain(text: str) -> str:
    return SIGNS.sub(r"\\\g<0>", text)
