"""The mailbox: threads that have just helped wait a short while for the next run, in native code.

Waking a thread that sleeps takes longer than many a layer. At the mailbox a leader offers places in
its run, and a helper that waits enters within a fraction of a microsecond, without Python. When no
run has come for `PATIENCE` it leaves, and sleeps. A leader never waits for a helper, so one that
the system has suspended may read the table and the counters of a run after its end: they are kept
until it has left.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from allconv.engine import runner
from allconv.engine.buffer import aligned
from allconv.engine.emit.mailbox import (
    FIXED,
    INSIDE,
    LEAD,
    PLACES,
    SERVE,
    STATE,
    WORDS,
    LeadCode,
    ServeCode,
)

PATIENCE = 200_000
"""Nanoseconds that a helper waits in native code; on Windows until its clock next ticks."""


@dataclass(frozen=True)
class Lead(runner.NativeRoutine):
    """The machine code that leads a run in which others may enter."""

    def ir(self) -> str:
        """The LLVM IR of it."""
        return LeadCode(self.name, self.architecture).emit()


@dataclass(frozen=True)
class Serve(runner.NativeRoutine):
    """The machine code that enters runs as they come."""

    def ir(self) -> str:
        """The LLVM IR of it."""
        return ServeCode(self.name, self.architecture, self.clock).emit()


class Mailbox:
    """What one leader at a time and any number of helpers share."""

    def __init__(self) -> None:
        words = aligned(8 * WORDS).view(np.int64)
        words[...] = 0
        words[FIXED:][:3] = runner.address(runner.Runner), runner.clock(), runner.give_way()
        self._words = words.data  # keeps the array, and reads a number in a tenth of its time
        self._address = words.ctypes.data
        self._lead, self._serve = _natives()
        self.waiting: set[object] = set()
        """The helpers that wait here, or are inside of a run that they entered here."""
        self._numbers = itertools.count()
        self._open: dict[int, object] = {}
        self._closed: dict[int, object] = {}

    @property
    def offering(self) -> bool:
        """Whether a run is open, with a place in it."""
        return self._words[STATE] & PLACES != 0

    def lead(self, holding: object, places: int, size: int, *where: int) -> int:
        """Lead a run that so many helpers may enter which have `size` bytes of scratch memory.

        `where` are the arguments of the runner; `holding` keeps alive the memory that they lead to.
        """
        number = next(self._numbers)
        self._open[number] = holding
        try:
            if self._closed and not self.tidy():
                places = 0
            return self._lead(self._address, places, size, *where)
        finally:
            # No signal handler runs (and raises) before the run is where `tidy` finds it.
            if places and self._words[STATE] & INSIDE:
                self._closed[number] = holding
            del self._open[number]
            if self._closed:
                self.tidy()  # the last helper may have left before the lines above

    def tidy(self) -> bool:
        """Let go of the closed runs if no helper is inside of any run; whether none is left.

        A run is held here from before it opens until, after it has closed, no helper is seen
        inside. Leaders look after they have closed a run, helpers after they have left one.
        """
        if self._closed:
            closed = list(self._closed)  # listed first: a run that closes after the look stays
            if self._words[STATE] & INSIDE:
                return False
            for number in closed:
                self._closed.pop(number, None)
        return True

    def serve(self, who: object, scratch: int, size: int) -> int:
        """Enter runs as they come, with this scratch memory, until none has come for a while (0) or
        one needs more (how much)."""
        self.waiting.add(who)
        try:
            return self._serve(self._address, scratch, size, PATIENCE)
        finally:
            self.waiting.discard(who)
            self.tidy()


@cache
def _natives() -> tuple[Callable[..., int], Callable[..., int]]:
    return (
        runner.function(Lead, len(LEAD)),
        runner.function(Serve, len(SERVE)),
    )
