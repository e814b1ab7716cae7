"""How many threads run a program, and the team of threads that help the caller.

Helpers sleep on Python locks and are woken for a run; the caller does not wait for them, neither to
begin nor to end: it returns when all chunks are done. A second caller at the same time runs alone.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Protocol, TypeAlias

from allconv.engine.buffer import LINE, aligned
from allconv.errors import ArgumentError

VARIABLE = "ALLCONV_THREADS"

Call: TypeAlias = Callable[[int, int], None]  # of a worker's number and its scratch address


class Work(Protocol):
    """What a team can run: see `runner.Job`."""

    scratch: int

    def begin(self) -> Call:
        """Begin a run that any number of workers may enter; it is done when worker 0 returns."""


def execute(work: Work, threads: int | None = None) -> None:
    """Run `work` on this thread with the help of up to threads - 1 others (None: `get_threads`)."""
    wanted = get_threads() if threads is None else threads
    scratch = _caller.scratch.address(work.scratch)
    call = work.begin()
    team = _team
    if wanted == 1 or not team.busy.acquire(blocking=False):
        call(0, scratch)
        return
    try:
        # An interrupt in between does no harm: helpers enter only what the caller has entered.
        team.wake(wanted - 1, call, work.scratch)
        call(0, scratch)
    finally:
        team.busy.release()


def set_threads(n: int) -> None:
    """Use n threads from now on."""
    global _chosen
    _chosen = check_threads(n)


def get_threads() -> int:
    """The threads that are used: `set_threads`, else ALLCONV_THREADS, else `available_cpus`."""
    return _default() if _chosen is None else _chosen


def check_threads(n: int, name: str = "threads") -> int:
    """n, if it is an integer of at least 1; else ArgumentError."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ArgumentError(f"{name} must be an integer of at least 1, got {n!r}")
    return n


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
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise ArgumentError(f"{VARIABLE} must be an integer of at least 1, got {text!r}")
    return int(text)


class Scratch:
    """Memory of one thread's own, which grows on demand and is kept."""

    def __init__(self) -> None:
        self._memory = aligned(LINE)  # an empty array would start anywhere

    def address(self, size: int) -> int:
        """The address of at least `size` bytes, a multiple of 64."""
        if self._memory.nbytes < size:
            self._memory = aligned(size)
        return self._memory.ctypes.data


class _Caller(threading.local):
    """The scratch memory of each thread that calls."""

    def __init__(self) -> None:
        self.scratch = Scratch()


class _Helper:
    """A daemon thread that sleeps until it is given a call."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._calls: deque[tuple[Call, int]] = deque(maxlen=1)  # a newer call replaces an older
        self._wake = threading.Lock()
        self._wake.acquire()
        thread = threading.Thread(target=self._work, name=f"allconv-{number}", daemon=True)
        thread.start()

    def give(self, call: Call, scratch: int) -> None:
        """Wake the thread to help with a call; if it is still busy it will look at it later."""
        self._calls.append((call, scratch))
        with suppress(RuntimeError):  # it has been woken already
            self._wake.release()

    def _work(self) -> None:
        scratch = Scratch()
        while True:
            self._wake.acquire()
            self._help(scratch)

    def _help(self, scratch: Scratch) -> None:
        """Run the newest call; a function, so that nothing it names is kept while asleep."""
        with suppress(IndexError, MemoryError):  # without memory there is no help
            call, size = self._calls.pop()
            call(self._number, scratch.address(size))


class _Team:
    """The helpers of one process."""

    def __init__(self) -> None:
        # Ctrl-C may strike between taking the lock and knowing it: its thread can take it again.
        self.busy = threading.RLock()
        self._helpers: list[_Helper] = []

    def wake(self, count: int, call: Call, scratch: int) -> None:
        """Have up to `count` helpers enter a call; fewer if no more threads can be started."""
        with suppress(RuntimeError):
            while len(self._helpers) < count:
                self._helpers.append(_Helper(len(self._helpers) + 1))
        for helper in self._helpers[:count]:
            helper.give(call, scratch)


_caller = _Caller()
_team = _Team()


def _forget_team() -> None:
    """In a forked child there are no helpers, and the locks may be held by threads left behind."""
    global _team
    _team = _Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_team)
