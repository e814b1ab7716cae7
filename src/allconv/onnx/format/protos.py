"""Nodes as the format's own messages, made of what was read from a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.onnx.format.tensors import make_tensor
from allconv.onnx.model import Branch, Node
from onnx import ValueInfoProto, defs, helper


def node_proto(node: Node) -> Any:
    """A node as it was."""
    made = helper.make_node(node.op, list(node.inputs), list(node.outputs), name=node.name)
    known = defs.get_schema(node.op, node.version, "").attributes
    for name, given in node.attributes.items():
        kind: Any = known[name].type
        value: Any = given
        if isinstance(given, Branch):
            value = _graph(given, name)
        elif isinstance(given, np.ndarray):
            value = make_tensor("", given)
        made.attribute.append(helper.make_attribute(name, value, attr_type=kind.value))
    return made


def _graph(branch: Branch, name: str) -> Any:
    """A graph inside a node."""
    tensors = [make_tensor(each, array) for each, array in branch.arrays.items()]
    outputs = [ValueInfoProto(name=each) for each in branch.outputs]
    return helper.make_graph(list(map(node_proto, branch.nodes)), name, [], outputs, tensors)
