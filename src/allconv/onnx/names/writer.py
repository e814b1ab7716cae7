"""A file being written: names for values, nodes, initializers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv.errors import UnsupportedError
from allconv.onnx.format.tensors import fill_tensor, make_tensor
from allconv.onnx.model import OnnxNode
from allconv.operators.base import Array
from onnx import ModelProto, NodeProto, helper

OPSET = 21
"""The operator set of ai.onnx that is written."""

Shape = tuple[int | None, ...]
Write = Callable[["Writer", "NodeToWrite"], None]
"""How an operator is written."""


@dataclass
class NodeToWrite:
    """A node of a graph about to be written: its operator and the names of its values.

    `shapes` are those of the inputs and `result` that of the first output, None for a size that
    follows the batch; `sizes` are the shapes of the first input and output for one batch.
    """

    operator: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shapes: tuple[Shape, ...]
    result: Shape
    sizes: tuple[tuple[int, ...], tuple[int, ...]]
    dtype: str
    path: str = ""

    def keeps(self, axis: int) -> bool:
        """Whether this axis, which follows the batch, is as long in the input as in the result."""
        before, after = self.sizes
        follows = axis < len(before) and self.shapes[0][axis] is None
        return follows and before[axis] == after[axis]


def make_node(node: OnnxNode) -> NodeProto:
    """A node that is given as a value."""
    attributes = {
        name: make_tensor("", given) if isinstance(given, np.ndarray) else given
        for name, given in node.attributes.items()
    }
    inputs, outputs = list(node.inputs), list(node.outputs)
    return helper.make_node(node.op, inputs, outputs, name=node.name, **attributes)


def spelt(op: str, *, inputs: Sequence[str] = (), **attributes: str) -> Write:
    """How an operator is written that is one node: which of its settings, by name, are attributes,
    and which lists of whole numbers are further inputs."""

    def write(writer: Writer, written: NodeToWrite) -> None:
        operator = written.operator
        lists = (writer.integers(getattr(operator, name)) for name in inputs)
        given = {name: getattr(operator, ours) for name, ours in attributes.items()}
        writer.node(written, op, [*written.inputs, *lists], **given)

    return write


class Writer:
    """What has been written so far. Names of parameters and of what goes in are taken first.

    Nodes and tensors go into `model` at once, since each message that is joined to another is
    copied with all that it holds.
    """

    def __init__(self, taken: Sequence[str]) -> None:
        self.taken = set(taken)
        self.model = ModelProto(opset_import=[helper.make_opsetid("", OPSET)])
        self.graph = self.model.graph
        self._integers: dict[tuple[int, ...], str] = {}

    def fresh(self, name: str) -> str:
        """A name that nothing has: this one, or with a number."""
        number, found = 1, name
        while found in self.taken:
            number += 1
            found = f"{name}_{number}"
        self.taken.add(found)
        return found

    def unsupported(self, written: NodeToWrite, what: str) -> UnsupportedError:
        """An error for what has no spelling, in words of those who wrote the network."""
        error = UnsupportedError(f"this cannot be written to ONNX: {what}")
        error.at(written.path)
        return error

    def node(self, written: NodeToWrite, op: str, inputs: Sequence[str], **attributes: Any) -> None:
        """The node that makes the results of an operator."""
        self.add(op, inputs, written.outputs, **attributes)

    def add(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> None:
        """A node named as its first output."""
        self.taken.update(outputs)
        node = OnnxNode(op, "", 0, outputs[0], tuple(inputs), tuple(outputs), attributes)
        self.graph.node.append(make_node(node))

    def step(self, name: str, op: str, *inputs: str, **attributes: Any) -> str:
        """A node on the way to others, under this name or one like it, which it returns."""
        made = self.fresh(name)
        self.add(op, inputs, (made,), **attributes)
        return made

    def initializer(self, name: str, array: Array) -> None:
        """An array that can be replaced, as a parameter."""
        fill_tensor(self.graph.initializer.add(), name, array)

    def constant(self, name: str, array: Array) -> str:
        """An array that is no parameter."""
        made = self.fresh(name)
        self.add("Constant", (), (made,), value=array)
        return made

    def integers(self, numbers: Sequence[int]) -> str:
        """Whole numbers that are settings, each list once."""
        key = tuple(numbers)
        if key not in self._integers:
            self._integers[key] = self.fresh("sizes")
            self.initializer(self._integers[key], np.array(key, np.int64))
        return self._integers[key]

    def pad(
        self,
        written: NodeToWrite,
        x: str,
        pairs: Sequence[tuple[int, int]],
        value: float,
        *,
        y: str = "",
    ) -> str:
        """x with a constant around it (cells taken away where negative), under the name y."""
        pads = self.integers([*(low for low, _ in pairs), *(high for _, high in pairs)])
        inputs = [x, pads]
        if value != 0.0:
            dtype = written.dtype
            inputs.append(self.constant(f"{written.outputs[0]}/value", np.array(value, dtype)))
        y = y or self.fresh(f"{written.outputs[0]}/padded")
        self.add("Pad", inputs, (y,), mode="constant")
        return y
