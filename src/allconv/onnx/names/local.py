"""Locally connected layers, which the format has no operator for: a function of the file's own.

    cells   (N, C, *I) -> (N, C, I) -> Gather -> (N, C, P, K): the cells that each output meets
    rows    (G, P, N, C/G*K);   weights (O, C/G, *K, *P) -> (G, P, C/G*K, O/G)
    result  MatMul -> (G, P, N, O/G) -> (N, O, *P), and the bias added

A layer is one node, the call of a function with these operators in its body, so that any runtime
computes it; layers of the same sizes share it. The node carries the window in its metadata. When a
file is read, the body takes the place of the call (`functions`), and the nodes are made again from
that tag and compared: only where they are the same do they stand for one `Local`, so a tag cannot
change what a file means.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import prod
from typing import Any

import numpy as np

from allconv.errors import Error
from allconv.functional.call import apply
from allconv.onnx.call import Call
from allconv.onnx.model import Node
from allconv.onnx.writer import OPSET, Writer, Written, make_node
from allconv.operators.base import Array
from allconv.operators.local import Local
from allconv.operators.windowed import taps
from allconv.value import Value
from allconv.window import Axis, Window
from onnx import FunctionProto, ModelProto, NodeProto, helper

LOCAL = ("allconv", "LocallyConnected")
TAG = "allconv.local"
LONGEST = 24  # nodes of a layer
_AXIS = ("input", "kernel", "output", "stride", "dilation", "input_dilation", "padding")


@dataclass(frozen=True)
class Layer:
    """A locally connected layer: its window, groups, channels in and out, and its arrays' names."""

    window: Window
    groups: int
    channels: int
    outputs: int
    x: str
    w: str
    b: str
    y: str

    def tag(self) -> str:
        """The layer as JSON, without the name of its result."""
        axes = [[getattr(axis, name) for name in _AXIS] for axis in self.window.axes]
        numbers = [self.groups, self.channels, self.outputs]
        return json.dumps([axes, numbers, [self.x, self.w, self.b]])

    @classmethod
    def from_tag(cls, text: str, y: str) -> Layer | None:
        """The layer of a tag; None for anything that is no tag of ours."""
        try:
            axes, numbers, names = json.loads(text)
            groups, channels, outputs = numbers
            x, w, b = names
            integers = [*numbers, *(n for axis in axes for n in axis)]
            legal = all(type(n) is int for n in integers) and min(numbers) > 0
            if not legal or not all(isinstance(name, str) for name in names):
                return None
            window = Window(tuple(Axis(*axis) for axis in axes))
        except (ValueError, TypeError, RecursionError, Error):
            return None
        return cls(window, groups, channels, outputs, x, w, b, y)

    def cells(self) -> Array:
        """(P, K): the input cell, in row-major order, that an output meets by a tap, or I: zero."""
        size = prod(self.window.input)
        cells: Array = np.full((prod(self.window.output), self.window.taps), size, np.int64)
        for number, k in enumerate(taps(self.window)):
            parts = []
            for axis, tap in zip(self.window.axes, k, strict=True):
                sources = [axis.source(i, tap) for i in range(axis.output)]
                parts.append(np.array([-1 if j is None else j for j in sources], np.int64))
            mesh = np.meshgrid(*parts, indexing="ij")
            inside = np.logical_and.reduce([part >= 0 for part in mesh])
            flat = np.zeros(self.window.output, np.int64)
            for part, axis in zip(mesh, self.window.axes, strict=True):
                flat = flat * axis.input + part
            cells[:, number] = np.where(inside, flat, size).reshape(-1)
        return cells

    def nodes(self) -> list[Node]:
        """The layer in standard operators, in order; the last makes y."""
        kernel, output = self.window.taps, prod(self.window.output)
        groups, each = self.groups, self.channels // self.groups
        cells = self.cells()
        padded = bool(cells.size) and int(cells.max()) == prod(self.window.input)
        nodes = _Nodes(self.y)
        x = nodes.reshape("flat", self.x, [0, self.channels, prod(self.window.input)])
        if padded:
            x = nodes.add("padded", "Pad", [x, nodes.constant("pads", [0, 0, 0, 0, 0, 1])])
        x = nodes.add("patches", "Gather", [x, nodes.constant("cells", cells)], axis=2)
        x = nodes.reshape("groups", x, [0, groups, each, output, kernel])
        x = nodes.add("turned", "Transpose", [x], perm=(1, 3, 0, 2, 4))
        x = nodes.reshape("rows", x, [0, 0, 0, each * kernel])
        w = nodes.reshape(
            "weights", self.w, [groups, self.outputs // groups, each * kernel, output]
        )
        w = nodes.add("columns", "Transpose", [w], perm=(0, 3, 2, 1))
        y = nodes.add("product", "MatMul", [x, w])
        y = nodes.add("outputs", "Transpose", [y], perm=(2, 0, 3, 1))
        y = nodes.reshape("image" if self.b else "", y, [0, self.outputs, *self.window.output])
        if self.b:
            nodes.add("", "Add", [y, self.b])
        return nodes.made


class _Nodes:
    """Nodes being made for one result, whose name is the beginning of theirs."""

    def __init__(self, y: str) -> None:
        self.y = y
        self.made: list[Node] = []

    def add(self, name: str, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        made = f"{self.y}/{name}" if name else self.y
        self.made.append(Node(op, "", 0, made, tuple(inputs), (made,), attributes))
        return made

    def constant(self, name: str, numbers: Any) -> str:
        return self.add(name, "Constant", [], value=np.array(numbers, np.int64))

    def reshape(self, name: str, x: str, shape: Sequence[int]) -> str:
        sizes = self.constant(f"{name or 'result'}_shape", shape)
        return self.add(name, "Reshape", [x, sizes])


def collapse(nodes: Sequence[Node]) -> list[Node]:
    """The nodes, with each group that is a locally connected layer as one node of `LOCAL`."""
    result: list[Node] = []
    for node in nodes:
        result.append(node)
        layer = Layer.from_tag(node.tag, node.outputs[0]) if node.tag and node.outputs else None
        if layer is None or not _has_cells(layer, result[-LONGEST:]):
            continue
        expected = layer.nodes()
        found = result[-len(expected) :]
        if len(found) == len(expected) and all(map(_same, found, expected)):
            inputs = (layer.x, layer.w, layer.b) if layer.b else (layer.x, layer.w)
            operator = Local(layer.window, layer.groups)
            result[-len(expected) :] = [
                Node(LOCAL[1], LOCAL[0], node.version, node.name, inputs, (layer.y,),
                     {"operator": operator}, node.tag)
            ]  # fmt: skip
    return result


def _has_cells(layer: Layer, nodes: Sequence[Node]) -> bool:
    """Whether the file holds as many indices as the tag speaks of, before so many are made."""
    size = prod(layer.window.output) * layer.window.taps
    held = (node.attributes.get("value") for node in nodes if node.op == "Constant")
    return any(isinstance(array, np.ndarray) and array.size == size for array in held)


def _same(a: Node, b: Node) -> bool:
    if (a.op, a.domain, a.inputs, a.outputs) != (b.op, b.domain, b.inputs, b.outputs):
        return False
    return a.attributes.keys() == b.attributes.keys() and all(
        type(given) is type(b.attributes[name]) and np.array_equal(given, b.attributes[name])
        for name, given in a.attributes.items()
    )


def read_local(call: Call) -> Value:
    """A group of nodes that `collapse` has recognised."""
    operands = [call.value(n) for n in range(len(call))]
    y: Value = apply(call.node.attributes["operator"], *operands)
    return y


def call_local(model: ModelProto, layer: Layer, name: str, opset: int) -> NodeProto:
    """The node of a layer; the function that it calls is put into the model, once for all alike."""
    axes = len(layer.window.axes)
    for number in count(1):
        op = f"{LOCAL[1]}{axes}d" + (f"_{number}" if number > 1 else "")
        function = _function(layer, op, opset)
        there = [each for each in model.functions if each.name == op]
        if not there:
            model.functions.append(function)
        if not there or there[0] == function:
            break
    if all(each.domain != LOCAL[0] for each in model.opset_import):
        model.opset_import.append(helper.make_opsetid(LOCAL[0], 1))
    inputs = [layer.x, layer.w, *filter(None, (layer.b,))]
    proto = helper.make_node(op, inputs, [layer.y], name=name, domain=LOCAL[0])
    helper.set_model_props(proto, {TAG: layer.tag()})
    return proto


def _function(layer: Layer, op: str, opset: int) -> FunctionProto:
    """A layer as a function of x, the weights and, where it has one, the bias."""
    formal = replace(layer, x="x", w="w", b="b" if layer.b else "", y="y")
    inputs = ["x", "w", "b"] if layer.b else ["x", "w"]
    nodes = [make_node(_short(node)) for node in formal.nodes()]
    standard = helper.make_opsetid("", opset)
    return helper.make_function(LOCAL[0], op, inputs, ["y"], nodes, [standard])


def _short(node: Node) -> Node:
    """A node of the layer that makes "y", its names without that in front."""

    def short(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name.removeprefix("y/") for name in names)

    (name,) = short([node.name])
    return replace(node, name=name, inputs=short(node.inputs), outputs=short(node.outputs))


def write_local(writer: Writer, written: Written) -> None:
    """A call of the layer's function."""
    operator: Local = written.operator
    x, w, *b = written.inputs
    channels, outputs = written.shapes[0][1], written.shapes[1][0]
    if channels is None or outputs is None or not operator.window.axes:
        raise writer.unsupported(
            written,
            "a layer without axes, or whose channels follow the batch; give shape[0] a number",
        )
    name = written.outputs[0]
    layer = Layer(
        operator.window, operator.groups, channels, outputs, x, w, b[0] if b else "", name
    )
    writer.graph.node.append(call_local(writer.model, layer, name, OPSET))


WRITERS = {Local: write_local}
