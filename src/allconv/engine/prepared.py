"""A plan made ready: what its runs share, and what each run borrows.

Shared, and never changed by a run: the table, the memory that constants and bound weights lie in.
What is made of weights is kept with them (see `weights`), what is made of constants alone here.
Borrowed for one run and given back: a run state (addresses, argument blocks, counters) and the
memory between steps. Lists of what can be borrowed change by single operations, so a second caller,
a signal handler or a forked child never waits: each takes another state. A run that is broken off
gives nothing back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray

from allconv.engine import memory as lent
from allconv.engine.allocate import allocate
from allconv.engine.array_layout import in_rows
from allconv.engine.buffer import NOTHING, Block, addresses_of, aligned
from allconv.engine.place import Place, Storage
from allconv.engine.plan import Planner
from allconv.engine.plan_text import PlanText, StepLine
from allconv.engine.step import KernelStep, PlanStep, array_at
from allconv.engine.step_table import Filled, StepTable
from allconv.engine.weights import Weights, needed, recipes
from allconv.operators.base import Array

STATES = 8  # kept for callers at the same time
PART = 16 * 1024 * 1024  # bytes that steps touch which are prepared together

on_prepare: list[Callable[[PreparedPlan], None]] = []
"""Called with each plan that is made ready, on the thread that plans."""


class PreparedPlan:
    """A plan with its table. `fixed` are constants of the graph that are bound once, by number;
    `threads` may run it (None: as many as the process uses); `brief` is as `threads.Runnable`
    says."""

    def __init__(
        self,
        planner: Planner,
        fixed: Mapping[int, Array],
        threads: int | None,
        brief: bool,
    ) -> None:
        self.planner = planner
        self.threads = threads
        self._fixed = fixed
        numbers: dict[Storage, int] = {}
        self.table = StepTable(planner.steps, _numbering(numbers), brief)
        self.numbers = numbers
        self._order = sorted(planner.static.difference(fixed))
        self._recipes = recipes(planner.setup, self._order, fixed, planner.constants)
        made = {place.storage for step in planner.setup for place in step.writes}
        self._kept = [storage for storage in numbers if storage in made]
        self._own: dict[Storage, Array] = {}  # prepared from constants alone
        between = [s for s in numbers if s.kind == "arena" and s not in made]
        self.arena = allocate(planner.steps, between)
        pairs = [(numbers[s], offset) for s, offset in self.arena.offsets.items()]
        self._between = np.array(pairs, np.int64).reshape(-1, 2).T
        by_input = {s.number: n for s, n in numbers.items() if s.kind == "input"}
        by_output = {s.number: n for s, n in numbers.items() if s.kind == "output"}
        operands = range(len(planner.graph.inputs) + len(planner.graph.constants))
        free = [by_input.get(number) for number in operands if number not in planner.static]
        self._places = [*free, *map(by_output.get, range(len(planner.outputs)))]
        self._static = [(n, k) for k, n in by_input.items() if k in planner.static]
        self._new = [_maker(place) for place in planner.outputs]
        self._memory: list[Any] = [planner.constants.get(s) for s in numbers]
        self._bound: WeakKeyDictionary[Weights, _Bound] = WeakKeyDictionary()
        self._alone: _Bound | None = None  # without weights
        self._newest: Callable[[], _Bound | None] = _nothing  # of the run before
        self._idle: deque[_State] = deque(maxlen=STATES)
        for notify in on_prepare:
            notify(self)

    @property
    def bytes(self) -> int:
        """Bytes that it holds, the memory between steps and prepared weights not counted."""
        arrays = (*self.planner.constants.values(), *tuple(self._own.values()))
        return sum(array.nbytes for array in arrays) + self.table.bytes * (1 + len(self._idle))

    def run(
        self,
        given: Sequence[Array],
        weights: Weights | None,
        out: Sequence[Array | None] | None,
    ) -> tuple[Array, ...]:
        """Run on arrays that lie as planned, in the order of the operands that are not bound; those
        in `out` receive the outputs."""
        results = [new() for new in self._new] if out is None else self._results(out)
        bound = self._newest()
        if bound is None or bound.weights() is not weights:
            bound = self._bind(weights)
        arena = lent.borrow(self.arena.bytes) if self.arena.offsets else NOTHING
        try:
            state = self._idle.pop()
        except IndexError:
            state = _State(self.table, self._places, self._between)
        state.run(bound, arena, [*given, *results], self.threads)
        self._idle.append(state)
        if arena is not NOTHING:
            lent.give_back(arena)
        return tuple(results) if out is None else _filled(out, results)

    def _bind(self, weights: Weights | None) -> _Bound:
        """The memory that every run on these weights reads, made at first use."""
        bound = self._alone if weights is None else self._bound.get(weights)
        if bound is None:
            bound = _Bound(self._memory_with(weights), weights)
            if weights is None:
                self._alone = bound
            else:
                self._bound[weights] = bound
        self._newest = ref(bound)
        return bound

    def _memory_with(self, weights: Weights | None) -> list[Array | None]:
        """By number: constants, weights, and what these alone decide, which is prepared now where
        it is not there yet."""
        arrays = dict(self._fixed)
        shared: dict[str, Array] = {}
        if weights is not None:
            bound = zip(self._order, weights.operands, strict=True)
            arrays |= {number: operand.array for number, operand in bound}
            shared = weights.prepared

        def found(storage: Storage) -> Array | None:
            recipe = self._recipes.get(storage)
            return self._own.get(storage) if recipe is None else shared.get(recipe)

        missing = {storage for storage in self._kept if found(storage) is None}
        if missing:
            for storage, array in self._prepare(arrays, missing).items():
                if storage in self._recipes:
                    shared.setdefault(self._recipes[storage], array)
                else:
                    self._own.setdefault(storage, array)
        memory: list[Array | None] = list(self._memory)
        for storage in self._kept:
            memory[self.numbers[storage]] = found(storage)
        for number, operand in self._static:
            array = arrays[operand]
            memory[number] = in_rows(array) if operand in self._fixed else array
        return memory

    def _prepare(
        self, operands: Mapping[int, Array], missing: set[Storage]
    ) -> dict[Storage, Array]:
        """Run the steps that fill this memory, some at a time: what no later one reads is freed."""
        steps = needed(self.planner.setup, missing)
        last = {storage: n for n, step in enumerate(steps) for storage in step.storages}
        held: dict[Storage, Array] = {}
        for first, end in _spans(steps, PART):
            numbers: dict[Storage, int] = {}
            table = StepTable(steps[first:end], _numbering(numbers))
            held |= {s: self._source(s, operands) for s in numbers if s not in held}
            memory = [held[storage] for storage in numbers]
            filled = Filled(table)
            filled.point(np.array([each.ctypes.data for each in memory], np.int64))
            filled.run(memory, None)
            held = {s: array for s, array in held.items() if s in missing or last[s] >= end}
        return held

    def _source(self, storage: Storage, operands: Mapping[int, Array]) -> Array:
        """What a step that prepares reads in a storage, or fresh memory."""
        if storage.kind != "input":
            known = self.planner.constants.get(storage)
            return aligned(storage.bytes) if known is None else known
        array = operands[storage.number]
        return in_rows(array) if storage.number in self._fixed else array

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


def _numbering(numbers: dict[Storage, int]) -> Callable[[Storage], int]:
    """Gives each storage a number when it is first met."""
    return lambda storage: numbers.setdefault(storage, len(numbers))


def _spans(steps: Sequence[PlanStep], most: int) -> Iterator[tuple[int, int]]:
    """Spans of steps (first, end), each of which touches about `most` bytes."""
    first, size = 0, 0
    seen: set[Storage] = set()
    for number, step in enumerate(steps, 1):
        size += sum(storage.bytes for storage in set(step.storages) - seen)
        seen.update(step.storages)
        if size >= most or number == len(steps):
            yield first, number
            first, size = number, 0


def _filled(out: Sequence[Array | None], results: Sequence[Array]) -> tuple[Array, ...]:
    """The results, those with an array in `out` copied into it."""
    for target, result in zip(out, results, strict=True):
        if target is not None and target is not result:
            target[...] = result
    pairs = zip(out, results, strict=True)
    return tuple(result if target is None else target for target, result in pairs)


def _nothing() -> None:
    return None


class _Bound:
    """Memory by number, as far as it is the same in every run on these weights, and its addresses.

    It keeps no weights alive, and is itself known by weak references where it must not be kept.
    """

    def __init__(self, memory: list[Array | None], weights: Weights | None) -> None:
        self.memory = memory
        self.weights: Callable[[], Weights | None] = _nothing if weights is None else ref(weights)
        known = [(n, array.ctypes.data) for n, array in enumerate(memory) if array is not None]
        self.addresses = np.array(known, np.int64).reshape(-1, 2).T


class _State:
    """What one run at a time changes: where every storage lies, and the filled table.

    `places` are the numbers of the arrays of a call (None: no step touches it), `between` numbers
    and offsets of the memory between steps.
    """

    def __init__(
        self, table: StepTable, places: Sequence[int | None], between: NDArray[np.int64]
    ) -> None:
        self._filled = Filled(table)
        self._places = places
        self._between = between
        self._bound: Callable[[], _Bound | None] = _nothing
        self._at: list[int] = []  # addresses of the run before: often those of the next one

    def run(
        self, bound: _Bound, arena: Block, arrays: Sequence[Array], threads: int | None
    ) -> None:
        """Run on the arrays of a call, with this memory between steps."""
        at = [arena.address, *addresses_of(arrays)]
        if at != self._at or self._bound() is not bound:
            self._point(bound, at)
        filled = self._filled
        held = self._memory(bound, arena, arrays) if filled.defines else (bound, arena, arrays)
        filled.run(held, threads)

    def _point(self, bound: _Bound, at: list[int]) -> None:
        """Write the addresses that have changed since the run before into the argument blocks."""
        before, self._at = self._at, []  # if this is broken off nothing is known
        arrays = zip(self._places, at[1:], strict=True)
        if self._bound() is bound and before[:1] == at[:1]:
            for (number, address), old in zip(arrays, before[1:], strict=True):
                if address != old and number is not None:
                    self._filled.move(number, address)
        else:
            bases = np.zeros(len(bound.memory), np.int64)
            known, addresses = bound.addresses
            bases[known] = addresses
            numbers, offsets = self._between
            bases[numbers] = offsets + at[0]
            for number, address in arrays:
                if number is not None:
                    bases[number] = address
            self._filled.point(bases)
            self._bound = ref(bound)
        self._at = at

    def _memory(self, bound: _Bound, arena: Block, arrays: Sequence[Array]) -> list[Any]:
        """The memory of every storage, by number."""
        memory: list[Any] = list(bound.memory)
        for number, array in zip(self._places, arrays, strict=True):
            if number is not None:
                memory[number] = array
        for number, offset in self._between.T.tolist():
            memory[number] = arena.memory[offset:]
        return memory


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
