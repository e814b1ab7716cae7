"""The nodes of a file as values, and the graphs inside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allconv.errors import LimitError, UnsupportedError
from allconv.onnx.attributes import read_attributes
from allconv.onnx.call import unsupported
from allconv.onnx.declared import read_arrays
from allconv.onnx.external import Outside
from allconv.onnx.model import Branch, Node
from allconv.onnx.names import named
from allconv.onnx.names.local import TAG
from allconv.onnx.refusals import ADVICE
from allconv.onnx.validate import check_order
from allconv.onnx.wire import Place, Raw, attribute
from allconv.text import encodable

DOMAINS = ("", "ai.onnx")
MOST_NODES = 100_000
DEEPEST = 8
"""Graphs inside each other."""


@dataclass
class NodeReader:
    """Reads the nodes of a graph; `count` are those so far, with those inside them."""

    opset: int
    outside: Outside
    raws: Mapping[Place, Raw]
    count: int = 0
    depth: int = 0

    def read(self, graph: Any) -> list[Node]:
        """The nodes of a graph. What is not read at all carries why."""
        self.count += len(graph.node)
        if self.count > MOST_NODES:
            raise LimitError(f"the network has more than {MOST_NODES:,} nodes")
        return [self._node(number, each) for number, each in enumerate(graph.node)]

    def _node(self, number: int, proto: Any) -> Node:
        tags = [each.value for each in proto.metadata_props if each.key == TAG]
        node = Node(
            encodable(proto.op_type),
            "" if proto.domain in DOMAINS else encodable(proto.domain),
            self.opset,
            encodable(proto.name),
            tuple(map(encodable, proto.input)),
            tuple(map(encodable, proto.output)),
            {},
            encodable(tags[0]) if tags else "",
        )

        def raw_of(attribute_number: int) -> Raw | None:
            place = attribute(number, attribute_number)
            return None if self.depth else self.raws.get(place)

        try:
            if node.domain:  # before ours are made, so that a file cannot name them
                raise unsupported(node)
            if named(node.op) is None:
                raise unsupported(node, ADVICE.get(node.op, ""))
            branch_of = self._branch if node.op == "If" else None
            found = read_attributes(proto, node, self.outside, raw_of, branch_of)
        except UnsupportedError as error:
            return replace(node, refusal=error)
        return replace(node, attributes=found)

    def _branch(self, graph: Any) -> Branch:
        """A graph inside a node: what it uses from around it is found out here."""
        if self.depth == DEEPEST:
            raise LimitError(f"graphs inside graphs are read {DEEPEST} deep")
        self.depth += 1
        try:
            arrays = read_arrays(graph, self.outside, {})
            nodes = self.read(graph)
        finally:
            self.depth -= 1
        outputs = tuple(encodable(each.name) for each in graph.output)
        outside = _free(nodes, outputs, arrays)
        check_order(nodes, {*arrays, *outside}, outputs)
        return Branch(tuple(nodes), outputs, arrays, outside)


def _free(
    nodes: Sequence[Node], outputs: Sequence[str], arrays: Mapping[str, Any]
) -> tuple[str, ...]:
    """The names that nothing in a graph makes."""
    made = {"", *arrays, *(name for node in nodes for name in node.outputs)}
    used = [name for node in nodes for name in node.uses]
    return tuple(dict.fromkeys(name for name in (*used, *outputs) if name not in made))
