"""The inputs of single nodes after the first: weights, shapes, axes, numbers of cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx_attributes import Draw, few, number, pick


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
    "BatchNormalization": (1, statistics),
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
