"""Single nodes drawn from the format's own tables: every operator that is read, in every operator
set, with any of its attributes and optional inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_operands
from onnx_attributes import ATTRIBUTES, OWN, Draw, few, pick
from onnx_inputs import OTHERS, Node, any_shape, floats, image_shape, ints
from onnx_models import model_of, value

from allconv.onnx import NEWEST_OPSET, OLDEST_OPSET
from onnx import TensorProto, defs, helper, numpy_helper


@dataclass
class Case:
    """A network of one node: the model, its data, and what was drawn."""

    model: Any
    data: dict[str, Any]
    op: str
    opset: int
    attributes: dict[str, Any]
    outputs: int

    def __str__(self) -> str:
        held = {each.name: numpy_helper.to_array(each) for each in self.model.graph.initializer}
        told = [
            f"{name} {array.tolist() if array.size < 9 else array.shape}"
            for name, array in (*self.data.items(), *held.items())
        ]
        return f"{self.op} {self.opset} {self.attributes} {told} {self.outputs} outputs"


def opsets(op: str) -> list[int]:
    """The operator sets, of those that are read, from which on an operator has another schema."""
    since = sorted(
        each.since_version
        for each in defs.get_all_schemas_with_history()
        if each.name == op and each.domain == "" and each.since_version <= NEWEST_OPSET
    )
    return sorted({max(each, OLDEST_OPSET) for each in since})


def schema(op: str, opset: int) -> Any:
    """The schema of an operator in an operator set."""
    return defs.get_schema(op, opset, "")


def draw_attributes(draw: Draw, op: str, opset: int, rank: int) -> dict[str, Any]:
    """Attributes of the schema: those that must be given, and any of the others."""
    found = {}
    for name, each in sorted(schema(op, opset).attributes.items()):
        if each.required or draw.integers(5) < 2:
            found[name] = OWN.get(op, {}).get(name, ATTRIBUTES[name])(draw, rank)
    return found


INPUTS = {**OTHERS, **onnx_operands.OTHERS}
# Operators of integers, whose results are made floats; their inputs where x is none of them
INTEGERS: dict[str, Callable[[Draw], list[Any]] | None] = {
    **dict.fromkeys(
        ("BlackmanWindow", "HammingWindow", "HannWindow"), lambda draw: [np.array(7, np.int64)]
    ),
    "Constant": lambda draw: [],
    "ConstantOfShape": lambda draw: [ints(*few(draw, 0, 3, 2))],
    "Gather": None,
    "OneHot": lambda draw: [draw.integers(-4, 5, (2, 3)), np.array(4), floats(draw, 2)],
    "Range": lambda draw: [np.array(n, np.int64) for n in few(draw, -3, 6, 3)],
    "Shape": None,
    "Size": None,
}
WHOLE = ("DynamicQuantizeLinear", "OptionalHasElement", "QuantizeLinear")
CONDITIONS = (
    "And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not",
    "Or", "Xor",
)  # fmt: skip
ZERO = numpy_helper.from_array(np.zeros((), np.float32))
POOLS = (
    "AveragePool", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "LpPool", "MaxPool",
    "MaxUnpool",
)  # fmt: skip
IMAGES = (
    *POOLS, "Conv", "ConvTranspose", "BatchNormalization", "LRN", "GroupNormalization",
    "InstanceNormalization", "MeanVarianceNormalization",
)  # fmt: skip


def draw_x(draw: Draw, op: str) -> Any:
    """The data of a node."""
    if op in (
        *POOLS,
        "Conv",
        "ConvTranspose",
        "LRN",
        "Resize",
        "Upsample",
    ):  # NaN is spread in several ways there
        return draw.standard_normal(image_shape(draw)).astype(np.float32)
    if op in onnx_operands.DATA:
        return onnx_operands.DATA[op](draw)
    if op == "Col2Im":
        return floats(draw, 2, 8, 12)
    if op == "Gemm":
        return floats(draw, *few(draw, 1, 4, 2))
    if op in ("DepthToSpace", "SpaceToDepth"):
        return floats(draw, *few(draw, 1, 2, 1), pick(draw, 4, 8, 9, 36), *few(draw, 1, 6, 2))
    return floats(draw, *(image_shape(draw) if op in IMAGES else any_shape(draw)))


def draw_case(draw: Draw, op: str, opset: int) -> Case:
    """A network of one node, with what makes of it a network from floats to floats."""
    x = draw_x(draw, op)
    attributes = draw_attributes(draw, op, opset, x.ndim)
    if op == "Pad" and "pads" in attributes:
        attributes["pads"] = few(draw, -1, 2, 2 * x.ndim)
    if op == "Attention":
        attributes |= {"q_num_heads": 2, "kv_num_heads": 2}
    if op in ("AveragePool", "LpPool", "MaxPool", "MaxUnpool"):
        attributes.setdefault("kernel_shape", few(draw, 1, 3, x.ndim - 2))
    inputs, arrays = ["x"], dict[str, Any]()
    since, make = INPUTS.get(op, (1, lambda node: []))
    more = make(Node(draw, opset, x, attributes)) if opset >= since else []
    instead = INTEGERS.get(op)
    if instead is not None:
        inputs, more = [], instead(draw)
    for n, each in enumerate(more):
        inputs.append("" if each is None else f"c{n}")
        if each is not None:
            arrays[f"c{n}"] = each
    while inputs and not inputs[-1]:
        inputs.pop()
    outputs = draw_outputs(draw, op, opset, attributes)
    nodes, result = around(op, inputs, outputs, attributes)
    given = value(result, None, attributes["to"] if op == "Cast" else TensorProto.FLOAT)
    model = model_of(nodes, [value("x", x.shape)], [given], arrays, opset=opset)
    return Case(model, {"x": x}, op, opset, attributes, len(outputs))


def around(
    op: str, inputs: list[str], outputs: list[str], attributes: dict[str, Any]
) -> tuple[list[Any], str]:
    """The node with those before and after it, and the name of the result."""
    make, before, after, result = helper.make_node, [], [], outputs[0]
    if op == "Where":
        before, inputs = [make("Greater", inputs, ["above"])], ["above", *inputs]
    if op in ("And", "Or", "Xor", "Not"):
        before = [make("Greater", [x, "zero"], [f"{x}_above"]) for x in inputs]
        before.insert(0, make("Constant", [], ["zero"], value=ZERO))
        inputs = [f"{x}_above" for x in inputs]
    if op in CONDITIONS:
        after, result = [make("Cast", [result], ["y"], to=TensorProto.FLOAT)], "y"
    if op == "Gather":
        before, inputs = [make("Shape", ["x"], ["shape"])], ["shape", *inputs[1:]]
    if op in WHOLE:
        after = [make("Cast", [result], ["y"], to=TensorProto.FLOAT)]
        result = "y"
    if op == "DequantizeLinear":
        before = [make("QuantizeLinear", inputs, ["whole"], **_shared(attributes))]
        inputs = ["whole", *inputs[1:]]
    if op in INTEGERS:
        after = [
            make("Cast", [result], ["floats"], to=TensorProto.FLOAT),
            make("ReduceSum", ["x"], ["sum"], keepdims=0),
            make("Mul", ["floats", "sum"], ["y"]),
        ]
        result = "y"
    return [*before, make(op, inputs, outputs, **attributes), *after], result


def _shared(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in attributes.items() if name == "axis"}


def draw_outputs(draw: Draw, op: str, opset: int, attributes: dict[str, Any]) -> list[str]:
    """The names of the outputs, optional ones now and then."""
    if op == "Split":
        count = attributes.get("num_outputs", len(attributes.get("split", ())) or 2)
        return [f"o{n}" for n in range(count)]
    most = len(schema(op, opset).outputs)
    count = most if most > 1 and draw.integers(5) == 0 else 1
    return [f"o{n}" for n in range(count)]
