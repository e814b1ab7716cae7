"""Classifiers from elsewhere over larger images: fixed batches, channels last, several heads,
squeeze-and-excitation. Files are made of nodes, and crops are run by ONNX Runtime, too."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import allconv as ac
import onnx
from allconv import nn
from allconv.errors import ArgumentError, LimitError, UnsupportedError
from allconv.onnx.write.open_sizes import save_open
from allconv.operators.base import Array
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(5)
CROP = (12, 10)
SHAPES = {
    "conv": (4, 3, 3, 3), "conv_bias": (4,), "down": (2, 4, 1, 1), "up": (4, 2, 1, 1),
    "second": (5, 4, 2, 2), "deep": (60, 6), "linear0": (6, 3), "linear1": (6, 2), "bias0": (3,),
    "bias1": (2,), "late0": (4, 3), "late1": (4, 2),
}  # fmt: skip
W = {n: RANDOM.standard_normal(s).astype(np.float32) for n, s in SHAPES.items()}


class File:
    """Nodes one after the other."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []

    def node(self, op: str, *inputs: str, **settings: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **settings))
        return name


def model(
    batch: int | str, *, last: bool = False, heads: int = 1, squeezed: bool = False
) -> onnx.ModelProto:
    """A classifier of images 12 x 10 without padding."""
    file, shapes = File(), {"flat": np.array([batch if isinstance(batch, int) else 0, -1])}
    x = file.node("Transpose", "x", perm=[0, 3, 1, 2]) if last else "x"
    x = file.node("Relu", file.node("Conv", x, "conv", "conv_bias"))
    if squeezed:
        gate = file.node("Conv", file.node("GlobalAveragePool", x), "down")
        gate = file.node("Sigmoid", file.node("Conv", file.node("Relu", gate), "up"))
        x = file.node("Mul", x, gate)
    x = file.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    if last:
        x = file.node(
            "ReduceMean", file.node("Transpose", x, perm=[0, 2, 3, 1]), "axes", keepdims=0
        )
        shapes["axes"] = np.array([1, 2])
    else:
        x = file.node("Reshape", file.node("Conv", x, "second"), "flat")
        x = file.node("Tanh", file.node("MatMul", x, "deep"))
    weights = "late" if last else "linear"
    outputs = []
    for head in range(heads):
        y = file.node("MatMul", x, f"{weights}{head}")
        outputs.append(file.node("Add", y, f"bias{head}"))
    arrays = {**W, **shapes}
    sizes = [batch, *CROP, 3] if last else [batch, 3, *CROP]
    graph = helper.make_graph(
        file.nodes,
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, [batch, None]) for y in outputs],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def shape_of(batch: int | str, *, last: bool) -> tuple[int | None, ...]:
    first = batch if isinstance(batch, int) else None
    return (first, *CROP, 3) if last else (first, 3, *CROP)


def image(*sizes: int) -> Array:
    return np.random.default_rng(7).standard_normal((2, 3, *sizes)).astype(np.float32)


def by_crops(proto: onnx.ModelProto, x: Array, *, last: bool, batch: int | str) -> list[Array]:
    """ONNX Runtime on every crop, two cells apart: (N, classes, *P) of each head."""
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    rows, columns = (range(0, n - c + 1, 2) for n, c in zip(x.shape[2:], CROP, strict=True))
    answers: list[list[Array]] = []
    for each, a, b in itertools.product(x, rows, columns):
        crop = each[None, :, a : a + CROP[0], b : b + CROP[1]]
        crop = np.repeat(crop, batch, 0) if isinstance(batch, int) else crop
        found = session.run(None, {"x": np.moveaxis(crop, 1, -1) if last else crop})
        answers.append([head[0] for head in found])
    heads = [np.array(head) for head in zip(*answers, strict=True)]
    places = (len(x), len(rows), len(columns))
    return [np.moveaxis(head.reshape(*places, -1), -1, 1) for head in heads]


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("batch", [1, 4, "n"])
def test_what_crops_give(batch: int | str, last: bool, heads: int) -> None:
    """Whatever batch the file fixes, wherever its channels lie, each head is a map of answers."""
    proto = model(batch, last=last, heads=heads)
    net = ac.onnx.load(proto)
    dense = ac.rewrite.densify(net, shape_of(batch, last=last))
    assert (dense.crop, dense.step, dense.channels_last) == (CROP, (2, 2), last)
    assert dense.means is None
    x = image(17, 15)
    results = dense(x)
    results = results if heads > 1 else (results,)
    expected = by_crops(proto, x, last=last, batch=batch)
    for got, crops in zip(results, expected, strict=True):
        assert got.shape == crops.shape
        np.testing.assert_allclose(got, crops, rtol=0, atol=1e-4)
    found = dense.compare(net, x)
    for each in found if heads > 1 else (found,):
        assert each.largest < 1e-4
        assert not each.differing.any()


def slid(x: Array, w: Array) -> Array:
    """A correlation as it is defined: x (N, C, H, W), w (O, C, h, w)."""
    return np.einsum("nchwij,ocij->nohw", sliding_window_view(x, w.shape[2:], (2, 3)), w)


def with_means_of_windows(x: Array) -> Array:
    """The network with squeeze-and-excitation, a cell's means over the 10 x 8 around it."""
    w = {name: array.astype(np.float64) for name, array in W.items()}
    y = np.maximum(slid(x.astype(np.float64), w["conv"]) + w["conv_bias"][:, None, None], 0)
    gates = np.empty_like(y)
    for i, j in np.ndindex(*y.shape[2:]):
        a, b = (
            min(max(cell - n // 2, 0), whole - n)
            for cell, n, whole in zip((i, j), (10, 8), y.shape[2:], strict=True)
        )
        mean = y[:, :, a : a + 10, b : b + 8].mean((2, 3))
        inside = np.maximum(mean @ w["down"][..., 0, 0].T, 0)
        gates[:, :, i, j] = 1 / (1 + np.exp(-inside @ w["up"][..., 0, 0].T))
    y = sliding_window_view(y * gates, (2, 2), (2, 3))[:, :, ::2, ::2].max((4, 5))
    deep = w["deep"].T.reshape(6, 5, 4, 3)
    y = np.tanh(slid(slid(y, w["second"]), deep))
    return slid(y, w["linear0"].T[..., None, None]) + w["bias0"][:, None, None]


@pytest.mark.parametrize("batch", [1, 4, "n"])
def test_means_over_windows(batch: int | str) -> None:
    """Means of squeeze-and-excitation are those of the training extent around each cell."""
    net = ac.onnx.load(model(batch, squeezed=True))
    with pytest.raises(
        UnsupportedError, match=r'with its cells, which cannot slide; means="window"'
    ):
        ac.rewrite.densify(net, shape_of(batch, last=False))
    dense = ac.rewrite.densify(net, shape_of(batch, last=False), means="window")
    assert (dense.means, dense.is_exact) == ("window", False)
    assert repr(dense).endswith("means='window')")
    for size in (CROP, (13, 10), (20, 23), (34, 12)):
        x = image(*size)
        got, expected = dense(x), with_means_of_windows(x)
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)
        assert dense.differing(size).all() == (size != CROP)
    assert dense.compare(net, image(*CROP)).largest < 1e-5
    assert dense.compare(net, image(20, 23)).largest > 1e-3


def test_channels_last_and_squeezed() -> None:
    """All at once: at the training size it is the network."""
    net = ac.onnx.load(model(4, last=True, heads=2, squeezed=True))
    dense = ac.rewrite.densify(net, (4, *CROP, 3), means="window")
    assert all(each.largest < 1e-5 for each in dense.compare(net, image(*CROP)))
    assert [each.shape for each in dense(image(20, 16))] == [(2, 3, 5, 4), (2, 2, 5, 4)]


def test_written_and_read(tmp_path: Any) -> None:
    """The map of a squeezed network as a file of open sizes says the same elsewhere."""
    net = ac.onnx.load(model("n", heads=2, squeezed=True))
    dense = ac.rewrite.densify(net, (1, 3, *CROP), means="window")
    path = tmp_path / "dense.onnx"
    save_open(dense, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    again = ac.onnx.load(path)
    for size in (CROP, (15, 11), (31, 28)):
        x = image(*size)
        for got, theirs, ours in zip(
            dense(x), session.run(None, {"input": x}), again(x), strict=True
        ):
            np.testing.assert_allclose(theirs, got, rtol=0, atol=1e-4)
            np.testing.assert_allclose(ours, got, rtol=0, atol=1e-4)


def test_shuffled_channels() -> None:
    """Channels in another order slide as they are, bit by bit."""
    layers = [nn.Conv2d(2, 12, 3), nn.ChannelShuffle(3), nn.ReLU(), nn.MaxPool2d(2)]
    net = nn.Sequential(*layers, nn.ChannelShuffle(4), nn.Flatten(), nn.Linear(12 * 9, 3))
    dense = ac.rewrite.densify(net, (1, 2, 8, 8))
    x = np.random.default_rng(0).standard_normal((1, 2, 13, 16)).astype(np.float32)
    found = dense.compare(net, x)
    assert dense.is_exact
    assert found.largest == 0


class Extremes(nn.Module):
    """Attention by the largest and smallest cells, and by those of the channels, as in CBAM."""

    def __init__(self) -> None:
        self.conv, self.gate, self.last = nn.Conv2d(2, 4, 3), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        y = y * self.gate(y.max((2, 3)) - y.min((2, 3))).reshape((1, 4, 1, 1))
        return self.last((y * (y.max(1, keepdims=True) + y.mean(1, keepdims=True))).mean((2, 3)))


def test_extremes_of_windows() -> None:
    """At the training size it is the network, and larger images have answers."""
    net = Extremes()
    dense = ac.rewrite.densify(net, (1, 2, 8, 9), means="window")
    x = np.random.default_rng(0).standard_normal((1, 2, 8, 9)).astype(np.float32)
    np.testing.assert_allclose(dense(x)[..., 0, 0], net(x), rtol=0, atol=1e-5)
    assert dense(np.zeros((1, 2, 12, 20), np.float32)).shape == (1, 3, 5, 12)


def test_a_batch_beyond_all_measure() -> None:
    """The map of a file for so many images is made; they are not computed to compare with it."""
    net = ac.onnx.load(model(5000))
    dense = ac.rewrite.densify(net, (5000, 3, *CROP))
    assert dense(image(*CROP)).shape == (2, 3, 1, 1)
    with pytest.raises(LimitError, match="takes 5,000 images at once; at most 1,024 are supported"):
        dense.compare(net, image(*CROP))


class Steps(nn.Module):
    """Two heads, the second behind a further pooling."""

    def __init__(self) -> None:
        self.conv, self.a, self.b = nn.Conv2d(1, 4, 3), nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        y = ac.functional.max_pool2d(self.conv(x), 2)
        late = ac.functional.max_pool2d(y, 2)
        return self.a(y.mean((2, 3))), self.b(late.mean((2, 3)))


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda: ac.rewrite.densify(Steps(), (1, 1, 10, 10)), UnsupportedError,
         r"heads move over the image at different steps: \(2, 2\) and \(4, 4\)"),
        (lambda: ac.rewrite.densify(Steps(), (1, 1, 10, 10), means="image"), ArgumentError,
         'means is \'image\'; None or "window" is expected'),
        (lambda: ac.rewrite.densify(
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(2)), (1, 1, 8, 8),
            means="window"), UnsupportedError, "a classifier gives"),
    ],
)  # fmt: skip
def test_refusals(function: Any, error: type[Exception], message: str) -> None:
    """Heads that do not fit each other, a word that means nothing, a map."""
    with pytest.raises(error, match=message):
        function()
