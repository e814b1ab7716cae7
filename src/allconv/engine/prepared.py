"""A plan made ready: what its runs share, and what each run borrows.

Shared, and never changed by a run: the table, the memory that constants and bound weights lie in.
Borrowed for one run and given back: a run state (addresses, argument blocks, counters) and the
memory between steps. Lists of what can be borrowed change by single operations, so a second caller,
a signal handler or a forked child never waits: it takes another state. A run that is broken off
gives nothing back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray

from allconv.engine import memory as lent
from allconv.engine.allocate import allocate
from allconv.engine.buffer import Block, aligned
from allconv.engine.place import Place, Storage
from allconv.engine.plan import Planner
from allconv.engine.plan_text import PlanText, StepLine
from allconv.engine.step import KernelStep, PlanStep, array_at
from allconv.engine.table import Filled, Table
from allconv.engine.weights import Weights, needed, recipes
from allconv.operators.base import Array

STATES = 8  # kept for callers at the same time

on_prepare: list[Callable[[Prepared], None]] = []
"""Called with each plan that is made ready, on the thread that plans."""


class Prepared:
    """A plan with its table. `threads` may run it (None: as many as the process uses)."""

    def __init__(self, planner: Planner, threads: int | None) -> None:
        self.planner = planner
        self.threads = threads
        numbers: dict[Storage, int] = {}
        self.table = Table(planner.steps, lambda s: numbers.setdefault(s, len(numbers)))
        self.numbers = numbers
        self._recipes = recipes(planner.prologue, sorted(planner.static), planner.constants)
        self._kept = [storage for storage in self._recipes if storage in numbers]
        self._own: dict[str, Array] = {}  # prepared from constants alone
        between = [s for s in numbers if s.kind == "arena" and s not in self._recipes]
        self.arena = allocate(planner.steps, between)
        pairs = [(numbers[s], offset) for s, offset in self.arena.offsets.items()]
        self._between = np.array(pairs, np.int64).reshape(-1, 2).T
        inputs = [(n, s.number) for s, n in numbers.items() if s.kind == "input"]
        self._given = [(n, number) for n, number in inputs if number not in planner.static]
        self._static = [(n, number) for n, number in inputs if number in planner.static]
        self._outputs = {s.number: n for s, n in numbers.items() if s.kind == "output"}
        self._new = [_maker(place) for place in planner.outputs]
        self._memory: list[Any] = [planner.constants.get(s) for s in numbers]
        self._bound: WeakKeyDictionary[Weights, _Bound] = WeakKeyDictionary()
        self._alone: _Bound | None = None  # without static inputs
        self._idle: deque[_State] = deque(maxlen=STATES)
        for notify in on_prepare:
            notify(self)

    @property
    def bytes(self) -> int:
        """Bytes that it holds, the memory between steps and prepared weights not counted."""
        constants = sum(array.nbytes for array in self.planner.constants.values())
        return constants + self.table.bytes * (1 + len(self._idle))

    def run(
        self,
        given: Mapping[int, Array],
        weights: Weights | None,
        out: Sequence[Array | None] | None,
    ) -> tuple[Array, ...]:
        """Run on arrays that lie as planned, by number of the input; arrays in `out` receive the
        outputs."""
        results = [new() for new in self._new] if out is None else self._results(out)
        places = [(number, given[operand]) for number, operand in self._given]
        places += [(number, results[output]) for output, number in self._outputs.items()]
        bound = self._alone if weights is None else self._bound.get(weights)
        if bound is None:
            bound = self._bind(weights)
        arena = lent.borrow(self.arena.bytes)
        state = self._borrow()
        state.run(bound, arena, self._between, places, self.threads)
        self._idle.append(state)
        lent.give_back(arena)
        if out is not None:
            for target, result in zip(out, results, strict=True):
                if target is not None and target is not result:
                    target[...] = result
            pairs = zip(out, results, strict=True)
            results = [result if target is None else target for target, result in pairs]
        return tuple(results)

    def _borrow(self) -> _State:
        try:
            return self._idle.pop()
        except IndexError:
            return _State(self.table, len(self._memory))

    def _bind(self, weights: Weights | None) -> _Bound:
        """The memory that every run on these weights reads: themselves, and what they alone decide,
        which is prepared now where it is not there yet."""
        order = sorted(self.planner.static)
        static = dict(zip(order, weights.operands, strict=True)) if weights is not None else {}
        arrays = {number: operand.array for number, operand in static.items()}
        store = self._own if weights is None else weights.prepared
        missing = {s for s in self._kept if self._recipes[s] not in store}
        if missing:
            for storage, array in self._prepare(arrays, missing).items():
                store.setdefault(self._recipes[storage], array)
        memory = list(self._memory)
        for storage in self._kept:
            memory[self.numbers[storage]] = store[self._recipes[storage]]
        for number, operand in self._static:
            memory[number] = arrays[operand]
        bound = _Bound(memory)
        if weights is None:
            self._alone = bound
        else:
            self._bound[weights] = bound
        return bound

    def _prepare(
        self, operands: Mapping[int, Array], missing: set[Storage]
    ) -> dict[Storage, Array]:
        """Run the steps that fill this memory."""
        steps = needed(self.planner.prologue, missing)
        numbers: dict[Storage, int] = {}
        table = Table(steps, lambda storage: numbers.setdefault(storage, len(numbers)))
        memory: list[Any] = []
        for storage in numbers:
            if storage.kind == "input":
                memory.append(operands[storage.number])
            else:
                known = self.planner.constants.get(storage)
                memory.append(aligned(storage.bytes) if known is None else known)
        bases = np.array([each.ctypes.data for each in memory], np.int64)
        filled = Filled(table)
        filled.point(bases)
        filled.run(memory, None)
        return {storage: memory[numbers[storage]] for storage in missing}

    def _results(self, out: Sequence[Array | None]) -> list[Array]:
        """Arrays that kernels write into: those of `out` where they can."""
        return [
            new() if given is None or not _lies_at(given, place) else given
            for given, new, place in zip(out, self._new, self.planner.outputs, strict=True)
        ]

    def reorder(self, seed: int) -> None:
        """Another order of the chunks of every step."""
        self.table.reorder(np.random.default_rng(seed))
        self._idle.clear()

    def describe(self) -> PlanText:
        """The steps as a table."""
        return PlanText([_line(step) for step in self.planner.steps])


def _line(step: PlanStep) -> StepLine:
    if isinstance(step, KernelStep):
        return StepLine(step.what, type(step.kernel).__name__, step.chunks, step.why, step.path)
    return StepLine(step.node.operator.name, "BY DEFINITION", 1, layer=step.node.path)


class _Bound:
    """Memory by number, as far as it is the same in every run, and its addresses."""

    def __init__(self, memory: list[Array | None]) -> None:
        self.memory = memory
        known = [(n, array.ctypes.data) for n, array in enumerate(memory) if array is not None]
        self.addresses = np.array(known, np.int64).reshape(-1, 2).T


class _State:
    """What one run at a time changes: where every storage lies, and the filled table."""

    def __init__(self, table: Table, count: int) -> None:
        self._filled = Filled(table)
        self._bases = np.zeros(count, np.int64)
        self._bound: Callable[[], _Bound | None] = lambda: None  # it is not kept alive here
        self._at: list[int] = []  # the addresses of the run before: often those of the next one

    def run(
        self,
        bound: _Bound,
        arena: Block,
        between: NDArray[np.int64],
        places: Sequence[tuple[int, Array]],
        threads: int | None,
    ) -> None:
        """Run with memory between steps at these offsets of an arena, and arrays by number."""
        memory = [*bound.memory, arena.memory]
        at = [arena.address]
        for number, array in places:
            at.append(array.__array_interface__["data"][0])
            memory[number] = array
        before, self._at = self._at, []
        if self._bound() is bound and before[:1] == at[:1]:
            for (number, _), old, new in zip(places, before[1:], at[1:], strict=True):
                if old != new:
                    self._filled.move(number, new)
        else:
            bases, (numbers, offsets) = self._bases, between
            known, addresses = bound.addresses
            bases[known] = addresses
            bases[numbers] = offsets + arena.address
            bases[[number for number, _ in places]] = at[1:]
            self._filled.point(bases)
            self._bound = ref(bound)
        self._at = at
        if self._filled.defines:
            for number, offset in between.T.tolist():
                memory[number] = arena.memory[offset:]
        self._filled.run(memory, threads)


def _maker(place: Place) -> Callable[[], Array]:
    """What makes an array that lies as a place does, with memory of its own."""
    order = sorted(range(len(place.shape)), key=lambda axis: -place.strides[axis])
    shape, dtype = tuple(place.shape[axis] for axis in order), np.dtype(place.spec.dtype)
    back = tuple(np.argsort(order).tolist())
    sample = np.empty(shape, dtype).transpose(back)
    if place.offset or sample.nbytes != place.storage.bytes or not _lies_at(sample, place):
        return lambda: array_at(np.empty(max(place.storage.bytes, 1), np.uint8), place)
    if back == tuple(range(len(back))):
        return lambda: np.empty(shape, dtype)
    return lambda: np.empty(shape, dtype).transpose(back)


def _lies_at(array: Array, place: Place) -> bool:
    """Whether kernels can write what belongs at a place straight into an array."""
    alike = array.shape == place.shape and array.strides == place.strides
    return alike and array.flags.aligned and array.dtype.isnative
