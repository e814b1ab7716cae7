"""Operators that are compiled as what they are made of.

Each of these has a definition of its own, and is written to a file as one; its kernels are those of
the operators in its `expand`, which are fused like any others.
"""

from __future__ import annotations

from allconv.graph import Graph, Node
from allconv.operators.base import Operator
from allconv.operators.norms import GroupNorm, LayerNorm
from allconv.trace import Builder, recording
from allconv.value import Value

EXPANDED: tuple[type[Operator], ...] = (GroupNorm, LayerNorm)


def expanded(graph: Graph) -> Graph:
    """The graph with these operators replaced; the same graph where it has none."""
    if not any(isinstance(node.operator, EXPANDED) for node in graph.nodes):
        return graph
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in graph.inputs]

    def replace(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
        floats = all(value.spec.is_float for value in inputs)
        return (
            node.operator.expand(*inputs)
            if floats and isinstance(node.operator, EXPANDED)
            else None
        )

    with recording(builder):
        here = builder.inline(graph, operands, replace)
    return expanded(builder.graph([here[value] for value in graph.outputs]))
