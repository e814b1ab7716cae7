"""Networks in whole numbers of eight bits: computed as floats, and equal to ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import model_of, one_node, value
from onnx_runs import run_onnxruntime

import allconv as ac
import onnx
from allconv.errors import Error, UnsupportedError
from onnx import TensorProto, helper

RANDOM = np.random.default_rng(0)
node = helper.make_node
SIX = (2, 3, 6, 6)


def quantized(x: str, y: str, scale: str, zero: str, **settings: Any) -> list[Any]:
    """The two nodes through which a value goes."""
    return [
        node("QuantizeLinear", [x, scale, zero], [f"{y}_q"], **settings),
        node("DequantizeLinear", [f"{y}_q", scale, zero], [y], **settings),
    ]


def network(axis: bool = True) -> Any:
    """A convolution with weights of int8, one scale a channel or one, and bias of int32."""
    weight_scale = RANDOM.uniform(0.01, 0.02, 4 if axis else ()).astype(np.float32)
    arrays = {
        "w_q": RANDOM.integers(-128, 128, (4, 3, 3, 3)).astype(np.int8),
        "ws": np.asarray(weight_scale),
        "wz": np.zeros(weight_scale.shape, np.int8),
        "b_q": RANDOM.integers(-500, 500, 4).astype(np.int32),
        "bs": np.asarray(weight_scale * np.float32(0.02)),
        "xs": np.array(0.02, np.float32),
        "xz": np.array(118, np.uint8),
        "ys": np.array(0.1, np.float32),
        "yz": np.array(-3, np.int8),
    }
    nodes = [
        *quantized("x", "xd", "xs", "xz"),
        node("DequantizeLinear", ["w_q", "ws", "wz"], ["w"], axis=0),
        node("DequantizeLinear", ["b_q", "bs"], ["b"], axis=0),
        node("Conv", ["xd", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        *quantized("r", "y", "ys", "yz"),
    ]
    return model_of(nodes, [value("x", ["N", *SIX[1:]])], ["y"], arrays, opset=13)


@pytest.mark.parametrize("axis", [False, True])
def test_a_network_of_eight_bits(axis: bool, tmp_path: Path) -> None:
    """It equals ONNX Runtime but for a step where a sum lies between two; it says that it is slow,
    and is written again with its whole numbers."""
    onnx.save(network(axis), path := tmp_path / "q.onnx")
    x = RANDOM.standard_normal(SIX).astype(np.float32)
    net = ac.onnx.load(path)
    found, wanted = net(x), run_onnxruntime(path, x)[0]
    steps = np.rint((found - wanted) / 0.1)
    assert np.abs(steps).max() <= 1
    assert np.count_nonzero(steps) < 0.01 * steps.size
    assert [each for each in net.notes if "computed as floats" in each]
    again = ac.onnx.write.file.to_proto(net)
    assert [each.op_type for each in again.graph.node][:2] == ["QuantizeLinear", "DequantizeLinear"]
    np.testing.assert_array_equal(ac.onnx.load(again)(x), found)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_rounding_and_saturation(dtype: str, axis: int | None) -> None:
    """Halves go to even ones, what lies beyond is the largest or least, and the way back."""
    x = np.array([[0.5, 1.5, 2.5, -0.5], [-1.5, 1e9, -1e9, np.inf], [3.2, -np.inf, 0, 7]], "f")
    count = 1 if axis is None else x.shape[axis]
    scale = np.linspace(1, 2, count, dtype=np.float32).reshape(() if axis is None else -1)
    zero = (np.arange(count) + 3).astype(dtype).reshape(scale.shape)
    settings = {} if axis is None else {"axis": axis}
    found = ac.onnx.load(one_node("QuantizeLinear", 21, x, scale, zero, **settings))(x)
    shape = {None: (), 0: (-1, 1), -1: (1, -1)}[axis]
    s, z = scale.reshape(shape), zero.reshape(shape).astype(float)
    limits = np.iinfo(dtype)
    wanted = np.clip(np.rint(x / s) + z, limits.min, limits.max).astype(dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, wanted)
    back = ac.onnx.load(one_node("DequantizeLinear", 21, wanted, scale, zero, **settings))
    np.testing.assert_allclose(back(wanted), (wanted - z) * s, rtol=1e-6)


def test_blocks() -> None:
    """A scale for each block of an axis; the last may be shorter."""
    x = RANDOM.standard_normal((2, 5)).astype(np.float32)
    scale = RANDOM.uniform(0.1, 1, (2, 3)).astype(np.float32)
    model = one_node("QuantizeLinear", 21, x, scale, None, axis=1, block_size=2, output_dtype=3)
    wanted = np.clip(np.rint(x / np.repeat(scale, 2, 1)[:, :5]), -128, 127)
    np.testing.assert_array_equal(ac.onnx.load(model)(x), wanted.astype(np.int8))


def test_integer_kernels_are_refused_with_what_to_do() -> None:
    """Operators of whole numbers alone are named, and another form of the network."""
    x = RANDOM.integers(0, 255, (1, 1, 4, 4)).astype(np.uint8)
    model = one_node("ConvInteger", 10, x, np.ones((1, 1, 2, 2), np.uint8))
    with pytest.raises(UnsupportedError, match=r"ConvInteger.*a kernel of integers.*QDQ"):
        ac.onnx.load(model)


BAD = {
    "another axis": (np.ones(7, np.float32), None, {}, "axis 1"),
    "no such axis": (np.ones(4, np.float32), None, {"axis": 5}, "axis is 5"),
    "blocks that do not fit": (np.ones((3, 9), np.float32), None, {"block_size": 2}, "blocks of 2"),
    "an axis of zeros": (np.ones((), np.float32), np.ones(3, np.int8), {}, "axis 1"),
    "int4": (np.ones((), np.float32), None, {"output_dtype": 22}, "INT4"),
    "int32": (np.ones((), np.float32), np.ones((), np.int32), {}, "to int32"),
}


@pytest.mark.parametrize("name", BAD)
def test_settings_that_do_not_fit(name: str) -> None:
    """One error that names what is wrong."""
    scale, zero, settings, message = BAD[name]
    x = np.ones((3, 4), np.float32)
    with pytest.raises(Error, match=message):
        ac.onnx.load(one_node("QuantizeLinear", 21, x, scale, zero, **settings))


@pytest.mark.parametrize("order", [0, 1])
def test_max_pool_with_indices(order: int) -> None:
    """The cells of all images, counted either way, as in ONNX Runtime; and unpooled again."""
    x = RANDOM.standard_normal((2, 3, 6, 5)).astype(np.float32)
    settings = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 0, 0, 1]}
    model = one_node("MaxPool", 12, x, outputs=("y", "i"), storage_order=order, **settings)
    for found, wanted in zip(ac.onnx.load(model)(x), run_onnxruntime(model, x), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_what_is_no_number(dtype: str) -> None:
    """NaN becomes a whole number: the least one of a scale, as in ONNX Runtime, 0 by Cast."""
    x = np.array([np.nan, 1.5, -np.inf], np.float32)
    zero = np.array(3, dtype)
    model = one_node("QuantizeLinear", 21, x, np.float32(0.5), zero, outputs=("q",))
    model.graph.node.append(node("DequantizeLinear", ["q", "c0", "c1"], ["y"]))
    model.graph.output[0].name = "y"
    found = ac.onnx.load(model)(x)
    np.testing.assert_array_equal(found, run_onnxruntime(model, x)[0])
    assert found[0] == (np.iinfo(dtype).min - 3) / 2
    cast = one_node(
        "Cast", 21, x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), outputs=("q",)
    )
    cast.graph.node.append(node("Cast", ["q"], ["y"], to=TensorProto.FLOAT))
    cast.graph.output[0].name = "y"
    np.testing.assert_array_equal(ac.onnx.load(cast)(x), [0, 1, np.iinfo(dtype).min])


@pytest.mark.parametrize("values", [[0, 0, 0], [1, 2, 3], [-1, -2, 0], [-1, 0.3, 2], [5, 5, 5]])
def test_scales_of_the_data(values: list[float]) -> None:
    """All three results of DynamicQuantizeLinear, and the way back; zeros have the scale 1."""
    x = np.array(values, np.float32)
    model = one_node("DynamicQuantizeLinear", 13, x, outputs=("q", "s", "z"))
    model.graph.node.append(node("DequantizeLinear", ["q", "s", "z"], ["y"]))
    model.graph.output.append(helper.make_empty_tensor_value_info("y"))
    net = ac.onnx.load(model)
    found, wanted = net(x), run_onnxruntime(model, x)
    for a, b in zip(found, wanted, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert any(values) or found[1] == 1
    again = ac.onnx.write.file.to_proto(net)
    assert again.graph.node[0].op_type == "DynamicQuantizeLinear"
