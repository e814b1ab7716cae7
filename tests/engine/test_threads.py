"""The team: how many threads, who helps, and what happens when things go wrong."""

from __future__ import annotations

import _thread
import gc
import os
import threading
import time
import weakref
from itertools import pairwise
from pathlib import Path

import pytest

from allconv.engine import threads
from allconv.errors import ArgumentError

from .chain import Chain


class Meeting:
    """Work that notes who came; the leader waits until `expected` workers have."""

    def __init__(self, expected: int = 1, scratch: int = 0) -> None:
        self.scratch = scratch
        self.brief = False
        self.expected = expected
        self.came: list[tuple[str, int, int]] = []
        self.numbers: list[int] = []
        self.enough = threading.Event()
        self.failure: BaseException | None = None
        self.stopped = 0
        self.slices = 1

    def begin(self, holding=None):
        return MeetingRun(self)


class MeetingRun:
    """One run of it."""

    def __init__(self, meeting: Meeting) -> None:
        self.meeting = meeting

    def _come(self, role: str, scratch: int) -> None:
        self.meeting.came.append((role, scratch, threading.get_ident()))
        if len(self.meeting.came) >= self.meeting.expected:
            self.meeting.enough.set()

    def help(self, scratch: int, number: int) -> None:
        self.meeting.numbers.append(number)
        self._come("helper", scratch)

    def lead(self, scratch: int, mailbox=None, places=0) -> bool:
        meeting = self.meeting
        self._come("leader", scratch)
        assert meeting.enough.wait(20)
        if meeting.failure:
            raise meeting.failure
        meeting.slices -= 1
        return meeting.slices <= 0

    def stop(self) -> None:
        self.meeting.stopped += 1


@pytest.fixture(autouse=True)
def sleeping(monkeypatch):
    """Helpers do not wait at a mailbox, which what is run here does not look into."""
    monkeypatch.setattr(threads, "_team", threads._Team())
    monkeypatch.setattr(threads._team, "_spare", 0)


@pytest.fixture
def unset(monkeypatch):
    """No number of threads has been chosen, by call or by variable."""
    monkeypatch.setattr(threads, "_chosen", None)
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    threads._default.cache_clear()
    yield
    threads._default.cache_clear()


def test_threads_are_the_cpus_unless_told(unset, monkeypatch):
    """set_threads wins over the variable, the variable over the processors."""
    assert threads.get_threads() == threads.available_cpus() >= 1
    threads._default.cache_clear()
    monkeypatch.setenv(threads.VARIABLE, "3")
    assert threads.get_threads() == 3
    threads.set_threads(5)
    assert threads.get_threads() == 5


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", " 2", "²"])
def test_a_bad_variable_is_named(unset, monkeypatch, text):
    """ALLCONV_THREADS must be an integer of at least 1."""
    monkeypatch.setenv(threads.VARIABLE, text)
    with pytest.raises(ArgumentError, match="ALLCONV_THREADS must be an integer of at least 1"):
        threads.get_threads()


@pytest.mark.parametrize("n", [0, -1, 1.0, "2", None, True])
def test_a_bad_number_is_named(n):
    """set_threads takes integers of at least 1."""
    with pytest.raises(ArgumentError, match="threads must be an integer of at least 1, got"):
        threads.set_threads(n)


def test_too_many_threads_are_refused(unset, monkeypatch):
    """A number that no machine has, of however many digits, is named and not tried."""
    with pytest.raises(ArgumentError, match="threads must be at most 1024, got 50000"):
        threads.set_threads(50_000)
    for text in ("50000", "9" * 5000):
        monkeypatch.setenv(threads.VARIABLE, text)
        with pytest.raises(ArgumentError, match="ALLCONV_THREADS must be at most 1024, got"):
            threads.get_threads()
    monkeypatch.setenv(threads.VARIABLE, "0003")
    assert threads.get_threads() == 3


def test_affinity_is_honoured(monkeypatch):
    """Processors that this process may not use are not counted; quotas are rounded down to 1."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 4, 6}, raising=False)
    monkeypatch.setattr(threads, "cpu_quota", lambda membership, root: None)
    assert threads.available_cpus() == 3
    for quota, count in [(0.5, 1), (1.9, 1), (2.0, 2), (64.0, 3)]:
        monkeypatch.setattr(threads, "cpu_quota", lambda membership, root, q=quota: q)
        assert threads.available_cpus() == count


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_quota_of_control_groups_version_2(tmp_path):
    """The smallest quota of the group and those above it counts."""
    membership, root = tmp_path / "cgroup", tmp_path / "fs"
    write(membership, "0::/user/session\n")
    assert threads.cpu_quota(membership, root) is None
    write(root / "user/session/cpu.max", "max 100000\n")
    assert threads.cpu_quota(membership, root) is None
    write(root / "user/cpu.max", "150000 100000\n")
    assert threads.cpu_quota(membership, root) == 1.5
    write(root / "cpu.max", "50000 100000\n")
    assert threads.cpu_quota(membership, root) == 0.5


def test_quota_of_control_groups_version_1(tmp_path):
    """A container sees its own group at the root, whatever path the host uses."""
    membership, root = tmp_path / "cgroup", tmp_path / "fs"
    write(membership, "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n")
    write(root / "cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    write(root / "cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    assert threads.cpu_quota(membership, root) is None
    write(root / "cpu,cpuacct/cpu.cfs_quota_us", "250000\n")
    assert threads.cpu_quota(membership, root) == 2.5
    write(root / "memory/cpu.cfs_quota_us", "1\n")
    assert threads.cpu_quota(membership, root) == 2.5
    assert threads.cpu_quota(tmp_path / "missing", root) is None


@pytest.mark.parametrize("count", [1, 2, 4])
def test_workers_have_scratch_of_their_own(count):
    """Each worker is another thread with aligned memory and a number; the caller leads."""
    meeting = Meeting(count, scratch=1000)
    threads.execute(meeting, count)
    roles, scratch, identities = zip(*sorted(meeting.came), strict=True)
    assert roles == ("helper",) * (count - 1) + ("leader",)
    assert sorted(meeting.numbers) == list(range(1, count))
    assert len(set(identities)) == count
    assert identities[-1] == threading.get_ident()
    assert all(address % 64 == 0 for address in scratch)
    assert all(b - a >= 1000 for a, b in pairwise(sorted(scratch)))


def test_scratch_grows_and_is_kept():
    """Less memory than before is the same memory; a block that was given out stays valid."""
    scratch = threads.Scratch()
    small = scratch.block(10)
    assert small.address % 64 == 0
    large = scratch.block(10_000)
    assert scratch.block(100) is large
    assert scratch.block(10_000) is large
    assert small.memory.ctypes.data == small.address


def test_the_caller_does_not_wait_for_helpers():
    """With every helper busy elsewhere a run is done by the caller; the helpers join later ones."""
    held = threading.Event()

    class Hold:
        scratch = 0
        brief = False
        inside = threading.Semaphore(0)

        def begin(self, holding=None):
            return self

        def help(self, scratch: int, number: int) -> None:
            self.inside.release()
            assert held.wait(20)

        def lead(self, scratch: int, mailbox=None, places=0) -> bool:
            return all(self.inside.acquire(timeout=20) for _ in range(2))

        def stop(self) -> None:
            pass

    threads.execute(Hold(), 3)
    alone = Meeting(1)
    threads.execute(alone, 3)
    assert [role for role, _, _ in alone.came] == ["leader"]
    held.set()
    threads.execute(Meeting(3), 3)


def test_a_second_caller_runs_alone():
    """While one caller has the team another leads its own run, with its own scratch."""
    outer, inner = Meeting(2, scratch=64), Meeting(1, scratch=64)
    done, compared = threading.Event(), threading.Event()

    def second() -> None:
        threads.execute(inner, 2)
        done.set()
        compared.wait(20)  # until then no other thread is given its memory

    class Nested(MeetingRun):
        def lead(self, scratch: int, mailbox=None, places=0) -> bool:
            threading.Thread(target=second).start()
            assert done.wait(20)
            return super().lead(scratch)

    outer.begin = lambda holding=None: Nested(outer)
    threads.execute(outer, 2)
    compared.set()
    assert [role for role, _, _ in inner.came] == ["leader"]
    assert inner.came[0][1] not in [scratch for _, scratch, _ in outer.came]


def test_who_is_called_inside_of_a_run_runs_too():
    """A handler that runs between two slices leads a run of its own; the outer one goes on."""
    outer, inner = Meeting(1), Meeting(1, scratch=1_000_000)

    class Interrupted(MeetingRun):
        def lead(self, scratch: int, mailbox=None, places=0) -> bool:
            if not inner.came:
                threads.execute(inner, 2)
            return super().lead(scratch)

    outer.slices = 3
    outer.begin = lambda holding=None: Interrupted(outer)
    threads.execute(outer, 2)
    assert len(inner.came) >= 1
    scratch = [address for role, address, _ in outer.came if role == "leader"]
    assert len(scratch) == 3
    assert len(set(scratch)) == 1


def test_many_callers_at_once():
    """Eight threads that run tables of their own all get right results."""
    failures = []

    def work() -> None:
        try:
            chain = Chain([5, 1, 4, 2])
            for _ in range(100):
                chain.clear()
                threads.execute(chain.job, 3)
                chain.check()
        except BaseException as failure:
            failures.append(failure)

    callers = [threading.Thread(target=work) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert not failures
    assert not any(caller.is_alive() for caller in callers)


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt()])
def test_an_exception_leaves_the_team_usable(failure):
    """What the caller raises comes through once the run is stopped; the next has its helpers."""
    meeting = Meeting(2)
    meeting.failure = failure
    with pytest.raises(type(failure)):
        threads.execute(meeting, 2)
    assert meeting.stopped == 1
    threads.execute(Meeting(2), 2)


def test_an_interrupt_as_a_run_ends_leaves_the_team_free(monkeypatch):
    """Ctrl-C after the last chunk: helpers are there for the next caller, on another thread."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threads, "perf_counter_ns", interrupted)
        with pytest.raises(KeyboardInterrupt):
            threads.execute(Meeting(2), 2)
    caller = threading.Thread(target=threads.execute, args=(Meeting(2), 2))
    caller.start()
    caller.join(20)
    assert not caller.is_alive()


def test_a_run_that_was_forked_begins_again(monkeypatch):
    """In a child nobody finishes what helpers had claimed: the run is not stopped but led anew."""
    meeting = Meeting(1)
    meeting.slices = 3

    class Forked(MeetingRun):
        def lead(self, scratch: int, mailbox=None, places=0) -> bool:
            if meeting.slices == 3:
                monkeypatch.setattr(threads, "_team", threads._Team())
            return super().lead(scratch)

    runs = []

    def begin(holding=None):
        runs.append(Forked(meeting))
        return runs[-1]

    meeting.begin = begin
    threads.execute(meeting, 2)
    assert len(runs) == 2
    assert meeting.stopped == 0


def test_a_helper_without_memory_stays_away():
    """Scratch that cannot be had for a helper costs its help only, once."""

    class Huge(Meeting):
        def begin(self, holding=None):
            self.scratch = 2**62
            return super().begin()

    huge = Huge(1)
    threads.execute(huge, 2)
    assert [role for role, _, _ in huge.came] == ["leader"]
    threads.execute(Meeting(2), 2)


def test_threads_that_cannot_be_started_are_done_without(monkeypatch):
    """A system that gives no more threads gives fewer helpers."""

    def refuse(function, arguments):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "_team", threads._Team())
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    meeting = Meeting(1)
    threads.execute(meeting, 4)
    assert len(meeting.came) == 1


def test_nothing_is_kept_after_a_run():
    """A sleeping team holds no reference to what it ran."""

    meeting = Meeting(2)
    gone = weakref.ref(meeting)  # its runs hold it
    threads.execute(meeting, 2)
    del meeting
    deadline = time.monotonic() + 20
    while gone() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert gone() is None
