"""What a kernel is given when it runs: a dataclass of 64-bit numbers, its argument block.

A lowering fills one with integers and places; the kernel's body reads the same fields as it is
written (`code.arguments`), where each is a number that is known when it runs. A class may be made
of several, so that what kernels share is described once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T", covariant=True)


def several(count: int) -> Any:
    """A field of so many numbers, most often one an axis."""
    return field(metadata={"count": count})


@dataclass(frozen=True, kw_only=True)
class Arguments(Generic[T]):
    """Base of the argument blocks; T is what a number is: a place, say, or a value of LLVM.

    Every field is a number (an address, or what its subclass says; strides are in bytes), or
    `several` of them.
    """

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """A name for each number in their order: that of the field, and where in it."""
        names: list[str] = []
        for name, count in _counts(cls):
            names += [name] if count is None else [f"{name}{k}" for k in range(count)]
        return tuple(names)

    @classmethod
    def made(cls, number: Callable[[str], Any]) -> Self:
        """Arguments whose numbers are made from their names."""
        values: dict[str, Any] = {}
        for name, count in _counts(cls):
            each = range(count or 0)
            values[name] = (
                number(name) if count is None else tuple(number(f"{name}{k}") for k in each)
            )
        return cls(**values)

    def numbers(self) -> dict[str, T]:
        """The numbers by name."""
        found: dict[str, T] = {}
        for name, count in _counts(type(self)):
            value = getattr(self, name)
            if count is None:
                found[name] = value
                continue
            if len(value) != count:
                raise ValueError(f"{type(self).__name__}.{name}: {len(value)} numbers for {count}")
            found.update((f"{name}{k}", each) for k, each in enumerate(value))
        return found


def joined(*parts: Arguments[Any]) -> dict[str, Any]:
    """The fields of several parts, for the class that is made of them."""
    return {name: value for part in parts for name, value in vars(part).items()}


def _counts(kind: type[Arguments[Any]]) -> list[tuple[str, int | None]]:
    """The fields of a class, and how many numbers each is, if it is several."""
    return [(each.name, each.metadata.get("count")) for each in fields(kind)]
