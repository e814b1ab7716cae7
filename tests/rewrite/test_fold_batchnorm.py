"""Batch normalisation folded into convolutions."""

from __future__ import annotations

import numpy as np
import pytest

import allconv as ac
from allconv import nn
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
