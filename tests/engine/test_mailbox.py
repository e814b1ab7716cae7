"""The mailbox: who waits enters at once, and nothing that it may touch is given up."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from allconv.engine import mailbox as module
from allconv.engine import threads
from allconv.engine.emit.mailbox import PLACES, STATE, LeadCode, ServeCode
from allconv.engine.mailbox import Lead, Mailbox, Serve
from allconv.engine.runner import DONE, Job, new_table
from allconv.engine.target import host

from .calling import HOST, Written, address_of
from .chain import Chain
from .test_runner import hold, hold_at, until


class Held:
    """One step, whose chunks each wait until their gate is open."""

    def __init__(self, chunks: int, scratch: int = 0) -> None:
        self.arrived, self.gate, self.out = np.zeros((3, chunks), np.int64)
        addresses = [a.ctypes.data for a in (self.arrived, self.gate, self.out)]
        self.block = np.array(addresses, np.int64)
        table = new_table(1)
        address = address_of(Written(HOST, "float32", ("arrived", "gate", "out"), hold))
        table[0, :3] = address, self.block.ctypes.data, chunks
        self.job = Job(table, scratch=scratch)


class Serving:
    """Threads that wait at a mailbox until `over`."""

    def __init__(self, mailbox: Mailbox, count: int, size: int = 64) -> None:
        self.over = False
        self.mailbox = mailbox
        self.results: list[int] = []
        self.threads = [threading.Thread(target=self._serve, args=(size,)) for _ in range(count)]

    def _serve(self, size: int) -> None:
        scratch = np.zeros(size // 8, np.int64).ctypes  # keeps the array, and can be told by itself
        while not self.over:
            self.results.append(self.mailbox.serve(scratch, scratch.data, size))

    def __enter__(self) -> Serving:
        for thread in self.threads:
            thread.start()
        until(lambda: len(self.mailbox.waiting) == len(self.threads))
        return self

    def __exit__(self, *_: object) -> None:
        self.over = True
        for thread in self.threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in self.threads)
        assert not self.mailbox.waiting


@pytest.fixture
def patient(monkeypatch):
    """Who waits does so for half a second."""
    monkeypatch.setattr(module, "PATIENCE", 500_000_000)


def state(mailbox: Mailbox) -> memoryview:
    """The words of a mailbox, to plant what threads leave there."""
    return mailbox._words


def stand_address(words: np.ndarray) -> int:
    """A function in which a thread stands: words[0] = 1, then it waits until words[1] is not 0."""

    def stand(code):
        hold_at(code, *(code.value(words[n:].ctypes.data) for n in range(2)))

    return address_of(Written(HOST, "float32", (), stand))


def leading(mailbox: Mailbox, job: Job, places: int) -> threading.Thread:
    """A thread that leads one run of a job."""
    run, scratch = job.begin(), np.zeros(8, np.int64)

    def lead() -> None:
        while not run.lead(scratch.ctypes.data, mailbox, places):
            pass

    thread = threading.Thread(target=lead)
    thread.start()
    return thread


@pytest.mark.parametrize("count", [1, 2, 3])
def test_who_waits_helps(patient, count):
    """Runs in which others enter are runs by one, whoever comes."""
    mailbox, chain = Mailbox(), Chain([5, 1, 4, 0, 2])
    scratch = np.zeros(8, np.int64)
    with Serving(mailbox, count):
        for seed in range(200):
            chain.clear()
            chain.shuffle(seed)
            assert chain.job.begin().lead(scratch.ctypes.data, mailbox, count)
            chain.check()


def test_as_many_enter_as_there_are_places(patient):
    """Of three that wait one enters a run of one place, and does not leave while it has a chunk."""
    mailbox, held = Mailbox(), Held(4)
    with Serving(mailbox, 3):
        leader = leading(mailbox, held.job, 1)
        until(lambda: held.arrived.sum() == 2)
        assert not state(mailbox)[STATE] & PLACES
        time.sleep(0.05)
        assert held.arrived.sum() == 2
        held.gate[:] = 1
        leader.join(20)
        assert held.out.all()


def test_helpers_begin_with_halves_in_turn(patient):
    """The leader and a second helper begin with the first half, the first with the other."""
    mailbox, held = Mailbox(), Held(6)
    with Serving(mailbox, 2):
        leader = leading(mailbox, held.job, 2)
        until(lambda: held.arrived.sum() == 3)
        assert held.arrived.tolist() == [1, 1, 0, 1, 0, 0]
        held.gate[:] = 1
        leader.join(20)


def test_who_has_too_little_memory_comes_back_for_more(patient):
    """It enters nothing, and says how much the run needs."""
    mailbox, held = Mailbox(), Held(2, scratch=1000)
    with Serving(mailbox, 1) as serving:
        leader = leading(mailbox, held.job, 1)
        until(lambda: serving.results)
        assert set(serving.results) == {1000}
        assert held.arrived.sum() == 1
        held.gate[:] = 1
        leader.join(20)


def test_who_waits_in_vain_goes():
    """After a while of which nobody gives a run it returns."""
    mailbox = Mailbox()
    assert mailbox.serve(None, 0, 0) == 0
    assert not mailbox.waiting


def test_a_closed_run_is_not_entered():
    """Who comes when a run has ended finds no place, though nobody took it."""
    mailbox, chain = Mailbox(), Chain([3, 2])
    scratch = np.zeros(8, np.int64).ctypes.data
    assert chain.job.begin().lead(scratch, mailbox, 5)
    assert not mailbox.offering
    chain.clear()
    assert mailbox.serve(None, scratch, 64) == 0
    assert not chain.rows[0].any()


class Kept:
    """What a run holds."""


def lead_holding(mailbox: Mailbox, places: int = 1) -> weakref.ref[Kept]:
    """Lead a run that holds something, and let go of it."""
    chain, scratch, kept = Chain([2]), np.zeros(8, np.int64), Kept()
    assert chain.job.begin(kept).lead(scratch.ctypes.data, mailbox, places)
    return weakref.ref(kept)


def test_a_run_is_kept_while_somebody_is_inside():
    """A helper that the system has set aside inside of a run: its memory stays, nobody enters a
    later one, and all is let go when it has left."""
    mailbox = Mailbox()
    assert lead_holding(mailbox)() is None
    words = state(mailbox)
    words[STATE] += 1  # somebody inside
    kept = lead_holding(mailbox)
    gc.collect()
    assert kept() is not None
    assert not mailbox.tidy()
    held = Held(2)
    held.gate[:] = 1
    with Serving(mailbox, 1):
        for _ in range(3):
            leading(mailbox, held.job, 1).join(20)
        assert len(mailbox.waiting) == 1
        assert len(mailbox._closed) == 1
        assert kept() is not None
    words[STATE] -= 1  # it has left
    assert mailbox.tidy()
    assert kept() is None
    assert not mailbox._open


def test_who_leaves_last_lets_go():
    """A helper that comes back has what nobody uses any more released."""
    mailbox = Mailbox()
    state(mailbox)[STATE] += 1
    kept = lead_holding(mailbox)
    state(mailbox)[STATE] -= 1
    assert kept() is not None
    mailbox.serve(None, 0, 0)
    assert kept() is None


def test_a_run_that_fails_is_kept_as_well():
    """An error between closing and looking leaves nothing behind while nobody is inside."""
    mailbox = Mailbox()
    with pytest.raises(TypeError):
        mailbox.lead(Kept(), 1, 64, "no address")
    assert not mailbox._open
    assert not mailbox._closed


def test_a_run_that_is_interrupted_as_it_ends_is_let_go(monkeypatch):
    """Ctrl-C where a leader looks who is inside: the run is kept until that one has left."""

    def interrupted() -> bool:
        raise KeyboardInterrupt

    mailbox = Mailbox()
    state(mailbox)[STATE] += 1  # somebody inside
    with monkeypatch.context() as patch:
        patch.setattr(mailbox, "tidy", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lead_holding(mailbox)
    assert not mailbox._open
    assert len(mailbox._closed) == 1
    state(mailbox)[STATE] -= 1
    assert mailbox.tidy()
    assert not mailbox._closed


def test_the_team_waits_and_then_sleeps(monkeypatch):
    """Helpers that have a processor wait after a run; when none comes, nobody does."""
    monkeypatch.setattr(threads, "available_cpus", lambda: 2)
    monkeypatch.setattr(threads, "_team", threads._Team())
    chain = Chain([4, 3])
    for _ in range(20):
        chain.clear()
        threads.execute(chain.job, 4)
        chain.check()
    team = threads._team
    waiting = [helper._mailbox for helper in team._helpers]
    assert waiting == [team._mailbox, None, None]
    until(lambda: not team._mailbox.waiting)


def test_brief_work_wakes_nobody_but_in_a_row(monkeypatch):
    """The first brief run starts no helper; one that follows soon has them wait for the next."""
    monkeypatch.setattr(threads, "available_cpus", lambda: 3)
    monkeypatch.setattr(threads, "_team", threads._Team())
    team, chain = threads._team, Chain([4, 3])
    brief = Job(chain.table, scratch=64, brief=True)
    team.ended = -(10**18)
    threads.execute(brief, 8)
    assert not team._helpers
    monkeypatch.setattr(threads, "PATIENCE", 10**15)
    team._woken = -(10**18)
    threads.execute(brief, 8)
    assert len(team._helpers) == 2
    chain.clear()
    threads.execute(brief, 8)
    chain.check()


def test_the_mailbox_is_a_routine():
    """Its functions are exported under their names, and are written for ARM too."""
    for kind in (Lead, Serve):
        routine = kind(host(), "x86_64", "clock_gettime 1")
        assert routine.name in routine.ir()
    assert "x86" not in LeadCode("lead", "aarch64").emit()
    text = ServeCode("serve", "aarch64", "clock_gettime 6").emit()
    assert "llvm.aarch64.hint" in text
    assert "x86" not in text
    assert DONE == 1
