"""Compiled code by description: from memory, else from disk, else compiled.

An entry on disk is one file in a folder that only its owner can write: magic, format, lengths, a
SHA-256 over everything else, the key in full, the object bytes. What does not verify is rebuilt,
never run. The checksum stops accidents, the check of who owns the folder and the file stops people.
"""

from __future__ import annotations

import os
import stat
import struct
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from allconv.engine import compiler
from allconv.engine.kernel import FORMAT, Routine
from allconv.engine.llvm import guarded

VARIABLE = "ALLCONV_CACHE"
LIMIT = 256 * 1024 * 1024
"""Bytes the folder may hold; the oldest entries go first."""

_MAGIC = b"allconv\0"
_HEADER = struct.Struct("<8sIIQ")  # magic, format, bytes of the key, bytes of the object
_DIGEST = 32
_SUFFIX = ".kernel"
_TEMPORARY = ".partial"
_ABANDONED = 3600.0  # seconds after which an unfinished file was left by a killed process


class CacheWarning(UserWarning):
    """Compiled code cannot be kept on disk."""


@dataclass(frozen=True)
class Loaded:
    """Machine code in memory: its address, and the name of the routine."""

    address: int
    name: str


@dataclass(frozen=True)
class CacheInfo:
    """The folder of compiled code (None: not kept on disk), how many entries, how many bytes."""

    path: Path | None
    entries: int
    bytes: int


_loaded: dict[Routine, Loaded] = {}


def load(routine: Routine) -> Loaded:
    """The machine code of a routine, ready to be called."""
    found = _loaded.get(routine)
    if found is None:
        found = guarded(_load)(routine)
    return found


def _load(routine: Routine) -> Loaded:
    if routine in _loaded:
        return _loaded[routine]
    folder = _folder()
    code = _read(folder, routine) if folder else None
    if code is None:
        code = compiler.compile_object(routine)
        if folder:
            _write(folder, routine, code)
    _loaded[routine] = Loaded(compiler.link(routine.name, code), routine.name)
    return _loaded[routine]


def info() -> CacheInfo:
    """Where compiled code is kept, and how much of it."""
    folder = _folder()
    sizes = []
    for entry in _files(folder, _SUFFIX) if folder else ():
        with suppress(FileNotFoundError):  # another process has removed it since
            sizes.append(entry.stat().st_size)
    return CacheInfo(folder, len(sizes), sum(sizes))


def clear() -> int:
    """Remove every entry from the disk and say how many there were; loaded code stays in use."""
    folder = _folder()
    entries = list(_files(folder, _SUFFIX)) if folder else []
    for path in [*entries, *(_files(folder, _TEMPORARY) if folder else [])]:
        with suppress(OSError):
            path.unlink()
    return len(entries)


def _folder() -> Path | None:
    """The folder of entries, made and checked; None if there is none to be trusted."""
    setting = os.environ.get(VARIABLE)
    if setting == "off":
        return None
    if setting:
        folder = Path(setting)
    else:
        from platformdirs import user_cache_path

        folder = user_cache_path("allconv") / "kernels"
    try:
        if not setting and not folder.is_absolute():
            raise FileNotFoundError(f"no home folder; {VARIABLE} can name another place")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        reason = _distrust(folder)
    except OSError as error:
        reason = error.strerror or str(error)
    if reason is None:
        return folder
    _warn(f"compiled code is not kept on disk: {folder}: {reason}")
    return None


def _distrust(folder: Path) -> str | None:
    """Why a folder must not be used, or None."""
    if not hasattr(os, "geteuid"):
        return None  # Windows: the folder lies in the profile of its user
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
    finally:
        os.close(handle)
    if status.st_uid != os.geteuid():
        return "it belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it; chmod 700 would do"
    return None


_warned: set[str] = set()


def _warn(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, CacheWarning, stacklevel=2)


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    return folder.glob(f"*{suffix}")


def _path(folder: Path, key: bytes) -> Path:
    return folder / (sha256(key).hexdigest()[:40] + _SUFFIX)


def _entry(key: bytes, code: bytes) -> bytes:
    header = _HEADER.pack(_MAGIC, FORMAT, len(key), len(code))
    return header + sha256(header + key + code).digest() + key + code


def _read(folder: Path, routine: Routine) -> bytes | None:
    """The object bytes of an entry that verifies, else None."""
    key = routine.key().encode()
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(_path(folder, key), flags | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
        if not (ours and stat.S_ISREG(status.st_mode) and status.st_size <= LIMIT):
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read()
    except OSError:
        return None
    finally:
        os.close(handle)
    code = data[_HEADER.size + _DIGEST + len(key) :]
    return code if data == _entry(key, code) else None


def _write(folder: Path, routine: Routine, code: bytes) -> None:
    """Keep an entry; a full or read-only disk is no reason to stop."""
    key = routine.key().encode()
    try:
        handle, name = tempfile.mkstemp(suffix=_TEMPORARY, dir=folder)  # mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_entry(key, code))
            temporary.replace(_path(folder, key))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _trim(folder)
    except OSError as error:
        _warn(f"compiled code is not kept on disk: {folder}: {error.strerror or error}")


def _trim(folder: Path) -> None:
    """Remove what killed processes left, and the oldest entries above the limit."""
    now, held = time.time(), 0
    for path in _files(folder, _TEMPORARY):
        with suppress(OSError):
            if now - path.stat().st_mtime > _ABANDONED:
                path.unlink()
    entries = []
    for path in _files(folder, _SUFFIX):
        with suppress(OSError):
            status = path.stat()
            entries.append((status.st_mtime, status.st_size, path))
    for _, size, path in sorted(entries, reverse=True):
        held += size
        if held > LIMIT:
            path.unlink(missing_ok=True)
