"""Files: opened only where they are files, and written so that readers find old bytes or new ones.

What is written goes to a temporary file beside the target, is forced to the disk, and takes the
target's name in one step. Source: Pillai et al., "All file systems are not created equal" (OSDI
2014).
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO

from allconv.errors import FileError
from allconv.text import printable

_REMEDIES = {
    errno.ENOSPC: "free some space, or choose another folder",
    errno.EDQUOT: "free some of your quota, or choose another folder",
    errno.EFBIG: "the limit for the size of a file is reached; raise it or choose another folder",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENOENT: "make the folder first",
    errno.ENAMETOOLONG: "choose a shorter name",
}

# Windows has no O_NONBLOCK, others have no O_BINARY.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_UNREAD = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file: a part of its path is not a folder",
    errno.EACCES: "may not be read by this user",
    errno.EPERM: "may not be read by this user",
    errno.ELOOP: "is a symbolic link that leads back to itself",
    errno.ENAMETOOLONG: "no such file: its name is longer than the system allows",
}
_LONGEST = 200  # bytes of a name that others are made of; 255 are the most in usual file systems
_OTHERS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


def open_file(path: Path | str, kind: str = "a file") -> BinaryIO:
    """Open a plain file to read its bytes, without ever waiting for it.

    FileError, with the path, for what is not there or may not be read, and for a folder, a pipe, a
    socket or a device, which are not `kind`.
    """
    try:
        _check_plain(Path(path).stat().st_mode, kind)  # opening a device may move it already
        handle = os.open(path, _READ)
        try:
            _check_plain(os.fstat(handle).st_mode, kind)
            return os.fdopen(handle, "rb")
        except BaseException:
            os.close(handle)
            raise
    except FileError as error:
        raise error.at(printable(path)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        told = _UNREAD.get(error.errno or 0, f"cannot be read ({reason})")
        raise FileError(told).at(printable(path)) from None
    except ValueError:
        raise FileError("no such file: it is not a legal name").at(printable(path)) from None


def _check_plain(mode: int, kind: str) -> None:
    if not stat.S_ISREG(mode):
        what = next((name for is_one, name in _OTHERS if is_one(mode)), "something else")
        raise FileError(f"is {what}, not {kind}")


def atomic_write(path: Path | str, content: bytes | Callable[[IO[bytes]], object]) -> None:
    """Write a whole file, or leave what was there untouched.

    `content` is bytes, or a function that writes them to the open file it is given. FileError,
    with the path and what would do, where the folder cannot be written, the disk is full, or the
    path is a folder, a symbolic link, a pipe or a device.
    """
    path = Path(path)
    with _told(path):
        _check_target(path)
        _remove_leftovers(path)
        temporary = path.with_name(f"{_leftover(path)}{os.getpid()}.tmp")
        try:
            _write(temporary, content)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)


def read_text(path: Path | str, most: int, kind: str = "a file") -> str:
    """The text of a small file, which may be anything: nothing is waited for or read without end.

    FileError, with the path, for what `open_file` refuses, for more than `most` bytes, and for what
    is no UTF-8 text.
    """
    with open_file(path, kind) as file:
        try:
            held = file.read(most + 1)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise FileError(f"cannot be read ({reason})").at(printable(path)) from None
    if len(held) > most:
        raise FileError(f"is not {kind}: it holds more than {most:,} bytes").at(printable(path))
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f"is not {kind}: it is not text").at(printable(path)) from None


def make_folder(path: Path | str) -> Path:
    """Make a folder and those above it, if they are not there; FileError where that fails."""
    path = Path(path)
    with _told(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "try another folder")
        if error.errno == errno.ENOENT and path.parent.is_dir():  # as in /proc
            remedy = "choose another folder"
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"{printable(path)} cannot be written: {reason}; {remedy}") from error
    except ValueError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{printable(path)} cannot be written: it is not a legal name") from error


def _check_target(path: Path) -> None:
    if path.is_symlink():
        raise FileError(
            f"{printable(path)} is a symbolic link, which is not written through; remove it"
        )
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        # A device that loses its name, /dev/null say, is lost to the whole system.
        what = next((name for is_one, name in _OTHERS if is_one(mode)), None)
        if what is not None:
            raise FileError(f"{printable(path)} is {what}; choose another name")


def _write(path: Path, content: bytes | Callable[[IO[bytes]], object]) -> None:
    with path.open("xb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # folders cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files of this target that processes left behind which were killed."""
    prefix, suffix = _leftover(path), ".tmp"
    for found in path.parent.iterdir():
        if found.name.startswith(prefix) and found.name.endswith(suffix):
            number = found.name[len(prefix) : -len(suffix)]
            if number.isdecimal() and not _runs(int(number)):
                found.unlink(missing_ok=True)


def _leftover(path: Path) -> str:
    """How the names of temporary files of a target begin: of a long name a digest, as there must be
    room for more."""
    name = os.fsencode(path.name)
    if len(name) <= _LONGEST:
        return f".{path.name}."
    return f".{sha256(name).hexdigest()}."


def _runs(process: int) -> bool:
    """Whether another process of this number runs; assumed where it cannot be asked."""
    if process == os.getpid():
        return False
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
