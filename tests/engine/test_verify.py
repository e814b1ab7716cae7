"""The verifier finds what is wrong with a plan, and a kernel that writes what it should not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from allconv.engine.allocate import Arena, allocate
from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.place import Place, Storage, layout_strides
from allconv.engine.plan import Planner
from allconv.engine.step import Address, split_setup
from allconv.engine.target import host
from allconv.engine.verify import PlanError, check_plan, check_run
from allconv.functional import avg_pool2d, batch_norm, max_pool2d, relu
from allconv.operators.base import Spec
from allconv.trace import trace

from .drawing import draw_graph

X = Spec((2, 3, 4, 4))


def network(x, p):
    """Several kernels, and memory that is written in parts."""
    y = np.concatenate([np.exp(x), relu(p)], 1)
    return avg_pool2d(max_pool2d(y * 2.0 - 1.0, 2), 2), y.sum(1)


def planned(function=network, *specs, static=()):
    """A plan for row-major arrays, and its arena."""
    graph = trace(function, *(specs or (X, X))).graph
    count = len(graph.inputs) + len(graph.constants)
    planner = Planner(LOWERINGS, graph, ("rows",) * count, frozenset(static)).run()
    once_ = {place.storage for step in planner.setup for place in step.writes}
    between = {s for step in planner.steps for s in step.storages if s.kind == "arena"} - once_
    return planner, allocate(planner.steps, between)


def arrays(planner):
    """Operands of the graph of a plan."""
    draw = np.random.default_rng(0)
    values, constants = planner.graph.inputs, planner.graph.constants.values()
    return [draw.normal(size=v.shape).astype(v.dtype) for v in values] + list(constants)


def refused(planner, arena, message):
    """The verifier raises this."""
    with pytest.raises(PlanError, match=message):
        check_plan(planner, arena)


@pytest.mark.parametrize("static", [(), (1,)])
def test_a_right_plan_passes(static):
    """As it is planned, and as it runs."""
    planner, arena = planned(static=static)
    assert bool(planner.setup) == bool(static)
    check_plan(planner, arena)
    results = check_run(planner, arrays(planner))
    for got, expected in zip(results, planner.graph.run(*arrays(planner)[:2]), strict=True):
        np.testing.assert_allclose(got, expected, 1e-5, 1e-6)


@pytest.mark.parametrize("number", range(4))
def test_a_step_that_is_missing_is_found(number):
    """Without any of its steps a plan reads what no step has written."""
    planner, arena = planned()
    del planner.steps[number]
    refused(planner, arena, "which no step has written")


def test_a_part_that_nobody_wrote_is_found():
    """A place written but for one column is not written."""
    planner, arena = planned(lambda x: np.exp(x) + 1.0, X)
    (step,) = planner.steps
    whole = step.writes[0]
    narrow = whole.viewed((2, 3, 4, 3), whole.strides)
    planner.steps[0] = replace(step, writes=(narrow,))
    refused(planner, arena, "an output lies in .* which no step has written")


def test_a_storage_written_in_parts_is_not_taken_for_fixed():
    """The copy of a parameter beside data belongs to every run; the parameter alone does not."""
    planner, _ = planned(lambda x, p: np.concatenate([x, p], 1), static=(1,))
    assert not planner.setup
    planner, _ = planned(
        lambda x, p: np.concatenate([x, np.concatenate([p, p], 1)], 1), static=(1,)
    )
    assert len(planner.setup) == 2
    setup, steps = split_setup([*planner.setup, *planner.steps], frozenset())
    assert not setup
    assert len(steps) == 4


def test_memory_that_is_shared_is_found():
    """Two blocks that are alive together, moved onto each other or out of the arena."""
    planner, arena = planned()
    largest = max(arena.offsets, key=lambda storage: storage.bytes)
    for storage in arena.offsets:
        if storage is not largest:
            offsets = {**arena.offsets, storage: arena.offsets[largest] + 8}
            with pytest.raises(PlanError, match=r"share memory|is not in the arena"):
                check_plan(planner, Arena(offsets, arena.bytes + 4096))
            break
    refused(planner, Arena(arena.offsets, arena.bytes // 4), "is not in the arena")


def test_a_place_outside_of_its_memory_is_found():
    """One row too many."""
    planner, arena = planned()
    step = planner.steps[0]
    place = step.writes[0]
    longer = Place(place.storage, place.spec, place.strides, place.offset + place.storage.bytes)
    planner.steps[0] = replace(step, writes=(longer,))
    refused(planner, arena, "bytes")


def test_an_address_that_no_place_names_is_found():
    """A kernel is given memory that its step does not name."""
    planner, arena = planned()
    step = planner.steps[0]
    other = Address(Storage("arena", 64))
    planner.steps[0] = replace(step, arguments={**step.arguments, "x5": other})
    refused(planner, arena, "is given x5, which it neither reads nor writes")


def test_reading_what_is_written_is_found():
    """A step that reads a part of what it writes."""
    planner, arena = planned()
    step = planner.steps[0]
    planner.steps[0] = replace(step, reads=(*step.reads, step.writes[0]))
    refused(planner, arena, "reads and writes")


def test_what_is_run_once_stays():
    """A step of every run that writes prepared memory; a prepared step that reads an input."""
    planner, arena = planned(static=(1,))
    writes = planner.setup[0].writes
    planner.steps.append(replace(planner.steps[0], arguments={}, reads=(), writes=writes))
    refused(planner, arena, "prepared once")
    planner, arena = planned(static=(1,))
    planner.setup.append(planner.steps[0])
    refused(planner, arena, "is run once and reads input memory")


@dataclass(frozen=True, kw_only=True)
class EightsArguments(Arguments[T]):
    """Where to write, and how many vectors."""

    x: T
    vectors: T


@dataclass(frozen=True)
class Eights(Kernel):
    """x[i] = 8 for `vectors` whole vectors, whatever there is room for."""

    takes: ClassVar = EightsArguments

    def emit(self, code) -> None:
        a = code.arguments(EightsArguments)
        x = View(code, a.x)
        with code.loop(a.vectors) as v:
            x.moved(code.mul(v, code.lanes * code.size)).store(code.const(8.0), 0)


@pytest.mark.parametrize(("vectors", "fits"), [(1, True), (2, False)])
def test_a_kernel_that_writes_one_vector_too_far_is_caught(vectors, fits):
    """Its plan is right; only running it shows."""
    planner, _ = planned(lambda x: x * 1.0, Spec((1,)))
    lanes = host().lanes("float32")
    spec = Spec((lanes,))
    place = Place(Storage("arena", lanes * 4), spec, layout_strides(spec, "rows"))
    kernel = Eights(host(), "float32")
    planner.step(kernel, EightsArguments(x=place, vectors=vectors), writes=[place])
    if fits:
        check_run(planner, arrays(planner))
    else:
        with pytest.raises(PlanError, match=f"changed byte {4 * lanes} .* it does not name"):
            check_run(planner, arrays(planner))


@pytest.mark.parametrize("share", range(4))
def test_random_plans_change_only_what_they_name(share):
    """Drawn graphs, run step by step in memory full of NaN."""
    for seed in range(12 * share, 12 * share + 12):
        g, graph = draw_graph(seed)
        count = len(graph.inputs) + len(graph.constants)
        planner = Planner(LOWERINGS, graph, ("rows",) * count).run()
        results = check_run(planner, [*g.arrays, *graph.constants.values()])
        for value, got, want in zip(graph.outputs, results, graph.run(*g.arrays), strict=True):
            assert got.dtype == want.dtype
            if value in g.exact:
                np.testing.assert_array_equal(got, want)


def test_batch_normalisation_changes_only_what_it_names():
    """Sums, joins and maps of a training pass."""
    c = Spec((3,))
    planner, arena = planned(
        lambda x, *channel: batch_norm(x, *channel, training=True), X, c, c, c, c
    )
    check_plan(planner, arena)
    check_run(planner, arrays(planner))
