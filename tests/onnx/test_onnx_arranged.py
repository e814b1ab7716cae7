"""Images of another size, borders, cells by their numbers: written, read back, and bombs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import one_node
from onnx_runs import check, run_defined, run_onnxruntime

import onnx
from allconv import functional as F
from allconv.errors import Error
from allconv.functional.call import apply
from allconv.onnx import load, save
from allconv.onnx.module import OnnxModule
from allconv.operators.resize import COORDINATES, NEAREST, Resize, ResizedAxis, Rule
from allconv.operators.take import AddAt, RunningSum, Take

INDEX = np.array([3, 0, 0, 2])


def resized(*lines: ResizedAxis, **rule: Any) -> Any:
    """A resize as a function."""
    return lambda x: apply(Resize(lines, Rule(**rule)), x)


def line(axis: int, n: int, to: int, crop: tuple[float, float] = (0.0, 1.0)) -> ResizedAxis:
    """One axis, by sizes."""
    return ResizedAxis(axis, n, to, Fraction(to, n), crop)


HALF_CELL = ResizedAxis(2, 5, 7, Fraction(3, 2))
WRITTEN: dict[str, tuple[str, Any]] = {
    **{
        f"{kind} {nearest}": ("Resize", resized(line(2, 5, 9), coordinates=kind, nearest=nearest))
        for kind in COORDINATES[:-1]
        for nearest in NEAREST
    },
    "scale": ("Resize", resized(HALF_CELL, mode="linear", coordinates="half_pixel_symmetric")),
    "cubic": (
        "Resize",
        resized(
            line(2, 5, 8),
            line(3, 6, 4),
            mode="cubic",
            coordinates="half_pixel",
            cubic=-0.5,
            exclude_outside=True,
        ),
    ),
    "antialias": (
        "Resize",
        resized(line(3, 6, 4), mode="linear", coordinates="half_pixel", antialias=True),
    ),
    "take": ("Gather", lambda x: apply(Take(2), x, x.builder.constant(INDEX))),
    "running sum": ("CumSum", lambda x: apply(RunningSum(3, True, True), x)),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_written_and_read_back(name: str, tmp_path: Path) -> None:
    """ONNX Runtime gives what is given here; the node keeps its name, the operator its settings."""
    op, function = WRITTEN[name]
    path = tmp_path / "model.onnx"
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype(np.float32)
    save(function, path, (None, 4, 5, 6))
    check(path)
    assert [node.op_type for node in onnx.load(path).graph.node if node.op_type == op] == [op]
    again = tmp_path / "again.onnx"
    net = load(path)
    save(net, again, (None, 4, 5, 6))
    kinds = [[n.op_type for n in onnx.load(each).graph.node] for each in (path, again)]
    assert kinds[0] == kinds[1]
    (wanted,) = run_defined(net, x)
    np.testing.assert_allclose(run_onnxruntime(path, x)[0], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(run_onnxruntime(again, x)[0], wanted, rtol=1e-4, atol=1e-5)


def test_added_at_numbers(tmp_path: Path) -> None:
    """ScatterND, where the sizes are known."""
    path = tmp_path / "model.onnx"
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    save(lambda x: apply(AddAt(0, 5), x, x.builder.constant(INDEX)), path, (4, 3))
    wanted = np.zeros((5, 3), np.float32)
    np.add.at(wanted, INDEX, x)
    np.testing.assert_allclose(run_onnxruntime(path, x)[0], wanted, rtol=1e-5)
    np.testing.assert_allclose(load(path)(x), wanted, rtol=1e-5)


def test_borders(tmp_path: Path) -> None:
    """Every mode, written as parts laid side by side."""
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 6)).astype(np.float32)
    for mode in ("reflect", "replicate", "circular"):
        path = tmp_path / f"{mode}.onnx"
        save(lambda x, mode=mode: F.pad(x, (1, 2, 3, -1), mode), path, (None, 3, 5, 6))
        wanted = F.pad(x, (1, 2, 3, -1), mode)
        assert np.array_equal(run_onnxruntime(path, x)[0], wanted)
        assert np.array_equal(load(path)(x), wanted)


def model(op: str, *others: Any, opset: int = 19, **attributes: Any) -> OnnxModule:
    """A network of one node on x (1, 2, 3, 4)."""
    return load(one_node(op, opset, np.empty((1, 2, 3, 4), np.float32), *others, **attributes))


def scales(*numbers: float) -> tuple[None, Any]:
    """The inputs of a Resize by scales."""
    return None, np.array(numbers, np.float32)


def whole(*numbers: int) -> Any:
    """Whole numbers."""
    return np.array(numbers, np.int64)


BAD: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]] = {
    "huge scale": ("Resize", scales(1, 1, 1e30, 1e30), {}, "axes and .* values"),
    "wide scale": ("Resize", scales(1, 1, 1, 1e7), {}, "an axis of 4 cells becomes one of"),
    "no scale": ("Resize", scales(1, 1, 0, 1), {}, "not all above 0"),
    "scale below 0": ("Resize", scales(1, 1, -1, 1), {}, "not all above 0"),
    "scale of nan": ("Resize", scales(1, 1, np.nan, 1), {}, "not all above 0"),
    "few scales": ("Resize", scales(1, 2), {}, "4 are expected"),
    "both": ("Resize", (*scales(1, 1, 2, 2), whole(1, 2, 6, 8)), {}, "one of scales and sizes"),
    "neither": ("Resize", (), {}, "one of scales and sizes"),
    "huge sizes": ("Resize", (None, None, whole(1, 2, 2**40, 2**40)), {}, "values"),
    "sizes below 0": ("Resize", (None, None, whole(1, 2, -3, 2)), {}, "not one for each"),
    "mode": (
        "Resize",
        scales(1, 1, 2, 2),
        {"mode": "area"},
        "mode is 'area'; nearest, linear or cubic is expected",
    ),
    "axes twice": ("Resize", scales(2, 2), {"axes": [2, -2]}, "each is expected once"),
    "no part": (
        "Resize",
        scales(1, 1, 2, 2),
        {"coordinate_transformation_mode": "tf_crop_and_resize"},
        "roi is .* 8 are expected",
    ),
    "tiles": ("Tile", (whole(2**30, 2**30, 2**30, 2**30),), {}, "values"),
    "tiles below 0": ("Tile", (whole(1, 1, -1, 1),), {}, "repeats"),
    "a wide border": ("Pad", (whole(0, 0, 2**30, 2**30, *(0,) * 4),), {"mode": "edge"}, "values"),
    "a wide mirror": ("Pad", (whole(0, 0, 0, 7, *(0,) * 4),), {"mode": "reflect"}, "at most 3"),
    "no border": ("Pad", (whole(*(0,) * 8),), {"mode": "fold"}, "mode is 'fold'; constant, "),
    "outside": ("Gather", (whole(0, 4),), {"axis": 3}, "outside an axis of 4"),
    "far outside": ("Gather", (whole(-(2**63)),), {"axis": 3}, "outside an axis of 4"),
    "a number": ("GatherElements", (whole(1),), {}, "as many axes are expected"),
    "too deep": ("GatherND", (np.zeros((1, 5), np.int64),), {}, "name 5 axes"),
    "blocks": ("DepthToSpace", (), {"blocksize": 2**31}, "not a multiple of"),
    "blocksize is 0; at least 1": (
        "SpaceToDepth",
        (),
        {"blocksize": 0},
        "blocksize is 0; at least 1",
    ),
    "product": (
        "ScatterND",
        (np.zeros((100, 4), np.int64), np.zeros(100, np.float32)),
        {"reduction": "mul"},
        "100 updates of one row; at most 64 are supported",
    ),
    "a reduction": (
        "ScatterND",
        (np.zeros((1, 4), np.int64), np.zeros(1, np.float32)),
        {"reduction": "sub"},
        "reduction is 'sub'",
    ),
    "a crop": ("CenterCropPad", (whole(1, 2, 2**40, 2**40),), {}, "is supported"),
    "conditions": ("Compress", (np.ones(9, bool),), {"axis": 1}, "9 conditions are given for"),
    "no condition": ("Compress", (np.ones(2, np.int64),), {"axis": 1}, "the condition is int64"),
    "lengths": ("ReverseSequence", (whole(9, 9, 9, 9),), {}, "sequence_lens is"),
    "one length": ("ReverseSequence", (whole(1),), {"batch_axis": 5}, "batch_axis 5"),
    "no matrix": ("EyeLike", (), {}, r"\(rows, columns\) is expected"),
    "unpooled": (
        "MaxUnpool",
        (np.zeros((1, 1), np.int64),),
        {"kernel_shape": [2**30, 2**30]},
        "x is|its images would be",
    ),
    "places": ("GridSample", (np.zeros((1, 2, 2, 3), np.float32),), {}, r"grid \(1, 2, 2, 3\)"),
    "scales": ("QuantizeLinear", (np.ones(77, np.float32),), {}, "axis 1 of"),
    "an axis": ("CumSum", (np.array(9),), {}, "axis is 9; the array has 4 axes"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    """What no network says, or what asks for too much, is one clear error, at once."""
    op, others, attributes, message = BAD[name]
    with pytest.raises(Error, match=message):
        model(op, *others, **attributes)


def test_depth_is_bounded() -> None:
    """Blocks of a size beyond all channels multiply nothing."""
    with pytest.raises(Error, match="not a multiple of"):
        model("DepthToSpace", blocksize=2**62)


def test_a_part_far_away() -> None:
    """Cells beyond all integers are outside, and what is outside has one value."""
    part = np.array([0, 0, 0, -1e38, 1, 1, 1, 3e37], np.float32)
    settings = {"coordinate_transformation_mode": "tf_crop_and_resize", "mode": "cubic"}
    net = model("Resize", part, None, whole(1, 2, 3, 7), extrapolation_value=5.0, **settings)
    assert np.array_equal(net(np.ones((1, 2, 3, 4), np.float32)), np.full((1, 2, 3, 7), 5.0))


def test_upsample_of_all_sets() -> None:
    """Attributes in sets 6 to 8, an input in 9, Resize in 10."""
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 4)).astype(np.float32)
    wanted = x.repeat(2, 2).repeat(3, 3)
    each = [1.0, 1.0, 2.0, 3.0]
    nets = [
        model("Upsample", opset=6, height_scale=2.0, width_scale=3.0),
        model("Upsample", opset=7, scales=each),
        model("Upsample", np.array(each, np.float32), opset=9),
        model("Resize", np.array(each, np.float32), opset=10),
    ]
    for net in nets:
        assert np.array_equal(net(x), wanted)


@pytest.mark.parametrize("first", [2.0, np.inf, np.nan])
@pytest.mark.parametrize("axis", [0, 3])
def test_products_of_the_cells_before(first: float, axis: int) -> None:
    """Before the first cell the product is 1, whatever that cell is."""
    x = np.full((1, 2, 3, 4), first, np.float32)
    net = model("CumProd", np.array(axis), opset=26, exclusive=1)
    before = np.cumprod([1, *[first] * (x.shape[axis] - 1)])
    wanted = before.reshape([-1 if a == axis else 1 for a in range(4)])
    np.testing.assert_array_equal(net(x), np.broadcast_to(wanted, x.shape))
