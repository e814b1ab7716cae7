"""Memory: allocated so that blocks lie apart, lent to whatever runs, bounded."""

from __future__ import annotations

import gc
import time
from weakref import ref

import numpy as np
import pytest

from allconv import compile as compile_
from allconv import functional as F
from allconv import nn
from allconv.engine import memory, programs
from allconv.engine.allocate import allocate
from allconv.engine.place import Storage
from allconv.engine.program import Program
from allconv.engine.weights import Weights
from allconv.operators.base import Spec
from allconv.trace import trace


class Touch:
    """A step that touches some storages."""

    def __init__(self, *storages):
        self.storages = list(storages)


@pytest.fixture
def no_idle():
    """No memory is lent or idle, before and after."""
    memory._idle.clear()
    yield
    memory._idle.clear()


@pytest.mark.parametrize("seed", range(20))
def test_what_is_alive_together_lies_apart(seed):
    """Random lives: no two blocks that overlap in time overlap in the arena, which holds all."""
    draw = np.random.default_rng(seed)
    storages = [Storage("arena", int(n)) for n in draw.integers(0, 5000, 60)]
    lives = [sorted(draw.integers(0, 30, 2).tolist()) for _ in storages]
    pairs = list(zip(storages, lives, strict=True))
    steps = [Touch(*(s for s, (a, b) in pairs if n in (a, b))) for n in range(30)]
    arena = allocate(steps, storages)
    marks = [np.zeros(arena.bytes, bool) for _ in range(30)]
    for storage, (first, last) in pairs:
        start = arena.offsets[storage]
        assert start % 64 == 0
        for mark in marks[first : last + 1]:
            part = mark[start : start + storage.bytes]
            assert len(part) == storage.bytes
            assert not part.any()
            part[...] = True
    assert arena.bytes < sum(storage.bytes + 128 for storage in storages)


def test_memory_that_is_free_again_is_used_again():
    """A chain of blocks of one size needs two of them; nothing needs nothing."""
    chain = [Storage("arena", 1000) for _ in range(50)]
    steps = [Touch(*chain[max(0, n - 1) : n + 1]) for n in range(50)]
    assert allocate(steps, chain).bytes <= 2 * 1100 + 64
    assert allocate([], []).bytes == 64


def test_one_block_serves_all_sizes(no_idle):
    """Programs one after the other need the memory of the largest, not of all."""
    sizes = range(100_000, 1_000_000, 100_000)
    for size in sizes:
        memory.give_back(memory.borrow(size))
    assert memory.idle_bytes() == max(sizes)
    for size in sizes:
        memory.give_back(memory.borrow(size))
    assert memory.idle_bytes() == max(sizes)


def test_idle_memory_is_bounded(no_idle, monkeypatch):
    """What was lent at the same time is kept up to a limit, and always what was used last."""
    monkeypatch.setattr(memory, "IDLE", 2500)
    for block in [memory.borrow(1000) for _ in range(10)]:
        memory.give_back(block)
    assert memory.idle_bytes() == 3000
    memory.give_back(memory.borrow(50_000))
    assert 50_000 <= memory.idle_bytes() <= 52_500


def test_a_function_of_many_sizes_holds_the_memory_of_one(no_idle):
    """200 sizes of a convolution: plans are kept, the memory between steps is not multiplied."""
    w = np.ones((8, 1, 3, 3), np.float32)  # by channel and in steps of 3: images are turned first
    for n in range(200):
        F.conv2d(np.ones((1, 8, 8 + n % 20, 30 + n), np.float32), w, groups=8, stride=3)
    (program,) = {
        entry.program
        for key, entry in programs._entries.items()
        if entry.program.graph.inputs[0].shape == (1, 8, 8 + 199 % 20, 30 + 199)
        and "Correlate" in str(key)
    }
    need = max(p.arena.bytes for p in program._prepared.values())
    assert need > 10_000
    assert memory.idle_bytes() <= 4 * need
    assert programs.kept_bytes() < programs.LIMIT


def test_programs_are_forgotten_when_they_take_too_much(monkeypatch):
    """Those used last stay; the last one whatever it takes."""
    monkeypatch.setattr(programs, "_entries", {})
    kept = [Program(trace(lambda x: x + 1.0, Spec((n,))).graph) for n in range(1, 5)]
    monkeypatch.setattr(programs, "LIMIT", sum(each.bytes for each in kept[:3]))
    for n, each in enumerate(kept[:3]):
        programs.keep(n, lambda each=each: programs.KeptProgram(each))
    programs.keep(0, lambda: pytest.fail("it is kept"))
    programs.keep(3, lambda: programs.KeptProgram(kept[3]))
    assert sorted(key for _, key in programs._entries) == [0, 2, 3]
    monkeypatch.setattr(programs, "LIMIT", 1)
    programs.keep(4, lambda: programs.KeptProgram(kept[1]))
    assert [key for _, key in programs._entries] == [4]


def test_programs_of_a_network_end_with_it():
    """What was kept for an owner is dropped when the owner is gone."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    net(np.ones((1, 1, 5, 5), np.float32))
    owner = id(net)
    assert any(key[0] == owner for key in programs._entries)
    del net
    gc.collect()
    assert not any(key[0] == owner for key in programs._entries)


def test_images_of_any_size_share_packed_weights():
    """Programs of a network for other sizes of image add nothing to its prepared weights."""
    net = nn.Sequential(nn.Conv2d(3, 40, 3, padding=1), nn.ReLU(), nn.Conv2d(40, 33, 3))
    sizes = [(1, 3, 7 + n, 9 + 3 * n) for n in range(12)]
    net(np.ones((1, 3, 40, 40), np.float32))
    prepared = net.__dict__["_weights"][1].prepared
    first = dict(prepared)
    assert first
    for size in sizes:
        net(np.ones(size, np.float32))
    assert net.__dict__["_weights"][1].prepared is prepared
    assert {key: id(array) for key, array in prepared.items()} == {
        key: id(array) for key, array in first.items()
    }


def test_other_weights_are_other_weights():
    """A parameter that is replaced is prepared anew; equal ones give equal bits."""
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(27, 2))
    x = np.random.default_rng(0).normal(size=(2, 1, 5, 5)).astype(np.float32)
    before, state = net(x), {name: np.array(a) for name, a in net.state_dict().items()}
    net.load_state_dict({name: array * 2 for name, array in state.items()})
    assert not np.array_equal(net(x), before)
    net.load_state_dict(state)
    np.testing.assert_array_equal(net(x), before)


def test_what_was_compiled_keeps_its_weights():
    """`update` changes the next calls; a program that shares `Weights` is not affected."""
    net = nn.Linear(3, 2)
    program = compile_(net, (1, 3))
    x = np.ones((1, 3), np.float32)
    before = program(x)
    held = program.program._weights
    program.update({name: array * 2 for name, array in net.state_dict().items()})
    assert not np.array_equal(program(x), before)
    np.testing.assert_array_equal(program.program(x, weights=held)[0], before)


def test_weights_are_not_copied_if_nobody_can_change_them():
    """A compiled program holds a network's read-only arrays, and copies of others."""
    net = nn.Linear(3, 2)
    program = compile_(net, (1, 3))
    arrays = [operand.array for operand in program.program._weights.operands]
    assert all(any(a is b for b in net.state_dict().values()) for a in arrays)
    state = {name: np.array(array) for name, array in net.state_dict().items()}
    program.update(state)
    x = np.ones((1, 3), np.float32)
    before = program(x)
    for array in state.values():
        array[...] = 0
    np.testing.assert_array_equal(program(x), before)


def test_a_network_and_what_is_compiled_of_it_share_weights():
    """While they are the same; what others could write into is not shared."""
    net = nn.Linear(3, 2)
    net(np.ones((1, 3), np.float32))
    program = compile_(net, (4, 3))
    assert program.program._weights is net.__dict__["_weights"][1]
    array = np.ones(3)
    assert Weights.of([array]) is not Weights.of([array])


def test_weights_lie_as_kernels_can_read_them():
    """Arrays of any strides are brought into order once, when they are bound."""
    array = np.arange(12.0).reshape(3, 4)
    (kept,) = Weights([array]).operands
    assert kept.array is array
    (turned,) = Weights([array.T]).operands
    assert turned.layout == "rows"
    assert turned.array.flags.c_contiguous


def test_runs_on_weights_in_turn() -> None:
    """A program that is called on other weights, and on the first ones again, mixes up nothing."""
    draw = np.random.default_rng(6)
    shapes = [(1, 20, 9, 9), (30, 20, 3, 3), (30,)]

    def function(x, w, b):
        return F.relu(F.conv2d(x, w, b))

    graph = trace(function, *map(Spec, shapes)).graph
    program = Program(graph, static=(1, 2), exact=True)
    x, *first = (draw.standard_normal(shape).astype(np.float32) for shape in shapes)
    second = [draw.standard_normal(shape).astype(np.float32) for shape in shapes[1:]]
    sets = {id(each): Weights.of(each) for each in (first, second)}
    for arrays in (first, second, first, first, second):
        (result,) = program(x, weights=sets[id(arrays)])
        np.testing.assert_allclose(result, graph.run(x, *arrays)[0], 1e-4, 1e-4)


def test_a_program_keeps_no_weights_alive() -> None:
    """What was prepared from weights goes with them, once no thread looks at the run any more."""
    graph = trace(lambda x, w: F.conv2d(x, w), Spec((1, 4, 6, 6)), Spec((4, 4, 3, 3))).graph
    program = Program(graph, static=(1,))
    weights = Weights([np.ones((4, 4, 3, 3), np.float32)])
    program(np.ones((1, 4, 6, 6), np.float32), weights=weights)
    (prepared, *_) = weights.prepared.values()
    seen = ref(prepared.base if prepared.base is not None else prepared)
    del weights, prepared
    gc.collect()
    for _ in range(500):  # a thread that wakes late holds the memory of a run until it has seen
        if seen() is None:  # that nothing is left to do
            break
        time.sleep(0.01)
    assert seen() is None
