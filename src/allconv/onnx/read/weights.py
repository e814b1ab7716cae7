"""Weights that a file keeps in Constant nodes: parameters like those that are initializers.

Some exporters write every array as a node. What a convolution, a linear layer or a normalisation
takes as its weights, and what is added to the result of such a layer as its bias, is a parameter;
any other constant (a mean of the pixels, a scale) stays a constant.
"""

from __future__ import annotations

import numpy as np

from allconv.onnx.model import Node
from allconv.onnx.names import named
from allconv.operators.base import FLOATS, Array

_BIASED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def without_weights(nodes: list[Node]) -> tuple[list[Node], dict[str, Array]]:
    """The nodes but for the constants that are weights, and those by name."""
    held = {_first(node): array for node in nodes if (array := _floats(node)) is not None}
    names = {name for node in nodes for name in _weights(node)} | _biases(nodes)
    found = {name: array for name, array in held.items() if name and name in names}
    return [node for node in nodes if _first(node) not in found], found


def _first(node: Node) -> str:
    """The name of the first result; of a broken file there may be none."""
    return node.outputs[0] if node.outputs else ""


def _floats(node: Node) -> Array | None:
    """The floats of a Constant node."""
    if node.domain or node.op != "Constant":
        return None
    value = node.attributes.get("value")
    return value if isinstance(value, np.ndarray) and value.dtype.name in FLOATS else None


def _weights(node: Node) -> list[str]:
    name = named(node)
    numbers = name.weights if name else ()
    return [node.inputs[number] for number in numbers if number < len(node.inputs)]


def _biases(nodes: list[Node]) -> set[str]:
    """What is added to the result of a layer with weights."""
    results = {_first(node) for node in nodes if node.op in _BIASED and not node.domain} - {""}
    adds = [node.inputs for node in nodes if node.op == "Add" and not node.domain]
    added = [inputs for inputs in adds if len(inputs) == 2]  # others are refused with a reason
    return {
        name for inputs in added for name, other in (inputs, reversed(inputs)) if other in results
    }
