"""The files of a workload: a network as ONNX, arrays as npz, and a description as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allconv.bench.layers import BenchLayer
from allconv.bench.training import CLASSES, Row
from allconv.bench.workload import FUNCTION_SIZES, GRADIENT, NETWORK, NETWORK_SIZES, STEP, Workload
from allconv.operators.base import Array

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8
MODEL, ARRAYS = "model.onnx", "arrays.npz"
STATE = "state/"  # before the names of a network's first weights


def make_files(workload: Workload, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Write the files of a workload; what a worker is told: kind, layout, and where they lie."""
    made = _MAKERS[workload.kind](workload.source, folder, np.random.default_rng(seed))
    return {"kind": workload.kind, "layout": workload.layout, **made}


def _save(folder: Path, arrays: Mapping[str, Array]) -> dict[str, Any]:
    path = folder / ARRAYS
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # arrays by name, no flag
    return {"arrays": str(path)}


def _network(source: Mapping[str, Any], folder: Path, draw: np.random.Generator) -> dict[str, Any]:
    """A file of one's own ("file", with "shape" and "dtype" of its input), a light network, one of
    ours, or a layer; with an image."""
    path = folder / MODEL
    dtype = "float32"
    if "file" in source:
        path, shape, dtype = Path(source["file"]), tuple(source["shape"]), source["dtype"]
    elif "light" in source:
        from allconv.bench.light import light_network

        model = light_network(source["light"], draw, batch=source["batch"])
        path.write_bytes(model.SerializeToString())
        shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    elif "network" in source:
        shape = tuple(source["shape"])
        _save_ours(source, shape, path)
    else:
        layer: BenchLayer = source["layer"]
        path.write_bytes(layer_model(layer, draw).SerializeToString())
        shape = layer.x_shape
    if dtype == "uint8":
        x = draw.integers(0, 256, shape).astype(np.uint8)
    else:
        x = draw.standard_normal(shape).astype(dtype)
    return {"model": str(path), **_save(folder, {"x": x})}


def _save_ours(source: Mapping[str, Any], shape: tuple[int, ...], path: Path) -> None:
    from allconv import onnx
    from allconv.nn import networks

    net = networks.build(source["network"], shape[1], shape[2:], source["classes"])
    onnx.save(net.initialize(0), path, (None, *shape[1:]))


def layer_model(layer: BenchLayer, draw: np.random.Generator) -> ModelProto:
    """A network of one convolution with random weights and a bias."""
    from onnx import TensorProto, helper, numpy_helper

    w = draw.standard_normal(layer.w_shape, np.float32) / np.sqrt(np.prod(layer.w_shape[1:]))
    b = draw.standard_normal(layer.out_channels, np.float32)
    node = helper.make_node(
        "Conv", ["x", "w", "b"], ["y"],
        kernel_shape=layer.kernel, strides=[layer.stride] * layer.axes,
        pads=[*layer.paddings, *layer.paddings], dilations=[layer.dilation] * layer.axes,
        group=layer.groups,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, layer.x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, layer.y_shape)],
        [numpy_helper.from_array(w.astype(np.float32), "w"), numpy_helper.from_array(b, "b")],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _gradient(source: Mapping[str, Any], folder: Path, draw: np.random.Generator) -> dict[str, Any]:
    layer: BenchLayer = source["layer"]
    x, w, gy = (
        draw.standard_normal(shape, np.float32)
        for shape in (layer.x_shape, layer.w_shape, layer.y_shape)
    )
    settings = {
        "stride": layer.stride,
        "padding": list(layer.paddings),
        "dilation": layer.dilation,
        "groups": layer.groups,
    }
    return {"of": source["of"], "settings": settings, **_save(folder, {"x": x, "w": w, "gy": gy})}


def _step(source: Mapping[str, Any], folder: Path, draw: np.random.Generator) -> dict[str, Any]:
    shape = tuple(source["shape"])
    arrays = {
        "x": draw.standard_normal(shape).astype(np.float32),
        "labels": draw.integers(0, CLASSES, shape[0]),
    }
    rows: list[Row] = source["layers"]
    for number, row in enumerate(rows):
        for name, array in _parameters(row, draw).items():
            arrays[f"{STATE}{number}.{name}"] = array.astype(np.float32)
    return {"layers": rows, "optimizer": source["optimizer"], **_save(folder, arrays)}


def _parameters(row: Row, draw: np.random.Generator) -> dict[str, Array]:
    """The first weights of a layer of a network to be trained, the same for every engine."""
    shape: tuple[int, ...]
    match row:
        case ["conv", before, after, kernel, *_]:
            shape, inputs = (after, before, kernel, kernel), before * kernel**2
        case ["linear", before, after]:
            shape, inputs = (after, before), before
        case _:
            return {}
    weight = np.sqrt(2 / inputs) * draw.standard_normal(shape)
    return {"weight": weight, "bias": np.zeros(after)}


def _function_sizes(
    source: Mapping[str, Any], folder: Path, draw: np.random.Generator
) -> dict[str, Any]:
    """A convolution with 16 filters of 3x3."""
    w = draw.standard_normal((16, int(source["channels"]), 3, 3), np.float32)
    return _drawn_sizes(source, draw) | _save(folder, {"w": w, "b": np.zeros(16, np.float32)})


def _network_sizes(
    source: Mapping[str, Any], folder: Path, draw: np.random.Generator
) -> dict[str, Any]:
    """A network of ours that takes images of any size."""
    from allconv.nn import networks
    from allconv.onnx.write.file import to_proto

    side, channels = int(source["side"]), int(source["channels"])
    net = networks.build(source["network"], channels, (side, side), CLASSES).initialize(0)
    model = to_proto(net, (None, channels, side, side))
    for axis, name in enumerate("HW", 2):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    del model.graph.value_info[:]
    path = folder / MODEL
    path.write_bytes(model.SerializeToString())
    return _drawn_sizes(source, draw) | {"model": str(path)}


def _drawn_sizes(source: Mapping[str, Any], draw: np.random.Generator) -> dict[str, Any]:
    """Sizes between two sides."""
    least, most = source["sides"]
    sizes = draw.integers(least, most, (source["count"], 2)).tolist()
    return {"channels": source["channels"], "sizes": sizes}


_MAKERS = {
    NETWORK: _network,
    GRADIENT: _gradient,
    STEP: _step,
    NETWORK_SIZES: _network_sizes,
    FUNCTION_SIZES: _function_sizes,
}
