"""Locally connected layers, which the format has no operator for: a function of the file's own.

    cells   (N, C, *I) -> (N, C, I) -> Gather -> (N, C, P, K): the cells that each output meets
    rows    (G, P, N, C/G*K);   weights (O, C/G, *K, *P) -> (G, P, C/G*K, O/G)
    result  MatMul -> (G, P, N, O/G) -> (N, O, *P), and the bias added

A layer is one node, the call of a function with these operators in its body, so that any runtime
computes it; layers of the same sizes share it. The node carries the window in its metadata. When a
file is read, the function is made again from that tag and compared: only where it is the same does
the node stand for one `Local`, so a tag cannot change what a file means. Any other call is read as
the operators of its function.
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
from allconv.onnx.model import OnnxNode
from allconv.onnx.names.call import NodeCall
from allconv.onnx.names.writer import OPSET, NodeToWrite, Writer
from allconv.operators.base import Array
from allconv.operators.local import Local
from allconv.operators.windowed import taps
from allconv.window import Axis, Window
from onnx import FunctionProto, ModelProto, NodeProto, helper

LOCAL = ("allconv", "LocallyConnected")
TAG = "allconv.local"
_AXIS = ("input", "kernel", "output", "stride", "dilation", "input_dilation", "padding")


@dataclass(frozen=True)
class LocalLayer:
    """A locally connected layer: its window, groups, channels in and out, whether it has a bias."""

    window: Window
    groups: int
    channels: int
    outputs: int
    biased: bool

    def tag(self) -> str:
        """The layer as JSON."""
        axes = [[getattr(axis, name) for name in _AXIS] for axis in self.window.axes]
        return json.dumps([axes, [self.groups, self.channels, self.outputs], self.biased])

    @classmethod
    def from_tag(cls, text: str) -> LocalLayer | None:
        """The layer of a tag; None for anything that is no tag of ours."""
        try:
            axes, numbers, biased = json.loads(text)
            groups, channels, outputs = numbers
            integers = [*numbers, *(n for axis in axes for n in axis)]
            legal = all(type(n) is int for n in integers) and min(numbers) > 0
            if not legal or type(biased) is not bool:
                return None
            window = Window(tuple(Axis(*axis) for axis in axes))
        except (ValueError, TypeError, RecursionError, Error):
            return None
        return cls(window, groups, channels, outputs, biased)

    @property
    def inputs(self) -> list[str]:
        """The names of the arrays that the function takes."""
        return ["x", "w", "b"] if self.biased else ["x", "w"]

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

    def nodes(self) -> list[NodeProto]:
        """The layer in standard operators, from x, w and b to y."""
        kernel, output = self.window.taps, prod(self.window.output)
        groups, each = self.groups, self.channels // self.groups
        cells = self.cells()
        nodes = Writer([])

        def constant(name: str, numbers: Any) -> str:
            return nodes.constant(name, np.array(numbers, np.int64))

        def reshaped(made: str, x: str, shape: Sequence[int]) -> str:
            return nodes.step(made, "Reshape", x, constant(f"{made}_shape", shape))

        x = reshaped("flat", "x", [0, self.channels, prod(self.window.input)])
        if cells.size and int(cells.max()) == prod(self.window.input):
            x = nodes.step("padded", "Pad", x, constant("pads", [0, 0, 0, 0, 0, 1]))
        x = nodes.step("patches", "Gather", x, constant("cells", cells), axis=2)
        x = reshaped("groups", x, [0, groups, each, output, kernel])
        x = nodes.step("transposed", "Transpose", x, perm=(1, 3, 0, 2, 4))
        x = reshaped("rows", x, [0, 0, 0, each * kernel])
        w = reshaped("weights", "w", [groups, self.outputs // groups, each * kernel, output])
        w = nodes.step("columns", "Transpose", w, perm=(0, 3, 2, 1))
        y = nodes.step("product", "MatMul", x, w)
        y = nodes.step("outputs", "Transpose", y, perm=(2, 0, 3, 1))
        y = reshaped("image" if self.biased else "y", y, [0, self.outputs, *self.window.output])
        if self.biased:
            nodes.step("y", "Add", y, "b")
        return list(nodes.graph.node)

    def function(self, op: str, opset: int) -> FunctionProto:
        """The layer as a function of this name."""
        standard = helper.make_opsetid("", opset)
        return helper.make_function(LOCAL[0], op, self.inputs, ["y"], self.nodes(), [standard])


def local_node(call: OnnxNode, function: FunctionProto) -> OnnxNode | None:
    """The call of a function as one node of `LOCAL`, where that is what the function computes."""
    layer = LocalLayer.from_tag(call.tag) if call.tag and call.domain == LOCAL[0] else None
    if layer is None or not _has_cells(layer, function) or len(function.opset_import) != 1:
        return None
    whole = len(call.inputs) == len(layer.inputs) and len(call.outputs) == 1 and all(call.inputs)
    if not whole or layer.function(call.op, function.opset_import[0].version) != function:
        return None
    operator = Local(layer.window, layer.groups)
    return replace(call, op=LOCAL[1], attributes={"operator": operator})


def _has_cells(layer: LocalLayer, function: FunctionProto) -> bool:
    """Whether the function holds as many indices as the tag speaks of, before so many are made."""
    size = prod(layer.window.output) * layer.window.taps
    tensors = [each.t for node in function.node for each in node.attribute if each.HasField("t")]
    return any(len(tensor.raw_data) == 8 * size for tensor in tensors)


def read_local(call: NodeCall) -> Any:
    """A group of nodes that `collapse` has recognised."""
    operands = [call.value(n) for n in range(len(call))]
    return apply(call.node.attributes["operator"], *operands)


def call_local(model: ModelProto, layer: LocalLayer, node: OnnxNode) -> NodeProto:
    """The node of a layer; the function that it calls is put into the model, once for all alike."""
    opset = max(each.version for each in model.opset_import if not each.domain)
    functions = {each.name: each for each in model.functions}
    for number in count(1):
        op = f"{LOCAL[1]}{len(layer.window.axes)}d" + (f"_{number}" if number > 1 else "")
        function = layer.function(op, opset)
        if functions.get(op, function) == function:
            break
    if op not in functions:
        model.functions.append(function)
    if all(each.domain != LOCAL[0] for each in model.opset_import):
        model.opset_import.append(helper.make_opsetid(LOCAL[0], 1))
    inputs, outputs = list(node.inputs), list(node.outputs)
    proto = helper.make_node(op, inputs, outputs, name=node.name, domain=LOCAL[0])
    helper.set_model_props(proto, {TAG: layer.tag()})
    return proto


def write_local(writer: Writer, written: NodeToWrite) -> None:
    """A call of the layer's function."""
    operator: Local = written.operator
    channels, outputs = written.shapes[0][1], written.shapes[1][0]
    if channels is None or outputs is None or not operator.window.axes:
        raise writer.unsupported(
            written,
            "a layer without axes, or whose channels follow the batch; give shape[0] a number",
        )
    biased = len(written.inputs) > len(("x", "w"))
    layer = LocalLayer(operator.window, operator.groups, channels, outputs, biased)
    node = OnnxNode(*LOCAL[::-1], OPSET, written.outputs[0], written.inputs, written.outputs, {})
    writer.graph.node.append(call_local(writer.model, layer, node))


WRITERS = {Local: write_local}
