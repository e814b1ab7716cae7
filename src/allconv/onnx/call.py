"""One node being read: its operands and settings, asked for by what they must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv.errors import FileError, UnsupportedError
from allconv.onnx.model import Node
from allconv.onnx.text import plain
from allconv.operators.base import Array
from allconv.value import Value


@dataclass(frozen=True)
class Bytes:
    """A value of dtype uint8: floats that hold whole numbers from 0 to 255, until it is cast."""

    value: Value


@dataclass(frozen=True)
class Name:
    """How a node of one name is read.

    `attributes` are all that may be given; inputs in `settings` must be known when the network is
    recorded, those in `buffers` are statistics that gradients leave alone; `inputs` is the least
    and the largest number of inputs; `since` is the oldest operator set that is understood.
    """

    read: Callable[[Call], Any]
    attributes: tuple[str, ...] = ()
    inputs: tuple[int, int] = (1, 1)
    settings: tuple[int, ...] = ()
    buffers: tuple[int, ...] = ()
    since: int = 1


class Call:
    """A node with its operands: values of the trace, or arrays that are known."""

    def __init__(
        self,
        node: Node,
        operands: Sequence[Value | Bytes | Array | None],
        lift: Callable[[Array], Value],
    ) -> None:
        self.node = node
        self.operands = operands
        self.lift = lift
        self.version = node.version

    def unsupported(self, what: str) -> UnsupportedError:
        """An error that names operator, domain and operator set."""
        return unsupported(self.node, what)

    def wrong(self, what: str) -> FileError:
        """An error for a node that breaks the rules of the format."""
        return FileError(f"{what}; export the network again")

    # Operands

    def __len__(self) -> int:
        return len(self.operands)

    def has(self, number: int) -> bool:
        """Whether an optional input is given."""
        return number < len(self.operands) and self.operands[number] is not None

    def value(self, number: int) -> Value:
        """An input as floats of the trace."""
        given = self.operands[number] if number < len(self.operands) else None
        if isinstance(given, Value):
            return given
        if isinstance(given, Bytes):
            raise self.unsupported("uint8 is only cast to float32")
        if given is None:
            raise self.wrong(f"input {number} is missing")
        if given.dtype.kind != "f":
            raise self.unsupported(f"input {number} is {given.dtype.name}, floats are computed")
        return self.lift(given)

    def optional(self, number: int) -> Value | None:
        """An input that may be left out."""
        return self.value(number) if self.has(number) else None

    def values(self) -> list[Value]:
        """All inputs."""
        return [self.value(number) for number in range(len(self.operands))]

    def known(self, number: int) -> Array:
        """An input whose numbers are known while the network is recorded."""
        given = self.operands[number] if number < len(self.operands) else None
        if not isinstance(given, np.ndarray):
            raise self.unsupported(f"input {number} is computed from the data; a constant is done")
        return given

    def known_integers(self, number: int) -> tuple[int, ...]:
        """A known input as whole numbers."""
        array = self.known(number)
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise self.wrong(f"input {number} is {array.dtype.name} {array.shape}, not integers")
        return tuple(int(n) for n in array.reshape(-1))

    def known_number(self, number: int) -> float:
        """A known input as one number."""
        array = self.known(number)
        if array.size != 1:
            raise self.wrong(f"input {number} is {array.shape}, not one number")
        return shortest(array.reshape(-1)[0])

    # Attributes

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        return int(self._attribute(name, int, default))

    def number(self, name: str, default: float | None = None) -> float:
        """A number."""
        return float(self._attribute(name, float, default))

    def text(self, name: str, default: str) -> str:
        """A text."""
        return str(self._attribute(name, str, default))

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """Whole numbers."""
        given = self._attribute(name, tuple, None if default is None else tuple(default))
        if any(not isinstance(each, int) for each in given):
            raise self.wrong(f"{name} are no whole numbers")
        return tuple(given)

    def flag(self, name: str, default: int = 0) -> bool:
        """0 or 1."""
        return self.integer(name, default) != 0

    def given(self, name: str) -> bool:
        """Whether an attribute is given."""
        return name in self.node.attributes

    def _attribute(self, name: str, kind: type, default: Any) -> Any:
        found = self.node.attributes.get(name, default)
        if found is None:
            raise self.wrong(f"{name} is missing")
        if not isinstance(found, kind):
            raise self.wrong(f"{name} is {type(found).__name__}, not {kind.__name__}")
        return found

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front."""
        if not -rank <= axis < rank:
            raise self.wrong(f"axis {axis} of an array of {rank} axes")
        return axis % rank

    def axes(self, axes: Sequence[int], rank: int) -> tuple[int, ...]:
        """Axes counted from the front, each once."""
        turned = tuple(self.axis(axis, rank) for axis in axes)
        if len(set(turned)) < len(turned):
            raise self.wrong(f"axes {tuple(axes)} name one twice")
        return turned


def unsupported(node: Node, what: str = "") -> UnsupportedError:
    """ "unsupported: Conv, domain ai.onnx, opset 21", and why."""
    domain = node.domain or "ai.onnx"
    told = f"unsupported: {plain(node.op)}, domain {plain(domain)}"
    return UnsupportedError(f"{told}, opset {node.version}" + (f": {what}" if what else ""))


def shortest(number: Any) -> float:
    """A float32 as the float64 of the fewest digits that rounds to it: 1e-05, not 9.99999974e-06.

    >>> shortest(np.float32(0.1))
    0.1
    """
    return (
        float(str(np.float32(number))) if np.asarray(number).dtype == np.float32 else float(number)
    )
