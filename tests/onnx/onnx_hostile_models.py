"""Files that break the rules: how they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx_models import model_of, value

import onnx
from allconv import nn
from allconv.errors import Error
from allconv.onnx.write.file import to_proto
from onnx import helper

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
    return model_of(nodes, [value("x", [1, 2, 3, 3])], [value(output)], arrays or {}, opset=21)


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
        for name, given in fields.items():
            if isinstance(given, list):
                del getattr(tensor, name)[:]
                getattr(tensor, name).extend(given)
            else:
                setattr(tensor, name, given)

    return changed(change)


def branch(name: str = "x") -> Any:
    """A graph inside a node."""
    inner = helper.make_graph([helper.make_node("Relu", [name], ["z"])], "b", [], [value("z")])
    return node("If", "x", then_branch=inner, else_branch=inner)


def nested(depth: int) -> Any:
    """Graphs inside each other."""
    made = branch()
    for _ in range(depth):
        inner = helper.make_graph([made], "b", [], [value("y")])
        made = node("If", "x", then_branch=inner, else_branch=onnx.GraphProto())
    return made
