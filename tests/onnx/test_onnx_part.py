"""A part of a file's network, by the names of its values; what refusals say about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_runs import run_onnxruntime

import onnx
from allconv.errors import ArgumentError, UnsupportedError
from allconv.onnx import load
from onnx import helper, parser

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1, 2, 6, 6] x, float[1, 2, 6, 6] beside) => (float[1, 4, 6, 6] y, float[N] z)
<float[4, 2, 3, 3] w, float[4] b, float[1, 1, 4] r> {
  c = Conv <pads = [1, 1, 1, 1]> (x, w, b)
  a = Relu (c)
  s = Add (x, beside)
  y = Sigmoid (a)
  m = ReduceMean <axes = [2], keepdims = 0> (s)
  z, h, k = LSTM <hidden_size = 1> (m, r, r)
}"""


def made() -> onnx.ModelProto:
    """The network above with drawn weights."""
    text = TEXT.replace("<float[4, 2, 3, 3] w, float[4] b, float[1, 1, 4] r>", "")
    model = parser.parse_model(text)
    draw = np.random.default_rng(0)
    for name, shape in (("w", (4, 2, 3, 3)), ("b", (4,)), ("r", (1, 4, 1))):
        array = draw.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return model


def test_the_outputs_that_are_wanted(tmp_path: Path) -> None:
    """What leads to them is read, with its inputs and weights; what does not may be anything."""
    model = made()
    x = np.random.default_rng(1).normal(size=(1, 2, 6, 6)).astype(np.float32)
    net = load(model, outputs=["y", "c"])
    assert net.input_names == ("x",)
    assert list(net.parameters()) == ["w", "b"]
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    del cut.graph.node[4:], cut.graph.output[1:], cut.graph.input[1:]
    del cut.graph.node[2]
    cut.graph.output.append(helper.make_tensor_value_info("c", 1, (1, 4, 6, 6)))
    onnx.save(cut, tmp_path / "cut.onnx")
    for ours, theirs in zip(net(x), run_onnxruntime(tmp_path / "cut.onnx", x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_inputs_that_are_given() -> None:
    """A value inside is an input of any shape, and nothing before it is read."""
    net = load(made(), inputs=["a"], outputs=["y"])
    assert net.input_names == ("a",)
    assert not list(net.parameters())
    a = np.float32([[-1, 0, 2]])
    np.testing.assert_allclose(net(a), 1 / (1 + np.exp(-a)), rtol=1e-6)
    both = load(made(), inputs=["beside", "x"], outputs=["s"])
    assert both.input_names == ("beside", "x")


@pytest.mark.parametrize(
    ("inputs", "outputs", "told"),
    [
        (None, ["yy"], "'yy' is not a value of the network; there are 'y'"),
        (["q"], ["y"], "'q' is not a value of the network$"),
        (["x"], ["s"], "the outputs need 'beside', too"),
        (None, [], "outputs are 0 names; give one or more"),
        (None, ["y", "y"], "outputs are 2 names; give one or more, each once"),
        (None, "y", "outputs are str; a list of names is expected"),
        ([3], ["y"], "inputs hold 3; a list of names is expected"),
        (None, [""], "outputs hold ''; a list of names is expected"),
    ],
)
def test_names_that_do_not_fit(inputs: object, outputs: object, told: str) -> None:
    """Each is one error that says what would do."""
    with pytest.raises(ArgumentError, match=told):
        load(made(), inputs=inputs, outputs=outputs)


def test_a_refusal_says_what_comes_before() -> None:
    """The values at which to cut, which then can be read."""
    with pytest.raises(UnsupportedError, match="LSTM") as raised:
        load(made())
    assert str(raised.value).endswith("load with outputs=['m', 'y'] for what comes before")
    x = np.ones((1, 2, 6, 6), np.float32)
    m, y = load(made(), outputs=["m", "y"])(x, x)
    assert (m.shape, y.shape) == ((1, 2, 6), (1, 4, 6, 6))


def test_four_hundred_refused_nodes() -> None:
    """They are one error that can be read: kinds, counts, a few names."""
    model = made()
    del model.graph.node[:]
    for n in range(400):
        op = ("Det", "Unique", "Compress", "Loop")[n % 4]
        model.graph.node.append(helper.make_node(op, ["x"], [f"v{n}"], name=f"n{n}"))
    model.graph.node.append(helper.make_node("Sum", ["v0", "v1"], ["y"]))
    del model.graph.output[1:]
    with pytest.raises(UnsupportedError) as raised:
        load(model)
    told = str(raised.value)
    assert told.startswith("unsupported, 400 nodes of 4 kinds: Det, domain ai.onnx, opset 17")
    assert "(100 nodes: n0, n4, n8, n12, ...)" in told
    assert "Loop, domain ai.onnx, opset 17: export the network for one fixed size" in told
    assert len(told) < 700


def test_an_initializer_that_is_given() -> None:
    """Older files list these among the inputs; one that is named is an input."""
    model = made()
    model.graph.input.append(helper.make_tensor_value_info("b", 1, (4,)))
    x, b = np.ones((1, 2, 6, 6), np.float32), np.float32([1, 2, 3, 4])
    net = load(model, inputs=["x", "b"], outputs=["c"])
    assert net.input_names == ("x", "b")
    assert list(net.parameters()) == ["w"]
    without = load(model, inputs=["x"], outputs=["c"])
    held = onnx.numpy_helper.to_array(model.graph.initializer[1])
    more = np.broadcast_to((b - held)[:, None, None], (1, 4, 6, 6))
    np.testing.assert_allclose(net(x, b) - without(x), more, rtol=1e-4, atol=1e-5)


TYPES = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
g (float[2, 3] x) => (float y)
<float scale = {0.5}, int64 zero = {0}> {
  greater = Greater (x, scale)
  other = Not (greater)
  same = Identity (other)
  quantized = QuantizeLinear (x, scale)
  floats = DequantizeLinear (quantized, scale)
  sizes = Shape (x)
  largest = ArgMax (x)
  cast = Cast <to = 11> (x)
  double = Neg (cast)
  parts = SplitToSequence (sizes)
  part = SequenceAt (parts, zero)
  unknown = own.Made (x)
  y = Where (same, x, floats)
}"""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("greater", "bool"),
        ("same", "bool"),
        ("quantized", "uint8"),
        ("floats", "float"),
        ("sizes", "int64"),
        ("largest", "int64"),
        ("double", "double"),
        ("part", "int64"),
        ("unknown", "float"),
    ],
)
def test_the_type_of_a_value_inside(name: str, kind: str) -> None:
    """It is told by the node that makes it, where the file says nothing."""
    text = TYPES.replace("(float y)", f"(float y, {'int64' if kind == 'int64' else 'float'} z)")
    model = parser.parse_model(text.replace("  y =", f"  z = Identity ({name})\n  y ="))
    net = load(model, inputs=[name], outputs=["z"])
    assert [each.type for each in net.model.declared] == [f"tensor({kind})"]


def test_cuts_at_truth_values_and_bytes() -> None:
    """They are taken as ONNX Runtime would take them; a sequence is refused."""
    model, x = parser.parse_model(TYPES), np.float32([[-1, 2, 3], [0.25, 0.75, -4]])
    del model.graph.node[-2]
    mask = np.array([[True, False, True], [False, True, True]])
    chosen = load(model, inputs=["x", "same", "floats"], outputs=["y"])
    np.testing.assert_array_equal(chosen(x, mask, -x), np.where(mask, x, -x))
    whole = np.arange(6, dtype=np.uint8).reshape(2, 3)
    floats = load(model, inputs=["quantized"], outputs=["floats"])
    np.testing.assert_array_equal(floats(whole), whole / np.float32(2))
    with pytest.raises(UnsupportedError, match="'parts' is a sequence of arrays; cut the network"):
        load(model, inputs=["parts"], outputs=["part"])
