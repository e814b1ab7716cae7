"""The nodes of a file as values, and the graphs inside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from allconv.errors import LimitError, UnsupportedError
from allconv.onnx.format.refusals import ADVICE
from allconv.onnx.model import Branch, OnnxNode
from allconv.onnx.names import named
from allconv.onnx.names.call import unsupported
from allconv.onnx.names.local import TAG, local_node
from allconv.onnx.read.arrays import read_arrays
from allconv.onnx.read.attributes import read_attributes
from allconv.onnx.read.external import Outside
from allconv.onnx.read.functions import Body, Key, inlined, size_of
from allconv.onnx.read.validate import check_order
from allconv.onnx.read.wire import Place, Raw, attribute
from allconv.text import encodable
from onnx import NodeProto

DOMAINS = ("", "ai.onnx")
OLDEST_OPSET, NEWEST_OPSET = 6, 28
MOST_NODES = 100_000
DEEPEST = 8
"""Graphs inside each other."""


MOST_BYTES = 2**28
"""Of the nodes that calls of functions are replaced by."""


@dataclass
class NodeReader:
    """Reads the nodes of a graph; `count` are those so far, with those inside them.

    Calls of functions of the file are replaced by their bodies: `calls` are those around a node,
    `size` the bytes of the bodies so far.
    """

    opset: int
    outside: Outside
    raws: Mapping[Place, Raw]
    functions: Mapping[Key, Any] = field(default_factory=dict)
    count: int = 0
    depth: int = 0
    calls: int = 0
    size: int = 0

    def read(self, graph: Any) -> list[OnnxNode]:
        """The nodes of a graph. What is not read at all carries why."""
        return [n for number, each in enumerate(graph.node) for n in self._nodes(number, each)]

    def body(self, body: Body) -> list[OnnxNode]:
        """The nodes of a function, in its operator set; its arrays are all held in them."""
        if self.calls == DEEPEST:
            raise LimitError(f"functions are called {DEEPEST} deep; export the network without")
        self.calls += 1
        opset, self.opset = self.opset, body.version
        try:
            return [node for each in body.nodes for node in self._nodes(0, each)]
        finally:
            self.calls, self.opset = self.calls - 1, opset

    def _nodes(self, number: int, proto: Any) -> list[OnnxNode]:
        """A node, or those of the function that it calls."""
        self.count += 1
        function = self.functions.get((proto.domain, proto.op_type, proto.overload))
        raws = self._raws(number, proto)
        self.size += size_of(function, proto, raws) if function else 0
        if self.count > MOST_NODES or self.size > MOST_BYTES:
            raise LimitError(
                f"the network has more than {MOST_NODES:,} nodes, or functions are called for more "
                f"than {MOST_BYTES:,} bytes of them"
            )
        if function is None:
            return [self._node(proto, raws)]
        local = local_node(self._plain(proto), function)
        if local is not None:
            return [local]
        label = f"{encodable(proto.name or proto.op_type)}#{self.count}"
        return self.body(inlined(function, _with_arrays(proto, raws), label, self.opset))

    def _raws(self, number: int, proto: Any) -> dict[int, Raw]:
        """The arrays of a node that were left in the file, by the number of the attribute."""
        if self.depth or self.calls or not self.raws:
            return {}
        places = ((n, attribute(number, n)) for n in range(len(proto.attribute)))
        return {n: self.raws[place] for n, place in places if place in self.raws}

    def _plain(self, proto: Any) -> OnnxNode:
        """A node without its attributes."""
        tags = [each.value for each in proto.metadata_props if each.key == TAG]
        return OnnxNode(
            encodable(proto.op_type),
            "" if proto.domain in DOMAINS else encodable(proto.domain),
            self.opset,
            encodable(proto.name),
            tuple(map(encodable, proto.input)),
            tuple(map(encodable, proto.output)),
            {},
            encodable(tags[0]) if tags else "",
        )

    def _node(self, proto: Any, raws: Mapping[int, Raw]) -> OnnxNode:
        node = self._plain(proto)
        try:
            if node.domain:  # before ours are made, so that a file cannot name them
                raise unsupported(node)
            if not OLDEST_OPSET <= self.opset <= NEWEST_OPSET:  # of a function
                raise unsupported(node, f"{OLDEST_OPSET} to {NEWEST_OPSET} are read")
            if named(node) is None:
                raise unsupported(node, ADVICE.get(node.op, ""))
            branch_of = self._branch if node.op == "If" else None
            found = read_attributes(proto, node, self.outside, raws.get, branch_of)
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


def _with_arrays(call: Any, raws: Mapping[int, Raw]) -> Any:
    """The call of a function with the arrays that were left in the file: its body holds them."""
    if not raws:
        return call
    made = NodeProto()
    made.CopyFrom(call)
    for number, raw in raws.items():
        if not made.attribute[number].t.raw_data:
            made.attribute[number].t.raw_data = raw.data()
    return made


def _free(
    nodes: Sequence[OnnxNode], outputs: Sequence[str], arrays: Mapping[str, Any]
) -> tuple[str, ...]:
    """The names that nothing in a graph makes."""
    made = {"", *arrays, *(name for node in nodes for name in node.outputs)}
    used = [name for node in nodes for name in node.uses]
    return tuple(dict.fromkeys(name for name in (*used, *outputs) if name not in made))
