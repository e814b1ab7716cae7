"""Files that break the rules: they ask for more memory or work than any network needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx_hostile_models import Model, Row, chain, changed, ints, node

from allconv.errors import FileError, LimitError
from onnx import helper, numpy_helper

BOMBS = {
    "one": np.array([1], np.int64),
    "sizes": np.array([2**20, 2**20], np.int64),
    "row": np.array([1, 0], np.int64),
    "many": np.array([2**40], np.int64),
    "many2": np.array([2**40, 0], np.int64),
    "much": np.array(2**40, np.int64),
    "pair": np.array([0, 1], np.int64),
    "zero": np.array(0, np.int64),
    "large": np.array(2**40, np.int64),
    "step": np.array(1, np.int64),
    "true": np.ones((1, 1), bool),
    "column": np.ones((2**14, 1), np.int64),
    "wide": np.ones((1, 2**14), np.int64),
    "huge": np.array([2**27], np.int64),
}
"""Known numbers that ask for much."""


def bomb(op: str, names: list[str]) -> Callable[[], Model]:
    """A node of known numbers that asks for more cells than are made."""
    mode = {"mode": "constant"} if op == "Pad" else {}
    return lambda: chain(
        helper.make_node(op, names, ["c"], **mode),
        helper.make_node("Cast", ["c"], ["f"], to=1),
        node("Add", "x", "f"),
        arrays=BOMBS,
    )


LARGE: dict[str, Row] = {
    **{
        f"a {op} of 2**40 cells": (bomb(op, names), LimitError, f"{op} makes")
        for op, names in (
            ("Expand", ["one", "sizes"]),
            ("Tile", ["row", "many"]),
            ("OneHot", ["row", "much", "pair"]),
            ("Range", ["zero", "large", "step"]),
            ("Where", ["true", "column", "wide"]),
            ("Pad", ["row", "many2"]),
        )
    },
    "filled cells that are gathered": (
        lambda: chain(
            helper.make_node(
                "ConstantOfShape", ["huge"], ["z"], value=numpy_helper.from_array(ints(1), "v")
            ),
            helper.make_node("Gather", ["z", "row"], ["c"]),
            node("Reshape", "x", "c"),
            arrays=BOMBS,
        ),
        LimitError,
        "known numbers",
    ),
    "a constant of 2**40 cells": (
        lambda: chain(
            helper.make_node("ConstantOfShape", ["s"], ["c"]),
            node("Add", "x", "c"),
            arrays={"s": ints(2**20, 2**20)},
        ),
        LimitError,
        "makes an array of 1,099,511,627,776 cells",
    ),
    "an array repeated 2**40 times": (
        lambda: chain(node("Expand", "x", "s"), arrays={"s": ints(2**40, 1, 1, 1)}),
        LimitError,
        r"\(Expand\): it gives 4 axes and 19,791,209,299,968 values; at most 32 and 268,435,456",
    ),
    "a padding of 2**40 cells": (
        lambda: chain(node("Pad", "x", "p"), arrays={"p": ints(2**40, *(0,) * 7)}),
        LimitError,
        r"\(Pad\): pads .* is supported",
    ),
    "a convolution of 2**47 multiply-adds": (
        lambda: chain(
            helper.make_node("ConstantOfShape", ["s"], ["w"]),
            node("Conv", "x", "w", pads=[4000] * 4),
            arrays={"s": ints(1, 2, 2000, 2000)},
        ),
        LimitError,
        r"\(Conv\) brings the network to 288,[0-9,]* multiply-adds",
    ),
    "a wide pooling": (
        lambda: chain(
            helper.make_node("Pad", ["x", "p"], ["e"]),
            node("MaxPool", "e", kernel_shape=[4000, 4000]),
            arrays={"p": ints(0, 0, 0, 0, 0, 0, 9000, 9000)},
        ),
        LimitError,
        r"\(MaxPool\) brings the network to",
    ),
    "a shape of ten million sizes": (
        lambda: chain(
            *(
                helper.make_node("Constant", [], [name], value_int=n)
                for name, n in (("a", 1), ("b", 9_000_000), ("c", 1))
            ),
            helper.make_node("Range", ["a", "b", "c"], ["r"]),
            node("Reshape", "x", "r"),
        ),
        LimitError,
        r"\(Reshape\): input 1 lists 8,999,999 numbers",
    ),
    "constants without end": (
        lambda: chain(
            helper.make_node(
                "ConstantOfShape", ["s"], ["c0"], value=numpy_helper.from_array(ints(1))
            ),
            *(helper.make_node("Add", [f"c{n}", f"c{n}"], [f"c{n + 1}"]) for n in range(100)),
            node("Reshape", "x", "c100"),
            arrays={"s": ints(3_000_000)},
        ),
        LimitError,
        "Add makes 3,000,000 constants; .* 100,000,000 for a network",
    ),
    "an array doubled forty times": (
        lambda: chain(
            helper.make_node("Relu", ["x"], ["v0"]),
            *(helper.make_node("Concat", [f"v{n}"] * 2, [f"v{n + 1}"], axis=0) for n in range(40)),
            node("Neg", "v40"),
        ),
        LimitError,
        r"\(Concat\): it gives 4 axes and 301,989,888 values",
    ),
    "an input of 2**124 values": (
        changed(
            lambda m: [
                setattr(dim, "dim_value", 2**62)
                for dim in m.graph.input[0].type.tensor_type.shape.dim[2:]
            ]
        ),
        LimitError,
        "too many values",
    ),
    "a range of 2**40 numbers": (
        lambda: chain(
            helper.make_node("Range", ["a", "b", "c"], ["r"]),
            node("Reshape", "x", "r"),
            arrays={"a": np.array(0), "b": np.array(2**40), "c": np.array(1)},
        ),
        LimitError,
        "constants",
    ),
    "an index outside": (
        lambda: chain(
            helper.make_node("Gather", ["a", "b"], ["r"]),
            node("Reshape", "x", "r"),
            arrays={"a": ints(1, 2), "b": ints(5)},
        ),
        FileError,
        "an index is outside",
    ),
    "a shape that does not hold x": (
        lambda: chain(node("Reshape", "x", "s"), arrays={"s": ints(-1, 7)}),
        FileError,
        "18 values do not fit the shape",
    ),
}
