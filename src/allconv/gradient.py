"""Reverse-mode differentiation, Graph -> Graph: every adjoint is written in operators.

The gradient of a graph is a graph, so gradients of gradients need nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence

from allconv.errors import ArgumentError
from allconv.graph import Graph, Node
from allconv.operators.reduce import full_like
from allconv.trace import Builder, recording
from allconv.value import Value


def backward(
    builder: Builder,
    graph: Graph,
    operands: Sequence[Value],
    seeds: Sequence[Value | None],
    by: Sequence[int],
) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Record a graph in a builder that has recorded nothing yet, then its gradient.

    `seeds` are the gradients of the graph's outputs; the result is the outputs and the gradients of
    the operands at the places `by` (zeros where nothing depends on one).
    """
    with recording(builder):
        return _backward(builder, graph, operands, seeds, by)


def _backward(
    builder: Builder,
    graph: Graph,
    operands: Sequence[Value],
    seeds: Sequence[Value | None],
    by: Sequence[int],
) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    depends = _dependents(graph.nodes, {graph.inputs[n] for n in by})

    def expand(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
        """In other operators, where the gradient is taken through those."""
        return node.operator.expand(*inputs) if depends.intersection(node.inputs) else None

    here = builder.inline(graph, operands, expand)
    nodes = tuple(builder.nodes)
    depends = _dependents(nodes, {operands[n] for n in by})
    gradients: dict[Value, Value] = {}

    def collect(value: Value, gradient: Value) -> None:
        known = gradients.get(value)
        gradients[value] = gradient if known is None else known + gradient

    outputs = tuple(here[value] for value in graph.outputs)
    for output, seed in zip(outputs, seeds, strict=True):
        if seed is not None and output in depends:
            collect(output, seed)
    for node in reversed(nodes):
        gy = tuple(gradients.get(value) for value in node.outputs)
        if not any(g is not None for g in gy) or not depends.intersection(node.inputs):
            continue
        adjoint = node.operator.adjoint
        with builder.at(node.path):
            for value, gradient in zip(
                node.inputs, adjoint(node.inputs, node.outputs, gy), strict=True
            ):
                if gradient is not None and value in depends:
                    collect(value, gradient)
    return outputs, tuple(_gradient(gradients, operands[n]) for n in by)


def _gradient(gradients: dict[Value, Value], operand: Value) -> Value:
    return gradients[operand] if operand in gradients else full_like(operand, 0.0)


def _dependents(nodes: Sequence[Node], values: set[Value]) -> set[Value]:
    """These values and all that depend on them."""
    depends = set(values)
    for node in nodes:
        if depends.intersection(node.inputs):
            depends.update(node.outputs)
    return depends


def gradient(graph: Graph, by: Sequence[int], *, with_value: bool = False) -> Graph:
    """The graph of the gradients of a scalar function, after its value when `with_value`.

    The inputs are those of the function.
    """
    if len(graph.outputs) != 1 or graph.outputs[0].shape != ():
        shapes = ", ".join(str(value.shape) for value in graph.outputs)
        raise ArgumentError(
            f"the gradient is of a function that returns one number, not {shapes}; "
            "sum it, or use vjp"
        )
    if not graph.outputs[0].spec.is_float:
        raise ArgumentError(f"the function returns {graph.outputs[0].dtype}; floats have gradients")
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in graph.inputs]
    seed = builder.scalar(1.0, graph.outputs[0].dtype)
    value, gradients = backward(builder, graph, operands, [seed], by)
    return builder.graph((*value, *gradients) if with_value else gradients)


def pullback(graph: Graph, by: Sequence[int]) -> Graph:
    """The graph of the gradients of the inputs at the places `by`.

    The inputs are those of the function, then the gradient of each of its float outputs.
    """
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in graph.inputs]
    seeds = [builder.input(v.spec, "gy") if v.spec.is_float else None for v in graph.outputs]
    _, gradients = backward(builder, graph, operands, seeds, by)
    return builder.graph(gradients)
