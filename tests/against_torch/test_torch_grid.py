"""Images read at places between cells, beside PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from torch_calls import torch

import allconv as ac
from allconv import functional as F

T = torch.nn.functional
SHAPES = {2: ((2, 3, 5, 4), (2, 3, 6, 2)), 3: ((2, 2, 3, 4, 5), (2, 2, 3, 2, 3))}


MODES = [(2, "bilinear"), (2, "nearest"), (2, "bicubic"), (3, "bilinear"), (3, "nearest")]


@pytest.mark.parametrize(("axes", "mode"), MODES)
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_grid_sample(axes: int, mode: str, padding_mode: str, align_corners: bool) -> None:
    """The result, and the gradients of image and places; those of second order, too."""
    random = np.random.default_rng(0)
    x, grid = (random.normal(size=shape) for shape in SHAPES[axes])
    settings = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}

    def ours(x, grid):
        return F.grid_sample(x, grid, **settings)

    a, b = (torch.tensor(each, requires_grad=True) for each in (x, grid))
    y = T.grid_sample(a, b, **settings)
    np.testing.assert_allclose(ours(x, grid), y.detach(), rtol=1e-9, atol=1e-12)
    weight = random.normal(size=y.shape)
    (y * torch.tensor(weight)).sum().backward()
    gx, ggrid = ac.grad(lambda x, grid: (ours(x, grid) * weight).sum(), argnums=(0, 1))(x, grid)
    np.testing.assert_allclose(gx, a.grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ggrid, b.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Since version 1.3.0")  # of axes of one cell
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 3, 1, 4), (2, 1, 2, 3, 4)])
@pytest.mark.parametrize("align_corners", [False, True])
def test_affine_grid(size: tuple[int, ...], align_corners: bool) -> None:
    """Every place, in both dtypes."""
    axes = len(size) - 2
    theta = np.random.default_rng(1).normal(size=(size[0], axes, axes + 1))
    for dtype, rtol in ((np.float64, 1e-12), (np.float32, 1e-5)):
        given = theta.astype(dtype)
        wanted = T.affine_grid(torch.tensor(given), size, align_corners)
        found = F.affine_grid(given, size, align_corners)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-6)
