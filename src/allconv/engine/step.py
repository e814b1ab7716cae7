"""Steps of a plan: what runs, on which memory, and what it touches there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from allconv.engine.kernel import Kernel
from allconv.engine.place import Place, Storage
from allconv.graph import Node
from allconv.operators.base import Array


@dataclass(frozen=True, slots=True)
class Address:
    """An address that is known when the program runs: so many bytes into a storage."""

    storage: Storage
    offset: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class KernelStep:
    """Chunks of one kernel on one block of arguments.

    `reads` and `writes` are all that it touches: each place is a box of strides, of which every
    cell may be read, and is written.
    """

    kernel: Kernel
    arguments: Mapping[str, int | Address]
    chunks: int
    scratch: int
    what: str
    path: str
    reads: tuple[Place, ...]
    writes: tuple[Place, ...]
    why: str = ""  # the algorithm, and the reason for it

    @property
    def storages(self) -> list[Storage]:
        """The memory that it touches."""
        return [place.storage for place in (*self.reads, *self.writes)]


@dataclass(frozen=True, eq=False, slots=True)
class DefinitionStep:
    """A node that runs by its definition, on arrays."""

    node: Node
    reads: tuple[Place, ...]
    writes: tuple[Place, ...]

    @property
    def storages(self) -> list[Storage]:
        """The memory that it touches."""
        return [place.storage for place in (*self.reads, *self.writes)]


PlanStep: TypeAlias = KernelStep | DefinitionStep
Argument: TypeAlias = int | Place | Address
"""What a lowering gives a kernel: a number, or the address of memory."""


def split_setup(
    steps: Sequence[PlanStep], static: frozenset[int]
) -> tuple[list[PlanStep], list[PlanStep]]:
    """The steps that give the same on every run, which the first one makes, and the others.

    Memory varies if it is an input that is not static or an output, or if a step that writes it
    reads, or also writes, memory that varies.
    """
    varying = {
        storage
        for step in steps
        for storage in step.storages
        if storage.kind == "output" or (storage.kind == "input" and storage.number not in static)
    }
    size = -1
    while size < len(varying):
        size = len(varying)
        for step in steps:
            if any(place.storage in varying for place in (*step.reads, *step.writes)):
                varying.update(place.storage for place in step.writes)
    parts: tuple[list[PlanStep], list[PlanStep]] = ([], [])
    for step in steps:
        parts[any(place.storage in varying for place in step.writes)].append(step)
    return parts


def array_at(memory: Array, place: Place) -> Array:
    """A place as an array, given the bytes of its storage."""
    flat = memory.view(np.uint8).reshape(-1)
    dtype = np.dtype(place.spec.dtype)
    return np.ndarray(place.shape, dtype, flat.data, place.offset, place.strides)
