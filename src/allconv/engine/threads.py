"""How many threads run a program, and the team of threads that help the caller.

Helpers sleep on Python locks and are woken for a run. Afterwards they wait a while at a mailbox,
where they enter the next run at once. The caller waits for them neither to begin nor to end: it
returns when all chunks are done. A second caller at the same time runs alone.
"""

from __future__ import annotations

import _thread
import os
import threading
from collections import deque
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import perf_counter_ns
from typing import Protocol

import numpy as np

from allconv.engine.buffer import LINE, Block
from allconv.engine.mailbox import PATIENCE, Mailbox
from allconv.errors import ArgumentError

VARIABLE = "ALLCONV_THREADS"

MOST = 1024
"""Threads at most."""


BETWEEN_WAKES = 10_000_000
"""Nanoseconds, at least, between two times that helpers are woken for brief work."""


class SharedRun(Protocol):
    """A run that several threads may enter: see `runner.Run`."""

    def help(self, scratch: int, number: int) -> None:
        """Claim and run chunks until there are none, as the helper of this number, from 1 on."""

    def lead(self, scratch: int, mailbox: Mailbox | None = None, places: int = 0) -> bool:
        """Run for a while, with so many of the helpers that wait at a mailbox; whether all is
        done."""

    def stop(self) -> None:
        """Return when no thread is in a chunk, nor will be."""


class Runnable(Protocol):
    """What a team can run again and again: see `runner.Job`."""

    scratch: int
    """Bytes that each thread needs of its own."""
    brief: bool
    """Whether it takes less time than waking a thread: helpers are then woken only where runs
    follow each other closely, for those to come. Any that wait at the mailbox help."""

    def begin(self, holding: object = None) -> SharedRun:
        """Begin a run, which keeps alive the memory that it touches: `holding`."""


def execute(work: Runnable, threads: int | None = None, holding: object = None) -> None:
    """Run `work` on this thread with the help of up to threads - 1 others (None: `get_threads`).

    Signal handlers run on the way. If one raises (Ctrl-C), no chunk is claimed any more, and the
    error is raised on when those that were claimed are done.
    """
    wanted = get_threads() if threads is None else threads
    scratch = _caller.scratch.block(work.scratch)
    if wanted > 1 and _lead_with_others(work, wanted - 1, scratch, holding):
        return
    run = work.begin(holding)
    while not run.lead(scratch.address):
        pass


def _lead_with_others(work: Runnable, helpers: int, scratch: Block, holding: object) -> bool:
    """Lead a run to its end. False if it is to be run alone: the helpers are busy, or not there, as
    in a forked child."""
    team, run = _team, work.begin(holding)
    if not team.busy.acquire(blocking=False):
        return False
    try:
        # An interrupt in between does no harm: helpers enter only what the caller has entered.
        mailbox = team.ask(helpers, work, run)
        while not run.lead(scratch.address, mailbox, helpers):
            if team is not _team:
                return False  # a handler forked: no thread finishes what helpers had claimed
        return True
    except BaseException:
        if team is _team:
            run.stop()
        raise
    finally:
        team.busy.release()
        team.ended = perf_counter_ns()


def set_threads(n: int) -> None:
    """Use n threads from now on."""
    global _chosen
    _chosen = check_threads(n)


def get_threads() -> int:
    """The threads that are used: `set_threads`, else ALLCONV_THREADS, else `available_cpus`."""
    return _default() if _chosen is None else _chosen


def check_threads(n: int, name: str = "threads") -> int:
    """n, if it is an integer from 1 to `MOST`; else ArgumentError."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ArgumentError(f"{name} must be an integer of at least 1, got {n!r:.100}")
    if n > MOST:
        raise ArgumentError(f"{name} must be at most {MOST}, got {n:.6g}")
    return int(n)


def available_cpus() -> int:
    """The processors this process may use: its affinity and its control group's quota."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = cpu_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return count if quota is None else max(1, min(count, int(quota)))


def cpu_quota(membership: Path, root: Path) -> float | None:
    """The processors that Linux control groups (version 1 or 2) allow, None without a limit."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Inside a container the path may be the host's: then only the root is there.
        group = root / controllers / path.strip("/")
        while group.is_relative_to(root / controllers):
            quotas += _quota(group)
            group = group.parent
    return min(quotas, default=None)


def _quota(group: Path) -> list[float]:
    with suppress(OSError, ValueError, ZeroDivisionError):
        limit, period = (group / "cpu.max").read_text().split()
        return [int(limit) / int(period)]
    with suppress(OSError, ValueError, ZeroDivisionError):
        limit = (group / "cpu.cfs_quota_us").read_text()
        period = (group / "cpu.cfs_period_us").read_text()
        return [int(limit) / int(period)] if int(limit) > 0 else []
    return []


_chosen: int | None = None


@cache
def _default() -> int:
    text = os.environ.get(VARIABLE)
    if not text:
        return available_cpus()
    if not (text.isascii() and text.isdigit() and text.strip("0")):
        raise ArgumentError(f"{VARIABLE} must be an integer of at least 1, got {text!r:.100}")
    if len(text.lstrip("0")) > len(str(MOST)):
        raise ArgumentError(f"{VARIABLE} must be at most {MOST}, got {text:.100}")
    return check_threads(int(text), VARIABLE)


class Scratch:
    """Memory of one thread's own, which grows on demand and is kept."""

    def __init__(self) -> None:
        self._block = Block.of(LINE)  # an empty array would start anywhere

    def block(self, size: int) -> Block:
        """At least `size` bytes; a block stays usable when a larger one has been made since."""
        if self._block.memory.nbytes < size:
            self._block = Block.of(size)
        return self._block


class _Caller(threading.local):
    """The scratch memory of each thread that calls."""

    def __init__(self) -> None:
        self.scratch = Scratch()


class _Helper:
    """A daemon thread that sleeps until it is given a run, and then waits at a mailbox, if there is
    one, until no more runs come."""

    def __init__(self, number: int, mailbox: Mailbox | None) -> None:
        self._number = number
        self._mailbox = mailbox
        self._runs: deque[tuple[SharedRun, int]] = deque(maxlen=1)  # a newer run replaces an older
        self._wake = threading.Lock()
        self._wake.acquire()
        # Not threading.Thread: a signal handler may be here while its lock is held.
        _thread.start_new_thread(self._work, ())

    def give(self, run: SharedRun, scratch: int) -> None:
        """Wake the thread to help with a run; if it is still busy it will look at it later."""
        self._runs.append((run, scratch))
        with suppress(RuntimeError):  # it has been woken already
            self._wake.release()

    def _work(self) -> None:
        scratch = Scratch()
        while True:
            self._wake.acquire()
            with suppress(MemoryError):  # without memory there is no help
                self._help(scratch)
                self._wait(scratch)

    def _help(self, scratch: Scratch) -> None:
        """Help with the newest run; a function, so that nothing it names is kept while asleep."""
        with suppress(IndexError):
            run, size = self._runs.pop()
            run.help(scratch.block(size).address, self._number)

    def _wait(self, scratch: Scratch) -> None:
        """Help with runs that follow soon."""
        mailbox = self._mailbox
        need = 0
        while mailbox is not None:
            block = scratch.block(need)
            need = mailbox.serve(self, block.address, block.memory.nbytes)
            # A leader that saw this thread among the waiting has not woken it: look once more.
            if not (need or mailbox.offering):
                break


class _Team:
    """The helpers of one process."""

    def __init__(self) -> None:
        # Ctrl-C may strike between taking the lock and knowing it: its thread can take it again.
        self.busy = threading.RLock()
        self.ended = 0  # when, in nanoseconds, the last run did
        self._woken = 0  # when helpers were woken for brief work
        self._helpers: list[_Helper] = []
        self._mailbox: Mailbox | None = None
        self._spare: int | None = None

    def ask(self, count: int, work: Runnable, run: SharedRun) -> Mailbox | None:
        """Have up to `count` helpers enter a run. Those that sleep are woken; those that wait find
        it at the mailbox, if the run is led with what this returns.

        For brief work helpers are woken only if runs follow each other closely: they come too late
        for this one, and wait for the next.
        """
        mailbox = self._mailbox
        waiting = 0 if mailbox is None else len(mailbox.waiting)
        if work.brief:
            count = min(count, self._spare_cpus)
        if waiting < count and (not work.brief or self._may_wake_for_brief()):
            self._wake(count, run, work.scratch)
        return mailbox if waiting else None

    def _may_wake_for_brief(self) -> bool:
        """Whether a run ended less than `PATIENCE` ago, at most once in `BETWEEN_WAKES`: where
        other programs keep the processors busy, waking is in vain, or takes the caller's
        processor."""
        now = perf_counter_ns()
        if now - self.ended > PATIENCE or now - self._woken < BETWEEN_WAKES:
            return False
        self._woken = now
        return True

    @property
    def _spare_cpus(self) -> int:
        """The processors beside the caller's: as many helpers may wait."""
        # Not cached_property: before Python 3.12 it has a lock, which a fork may leave held.
        if self._spare is None:
            self._spare = available_cpus() - 1
        return self._spare

    def _wake(self, count: int, run: SharedRun, scratch: int) -> None:
        """Wake up to `count` helpers; fewer if no more threads can be started."""
        mailbox = self._mailbox
        if mailbox is None:
            mailbox = self._mailbox = Mailbox()
        with suppress(RuntimeError, MemoryError):
            while len(self._helpers) < count:
                number = len(self._helpers) + 1
                self._helpers.append(
                    _Helper(number, mailbox if number <= self._spare_cpus else None)
                )
        for helper in self._helpers[:count]:
            if helper not in mailbox.waiting:
                helper.give(run, scratch)


_caller = _Caller()
_team = _Team()


def _forget_team() -> None:
    """In a forked child there are no helpers, and the locks may be held by threads left behind."""
    global _team
    _team = _Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_team)
