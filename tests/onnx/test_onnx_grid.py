"""GridSample and AffineGrid in files: beside ONNX Runtime, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import one_node
from onnx_runs import run_onnxruntime

import onnx
from allconv.errors import FileError, UnsupportedError
from allconv.onnx import load
from allconv.onnx.write.file import to_proto


def maps(*size: int, dtype: str = "float32") -> Any:
    """Linear maps for images of a size."""
    axes = len(size) - 2
    return np.random.default_rng(0).normal(size=(size[0], axes, axes + 1)).astype(dtype)


@pytest.mark.parametrize("size", [(1, 1, 4, 5), (2, 3, 4, 2), (1, 2, 3, 4, 5), (2, 1, 2, 3, 2)])
@pytest.mark.parametrize("align_corners", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_affine_grid(size: tuple[int, ...], align_corners: int, dtype: str) -> None:
    """Every place as in ONNX Runtime, a batch of one included; the node keeps its name."""
    theta = maps(*size, dtype=dtype)
    made = one_node("AffineGrid", 20, theta, np.array(size), align_corners=align_corners)
    net = load(made)
    (wanted,) = run_onnxruntime(made, theta)
    found = net(theta)
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    again = to_proto(net)
    assert [each.op_type for each in again.graph.node] == ["AffineGrid"]
    np.testing.assert_array_equal(load(again)(theta), found)


@pytest.mark.parametrize("size", [(2, 1, 1, 5), (2, 1, 4, 1), (1, 1, 1, 4, 5), (2, 1, 3, 4, 1)])
def test_affine_grid_of_one_cell(size: tuple[int, ...], tmp_path: Path) -> None:
    """One cell lies in the middle; as the ends of its axis it is refused, since each runtime puts
    it elsewhere."""
    theta = maps(*size)
    onnx.save(one_node("AffineGrid", 20, theta, np.array(size)), path := tmp_path / "grid.onnx")
    np.testing.assert_allclose(load(path)(theta), run_onnxruntime(path, theta)[0], 1e-5, 1e-6)
    with pytest.raises(UnsupportedError, match="where the one cell"):
        load(one_node("AffineGrid", 20, theta, np.array(size), align_corners=1))


@pytest.mark.parametrize("size", [(1, 1, 4), (3, 1, 4, 5), (2, 1, 3, 4, 5), (2, 1, 0, 5), ()])
def test_sizes_that_do_not_fit_the_maps(size: tuple[int, ...]) -> None:
    """One error that names both."""
    with pytest.raises(FileError, match=r"theta is \(2, 2, 3\) for images of size"):
        load(one_node("AffineGrid", 20, maps(2, 1, 4, 5), np.array(size, np.int64)))


@pytest.mark.parametrize("padding", ["zeros", "border"])
@pytest.mark.parametrize("align_corners", [0, 1])
@pytest.mark.parametrize("n", range(1, 9))
def test_the_nearest_cell_at_ties(n: int, align_corners: int, padding: str, tmp_path: Path) -> None:
    """Halfway between two cells, and a step of float32 to either side of it."""
    x = np.arange(1, 2 * n + 1, dtype=np.float32).reshape(1, 1, 2, n)
    v = np.arange(-3, n + 3) + 0.5
    g = (2 * v / max(n - 1, 1) if align_corners else (2 * v + 1) / n).astype(np.float32) - 1
    g = np.concatenate([g, np.nextafter(g, np.float32(9)), np.nextafter(g, np.float32(-9))])
    grid = np.stack([g, np.zeros_like(g)], -1)[None, None]
    settings = {"mode": "nearest", "padding_mode": padding, "align_corners": align_corners}
    onnx.save(one_node("GridSample", 16, x, grid, **settings), path := tmp_path / "sample.onnx")
    np.testing.assert_array_equal(load(path)(x), run_onnxruntime(path, x)[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"mode": "area"}, "mode is 'area'; .* is expected"),
     ({"padding_mode": "wrap"}, "padding_mode is 'wrap'; zeros, border or reflection is expected")],
)  # fmt: skip
def test_settings_that_the_format_has_not(settings: dict[str, str], message: str) -> None:
    """One error that names the setting and what it may be."""
    x, grid = np.ones((1, 1, 2, 2), np.float32), np.zeros((1, 1, 1, 2), np.float32)
    with pytest.raises(FileError, match=message):
        load(one_node("GridSample", 16, x, grid, **settings))
