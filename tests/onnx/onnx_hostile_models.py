"""Files that break the rules: how they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import onnx
from allconv import nn
from allconv.errors import Error
from allconv.onnx.write.file import to_proto
from onnx import TensorProto, helper, numpy_helper

Model = onnx.ModelProto
Row = tuple[Callable[[], Model], type[Error], str]  # how it is made, its error, what that says


def base() -> Model:
    """A small network: Conv, BatchNormalization, Relu, Flatten, Gemm."""
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)
    )
    return to_proto(net, (None, 1, 4, 4))


def chain(*nodes: Any, output: str = "y", arrays: dict[str, Any] | None = None) -> Model:
    """A network of these nodes from x (1, 2, 3, 3) to an output."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 3, 3])
    y = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(a, name) for name, a in (arrays or {}).items()]
    graph = helper.make_graph(list(nodes), "g", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def changed(change: Callable[[Model], Any]) -> Callable[[], Model]:
    """The base network after a change."""

    def make() -> Model:
        model = base()
        change(model)
        return model

    return make


def ints(*numbers: int) -> Any:
    """Whole numbers as the format keeps sizes."""
    return np.array(numbers, np.int64)


def node(op: str, *inputs: str, **attributes: Any) -> Any:
    """A node whose result is y."""
    return helper.make_node(op, list(inputs), ["y"], **attributes)


def set_tensor(**fields: Any) -> Callable[[], Model]:
    """The base network with fields of its first tensor overwritten."""

    def change(model: Model) -> None:
        tensor = model.graph.initializer[0]
        for name, value in fields.items():
            if isinstance(value, list):
                del getattr(tensor, name)[:]
                getattr(tensor, name).extend(value)
            else:
                setattr(tensor, name, value)

    return changed(change)


def branch(name: str = "x") -> Any:
    """A graph inside a node."""
    z = [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)]
    inner = helper.make_graph([helper.make_node("Relu", [name], ["z"])], "b", [], z)
    return node("If", "x", then_branch=inner, else_branch=inner)


def nested(depth: int) -> Any:
    """Graphs inside each other."""
    made = branch()
    for _ in range(depth):
        y = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
        inner = helper.make_graph([made], "b", [], y)
        made = node("If", "x", then_branch=inner, else_branch=onnx.GraphProto())
    return made
