"""One node being read: its operands and settings, asked for by what they must be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from allconv.errors import FileError, LimitError, UnsupportedError
from allconv.intake.limits import MOST_AXES
from allconv.onnx.format.limits import MOST_LISTED, Budget, fits
from allconv.onnx.format.schema import schema_of, shortest
from allconv.onnx.format.text import plain, reason, shown
from allconv.onnx.model import OnnxNode
from allconv.operators.base import Array
from allconv.value import Value


@dataclass(frozen=True)
class HeldAsFloats:
    """Floats that stand for a value of another dtype."""

    value: Value
    dtype: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as arrays and values have it."""
        return self.value.shape


@dataclass(frozen=True)
class Bytes(HeldAsFloats):
    """A value of one or two bytes, of uint8 say: floats that hold whole numbers of that dtype."""

    dtype: str = "uint8"


@dataclass(frozen=True)
class Condition(HeldAsFloats):
    """A value of dtype bool: true where a float is above 0."""

    dtype: str = "bool"


@dataclass(frozen=True)
class Several:
    """The arrays of a sequence."""

    items: tuple[Any, ...]


@dataclass(frozen=True)
class NodeRule:
    """How a node of one name is read.

    All attributes that the format has are read but those in `unread`, which are refused, and those
    in `silent`, which say nothing about the results of inference, as the inputs in `silent_inputs`
    do. Inputs in `settings` must be known when the network is recorded, those in `buffers` are
    statistics that gradients leave alone, those in `weights` are parameters wherever the file
    keeps them. `outputs_count`: an output that nothing takes still says what the node means.
    `folds`: known cells (`NodeCall.cells`) are moved, or counted, at once. `defined`: read as the
    format defines it in other operators, after `read` has refused what is not.
    """

    read: Callable[[NodeCall], Any]
    unread: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    silent_inputs: tuple[int, ...] = ()
    settings: tuple[int, ...] = ()
    buffers: tuple[int, ...] = ()
    weights: tuple[int, ...] = ()
    outputs_count: bool = False
    folds: bool = False
    defined: bool = False


def of(function: Callable[..., Any], **numbers: str) -> NodeRule:
    """A function of all inputs, and of attributes that are numbers: `alpha="alpha"`."""

    def read(call: NodeCall) -> Any:
        given = {name: call.number(attribute) for name, attribute in numbers.items()}
        return function(*call.values(), **given)

    return NodeRule(read)


class NodeCall:
    """A node with its operands: values of the trace, or arrays that are known.

    It keeps which attributes and inputs were looked at, so that none is ever passed over.
    `is_known` is set where all operands are known, and the node is computed at once.
    """

    def __init__(
        self,
        node: OnnxNode,
        operands: Sequence[Value | HeldAsFloats | Array | None],
        lift: Callable[[Array], Value],
        budget: Budget,
    ) -> None:
        self.node = node
        self.operands = operands
        self.lift = lift
        self.budget = budget
        self.version = node.version
        schema = None if node.domain else schema_of(node.op, node.version)
        self.defaults = schema.defaults if schema else {}
        self.is_known = False
        self.read_attributes: set[str] = set()
        self.read_inputs: set[int] = set()

    def unsupported(self, what: str) -> UnsupportedError:
        """An error that names operator, domain and operator set."""
        return unsupported(self.node, what)

    def wrong(self, what: str) -> FileError:
        """An error for a node that breaks the rules of the format."""
        return FileError(f"{reason(what)}; export the network again")

    def too_large(self, what: str) -> LimitError:
        """An error for a node that asks for more than is possible."""
        return LimitError(reason(what))

    def check_shape(self, shape: Sequence[int]) -> None:
        """Refuse a result with too many axes or values, before it is made."""
        most = self.budget.most_values
        if not fits(shape, most):
            values = f"{prod(shape):,} values" if len(shape) <= MOST_AXES else "as many sizes"
            raise self.too_large(
                f"it gives {len(shape)} axes and {values}; at most {MOST_AXES} and {most:,} are "
                "supported for inputs of this size"
            )

    def check_constants(self, shape: Sequence[int]) -> None:
        """Refuse to compute more constants than a file may ask for."""
        self.budget.take_constants(self.node.op, shape)

    def check_moved(self, shape: Sequence[int]) -> None:
        """Refuse a result whose cells are moved, before it is made."""
        if self.is_known:
            self.check_constants(shape)
        else:
            self.check_shape(shape)

    def check_all_read(self, name: NodeRule) -> None:
        """Refuse an attribute or input that is given and that the reader did not look at."""
        for each in self.node.attributes:
            if each not in self.read_attributes and each not in name.silent:
                raise self.unsupported(f"attribute {plain(each)} together with the others")
        for number in range(len(self.operands)):
            known = number in self.read_inputs or number in name.silent_inputs
            if not known and self.has(number):
                raise self.unsupported(f"input {number} together with the others")

    # Operands

    def __len__(self) -> int:
        return len(self.operands)

    def has(self, number: int) -> bool:
        """Whether an optional input is given."""
        return number < len(self.operands) and self.operands[number] is not None

    def operand(self, number: int) -> Any:
        """An input as it is; None where it is left out."""
        self.read_inputs.add(number)
        return self.operands[number] if number < len(self.operands) else None

    def value(self, number: int) -> Value:
        """An input as floats of the trace."""
        given = self.operand(number)
        if isinstance(given, Value):
            return given
        if isinstance(given, Bytes):
            raise self.unsupported(
                f"input {number} is {given.dtype}, which is only cast or dequantized"
            )
        if isinstance(given, Condition):
            raise self.unsupported("a condition is only taken by Where")
        if given is None:
            raise self.wrong(f"input {number} is missing")
        if given.dtype.kind != "f":
            raise self.unsupported(
                f"input {number} is {given.dtype.name}; only floats are computed"
            )
        return self.lift(given)

    def cells(self, number: int) -> Any:
        """An input whose cells are only moved: an array where all is known, else floats."""
        return self.known(number) if self.is_known else self.value(number)

    def optional(self, number: int) -> Value | None:
        """An input that may be left out."""
        return self.value(number) if self.has(number) else None

    def values(self) -> list[Value]:
        """All inputs."""
        return [self.value(number) for number in range(len(self.operands))]

    def known(self, number: int) -> Array:
        """An input whose numbers are known while the network is recorded."""
        given = self.operand(number)
        if not isinstance(given, np.ndarray):
            raise self.unsupported(
                f"input {number} is computed from the data; only a constant is supported"
            )
        return given

    def known_integers(self, number: int) -> tuple[int, ...]:
        """A known input as whole numbers."""
        array = self.known(number)
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise self.wrong(f"input {number} is {array.dtype.name} {array.shape}, not integers")
        if array.size > MOST_LISTED:
            raise self.too_large(
                f"input {number} lists {array.size:,} numbers; "
                f"at most {MOST_LISTED:,} are supported"
            )
        return tuple(int(n) for n in array.reshape(-1))

    def known_number(self, number: int) -> float:
        """A known input as one number."""
        array = self.known(number)
        if array.size != 1:
            raise self.wrong(f"input {number} is {array.shape}, not one number")
        return shortest(array.reshape(-1)[0])

    def known_axis(self, number: int, rank: int) -> int:
        """A known input as the number of an axis, counted from the front."""
        given = self.known_integers(number)
        if len(given) != 1:
            raise self.wrong(f"axis is {given}, not one number")
        return self.axis(given[0], rank)

    # Attributes

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        return int(self._attribute(name, int, default))

    def number(self, name: str, default: float | None = None) -> float:
        """A number."""
        return float(self._attribute(name, float, default))

    def numbers(self, name: str) -> tuple[float, ...]:
        """Numbers."""
        given: tuple[float, ...] = self._attribute(name, tuple, None)
        if {*map(type, given)} - {float}:
            raise self.wrong(f"{name} are not numbers")
        return given

    def text(self, name: str, default: str | None = None) -> str:
        """A text."""
        return str(self._attribute(name, str, default))

    def choice(self, name: str, names: Collection[str], default: str | None = None) -> str:
        """A text that is one of some names."""
        given = self.text(name, default)
        if given not in names:
            *first, last = names
            listed = f"{', '.join(first)} or {last}" if first else last
            raise self.wrong(f"{name} is {shown(given)}; {listed} is expected")
        return given

    def array(self, name: str, default: Array | None = None) -> Array:
        """A tensor."""
        found: Array = self._attribute(name, np.ndarray, default)
        return found

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """Whole numbers."""
        given = self._attribute(name, tuple, None if default is None else tuple(default))
        if {*map(type, given)} - {int}:
            raise self.wrong(f"{name} are not whole numbers")
        return tuple(given)

    def listed(
        self, number: int, name: str, default: Sequence[int] | None = None
    ) -> tuple[int, ...]:
        """Whole numbers: an attribute in older operator sets, an input in newer."""
        return self.known_integers(number) if self.has(number) else self.integers(name, default)

    def flag(self, name: str, default: int = 0) -> bool:
        """0 or 1."""
        found = self.integer(name, default)
        if found not in (0, 1):
            raise self.wrong(f"{name} is {found}, neither 0 nor 1")
        return found == 1

    def given(self, name: str) -> bool:
        """Whether an attribute is given."""
        return name in self.node.attributes

    def _attribute(self, name: str, kind: type, default: Any) -> Any:
        """An attribute, else the format's default in this operator set, else the one given here."""
        self.read_attributes.add(name)
        found = self.node.attributes.get(name, self.defaults.get(name, default))
        if found is None:
            raise self.wrong(f"{name} is missing")
        if not isinstance(found, kind):
            raise self.wrong(f"{name} is {type(found).__name__}, not {kind.__name__}")
        return found

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front."""
        if not -rank <= axis < rank:
            raise self.wrong(f"axis is {axis}; the array has {rank} axes")
        return axis % rank

    def axes(self, axes: Sequence[int], rank: int) -> tuple[int, ...]:
        """Axes counted from the front, each once."""
        counted = tuple(self.axis(axis, rank) for axis in axes)
        if len(set(counted)) < len(counted):
            raise self.wrong(f"axes are {tuple(axes)}; each is expected once")
        return counted


def unsupported(node: OnnxNode, what: str = "") -> UnsupportedError:
    """The error "unsupported: Conv, domain ai.onnx, opset 21", and why."""
    domain = node.domain or "ai.onnx"
    told = f"unsupported: {plain(node.op)}, domain {plain(domain)}, opset {node.version}"
    return UnsupportedError(f"{told}: {reason(what)}" if what else told)
