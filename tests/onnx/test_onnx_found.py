"""What files of the registries hold, each cut down to a few nodes, as ONNX Runtime has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_runs import run_onnxruntime

import allconv as ac
import onnx
from allconv.errors import UnsupportedError
from allconv.onnx import InferenceSession, load
from onnx import parser

BRANCH = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 3] x) => (float[{shape}] y) <float zero = {{0.0}}, float[3] w = {{1.0, 2.0, 3.0}}> {{
  total = ReduceSum <keepdims = 0> (x)
  above = Greater (total, zero)
  chosen = Cast <to = 9> (above)
  y = If (chosen) <
    then_branch = t () => (float[{shape}] a) {{ a = {then} }},
    else_branch = e () => (float[N, 3] b) {{ b = Sub (x, w) }}
  >
}}"""
GRID = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, K] x) => (float[N, K] y) <int64 last = {1}, float start = {0.0}, float step = {1.0}> {
  shape = Shape (x)
  size = Gather (shape, last)
  float_size = Cast <to = 1> (size)
  range = Range (start, float_size, step)
  moved = Add (range, step)
  y = Mul (x, moved)
}"""
BESIDE = """<ir_version: 8, opset_import: ["" : 17]>
g (float[3] x) => (float[3] y, bool[2] flags, uint8[3] bytes, float16[1] half)
<bool[2] f = {1, 0}, uint8[3] b = {1, 200, 3}, float16[1] h = {15872}> {
  y = Relu (x)
  flags = Identity (f)
  bytes = Identity (b)
  half = Identity (h)
}"""
WHOLE = """<ir_version: 8, opset_import: ["" : 17]>
g (int32[N] i) => (float[N] y) <float three = {3.0}, float[4] table = {0.5, 1.5, 2.5, 3.5}> {
  f = Cast <to = 1> (i)
  few = Less (f, three)
  whole = Cast <to = 6> (few)
  kept = Mul (i, whole)
  y = Gather (table, kept)
}"""


def saved(text: str, path: Path) -> Path:
    """The file of a model in ONNX's text."""
    onnx.save(parser.parse_model(text), path)
    return path


@pytest.mark.parametrize("x", [[[1.0, 2, 3]], [[-1.0, 2, -3], [0, 0.5, 1]]])
def test_the_data_choose_a_branch(x: list[list[float]], tmp_path: Path) -> None:
    """Both branches of an `If` are computed; its condition says which one is taken."""
    path = saved(BRANCH.format(shape="N, 3", then="Exp (x)"), tmp_path / "m.onnx")
    net, array = load(path), np.float32(x)
    np.testing.assert_allclose(net(array), run_onnxruntime(path, array)[0], rtol=1e-6)
    above = array.sum() > 0
    gx, held = net.backward(array, np.ones_like(array))
    np.testing.assert_allclose(gx, np.exp(array) if above else np.ones_like(array), rtol=1e-6)
    np.testing.assert_array_equal(held["w"], [0.0 if above else -len(array)] * 3)


def test_branches_of_other_shapes(tmp_path: Path) -> None:
    """What has one shape or another by the data is refused."""
    path = saved(BRANCH.format(shape="M", then="ReduceSum (x)"), tmp_path / "m.onnx")
    with pytest.raises(UnsupportedError, match="where both branches give floats of one shape"):
        load(path)(np.ones((2, 3), np.float32))


def test_a_range_of_floats(tmp_path: Path) -> None:
    """Floats that only say where a range begins and how it goes on are no parameters."""
    path = saved(GRID, tmp_path / "m.onnx")
    net, x = load(path), np.ones((2, 5), np.float32)
    assert not list(net.parameters())
    np.testing.assert_array_equal(net(x), run_onnxruntime(path, x)[0])


def test_known_outputs_of_any_dtype(tmp_path: Path) -> None:
    """Outputs that no input decides keep their dtype beside others."""
    path = saved(BESIDE, tmp_path / "m.onnx")
    x = np.float32([1, -2, 3])
    ours, theirs = InferenceSession(path).run(None, {"x": x}), run_onnxruntime(path, x)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_integers_that_choose_rows(tmp_path: Path) -> None:
    """Integer inputs, compared with a float and used to count: known in each call."""
    path = saved(WHOLE, tmp_path / "m.onnx")
    net = load(path)
    for i in (np.int32([0, 1, 3, 2]), np.int32([3])):
        np.testing.assert_array_equal(net(i), run_onnxruntime(path, i)[0])
        np.testing.assert_array_equal(net(i), net.with_inputs(i=i)())


def test_loose_declarations(tmp_path: Path) -> None:
    """An operator set that is named twice, and sizes of -1, which mean any."""
    model = parser.parse_model(GRID)
    model.opset_import.append(onnx.helper.make_opsetid("", 17))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    x = np.ones((2, 5), np.float32)
    session = ac.onnx.InferenceSession(path)
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], run_onnxruntime(path, x)[0])
    model.opset_import.append(onnx.helper.make_opsetid("", 16))
    with pytest.raises(ac.errors.FileError, match="must name one version"):
        load(model)
