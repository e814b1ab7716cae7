"""ONNX files for the tests of the page of a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onnx import TensorProto, helper, numpy_helper

OPSET = 17
MAGIC = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</title><h1>", "</style><b>",
    "</svg><p>", "</text><a href='javascript:x'>", '" onload="alert(1)', "' onclick='x",
    "&lt;b&gt;",
    "&#60;script&#62;", "-->", "<!--", "<![CDATA[", "]]>", "<?php", "{{7*7}}", "${7*7}", "`id`",
    "javascript:alert(1)", "data:text/html,x", "../../etc/passwd", "a\nb", "a\x00b", "\x1b[2J",
    "\u202egnp.exe", "\u2028line", "\ufeffbom", "<a/href=x>", "%3Cscript%3E", "<svg/onload=x>",
)  # fmt: skip
"""Names that nobody means well with."""


def save(
    path: Path,
    nodes: Sequence[Any],
    *,
    shape: Sequence[int | str] = (1, 3, 16, 16),
    result: str = "y",
    arrays: dict[str, np.ndarray] | None = None,
    classes: Sequence[str] | None = None,
    note: str = "",
    domains: Sequence[str] = (),
) -> Path:
    """Write a file of these nodes, from "x" to a result."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in (arrays or {}).items()],
    )
    opsets = [helper.make_opsetid(name, 1) for name in domains]
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), *opsets],
        ir_version=9,
        doc_string=note,
    )
    if classes is not None:
        helper.set_model_props(model, {"allconv.classes": json.dumps(list(classes))})
    path.write_bytes(model.SerializeToString())
    return path


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    """Small weights."""
    return (np.random.default_rng(seed).standard_normal(shape) * 0.3).astype(np.float32)


def classifier(
    path: Path, names: Sequence[str] = (), classes: Sequence[str] = ("cat", "dog"), note: str = ""
) -> Path:
    """Convolution, ReLU, skip, mean and linear layer; `names` go to the nodes in turn."""
    given = iter([*names, *(f"block.{n}/op" for n in range(9))])
    said = {"doc_string": note}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], next(given), pads=[1] * 4, **said),
        helper.make_node("Relu", ["a"], ["b"], next(given), **said),
        helper.make_node("Conv", ["b", "v"], ["c"], next(given), pads=[1] * 4, **said),
        helper.make_node("Add", ["b", "c"], ["d"], next(given), **said),
        helper.make_node("GlobalAveragePool", ["d"], ["e"], next(given), **said),
        helper.make_node("Flatten", ["e"], ["f"], next(given), **said),
        helper.make_node("Gemm", ["f", "m"], ["y"], next(given), transB=1, **said),
    ]
    arrays = {"w": weights(4, 3, 3, 3), "v": weights(4, 4, 3, 3), "m": weights(len(classes), 4)}
    return save(path, nodes, arrays=arrays, classes=classes, note=note)


def chain(path: Path, names: Sequence[str]) -> Path:
    """A ReLU after the other, under these names."""
    values = ["x", *(f"v{n}" for n in range(len(names) - 1)), "y"]
    nodes = [
        helper.make_node("Relu", [values[n]], [values[n + 1]], name) for n, name in enumerate(names)
    ]
    return save(path, nodes)


def refused(path: Path, names: Sequence[str] = ("cut", "odd")) -> Path:
    """A file with an operator that is not read, and one of another domain."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "first/conv"),
        helper.make_node("Det", ["a"], ["b"], names[0]),
        helper.make_node("Strange", ["b"], ["y"], names[1], domain="com.example", doc_string="odd"),
    ]
    return save(path, nodes, arrays={"w": weights(4, 3, 3, 3)}, domains=["com.example"])
