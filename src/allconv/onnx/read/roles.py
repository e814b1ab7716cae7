"""What the arrays of a file are: parameters, buffers, or settings of its nodes.

Some exporters write every array as a Constant node. What a convolution, a linear layer or a
normalisation takes as its weights, and what is added to the result of such a layer as its bias, is
a parameter wherever it stands; any other constant (a mean of the pixels, a scale) stays a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from allconv.onnx.model import OnnxNode
from allconv.onnx.names import FOLDS, named
from allconv.onnx.names.known import ELEMENTS
from allconv.operators.base import FLOATS, Array

MOST_SCALES = 16
_SIZES = ("Shape", "Size")
_JOIN = ("Concat", "Identity")
_BIASED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def without_weights(nodes: list[OnnxNode]) -> tuple[list[OnnxNode], dict[str, Array]]:
    """The nodes but for the constants that are weights, and those by name."""
    held = {_first(node): array for node in nodes if (array := _floats(node)) is not None}
    names = {name for node in nodes for name in _weights(node)} | _biases(nodes)
    found = {name: array for name, array in held.items() if name and name in names}
    return [node for node in nodes if _first(node) not in found], found


def _first(node: OnnxNode) -> str:
    """The name of the first result; of a broken file there may be none."""
    return node.outputs[0] if node.outputs else ""


def _floats(node: OnnxNode) -> Array | None:
    """The floats of a Constant node."""
    if node.domain or node.op != "Constant":
        return None
    value = node.attributes.get("value")
    return value if isinstance(value, np.ndarray) and value.dtype.name in FLOATS else None


def _weights(node: OnnxNode) -> list[str]:
    name = named(node)
    numbers = name.weights if name else ()
    return [node.inputs[number] for number in numbers if number < len(node.inputs)]


def _biases(nodes: list[OnnxNode]) -> set[str]:
    """What is added to the result of a layer with weights."""
    results = {_first(node) for node in nodes if node.op in _BIASED and not node.domain} - {""}
    adds = [node.inputs for node in nodes if node.op == "Add" and not node.domain]
    added = [inputs for inputs in adds if len(inputs) == 2]  # others are refused with a reason
    return {
        name for inputs in added for name, other in (inputs, reversed(inputs)) if other in results
    }


def roles(
    nodes: Sequence[OnnxNode], arrays: Mapping[str, Array], static: AbstractSet[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The initializers that are parameters, and those that are buffers.

    A float that some node needs as a setting is neither, nor is one that meets only sizes and
    `static` inputs.
    """
    settings: set[str] = set()
    buffers: set[str] = set()
    for node in nodes:
        name = named(node)
        if name is not None:
            settings.update(node.inputs[n] for n in name.settings if n < len(node.inputs))
            buffers.update(node.inputs[n] for n in name.buffers if n < len(node.inputs))
    used = {name for node in nodes for name in node.uses}
    settings |= _beside_sizes(nodes, arrays, static)
    floats = [
        name
        for name, array in arrays.items()
        if name in used - settings and array.dtype.name in FLOATS
    ]
    return (
        tuple(name for name in floats if name not in buffers),
        tuple(name for name in floats if name in buffers),
    )


def _beside_sizes(
    nodes: Sequence[OnnxNode], arrays: Mapping[str, Array], static: AbstractSet[str]
) -> set[str]:
    """Small floats that are only computed with sizes and static inputs: a scale of a size, say."""
    integers = {name for name, array in arrays.items() if array.dtype.name not in FLOATS}
    small = {
        name for name, array in arrays.items() if name not in integers and array.size <= MOST_SCALES
    }
    sizes = set(static)
    beside: set[str] = set()
    elsewhere: set[str] = set()
    for node in nodes:
        taken = {name for name in node.uses if name}
        op = "" if node.domain else node.op
        met = taken & sizes
        if op in _SIZES:
            sizes.update(node.outputs)
        elif op == "Constant":
            integers.update(node.outputs)
        elif op in FOLDS and met and taken <= sizes | integers:
            sizes.update(node.outputs)
        elif (op in ELEMENTS or op in _JOIN) and met and taken <= sizes | integers | small:
            sizes.update(node.outputs)
            beside |= taken & small
        else:
            elsewhere |= taken
    return beside - elsewhere
