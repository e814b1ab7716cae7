"""Networks written and read back: the same graph, the same bits, and ONNX Runtime's numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_runs import check, run_onnxruntime

import onnx
from allconv import functional as F
from allconv import nn
from allconv.data.preprocess import Preprocess
from allconv.nn.module import Module
from allconv.nn.parameter import Parameter
from allconv.nn.tracing import trace_module
from allconv.onnx import load, save
from allconv.onnx.write.file import to_proto
from allconv.operators.base import Spec
from tiers import slowed


def array(*shape: int, dtype: str = "float32", seed: int = 0) -> Any:
    """Normal draws."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


class Residual(Module):
    """Two branches added, one of them with another number of channels."""

    def __init__(self) -> None:
        self.a, self.b = nn.Conv2d(3, 6, 3, 2, padding=1), nn.Conv2d(3, 6, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(6)

    def forward(self, x: Any) -> Any:
        return F.relu(self.norm(self.a(x)) + self.b(x))


class Branches(Module):
    """Convolutions of several sizes, joined along the channels; two outputs, one of them twice."""

    def __init__(self) -> None:
        self.a, self.b = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 4, 5, padding="same")

    def forward(self, x: Any) -> Any:
        joined = F.concatenate([self.a(x), self.b(x), F.max_pool2d(x, 3, 1, 1)], 1)
        return joined, F.log_softmax(joined, 1), joined


class Arithmetic(Module):
    """What values themselves can do: arithmetic, indexing, sums, other shapes."""

    def __init__(self) -> None:
        self.scale = Parameter(array(4, 1, 1, seed=1))

    def forward(self, x: Any) -> Any:
        y = np.exp(-x * self.scale) / 3.0 - np.tanh(x) ** 2 + np.sqrt(abs(x))
        y = F.pad(y, (1, 2, 0, 1), value=0.5)[:, ::-1, 1:, ::2]
        y = np.maximum(y, 0.25) - np.log(y * y + 1.0)
        y = y.transpose(0, 2, 3, 1).reshape((x.shape[0], -1, 2))
        return y.mean(1, keepdims=True) + y.sum(2)[:, :1].reshape((-1, 1, 1))


class Activations(Module):
    """Every activation, one after the other."""

    def forward(self, x: Any) -> Any:
        ways: list[Callable[[Any], Any]] = [
            F.relu, F.relu6, F.sigmoid, F.tanh, F.silu, F.softplus, F.hardswish, F.gelu,
            lambda y: F.gelu(y, "tanh"), lambda y: F.leaky_relu(y, 0.2), lambda y: F.elu(y, 0.7),
            F.elu, F.leaky_relu, lambda y: F.hardtanh(y, -0.5, 0.25), F.hardtanh,
            lambda y: F.hardtanh(y * 0.2 + 0.5, 0.0, 1.0), lambda y: F.hardtanh(y * 0.2 + 0.5),
        ]  # fmt: skip
        return F.concatenate([way(x) for way in ways], 1)


NETS: dict[str, tuple[Callable[[], Module], tuple[int, ...]]] = {
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, (3, 2), (2, 1), ((1, 2), (0, 1)), groups=2),
            nn.Conv2d(8, 8, 3, dilation=2, padding="same", groups=8),
            nn.Conv2d(8, 4, 3, 2, padding=((-1, 0), (1, -2))),
        ),
        (4, 15, 14),
    ),
    "one axis": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 4, 4, padding="causal"), nn.AvgPool1d(3, 2, 1), nn.BatchNorm1d(4)
        ),
        (2, 19),
    ),
    "three axes": (
        lambda: nn.Sequential(
            nn.Conv3d(1, 3, 3, padding=1), nn.MaxPool3d(2), nn.ConvTranspose3d(3, 2, 2, 2)
        ),
        (1, 6, 7, 8),
    ),
    "transposed": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2),
            nn.ConvTranspose2d(6, 3, (2, 3), (3, 1), (0, 1), dilation=2, bias=False),
        ),
        (4, 5, 6),
    ),
    "local": (
        lambda: nn.Sequential(
            nn.LocallyConnected2d(4, 6, 3, (8, 7), stride=2, padding=1, groups=2),
            nn.ReLU(),
            nn.LocallyConnected2d(6, 2, 2, (4, 4), dilation=2, bias=False),
        ),
        (4, 8, 7),
    ),
    "local, one axis": (lambda: nn.LocallyConnected1d(3, 2, 3, 10, padding="same"), (3, 10)),
    "local, three axes": (lambda: nn.LocallyConnected3d(1, 2, 2, (3, 4, 3)), (1, 3, 4, 3)),
    "pooling": (
        lambda: nn.Sequential(
            nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            nn.AvgPool2d(3, 2, 1, ceil_mode=True),
            nn.AvgPool2d(2, 1, 1, count_include_pad=False),
            nn.MaxPool2d(2, 1, dilation=2),
            nn.AdaptiveAvgPool2d((1, 2)),
            nn.Softmax(1),
        ),
        (3, 30, 31),
    ),
    "residual": (Residual, (3, 9, 8)),
    "branches": (Branches, (2, 7, 6)),
    "arithmetic": (Arithmetic, (4, 5, 6)),
    "activations": (Activations, (3, 4, 5)),
    "rows": (lambda: nn.Linear(5, 3), (4, 5)),
}


@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("name", NETS)
def test_networks(name: str, batch: int | None, tmp_path: Path) -> None:
    """A network comes back with its names, shapes and bits; ONNX Runtime agrees to 1e-5."""
    make, shape = NETS[name]
    net, path = make(), tmp_path / "model.onnx"
    save(net, path, (batch, *shape))
    check(path)
    back = load(path)
    assert {n: a.tobytes() for n, a in back.parameters().items()} == {
        n: a.tobytes() for n, a in net.parameters().items()
    }
    x = array(2, *shape)
    wanted, given = net(x), back(x)
    several = wanted if isinstance(wanted, tuple) else (wanted,)
    again = given if isinstance(given, tuple) else (given,)
    for a, b, c in zip(several, again, run_onnxruntime(path, x), strict=True):
        assert a.tobytes() == b.tobytes()
        np.testing.assert_allclose(c, a, rtol=1e-5, atol=1e-5)


def test_activations_are_one_node_each() -> None:
    """Where the format has them; a hard sigmoid only where it is cut off at 0 and 1."""
    written = [node.op_type for node in to_proto(Activations(), (1, 3, 4, 5)).graph.node]
    assert [written.count(op) for op in ("HardSwish", "Gelu", "HardSigmoid")] == [1, 2, 1]
    assert written.count("Clip") == 4  # relu6, hardtanh twice, and of a line


@pytest.mark.parametrize("name", slowed(nn.networks.names(), "all-cnn"))
def test_networks_by_name(name: str, tmp_path: Path) -> None:
    """Each is read back as the very same graph; batches are free."""
    large = name in {*nn.networks.MOBILE, *nn.networks.RESIDUAL}
    size, path = (32, 35) if large else (12, 9), tmp_path / "model.onnx"
    net = nn.networks.build(name, 3, size, 7)
    save(net, path, (None, 3, *size))
    check(path)
    back = load(path)
    specs = Spec((4, 3, *size))
    assert trace_module(back, specs).graph.key() == trace_module(net, specs).graph.key()
    for batch in (1, 5):
        x = array(batch, 3, *size)
        y = net(x)
        assert back(x).tobytes() == y.tobytes()
        atol = 1e-5 * max(1.0, np.abs(y).max())
        np.testing.assert_allclose(run_onnxruntime(path, x)[0], y, rtol=1e-5, atol=atol)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_go_in(channels: int, tmp_path: Path) -> None:
    """With preprocessing the file takes uint8 (N, H, W, C) and gives the network's own bits."""
    net, path = nn.networks.build("convnet", channels, 8, 4), tmp_path / "model.onnx"
    preprocess = Preprocess(8, 8, channels, (0.3,) * channels, (0.2,) * channels)
    classes = ["cat", "dog", "Überfisch", "<b>"]
    save(net, path, (None, channels, 8, 8), classes=classes, preprocess=preprocess)
    check(path)
    back = load(path)
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, channels), np.uint8)
    y = net(preprocess.apply(images))
    assert back(images).tobytes() == y.tobytes()
    assert back(images.astype(np.float32)).tobytes() == y.tobytes()
    np.testing.assert_allclose(run_onnxruntime(path, images)[0], y, rtol=1e-5, atol=1e-5)
    assert back.classes == tuple(classes)
    assert Preprocess.from_json(back.preprocess or "") == preprocess


def test_written_again(tmp_path: Path) -> None:
    """What was read is written as it was, and its copy as float64 computes in float64."""
    net = nn.networks.build("convnet", 1, 8, 3)
    one, two, three = (tmp_path / f"{name}.onnx" for name in ("one", "two", "three"))
    save(net, one, (None, 1, 8, 8))
    back = load(one)
    save(back, two, (None, 1, 8, 8))
    save(load(two), three)
    first, second = onnx.load(one), onnx.load(two)
    for part in ("node", "input", "output"):
        assert list(getattr(first.graph, part)) == list(getattr(second.graph, part))
    tensors = [{t.name: t for t in each.graph.initializer} for each in (first, second)]
    assert tensors[0] == tensors[1]
    assert two.read_bytes() == three.read_bytes()
    assert back.astype(np.float64)(array(1, 1, 8, 8, dtype="float64")).dtype == np.float64


def test_float64(tmp_path: Path) -> None:
    """A float64 network is written and read in float64."""
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).astype(np.float64)
    save(net, tmp_path / "model.onnx", (None, 4))
    x = array(2, 4, dtype="float64")
    assert load(tmp_path / "model.onnx")(x).tobytes() == net(x).tobytes()


def test_functions_and_graphs(tmp_path: Path) -> None:
    """A function and a graph are written too."""
    weight = array(2, 3)
    save(lambda x: F.linear(x, weight), tmp_path / "function.onnx", (None, 3))
    net = nn.Linear(3, 2)
    graph = trace_module(net, Spec((1, 3))).graph
    save(graph, tmp_path / "graph.onnx")
    x = array(1, 3)
    np.testing.assert_array_equal(load(tmp_path / "function.onnx")(x), F.linear(x, weight))
    state = (net.parameters()["weight"], net.parameters()["bias"])
    np.testing.assert_array_equal(load(tmp_path / "graph.onnx")(x, *state), net(x))


def test_training_a_network_that_was_read(tmp_path: Path) -> None:
    """Its gradients are those of the network that was written."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    save(net, tmp_path / "model.onnx", (None, 1, 4, 4))
    x, gy = array(2, 1, 4, 4), array(2, 2)
    gx, grads = net.backward(x, gy)
    hx, hrads = load(tmp_path / "model.onnx").backward(x, gy)
    assert gx.tobytes() == hx.tobytes()
    assert {n: g.tobytes() for n, g in grads.items()} == {n: g.tobytes() for n, g in hrads.items()}
