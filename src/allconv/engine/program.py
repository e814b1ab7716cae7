"""Programs: graphs made ready to run."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allconv.engine import threads as team
from allconv.engine.buffer import aligned
from allconv.engine.cache import load
from allconv.engine.place import Place, Storage, size_in_bytes
from allconv.engine.plan import (
    Address,
    DefinitionStep,
    KernelStep,
    Planner,
    PlanStep,
    array_at,
    assign_arena,
)
from allconv.engine.runner import Column, Counters, Job, new_table
from allconv.errors import ArgumentError, LimitError, ShapeError
from allconv.graph import Graph
from allconv.operators.base import Array, Spec, dtype_name
from allconv.rewrite.full_window import full_window

ALONE = 0.3e-3  # seconds below which waking other threads costs more than they help


class Program:
    """A graph made ready to run on arrays of its shapes.

    The arrays of a call are the inputs of the graph, then (unless `bound`) its constants. Inputs
    numbered in `static` are given once, by `bind`; what depends on them alone is computed then.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        threads: int | None = None,
        exact: bool = False,
        static: Sequence[int] = (),
    ) -> None:
        self.graph = graph = full_window(graph)
        self.threads = None if threads is None else team.check_threads(threads)
        self.exact = exact
        self.static = frozenset(static)
        self._constants = list(graph.constants.values())
        self._bound: dict[int, Array] = {}
        self._prepared: dict[tuple[str, ...], _Prepared] = {}
        self._lock = threading.Lock()
        _programs.add(self)

    def bind(self, arrays: dict[int, Array]) -> None:
        """Give the static inputs, by number; they are kept, not copied."""
        if set(arrays) != self.static:
            raise ArgumentError(f"inputs {sorted(self.static)} are static, {sorted(arrays)} given")
        with self._lock:
            self._bound = dict(arrays)
            for prepared in self._prepared.values():
                prepared.fresh = False

    def __call__(
        self,
        *arrays: Array,
        constants: Sequence[Array] | None = None,
        out: Sequence[Array | None] | None = None,
    ) -> tuple[Array, ...]:
        """Run on the inputs that are not static; arrays in `out` receive the outputs."""
        given = iter(arrays)
        wanted = len(self.graph.inputs)
        if len(arrays) + len(self._bound) != wanted:
            raise ShapeError(f"{wanted - len(self.static)} arrays are wanted, {len(arrays)} given")
        operands = [self._bound[n] if n in self._bound else next(given) for n in range(wanted)]
        operands += self._constants if constants is None else constants
        ready, layouts = self._border(operands)
        try:
            with self._lock:
                return self.prepare(layouts).run(ready, out)
        except MemoryError:
            shapes = ", ".join(str(value.spec) for value in self.graph.outputs)
            raise LimitError(
                f"there is not memory enough for {shapes} and what leads there"
            ) from None

    def prepare(self, layouts: tuple[str, ...] | None = None) -> _Prepared:
        """The plan for inputs that lie in these layouts, made at first use."""
        if layouts is None:
            layouts = ("rows",) * (len(self.graph.inputs) + len(self._constants))
        prepared = self._prepared.get(layouts)
        if prepared is None:
            prepared = _Prepared(self, layouts)
            self._prepared[layouts] = prepared
        return prepared

    def plan(self) -> str:
        """The steps as a table."""
        prepared = next(iter(self._prepared.values()), None) or self.prepare()
        return prepared.describe()

    def steps(self) -> list[PlanStep]:
        """The steps of a run, for tests and tools."""
        return list((next(iter(self._prepared.values()), None) or self.prepare()).planner.steps)

    def reorder(self, seed: int) -> None:
        """Run the chunks of every step in an order drawn from a seed (for tests of the promise
        that no order changes a bit)."""
        for prepared in self._prepared.values() or [self.prepare()]:
            prepared.reorder(seed)

    def _border(self, operands: Sequence[Array]) -> tuple[list[Array], tuple[str, ...]]:
        """Arrays as kernels can read them, with the layout of each: the only copies at the border.

        Row-major and channels-last memory is read in place; anything else (misaligned,
        byte-swapped, other strides) is copied to row-major order.
        """
        values = (*self.graph.inputs, *self.graph.constants)
        ready, layouts = [], []
        for number, (value, array) in enumerate(zip(values, operands, strict=True)):
            if array.shape != value.shape or dtype_name(array.dtype) != value.dtype:
                name = value.name or f"input {number}"
                raise ShapeError(f"{name} is {Spec.of(array)}; this was made for {value.spec}")
            flags = array.flags
            if not (flags.c_contiguous and flags.aligned and array.dtype.isnative):
                if _is_last(array):
                    ready.append(array)
                    layouts.append("last")
                    continue
                array = np.array(array, dtype=value.dtype, order="C")
            ready.append(np.asarray(array))
            layouts.append("rows")
        return ready, tuple(layouts)


def _is_last(array: Array) -> bool:
    """Whether an array is a view of channels-last memory."""
    return (
        array.ndim > 2
        and array.flags.aligned
        and array.dtype.isnative
        and np.moveaxis(array, 1, -1).flags.c_contiguous
    )


def _lies_at(array: Array, place: Place) -> bool:
    """Whether kernels can write what belongs at a place straight into an array."""
    alike = array.shape == place.shape and array.strides == place.strides
    return alike and array.flags.aligned and array.dtype.isnative


def predicted_seconds(graph: Graph) -> float:
    """A rough forecast of a run on one thread, from the arithmetic and the memory it touches."""
    touched = sum(size_in_bytes(value.spec) for node in graph.nodes for value in node.outputs)
    return graph.cost() / 50e9 + touched / 10e9


_programs: weakref.WeakSet[Program] = weakref.WeakSet()


def _renew_locks() -> None:
    """In a forked child a thread that is not there may hold a lock."""
    for program in _programs:
        program._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


class _Prepared:
    """A plan with its memory, argument blocks and table."""

    def __init__(self, program: Program, layouts: tuple[str, ...]) -> None:
        images = [v.spec.rank > 2 for v in (*program.graph.inputs, *program.graph.constants)]
        of_rank = [layout for layout, image in zip(layouts, images, strict=True) if image]
        keep_last = "last" in of_rank or not of_rank
        self.program = program
        self.planner = Planner(
            program.graph, layouts, program.static, keep_last, program.exact
        ).run()
        self.fresh = not program.static and not self.planner.prologue
        self.threads = 1 if predicted_seconds(program.graph) < ALONE else program.threads
        self._arena = aligned(assign_arena(self.planner.steps))
        self._storages: dict[Storage, int] = {}
        self._kept: list[Array] = []
        self._main = _Table(self.planner.steps, self)
        self._prologue = _Table(self.planner.prologue, self)
        self._bases = np.zeros(len(self._storages), np.int64)
        self._memory: list[Any] = [None] * len(self._storages)
        for storage, number in self._storages.items():
            self._place(storage, number)
        self._inputs = [(n, s.number) for s, n in self._storages.items() if s.kind == "input"]
        self._outputs = {s.number: n for s, n in self._storages.items() if s.kind == "output"}

    def number(self, storage: Storage) -> int:
        """The number under which a storage's address is kept."""
        return self._storages.setdefault(storage, len(self._storages))

    def _place(self, storage: Storage, number: int) -> None:
        if storage.kind == "arena":
            self._memory[number] = self._arena[storage.offset : storage.offset + storage.bytes]
            self._bases[number] = self._arena.ctypes.data + storage.offset
        elif storage.kind in ("kept", "constant"):
            memory = self.planner.constants.get(storage)
            memory = aligned(storage.bytes) if memory is None else memory
            self._memory[number] = memory
            self._bases[number] = memory.ctypes.data

    def run(
        self, operands: Sequence[Array], out: Sequence[Array | None] | None
    ) -> tuple[Array, ...]:
        """Run on arrays that lie as planned."""
        for number, operand in self._inputs:
            array = operands[operand]
            self._bases[number] = array.__array_interface__["data"][0]
            self._memory[number] = array
        results = [self._output(n, place, out) for n, place in enumerate(self.planner.outputs)]
        if not self.fresh:
            self._prologue.run(self._bases, self._memory, self.program.threads)
            self.fresh = True
        self._main.run(self._bases, self._memory, self.threads)
        for number in (*(n for n, _ in self._inputs), *self._outputs.values()):
            self._memory[number] = None
        if out is not None:
            for given, result in zip(out, results, strict=True):
                if given is not None and given is not result:
                    given[...] = result
            results = [
                result if given is None else given
                for given, result in zip(out, results, strict=True)
            ]
        return tuple(results)

    def _output(self, number: int, place: Place, out: Sequence[Array | None] | None) -> Array:
        given = None if out is None else out[number]
        if given is not None and _lies_at(given, place):
            array = given
        else:
            memory = np.empty(max(place.storage.bytes, 1), np.uint8)
            array = array_at(memory, place)
        if number in self._outputs:
            index = self._outputs[number]
            self._bases[index] = array.__array_interface__["data"][0]
            self._memory[index] = array
        return array

    def reorder(self, seed: int) -> None:
        """Another order of the chunks of every step."""
        self._main.reorder(np.random.default_rng(seed))

    def describe(self) -> str:
        """The steps as a table."""
        rows = [("step", "kernel", "chunks", "layer")]
        for step in self.planner.steps:
            if isinstance(step, KernelStep):
                kernel = type(step.kernel).__name__
                rows.append((step.what, kernel, str(step.chunks), step.path))
            else:
                rows.append((step.node.operator.name, "BY DEFINITION", "1", step.node.path))
        widths = [max(len(row[c]) for row in rows) for c in range(3)]
        return "\n".join(
            "  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=False)), row[3]])
            for row in rows
        )


class _Table:
    """Steps as the runner takes them: native runs with definitions between."""

    def __init__(self, steps: Sequence[PlanStep], prepared: _Prepared) -> None:
        self._table = new_table(max(len(steps), 1))
        kernels = [(n, s) for n, s in enumerate(steps) if isinstance(s, KernelStep)]
        self._blocks = aligned(8 * sum(len(s.kernel.slots) for _, s in kernels)).view(np.int64)
        where: list[int] = []
        storages: list[int] = []
        offsets: list[int] = []
        start = 0
        for number, step in kernels:
            loaded = load(step.kernel)
            row = self._table[number]
            row[Column.ADDRESS] = loaded.address
            row[Column.ARGS] = self._blocks.ctypes.data + 8 * start
            row[Column.CHUNKS] = step.chunks
            if set(step.arguments) != set(loaded.slots):
                odd = set(step.arguments) ^ set(loaded.slots)
                raise ValueError(f"{step.kernel.name}: arguments and slots differ by {odd}")
            for name, argument in step.arguments.items():
                slot = start + loaded.slots[name]
                if isinstance(argument, Address):
                    where.append(slot)
                    storages.append(prepared.number(argument.storage))
                    offsets.append(argument.offset)
                else:
                    self._blocks[slot] = argument
            start += len(step.kernel.slots)
        self._where: NDArray[np.intp] = np.array(where, np.intp)
        self._storages: NDArray[np.intp] = np.array(storages, np.intp)
        self._offsets: NDArray[np.int64] = np.array(offsets, np.int64)
        for define in steps:
            if isinstance(define, DefinitionStep):
                for storage in define.storages:
                    prepared.number(storage)
        self._prepared = prepared
        self._segments = self._split(steps)

    def _split(self, steps: Sequence[PlanStep]) -> list[Job | DefinitionStep]:
        counters = Counters(max(len(steps), 1))
        segments: list[Job | DefinitionStep] = []
        first = 0
        for number, step in enumerate([*steps, None]):
            if isinstance(step, KernelStep):
                continue
            if number > first:
                run = [s for s in steps[first:number] if isinstance(s, KernelStep)]
                scratch = max(s.scratch for s in run)
                segments.append(
                    Job(self._table, counters, first=first, count=len(run), scratch=scratch)
                )
            if step is not None:
                segments.append(step)
            first = number + 1
        return segments

    def reorder(self, draw: np.random.Generator) -> None:
        """Draw a multiplier coprime to the chunks and an offset, for each step."""
        for row in self._table:
            chunks = max(int(row[Column.CHUNKS]), 1)
            coprime = [n for n in range(1, min(chunks, 64) + 1) if gcd(n, chunks) == 1]
            row[Column.MULTIPLIER] = draw.choice(coprime)
            row[Column.OFFSET] = draw.integers(chunks)

    def run(self, bases: NDArray[np.int64], memory: Sequence[Any], threads: int | None) -> None:
        """Run the steps, given the address and the memory of every storage."""
        self._blocks[self._where] = bases[self._storages] + self._offsets
        for segment in self._segments:
            if isinstance(segment, DefinitionStep):
                self._define(segment, memory)
            else:
                team.execute(segment, threads)

    def _define(self, step: DefinitionStep, memory: Sequence[Any]) -> None:
        def array(place: Place) -> Array:
            held = memory[self._prepared.number(place.storage)]
            if place.storage.kind in ("input", "output"):
                held = _bytes_of(held)
            return array_at(held, place)

        with np.errstate(all="ignore"):
            results = step.node.operator.define(*(array(place) for place in step.inputs))
        for place, result in zip(step.outputs, results, strict=True):
            array(place)[...] = result


def _bytes_of(array: Array) -> NDArray[np.uint8]:
    """The memory of an array that is contiguous in some order of its axes."""
    order = np.argsort([-s for s in array.strides], kind="stable")
    return array.transpose(order).reshape(-1).view(np.uint8)
