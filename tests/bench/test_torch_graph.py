"""ONNX networks as PyTorch modules, beside ONNX Runtime. Skipped without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import onnx
from allconv import nn
from allconv.bench.engines.prepared_workload import CannotRunError
from allconv.bench.layers import random_layers
from allconv.bench.making import layer_model
from allconv.nn import networks
from allconv.onnx import save
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch", reason="needs torch: pip install torch==2.13.0")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")
from allconv.bench.engines.torch_graph import torch_network  # noqa: E402 (needs PyTorch)

# torch.fx's own folding of batch normalisations says that parts of PyTorch are old.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
DRAW = np.random.default_rng(0)


def check_equal(path: Path, x: np.ndarray) -> None:
    """Both give the same, within rounding."""
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (expected, *_) = session.run(None, {session.get_inputs()[0].name: x})
    with torch.inference_mode():
        found = torch_network(str(path))(torch.from_numpy(x)).numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["plain", "convnet", "all-cnn", "base-c", *networks.MOBILE, "resnet-18"]
)
def test_networks_of_ours(name: str, tmp_path: Path) -> None:
    """As `allconv.onnx.save` writes them, batch normalisations among them."""
    channels, side = (1, 28) if name in networks.SMALL else (3, 32)
    net = networks.build(name, channels, side, 10)
    save(net, tmp_path / "m.onnx", (None, channels, side, side))
    check_equal(tmp_path / "m.onnx", DRAW.standard_normal((2, channels, side, side), np.float32))


@pytest.mark.parametrize("layer", random_layers(8, 5), ids=lambda layer: layer.name)
def test_layers(layer: object, tmp_path: Path) -> None:
    """Strides, dilations, groups, paddings."""
    onnx.save(layer_model(layer, DRAW), tmp_path / "m.onnx")
    check_equal(tmp_path / "m.onnx", DRAW.standard_normal(layer.x_shape, np.float32))


def one_node(op: str, arrays: Sequence[np.ndarray], opset: int, **attributes: object) -> object:
    """A model of one node on images (2, 6, 9, 8) and constants."""
    names = [f"c{n}" for n in range(len(arrays))]
    node = helper.make_node(op, ["x", *names], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 6, 9, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(a, name) for a, name in zip(arrays, names, strict=True)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


CHANNELS = np.linspace(0.5, 1.5, 6, dtype=np.float32)
NODES = [
    ("MaxPool", [], 13, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ("MaxPool", [], 13, {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1], "strides": [2, 2]}),
    ("AveragePool", [], 13, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("AveragePool", [], 13, {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1]}),
    ("AveragePool", [], 13,
     {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1], "count_include_pad": 1}),
    ("GlobalAveragePool", [], 13, {}),
    ("BatchNormalization", [CHANNELS, CHANNELS, CHANNELS, CHANNELS], 13, {"epsilon": 1e-3}),
    ("LRN", [], 13, {"size": 3, "alpha": 0.1, "beta": 0.6, "bias": 2.0}),
    ("Softmax", [], 9, {"axis": 1}),
    ("Softmax", [], 13, {"axis": 1}),
    ("Reshape", [np.array([2, 2, 3, 72])], 13, {}),
    ("Transpose", [], 13, {"perm": [0, 2, 1, 3]}),
    ("Flatten", [], 13, {}),
    ("Unsqueeze", [], 11, {"axes": [1, 3]}),
    ("Unsqueeze", [np.array([0, 2])], 13, {}),
    ("ReduceMean", [], 13, {"axes": [2, 3], "keepdims": 0}),
    ("Clip", [np.array(-0.5, np.float32), np.array(0.5, np.float32)], 13, {}),
    ("Mul", [CHANNELS.reshape(6, 1, 1)], 13, {}),
    ("Sub", [CHANNELS.reshape(6, 1, 1)], 13, {}),
    ("Div", [CHANNELS.reshape(6, 1, 1)], 13, {}),
    ("Sigmoid", [], 13, {}),
    ("HardSigmoid", [], 13, {"alpha": 1 / 6}),
    ("HardSwish", [], 14, {}),
    ("Dropout", [], 13, {}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "arrays", "opset", "attributes"), NODES)
def test_nodes(
    op: str, arrays: Sequence[np.ndarray], opset: int, attributes: dict[str, object], tmp_path: Path
) -> None:
    """Each operator that has a translation, with the settings that networks use."""
    onnx.save(one_node(op, arrays, opset, **attributes), tmp_path / "m.onnx")
    check_equal(tmp_path / "m.onnx", DRAW.standard_normal((2, 6, 9, 8), np.float32))


def test_matrices(tmp_path: Path) -> None:
    """Gemm with its weights either way."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(24, 5))
    save(net, tmp_path / "m.onnx", (None, 4, 3, 2))
    check_equal(tmp_path / "m.onnx", DRAW.standard_normal((3, 4, 3, 2), np.float32))


@pytest.mark.parametrize(
    ("op", "attributes", "says"),
    [
        ("Erf", {}, "the operator Erf"),
        ("HardSigmoid", {"alpha": 0.2}, "another slope"),
        ("MaxPool", {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"}, "auto_pad"),
        ("Cast", {"to": TensorProto.INT64}, "Cast"),
    ],
)
def test_what_has_no_translation_is_said(
    op: str, attributes: dict[str, object], says: str, tmp_path: Path
) -> None:
    """A sentence for the table, no wrong answer."""
    onnx.save(one_node(op, [], 13, **attributes), tmp_path / "m.onnx")
    with pytest.raises(CannotRunError, match=says):
        torch_network(str(tmp_path / "m.onnx"))
