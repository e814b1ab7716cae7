"""A network that takes pixels, without what prepares them.

1  transpose(f(x), channels first)  -> a new input, where f changes each pixel on its own
"""

from __future__ import annotations

from allconv.errors import UnsupportedError
from allconv.graph import Graph, Node
from allconv.operators.arrange import Convert, Transpose
from allconv.operators.pointwise import Pointwise
from allconv.value import Value


def strip_preprocessing(graph: Graph) -> Graph:
    """The graph from the first image (N, C, H, W) on; its first input is that image."""
    prepared = {graph.inputs[0]}
    for node in graph.nodes:
        if not prepared.intersection(node.inputs):
            continue
        if node.operator == Transpose((0, 3, 1, 2)):
            return _after(graph, node.outputs[0])
        if not isinstance(node.operator, Pointwise | Convert):
            break
        prepared.update(node.outputs)
    raise UnsupportedError("the network takes pixels, and does not begin by preparing them")


def _after(graph: Graph, image: Value) -> Graph:
    """The part of a graph that needs no more than `image` and what is not data."""
    needed: set[Value] = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs) and image not in node.outputs:
            kept.append(node)
            needed.update(node.inputs)
    if graph.inputs[0] in needed or image not in needed:
        raise UnsupportedError("the network uses pixels beside what is made of them")
    constants = {value: array for value, array in graph.constants.items() if value in needed}
    return Graph((image, *graph.inputs[1:]), tuple(reversed(kept)), graph.outputs, constants)
