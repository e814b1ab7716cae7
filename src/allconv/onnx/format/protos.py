"""The format's own messages: nodes of what was read from a file, and models around nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from allconv.errors import LimitError
from allconv.onnx.format.tensors import CODES, make_tensor
from allconv.onnx.model import Branch, OnnxNode
from allconv.operators.base import Array
from onnx import ValueInfoProto, defs, helper

IR_VERSION = 10
LARGEST = 2**31 - 1
TOO_LARGE = (
    "the network holds more than the 2 GB of an ONNX file; save the parameters as safetensors"
)


def check_size(arrays: Iterable[Array]) -> None:
    """Refuse arrays that no file can hold."""
    if sum(array.nbytes for array in arrays) >= LARGEST - 2**20:
        raise LimitError(TOO_LARGE)


def value_proto(name: str, dtype: str, shape: Sequence[int | None]) -> Any:
    """An input, output or value; a size that follows the batch is named N."""
    sizes = ["N" if n is None else n for n in shape]
    return helper.make_tensor_value_info(name, CODES[dtype], sizes)


def node_proto(node: OnnxNode) -> Any:
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
