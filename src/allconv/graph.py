"""The graph: operators in an order in which they can be computed, with every shape known.

A graph is immutable, in static single assignment: each value is an input, a constant or the
result of one node. Layers and files are traced to graphs, rewrites and gradients make graphs of
graphs, and plans are made from them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from allconv.errors import Error, ShapeError
from allconv.operators.base import Array, Operator, Spec, native
from allconv.value import Value

Kind = TypeVar("Kind", bound=Operator)


FEW = 4  # of the values that a line names


def few_specs(values: Sequence[Value]) -> str:
    """What values are, of many the first ones."""
    more = f", ... ({len(values):,})" if len(values) > FEW else ""
    return ", ".join(str(value.spec) for value in values[:FEW]) + more


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One use of an operator. `path` names the layer that recorded it."""

    operator: Operator
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    path: str = ""

    def of(self, *kinds: type[Kind]) -> Kind:
        """The operator, which the caller knows to be of one of these kinds."""
        if not isinstance(self.operator, kinds):
            raise TypeError(f"{self.operator.name} is not one of {kinds}")
        return self.operator


@dataclass(frozen=True, eq=False)
class Graph:
    """A function of arrays: `inputs`, then nodes in order, then `outputs`.

    `constants` are values that were known while tracing. They are bound when the graph runs and
    are no part of its structure.
    """

    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]
    constants: Mapping[Value, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {*self.inputs, *self.constants}
        for node in self.nodes:
            if not known.issuperset(node.inputs) or not known.isdisjoint(node.outputs):
                raise ValueError(f"{node.operator.name} breaks the order of the graph")
            known.update(node.outputs)
        if not known.issuperset(self.outputs):
            raise ValueError("an output of the graph is never computed")

    def pruned(self) -> Graph:
        """The same function without the nodes and constants that no output needs."""
        needed = set(self.outputs)
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                kept.append(node)
                needed.update(node.inputs)
        constants = {v: array for v, array in self.constants.items() if v in needed}
        return Graph(self.inputs, tuple(reversed(kept)), self.outputs, constants)

    def numbers(self) -> dict[Value, int]:
        """A number for every value, in order of appearance: inputs, constants, results."""
        results = (value for node in self.nodes for value in node.outputs)
        return {v: n for n, v in enumerate((*self.inputs, *self.constants, *results))}

    def key(self) -> Hashable:
        """Equal for graphs of the same structure, whatever their constants hold."""
        numbers = self.numbers()
        return (
            tuple(value.spec for value in (*self.inputs, *self.constants)),
            tuple((node.operator, tuple(numbers[v] for v in node.inputs)) for node in self.nodes),
            tuple(numbers[v] for v in self.outputs),
            len(self.inputs),
        )

    def users(self) -> dict[Value, list[Node]]:
        """The nodes that read each value."""
        users: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.inputs):
                users.setdefault(value, []).append(node)
        return users

    def check_arrays(self, arrays: Sequence[Array]) -> None:
        """Refuse arrays that are not the inputs of this graph."""
        if len(arrays) != len(self.inputs):
            raise ShapeError(f"{len(self.inputs)} arrays are expected, {len(arrays)} given")
        for number, (value, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            if Spec.of(array) != value.spec:
                name = value.name or f"input {number}"
                raise ShapeError(f"{name} is {Spec.of(array)}; this was made for {value.spec}")

    def run(self, *arrays: Array) -> tuple[Array, ...]:
        """Compute the outputs by the definitions of the operators."""
        self.check_arrays(arrays)
        known = {**self.constants, **dict(zip(self.inputs, map(native, arrays), strict=True))}
        for node in self.nodes:
            try:
                with np.errstate(all="ignore"):  # infinities and NaNs are values like others
                    results = node.operator.define(*(known[value] for value in node.inputs))
            except Error as error:
                raise error.at(node.path) from None
            known.update(zip(node.outputs, results, strict=True))
        return tuple(np.asarray(known[value]) for value in self.outputs)

    def cost(self) -> int:
        """The multiply-adds of one run."""
        return sum(
            node.operator.cost(*(value.spec for value in node.inputs)) for node in self.nodes
        )

    def __repr__(self) -> str:
        return (
            f"Graph({few_specs(self.inputs)} -> {few_specs(self.outputs)}, "
            f"{len(self.nodes):,} nodes, {len(self.constants):,} constants)"
        )

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __str__(self) -> str:
        numbers = self.numbers()

        def names(values: Sequence[Value]) -> str:
            return ", ".join(f"%{numbers[value]}" for value in values)

        lines = [f"graph({', '.join(f'%{numbers[v]}: {v.spec}' for v in self.inputs)})"]
        lines += [f"  {names((v,))} = constant {v.spec}" for v in self.constants]
        for node in self.nodes:
            specs = ", ".join(str(value.spec) for value in node.outputs)
            note = f"    # {node.path}" if node.path else ""
            lines.append(
                f"  {names(node.outputs)} = {node.operator}({names(node.inputs)}): {specs}{note}"
            )
        return "\n".join([*lines, f"  return {names(self.outputs)}"])
