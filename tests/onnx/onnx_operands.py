"""Data and inputs of operators that take arrays of certain shapes: losses, attention, grids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx_attributes import Draw, few
from onnx_inputs import Node, floats, ints


def labels(node: Node) -> list[Any]:
    """A class for each cell, and mostly a weight for each class."""
    classes = node.x.shape[1]
    shape = (node.x.shape[0], *node.x.shape[2:])
    return [node.draw.integers(0, classes, shape), node.maybe(np.abs(floats(node.draw, classes)))]


def keys_and_values(node: Node) -> list[Any]:
    """Keys and values for queries, and mostly a mask."""
    (n, queries, channels), keys = node.x.shape, int(node.draw.integers(2, 5))
    mask = floats(node.draw, queries, keys)
    return [floats(node.draw, n, keys, channels), floats(node.draw, n, keys, 6), node.maybe(mask)]


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


def cropped(node: Node) -> list[Any]:
    """Sizes."""
    return [node.ints(1, 5, len(node.attributes.get("axes", node.x.shape)))]


def scores(draw: Draw) -> Any:
    """(N, C, *P)."""
    return floats(draw, 3, 4, *few(draw, 1, 3, draw.integers(0, 3)))


def heads(draw: Draw) -> Any:
    """(N, heads, places, channels)."""
    return floats(draw, 2, 2, 3, 4)


def scales(node: Node) -> list[Any]:
    """Scales and zero points, of all cells or of an axis."""
    axis = node.attributes.get("axis", 1)
    of_axis = node.opset >= 13 and axis < node.rank and node.draw.integers(2)
    shape = (node.x.shape[axis],) if of_axis else ()
    zero = node.draw.integers(0, 100, shape).astype(node.draw.choice(["int8", "uint8"]))
    scale = np.abs(node.draw.standard_normal(shape)) + 0.1
    return [np.asarray(scale, np.float32), np.asarray(zero)]


def places(node: Node) -> list[Any]:
    """Places in an image, inside and outside."""
    axes = node.rank - 2
    shape = (node.x.shape[0], *few(node.draw, 1, 4, axes), axes)
    return [node.draw.standard_normal(shape).astype(np.float32)]


def cells_of_images(node: Node) -> list[Any]:
    """A cell of its own for each value, of all images that the attributes make."""
    kernel = node.attributes["kernel_shape"]
    axes = len(kernel)
    strides = node.attributes.get("strides", [1] * axes)
    pads = node.attributes.get("pads", [0] * 2 * axes)
    rows = zip(node.x.shape[2:], strides, kernel, pads[:axes], pads[axes:], strict=True)
    image = [max((n - 1) * s + k - low - high, 1) for n, s, k, low, high in rows]
    count = int(np.prod([*node.x.shape[:2], *image]))
    cells = node.draw.permutation(max(count, node.x.size))[: node.x.size]
    return [cells.reshape(node.x.shape).astype(np.int64)]


def kept(node: Node) -> list[Any]:
    """Which cells stay."""
    axis = node.attributes.get("axis")
    count = node.x.size if axis is None else node.x.shape[axis] if axis < node.rank else 2
    return [node.draw.integers(0, 2, max(count - 1, 0)).astype(bool)]


def lengths(node: Node) -> list[Any]:
    """How many cells of each row are turned."""
    rows = node.x.shape[node.attributes.get("batch_axis", 1)]
    most = node.x.shape[node.attributes.get("time_axis", 0)]
    return [node.draw.integers(1, most + 1, rows)]


def image(draw: Draw) -> Any:
    """Of two or three axes."""
    shape = (2, 3, *few(draw, 1, 5, draw.integers(2, 4)))
    return draw.standard_normal(shape).astype(np.float32)


def tame(draw: Draw) -> Any:
    """Numbers of which none is NaN, which no whole number is."""
    return 20 * draw.standard_normal(few(draw, 1, 4, draw.integers(1, 5))).astype(np.float32)


# As in onnx_inputs
OTHERS: dict[str, tuple[int, Callable[[Node], list[Any]]]] = {
    "AffineGrid": (1, lambda node: [ints(2, 1, 3, 4)]),
    "Attention": (1, keys_and_values),
    "CausalConvWithState": (1, causal),
    "CenterCropPad": (1, cropped),
    "Compress": (1, kept),
    "CumProd": (1, lambda node: [np.array(int(node.draw.integers(-node.rank, node.rank)))]),
    "DequantizeLinear": (1, scales),
    "GridSample": (1, places),
    "MaxUnpool": (1, cells_of_images),
    "NegativeLogLikelihoodLoss": (1, labels),
    "QuantizeLinear": (1, scales),
    "ReverseSequence": (1, lengths),
    "RotaryEmbedding": (1, angles),
    "SoftmaxCrossEntropyLoss": (1, labels),
    "SwiGLU": (1, lambda node: [floats(node.draw, *node.x.shape)]),
}
# The data
DATA: dict[str, Callable[[Draw], Any]] = {
    "AffineGrid": lambda draw: floats(draw, 2, 2, 3),
    "Attention": lambda draw: floats(draw, 2, 3, 8),
    "CausalConvWithState": lambda draw: floats(draw, 2, 4, 5),
    **dict.fromkeys(("DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear"), tame),
    "EyeLike": lambda draw: floats(draw, *few(draw, 1, 4, 2)),
    "GridSample": image,
    "MaxUnpool": lambda draw: floats(draw, 2, 2, *few(draw, 1, 3, 2)),
    "NegativeLogLikelihoodLoss": scores,
    "ReverseSequence": lambda draw: floats(draw, *few(draw, 1, 4, draw.integers(2, 5))),
    "RotaryEmbedding": heads,
    "SoftmaxCrossEntropyLoss": scores,
}
