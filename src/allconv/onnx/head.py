"""A file's network without its head, and without what prepares pixels; for images of any size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from allconv.errors import UnsupportedError
from allconv.nn.rewrites.new_head import two_heads
from allconv.onnx.format.text import plain, shown
from allconv.onnx.model import Input, OnnxModel, OnnxNode
from allconv.operators.base import Array
from allconv.rewrite.head import EXPECTED, NO_HEAD, last_layer, needed_nodes

_PREPARING = ("Cast", "Div", "Mul", "Sub", "Add")


def without_head(
    model: OnnxModel, state: Mapping[str, Array]
) -> tuple[OnnxModel, Array, Array | None, str]:
    """The model up to what its head takes; weight (classes, F), bias and name of the head."""
    if len(model.outputs) != 1:
        raise UnsupportedError(two_heads([plain(name) for name in model.outputs]))
    weights = set(model.parameters)
    node, bias = _head(model, weights)
    weight = _weight(node, state)
    given = node.inputs[0]
    nodes = needed_nodes(model.nodes, given)
    if not nodes:
        raise UnsupportedError(f"{NO_HEAD}: nothing stands before {shown(node.label)}; {EXPECTED}")
    added = None if bias is None else state[bias].reshape(-1)
    return (
        without_unused_arrays(replace(model, nodes=nodes, outputs=(given,))),
        weight,
        added,
        node.label,
    )


def _head(model: OnnxModel, weights: set[str]) -> tuple[OnnxNode, str | None]:
    """The layer, and the parameter that is added to its result."""
    left, bias = set(weights), None
    data, output = model.inputs[0].name, model.outputs[0]
    node, _ = last_layer(model.nodes, data, left | set(model.buffers), output)
    if node.op == "Add" and len(added := [name for name in node.inputs if name in left]) == 1:
        bias = added[0]
        before = next(name for name in node.inputs if name != bias)
        node, behind = last_layer(model.nodes, data, left | set(model.buffers), before)
        if behind or before not in node.outputs:
            raise _none(node)
    is_direct = len(node.inputs) > 1 and node.inputs[1] in weights
    if not is_direct or node.domain or node.op not in ("Gemm", "MatMul", "Conv"):
        raise _none(node)
    if bias is None and len(node.inputs) > 2 and node.inputs[2] in weights:
        bias = node.inputs[2]
    return node, bias


def _none(node: OnnxNode) -> UnsupportedError:
    return UnsupportedError(
        f"{NO_HEAD}: its last node with weights is {shown(node.label)}; {EXPECTED}"
    )


def _weight(node: OnnxNode, state: Mapping[str, Array]) -> Array:
    """The weights (classes, F) of a layer."""
    weight = state[node.inputs[1]]
    number = node.attributes.get
    if node.op == "Conv":
        if weight.shape[2:] != (1,) * (weight.ndim - 2) or number("group", 1) != 1:
            raise _none(node)
        return weight.reshape(weight.shape[:2])
    odd = number("transA", 0) or number("alpha", 1.0) != 1.0 or number("beta", 1.0) != 1.0
    if weight.ndim != 2 or (node.op == "Gemm" and odd):
        raise _none(node)
    transposed = node.op == "Gemm" and number("transB", 0)
    return np.ascontiguousarray(weight if transposed else weight.T)


def without_unused_arrays(model: OnnxModel) -> OnnxModel:
    """A model with those of its arrays that its nodes use."""
    used = {name for node in model.nodes for name in node.inputs} | set(model.outputs)
    return replace(
        model,
        arrays={name: array for name, array in model.arrays.items() if name in used},
        parameters=tuple(name for name in model.parameters if name in used),
        buffers=tuple(name for name in model.buffers if name in used),
    )


def without_preparation(model: OnnxModel) -> OnnxModel:
    """A model of pixels, uint8 (N, H, W, C), from the first image (N, C, H, W) of floats on."""
    prepared, place = {model.inputs[0].name}, None
    for number, node in enumerate(model.nodes):
        if not prepared.intersection(node.inputs):
            continue
        if node.op == "Transpose" and list(node.attributes.get("perm", ())) == [0, 3, 1, 2]:
            place = number
            break
        if node.op not in _PREPARING or node.domain:
            break
        prepared.update(node.outputs)
    if place is None:
        raise UnsupportedError("the network takes pixels, and does not begin by preparing them")
    image = model.nodes[place].outputs[0]
    nodes = tuple(node for node in model.nodes if image not in node.outputs)
    nodes = tuple(n for o in model.outputs for n in needed_nodes(nodes, o))
    if prepared.intersection(name for node in nodes for name in node.inputs):
        raise UnsupportedError("the network uses pixels beside what is made of them")
    shape = model.inputs[0].shape
    channels = None if shape is None else shape[3]
    first = Input(image, (None, channels, None, None), "float32")
    return without_unused_arrays(replace(model, inputs=(first,), nodes=nodes))


def opened(model: OnnxModel, layout: str) -> OnnxModel:
    """A model that takes any number of images of any size.

    Where the file has a batch of 1, shapes that begin with that 1 begin with the batch that
    arrives.
    """
    given = model.inputs[0]
    if given.shape is None:
        return model
    if given.shape[:1] == (1,):
        model = _batch_open(model)
    place = 3 if layout == "nhwc" else 1
    shape = tuple(n if axis == place else None for axis, n in enumerate(given.shape))
    return replace(model, inputs=(replace(given, shape=shape), *model.inputs[1:]))


def _batch_open(model: OnnxModel) -> OnnxModel:
    """A model whose constant shapes (1, ...) keep the first size, which the format writes as 0."""
    nodes, arrays = list(model.nodes), dict(model.arrays)
    held = {
        node.outputs[0]: node.attributes.get("value")
        for node in nodes
        if node.op == "Constant" and not node.domain
    }
    for number, node in enumerate(nodes):
        if node.op != "Reshape" or node.domain or node.attributes.get("allowzero", 0):
            continue
        shape = arrays.get(node.inputs[1], held.get(node.inputs[1]))
        if not isinstance(shape, np.ndarray) or shape.ndim != 1 or list(shape[:1]) != [1]:
            continue
        name = f"{node.inputs[1]}/open"
        arrays[name] = np.concatenate([np.zeros(1, shape.dtype), shape[1:]])
        nodes[number] = replace(node, inputs=(node.inputs[0], name, *node.inputs[2:]))
    return replace(model, nodes=tuple(nodes), arrays=arrays)
