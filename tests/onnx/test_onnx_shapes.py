"""Arithmetic of shapes, as exporters write it, is done while the network is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import model_of, value
from onnx_runs import run_defined, run_onnxruntime

from allconv import functional as F
from allconv.data.preprocess import Preprocess
from allconv.errors import Error, FileError, ShapeError, UnsupportedError
from allconv.nn import Linear
from allconv.onnx import load, save
from onnx import TensorProto, helper


def model(nodes: list[tuple[str, list[str], str, dict[str, Any]]], **arrays: Any) -> Any:
    """A network of (operator, inputs, result, attributes) from x, of any size, to y."""
    made = [helper.make_node(op, x, [y], **settings) for op, x, y, settings in nodes]
    return model_of(made, [value("x", ["N", "C", "H", "W"])], ["y"], arrays)


SHAPED = model(
    [
        ("Shape", ["x"], "shape", {}),
        ("Gather", ["shape", "zero"], "batch", {"axis": 0}),
        ("Unsqueeze", ["batch", "axes"], "batches", {}),
        ("Slice", ["shape", "two", "end"], "sizes", {}),
        ("Cast", ["sizes"], "small", {"to": TensorProto.INT32}),
        ("Cast", ["small"], "large", {"to": TensorProto.INT64}),
        ("Sub", ["one", "large"], "negative", {}),
        ("Div", ["negative", "two"], "halves", {}),
        ("Neg", ["halves"], "positive", {}),
        ("Max", ["positive", "one"], "most", {}),
        ("Min", ["most", "large"], "least", {}),
        ("Mul", ["least", "one"], "product", {}),
        ("Add", ["product", "nothing"], "sum", {}),
        ("Reshape", ["sum", "flat"], "row", {}),
        ("Squeeze", ["row", "axes"], "line", {}),
        ("Identity", ["line"], "same", {}),
        ("Concat", ["batches", "rest", "same"], "wanted", {"axis": 0}),
        ("ConstantOfShape", ["wanted"], "zeros", {}),
        ("Range", ["zero", "three", "step"], "cells", {}),
        ("Cast", ["cells"], "ramp", {"to": TensorProto.FLOAT}),
        ("Reshape", ["ramp", "column"], "ramps", {}),
        ("MaxPool", ["x"], "pooled", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Add", ["pooled", "zeros"], "added", {}),
        ("Add", ["added", "ramps"], "y", {}),
    ],
    zero=0, axes=[0], two=[2], end=[4], one=[1], nothing=[0], flat=[1, -1], rest=[3], three=3,
    step=1, column=[3, 1, 1],
)  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 3, 5, 7), (2, 3, 9, 5)])
def test_shapes_are_folded(shape: tuple[int, ...]) -> None:
    """A network that computes with the sizes of its input runs at every size, as elsewhere."""
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    np.testing.assert_array_equal(run_defined(load(SHAPED), x)[0], run_onnxruntime(SHAPED, x)[0])


@pytest.mark.parametrize(
    ("nodes", "arrays", "message"),
    [
        ([("Concat", ["a", "b"], "r", {"axis": 0})], {"a": [1], "b": [[1]]}, "do not concatenate"),
        ([("Add", ["a", "b"], "r", {})], {"a": [1, 2], "b": [1, 2, 3]}, "do not broadcast"),
        ([("Squeeze", ["a", "b"], "r", {})], {"a": [1, 2], "b": [0]}, "not all of size 1"),
        ([("Range", ["a", "a", "b"], "r", {})], {"a": 1, "b": 0}, "step of 0"),
        ([("Gather", ["a", "b"], "r", {})], {"a": 1, "b": 0}, "no axis"),
        (
            [("Max", ["a", "a", "b"], "r", {})],
            {"a": [1], "b": [True]},
            "its inputs are bool and int64",
        ),
        ([("Not", ["a"], "r", {})], {"a": [1]}, "its input is int64"),
        ([("Where", ["a", "a", "a"], "r", {})], {"a": [1]}, "are int64, int64 and int64"),
        ([("Transpose", ["a"], "r", {"perm": [1, 0]})], {"a": [1]}, "perm"),
        ([("Tile", ["a", "b"], "r", {})], {"a": [1], "b": [1, -1]}, "repeats"),
    ],
)
def test_shapes_that_are_wrong(nodes: list[Any], arrays: dict[str, Any], message: str) -> None:
    """Arithmetic of shapes that breaks the rules is refused when the network is recorded."""
    made = model([*nodes, ("Reshape", ["x", "r"], "y", {})], **arrays)
    net = load(made)  # its sizes are open, so that nothing is recorded yet
    with pytest.raises((FileError, UnsupportedError), match=message):
        run_defined(net, np.ones((1, 1, 2, 2), np.float32))


def test_arrays_of_another_shape(tmp_path: Path) -> None:
    """A call with another number of arrays, or of other sizes than the file's, names both."""
    save(Linear(3, 2), tmp_path / "model.onnx", (None, 3))
    net = load(tmp_path / "model.onnx")
    with pytest.raises(ShapeError, match=r"'input' is \(1, 4\); \(any, 3\) is expected"):
        net(np.ones((1, 4), np.float32))
    with pytest.raises(ShapeError, match="takes 1 arrays, 2 are given"):
        net(np.ones((1, 3), np.float32), np.ones((1, 3), np.float32))


def test_what_depends_on_the_batch(tmp_path: Path) -> None:
    """A network whose numbers depend on the batch is written for one batch only."""
    path = tmp_path / "model.onnx"
    rows: list[tuple[Any, str]] = [
        (lambda x: x.mean(0, keepdims=True), "a constant of the network depends on the batch"),
        (lambda x: x[1:], "a part of the batch"),
        (lambda x: x + x**0, "over the batch"),
        (
            lambda x: x.transpose(1, 0).reshape((3, 1, -1, 1)) if x.shape[0] > 2 else x,
            "something else",
        ),
        (lambda x: F.pad(x, (x.shape[0], 0)), "something else"),
    ]
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for function, message in rows:
        with pytest.raises(UnsupportedError, match=message):
            save(function, path, (None, 3))
        save(function, path, (2, 3))
        (given,) = run_defined(load(path), x)
        np.testing.assert_allclose(given, run_onnxruntime(path, x)[0], rtol=1e-6)


def test_preprocessing_of_another_network(tmp_path: Path) -> None:
    """Preprocessing to other sizes than the network's is refused."""
    preprocess = Preprocess(4, 4, 1, (0.5,), (0.5,))
    with pytest.raises(Error, match=r"the preprocessing gives float32 \(1, 4, 4\)"):
        save(lambda x: x, tmp_path / "m.onnx", (None, 3, 4, 4), preprocess=preprocess)
