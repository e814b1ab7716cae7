"""Crafted files whose numbers say how much is made, or which cells: huge, negative, beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from onnx_hostile_models import Model, chain, ints, node

from onnx import TensorProto, helper

Made = tuple[str, Callable[[], Model]]

HUGE = (2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1)
FAR = (-(2**63), -(2**62), -(2**31), -1, 0)
NUMBERS = (*HUGE, *FAR)
F = TensorProto.FLOAT


def sized(op: str, *numbers: int, **attributes: Any) -> Callable[[], Model]:
    """A node of x (1, 2, 3, 3) and a list of whole numbers."""
    return lambda: chain(node(op, "x", "n", **attributes), arrays={"n": ints(*numbers)})


def with_weights(op: str, *shape: int, **attributes: Any) -> Callable[[], Model]:
    """A node of x and weights."""
    return lambda: chain(node(op, "x", "w", **attributes), arrays={"w": np.ones(shape, "f")})


def sizes() -> Iterator[Made]:
    """Numbers that say how much is made."""
    for n in NUMBERS:
        yield f"Expand {n}", sized("Expand", n, 1, 1, 1)
        yield f"Reshape {n}", sized("Reshape", n, -1)
        yield f"Reshape to two of {n}", sized("Reshape", n, n, allowzero=1)
        yield f"Tile {n}", sized("Tile", 1, 1, 1, n)
        yield f"Pad {n}", sized("Pad", 0, 0, 0, n, 0, 0, 0, 0)
        yield f"Pad by reflection {n}", sized("Pad", *(0,) * 7, n, mode="reflect")
        yield f"Pad around {n}", sized("Pad", *(0,) * 7, n, mode="wrap")
        yield (
            f"TopK {n}",
            lambda n=n: chain(
                helper.make_node("TopK", ["x", "n"], ["y", "i"]), arrays={"n": ints(n)}
            ),
        )
        yield (
            f"Trilu {n}",
            lambda n=n: chain(node("Trilu", "x", "n"), arrays={"n": np.array(n, np.int64)}),
        )
        yield (
            f"CumSum along {n}",
            lambda n=n: chain(node("CumSum", "x", "n"), arrays={"n": np.array(n, np.int64)}),
        )
        yield f"Unsqueeze {n}", sized("Unsqueeze", n)
        yield f"Squeeze {n}", sized("Squeeze", n)
        yield f"ReduceSum along {n}", sized("ReduceSum", n)
        yield (
            f"Slice {n}",
            lambda n=n: chain(
                node("Slice", "x", "n", "m", "a", "s"),
                arrays={"n": ints(n), "m": ints(~n), "a": ints(3), "s": ints(n)},
            ),
        )
        yield f"Split {n}", lambda n=n: chain(node("Split", "x", "n"), arrays={"n": ints(n, 3)})
        yield (
            f"Resize to {n}",
            lambda n=n: chain(node("Resize", "x", "", "", "n"), arrays={"n": ints(1, 2, n, 3)}),
        )
        yield (
            f"Col2Im {n}",
            lambda n=n: chain(
                helper.make_node("Flatten", ["x"], ["f"]),
                node("Col2Im", "f", "n", "k"),
                arrays={"n": ints(n, n), "k": ints(1, n)},
            ),
        )


def scales() -> Iterator[Made]:
    """Numbers that are factors, or no numbers."""
    for scale in (1e9, 1e18, 1e38, np.inf, np.nan, -1.0, 0.0, 1e-9):
        yield (
            f"Resize by {scale}",
            lambda scale=scale: chain(
                node("Resize", "x", "", "s", mode="linear"),
                arrays={"s": np.array([1, 1, scale, 1], "f")},
            ),
        )
        yield (
            f"a LeakyRelu of {scale}",
            lambda scale=scale: chain(node("LeakyRelu", "x", alpha=scale)),
        )
        yield (
            f"a BatchNormalization of epsilon {scale}",
            lambda scale=scale: chain(
                node("BatchNormalization", "x", *"wwww", epsilon=scale),
                arrays={"w": np.ones(2, "f")},
            ),
        )


def windows() -> Iterator[Made]:
    """Settings of windows."""
    for n in NUMBERS:
        for name in ("kernel_shape", "strides", "dilations", "pads"):
            given = {"kernel_shape": [2, 2], name: [n] * (4 if name == "pads" else 2)}
            for op in ("MaxPool", "AveragePool"):
                yield f"{op}, {name} {n}", lambda op=op, g=given: chain(node(op, "x", **g))
            for op in ("Conv", "ConvTranspose"):
                yield f"{op}, {name} {n}", with_weights(op, 2, 2, 2, 2, **given)
        around = {"kernel_shape": [n, 1], "pads": [n // 2, 0, n // 2, 0], "count_include_pad": 1}
        yield f"AveragePool of {n}", lambda g=around: chain(node("AveragePool", "x", **g))
        yield (
            f"LpPool of {n}",
            lambda n=n: chain(
                node("LpPool", "x", kernel_shape=[n, 1], pads=[n // 2, 0, n // 2, 0])
            ),
        )
        yield (
            f"MaxPool of {n}",
            lambda n=n: chain(
                node("MaxPool", "x", kernel_shape=[n, 1], pads=[n // 2, 0, n // 2, 0])
            ),
        )
        yield f"Conv, group {n}", with_weights("Conv", 2, 2, 1, 1, group=n)
        yield (
            f"ConvTranspose, output_padding {n}",
            with_weights("ConvTranspose", 2, 2, 2, 2, output_padding=[n, 0]),
        )
        yield (
            f"ConvTranspose, output_shape {n}",
            with_weights("ConvTranspose", 2, 2, 2, 2, output_shape=[n, n]),
        )
        yield f"LRN {n}", lambda n=n: chain(node("LRN", "x", size=n))
        yield f"LpPool {n}", lambda n=n: chain(node("LpPool", "x", kernel_shape=[2, 2], p=n))
        yield f"DepthToSpace {n}", lambda n=n: chain(node("DepthToSpace", "x", blocksize=n))
        yield f"SpaceToDepth {n}", lambda n=n: chain(node("SpaceToDepth", "x", blocksize=n))
        yield f"Softmax along {n}", lambda n=n: chain(node("Softmax", "x", axis=n))
        yield f"Concat along {n}", lambda n=n: chain(node("Concat", "x", "x", axis=n))
        yield f"Flatten at {n}", lambda n=n: chain(node("Flatten", "x", axis=n))
        yield f"Transpose {n}", lambda n=n: chain(node("Transpose", "x", perm=[n, 0, 1, 2]))
        yield f"Split into {n}", lambda n=n: chain(node("Split", "x", num_outputs=n))
        yield f"LayerNormalization at {n}", with_weights("LayerNormalization", 3, axis=n)
        yield (
            f"GroupNormalization of {n}",
            lambda n=n: chain(
                node("GroupNormalization", "x", "w", "w", num_groups=n),
                arrays={"w": np.ones(2, "f")},
            ),
        )


def indices() -> Iterator[Made]:
    """Numbers of cells that are not there."""
    for n in (*NUMBERS, 3, -4):
        yield (
            f"Gather {n}",
            lambda n=n: chain(node("Gather", "x", "i", axis=3), arrays={"i": ints(n)}),
        )
        yield (
            f"GatherElements {n}",
            lambda n=n: chain(
                node("GatherElements", "x", "i"), arrays={"i": np.full((1, 2, 3, 3), n, np.int64)}
            ),
        )
        yield (
            f"GatherND {n}",
            lambda n=n: chain(node("GatherND", "x", "i"), arrays={"i": ints(0, n)}),
        )
        yield (
            f"ScatterND {n}",
            lambda n=n: chain(
                node("ScatterND", "x", "i", "u"),
                arrays={"i": np.array([[0, 0, 0, n]], np.int64), "u": np.ones(1, "f")},
            ),
        )
        yield (
            f"ScatterElements {n}",
            lambda n=n: chain(
                node("ScatterElements", "x", "i", "u", axis=3),
                arrays={"i": np.full((1, 1, 1, 1), n, np.int64), "u": np.ones((1, 1, 1, 1), "f")},
            ),
        )
