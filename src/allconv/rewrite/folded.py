"""Batch normalisation in inference, folded into the convolution before it.

    1  normalize(correlate(x, w, b), m, v, g, c)  -> correlate(x, w * s, (b - m) * s + c)
    2  normalize(correlate(x, w), m, v, g, c)     -> correlate(x, w * s, c - m * s)

where s = g / sqrt(v + eps), a number for each output channel, and nothing else reads the
convolution. Equal up to rounding.
"""

from __future__ import annotations

from allconv.graph import Graph, Node
from allconv.operators.correlate import Correlate
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Sqrt
from allconv.trace import Builder
from allconv.value import Value


def folded(graph: Graph) -> Graph:
    """The graph with the cases above replaced."""
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in graph.inputs]
    users = graph.users()
    alone = {
        node.outputs[0]
        for node in graph.nodes
        if isinstance(node.operator, Correlate)
        and len(users.get(node.outputs[0], [])) == 1
        and node.outputs[0] not in graph.outputs
    }
    depends = _depending(graph)

    def replace(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
        if not isinstance(node.operator, Normalize) or node.inputs[0] not in alone:
            return None
        before = builder.producers[inputs[0]]
        if depends.intersection(node.inputs[1:]) or len(before.inputs[1].shape) < 2:
            return None
        return (_fold(builder, before, node.operator.eps, inputs[1:]),)

    here = builder.inline(graph, operands, replace)
    return builder.graph([here[value] for value in graph.outputs])


def _depending(graph: Graph) -> set[Value]:
    """The values that depend on the data."""
    found = {graph.inputs[0]}
    for node in graph.nodes:
        if found.intersection(node.inputs):
            found.update(node.outputs)
    return found


def _fold(builder: Builder, before: Node, eps: float, statistics: tuple[Value, ...]) -> Value:
    x, w, *bias = before.inputs
    mean, variance, gamma, beta = statistics
    scale = gamma / Sqrt()(variance + eps)
    shift = (bias[0] - mean) * scale + beta if bias else beta - mean * scale
    scaled = w * scale.reshape((-1, *(1,) * (w.ndim - 1)))
    with builder.at(before.path):
        y: Value = builder.apply(before.operator, x, scaled, shift)
    return y
