"""The nodes of a file as values, the graphs inside them, and the functions that they call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from allconv.errors import FileError, LimitError, UnsupportedError
from allconv.onnx.attributes import read_attributes
from allconv.onnx.call import unsupported
from allconv.onnx.declared import read_arrays
from allconv.onnx.external import Outside
from allconv.onnx.functions import DOMAINS, Key, inlined, key_of, settings_of
from allconv.onnx.model import Branch, Node
from allconv.onnx.names.local import TAG
from allconv.onnx.text import shown
from allconv.onnx.validate import check_order
from allconv.onnx.wire import Place, Raw, attribute
from allconv.text import encodable

OLDEST_OPSET, NEWEST_OPSET = 6, 28
MOST_NODES = 100_000
DEEPEST = 8
"""Graphs inside each other, and functions that call each other."""

MOST_BODIES = 2**28
"""Bytes of the bodies of functions, for all calls together."""


@dataclass
class Budget:
    """What has been read so far: nodes, with those inside them, and bytes of functions."""

    nodes: int = 0
    bodies: int = 0


@dataclass
class NodeReader:
    """Reads the nodes of a graph.

    Inside a function, `settings` are the attributes of its call, and `calls` the functions around.
    """

    opset: int
    outside: Outside
    raws: Mapping[Place, Raw]
    functions: Mapping[Key, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    settings: Mapping[str, Any] | None = None
    calls: tuple[Key, ...] = ()
    depth: int = 0

    def read(self, graph: Any) -> list[Node]:
        """The nodes of a graph. What is not read at all carries why."""
        self.budget.nodes += len(graph.node)
        if self.budget.nodes > MOST_NODES:
            raise LimitError(f"the network has more than {MOST_NODES:,} nodes")
        found: list[Node] = []
        for number, each in enumerate(graph.node):
            key = key_of(each.domain, each.op_type, each.overload)
            function = self.functions.get(key)
            if function is None:
                found.append(self._node(number, each))
            else:
                found += self._called(each, key, function)
        return found

    def _plain(self, proto: Any) -> Node:
        """A node without its attributes."""
        tags = [each.value for each in proto.metadata_props if each.key == TAG]
        return Node(
            encodable(proto.op_type),
            "" if proto.domain in DOMAINS else encodable(proto.domain),
            self.opset,
            encodable(proto.name),
            tuple(map(encodable, proto.input)),
            tuple(map(encodable, proto.output)),
            {},
            encodable(tags[0]) if tags else "",
        )

    def _node(self, number: int, proto: Any) -> Node:
        node = self._plain(proto)

        def raw_of(attribute_number: int) -> Raw | None:
            place = attribute(number, attribute_number)
            return None if self.depth else self.raws.get(place)

        try:
            if node.domain:  # before ours are made, so that a file cannot name them
                raise unsupported(node)
            branch_of = self._branch if node.op == "If" else None
            found = read_attributes(proto, node, self.outside, raw_of, branch_of, self.settings)
        except UnsupportedError as error:
            return replace(node, refusal=error)
        return replace(node, attributes=found)

    def _called(self, proto: Any, key: Key, function: Any) -> list[Node]:
        """The nodes that a call of a function stands for."""
        name = shown(function.name)
        if key in self.calls:
            raise FileError(f"the function {name} calls itself; export the network again")
        if len(self.calls) == DEEPEST:
            raise LimitError(f"functions that call each other are read {DEEPEST} deep, down to one")
        self.budget.bodies += int(function.ByteSize())
        if self.budget.bodies > MOST_BODIES:
            raise LimitError(
                f"calls of functions, up to {name}, bring {MOST_BODIES:,} bytes; inline them in "
                "the file"
            )
        inside = replace(
            self,
            opset=_version(function),
            raws={},
            settings=settings_of(proto, function, self.settings),
            calls=(*self.calls, key),
        )
        return inlined(self._plain(proto), function, inside.read(function))

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


def _version(function: Any) -> int:
    """The operator set of a function's body; 0 for one that uses no standard operators."""
    versions = [each.version for each in function.opset_import if each.domain in DOMAINS]
    if len(versions) > 1 or not all(OLDEST_OPSET <= n <= NEWEST_OPSET for n in versions):
        raise UnsupportedError(
            f"unsupported: the function {shown(function.name)} of operator set "
            f"{', '.join(map(str, versions[:3]))}; {OLDEST_OPSET} to {NEWEST_OPSET} are read"
        )
    return int(versions[0]) if versions else 0


def _free(
    nodes: Sequence[Node], outputs: Sequence[str], arrays: Mapping[str, Any]
) -> tuple[str, ...]:
    """The names that nothing in a graph makes."""
    made = {"", *arrays, *(name for node in nodes for name in node.outputs)}
    used = [name for node in nodes for name in node.uses]
    return tuple(dict.fromkeys(name for name in (*used, *outputs) if name not in made))
