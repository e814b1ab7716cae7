"""Files that commands write: refused before anything is computed, and named at the end."""

from __future__ import annotations

from pathlib import Path

from allconv.cli.failures import Misuse
from allconv.errors import FileError
from allconv.text import printable


def check_output(option: str, name: str) -> Path:
    """The file that an option names.

    `Misuse` for a name that no file can have; FileError for a folder, and for a file whose folder
    is not there. A file that is there already is not refused.
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
    return path


def result_line(path: str | Path, content: bytes) -> str:
    """What is said of a file that was written: its name and its size."""
    size = len(content)
    shown = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
    return f"result: {path} ({shown})"
