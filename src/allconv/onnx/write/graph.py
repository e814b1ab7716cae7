"""A graph as nodes of the format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from allconv.errors import UnsupportedError
from allconv.graph import Graph, Node
from allconv.onnx.names import WRITERS
from allconv.onnx.names.unwritten import UNWRITTEN
from allconv.onnx.names.writer import NodeToWrite, Shape, Writer
from allconv.onnx.write.moved import moved
from allconv.onnx.write.network import ExportedNetwork
from allconv.onnx.write.patterns import Match, match
from allconv.operators.base import Array
from allconv.text import encodable
from allconv.value import Value


@dataclass
class WrittenGraph:
    """The names of the outputs, and the shape and dtype of every value that has a name."""

    outputs: list[str] = field(default_factory=list)
    values: dict[str, tuple[Shape, str]] = field(default_factory=dict)


def write_graph(
    writer: Writer, network: ExportedNetwork, x: Sequence[str], outputs: Sequence[str]
) -> WrittenGraph:
    """Write the nodes of a network whose data inputs have the names x."""
    graph = network.graph
    results = network.recorded.results
    nodes, matches = _chosen(graph, results)
    names = dict(zip(graph.inputs, [*x, *network.arrays], strict=True))
    used = _used(nodes, matches, results)
    for value, (name, array) in zip(
        graph.inputs[network.recorded.arguments :], network.arrays.items(), strict=True
    ):
        if value in used:
            writer.initializer(name, array)
    emitted = WrittenGraph()
    last = _last(nodes, results, outputs)
    for node in nodes:
        found = matches.get(node)
        operands = found.operands if found else node.inputs
        for value in operands:
            if value not in names:
                names[value] = _constant(writer, value, graph.constants[value])
        for number, value in enumerate(node.outputs):
            names[value] = last.get(value) or writer.fresh(_name(node, found, number))
        written = _written(node, operands, names, network)
        _write(writer, written, found)
        emitted.values[names[node.outputs[0]]] = (written.result, node.outputs[0].dtype)
    for value, name in zip(results, outputs, strict=True):
        if last.get(value) != name:  # an input, a constant, or a value that is returned twice
            if value not in names:
                names[value] = _constant(writer, value, graph.constants[value])
            writer.add("Identity", (names[value],), (name,))
            emitted.values[name] = (network.shapes[value], value.dtype)
    emitted.outputs = list(outputs)
    return emitted


def _chosen(graph: Graph, results: Sequence[Value]) -> tuple[list[Node], dict[Node, Match]]:
    """The nodes to write, in order, and those that stand for a pattern."""
    producers = {value: node for node in graph.nodes for value in node.outputs}
    constants = dict(graph.constants)
    needed, nodes, matches = set(results), [], {}
    for node in reversed(graph.nodes):
        if not needed.intersection(node.outputs):
            continue
        nodes.append(node)
        found = match(node, producers, constants) or moved(node, producers)
        if found is not None:
            matches[node] = found
        needed.update(found.operands if found else node.inputs)
    nodes.reverse()
    return nodes, matches


def _used(
    nodes: Sequence[Node], matches: dict[Node, Match], results: Sequence[Value]
) -> set[Value]:
    used = set(results)
    for node in nodes:
        used.update(matches[node].operands if node in matches else node.inputs)
    return used


def _last(
    nodes: Sequence[Node], results: Sequence[Value], outputs: Sequence[str]
) -> dict[Value, str]:
    """The names of values that are outputs of the network: each its first."""
    made = {value for node in nodes for value in node.outputs}
    last: dict[Value, str] = {}
    for value, name in zip(results, outputs, strict=True):
        if value in made:
            last.setdefault(value, name)
    return last


def _name(node: Node, found: Match | None, number: int) -> str:
    """The name of a result: the layer's path and the operator, "features.0/Correlate"."""
    layer = encodable(node.path.split(" (")[0])
    op = found.op if found else node.operator.name
    name = f"{layer}/{op}" if layer and layer.split("/")[-1] != op else layer or op
    return f"{name}.{number}" if number else name


def _constant(writer: Writer, value: Value, array: Array) -> str:
    return writer.constant(value.name or "constant", np.asarray(array))


def _written(
    node: Node, operands: Sequence[Value], names: dict[Value, str], network: ExportedNetwork
) -> NodeToWrite:
    return NodeToWrite(
        node.operator,
        tuple(names[value] for value in operands),
        tuple(names[value] for value in node.outputs),
        tuple(network.shapes[value] for value in operands),
        network.shapes[node.outputs[0]],
        (operands[0].shape, node.outputs[0].shape),
        node.outputs[0].dtype,
        node.path,
    )


def _write(writer: Writer, written: NodeToWrite, found: Match | None) -> None:
    if found is not None:
        numbers = [
            writer.constant(f"{written.outputs[0]}/{n}", np.array(number, written.dtype))
            for n, number in enumerate(found.numbers)
        ]
        if found.integers:
            numbers.append(writer.integers(found.integers))
        inputs = [*written.inputs, *numbers]
        writer.node(written, found.op, inputs, **found.attributes)
        return
    write: Any = WRITERS.get(type(written.operator))
    if write is None:
        raise writer.unsupported(written, UNWRITTEN[type(written.operator)])
    if written.operator.name == "MaxPool":
        written.outputs = written.outputs[:1]
    try:
        write(writer, written)
    except UnsupportedError as error:
        raise error.at(written.path) from None
