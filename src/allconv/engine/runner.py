"""Running the steps of a program: tables, their counters, and the one native function.

A table is an int64 array of shape (steps, 8) whose columns are named by `Column`: each step calls
kernel(args, scratch, chunk) for every chunk. Any number of threads may enter the same run, at any
time; a step begins when all chunks of the step before it are done, by whichever threads.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from allconv.engine import cache as code_cache
from allconv.engine.buffer import LINE, aligned
from allconv.engine.emit.run_loop import BLOCK, COUNTERS, HALVES, PARAMETERS, RunnerCode
from allconv.engine.emit.stopper import PARAMETERS as STOPPER_PARAMETERS
from allconv.engine.emit.stopper import StopperCode
from allconv.engine.kernel import Routine
from allconv.engine.llvm import processor
from allconv.engine.target import host
from allconv.errors import Error

LAST_EPOCH = 2**32 - 2
"""Of a run: the next number, which stops it, has 32 bits as well."""


class Column(IntEnum):
    """The columns of a table.

    Chunk number c of a step is called as (c * multiplier + offset) % chunks; a multiplier without
    a common divisor with `chunks` gives another order of the same chunks.
    """

    ADDRESS = 0
    ARGS = 1
    CHUNKS = 2
    MULTIPLIER = 3
    OFFSET = 4


def new_table(steps: int) -> NDArray[np.int64]:
    """A table of steps without chunks, in the plain order."""
    table = aligned(steps * LINE).view(np.int64).reshape(steps, LINE // 8)
    table[...] = 0
    table[:, Column.MULTIPLIER] = 1
    return table


@dataclass(frozen=True)
class NativeRoutine(Routine):
    """A function of the engine's own: machine code that is no kernel (see `emit.native`)."""

    architecture: str
    clock: str


@dataclass(frozen=True)
class Runner(NativeRoutine):
    """The machine code of the runner."""

    def ir(self) -> str:
        """The LLVM IR of the runner."""
        return RunnerCode(self.name, self.architecture, self.clock).emit()


@dataclass(frozen=True)
class Stopper(NativeRoutine):
    """The machine code that breaks a run off."""

    def ir(self) -> str:
        """The LLVM IR of the stopper."""
        return StopperCode(self.name, self.architecture).emit()


class Counters:
    """What threads that run a table tell each other; one run at a time uses it."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._renew()

    def _renew(self) -> None:
        self.words = aligned((1 + COUNTERS * self._steps) * LINE).view(np.int64)
        self.words[...] = 0
        self.address = self.words.ctypes.data
        self.epoch = 0

    def next_epoch(self) -> int:
        """Begin another run; threads still busy with an earlier one will notice and leave."""
        if self.epoch == LAST_EPOCH:
            self._renew()  # a thread of an earlier run keeps the old words
        self.epoch += 1
        return self.epoch


OVER, DONE, PAUSED = 0, 1, 2
"""What the native function returns: the run is over, all its steps are done, its time was up."""

SLICE = 50_000_000
"""Nanoseconds after which the leader returns to Python, where signal handlers run."""

_native_entries = 0


def native_entries() -> int:
    """How often this process has entered native code to run steps (helping threads not counted).

    A run is one entry, and one more for every `SLICE` that it takes.
    """
    return _native_entries


def run(
    table: NDArray[np.int64],
    first: int,
    count: int,
    epoch: int,
    counters: NDArray[np.int64],
    scratch: int,
    *,
    leader: bool = True,
    half: int = 0,
    nanoseconds: int = 0,
) -> int:
    """Run, or help to run, the steps first ... first + count - 1, and say how it ended.

    The leader opens the run, and returns PAUSED if it is not done after so many `nanoseconds` (0:
    stays); called again it goes on. Another thread returns OVER if the run is over or not open
    soon. Of every step a thread begins with one `half` of the chunks. `scratch` is the address of
    memory that no other thread uses.
    """
    block = _block(table.ctypes.data, first, count, half, leader=leader, nanoseconds=nanoseconds)
    where = (ctypes.addressof(block), counters.ctypes.data)
    return int(_native()(*where, epoch, scratch))


_Block = ctypes.c_int64 * len(BLOCK)


def _block(
    table: int, first: int, count: int, half: int, *, leader: bool, nanoseconds: int
) -> ctypes.Array[ctypes.c_int64]:
    """What the native function reads of a job: see `emit.run_loop.BLOCK`."""
    return _Block(table, first, count, leader, half, nanoseconds, give_way(), clock())


class Job:
    """Some steps of a table, to be run again and again.

    `scratch` is how many bytes of its own each thread needs; `brief` is as `threads.Runnable` says.
    Jobs on different steps of one table may share its counters; a table, its counters and the
    memory it names serve one run at a time.
    """

    def __init__(
        self,
        table: NDArray[np.int64],
        counters: Counters | None = None,
        *,
        first: int = 0,
        count: int | None = None,
        scratch: int = 0,
        brief: bool = False,
    ) -> None:
        self.table = table
        self.counters = counters or Counters(len(table))
        self.first = first
        self.count = len(table) - first if count is None else count
        self.scratch = scratch
        self.brief = brief
        self.native = _native()
        self.steps = (table.ctypes.data, self.first, self.count)
        self._blocks = (_Block * (1 + HALVES))(
            _block(*self.steps, 0, leader=True, nanoseconds=SLICE),
            *(_block(*self.steps, half, leader=False, nanoseconds=0) for half in range(HALVES)),
        )
        self.leading, *self.helping = map(ctypes.addressof, self._blocks)

    def begin(self, holding: object = None) -> Run:
        """Begin a run; it holds `holding`, the memory that its steps touch."""
        return Run(self, self.counters.next_epoch(), holding)


class Helpers(Protocol):
    """Helpers that wait for a run: see `mailbox.Mailbox`."""

    def lead(self, holding: object, places: int, size: int, *where: int) -> int:
        """Lead a run that so many helpers may enter which have `size` bytes of scratch memory."""


class Run:
    """One run of a job: one thread leads it, any number may help, each with scratch memory.

    It keeps alive all that a thread touches, even one that enters after the run is over.
    """

    __slots__ = ("_counters", "_epoch", "_holding", "_job", "_words")

    def __init__(self, job: Job, epoch: int, holding: object) -> None:
        self._job = job
        self._epoch = epoch
        self._holding = holding
        self._words, self._counters = job.counters.words, job.counters.address

    def help(self, scratch: int, number: int = 1) -> None:
        """Claim and run chunks until there are none, as the helper of this number, from 1 on."""
        job = self._job
        job.native(job.helping[number % HALVES], self._counters, self._epoch, scratch)

    def lead(self, scratch: int, mailbox: Helpers | None = None, places: int = 0) -> bool:
        """Run until all steps are done (True) or `SLICE` is over (False: lead again); so many of
        the helpers that wait at a mailbox may enter."""
        global _native_entries
        _native_entries += 1
        job = self._job
        where = (job.leading, self._counters, self._epoch, scratch)
        if mailbox is None:
            ended = job.native(*where)
        else:
            ended = mailbox.lead(self, places, job.scratch, *where)
        if ended == OVER:
            raise Error(f"a table of {job.count} steps was run twice at the same time")
        return ended == DONE

    def stop(self) -> None:
        """Let no further chunk be claimed, and return when all that were claimed are done."""
        self._job.counters.next_epoch()  # threads that still look see that it is over
        _stopper()(*self._job.steps, self._epoch, self._counters, give_way())


@cache
def _native() -> Callable[..., int]:
    _stopper()  # compiled now, not when a run is to stop
    return function(Runner, len(PARAMETERS))


@cache
def _stopper() -> Callable[..., int]:
    return function(Stopper, len(STOPPER_PARAMETERS))


def function(kind: type[NativeRoutine], arguments: int) -> Callable[..., int]:
    """A function of the engine's own, of so many int64."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments)(address(kind))


def address(kind: type[NativeRoutine]) -> int:
    """Where such a function lies."""
    return code_cache.load(kind(host(), processor()[0], clock_name())).address


def clock_name() -> str:
    """The system's monotonic clock, as `emit.run_loop` knows it."""
    if sys.platform == "win32":
        return "GetTickCount64"
    return f"clock_gettime {time.CLOCK_MONOTONIC}"


@cache
def clock() -> int:
    """The address of the function that tells the time."""
    return _system(clock_name().split()[0])


@cache
def give_way() -> int:
    """The address of the function that offers the processor to other threads."""
    return _system("SwitchToThread" if sys.platform == "win32" else "sched_yield")


def _system(name: str) -> int:
    """The address of a function of the system."""
    if sys.platform == "win32":
        library: ctypes.CDLL = ctypes.windll.kernel32
    else:
        library = ctypes.CDLL(None)
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
