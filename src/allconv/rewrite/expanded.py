"""Operators that are compiled as what they are made of.

Each of these has a definition of its own, and is written to a file as one; its kernels are those of
the operators that it is made of here, which are fused like any others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allconv.graph import Graph, Node
from allconv.operators.arrange import PadEdge
from allconv.operators.base import Operator
from allconv.operators.extremes import Largest, LogSumExp, Product, Smallest
from allconv.operators.grid import GridSample
from allconv.operators.norms import GroupNorm, LayerNorm
from allconv.trace import Builder, recording
from allconv.value import Value

Made = Callable[..., tuple[Any, ...] | None]


def _expanded(operator: Operator, *x: Value) -> tuple[Any, ...] | None:
    return operator.expand(*x)


EXPANDED: dict[type[Operator], Made] = {
    GridSample: _expanded,
    GroupNorm: _expanded,
    Largest: lambda operator, x: (operator.by_halves(x),),
    LayerNorm: _expanded,
    LogSumExp: lambda operator, x: (operator.shifted(x),),
    PadEdge: _expanded,
    Product: _expanded,
    Smallest: lambda operator, x: (operator.by_halves(x),),
}
"""The operators, and how each is made of others; of floats alone."""


def expanded(graph: Graph) -> Graph:
    """The graph with these operators replaced; the same graph where it has none."""
    if not any(type(node.operator) in EXPANDED for node in graph.nodes):
        return graph
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in graph.inputs]

    def replace(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
        make = EXPANDED.get(type(node.operator))
        return None if make is None else make(node.operator, *inputs)

    with recording(builder):
        here = builder.inline(graph, operands, replace)
    return expanded(builder.graph([here[value] for value in graph.outputs]))
