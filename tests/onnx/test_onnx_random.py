"""Networks drawn at random: written, checked, read back, and compared with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_random_graphs import CHANNELS, Graph
from onnx_runs import check, run_defined, run_onnxruntime

import onnx
from allconv import nn
from allconv.errors import Error
from allconv.nn.module import Module
from allconv.onnx import load, save

Draw = np.random.Generator

POINTWISE = (
    nn.ReLU, nn.ELU, nn.GELU, nn.Hardswish, nn.ReLU6, nn.LeakyReLU, nn.SiLU, nn.Softplus, nn.Tanh,
    nn.Sigmoid, nn.Softmax, nn.Hardtanh,
)  # fmt: skip


def draw_layer(draw: Draw, shape: tuple[int, ...]) -> Module:
    """A layer with settings that may or may not fit an input (N, C, H, W) of this shape."""
    channels, height, width = shape
    kernel, stride, dilation = (int(draw.integers(1, n)) for n in (4, 3, 3))
    out, kind, bias = 2 * int(draw.integers(1, 4)), draw.integers(8), bool(draw.integers(2))
    if kind < 3:
        ways: list[Any] = [0, 1, "same", "half", ((0, 1), (2, 0)), "same_lower", "full", -1]
        padding = ways[draw.integers(len(ways))]
        groups = (1, 2, channels)[draw.integers(3)]
        settings = (kernel, stride, padding, dilation, groups)
        return nn.Conv2d(channels, out * groups, *settings, bias=bias)
    if kind == 3:
        pads = (int(draw.integers(0, kernel)), int(draw.integers(0, stride)))
        return nn.ConvTranspose2d(channels, out, kernel, stride, *pads, bias=bias)
    if kind == 4:
        pad = int(draw.integers(0, 2))
        return nn.LocallyConnected2d(channels, out, kernel, (height, width), stride, pad)
    pad, ceil_mode = int(draw.integers(0, kernel // 2 + 1)), bool(draw.integers(2))
    if kind == 5:
        return nn.MaxPool2d(kernel, stride, pad, dilation, ceil_mode=ceil_mode)
    if kind == 6:
        return nn.AvgPool2d(kernel, stride, pad, ceil_mode=ceil_mode, count_include_pad=bias)
    return POINTWISE[draw.integers(len(POINTWISE))]() if bias else nn.BatchNorm2d(channels)


def draw_network(seed: int) -> tuple[Module, tuple[int, ...]]:
    """A few layers that fit one after the other, a linear one at the end, and the input's shape."""
    draw = np.random.default_rng(seed)
    first = (int(draw.integers(1, 4)), *(int(n) for n in draw.integers(4, 14, 2)))
    layers: list[Module] = []
    shape: tuple[int, ...] = first
    for _ in range(6):
        try:
            layer = draw_layer(draw, shape)
            _, *after = layer.summary((1, *shape)).rows[-1].output
        except Error:
            continue  # the settings do not fit the shape
        layers.append(layer)
        shape = tuple(after)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(int(np.prod(shape)), 3)), first


@pytest.mark.parametrize("seed", range(50))
def test_random_networks(seed: int, tmp_path: Path) -> None:
    """The bits come back, and ONNX Runtime agrees to 1e-5 of the largest output."""
    net, shape = draw_network(seed)
    path = tmp_path / "model.onnx"
    save(net, path, ((None, 2)[seed % 2], *shape))
    check(path)
    x = np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)
    (wanted,) = run_defined(net, x)
    (given,) = run_defined(load(path), x)
    assert given.tobytes() == wanted.tobytes()
    bound = 1e-5 * max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(run_onnxruntime(path, x)[0], wanted, rtol=0, atol=bound)
    assert is_stable(path, tmp_path / "again.onnx")


def is_stable(path: Path, again: Path) -> bool:
    """Whether a file that is loaded and written has the nodes, values and weights that it had."""
    save(load(path), again)
    one, other = onnx.load(path).graph, onnx.load(again).graph
    weights = [{each.name: each.raw_data for each in graph.initializer} for graph in (one, other)]
    return (
        list(one.node) == list(other.node)
        and list(one.input) == list(other.input)
        and list(one.output) == list(other.output)
        and weights[0] == weights[1]
    )


@pytest.mark.parametrize("seed", range(50))
def test_random_graphs(seed: int, tmp_path: Path) -> None:
    """Branches, shared layers, several arrays in and out: the bits come back, twice."""
    net, path = Graph(seed), tmp_path / "model.onnx"
    shapes = [((None, 2)[seed % 2], CHANNELS, *net.size)] * net.inputs
    save(net, path, shapes)
    check(path)
    draw = np.random.default_rng(seed)
    x = [draw.standard_normal((2, CHANNELS, *net.size)).astype(np.float32) for _ in shapes]
    back, expected = load(path), run_defined(net, *x)
    state = net.state_dict()
    assert {n: a.tobytes() for n, a in back.state_dict().items()} == {
        n: state[n].tobytes() for n in back.state_dict()
    }
    assert {"shared.weight", "head.weight"} & back.parameters().keys()
    for a, b, c in zip(run_defined(back, *x), run_onnxruntime(path, *x), expected, strict=True):
        assert a.tobytes() == c.tobytes()
        bound = 1e-5 * max(1.0, float(np.abs(c).max()))
        np.testing.assert_allclose(b, c, rtol=0, atol=bound)
    assert is_stable(path, tmp_path / "again.onnx")
