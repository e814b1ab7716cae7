"""Batch normalisation folded into convolutions."""

from __future__ import annotations

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.errors import ShapeError
from allconv.operators.base import Array

from .making import begin


def images(*shape: int) -> Array:
    """Images that are not special."""
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_equal_up_to_rounding(groups: int, bias: bool) -> None:
    """The network says the same without a buffer left, for any batch."""
    layers = [nn.Conv2d(2, 4, 3, groups=groups, bias=bias), nn.BatchNorm2d(4), nn.ReLU()]
    head = [nn.Flatten(), nn.Linear(4 * 16, 5, bias=bias), nn.BatchNorm1d(5)]
    net = begin(nn.Sequential(*layers, *head), 1)
    found = ac.rewrite.fold_batchnorm(net, (1, 2, 6, 6))
    assert not found.buffers()
    assert len(found.parameters()) == 4
    x = images(3, 2, 6, 6)
    np.testing.assert_allclose(found(x), net(x), rtol=1e-5, atol=1e-5)


def test_what_stays() -> None:
    """A normalisation of the image, or of what is used twice, stays and is right."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            self.first, self.conv = nn.BatchNorm2d(2), nn.Conv2d(2, 3, 3)
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x: Array) -> Array:
            y = self.conv(self.first(x))
            return self.norm(y) + y

    net = Twice()
    state = {k: v + 0.5 for k, v in net.state_dict().items() if v.dtype.kind == "f"}
    net.load_state_dict(state, strict=False)
    found = ac.rewrite.fold_batchnorm(net, (1, 2, 6, 6))
    assert set(found.buffers()) == {n for n in net.buffers() if n.startswith(("first.r", "norm.r"))}
    x = images(2, 2, 6, 6)
    assert np.array_equal(found(x), net(x))


BEHIND = {
    "pooling to a size": [nn.AdaptiveAvgPool2d(2)],
    "a head": [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)],
    "twice the size": [nn.Upsample(scale_factor=2)],
    "reflected borders": [nn.Conv2d(4, 2, 3, padding=1, padding_mode="reflect")],
    "pixels from channels": [nn.PixelShuffle(2)],
    "transposed": [nn.ConvTranspose2d(4, 2, 3, stride=2)],
}


@pytest.mark.parametrize("kind", BEHIND)
def test_another_size_is_the_network_at_that_size(kind: str) -> None:
    """Images of any size that the network takes give what it gives, after training, too."""
    net = begin(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), *BEHIND[kind]), 1)
    found = ac.rewrite.fold_batchnorm(net, (1, 2, 8, 8))
    x = images(2, 2, 13, 10)
    expected = net(x)
    net.load_state_dict({name: array * 0 for name, array in net.state_dict().items()})
    setattr(net, "0", nn.ReLU())  # the network that was given may change meanwhile
    for each in (found, deepcopy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301 (our own bytes)
        np.testing.assert_allclose(each(x), expected, rtol=1e-5, atol=1e-5)
    state = {name: array * 2 for name, array in found.state_dict().items()}
    found.load_state_dict(state)
    assert not np.allclose(found(x), expected)


def test_what_the_network_refuses() -> None:
    """Another size is refused where the network refuses it, with the layer's own words."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    found = ac.rewrite.fold_batchnorm(net, (1, 1, 4, 4))
    with pytest.raises(ShapeError, match=r"3 \(Linear\): in_features is 8"):
        found(images(1, 1, 5, 4))
    for shape in ((1, 1, 4), (1, 2, 4, 4)):
        with pytest.raises(ShapeError):
            found(images(*shape))


def test_files_at_another_size(tmp_path: Path) -> None:
    """A file whose nodes compute shapes is read again for another size."""
    net = begin(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1)), 2)
    ac.onnx.save(net, tmp_path / "model.onnx", (None, 1, 8, 8))
    loaded = ac.onnx.load(tmp_path / "model.onnx").for_any_size()
    found = ac.rewrite.fold_batchnorm(loaded, (1, 1, 8, 8))
    x = images(2, 1, 11, 9)
    np.testing.assert_allclose(found(x), loaded(x), rtol=1e-5, atol=1e-5)


class Ordered(nn.Module):
    """A network whose size decides which of two weights comes first."""

    def __init__(self) -> None:
        self.c = nn.Conv2d(3, 3, 1)

    def forward(self, x: Any) -> Any:
        w = self.c.weight
        if x.shape[2] > 8:
            a, b = F.conv2d(x, w * 2.0), F.conv2d(x, w * -3.0)
        else:
            b, a = F.conv2d(x, w * -3.0), F.conv2d(x, w * 2.0)
        return F.relu(a) + b


class Scaled(Ordered):
    """A network whose weights depend on the size."""

    def forward(self, x: Any) -> Any:
        return F.conv2d(x, self.c.weight * (1.0 / x.shape[-1]))


class Reading(Ordered):
    """A network that reads its own numbers while it is recorded."""

    def forward(self, x: Any) -> Any:
        return self.c(x) * float(self.state_dict()["c.weight"].sum())


def test_weights_are_told_apart_by_how_they_are_made() -> None:
    """Their names follow the order of use."""
    net = Ordered()
    folded = deepcopy(ac.rewrite.fold_batchnorm(net, (1, 3, 16, 16)))
    for size in (16, 8, 9):
        np.testing.assert_allclose(
            folded(images(1, 3, size, size)), net(images(1, 3, size, size)), 1e-5, 1e-6
        )


@pytest.mark.parametrize("net", [Scaled(), Reading()])
def test_weights_of_one_size_are_refused_at_another(net: nn.Module) -> None:
    """Numbers that are not those of the network there are never used."""
    folded = ac.rewrite.fold_batchnorm(net, (1, 3, 16, 16))
    np.testing.assert_allclose(folded(images(1, 3, 16, 16)), net(images(1, 3, 16, 16)), 1e-5, 1e-6)
    with pytest.raises(ShapeError, match="rewrite the network for"):
        folded(images(1, 3, 8, 8))
