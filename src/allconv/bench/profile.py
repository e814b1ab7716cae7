"""Where the time of a run goes: each step of a program timed alone, with what it computes.

A program hands its steps to `threads.execute` as a `Job` on rows of a table; while a profile is
made, each row is handed on as a job of its own. So with several threads each step also pays for
waking them, and small steps look dearer than they are among others.

Of the engine this uses `threads.execute`, `runner.Job` (table, counters, first, count, scratch),
`Program.steps()`, and of the plan the steps' `what`, `path`, `kernel`, `chunks`, `reads` and
`writes`, and `places`, which says where the values of the graph lie.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TypeAlias

from allconv.engine import threads as team
from allconv.engine.place import Place, Storage, size_in_bytes
from allconv.engine.plan import Planner
from allconv.engine.program import Program
from allconv.engine.runner import Job
from allconv.engine.step import KernelStep, PlanStep
from allconv.graph import Graph
from allconv.value import Value

Where: TypeAlias = tuple[Storage, int]
"""Memory of a value: values that lie inside of one storage differ in their offset."""

WHOLE = "whole call"
OUTSIDE = "outside of the steps"


@dataclass
class ProfileRow:
    """Steps that make one value: a row of the profile."""

    what: str
    layer: str
    kernels: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    chunks: int = 0
    multiply_adds: int = 0
    touched: dict[Where, int] = field(default_factory=dict)  # bytes

    def data(self, seconds: float) -> dict[str, Any]:
        """As plain data."""
        return {
            "what": self.what,
            "layer": self.layer,
            "kernels": " ".join(dict.fromkeys(self.kernels)),
            "steps": len(self.steps),
            "chunks": self.chunks,
            "multiply_adds": self.multiply_adds,
            "bytes": sum(self.touched.values()),
            "seconds": seconds,
        }


def profile_call(
    program: Program, call: Callable[[], object], repeats: int
) -> list[dict[str, Any]]:
    """Run `call`, which runs `program` alone, so many times; a row a part, medians in seconds.

    The last two rows are the whole call without any profile, and what its steps leave of it: the
    way in and out through Python, and steps that run by their definitions.
    """
    call()
    whole = median(_timed(call) for _ in range(repeats))
    runs: list[dict[int, float]] = []
    outside = []
    for _ in range(repeats):
        with steps_timed() as seconds:
            total = _timed(call)
        runs.append(dict(seconds))
        outside.append(total - sum(seconds.values()))
    times = {step: median(run[step] for run in runs) for step in runs[0]}
    planner = next(iter(program._prepared.values())).planner
    rows = [
        part.data(sum(times.get(step, 0.0) for step in part.steps))
        for part in profile_rows(planner.graph, planner.steps, planner)
    ]
    ends = ((OUTSIDE, median(outside)), (WHOLE, whole))
    return [*rows, *(ProfileRow(what, "").data(seconds) for what, seconds in ends)]


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@contextmanager
def steps_timed() -> Iterator[dict[int, float]]:
    """Within, steps run one by one; yields seconds by their numbers in the plan."""
    seconds: dict[int, float] = {}
    execute = team.execute

    def one_by_one(work: Any, threads: int | None = None, holding: object = None) -> None:
        for number in range(work.first, work.first + work.count):
            step = Job(work.table, work.counters, first=number, count=1, scratch=work.scratch)
            start = time.perf_counter()
            execute(step, threads, holding)
            seconds[number] = seconds.get(number, 0.0) + time.perf_counter() - start

    team.execute = one_by_one
    try:
        yield seconds
    finally:
        team.execute = execute


def profile_rows(graph: Graph, steps: Sequence[PlanStep], planner: Planner) -> list[ProfileRow]:
    """The steps by the value that they make, in the order in which each begins.

    A step belongs to the last value in the graph whose memory it is the first to touch; one that
    begins no value, packing say, to the part of the step that touches its memory next.
    """
    order, costs = _memory_of_values(graph, planner.places)
    begun = _begun(steps)
    owners: list[Where | None] = []
    later: dict[Where, Where | None] = {}  # whom memory that holds no value works for
    for step, new in zip(reversed(steps), reversed(begun), strict=True):
        touched = [_where(place) for place in (*step.reads, *step.writes)]
        known = [where for where in new or touched if where in order]
        temporary = [where for where in new if where in later]
        owner = max(known, key=order.__getitem__) if known else None
        if owner is None and temporary:
            owner = later[temporary[0]]
        owners.append(owner)
        later |= {where: owner for where in touched if where not in order}
    found: dict[Where | None, ProfileRow] = {}
    for number, (step, owner) in enumerate(zip(steps, reversed(owners), strict=True)):
        if owner not in found:
            found[owner] = _part(step)
            found[owner].multiply_adds = costs.get(owner, 0) if owner else 0
        _add(found[owner], number, step)
    return list(found.values())


def _where(place: Place) -> Where:
    return place.storage, place.offset


def _begun(steps: Sequence[PlanStep]) -> list[list[Where]]:
    """For each step the memory that no step before it touches."""
    seen: set[Where] = set()
    begun = []
    for step in steps:
        touched = [_where(place) for place in (*step.reads, *step.writes)]
        begun.append([where for where in touched if where not in seen])
        seen.update(touched)
    return begun


def _memory_of_values(
    graph: Graph, places: Mapping[Value, Place]
) -> tuple[dict[Where, int], dict[Where, int]]:
    """By memory: the number of the first node whose value lies there, and what is computed there.

    A value that lies nowhere is computed on the way to its user's.
    """
    order: dict[Where, int] = {}
    costs: dict[Where, int] = {}
    users = graph.users()
    pending: dict[Value, int] = {}
    for number, node in enumerate(graph.nodes):
        cost = node.operator.cost(*(value.spec for value in node.inputs))
        cost += sum(pending.pop(value, 0) for value in node.inputs)
        value = node.outputs[0]
        if value in places:
            where = _where(places[value])
            order.setdefault(where, number)
            costs[where] = costs.get(where, 0) + cost
        elif users.get(value):
            pending[value] = cost
    return order, costs


def _part(step: PlanStep) -> ProfileRow:
    if isinstance(step, KernelStep):
        return ProfileRow(step.what, step.path)
    return ProfileRow(step.node.operator.name, step.node.path)


def _add(part: ProfileRow, number: int, step: PlanStep) -> None:
    part.steps.append(number)
    for place in (*step.reads, *step.writes):
        size = size_in_bytes(place.spec)
        part.touched[_where(place)] = max(size, part.touched.get(_where(place), 0))
    if isinstance(step, KernelStep):
        part.kernels.append(type(step.kernel).__name__)
        part.chunks += step.chunks
    else:
        part.kernels.append("BY DEFINITION")
        part.chunks += 1
