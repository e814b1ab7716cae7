"""Numbers that a file keeps beside itself: opened only below the file's own folder.

A name in the file is hostile until shown otherwise: `below` opens it, and what is found must be a
plain file with one name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allconv.errors import FileError, LimitError, UnsupportedError
from allconv.onnx.format.text import shown
from allconv.onnx.read.below import can_open_below, is_below, open_below
from allconv.onnx.read.wire import Raw
from allconv.text import encodable

_KEYS = frozenset({"location", "offset", "length", "checksum"})
_REMEDY = "save the network as one file: onnx.save_model(model, path)"
_DIGITS = 19


@dataclass
class Outside:
    """The folder that outside numbers may come from (None: none may), and how many bytes."""

    folder: Path | None
    limit: int
    taken: int = 0

    @contextmanager
    def opened(self, tensor: Any, expected: int) -> Iterator[Raw]:
        """The bytes of a tensor that lies outside, so many of them."""
        of = f"tensor {shown(tensor.name)}"
        if self.folder is None:
            raise UnsupportedError(f"{of} is outside the bytes that were given; {_REMEDY}")
        location, offset = _entries(tensor.external_data, expected, of)
        self.taken += expected
        if self.taken > self.limit:
            raise LimitError(
                f"the tensors outside the file are more than {self.limit:,} bytes; "
                "set size_limit higher"
            )
        with os.fdopen(_open(self.folder, location, of), "rb", buffering=0) as file:
            if offset + expected > os.fstat(file.fileno()).st_size:
                raise FileError(f"{of}: {shown(location)} ends before the tensor does")
            try:
                yield Raw(file, offset, expected)
            except OSError as error:
                told = f"{of}: {shown(location)} cannot be read: {error.strerror}"
                raise FileError(told) from None


def _entries(entries: Any, expected: int, of: str) -> tuple[str, int]:
    """The location and the offset, from the list of keys and values."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.key not in _KEYS or entry.key in found:
            raise FileError(f"{of}: the key {shown(entry.key)} has no place there; {_REMEDY}")
        found[entry.key] = encodable(entry.value)
    offset = _number(found.get("offset", "0"), "offset", of)
    length = _number(found["length"], "length", of) if "length" in found else expected
    if length != expected:
        raise FileError(f"{of} is {expected} bytes, its length is given as {length}; {_REMEDY}")
    return found.get("location", ""), offset


def _number(text: str, name: str, of: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise FileError(f"{of}: the {name} {shown(text)} is not a number of bytes; {_REMEDY}")
    return int(text)


def _open(folder: Path, location: str, of: str) -> int:
    """Open a plain file below a folder, or say why not."""
    if not is_below(location):
        raise FileError(f"{of}: {shown(location)} is not a name below the file's folder; {_REMEDY}")
    if not can_open_below():
        raise UnsupportedError(f"{of} is outside the file, which is not safe here; {_REMEDY}")
    try:
        return open_below(folder, location)
    except FileError as error:
        raise FileError(f"{of}: {shown(location)} {error}; {_REMEDY}") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a legal name"
        raise FileError(f"{of}: {shown(location)} cannot be opened: {why}; {_REMEDY}") from None
