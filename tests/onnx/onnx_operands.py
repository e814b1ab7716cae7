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


def cropped(node: Node) -> list[Any]:
    """Sizes."""
    return [node.ints(1, 5, len(node.attributes.get("axes", node.x.shape)))]


def scores(draw: Draw) -> Any:
    """(N, C, *P)."""
    return floats(draw, 3, 4, *few(draw, 1, 3, draw.integers(0, 3)))


def heads(draw: Draw) -> Any:
    """(N, heads, places, channels)."""
    return floats(draw, 2, 2, 3, 4)


# As in onnx_inputs
OTHERS: dict[str, tuple[int, Callable[[Node], list[Any]]]] = {
    "AffineGrid": (1, lambda node: [ints(2, 1, 3, 4)]),
    "Attention": (1, keys_and_values),
    "CausalConvWithState": (1, causal),
    "CenterCropPad": (1, cropped),
    "NegativeLogLikelihoodLoss": (1, labels),
    "RotaryEmbedding": (1, angles),
    "SoftmaxCrossEntropyLoss": (1, labels),
    "SwiGLU": (1, lambda node: [floats(node.draw, *node.x.shape)]),
}
# The data
DATA: dict[str, Callable[[Draw], Any]] = {
    "AffineGrid": lambda draw: floats(draw, 2, 2, 3),
    "Attention": heads,
    "CausalConvWithState": lambda draw: floats(draw, 2, 4, 5),
    "NegativeLogLikelihoodLoss": scores,
    "RotaryEmbedding": heads,
    "SoftmaxCrossEntropyLoss": scores,
}
