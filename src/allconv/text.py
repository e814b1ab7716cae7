"""Text that comes from files, made fit for a terminal, a message, a table or JSON.

Names of files and of classes may hold anything: line ends, codes that clear a screen or turn the
direction of writing, bytes that are not UTF-8, formulas. There is a function for each place:

    printable    a terminal or a message: what cannot be seen is written as an escape
    csv_cell     a cell of a CSV file: printable, and no formula
    json_text    a value as JSON: exact, and as safe to print
    encodable    a name to be kept: as it is, but for bytes that UTF-8 cannot hold

Numbers for people, wherever they are printed: `counted`, `duration`, `percent`, `bytes_text`; and
`table`, rows as aligned lines.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any
from unicodedata import category

Name = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_FORMULA = tuple("=+-@＝＋－＠")


def printable(name: Name, longest: int | None = None) -> str:
    """Text on one line that changes nothing but the place where it is printed.

    Control and format characters (ANSI escapes, line ends, bidirectional overrides, zero-width
    characters) become escapes as in Python's repr, and so do bytes that are not UTF-8; letters and
    spaces of all scripts stay. Printable text stays as it is, so that this may be applied twice.
    Above `longest` characters the end is cut off.

    >>> printable("two" + chr(10) + "lines" + chr(27) + "[2J"), printable(b"caf" + bytes([0xE9]))
    ('two\\\\nlines\\\\x1b[2J', 'caf\\\\xe9')
    """
    text = os.fsdecode(name)
    if longest is not None and len(text) > longest:
        text = text[: max(longest - 3, 0)] + "..."
    if text.isprintable():
        return text
    return "".join(each if _is_seen(each) else _escape(each) for each in text)


def few_lines(text: str, most: int = 24, wide: int = 100) -> str:
    """Text of many lines cut to about `most`, each of at most `wide` letters, for a `repr`.

    >>> print(few_lines("a b c d e f g h".replace(" ", chr(10)), 4))
    a
    b
    ... 4 more lines; print() shows them all
    g
    h
    """
    lines = [line if len(line) <= wide else line[: wide - 3] + "..." for line in text.split("\n")]
    if len(lines) <= most + 1:
        return "\n".join(lines)
    end = most // 2 if most < 8 else most // 4
    told = f"... {len(lines) - most:,} more lines; print() shows them all"
    return "\n".join([*lines[: most - end], told, *lines[len(lines) - end :]])


def encodable(name: Name) -> str:
    """A name as text that UTF-8 can hold: bytes that are not UTF-8 become escapes, all else stays.

    >>> encodable(b"caf" + bytes([0xE9]))
    'caf\\\\xe9'
    """
    return _NOT_UTF8.sub(lambda found: _escape(found[0]), os.fsdecode(name))


def csv_cell(name: Name) -> str:
    """Printable text that no spreadsheet takes for a formula: such text gets a ' in front.

    >>> csv_cell("=1+cmd"), csv_cell("cat")
    ("'=1+cmd", 'cat')
    """
    text = printable(name)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def json_text(value: Any) -> str:
    """A value as one line of JSON: letters as they are, what cannot be seen as escapes of JSON.

    Reading it back gives equal text. ValueError for NaN and infinity, which JSON does not have.

    >>> json_text({"class": "Käfer" + chr(0x9B)})
    '{"class": "Käfer\\\\u009b"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if text.isprintable():
        return text
    return "".join(each if _is_seen(each) else _json_escape(each) for each in text)


def counted(count: int, what: str, plural: str = "") -> str:
    """A number of things.

    >>> counted(1, "image"), counted(2000, "image"), counted(3, "class", "classes")
    ('1 image', '2,000 images', '3 classes')
    """
    return f"{count:,} {what if count == 1 else plural or what + 's'}"


def duration(seconds: float) -> str:
    """Seconds as minutes and hours where they are many.

    >>> duration(7.24), duration(75), duration(3700)
    ('7.2 s', '1 min 15 s', '1 h 1 min')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(share: float) -> str:
    """A share as a percentage.

    >>> percent(0.8814)
    '88.1 %'
    """
    return f"{100 * share:.1f} %"


def bytes_text(count: int) -> str:
    """Bytes in the unit that fits, of 1024 each.

    >>> bytes_text(512), bytes_text(100352), bytes_text(3 * 1024**3)
    ('512 B', '98.0 KiB', '3.0 GiB')
    """
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def _is_seen(character: str) -> bool:
    return character.isprintable() or category(character) == "Zs"


def _escape(character: str) -> str:
    """An escape; a byte that is not UTF-8, which Python keeps as a lone surrogate, as a byte."""
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return _SHORT.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json_escape(character: str) -> str:
    """JSON escapes units of UTF-16."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))


def table(rows: Sequence[tuple[str, ...]], left: int = 1) -> list[str]:
    """Rows as aligned lines: `left` columns to the left, the others to the right.

    What is in the cells is made printable, so that it has the width that it is aligned by.

    >>> table([("name", "n"), ("a", "10")])
    ['name   n', 'a     10']
    """
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
