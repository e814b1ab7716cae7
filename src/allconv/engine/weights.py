"""Inputs that are bound once, and what programs have made of them: packed weights, above all.

Programs for other sizes of image prepare the same parameters in the same way. So what is prepared
is kept beside the parameters under a key that says how it was made, and shared by all programs that
make it so. Nothing here is ever changed once it is there: a run takes it by reference, and whoever
binds new parameters makes new `Weights`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from weakref import WeakValueDictionary

from allconv.engine.border import Ready, ready
from allconv.engine.place import Storage
from allconv.engine.step import Address, DefinitionStep, PlanStep
from allconv.operators.base import Array


class Weights:
    """Arrays in the order of a program's static inputs, and memory prepared from them, by key."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.arrays = tuple(arrays)
        self.operands: tuple[Ready, ...] = tuple(map(ready, arrays))
        self.layouts = tuple(operand.layout for operand in self.operands)
        self.prepared: dict[str, Array] = {}

    @classmethod
    def of(cls, arrays: Sequence[Array]) -> Weights:
        """The weights of these arrays, shared by all who hold the very same read-only ones."""
        key = tuple(map(id, arrays))
        found = _shared.get(key)
        if found is None:
            found = cls(arrays)
            if not any(array.flags.writeable for array in arrays):
                _shared[key] = found
        return found

    @property
    def bytes(self) -> int:
        """Bytes of what was prepared."""
        return sum(array.nbytes for array in tuple(self.prepared.values()))


_shared: WeakValueDictionary[tuple[int, ...], Weights] = WeakValueDictionary()


def recipes(
    steps: Sequence[PlanStep], static: Sequence[int], constants: Mapping[Storage, Array]
) -> dict[Storage, str]:
    """How each storage that these steps fill is made of static inputs: equal texts, equal bytes."""
    order = {number: place for place, number in enumerate(static)}
    known: dict[Storage, str] = {}

    def key(storage: Storage) -> str:
        if storage not in known:
            if storage.kind == "input":
                known[storage] = f"static {order[storage.number]}"
            elif storage in constants:
                known[storage] = f"constant {_digest(constants[storage].tobytes())}"
            else:
                known[storage] = f"memory {storage.bytes}"
        return known[storage]

    for step in steps:
        for turn, place in enumerate(step.writes):
            text = f"{_described(step, key)} writes {turn} of {key(place.storage)}"
            known[place.storage] = _digest(text.encode())
    return known


def _described(step: PlanStep, key: Any) -> str:
    if isinstance(step, DefinitionStep):
        places = [(key(p.storage), p.offset, p.spec, p.strides) for p in step.reads]
        return f"{step.node.operator!r} {places} {[(p.offset, p.strides) for p in step.writes]}"
    arguments = {
        name: (key(a.storage), a.offset) if isinstance(a, Address) else a
        for name, a in step.arguments.items()
    }
    return f"{step.kernel!r} {sorted(arguments.items())} {step.chunks}"


def needed(steps: Sequence[PlanStep], storages: set[Storage]) -> list[PlanStep]:
    """The steps that fill these storages, directly or by way of others, in their order."""
    wanted = set(storages)
    chosen: list[PlanStep] = []
    for step in reversed(steps):
        if any(place.storage in wanted for place in step.writes):
            chosen.append(step)
            wanted.update(place.storage for place in step.reads)
    return chosen[::-1]


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
