"""New heads: for networks of layers, graphs and files; and networks that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import nn
from allconv.errors import ArgumentError, Error, UnsupportedError
from allconv.nn import networks
from allconv.nn.rewrites.new_head import cut_head
from onnx import TensorProto, helper, numpy_helper, save_model
from tiers import slowed


def x(*shape: int) -> np.ndarray:
    """Normal draws."""
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def model(
    path: Path,
    nodes: list[Any],
    arrays: dict[str, Any],
    outputs: tuple[str, ...] = ("y",),
    batch: int | str = "N",
) -> str:
    """An ONNX file that takes x (batch, 3, 8, 8), with arrays as float32 or int64."""
    floats = TensorProto.FLOAT
    held = {
        n: np.asarray(a, "i8" if np.asarray(a).dtype.kind == "i" else "f")
        for n, a in arrays.items()
    }
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", floats, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info(name, floats, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    save_model(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return str(path)


@pytest.mark.parametrize("name", slowed(networks.names(), "convnet", "all-cnn", "resnet-18"))
def test_all_networks(name: str, tmp_path: Path) -> None:
    """The layers below keep their bits, the head has other classes, by key; the same of files."""
    net = networks.build(name, 3, 32, 4).initialize(1)
    made = ac.rewrite.new_head(net, 6)
    assert made(x(2, 3, 32, 32)).shape == (2, 6)
    before, after = net.state_dict(), made.state_dict()
    assert list(before) == list(after)
    differing = {n.rpartition(".")[0] for n in after if not np.array_equal(before[n], after[n])}
    assert len(differing) == 1
    weight = f"{differing.pop()}.weight"
    again, other = ac.rewrite.new_head(net, 6), ac.rewrite.new_head(net, 6, seed=1)
    assert np.array_equal(again.state_dict()[weight], after[weight])
    assert not np.array_equal(other.state_dict()[weight], after[weight])
    ac.onnx.save(net, tmp_path / "net.onnx", (None, 3, 32, 32))
    read: Any = ac.rewrite.new_head(ac.onnx.load(tmp_path / "net.onnx"), 6)
    assert read(x(3, 3, 32, 32)).shape == (3, 6)
    assert read.head.in_features == np.prod(after[weight].shape[1:])


def test_what_stands_below_is_what_the_head_took(tmp_path: Path) -> None:
    """The old weights on the features are the old logits, softmax or not."""
    layers = [nn.Conv2d(3, 5, 3), nn.ReLU(), nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(5, 4)]
    net = nn.Sequential(*layers)
    ac.onnx.save(nn.Sequential(net, nn.Softmax()), tmp_path / "net.onnx", (None, 3, 8, 8))
    loaded = ac.onnx.load(tmp_path / "net.onnx")
    images = x(2, 3, 8, 8)
    for each in (net, loaded, loaded.for_any_size(), ac.rewrite.fold_batchnorm(net, (1, 3, 8, 8))):
        cut = cut_head(each)
        assert cut.bias is not None
        logits = cut.base(images) @ cut.weight.T + cut.bias
        np.testing.assert_allclose(logits, net(images), rtol=1e-4, atol=1e-5)
    assert cut_head(loaded.for_any_size()).base(x(1, 3, 11, 9)).shape == (1, 5)
    made = ac.rewrite.new_head(nn.Sequential(net, nn.Softmax()), 3)
    assert isinstance(made[1], nn.Identity)  # type: ignore[index]


def test_spellings_of_a_head_in_a_file(tmp_path: Path) -> None:
    """Gemm turned or not, a product and a bias, a convolution before a mean; names stay."""
    w, b = x(4, 3), x(4)
    node = helper.make_node
    first = [node("GlobalAveragePool", ["x"], ["p"]), node("Flatten", ["p"], ["f"])]
    scale = [node("Mul", ["f", "gain"], ["g"])]
    heads = {
        "turned": ([node("Gemm", ["g", "w", "b"], ["y"], transB=1)], w),
        "gemm": ([node("Gemm", ["g", "w", "b"], ["y"])], w.T),
        "product": ([node("MatMul", ["g", "w"], ["m"]), node("Add", ["b", "m"], ["y"])], w.T),
    }
    for name, (nodes, weight) in heads.items():
        arrays = {"w": weight, "b": b, "gain": np.ones(3)}
        path = model(tmp_path / f"{name}.onnx", [*first, *scale, *nodes], arrays)
        cut = cut_head(ac.onnx.load(path))
        assert np.array_equal(cut.weight, w)
        assert cut.bias is not None
        assert np.array_equal(cut.bias, b)
        assert list(cut.base.parameters()) == ["gain"]
    nodes = [
        node("Relu", ["x"], ["h"]), node("Conv", ["h", "w", "b"], ["c"]),
        node("Relu", ["c"], ["r"]), node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["y"]),
    ]  # fmt: skip
    path = model(tmp_path / "conv.onnx", nodes, {"w": w.reshape(4, 3, 1, 1), "b": b})
    made = ac.rewrite.new_head(ac.onnx.load(path), 9)
    assert made(x(2, 3, 8, 8)).shape == (2, 9)


def test_networks_without_a_head(tmp_path: Path) -> None:
    """No weights, another last layer, two outputs, two ways to the output; one class."""
    node = helper.make_node
    linear = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    for net, said in (
        (nn.Sequential(nn.ReLU()), "no layer of it has weights"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), r"is 0, Conv2d\(3, 4, 3\)"),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), "is 1, BatchNorm2d"),
        (nn.Linear(3, 4), "a layer itself"),
    ):
        with pytest.raises(UnsupportedError, match=said):
            ac.rewrite.new_head(net, 3)
    for classes, said in ((1, "at least 2"), (0, "classes is 0"), (2.5, "whole number")):
        with pytest.raises(ArgumentError, match=said):
            ac.rewrite.new_head(linear, classes)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="net is function"):
        ac.rewrite.new_head(ac.functional.relu, 3)
    arrays = {"w": x(4, 192), "v": x(4, 192), "k": x(4, 3, 3, 3), "one": x(4, 3, 1, 1)}
    flat, one = node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w"], ["y"], "one", transB=1)
    two = node("Gemm", ["f", "v"], ["z"], "two", transB=1)
    files = {
        r"2 heads, \['y', 'z'\]": ([flat, one, two], ("y", "z")),
        "several layers": ([flat, one, two, node("Add", ["y", "z"], ["s"])], ("s",)),
        r"nothing stands before 'c \(Conv\)'": ([node("Conv", ["x", "one"], ["y"], "c")], ("y",)),
        r"'c \(Conv\)'": ([node("Conv", ["x", "k"], ["y"], "c")], ("y",)),
        "no layer of it has weights": ([node("Relu", ["x"], ["y"])], ("y",)),
    }
    for said, (nodes, outputs) in files.items():
        used = {n: a for n, a in arrays.items() if any(n in each.input for each in nodes)}
        path = model(tmp_path / "bad.onnx", nodes, used, outputs)
        with pytest.raises(Error, match=said):
            ac.rewrite.new_head(ac.onnx.load(path), 3)


def test_a_file_of_one_image_takes_several(tmp_path: Path) -> None:
    """A constant shape (1, ...) follows the batch: exporters write it where the batch is fixed."""
    node, weight = helper.make_node, x(4, 192)
    nodes = [node("Reshape", ["x", "s"], ["f"]), node("Gemm", ["f", "w"], ["y"], transB=1)]
    for shape in ([1, -1], [1, 192]):
        path = model(tmp_path / "1.onnx", nodes, {"s": shape, "w": weight}, batch=1)
        net = ac.onnx.load(path).for_any_size()
        images = x(3, 3, 8, 8)
        np.testing.assert_allclose(
            net(images), images.reshape(3, -1) @ weight.T, rtol=1e-4, atol=1e-4
        )
