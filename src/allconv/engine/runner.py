"""Running the steps of a program: tables, their counters, and the one native function.

A table is an int64 array of shape (steps, 8) whose columns are named by `Column`: each step calls
kernel(args, scratch, chunk) for every chunk. Any number of threads may enter the same run, at any
time; a step begins when all chunks of the step before it are done, whoever did them.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from allconv.engine import cache as code_cache
from allconv.engine.buffer import LINE, aligned
from allconv.engine.kernel import Routine
from allconv.engine.target import host
from allconv.errors import Error

LAST_EPOCH = 2**32 - 1


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
class Runner(Routine):
    """The machine code of the runner."""

    architecture: str

    def ir(self) -> str:
        """The LLVM IR of the runner."""
        from allconv.engine.emit.runner import RunnerCode  # llvmlite is loaded at first use

        return RunnerCode(self.name, self.architecture).emit()


class Counters:
    """What threads that run a table tell each other; one run at a time uses it."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._renew()

    def _renew(self) -> None:
        self.words = aligned((1 + 2 * self._steps) * LINE).view(np.int64)
        self.words[...] = 0
        self.address = self.words.ctypes.data
        self.epoch = 0

    def next_epoch(self) -> int:
        """Begin another run; threads still busy with an earlier one will notice and leave."""
        if self.epoch == LAST_EPOCH:
            self._renew()  # a thread of an earlier run keeps the old words
        self.epoch += 1
        return self.epoch


_native_entries = 0


def native_entries() -> int:
    """How often this process has entered native code to run steps (helping threads not counted)."""
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
) -> bool:
    """Run, or help to run, the steps first ... first + count - 1; True once all are done.

    The leader opens the run; another thread returns False if the run is over or not open soon.
    `scratch` is the address of memory that no other thread uses.
    """
    addresses = (table.ctypes.data, first, count, epoch, counters.ctypes.data)
    return bool(_native()(*addresses, scratch, _relax(), int(leader)))


class Job:
    """Some steps of a table, to be run again and again.

    `scratch` is how many bytes of its own each thread needs. Jobs on different steps of one table
    may share its counters; a table, its counters and the memory it names serve one run at a time.
    """

    def __init__(
        self,
        table: NDArray[np.int64],
        counters: Counters | None = None,
        *,
        first: int = 0,
        count: int | None = None,
        scratch: int = 0,
    ) -> None:
        self.table = table
        self.counters = counters or Counters(len(table))
        self.first = first
        self.count = len(table) - first if count is None else count
        self.scratch = scratch
        self._address = table.ctypes.data

    def begin(self) -> Callable[[int, int], None]:
        """Begin a run: returns call(worker, scratch address), which worker 0 leads.

        The call holds all that a thread touches which enters after the run is over.
        """
        native, relax = _native(), _relax()
        epoch = self.counters.next_epoch()
        table, words = self.table, self.counters.words
        steps = (self._address, self.first, self.count, epoch, self.counters.address)

        def call(worker: int, scratch: int) -> None:
            global _native_entries
            kept = (table, words)
            if worker:
                native(*steps, scratch, relax, 0)
                return
            _native_entries += 1
            if not native(*steps, scratch, relax, 1):
                raise Error(f"a table of {len(kept[0])} steps was run twice at the same time")

        return call


@cache
def _native() -> Callable[..., int]:
    from allconv.engine.compiler import processor

    loaded = code_cache.load(Runner(host(), processor()[0]))
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 8)(loaded.address)


@cache
def _relax() -> int:
    """The address of the function that offers the processor to others."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
