"""Numbers that a file keeps beside itself: opened only below the file's own folder.

A name in the file is hostile until shown otherwise: each component is opened relative to the one
before, links are not followed, and what is found must be a plain file with one name.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allconv.errors import FileError, LimitError, UnsupportedError
from allconv.onnx.text import shown

_KEYS = frozenset({"location", "offset", "length", "checksum"})
_REMEDY = "save the network as one file: onnx.save_model(model, path)"
_DIGITS = 19
_LONGEST_NAME = 255
_MOST_PARTS = 64


@dataclass
class Outside:
    """The folder that outside numbers may come from (None: none may), and how many bytes."""

    folder: Path | None
    limit: int
    taken: int = 0

    def read(self, tensor: Any, wanted: int) -> bytes:
        """The bytes of a tensor that lies outside."""
        of = f"tensor {shown(tensor.name)}"
        if self.folder is None:
            raise UnsupportedError(f"{of} is outside the bytes that were given; {_REMEDY}")
        location, offset = _entries(tensor.external_data, wanted, of)
        self.taken += wanted
        if self.taken > self.limit:
            raise LimitError(
                f"the tensors outside the file are more than {self.limit:,} bytes; "
                "set size_limit higher"
            )
        handle = _open_below(self.folder, location, of)
        try:
            size = os.fstat(handle).st_size
            if offset + wanted > size:
                raise FileError(f"{of}: {shown(location)} ends before the tensor does")
            return _read_all(handle, offset, wanted, of)
        except OSError as error:
            raise FileError(f"{of}: {shown(location)} cannot be read: {error.strerror}") from None
        finally:
            os.close(handle)


def _entries(entries: Any, wanted: int, of: str) -> tuple[str, int]:
    """The location and the offset, from the list of keys and values."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.key not in _KEYS or entry.key in found:
            raise FileError(f"{of}: the key {shown(entry.key)} has no place there; {_REMEDY}")
        found[entry.key] = entry.value
    offset = _number(found.get("offset", "0"), "offset", of)
    length = _number(found["length"], "length", of) if "length" in found else wanted
    if length != wanted:
        raise FileError(f"{of} is {wanted} bytes, its length is given as {length}; {_REMEDY}")
    return found.get("location", ""), offset


def _number(text: str, name: str, of: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise FileError(f"{of}: the {name} {shown(text)} is no number of bytes; {_REMEDY}")
    return int(text)


def _open_below(folder: Path, location: str, of: str) -> int:
    """Open a plain file below a folder, one component after the other."""
    parts = location.split("/")
    legal = all(part not in ("", ".", "..") and len(part) <= _LONGEST_NAME for part in parts)
    if not legal or "\\" in location or "\0" in location or len(parts) > _MOST_PARTS:
        raise FileError(f"{of}: {shown(location)} is no name below the file's folder; {_REMEDY}")
    if os.open not in os.supports_dir_fd or not hasattr(os, "O_NOFOLLOW"):
        raise UnsupportedError(f"{of} is outside the file, which is not safe here; {_REMEDY}")
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts[:-1]:
            handle = _step(handle, part, flags | os.O_DIRECTORY)
        handle = _step(handle, parts[-1], flags | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no legal name"
        raise FileError(f"{of}: {shown(location)} cannot be opened: {why}; {_REMEDY}") from None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(handle)
        raise FileError(f"{of}: {shown(location)} is no plain file with one name; {_REMEDY}")
    return handle


def _step(handle: int, part: str, flags: int) -> int:
    """Open a component in a folder that is open, and close the folder."""
    try:
        return os.open(part, flags, dir_fd=handle)
    finally:
        os.close(handle)


def _read_all(handle: int, offset: int, wanted: int, of: str) -> bytes:
    os.lseek(handle, offset, os.SEEK_SET)
    with os.fdopen(os.dup(handle), "rb") as file:
        data = file.read(wanted)
    if len(data) != wanted:
        raise FileError(f"{of} changed while it was read")
    return data
