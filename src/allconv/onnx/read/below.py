"""Opening a file below a folder, whatever its name says: one component after the other.

Each component is opened in the folder before it, and links are followed by hand, so that nothing
above the folder is ever opened, even if names change meanwhile.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from allconv.errors import FileError

_LONGEST_NAME = 255
_MOST_PARTS = 64
_MOST_LINKS = 16
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def can_open_below() -> bool:
    """Whether this system has what it needs."""
    return os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


def is_below(location: str) -> bool:
    """Whether a name is one below a folder, without a way up."""
    parts = location.split("/")
    legal = all(part not in ("", ".", "..") and len(part) <= _LONGEST_NAME for part in parts)
    return legal and "\\" not in location and "\0" not in location and len(parts) <= _MOST_PARTS


def open_below(folder: Path, location: str) -> int:
    """A descriptor of a plain file below a folder.

    Links are followed while they stay below it. OSError where a component is not there; FileError,
    without the name, for a link that leaves the folder, and for what is no plain file.
    """
    opened = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        handle = _walk(opened, folder, location)
    finally:
        for each in opened:
            os.close(each)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(handle)
        raise FileError("is not a plain file with one name")
    return handle


def _walk(opened: list[int], folder: Path, location: str) -> int:
    """Go down (and back up) from the folder; `opened` are the folders on the way."""
    parts, links = location.split("/")[::-1], 0
    while parts:
        part = parts.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if len(opened) == 1:
                raise FileError("is a link that leaves the file's folder")
            os.close(opened.pop())
            continue
        found = os.stat(part, dir_fd=opened[-1], follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > _MOST_LINKS:
                raise FileError("is a link to a link, and so on without end")
            parts += _target(opened, folder, os.readlink(part, dir_fd=opened[-1]))[::-1]
            continue
        if not parts and not stat.S_ISREG(found.st_mode):
            break  # a device may act on being opened
        flags = _FLAGS | (os.O_DIRECTORY if parts else os.O_NONBLOCK)
        handle = os.open(part, flags, dir_fd=opened[-1])
        if not parts:
            return handle
        opened.append(handle)
    raise FileError("is not a plain file with one name")


def _target(opened: list[int], folder: Path, target: str) -> list[str]:
    """The parts of what a link says; an absolute link begins at the folder again."""
    if not target.startswith("/"):
        return target.split("/")
    root = f"{folder}/"
    if not target.startswith(root):
        raise FileError("is a link that leaves the file's folder")
    while len(opened) > 1:
        os.close(opened.pop())
    return target[len(root) :].split("/")
