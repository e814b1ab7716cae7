"""Single nodes drawn from the format's own tables: every operator that is read, in every operator
set, with any of its attributes and optional inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx_attributes import ATTRIBUTES, OWN, Draw, few, number, pick

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


def floats(draw: Draw, *shape: int) -> Any:
    """Normal draws, some of them at the joints of functions and some not finite."""
    array = draw.standard_normal(shape).astype(np.float32)
    if draw.integers(8) == 0:
        joints = np.array([0, -0.0, 1, -1, 3, -3, np.nan], np.float32)
        mask = draw.integers(3, size=shape) == 0
        array = np.where(mask, joints[draw.integers(len(joints), size=shape)], array)
    return np.asarray(array, np.float32)


def ints(*numbers: int) -> Any:
    """Whole numbers as the format keeps sizes."""
    return np.array(numbers, np.int64)


def image_shape(draw: Draw) -> list[int]:
    """(N, C, *I) with 1 to 3 axes of space."""
    return [*few(draw, 1, 2, 1), 2 * few(draw, 1, 2, 1)[0], *few(draw, 2, 7, draw.integers(1, 4))]


def any_shape(draw: Draw) -> list[int]:
    """Up to 4 axes, now and then one of size 0."""
    shape = few(draw, 1, 4, draw.integers(1, 5))
    if draw.integers(12) == 0:
        shape[draw.integers(len(shape))] = 0
    return shape


def beside(draw: Draw, shape: list[int]) -> list[int]:
    """A shape that mostly broadcasts with another."""
    part = shape[draw.integers(0, len(shape) + 1) :]
    return [pick(draw, n, n, n, 1) for n in part] if draw.integers(6) else few(draw, 1, 3, 2)


@dataclass
class Node:
    """What the other inputs of a node are drawn from."""

    draw: Draw
    opset: int
    x: Any
    attributes: dict[str, Any]

    @property
    def rank(self) -> int:
        return int(self.x.ndim)

    def ints(self, low: int, high: int, count: int) -> Any:
        return ints(*few(self.draw, low, high, count))

    def maybe(self, given: Any) -> Any:
        return given if self.draw.integers(2) else None


def weights(node: Node, *, transposed: bool) -> list[Any]:
    """Weights, and mostly a bias."""
    kernel = node.attributes.get("kernel_shape", few(node.draw, 1, 3, node.rank - 2))
    groups, channels = node.attributes.get("group", 1), node.x.shape[1]
    sizes = (channels, 4 // groups) if transposed else (4, channels // groups)
    w = node.draw.standard_normal((*sizes, *kernel)).astype(np.float32)
    return [w, node.maybe(floats(node.draw, 4))]


def statistics(node: Node) -> list[Any]:
    """Scale, bias, mean, variance."""
    four = [floats(node.draw, node.x.shape[1]) for _ in range(4)]
    return [*four[:3], np.abs(four[3]) + np.float32(0.5)]


def last_sizes(node: Node) -> list[Any]:
    """Scale and bias of the last axes."""
    shape = node.x.shape[node.attributes.get("axis", -1) :]
    return [floats(node.draw, *shape), node.maybe(floats(node.draw, *shape))]


def of_groups(node: Node) -> list[Any]:
    """Scale and bias, one a channel; one a group in older operator sets."""
    count = node.x.shape[1] if node.opset >= 21 else node.attributes["num_groups"]
    return [floats(node.draw, count) for _ in range(2)]


def matrices(node: Node) -> list[Any]:
    """A matrix, and what is added: now and then NaN."""
    turned = bool(node.attributes.get("transA"))
    inner, rows = node.x.shape[0 if turned else 1], node.x.shape[1 if turned else 0]
    sizes = (3, inner) if node.attributes.get("transB") else (inner, 3)
    c = floats(node.draw, *beside(node.draw, [rows, 3]))
    if node.draw.integers(3) == 0:
        c = np.full(c.shape, np.nan, np.float32)
    return [floats(node.draw, *sizes), c if node.opset < 11 else node.maybe(c)]


def operand(node: Node) -> list[Any]:
    """A second operand."""
    return [floats(node.draw, *beside(node.draw, list(node.x.shape)))]


def powers(node: Node) -> list[Any]:
    """One power."""
    power = pick(node.draw, 0.0, 0.5, 1.0, 2.0, -1.0, 3.0, 2.5)
    return [np.full(pick(node.draw, (), (1,), (1,) * (node.rank + 1)), power, np.float32)]


def new_shape(node: Node) -> list[Any]:
    """A shape that mostly holds x."""
    sizes = pick(node.draw, [node.x.size], [*reversed(node.x.shape)])
    return [ints(*(pick(node.draw, n, n, 0, -1) for n in sizes))]


def padding(node: Node) -> list[Any]:
    """Pads, a value, and axes."""
    axes = few(node.draw, -node.rank, node.rank - 1, 1)
    axes = axes if node.opset >= 18 and node.draw.integers(3) == 0 else []
    pads = node.ints(-1, 2, 2 * (len(axes) or node.rank))
    value = np.array(number(node.draw), np.float32)
    return [pads, node.maybe(value), ints(*axes) if axes else None]


def part(node: Node) -> list[Any]:
    """Starts, ends, axes and steps."""
    n = int(node.draw.integers(1, node.rank + 1))
    axes = ints(*(int(a) for a in node.draw.permutation(node.rank)[:n]))
    steps = ints(*(pick(node.draw, 1, 1, 2, -1, -2) for _ in range(n)))
    given = [axes, steps] if node.draw.integers(2) else []
    return [node.ints(-6, 6, n), node.ints(-6, 6, n), *given]


def limits(node: Node) -> list[Any]:
    """A least and a largest number."""
    return [node.maybe(np.array(number(node.draw), np.float32)) for _ in range(2)]


def dropping(node: Node) -> list[Any]:
    """A ratio, and whether it is training."""
    training = np.array(bool(node.draw.integers(4) == 0))
    return [node.maybe(np.array(0.5, np.float32)), node.maybe(training)]


def some_axes(node: Node) -> list[Any]:
    """Axes, none of them now and then."""
    return [node.maybe(node.ints(-node.rank, node.rank - 1, node.draw.integers(0, 3)))]


def sizes(node: Node) -> list[Any]:
    """Sizes of parts."""
    return [] if "num_outputs" in node.attributes else [node.maybe(node.ints(0, 3, 2))]


def other_size(node: Node) -> list[Any]:
    """Scales, or a part, and scales or sizes."""
    axes = node.attributes.get("axes", list(range(node.rank)))
    kept = [a % node.rank < 2 for a in axes]  # mostly batch and channels
    larger = [1.0 if k else pick(node.draw, 1.0, 2.0, 0.5, 1.5, 0.6) for k in kept]
    scales = np.array(larger, np.float32)
    if node.opset < 11:
        return [scales]
    sizes = ints(
        *(
            node.x.shape[a % node.rank] if k else pick(node.draw, 1, 4, 5, 8)
            for a, k in zip(axes, kept, strict=True)
        )
    )
    part = np.array([0.0] * len(axes) + [1.0] * len(axes), np.float32)
    none = np.zeros(0, np.float32)
    cropped = node.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    by_size = "keep_aspect_ratio_policy" in node.attributes or node.draw.integers(2)
    return [part if cropped else none, none, sizes] if by_size else [part, scales]


def cells_of(node: Node) -> list[Any]:
    """Numbers of cells for each row along an axis."""
    axis = node.attributes.get("axis", 0) % node.rank
    shape = [n if a == axis else max(n - 1, 0) for a, n in enumerate(node.x.shape)]
    n = node.x.shape[axis]
    return [node.draw.integers(-n, max(n, 1), shape)]


def cells_and_values(node: Node) -> list[Any]:
    """The same, and what is put there; where it is put over what was, each once."""
    (index,) = cells_of(node)
    axis = node.attributes.get("axis", 0) % node.rank
    if node.attributes.get("reduction", "none") == "none" and index.size:
        index = np.argsort(node.draw.random(index.shape), axis)
    return [index, floats(node.draw, *index.shape)]


def columns(node: Node) -> list[Any]:
    """The sizes of images of which 12 windows are cut, and of the windows."""
    kernel = pick(node.draw, (2, 2), (1, 4), (2, 1))
    spread = node.attributes.get("dilations", [1, 1])
    counts = zip((3, 4), kernel, spread, strict=True)
    return [ints(*(n + d * (k - 1) for n, k, d in counts)), ints(*kernel)]


def tuples(node: Node) -> list[Any]:
    """Tuples of numbers that name parts."""
    batch = node.attributes.get("batch_dims", 0)
    named = int(node.draw.integers(1, node.rank - batch + 1)) if batch < node.rank else 1
    ends = node.x.shape[batch : batch + named]
    lead = (*node.x.shape[:batch], int(node.draw.integers(1, 4)))
    columns = [node.draw.integers(-n, max(n, 1), lead) for n in ends]
    if not columns:
        return [np.zeros((*lead, 1), np.int64)]
    return [np.stack(columns, -1).astype(np.int64)]


def tuples_and_values(node: Node) -> list[Any]:
    """One tuple, and what is put there."""
    (index,) = tuples(node)
    index = index[:1]
    return [index, floats(node.draw, *index.shape[:-1], *node.x.shape[index.shape[-1] :])]


def labels(node: Node) -> list[Any]:
    """A class for each cell, and mostly a weight for each class."""
    classes = node.x.shape[1]
    shape = (node.x.shape[0], *node.x.shape[2:])
    return [node.draw.integers(0, classes, shape), node.maybe(np.abs(floats(node.draw, classes)))]


def keys_and_values(node: Node) -> list[Any]:
    """Keys and values for queries, and mostly a mask."""
    (n, heads, queries), keys = node.x.shape[:3], int(node.draw.integers(2, 5))
    mask = floats(node.draw, queries, keys)
    return [
        floats(node.draw, n, heads, keys, node.x.shape[-1]),
        floats(node.draw, n, heads, keys, 3),
        node.maybe(mask),
    ]


def angles(node: Node) -> list[Any]:
    """Cosines and sines for each place."""
    n, _, count, size = node.x.shape
    half = (node.attributes.get("rotary_embedding_dim") or size) // 2
    turned = node.draw.standard_normal((n, count, half)).astype(np.float32)
    return [np.cos(turned), np.sin(turned)]


def causal(node: Node) -> list[Any]:
    """Weights of each channel, and mostly a bias and what came before."""
    n, channels = node.x.shape[:2]
    return [
        floats(node.draw, channels, 1, 3),
        node.maybe(floats(node.draw, channels)),
        node.maybe(floats(node.draw, n, channels, 2)),
    ]


# The inputs after x, from the operator set on that has them; None is one that is left out
OTHERS: dict[str, tuple[int, Callable[[Node], list[Any]]]] = {
    **dict.fromkeys(
        (
            "Add",
            "Sub",
            "Mul",
            "Div",
            "PRelu",
            "Max",
            "Min",
            "Sum",
            "Greater",
            "Where",
            "Mean",
            "Mod",
            "CastLike",
            "Less",
            "Equal",
            "GreaterOrEqual",
            "LessOrEqual",
            "And",
            "Or",
            "Xor",
        ),
        (1, operand),
    ),
    "AffineGrid": (1, lambda node: [ints(2, 1, 3, 4)]),
    "Attention": (1, keys_and_values),
    "BatchNormalization": (1, statistics),
    "CausalConvWithState": (1, causal),
    "CenterCropPad": (
        1,
        lambda node: [node.ints(1, 5, len(node.attributes.get("axes", node.x.shape)))],
    ),
    "NegativeLogLikelihoodLoss": (1, labels),
    "RotaryEmbedding": (1, angles),
    "SoftmaxCrossEntropyLoss": (1, labels),
    "SwiGLU": (1, lambda node: [floats(node.draw, *node.x.shape)]),
    "Clip": (11, limits),
    "Col2Im": (1, columns),
    "Concat": (1, lambda node: [floats(node.draw, *node.x.shape)]),
    "Conv": (1, lambda node: weights(node, transposed=False)),
    "ConvTranspose": (1, lambda node: weights(node, transposed=True)),
    "Dropout": (12, dropping),
    "Einsum": (1, lambda node: [node.x] * ("," in node.attributes["equation"])),
    "Expand": (1, lambda node: [ints(*beside(node.draw, list(node.x.shape)))]),
    "CumSum": (1, lambda node: [np.array(few(node.draw, -node.rank, node.rank - 1, 1)[0])]),
    "Gather": (1, lambda node: [node.ints(-2, 2, 2)]),
    "GatherElements": (1, cells_of),
    "GatherND": (1, tuples),
    "Gemm": (1, matrices),
    "GroupNormalization": (1, of_groups),
    "InstanceNormalization": (
        1,
        lambda node: [floats(node.draw, node.x.shape[1]) for _ in range(2)],
    ),
    "LayerNormalization": (1, last_sizes),
    "RMSNormalization": (1, lambda node: last_sizes(node)[:1]),
    "MatMul": (
        1,
        lambda node: [
            floats(
                node.draw,
                *pick(node.draw, node.x.shape[:-2], (2,), ()),
                *pick(node.draw, (node.x.shape[-1], 3), (node.x.shape[-1],)),
            )
        ],
    ),
    "Pad": (11, padding),
    "Pow": (1, powers),
    **dict.fromkeys(
        (
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSumSquare",
        ),
        (18, some_axes),
    ),
    "TopK": (10, lambda node: [node.ints(0, 2, 1)]),
    "ReduceSum": (13, some_axes),
    "Reshape": (1, new_shape),
    "Resize": (10, other_size),
    "Scatter": (1, cells_and_values),
    "ScatterElements": (1, cells_and_values),
    "ScatterND": (1, tuples_and_values),
    "Slice": (10, part),
    "Split": (13, sizes),
    "Squeeze": (13, some_axes),
    "Upsample": (9, lambda node: [np.array([1.0, 1.0, *[2.0] * (node.rank - 2)], np.float32)]),
    "Tile": (1, lambda node: [node.ints(0, 3, node.rank)]),
    "Trilu": (1, lambda node: [node.maybe(np.array(few(node.draw, -4, 4, 1)[0]))]),
    "Unsqueeze": (13, lambda node: [node.ints(-node.rank - 1, node.rank, 1)]),
}
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
CONDITIONS = (
    "And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not",
    "Or", "Xor",
)  # fmt: skip
ZERO = numpy_helper.from_array(np.zeros((), np.float32))
POOLS = (
    "AveragePool", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "LpPool", "MaxPool",
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
    if op in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"):
        return floats(draw, 3, 4, *few(draw, 1, 3, draw.integers(0, 3)))
    if op == "AffineGrid":
        return floats(draw, 2, 2, 3)
    if op in ("Attention", "RotaryEmbedding"):
        return floats(draw, 2, 2, 3, 4)
    if op == "CausalConvWithState":
        return floats(draw, 2, 4, 5)
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
    if op in ("AveragePool", "LpPool", "MaxPool"):
        attributes.setdefault("kernel_shape", few(draw, 1, 3, x.ndim - 2))
    inputs, tensors = ["x"], []
    since, make = OTHERS.get(op, (1, lambda node: []))
    more = make(Node(draw, opset, x, attributes)) if opset >= since else []
    instead = INTEGERS.get(op)
    if instead is not None:
        inputs, more = [], instead(draw)
    for n, each in enumerate(more):
        inputs.append("" if each is None else f"c{n}")
        if each is not None:
            tensors.append(numpy_helper.from_array(np.asarray(each), f"c{n}"))
    while inputs and not inputs[-1]:
        inputs.pop()
    outputs = draw_outputs(draw, op, opset, attributes)
    nodes, result = around(op, inputs, outputs, attributes)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, x.shape)],
        [value(result, attributes["to"] if op == "Cast" else TensorProto.FLOAT, None)],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
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
    if op in INTEGERS:
        after = [
            make("Cast", [result], ["floats"], to=TensorProto.FLOAT),
            make("ReduceSum", ["x"], ["sum"], keepdims=0),
            make("Mul", ["floats", "sum"], ["y"]),
        ]
        result = "y"
    return [*before, make(op, inputs, outputs, **attributes), *after], result


def draw_outputs(draw: Draw, op: str, opset: int, attributes: dict[str, Any]) -> list[str]:
    """The names of the outputs, optional ones now and then."""
    if op == "Split":
        count = attributes.get("num_outputs", len(attributes.get("split", ())) or 2)
        return [f"o{n}" for n in range(count)]
    most = len(schema(op, opset).outputs)
    count = most if most > 1 and draw.integers(5) == 0 else 1
    return [f"o{n}" for n in range(count)]
