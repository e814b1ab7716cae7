"""Inputs that are bound once, and what programs have made of them: packed weights, above all.

Programs for other sizes of image prepare the same parameters in the same way. So what is prepared
is kept beside the parameters under a key that says how it was made, and shared by all programs that
make it so. Nothing here is ever changed once it is there: a run takes it by reference, and new
parameters are new `Weights`. What is made of constants of a graph alone, which may be
as large as an image, is not kept here but by the plan (see `prepared`), and goes with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any
from weakref import WeakValueDictionary

from allconv.engine.array_layout import Ready, ready
from allconv.engine.place import Storage
from allconv.engine.step import Address, DefinitionStep, PlanStep
from allconv.intake.arrays import is_frozen
from allconv.operators.base import Array, Spec


class Weights:
    """Arrays in the order of a program's static inputs, and memory prepared from them, by key."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.arrays = tuple(arrays)
        self.operands: tuple[Ready, ...] = tuple(map(ready, arrays))
        self.layouts = tuple(operand.layout for operand in self.operands)
        self.prepared: dict[str, Array] = {}

    @classmethod
    def of(cls, arrays: Sequence[Array]) -> Weights:
        """The weights of these arrays, shared by all who hold the very same frozen ones."""
        key = tuple(map(id, arrays))
        found = _shared.get(key)
        if found is None:
            found = cls(arrays)
            if arrays and all(map(is_frozen, arrays)):
                _shared[key] = found
        return found

    @property
    def bytes(self) -> int:
        """Bytes of what was prepared."""
        return sum(array.nbytes for array in tuple(self.prepared.values()))


_shared: WeakValueDictionary[tuple[int, ...], Weights] = WeakValueDictionary()


def recipes(
    steps: Sequence[PlanStep],
    static: Sequence[int],
    fixed: Mapping[int, Array],
    constants: Mapping[Storage, Array],
) -> dict[Storage, str]:
    """How each storage that these steps fill is made of static inputs: equal texts, equal bytes.

    Nothing is said of what is made without any. `fixed` are constants of the graph, by number,
    `constants` those of the plan.
    """
    order = {number: place for place, number in enumerate(static)}
    ours = _made_of(steps, order)
    known: dict[Storage, str] = {}

    def key(storage: Storage) -> str:
        if storage not in known:
            if storage.kind == "input" and storage.number in order:
                known[storage] = f"static {order[storage.number]}"
            elif storage.kind == "input":
                known[storage] = f"constant {_digest_of(fixed[storage.number])}"
            elif storage in constants:
                known[storage] = f"constant {_digest_of(constants[storage])}"
            else:
                known[storage] = f"memory {storage.bytes}"
        return known[storage]

    for step in needed(steps, ours):
        for turn, place in enumerate(step.writes):
            text = f"{_described(step, key)} writes {turn} of {key(place.storage)}"
            known[place.storage] = _digest(text.encode())
    return {storage: known[storage] for storage in ours}


def _made_of(steps: Sequence[PlanStep], inputs: Collection[int]) -> set[Storage]:
    """The storages that these steps fill with what depends on one of these inputs."""
    made: set[Storage] = set()
    for step in steps:
        read = [place.storage for place in step.reads]
        if any(s in made or (s.kind == "input" and s.number in inputs) for s in read):
            made.update(place.storage for place in step.writes)
    return made


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


def _digest_of(array: Array) -> str:
    """Of the numbers of an array and its shape; what is repeated counts once."""
    once = array[tuple(slice(None) if stride else slice(1) for stride in array.strides)]
    return _digest(once.tobytes() + f"{Spec.of(array)} {once.shape}".encode())


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
