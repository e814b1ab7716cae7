"""What every plan must satisfy, checked on the plan alone; and, for small plans, as it runs.

`check_plan` holds the places that steps name to each other: each lies inside its storage, nothing
is read that no step has written, what is alive together lies apart. `check_run` holds the kernels
to the places that their steps name: it runs step by step in memory full of NaN and compares all of
it before and after each. Both raise `PlanError`. They are for tests and tools: no run pays for
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from allconv.engine.allocate import Arena, lives
from allconv.engine.buffer import aligned
from allconv.engine.place import Place, Storage
from allconv.engine.plan import Planner
from allconv.engine.step import Address, KernelStep, PlanStep, array_at
from allconv.engine.step_table import Filled, StepTable
from allconv.errors import Error
from allconv.operators.base import Array


class PlanError(Error):
    """A plan that reads what no step has written, or a kernel that writes what its step does not
    name."""


def check_plan(planner: Planner, arena: Arena) -> None:
    """Check the places of all steps; see `PlanError`."""
    written: dict[Storage, NDArray[np.bool_] | None] = {}  # which bytes; None: all of them
    for value in (*planner.graph.inputs, *planner.graph.constants):
        written[planner.places[value].storage] = None
    written.update(dict.fromkeys(planner.constants, None))
    for step in (*planner.setup, *planner.steps):
        _check_step(step)
        for place in step.reads:
            if not _is_written(written, place):
                raise PlanError(
                    f"{step_name(step)} reads {_place_name(place)}, which no step has written"
                )
        for place in step.writes:
            if place.storage.kind in ("input", "constant"):
                raise PlanError(f"{step_name(step)} writes {_place_name(place)}")
            _note(written, place)
    for place in planner.outputs:
        if not _is_written(written, place):
            raise PlanError(f"an output lies in {_place_name(place)}, which no step has written")
    _check_once(planner)
    _check_arena(planner.steps, arena)


def step_name(step: PlanStep) -> str:
    """A step in a message."""
    if isinstance(step, KernelStep):
        return f"the step {step.what!r} ({type(step.kernel).__name__})"
    return f"the definition of {step.node.operator.name}"


def _place_name(place: Place) -> str:
    return f"{place.storage.kind} memory of {place.storage.bytes} bytes, {place}"


def _check_step(step: PlanStep) -> None:
    for place in (*step.reads, *step.writes):
        low, high = _reach(place)
        if low < 0 or high > place.storage.bytes:
            raise PlanError(f"{step_name(step)} names {_place_name(place)}: bytes {low} to {high}")
    if isinstance(step, KernelStep):
        named = set(step.storages)
        for slot, argument in step.arguments.items():
            if isinstance(argument, Address) and argument.storage not in named:
                raise PlanError(
                    f"{step_name(step)} is given {slot}, which it neither reads nor writes"
                )
    for place in step.reads:
        for other in step.writes:
            if place.storage is other.storage and _overlap(place, other):
                raise PlanError(f"{step_name(step)} reads and writes {_place_name(place)}")


def _reach(place: Place) -> tuple[int, int]:
    """The first byte of a place in its storage, and the one after its last."""
    if not place.spec.size:
        return 0, 0
    ends = [stride * (n - 1) for n, stride in zip(place.shape, place.strides, strict=True)]
    low = place.offset + sum(end for end in ends if end < 0)
    return low, place.offset + sum(end for end in ends if end > 0) + place.item


def _overlap(place: Place, other: Place) -> bool:
    marks = np.zeros(place.storage.bytes, bool)
    _bytes(marks, place)[...] = True
    return bool(_bytes(marks, other).any())


def _bytes(marks: NDArray[np.bool_], place: Place) -> NDArray[np.bool_]:
    """The marks of the bytes of a place, in its shape and one more axis."""
    shape, strides = (*place.shape, place.item), (*place.strides, 1)
    return np.ndarray(shape, bool, marks.data, place.offset if place.spec.size else 0, strides)


def _is_whole(place: Place) -> bool:
    """Whether a place is all of its storage."""
    axes = [(n, s) for n, s in zip(place.shape, place.strides, strict=True) if n > 1]
    axes = [(1, place.item), *sorted(axes, key=lambda axis: axis[1])]
    dense = all(inner[0] * inner[1] == outer[1] for inner, outer in pairwise(axes))
    return dense and place.spec.size * place.item == place.storage.bytes


def _is_written(written: dict[Storage, NDArray[np.bool_] | None], place: Place) -> bool:
    if not place.spec.size:
        return True
    if place.storage not in written:
        return False
    marks = written[place.storage]
    return marks is None or bool(_bytes(marks, place).all())


def _note(written: dict[Storage, NDArray[np.bool_] | None], place: Place) -> None:
    if place.storage in written and written[place.storage] is None:
        return
    if _is_whole(place):
        written[place.storage] = None
        return
    marks = written.get(place.storage)
    if marks is None:
        marks = written[place.storage] = np.zeros(place.storage.bytes, bool)
    _bytes(marks, place)[...] = True


def _check_once(planner: Planner) -> None:
    """What is prepared once depends on nothing else, and is not changed afterwards."""
    once = {place.storage for step in planner.setup for place in step.writes}
    static = planner.static
    for step in planner.setup:
        for storage in (place.storage for place in step.reads):
            fixed = storage in once or storage.kind == "constant"
            if not fixed and not (storage.kind == "input" and storage.number in static):
                raise PlanError(f"{step_name(step)} is run once and reads {storage.kind} memory")
    for step in planner.steps:
        for place in step.writes:
            if place.storage in once:
                raise PlanError(
                    f"{step_name(step)} writes {_place_name(place)}, which is prepared once"
                )


def _check_arena(steps: Sequence[PlanStep], arena: Arena) -> None:
    """What is alive together lies apart."""
    life = lives(steps, arena.offsets)
    blocks = sorted(arena.offsets, key=lambda storage: arena.offsets[storage])
    for number, storage in enumerate(blocks):
        start = arena.offsets[storage]
        if start < 0 or start + storage.bytes > arena.bytes:
            raise PlanError(f"a block of {storage.bytes} bytes at {start} is not in the arena")
        for other in blocks[number + 1 :]:
            if arena.offsets[other] >= start + storage.bytes:
                break
            (first, last), (begin, end) = life[storage], life[other]
            if first <= end and begin <= last:
                raise PlanError(f"steps {max(first, begin)} to {min(last, end)} share memory")


def check_run(planner: Planner, operands: Sequence[Array]) -> tuple[Array, ...]:
    """Run a plan step by step, every storage in memory of its own with a margin around it.

    Each step may change only the places that it writes. Returns the outputs, which hold NaN where
    a step read what it should not have.
    """
    memory = _Memory(planner, operands)
    for step in (*planner.setup, *planner.steps):
        memory.run(step)
    return tuple(
        np.array(array_at(memory.bytes_of(place.storage), place)) for place in planner.outputs
    )


class _Memory:
    """A block of memory for each storage, with a margin on both sides."""

    margin = 256

    def __init__(self, planner: Planner, operands: Sequence[Array]) -> None:
        self._planner = planner
        self._blocks: dict[Storage, NDArray[np.uint8]] = {}
        values = (*planner.graph.inputs, *planner.graph.constants)
        for value, operand in zip(values, operands, strict=True):
            place = planner.places[value]
            array_at(self.bytes_of(place.storage), place)[...] = operand
        for storage, array in planner.constants.items():
            self.bytes_of(storage)[...] = array.reshape(-1).view(np.uint8)

    def bytes_of(self, storage: Storage) -> NDArray[np.uint8]:
        """The bytes of a storage, all 255 at first: NaN, or -1."""
        if storage not in self._blocks:
            self._blocks[storage] = aligned(storage.bytes + 2 * self.margin)
            self._blocks[storage][...] = 255
        return self._blocks[storage][self.margin : self.margin + storage.bytes]

    def run(self, step: PlanStep) -> None:
        """Run a step and compare all memory before and after."""
        numbers: dict[Storage, int] = {}
        table = StepTable([step], lambda storage: numbers.setdefault(storage, len(numbers)))
        memory = [self.bytes_of(storage) for storage in numbers]
        bases = np.array([each.ctypes.data for each in memory], np.int64)
        before = {storage: block.copy() for storage, block in self._blocks.items()}
        filled = Filled(table)
        filled.point(bases)
        filled.run(memory, 1)
        for storage, change in self._changes(before):
            allowed = np.zeros(storage.bytes + 2 * self.margin, bool)
            for place in step.writes:
                if place.storage is storage:
                    _bytes(allowed[self.margin :], place)[...] = True
            stray = np.flatnonzero(change & ~allowed)
            if stray.size:
                where = int(stray[0]) - self.margin
                raise PlanError(
                    f"{step_name(step)} changed byte {where} of {storage.kind} memory of "
                    f"{storage.bytes} bytes, which it does not name ({stray.size} bytes in all)"
                )

    def _changes(
        self, before: dict[Storage, NDArray[np.uint8]]
    ) -> Iterator[tuple[Storage, NDArray[np.bool_]]]:
        for storage, block in self._blocks.items():
            yield storage, block != before[storage]
