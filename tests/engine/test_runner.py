"""The native runner: every chunk once, steps in order, whoever comes and whenever."""

from __future__ import annotations

import ctypes
import threading
import time

import numpy as np
import pytest
from llvmlite import ir

from allconv.engine import runner, threads
from allconv.engine.emit.run_loop import RunnerCode
from allconv.engine.emit.view import View
from allconv.engine.llvm import processor
from allconv.engine.runner import (
    DONE,
    OVER,
    PAUSED,
    Counters,
    Job,
    Runner,
    Stopper,
    native_entries,
    new_table,
)
from allconv.engine.target import host
from allconv.errors import Error
from tiers import slow

from .calling import HOST, KERNEL, Written, address_of
from .chain import Chain

SIZES = [1, 7, 3, 0, 16, 2, 1, 1, 9, 0, 0, 5]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_chunk_once_and_in_order(count):
    """On any number of threads, and in any order of chunks, a run is a run by one."""
    chain = Chain(SIZES)
    for seed in range(60):
        chain.clear()
        chain.shuffle(seed)
        threads.execute(chain.job, count)
        chain.check()


@pytest.mark.parametrize("half", [0, 1])
def test_chunks_are_called_in_the_order_asked(half):
    """A thread begins with its half of the chunks; a multiplier and an offset permute them."""

    def record(code):
        count = View(code, code.arg("out"), 8, dtype="int64")
        number = code.add(count.scalar(), 1)
        count.store_scalar(number)
        count[number].store_scalar(code.chunk)

    out = np.zeros(8, np.int64)
    args = np.array([out.ctypes.data], np.int64)
    table = new_table(1)
    address = address_of(Written(HOST, "float32", ("out",), record))
    table[0, :5] = address, args.ctypes.data, 7, 3, 5
    assert runner.run(table, 0, 1, 1, Counters(1).words, 0, half=half) == DONE
    order = [4, 5, 6, 0, 1, 2, 3] if half else range(7)
    assert out.tolist() == [7, *[(3 * c + 5) % 7 for c in order]]


def test_part_of_a_table():
    """A job may run some steps; jobs on one table share counters in any order."""
    chain = Chain([2, 3, 4, 5])
    counters = Counters(4)
    first = Job(chain.table, counters, first=0, count=2, scratch=64)
    second = Job(chain.table, counters, first=2, scratch=64)
    for _ in range(3):
        chain.clear()
        threads.execute(first, 2)
        assert chain.rows[1].all()
        assert not chain.rows[2].any()
        threads.execute(second, 2)
        chain.check()


def low_level(chain, epoch, words, *, leader, nanoseconds=0) -> int:
    scratch = np.zeros(64, np.int64)
    return runner.run(
        chain.table, 0, len(chain.table), epoch, words, scratch.ctypes.data,
        leader=leader, nanoseconds=nanoseconds,
    )  # fmt: skip


def test_who_comes_too_early_or_too_late_does_nothing():
    """A helper finds its run not open, done, or over; only in an open run does it work."""
    chain = Chain([3, 2])
    words = Counters(2).words
    assert not low_level(chain, 1, words, leader=False)
    assert not chain.rows[0].any()
    assert low_level(chain, 1, words, leader=True)
    chain.check()
    assert low_level(chain, 1, words, leader=False)
    chain.check()
    chain.clear()
    assert low_level(chain, 5, words, leader=True)
    for epoch in (1, 4):
        assert not low_level(chain, epoch, words, leader=False)
    chain.check()


def hold(code):
    """arrived[chunk] = 1; then wait until gate[chunk] is not 0; then out[chunk] = 1."""
    offset = code.mul(code.chunk, 8)
    arrived, gate, out = (code.add(code.arg(name), offset) for name in ("arrived", "gate", "out"))
    hold_at(code, arrived, gate)
    View(code, out, dtype="int64").store_scalar(code.value(1))


def hold_at(code, arrived, gate):
    """The word at `arrived` becomes 1; then wait until that at `gate` is not 0."""
    View(code, arrived, dtype="int64").store_scalar(code.value(1))
    waiting, closed = (code.function.append_basic_block(name) for name in ("waiting", "closed"))
    code.builder.branch(waiting)
    code.builder.position_at_end(waiting)
    pointer = code.builder.inttoptr(gate, ir.PointerType())
    word = code.builder.load_atomic(pointer, "acquire", 8, typ=ir.IntType(64))
    code.builder.cbranch(code.compare("!=", word, 0), closed, waiting)
    code.builder.position_at_end(closed)


def count_held(code):
    """seen = 10 + out[0] + out[1]."""
    out = View(code, code.arg("out"), 8, dtype="int64")
    total = code.add(out[0].scalar(), out[1].scalar(), 10)
    View(code, code.arg("seen"), dtype="int64").store_scalar(total)


def until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_step_waits_for_the_chunks_of_others():
    """While one of two threads is inside the first step, the second step does not begin."""
    arrived, gate, out = np.zeros((3, 2), np.int64)
    seen = np.zeros(1, np.int64)
    slots = ("arrived", "gate", "out")
    blocks = np.array([[a.ctypes.data for a in (arrived, gate, out)], [0] * 3], np.int64)
    blocks[1, :2] = out.ctypes.data, seen.ctypes.data
    table = new_table(2)
    table[0, :3] = address_of(Written(HOST, "float32", slots, hold)), blocks[0].ctypes.data, 2
    second = address_of(Written(HOST, "float32", ("out", "seen"), count_held))
    table[1, :3] = second, blocks[1].ctypes.data, 1
    counters = Counters(2)
    both = [
        threading.Thread(target=runner.run, args=(table, 0, 2, 1, counters.words, 0), kwargs=role)
        for role in ({"leader": True}, {"leader": False})
    ]
    both[0].start()
    until(lambda: arrived.any())
    both[1].start()
    until(lambda: arrived.all())
    gate[0] = 1
    until(lambda: out[0])
    time.sleep(0.05)
    waited = both[0].is_alive() and both[1].is_alive() and not seen[0]
    gate[1] = 1
    for thread in both:
        thread.join(20)
    assert waited
    assert seen[0] == 12


def test_who_waits_leaves_when_the_run_is_over():
    """A helper that waits for a step sees that a later run has begun to count it."""
    chain = Chain([3])
    counters = Counters(1)
    assert counters.words[::8].tolist() == [0] * 4  # opening, two claims, done
    counters.words[::8] = 1, (1 << 32) + 2, (1 << 32) + 1, (1 << 32) + 2
    results = []
    helper = threading.Thread(
        target=lambda: results.append(low_level(chain, 1, counters.words, leader=False))
    )
    helper.start()
    time.sleep(0.05)
    waited = helper.is_alive()
    counters.words[24] = (2 << 32) + 1
    helper.join(20)
    assert waited
    assert results == [OVER]
    assert not chain.rows[0].any()


@slow
def test_stragglers_of_earlier_runs_are_harmless():
    """Threads that keep entering with old and new epochs never disturb the run of the leader."""
    chain = Chain([4, 1, 3, 2])
    counters = Counters(4)
    over = threading.Event()

    def straggle(behind: int) -> None:
        while not over.is_set():
            low_level(chain, max(1, counters.epoch - behind), counters.words, leader=False)

    helpers = [threading.Thread(target=straggle, args=(n,)) for n in (0, 1, 2)]
    for helper in helpers:
        helper.start()
    try:
        for _ in range(300):
            chain.clear()
            assert low_level(chain, counters.next_epoch(), counters.words, leader=True)
            chain.check()
    finally:
        over.set()
        for helper in helpers:
            helper.join()


def test_epochs_begin_again():
    """After the last epoch fresh counters are taken, and runs go on."""
    chain = Chain([3, 2])
    old = chain.job.counters.words
    chain.job.counters.epoch = runner.LAST_EPOCH - 2
    for _ in range(5):
        chain.clear()
        threads.execute(chain.job, 2)
        chain.check()
    assert chain.job.counters.epoch == 3
    assert chain.job.counters.words is not old


def test_two_runs_of_one_table_at_once_are_an_error():
    """A leader that finds a later run in its counters says so instead of returning."""
    chain = Chain([3])
    run = chain.job.begin()
    threads.execute(chain.job, 1)
    with pytest.raises(Error, match="run twice at the same time"):
        run.lead(np.zeros(64, np.int64).ctypes.data)


def test_the_leader_pauses_and_goes_on():
    """With no time at all the leader comes back after every chunk, and no chunk is run twice."""
    chain = Chain(SIZES)
    counters = Counters(len(SIZES))
    for _ in range(3):
        chain.clear()
        epoch, turns = counters.next_epoch(), 1
        while low_level(chain, epoch, counters.words, leader=True, nanoseconds=1) == PAUSED:
            turns += 1
        chain.check()
        assert turns == sum(SIZES) + 1
        assert low_level(chain, epoch, counters.words, leader=True) == DONE


def test_a_helper_goes_on_while_the_leader_pauses():
    """Chunks that the leader leaves are claimed by others; it finds the run done."""
    chain = Chain(SIZES)
    counters = Counters(len(SIZES))
    epoch = counters.next_epoch()
    assert low_level(chain, epoch, counters.words, leader=True, nanoseconds=1) == PAUSED
    assert low_level(chain, epoch, counters.words, leader=False) == DONE
    chain.check()
    assert low_level(chain, epoch, counters.words, leader=True, nanoseconds=1) == DONE
    chain.check()


@pytest.mark.parametrize("pauses", [0, 1, 5, 11, sum(SIZES)])
def test_nothing_is_claimed_after_a_stop(monkeypatch, pauses):
    """A run that is stopped anywhere is over for everybody; the next one is whole."""
    monkeypatch.setattr(runner, "SLICE", 1)
    chain = Chain(SIZES)
    scratch = np.zeros(64, np.int64).ctypes.data
    for _ in range(3):
        chain.clear()
        run = chain.job.begin()
        for _ in range(pauses):
            run.lead(scratch)
        run.stop()
        left = [row.copy() for row in chain.rows]
        run.help(scratch)
        for row, before in zip(chain.rows, left, strict=True):
            np.testing.assert_array_equal(row, before)
        chain.clear()
        threads.execute(chain.job, 2)
        chain.check()


@pytest.mark.parametrize("epoch", [1, runner.LAST_EPOCH])
def test_a_stop_waits_for_claimed_chunks(epoch):
    """While a helper is inside a chunk, stopping does not return; then no other chunk is run."""
    arrived, gate, out = np.zeros((3, 2), np.int64)
    block = np.array([a.ctypes.data for a in (arrived, gate, out)], np.int64)
    table = new_table(1)
    slots = ("arrived", "gate", "out")
    table[0, :3] = address_of(Written(HOST, "float32", slots, hold)), block.ctypes.data, 2
    job = Job(table)
    job.counters.epoch = epoch - 1
    run = job.begin()
    job.counters.words[0] = epoch  # open
    helper = threading.Thread(target=run.help, args=(0,))
    helper.start()
    until(lambda: arrived.any())
    stopper = threading.Thread(target=run.stop)
    stopper.start()
    time.sleep(0.05)
    waited = stopper.is_alive()
    gate[:] = 1
    stopper.join(20)
    helper.join(20)
    assert waited
    assert out.sum() == arrived.sum() == 1


def test_native_entries_count_calls_not_steps(monkeypatch):
    """One run of a table of any length is one entry a slice, with any number of helpers."""
    monkeypatch.setattr(runner, "SLICE", 10**12)
    chain = Chain([1] * 20)
    before = native_entries()
    threads.execute(chain.job, 1)
    threads.execute(chain.job, 3)
    assert native_entries() == before + 2


def control(instruction: str):
    """A kernel that stores or loads the floating-point control register of x86."""

    def body(code):
        pointer = code.builder.inttoptr(code.arg("word"), ir.PointerType())
        code.intrinsic(f"llvm.x86.sse.{instruction}", ir.VoidType(), pointer)

    return KERNEL(address_of(Written(HOST, "float32", ("word",), body)))


def multiply(code):
    """y = x * x in one vector."""
    x = View(code, code.arg("x")).vector()
    View(code, code.arg("y")).store(code.fmul(x, x))


@pytest.mark.skipif(
    processor()[0] != "x86_64",
    reason="needs the control register of x86: run it on an x86-64 machine",
)
@pytest.mark.parametrize("setting", [0x9FC0, 0x5F80, 0x3F80], ids=["flush", "up", "down"])
def test_the_control_register_is_set_and_restored(setting):
    """Flush-to-zero or another rounding in the caller changes no bits, and is there afterwards."""
    x = np.array([1.1e-20, 1 / 3, 1e-22, 0.1] * 8, np.float32)
    y = np.zeros_like(x)
    args = np.array([x.ctypes.data, y.ctypes.data], np.int64)
    table = new_table(1)
    table[0, :3] = address_of(Written(HOST, "float32", ("x", "y"), multiply)), args.ctypes.data, 1
    job = Job(table)
    threads.execute(job, 1)
    want = y.copy()
    assert (want[: HOST.lanes("float32")] > 0).all()
    words = np.array([0x1F80, setting, 0], np.int32)
    blocks = [np.array([words[k:].ctypes.data], np.int64) for k in range(3)]
    load, store = control("ldmxcsr"), control("stmxcsr")
    run = job.begin()
    y[:] = 0
    load(blocks[1].ctypes.data, 0, 0)
    run.lead(0)
    store(blocks[2].ctypes.data, 0, 0)
    load(blocks[0].ctypes.data, 0, 0)
    np.testing.assert_array_equal(y, want)
    assert words[2] & ~0x3F == setting & ~0x3F


def test_the_runner_is_a_routine():
    """Its key names the architecture, and its function is exported under its name."""
    for kind in (Runner, Stopper):
        routine = kind(host(), "x86_64", "clock_gettime 1")
        assert "architecture = 'x86_64'" in routine.key()
        assert routine.name in routine.ir()


def test_the_runner_is_written_for_arm_too():
    """Elsewhere the control register and the pause are other instructions, and nothing of x86."""
    text = RunnerCode("run", "aarch64", "clock_gettime 6").emit()
    assert "llvm.aarch64.set.fpcr" in text
    assert "x86" not in text
    assert "x86" not in RunnerCode("run", "riscv64", "GetTickCount64").emit()


def test_tables_lie_on_cache_lines():
    """Tables and counters begin on a cache line, and a row is one."""
    table, counters = new_table(3), Counters(3)
    assert table.shape == (3, 8)
    assert table.ctypes.data % 64 == 0
    assert counters.address % 64 == 0
    assert counters.words.nbytes == 10 * 64
    assert ctypes.sizeof(ctypes.c_int64) * table.shape[1] == 64
