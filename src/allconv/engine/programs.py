"""The programs that are kept for shapes seen before: one cache for everything, bounded in bytes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from typing import Any
from weakref import ref

from allconv.engine.program import Program

LIMIT = 64 * 1024 * 1024
"""Bytes of programs that are kept, those used last. Memory between steps is not theirs (see
`memory`), and neither are weights."""

_clock = count()
_looked = 0  # when the bytes of the programs were last looked at
_entries: dict[tuple[int, Hashable], KeptProgram] = {}
_owners: dict[int, ref[Any]] = {}


class KeptProgram:
    """A program, and `about`, which its maker wants to know of it: a `Recorded`, or a structure."""

    def __init__(self, program: Program, about: Any = None) -> None:
        self.program = program
        self.about = about
        self.used = next(_clock)
        self.bytes = 0  # when it was last looked at


def keep(key: Hashable, make: Callable[[], KeptProgram], owner: Any = None) -> KeptProgram:
    """What was kept under a key, else what `make` makes; forgotten when its owner is no more."""
    entry = (0 if owner is None else id(owner), key)
    found = _entries.get(entry)
    if found is None:
        found = make()
        if owner is not None and id(owner) not in _owners:
            _owners[id(owner)] = ref(owner, _forgetter(id(owner)))
        _entries[entry] = found
        _trim()
    found.used = next(_clock)
    return found


def kept_bytes() -> int:
    """About how many bytes the kept programs take."""
    return sum(entry.program.bytes for entry in tuple(_entries.values()))


def _forgetter(owner: int) -> Callable[[Any], None]:
    def forget(_: Any) -> None:
        _owners.pop(owner, None)
        for key in [key for key in tuple(_entries) if key[0] == owner]:
            _entries.pop(key, None)

    return forget


def _trim() -> None:
    """Drop the programs that were not used for the longest time, but never the last one."""
    global _looked
    before, _looked = _looked, next(_clock)
    entries = list(_entries.items())
    for _, entry in entries:
        if entry.used >= before:  # else it made no further plan
            entry.bytes = entry.program.bytes
    held = sum(entry.bytes for _, entry in entries)
    if held <= LIMIT:
        return
    for key, entry in sorted(entries, key=lambda item: item[1].used)[:-1]:
        _entries.pop(key, None)
        held -= entry.bytes
        if held <= LIMIT:
            return
