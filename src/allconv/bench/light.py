"""The light networks of the onnx package with seeded random weights in place of constant ones."""

from __future__ import annotations

from math import prod, sqrt
from pathlib import Path

import numpy as np

import onnx
from allconv.operators.base import Array
from onnx import GraphProto, ModelProto, numpy_helper

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
IR_VERSION = 8  # from 4 on, initializers are constants, which engines may fold
SCALES, VARIANCES = 1, 4  # the places of these among the inputs of BatchNormalization


def light_network(file: str, draw: np.random.Generator, *, batch: int = 1) -> ModelProto:
    """A network of the onnx package for a batch, with weights that keep sizes of numbers alike.

    Filters are normal with variance 2/(inputs of a cell) (He et al. 2015); what multiplies a
    channel lies around 1, or around 1/2 where the result is added to another, and what is added to
    it around 0. So the answers depend on the images, and engines can be compared by them.
    """
    model = onnx.load(FOLDER / f"{file}.onnx")
    graph = model.graph
    arrays = _filled(graph, draw)
    used = {name for node in graph.node for name in node.input}
    del graph.initializer[:]
    for name in sorted(used & set(arrays)):
        graph.initializer.append(numpy_helper.from_array(arrays[name], name))
    inputs = [each for each in graph.input if each.name not in arrays]
    del graph.input[:]
    graph.input.extend(inputs)
    model.ir_version = IR_VERSION
    _set_batch(graph, arrays, batch)
    return model


def _filled(graph: GraphProto, draw: np.random.Generator) -> dict[str, Array]:
    """The initializers; those of floats drawn, and the nodes that made constant ones removed."""
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    shapes = {n: a.shape for n, a in arrays.items() if a.dtype == np.float32}
    kept = []
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shapes[node.output[0]] = tuple(int(n) for n in arrays[node.input[0]])
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    roles = _roles(graph)
    drawn = {name: _drawn(shape, roles.get(name, ""), draw) for name, shape in shapes.items()}
    return arrays | drawn


def _roles(graph: GraphProto) -> dict[str, str]:
    """What arrays of one axis do: "scale", "small scale", or nothing said for what is added."""
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    roles = {}
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            added = any(n.op_type in ("Sum", "Add") for n in users.get(node.output[0], []))
            roles[node.input[SCALES]] = "small scale" if added else "scale"
            roles[node.input[VARIANCES]] = "scale"
        if node.op_type == "Unsqueeze" and any(
            n.op_type == "Mul" for n in users.get(node.output[0], [])
        ):
            roles[node.input[0]] = "scale"
    return roles


def _drawn(shape: tuple[int, ...], role: str, draw: np.random.Generator) -> Array:
    array: Array
    match role, len(shape):
        case "scale", _:
            array = draw.uniform(0.6, 1.2, shape)
        case "small scale", _:
            array = draw.uniform(0.2, 0.6, shape)
        case _, 0 | 1:
            array = 0.1 * draw.standard_normal(shape)
        case _:
            array = sqrt(2 / prod(shape[1:])) * draw.standard_normal(shape, np.float32)
    return np.asarray(array, np.float32)


def _set_batch(graph: GraphProto, arrays: dict[str, Array], batch: int) -> None:
    """Put another batch for 1 in the input, the outputs and the shapes that data takes."""
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    named = {each.name: each for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[0] not in arrays:
            shape = np.array(arrays[node.input[1]])
            if shape[0] == 1:
                shape[0] = batch
                named[node.input[1]].CopyFrom(numpy_helper.from_array(shape, node.input[1]))
