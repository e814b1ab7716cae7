"""Arrays as users type them: numbers, rows, planes; or a file that holds them."""

from __future__ import annotations

import math
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allconv.cli.failures import Misuse
from allconv.cli.image_numbers import ImageNumbers
from allconv.errors import FileError
from allconv.files import open_file, read_text
from allconv.text import counted, printable

if TYPE_CHECKING:
    from allconv.operators.base import Array

LARGEST_FILE = 2**24  # bytes
MOST_AXES = 8
SHOWN = 40  # characters of what was given that a message repeats
LETTERS = 200  # of what NumPy says of a file

SYNTAX = (
    'numbers with blanks or commas between them, rows with "/" or ";", planes with "//", sets of '
    'planes with "///": "1 2 3 / 4 5 6"'
)

STDIN = "-"
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_KINDS = "a .npy, .csv or text file of numbers, or for --input an image (.png, .jpg)"

_SEPARATOR = re.compile(r"\s*([/;]\s*)+|[ \t]*\n\s*")
_GAP = re.compile(r",[ \t]*,")
_FILE_NAME = re.compile(r"[./~\\].*|.*\.[A-Za-z]{2,4}")


class NumberArray(click.ParamType[Any]):
    """Numbers typed as text, or a .npy, .csv or text file of them ("-": standard input); an array
    of float64. With `images` an image file, too, which is not read yet."""

    name = "numbers"

    def __init__(self, *, images: bool = False) -> None:
        self.images = images

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help shows."""
        return '"1 2 / 3 4"|FILE'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The array, or a usage error."""
        name = max(param.opts, key=len) if param else "numbers"
        if not isinstance(value, str):
            return value
        if value == STDIN:
            return _read_stdin(name)
        word = _word(value)
        if word is None:
            return parse(value, name)
        if self.images and Path(value).suffix.lower() in IMAGES and os.path.lexists(value):
            return ImageNumbers(Path(value))
        if value and os.path.lexists(value):
            return _read(Path(value), name)
        if _FILE_NAME.fullmatch(value.strip()):
            raise Misuse(f"{name} is {_short(value)}, and there is no such file")
        raise Misuse(f"{name} is {_short(value)}: {_wrong(word)}, and no file has that name")


def parse(text: str, name: str) -> Array:
    """The array that a text spells; `Misuse` with `name` where rows differ in length.

    >>> parse("1 2 / 3 4 // 5 6 / 7 8", "x").tolist()
    [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]
    """
    import numpy as np

    rows: list[list[float]] = [[]]
    levels: list[int] = []
    end = 0
    text = text.strip("/; \t\r\n")
    if _GAP.search(text) or text.startswith(","):
        raise Misuse(f"{name}: a number is missing before a comma")
    for match in _SEPARATOR.finditer(text):
        rows[-1] = _row(text[end : match.start()])
        levels.append(_level(match.group()))
        rows.append([])
        end = match.end()
    rows[-1] = _row(text[end:])
    if not any(rows):
        raise Misuse(f"{name} holds no numbers; {SYNTAX} is expected")
    for place, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise Misuse(
                f"{name}: row {place + 1} has {counted(len(row), 'number')}, row 1 has "
                f"{len(rows[0])}; rows must be equally long"
            )
    return np.array(rows).reshape(*_lead(levels, name), len(rows[0]))


def _lead(levels: list[int], name: str) -> tuple[int, ...]:
    """The sizes of all axes but the last, from the separators: 1 for rows, 2 for planes ..."""
    deepest = max(levels, default=0)
    if deepest >= MOST_AXES:
        raise Misuse(f"{name} has {deepest} separators in a row; at most {MOST_AXES - 1} are read")
    sizes: list[int] = []
    inner = 1
    for level in range(1, deepest + 1):
        # Between two separators of a higher level stand equally many of this level.
        counts, count = [], 1
        for each in levels:
            if each > level:
                counts.append(count)
                count = 0
            count += each >= level
        counts.append(count)
        if len(set(counts)) > 1:
            what = "rows" if level == 1 else f'parts between "{"/" * level}"'
            raise Misuse(
                f"{name}: its parts have {_listed(counts)} {what}; equally many are expected"
            )
        sizes.insert(0, counts[0])
        inner *= counts[0]
    return tuple(sizes)


def _listed(counts: list[int]) -> str:
    found = sorted(set(counts))
    return f"{', '.join(map(str, found[:-1]))} and {found[-1]}"


def _level(separator: str) -> int:
    """How many axes a separator closes: its marks, or without any the ends of its lines."""
    marks = separator.count("/") + separator.count(";")
    return marks or separator.count("\n")


def _row(text: str) -> list[float]:
    return [float(word) for word in re.split(r"[\s,]+", text) if word]


def _word(text: str) -> str | None:
    """The first word that is no number of float64, or None."""
    return next((w for w in re.split(r"[\s,/;]+", text) if w and not _is_number(w)), None)


def _is_number(word: str) -> bool:
    try:
        return not math.isinf(float(word)) or "inf" in word.lower()
    except ValueError:
        return False


def _wrong(word: str) -> str:
    with suppress(ValueError):
        return f"{_short(word)} is more than a float64 holds ({float(word)})"
    return f"{_short(word)} is not a number"


def _read_stdin(name: str) -> Array:
    if sys.stdin is None:
        raise Misuse(f"{name}: there is no standard input")
    buffer = getattr(sys.stdin, "buffer", None)  # bytes, whatever the locale makes of them
    try:
        given = (buffer or sys.stdin).read(LARGEST_FILE + 1)
        text = given if isinstance(given, str) else given.decode("utf-8-sig")
    except (UnicodeDecodeError, OSError, ValueError):
        raise Misuse(f"{name}: the standard input is not text") from None
    if len(given) > LARGEST_FILE:
        raise Misuse(f"{name}: the standard input holds more than {LARGEST_FILE:,} bytes")
    return _parse_file(text, f"{name}: standard input")


def _read(path: Path, name: str) -> Array:
    """The numbers of a file, which may not be large; nothing is unpickled, no pipe waited for."""
    shown = printable(path)
    try:
        if path.suffix == ".npy":
            return _read_npy(path, name)
        text = read_text(path, LARGEST_FILE, _KINDS)
    except FileError as error:
        raise Misuse(f"{name}: {shown} {error.message}") from None
    return _parse_file(text, f"{name}: {shown}")


def _parse_file(text: str, name: str) -> Array:
    """The numbers of a text file: a row a line, which may end in ";"; comments after "#"."""
    lines = [line.split("#")[0].rstrip().removesuffix(";") for line in text.splitlines()]
    for place, line in enumerate(lines, 1):
        if ";" in line:
            raise Misuse(
                f'{name}: line {place} has ";" in it; write numbers with points in them, and '
                "commas or blanks between them"
            )
        word = _word(line)
        if word is not None:
            header = "; leave out a line of names" if place == 1 else ""
            raise Misuse(f"{name}: line {place}: {_wrong(word)}{header}")
    kept = (line for line, whole in zip(lines, text.splitlines(), strict=True)
            if line.strip() or not whole.strip())  # fmt: skip
    return parse("\n".join(kept), name)


def _read_npy(path: Path, name: str) -> Array:
    import numpy as np
    from numpy.lib import format as npy

    shown = printable(path)
    with open_file(path, "a .npy file") as file:
        held = os.fstat(file.fileno()).st_size
        if held > LARGEST_FILE:
            raise Misuse(f"{name}: {shown} holds {held:,} bytes; at most {LARGEST_FILE:,} are read")
        try:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(file)
            if dtype.kind not in "biuf":
                raise ValueError(f"it holds {dtype.name}, not real numbers")
            held -= file.tell()
            expected = dtype.itemsize * math.prod(shape)
            if held != expected:
                raise ValueError(f"it holds {held:,} bytes of numbers, not as its header says")
            file.seek(0)
            array = npy.read_array(file, allow_pickle=False)
        except (ValueError, EOFError, SyntaxError, MemoryError, RecursionError, OSError) as error:
            raise Misuse(
                f"{name}: {shown} cannot be read: {printable(_joined(error), LETTERS)}"
            ) from None
    if not array.size or array.ndim > MOST_AXES or not array.ndim:
        raise Misuse(
            f"{name}: {shown} is {array.shape}; an array of 1 to {MOST_AXES} axes with numbers in "
            "it is expected"
        )
    return array.astype(np.float64)


def _joined(error: BaseException) -> str:
    return " ".join(str(error).split())


def _short(text: str) -> str:
    return f"'{printable(' '.join(text.split()), SHOWN)}'"
