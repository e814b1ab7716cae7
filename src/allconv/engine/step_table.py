"""A plan as the runner takes it: rows and argument blocks, of which every run has a copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allconv.engine import threads as team
from allconv.engine.buffer import aligned
from allconv.engine.cache import load
from allconv.engine.place import Place, Storage
from allconv.engine.runner import Column, Counters, Job, new_table
from allconv.engine.step import Address, DefinitionStep, KernelStep, PlanStep, array_at
from allconv.operators.base import Array


@dataclass(frozen=True)
class _Segment:
    """Steps that are one native call: the first, how many, the scratch memory a thread needs."""

    first: int
    count: int
    scratch: int


class StepTable:
    """The rows of some steps. `number` gives the number under which a storage's memory is known;
    a run of them is `brief` as `threads.Runnable` says."""

    def __init__(
        self, steps: Sequence[PlanStep], number: Callable[[Storage], int], brief: bool = False
    ) -> None:
        self.brief = brief
        self.rows = new_table(max(len(steps), 1))  # ARGS counts from the start of the blocks
        self.number = number
        kernels = [(n, s) for n, s in enumerate(steps) if isinstance(s, KernelStep)]
        self.blocks = np.zeros(sum(len(s.arguments) for _, s in kernels), np.int64)
        where: list[tuple[int, int, int]] = []  # slot, storage, offset
        start = 0
        for row, step in kernels:
            if tuple(step.arguments) != step.kernel.slots:
                raise ValueError(f"{step.kernel.name} takes {step.kernel.slots}")
            self.rows[row, Column.ADDRESS] = load(step.kernel).address
            self.rows[row, Column.ARGS] = 8 * start
            self.rows[row, Column.CHUNKS] = step.chunks
            for slot, argument in enumerate(step.arguments.values(), start):
                if isinstance(argument, Address):
                    where.append((slot, number(argument.storage), argument.offset))
                else:
                    self.blocks[slot] = argument
            start += len(step.arguments)
        for storage in (storage for step in steps for storage in step.storages):
            number(storage)
        addresses = np.array(where, np.int64).reshape(-1, 3).T
        self.slots: NDArray[np.int64] = addresses[0]
        self.storages: NDArray[np.int64] = addresses[1]
        self.offsets: NDArray[np.int64] = addresses[2]
        self.segments = _split(steps)
        self._of: dict[int, list[tuple[int, int]]] = {}

    def arguments_of(self, storage: int) -> list[tuple[int, int]]:
        """The slots of the arguments that lead into a storage, and how far each does."""
        found = self._of.get(storage)
        if found is None:
            here = np.flatnonzero(self.storages == storage)
            pairs = zip(self.slots[here].tolist(), self.offsets[here].tolist(), strict=True)
            found = self._of[storage] = list(pairs)
        return found

    @property
    def bytes(self) -> int:
        """Bytes of the arrays."""
        return self.rows.nbytes + self.blocks.nbytes + 3 * self.slots.nbytes

    def reorder(self, draw: np.random.Generator) -> None:
        """Draw a multiplier coprime to the chunks and an offset, for each step."""
        for row in self.rows:
            chunks = max(int(row[Column.CHUNKS]), 1)
            coprime = [n for n in range(1, min(chunks, 64) + 1) if gcd(n, chunks) == 1]
            row[Column.MULTIPLIER] = draw.choice(coprime)
            row[Column.OFFSET] = draw.integers(chunks)


def _split(steps: Sequence[PlanStep]) -> list[_Segment | DefinitionStep]:
    """Native calls with definitions between them."""
    segments: list[_Segment | DefinitionStep] = []
    first = 0
    for number, step in enumerate([*steps, None]):
        if isinstance(step, KernelStep):
            continue
        if number > first:
            run = [s for s in steps[first:number] if isinstance(s, KernelStep)]
            segments.append(_Segment(first, len(run), max(s.scratch for s in run)))
        if step is not None:
            segments.append(step)
        first = number + 1
    return segments


class Filled:
    """A copy of a table for one run at a time, with argument blocks, rows and counters of its
    own."""

    def __init__(self, table: StepTable) -> None:
        self.table = table
        self._blocks = aligned(table.blocks.nbytes).view(np.int64)
        self._blocks[...] = table.blocks
        self._words = self._blocks.data  # sets one number in a tenth of NumPy's time
        rows = new_table(len(table.rows))
        rows[...] = table.rows
        rows[:, Column.ARGS] += self._blocks.ctypes.data
        counters = Counters(len(rows))
        brief = table.brief
        self.defines = any(isinstance(s, DefinitionStep) for s in table.segments)
        self._segments = [
            s
            if isinstance(s, DefinitionStep)
            else Job(rows, counters, first=s.first, count=s.count, scratch=s.scratch, brief=brief)
            for s in table.segments
        ]

    def point(self, bases: NDArray[np.int64]) -> None:
        """Let the arguments point to the storages, whose addresses are given."""
        table = self.table
        self._blocks[table.slots] = bases[table.storages] + table.offsets

    def move(self, number: int, base: int) -> None:
        """Let the arguments of one storage point to another address."""
        words = self._words
        for slot, offset in self.table.arguments_of(number):
            words[slot] = base + offset

    def run(self, memory: Sequence[Any], threads: int | None) -> None:
        """Run the steps, where they were last pointed to.

        `memory` is all that they read and write; definitions find that of a storage by its number.
        It is kept alive until the last helper has left.
        """
        for segment in self._segments:
            if isinstance(segment, DefinitionStep):
                self._define(segment, memory)
            else:
                team.execute(segment, threads, (self._blocks, memory))

    def _define(self, step: DefinitionStep, memory: Sequence[Any]) -> None:
        def array(place: Place) -> Array:
            held = memory[self.table.number(place.storage)]
            if place.storage.kind in ("input", "output"):
                held = _bytes_of(held)
            return array_at(held, place)

        with np.errstate(all="ignore"):
            results = step.node.operator.define(*(array(place) for place in step.reads))
        for place, result in zip(step.writes, results, strict=True):
            array(place)[...] = result


def _bytes_of(array: Array) -> NDArray[np.uint8]:
    """The memory of an array that is contiguous in some order of its axes."""
    order = np.argsort([-s for s in array.strides], kind="stable")
    return array.transpose(order).reshape(-1).view(np.uint8)
