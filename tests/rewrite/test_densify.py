"""Classifiers as fully convolutional networks, beside what they say of every crop."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.nn import networks
from allconv.operators.base import Array
from tiers import slow

from .making import Drawn, draw, enlarged

BLOCKS = range(10)
EACH = 11
FIRST_PADDED = 1000


def by_crops(net: nn.Module, x: Array, crop: tuple[int, ...], step: tuple[int, ...]) -> Array:
    """(N, classes, *P): the classifier on each crop that fits, cut out by hand."""
    starts = [range(0, n - c + 1, s) for n, c, s in zip(x.shape[2:], crop, step, strict=True)]
    places = list(product(*starts))
    crops = [
        x[(slice(None), slice(None), *(slice(a, a + c) for a, c in zip(p, crop, strict=True)))]
        for p in places
    ]
    answers = np.asarray(net(np.concatenate(crops))).reshape(len(places), len(x), -1)
    return np.moveaxis(answers, 0, 2).reshape(len(x), -1, *map(len, starts))


def beside(drawn: Drawn, seed: int) -> tuple[Array, Array, Array, ac.rewrite.DenseNetwork]:
    """The dense map, the answers by crops, which may differ, and the network."""
    dense = ac.rewrite.densify(drawn.net, drawn.shape)
    shape = (2, drawn.shape[1], *enlarged(drawn, seed))
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    crops = by_crops(drawn.net, x, drawn.shape[2:], dense.step)
    return dense(x), crops, dense.differing(shape[2:]), dense


@pytest.mark.parametrize("block", BLOCKS)
def test_unpadded(block: int) -> None:
    """Without padding, every answer is that for its crop, bit by bit (110 networks)."""
    for seed in range(block * EACH, (block + 1) * EACH):
        y, crops, differing, dense = beside(draw(seed, padded=False), seed)
        assert y.shape == crops.shape
        assert dense.is_exact
        assert not differing.any()
        assert np.array_equal(y, crops), seed


@pytest.mark.parametrize("block", BLOCKS)
def test_padded(block: int) -> None:
    """With padding, answers differ only where the network says so (110 networks)."""
    told = found = 0
    for seed in range(FIRST_PADDED + block * EACH, FIRST_PADDED + (block + 1) * EACH):
        y, crops, differing, _ = beside(draw(seed, padded=True), seed)
        assert y.shape == crops.shape
        wrong = (y != crops).any((0, 1))
        assert not (wrong & ~differing).any(), seed
        told, found = told + int(differing.sum()), found + int(wrong.sum())
    assert found > 0.5 * told > 0  # what it says is no excuse for everything


@slow
def test_what_is_drawn() -> None:
    """The networks above hold every kind of layer, and padding is often seen."""
    count = len(BLOCKS) * EACH
    padded = [draw(seed + FIRST_PADDED, padded=True) for seed in range(count)]
    drawn = [draw(seed, padded=False) for seed in range(count)]
    assert len(drawn) + len(padded) >= 200
    kinds = Counter(kind for each in (*drawn, *padded) for kind in each.kinds)
    layers = {"pooled", "strided", "dilated", "padded"}
    wanted = {*layers, "linear", "global", "adaptive", "convolution"}
    assert all(kinds[kind] >= 20 for kind in wanted), kinds
    assert not any("padded" in each.kinds for each in drawn)


def images(*shape: int) -> Array:
    """Images that are not special."""
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_same_weights() -> None:
    """Parameters keep their names and numbers; a linear layer's are kernels."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 5))
    dense = ac.rewrite.densify(net, (1, 1, 8, 8))
    parameters = dense.parameters()
    assert list(parameters) == list(net.parameters())
    assert parameters["3.weight"].shape == (5, 2, 6, 6)
    for name, array in net.parameters().items():
        assert np.array_equal(parameters[name].ravel(), array.ravel())
    assert {"1.running_mean", "1.running_var"} == set(dense.buffers())
    assert dense(images(3, 1, 8, 8)).shape == (3, 5, 1, 1)
    assert repr(dense) == "DenseNetwork(crop=(8, 8), step=(1, 1), is_exact=True)"


@pytest.mark.parametrize("name", ["plain", "local", "convnet", "all-cnn", "base-a"])
def test_networks_by_name(name: str) -> None:
    """What `allconv train` trains can slide; on an image of its size the answer is its own."""
    net = networks.build(name, 1, 12, 4)
    dense = ac.rewrite.densify(net, (1, 1, 12, 12))
    x = images(2, 1, 12, 12)
    tolerance = 0.0 if dense.keeps_order else 1e-5
    np.testing.assert_allclose(dense(x)[..., 0, 0], net(x), rtol=0, atol=tolerance)
    assert dense.keeps_order == (name != "local")
    x = images(1, 1, 21, 16)
    crops = by_crops(net, x, (12, 12), dense.step)
    found = dense.compare(net, x)
    assert np.array_equal(found.crops, crops)
    assert found.difference[~found.differing].max(initial=0.0) <= tolerance


class Branches(nn.Module):
    """A network with a skip, two paths side by side, sums and a mean."""

    def __init__(self) -> None:
        self.a, self.b = nn.Conv2d(2, 3, 3, stride=2), nn.Conv2d(2, 3, 1, stride=2)
        self.c, self.last = nn.Conv2d(6, 4, 2), nn.Linear(4, 3)

    def forward(self, x: Array) -> Array:
        a, b = self.a(x), self.b(x)[:, :, :-1, :-1]
        y = F.relu(F.concatenate([a + b, a - 2.0 * b], 1))
        return self.last(F.softmax(self.c(y), 1).mean((2, 3)))


def test_branches() -> None:
    """Paths that meet grow together, on larger images of every size."""
    net = Branches()
    dense = ac.rewrite.densify(net, (1, 2, 9, 9))
    assert (dense.step, dense.is_exact, dense.keeps_order) == ((2, 2), False, False)
    for height in range(9, 14):
        x = images(1, 2, height, 22 - height)
        crops = by_crops(net, x, (9, 9), (2, 2))
        np.testing.assert_allclose(dense(x), crops, atol=1e-5)


def test_what_stands_before_linear() -> None:
    """Layers on the flattened values that treat each its own way still slide."""
    layers = [nn.Conv2d(1, 2, 3), nn.Flatten(), nn.BatchNorm1d(32), nn.Softmax(1), nn.Linear(32, 3)]
    net = nn.Sequential(*layers)
    state = net.state_dict()
    state["2.running_mean"] = np.arange(32.0)
    net.load_state_dict(state)
    dense = ac.rewrite.densify(net, (1, 1, 6, 6))
    x = images(2, 1, 9, 7)
    np.testing.assert_allclose(dense(x), by_crops(net, x, (6, 6), (1, 1)), atol=1e-6)


class Place(nn.Module):
    """Adds a number of its own to every cell."""

    def __init__(self, *shape: int) -> None:
        self.numbers = nn.Parameter(images(1, *shape))

    def forward(self, x: Array) -> Array:
        return x + self.numbers


@pytest.mark.parametrize("layer", [nn.AdaptiveAvgPool2d(4), nn.GELU(), Place(2, 7, 7)])
def test_what_is_each_cells_own(layer: nn.Module) -> None:
    """Windows of unequal size, and what stands after flattening, slide up to rounding."""
    size = 4 if isinstance(layer, nn.AdaptiveAvgPool2d) else 7
    flat = nn.GELU() if isinstance(layer, nn.GELU) else nn.Identity()
    conv = nn.Conv2d(1, 2, 3)
    net = nn.Sequential(conv, layer, nn.Flatten(), flat, nn.Linear(2 * size * size, 3))
    dense = ac.rewrite.densify(net, (1, 1, 9, 9))
    assert not dense.keeps_order
    x = images(2, 1, 12, 10)
    np.testing.assert_allclose(dense(x), by_crops(net, x, (9, 9), (1, 1)), atol=1e-5)


def test_compiled_and_in_float64() -> None:
    """A dense network is compiled, copied and converted as any network."""
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    dense = ac.rewrite.densify(net, (1, 1, 6, 6))
    x = images(1, 1, 10, 9)
    compiled = ac.compile(dense, x.shape, exact=True)
    assert np.array_equal(compiled(x), dense(x))
    y = dense.astype(np.float64)(x.astype(np.float64))
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, dense(x), atol=1e-5)


@slow
def test_onnx_round_trip(tmp_path: Path) -> None:
    """A dense network saved for a canvas gives the same bits when it is loaded."""
    for seed in (3, 4, 1003, 1005, 1008):
        drawn = draw(seed, padded=seed >= FIRST_PADDED)
        dense = ac.rewrite.densify(drawn.net, drawn.shape)
        x = images(2, drawn.shape[1], *enlarged(drawn, seed))
        ac.onnx.save(dense, tmp_path / "dense.onnx", (None, *x.shape[1:]))
        assert np.array_equal(ac.onnx.load(tmp_path / "dense.onnx")(x), dense(x)), seed


def test_comparison_tells() -> None:
    """The comparison says how many answers see neighbours, and how large the differences are."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(32, 2))
    dense = ac.rewrite.densify(net, (1, 1, 4, 4))
    assert dense.sees_padding == ((True, True), (True, True))
    assert not dense.is_exact
    found = dense.compare(net, images(1, 1, 4, 6))
    assert found.differing.tolist() == [[True, True, True]]
    assert found.largest > 0
    assert "3 answers, 3 see neighbours where a crop has padding" in str(found)
    causal = nn.Sequential(nn.Conv1d(1, 2, 3, padding="causal"), nn.Flatten(), nn.Linear(8, 2))
    assert ac.rewrite.densify(causal, (1, 1, 4)).differing((6,)).tolist() == [False, True, True]


def refused(net: nn.Module, *shape: int) -> str:
    with pytest.raises(UnsupportedError) as error:
        ac.rewrite.densify(net, shape)
    return str(error.value)


def test_refusals() -> None:
    """What cannot slide is named, with its layer."""
    conv = nn.Conv2d(1, 2, 3)
    assert "gives (1, 2, 6, 6) for one image; a classifier" in refused(conv, 1, 1, 8, 8)
    larger = nn.Sequential(nn.ConvTranspose2d(1, 2, 2, 2), nn.Flatten(), nn.Linear(32, 2))
    assert refused(larger, 1, 1, 2, 2).startswith("0 (ConvTranspose2d): a transposed convolution")
    local = nn.LocallyConnected2d(1, 2, 3, 6)
    after = nn.Sequential(local, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    assert refused(after, 1, 1, 6, 6).startswith("1 (MaxPool2d): MaxPool follows a layer that")
    with pytest.raises(ShapeError, match=r"the input is \(1, 8\)"):
        ac.rewrite.densify(nn.Linear(8, 2), (1, 8))
    with pytest.raises(ArgumentError, match="input_shape is None"):
        ac.rewrite.densify(conv)
    dense = ac.rewrite.densify(nn.Sequential(conv, nn.Flatten(), nn.Linear(8, 2)), (1, 1, 4, 4))
    with pytest.raises(ShapeError, match=r"images of at least \(4, 4\) are expected"):
        dense(images(1, 1, 8, 3))
    with pytest.raises(ShapeError, match=r"x is \(1, 2, 8, 8\); \(N, 1, 4, 4\) is expected"):
        dense(images(1, 2, 8, 8))
