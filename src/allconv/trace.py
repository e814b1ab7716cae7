"""Recording: run a Python function on symbolic values and keep what it did as a graph.

Traces nest: while an inner function is traced, values of the outer trace that it uses become extra
inputs of the inner graph (`Recorded.captured`), so that gradients of gradients close over anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, Error, TraceError
from allconv.graph import Graph, Node
from allconv.intake.arrays import frozen, is_masked
from allconv.intake.limits import check_axes, check_size, limit_reached
from allconv.intake.settings import short_repr
from allconv.operators.arrange import Convert
from allconv.operators.base import FLOATS, WHOLE, Array, Operator, Spec, native
from allconv.operators.pointwise import Pointwise
from allconv.value import Value

_active: ContextVar[tuple[Builder, ...]] = ContextVar("active", default=())


class Builder:
    """A graph being recorded. The same operator on the same values is recorded once."""

    def __init__(self) -> None:
        self.inputs: list[Value] = []
        self.nodes: list[Node] = []
        self.constants: dict[Value, Array] = {}
        self.captured: dict[Value, Value] = {}  # value of an outer trace -> input here
        self.producers: dict[Value, Node] = {}
        self._results: dict[Hashable, tuple[Value, ...]] = {}
        self._scalars: dict[tuple[bytes, str], Value] = {}
        self._paths: list[str] = []
        self._closed = False

    def input(self, spec: Spec, name: str = "") -> Value:
        """A new input."""
        check_size(name or "an array", spec.shape)
        value = Value(spec, self, name)
        self.inputs.append(value)
        return value

    def constant(self, array: Array, name: str = "") -> Value:
        """A value that is known now."""
        value = Value(Spec.of(array), self, name)
        self.constants[value] = native(array)
        return value

    def scalar(self, number: float, dtype: str) -> Value:
        """A number as a constant of shape ()."""
        with np.errstate(over="ignore"):  # a number beyond float32 is infinite there
            array = np.array(number, dtype)
        key = (array.tobytes(), dtype)  # 0.0 and -0.0 are two, 1/6 and 0.16666667 one float32
        if key not in self._scalars:
            self._scalars[key] = self.constant(frozen(array), repr(float(number)))
        return self._scalars[key]

    def record(self, operator: Operator, *operands: Any) -> Any:
        """Record an operator on values of this builder, in the innermost trace around it."""
        active = _active.get()
        return (active[-1] if self in active else self).apply(operator, *operands)

    def apply(self, operator: Operator, *operands: Any) -> Any:
        """Record an operator here; its result, or a tuple of several."""
        if self._closed:
            raise TraceError(f"{operator.name} on a value whose trace has ended; return the value")
        values = self._lift(operator, operands)
        key = (operator, values)
        if key not in self._results:
            try:
                specs = operator.infer(*(value.spec for value in values))
            except Error as error:
                raise error.at(self.path) from None
            outputs = tuple(Value(spec, self) for spec in specs)
            node = Node(operator, values, outputs, self.path)
            self.nodes.append(node)
            self.producers.update((output, node) for output in outputs)
            self._results[key] = outputs
        outputs = self._results[key]
        return outputs[0] if len(outputs) == 1 else outputs

    def _lift(self, operator: Operator, operands: Sequence[Any]) -> tuple[Value, ...]:
        """Numbers, arrays and outer values as values of this trace, promoted as in NumPy.

        Numbers, Python's and NumPy's alike, take the dtype of the arrays that they meet.
        """
        typed = [x.dtype for x in operands if isinstance(x, Value | np.ndarray)]
        floats = {str(dtype) for dtype in typed} & set(FLOATS)
        target = "float32" if floats == {"float32"} else "float64"
        values = [self._value(each, target) for each in operands]
        if isinstance(operator, Pointwise) and len(floats) > 1:
            values = [v if v.dtype == target else self.apply(Convert(target), v) for v in values]
        return tuple(values)

    def _value(self, operand: Any, dtype: str) -> Value:
        if isinstance(operand, Value):
            return operand if operand.builder is self else self._capture(operand)
        if isinstance(operand, int | float | np.integer | np.floating):
            return self.scalar(_as_float(operand), dtype)
        if not isinstance(operand, np.ndarray):
            raise TraceError(f"an array or a number is expected, got {type(operand).__name__}")
        if is_masked(operand):
            raise TraceError("a masked array meets a traced value; use its .filled(0), say")
        check_axes("an array that meets a traced value", operand.ndim)
        for value, array in self.constants.items():
            if array is operand:
                return value
        return self.constant(operand)

    def output(self, leaf: Any) -> Value:
        """A result of what is recorded: a value, an array or a number."""
        value = self._value(leaf, "float32")
        if value.dtype not in FLOATS + WHOLE:
            raise TraceError(f"a result is {value.dtype}; use .astype(np.float32)")
        return value

    def _capture(self, value: Value) -> Value:
        active = _active.get()
        outer = active[: active.index(self)] if self in active else active
        if value.builder not in outer:
            raise TraceError(f"{value!r} is used outside the trace that it belongs to")
        if value not in self.captured:
            self.captured[value] = self.input(value.spec, value.name)
        return self.captured[value]

    @property
    def path(self) -> str:
        """The path of the layer that records now."""
        return self._paths[-1] if self._paths else ""

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Record on behalf of the layer at `path`."""
        self._paths.append(path)
        try:
            yield
        finally:
            self._paths.pop()

    def inline(
        self,
        graph: Graph,
        operands: Sequence[Any],
        replace: Callable[[Node, tuple[Value, ...]], tuple[Value, ...] | None] | None = None,
    ) -> dict[Value, Value]:
        """Record another graph here; `replace(node, inputs)` may give other results for a node.

        Returns the value here of every value there.
        """
        here = {v: self._value(o, v.dtype) for v, o in zip(graph.inputs, operands, strict=True)}
        here.update((v, self._value(array, v.dtype)) for v, array in graph.constants.items())
        for node in graph.nodes:
            inputs = tuple(here[value] for value in node.inputs)
            with self.at(node.path):
                results = replace(node, inputs) if replace else None
                if results is None:
                    results = self.apply(node.operator, *inputs)
            results = results if isinstance(results, tuple) else (results,)
            here.update(zip(node.outputs, results, strict=True))
        return here

    def graph(self, outputs: Sequence[Value]) -> Graph:
        """What was recorded, as a graph, without what the outputs do not need."""
        return Graph(
            tuple(self.inputs), tuple(self.nodes), tuple(outputs), dict(self.constants)
        ).pruned()

    def close(self) -> None:
        """Refuse to record more: values that leak out of a trace are of no use."""
        self._closed = True


def _as_float(number: Any) -> float:
    """A number as a float; inf and NaN are numbers like others."""
    try:
        return float(number)
    except OverflowError:
        raise ArgumentError(
            f"{short_repr(number)} meets a traced value; a number that a float can hold is expected"
        ) from None


@contextmanager
def recording(builder: Builder) -> Iterator[Builder]:
    """Make a builder the one that records."""
    token = _active.set((*_active.get(), builder))
    try:
        yield builder
    finally:
        _active.reset(token)


def current() -> Builder | None:
    """The builder that records now, if any."""
    active = _active.get()
    return active[-1] if active else None


def record(operator: Operator, *operands: Any) -> Any:
    """Record an operator in the innermost trace; at least one operand is a `Value`."""
    builder = current()
    if builder is None:
        raise TraceError("a traced value is used after its trace has ended")
    return builder.apply(operator, *operands)


@dataclass(frozen=True, eq=False)
class Recorded:
    """A recorded function or network: its graph, and whose the inputs and outputs of that are.

    Inputs, in this order: `arguments` arrays that a call gives; the arrays that a network holds
    under the names `parameters`, then `buffers`; if it `uses_key`, the key of random draws, int64
    (2,): seed and step; and the values of other traces that it `captured`. Outputs: the results,
    whose nesting is `structure`, then the new arrays of the buffers (or parameters) `updates`.
    `shapes` lists what each layer returned, by path, in the order of the calls.
    """

    graph: Graph
    arguments: int = 1
    structure: Any = None
    parameters: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    uses_key: bool = False
    captured: tuple[Value, ...] = ()
    updates: tuple[str, ...] = ()
    shapes: tuple[tuple[str, Any], ...] = ()

    def __repr__(self) -> str:
        return (
            f"Recorded({self.graph!r}, {self.arguments} arguments, {len(self.parameters):,} "
            f"parameters, {len(self.buffers):,} buffers)"
        )

    @property
    def state(self) -> tuple[str, ...]:
        """The names of all arrays that the network holds, in the order of the inputs."""
        return (*self.parameters, *self.buffers)

    @property
    def state_places(self) -> range:
        """Which inputs of the graph these arrays are."""
        return range(self.arguments, self.arguments + len(self.state))

    @property
    def results(self) -> tuple[Value, ...]:
        """The outputs of the graph that a call returns."""
        return self.graph.outputs[: len(self.graph.outputs) - len(self.updates)]


def trace(function: Callable[..., Any], *specs: Spec, names: Sequence[str] = ()) -> Recorded:
    """Run a function on symbolic values of these specs and keep what it did.

    >>> print(trace(lambda x: x * 2.0, Spec((3,))).graph)
    graph(%0: float32 (3,))
      %1 = constant float32 ()
      %2 = Multiply()(%0, %1): float32 (3,)
      return %2
    """
    if not callable(function):
        raise ArgumentError(f"a function or a network is expected, got {type(function).__name__}")
    builder = Builder()
    labels = [*names, *("",) * (len(specs) - len(names))]
    values = [builder.input(spec, name) for spec, name in zip(specs, labels, strict=True)]
    try:
        with recording(builder):
            leaves, structure = flatten(called(function, *values))
            outputs = [builder.output(leaf) for leaf in leaves]
    except (MemoryError, RecursionError) as error:
        raise limit_reached("what is recorded", error) or error from error
    finally:
        builder.close()
    captured = tuple(builder.captured)
    return Recorded(builder.graph(outputs), len(specs), structure, captured=captured)


def called(function: Callable[..., Any], *values: Any) -> Any:
    """A function called with values of a trace; refused where it takes others than so many."""
    try:
        return function(*values)
    except Error:
        raise
    except TypeError as error:
        unfit = _unfit(function, values)
        if not unfit:
            raise  # it is another, of the function's own
        raise ArgumentError(unfit) from error


def _unfit(function: Callable[..., Any], values: Sequence[Any]) -> str:
    """How a function's signature does not fit so many arrays; nothing where it does."""
    try:
        parameters = signature(function)
    except Exception:  # some builtins have no signature
        return ""
    try:
        parameters.bind(*values)
    except TypeError as error:
        name = getattr(function, "__qualname__", type(function).__name__)
        count = f"{len(values)} array{'s' * (len(values) != 1)}"
        return f"{name}({', '.join(parameters.parameters)}) is called with {count}: {error}"
    return ""


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of nested tuples, lists and dicts, and the structure to put them back."""
    if isinstance(tree, dict):
        parts = [flatten(tree[key]) for key in tree]
        return [leaf for leaves, _ in parts for leaf in leaves], (
            dict,
            [(key, structure) for key, (_, structure) in zip(tree, parts, strict=True)],
        )
    if isinstance(tree, tuple | list):
        parts = [flatten(each) for each in tree]
        return [leaf for leaves, _ in parts for leaf in leaves], (
            tuple if isinstance(tree, tuple) else list,
            [structure for _, structure in parts],
        )
    if tree is None:
        raise ArgumentError("a traced function returned None; return its result")
    return [tree], None


def unflatten(structure: Any, leaves: Iterator[Any]) -> Any:
    """The tree of a structure with leaves taken in order."""
    if structure is None:
        return next(leaves)
    kind, parts = structure
    if kind is dict:
        return {key: unflatten(part, leaves) for key, part in parts}
    return kind(unflatten(part, leaves) for part in parts)
