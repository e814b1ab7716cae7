"""Files that commands write: refused before anything is computed, and named at the end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from allconv.cli.failures import Misuse
from allconv.errors import FileError
from allconv.files import open_file
from allconv.text import printable

HEAD = 4096  # bytes of a file that say whether allconv wrote it
MARKS = {
    ".html": (b"<!doctype html>", b'<meta name="generator" content="allconv '),
    ".svg": (b"<svg", b'class="allconv"'),
    ".gif": (b"GIF8", b"!\xfe\x07allconv"),  # a comment of 7 letters
}
"""How a file that allconv writes begins, and what stands in its head, by the end of its name."""


def check_output(option: str, name: str, kinds: Sequence[str] = (".html",)) -> Path:
    """The page or picture that an option names; `kinds` are the ends that its name may have.

    `Misuse` for a name that no file can have, or of another kind; FileError for a folder, for a
    file whose folder is not there, and for one that is there already, unless allconv wrote it and
    it may be written: nothing else is replaced.
    """
    if "\0" in name or not name:
        raise Misuse(f"{option} is {printable(name, 60) or 'empty'}, which is not a legal name")
    path = Path(name)
    if path.is_dir():
        raise FileError(f"{printable(path)} is a folder; choose another name")
    if not path.parent.is_dir():
        raise FileError(
            f"{printable(path)} cannot be written: there is no folder {printable(path.parent)}; "
            "make the folder first"
        )
    if path.suffix.lower() not in kinds:
        ends = f"{', '.join(kinds[:-1])} or {kinds[-1]}" if len(kinds) > 1 else kinds[0]
        shown = printable(name, 60)
        raise Misuse(f"{option} is {shown}; a name that ends in {ends} is expected")
    if path.exists():
        _check_replaced(path)
    return path


def _check_replaced(path: Path) -> None:
    """Refuse to replace what allconv did not write, and what is read-only."""
    begin, mark = MARKS[path.suffix.lower()]
    with open_file(path, "a page") as file:
        head = file.read(HEAD)
    shown = printable(path)
    if not head.startswith(begin) or mark not in head:
        raise FileError(
            f"{shown} is there already, and allconv did not write it; choose another name"
        )
    if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
        raise FileError(f"{shown} is there already, and is read-only; choose another name")


def write_result(path: str | Path, content: bytes) -> str:
    """Write a file whole or not at all; what is said of it, its name and its size."""
    from allconv.files import atomic_write

    atomic_write(path, content)
    size = len(content)
    shown = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
    return f"result: {path} ({shown})"
