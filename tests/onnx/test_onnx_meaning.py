"""What attributes, outputs and operator sets make of a node: read as they say, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_models import model_of, one_node, value
from onnx_runs import run_defined

from allconv.errors import FileError, UnsupportedError
from allconv.onnx import load
from allconv.onnx.module import OnnxModule
from onnx import helper

FOUR = {name: np.full(2, n, np.float32) for name, n in zip("sbmv", (2, 1, 3, 4), strict=True)}


def network(
    node: Any, shape: tuple[Any, ...], opset: int, arrays: dict[str, Any] | None = None
) -> OnnxModule:
    """A network of one node from x to y, checked as `load` does."""
    return load(model_of([node], [value("x", shape)], ["y"], arrays or {}, opset=opset))


def batch_norm(outputs: list[str], **attributes: Any) -> Any:
    """A normalisation with these outputs."""
    return helper.make_node("BatchNormalization", ["x", *FOUR], outputs, **attributes)


X = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float32)
NORMALIZED = (X - 3) / np.sqrt(4 + 1e-5) * 2 + 1


@pytest.mark.parametrize(
    ("opset", "outputs", "attributes"),
    [
        (6, ["y"], {"is_test": 1}),
        (6, ["y"], {"is_test": 1, "momentum": 0.5, "spatial": 1}),
        (7, ["y"], {}),
        (8, ["y"], {"momentum": 0.5, "spatial": 1}),
        (9, ["y", "", ""], {}),
        (13, ["y"], {"momentum": 0.5}),
        (14, ["y"], {"training_mode": 0}),
        (15, ["y"], {}),
    ],
)
def test_batch_normalization_in_inference(
    opset: int, outputs: list[str], attributes: dict[str, Any]
) -> None:
    """In inference the given mean and variance count, whatever the operator set."""
    net = network(batch_norm(outputs, **attributes), (None, 2, 4), opset, FOUR)
    np.testing.assert_allclose(run_defined(net, X)[0], NORMALIZED, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("opset", "outputs", "attributes"),
    [
        (6, ["y"], {}),
        (6, ["y"], {"is_test": 0}),
        (6, ["y", "a", "c", "d", "e"], {"is_test": 1}),
        (7, ["y", "a", "c"], {}),
        (9, ["y", "a", "c", "d", "e"], {}),
        (13, ["y", "", "c"], {}),
        (14, ["y", "a", "c"], {"training_mode": 1}),
        (15, ["y"], {"training_mode": 1}),
        (15, ["y", "a"], {}),
    ],
)
def test_batch_normalization_in_training(
    opset: int, outputs: list[str], attributes: dict[str, Any]
) -> None:
    """In training the batch's own would count: it is refused, if nothing takes the outputs, too."""
    with pytest.raises(UnsupportedError, match="in training form"):
        network(batch_norm(outputs, **attributes), (3, 2, 4), opset, FOUR)


def test_batch_normalization_a_cell_each() -> None:
    """spatial=0 has a mean for each cell; of (N, C) it is the same as for each channel."""
    with pytest.raises(UnsupportedError, match="spatial=0"):
        network(batch_norm(["y"], spatial=0), (3, 2, 4), 8, FOUR)
    net = network(batch_norm(["y"], spatial=0), (3, 2), 8, FOUR)
    np.testing.assert_allclose(run_defined(net, X[:, :, 0])[0], NORMALIZED[:, :, 0], rtol=1e-5)


@pytest.mark.parametrize("opset", [6, 9])
@pytest.mark.parametrize("training", [False, True])
def test_dropout(opset: int, training: bool) -> None:
    """Dropout is the array itself; before operator set 7 an attribute may say otherwise."""
    node = helper.make_node("Dropout", ["x"], ["y"], **({} if training else {"is_test": 1}))
    if opset >= 7:
        del node.attribute[:]
    elif training:
        with pytest.raises(UnsupportedError, match="in training form"):
            network(node, (3, 2, 4), opset)
        return
    np.testing.assert_array_equal(run_defined(network(node, (3, 2, 4), opset), X)[0], X)


@pytest.mark.parametrize("beta", [0.0, 1.0, 0.5])
@pytest.mark.parametrize("alpha", [0.0, 1.0, 0.5])
def test_gemm(alpha: float, beta: float) -> None:
    """What is multiplied by 0 has no influence, be it NaN."""
    a, b, c = X[:, 0], X[0].T[:, :1].repeat(2, 1), X[0, :, :2][:1]
    a = np.where(alpha == 0, np.nan, a).astype(np.float32)
    c = np.where(beta == 0, np.nan, c).astype(np.float32)
    node = helper.make_node("Gemm", ["x", "b", "c"], ["y"], alpha=alpha, beta=beta)
    (y,) = run_defined(network(node, (3, 4), 13, {"b": b, "c": c}), a)
    product = np.zeros((3, 2)) if alpha == 0 else alpha * (a @ b)
    expected = product if beta == 0 else product + beta * c
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 3, 2), (3, 3)])
def test_gemm_adds_what_fits(shape: tuple[int, ...]) -> None:
    """What is added is repeated to the product, never the other way."""
    node = helper.make_node("Gemm", ["x", "b", "c"], ["y"])
    arrays = {"b": np.ones((4, 2), np.float32), "c": np.ones(shape, np.float32)}
    with pytest.raises(FileError, match=r"C is .* is expected|do not broadcast"):
        network(node, (1, 4), 13, arrays)


@pytest.mark.parametrize(
    ("start", "end", "step", "cells"),
    [
        (-4, -3, -2, [0]),
        (-9, -9, -1, [0]),
        (9, -9, -1, [1, 0]),
        (-9, 9, 1, [0, 1]),
        (2**62, -(2**63), -1, [1, 0]),
        (1, 0, 1, []),
    ],
)
def test_slices_beyond_the_ends(start: int, end: int, step: int, cells: list[int]) -> None:
    """A start before the first cell is the first, forwards and backwards."""
    numbers = {"a": start, "b": end, "c": 2, "d": step}
    arrays = {name: np.array([n], np.int64) for name, n in numbers.items()}
    node = helper.make_node("Slice", ["x", *arrays], ["y"])
    (y,) = run_defined(network(node, (3, 2, 2), 13, arrays), X[:, :, :2])
    np.testing.assert_array_equal(y, X[:, :, cells])


@pytest.mark.parametrize(
    ("given", "shape", "allowzero", "expected"),
    [
        ((0, 2, 4), (0, 8), 1, (0, 8)),
        ((0, 2, 4), (0, -1), 0, (0, 8)),
        ((0, 2, 4), (4, 0, 2), 1, (4, 0, 2)),
        ((0, 2, 4), (-1,), 0, (0,)),
        ((3, 2, 4), (0, 0, -1), 0, (3, 2, 4)),
        ((3, 2, 4), (0, -1), 0, (3, 8)),
    ],
)
def test_reshape_of_zeros(
    given: tuple[int, ...], shape: tuple[int, ...], allowzero: int, expected: tuple[int, ...]
) -> None:
    """0 keeps a size or is one; the rest comes from what is not kept; a batch may be declared 0."""
    node = helper.make_node("Reshape", ["x", "s"], ["y"], allowzero=allowzero)
    net = network(node, given, 14, {"s": np.array(shape, np.int64)})
    assert run_defined(net, np.ones(given, np.float32))[0].shape == expected


@pytest.mark.parametrize(
    ("op", "opset", "attributes", "inputs", "message"),
    [
        ("MaxPool", 12, {"kernel_shape": [2], "auto_pad": "SAME_UPPER", "pads": [1, 0]}, 0, "both"),
        ("MaxPool", 12, {"kernel_shape": [2], "pads": [-1, 0]}, 0, "below 0"),
        ("MaxPool", 12, {"kernel_shape": [2], "pads": [2, 0]}, 0, "padding only"),
        ("AveragePool", 11, {"kernel_shape": [2], "dilations": [2]}, 0, "dilations"),
        ("Concat", 6, {}, 0, "lacks its attribute axis"),
        ("Gelu", 17, {}, 0, "no operator of that name"),
        ("ReduceSum", 13, {"axes": [1]}, 0, "attribute 'axes'"),
        ("ReduceMean", 17, {}, 1, "it has 2 inputs"),
        ("Squeeze", 12, {}, 1, "it has 2 inputs"),
        ("Clip", 11, {"min": 0.0}, 0, "attribute 'min'"),
        ("Add", 6, {}, 1, "broadcast is 0"),
        ("Split", 13, {"num_outputs": 1}, 0, "attribute 'num_outputs'"),
        ("Squeeze", 13, {}, 2, "given and empty"),
        ("LeakyRelu", 16, {"alpha": 1}, 0, "alpha is int, not float"),
        ("Reshape", 14, {"allowzero": 2}, 1, "neither 0 nor 1"),
    ],
)
def test_what_is_not_of_an_operator_set(
    op: str, opset: int, attributes: dict[str, Any], inputs: int, message: str
) -> None:
    """What the operator set does not have, or not with such a value, is refused."""
    others = {1: np.array([2], np.int64 if op != "Add" else np.float32), 2: np.zeros(0, np.int64)}
    arrays = {"a": others[inputs]} if inputs else {}
    node = helper.make_node(op, ["x", *arrays], ["y"], **attributes)
    message = {"both": "beside auto_pad"}.get(message, message)
    with pytest.raises((UnsupportedError, FileError), match=message):
        network(node, (3, 2, 4), opset, arrays)


def test_operators_that_are_redefined() -> None:
    """A function of the file in place of an operator of the format is not passed over."""
    model = one_node("Relu", 17, np.zeros(2, np.float32))
    neg = helper.make_node("Neg", ["a"], ["b"])
    made = helper.make_function("", "Relu", ["a"], ["b"], [neg], list(model.opset_import))
    model.functions.append(made)
    with pytest.raises(UnsupportedError, match="redefines the operator 'Relu'"):
        load(model)
