"""What is known while a network is recorded: values as ONNX Runtime has them, `If`, two bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import model_of, value
from onnx_runs import run_defined, run_onnxruntime

import onnx
from allconv import nn
from allconv.errors import ArgumentError, LimitError, ShapeError, UnsupportedError
from allconv.onnx import InferenceSession, load, save
from allconv.operators.base import Spec
from onnx import TensorProto, helper, numpy_helper

INT, BOOL = TensorProto.INT64, TensorProto.BOOL
Step = tuple[str, list[str], list[str], dict[str, Any]]

ARRAYS: dict[str, Any] = {
    "a": np.array([[3, -2, 7], [0, 5, -9]], np.int64),
    "b": np.array([[2, 3, -4]], np.int64),
    "t": np.array([[True, False, True]]),
    "i": np.array([1, 0, -1], np.int64),
    "cells": np.array([[0, 2, -1], [1, 1, 0]], np.int64),
    "axis": np.array([1], np.int64),
    "one": np.array(1, np.int64),
    "nine": np.array(9, np.int64),
    "two": np.array(2, np.int64),
    "shape": np.array([2, 2, 3], np.int64),
    "twice": np.array([2, 1], np.int64),
    "parts": np.array([1, 2], np.int64),
    "pads": np.array([1, 0, 0, 2], np.int64),
    "pair": np.array([4, 6], np.int64),
    "f": np.array([[1.5, -2.5, 0.25]], np.float32),
    "nd": np.array([[0, 1], [1, 2]], np.int64),
    "new": np.array([11, 12], np.int64),
}
# Nodes of known values, each with what makes a float of its first result
NODES: list[Step] = [
    *((op, ["a", "b"], ["r"], {}) for op in ("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min")),
    *((op, ["a", "b"], ["r"], {}) for op in ("Equal", "Greater", "Less", "GreaterOrEqual")),
    *((op, ["t", "t"], ["r"], {}) for op in ("And", "Or", "Xor")),
    *((op, ["a"], ["r"], {}) for op in ("Abs", "Neg", "Sign", "NonZero", "Transpose", "Identity")),
    *((op, ["f"], ["r"], {}) for op in ("Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "IsNaN")),
    *((op, ["a", "axis"], ["r"], {"keepdims": 0}) for op in ("ReduceSum", "ReduceMax")),
    *((op, ["a", "axis"], ["r"], {}) for op in ("ReduceMin", "ReduceProd", "ReduceMean")),
    *((op, ["a"], ["r"], {"axis": 1}) for op in ("ArgMax", "ArgMin")),
    ("Mod", ["a", "b"], ["r"], {"fmod": 1}),
    ("Pow", ["a", "two"], ["r"], {}),
    ("LessOrEqual", ["a", "b"], ["r"], {}),
    ("Not", ["t"], ["r"], {}),
    ("Where", ["t", "a", "b"], ["r"], {}),
    ("Clip", ["a", "one", "two"], ["r"], {}),
    ("Cast", ["f"], ["r"], {"to": INT}),
    ("CastLike", ["f", "a"], ["r"], {}),
    ("CumSum", ["a", "one"], ["r"], {"reverse": 1}),
    ("CumSum", ["a", "one"], ["r"], {"exclusive": 1}),
    ("Concat", ["a", "b"], ["r"], {"axis": 0}),
    ("Gather", ["a", "i"], ["r"], {"axis": 1}),
    ("GatherElements", ["a", "cells"], ["r"], {"axis": 1}),
    ("GatherND", ["a", "nd"], ["r"], {}),
    ("ScatterND", ["a", "nd", "new"], ["r"], {}),
    ("ScatterElements", ["a", "cells", "a"], ["r"], {"axis": 1, "reduction": "add"}),
    ("Range", ["one", "nine", "two"], ["r"], {}),
    ("Expand", ["b", "shape"], ["r"], {}),
    ("Tile", ["a", "twice"], ["r"], {}),
    ("Split", ["a", "parts"], ["r", "s"], {"axis": 1}),
    ("Pad", ["a", "pads", "nine"], ["r"], {"mode": "constant"}),
    ("OneHot", ["i", "nine", "pair"], ["r"], {"axis": 0}),
    ("Trilu", ["a", "one"], ["r"], {"upper": 0}),
    ("Flatten", ["a"], ["r"], {"axis": 1}),
    ("Unsqueeze", ["a", "axis"], ["r"], {}),
    ("Slice", ["a", "axis", "two_", "axis"], ["r"], {}),
]


def model(nodes: list[Any], arrays: dict[str, Any], opset: int = 18, **inputs: Any) -> Any:
    """A network of nodes from x (3) and other inputs (dtype, shape) to y."""
    taken = {"x": (TensorProto.FLOAT, [3]), **inputs}
    values = [value(name, shape, code) for name, (code, shape) in taken.items()]
    y = value("y", ["m"] if opset == 18 else ["m", "n"])
    return model_of(nodes, values, [y], arrays, opset=opset)


@pytest.mark.parametrize("step", NODES, ids=[f"{n}-{step[0]}" for n, step in enumerate(NODES)])
def test_known_nodes(step: Step) -> None:
    """Every node of known values gives what it gives in ONNX Runtime, to the bit."""
    op, names, results, settings = step
    arrays = {**ARRAYS, "two_": np.array([3], np.int64)}
    floats = {name: arrays[name] for name in names if arrays[name].dtype == np.float32}
    nodes = [
        *(
            helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))
            for name, array in floats.items()
        ),
        helper.make_node(op, names, results, **settings),
        helper.make_node("Cast", ["r"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["floats", "sum"], ["y"]),
    ]
    made = model(nodes, {n: arrays[n] for n in names if n not in floats})
    x = np.array([0.5, 0.25, 0.25], np.float32)
    np.testing.assert_array_equal(run_defined(load(made), x)[0], run_onnxruntime(made, x)[0])


def test_scales_beside_sizes(tmp_path: Path) -> None:
    """A float that meets only sizes is no parameter; the same beside data is one."""
    make = helper.make_node
    nodes = [
        make("Shape", ["x"], ["s"]),
        make("Cast", ["s"], ["f"], to=TensorProto.FLOAT),
        make("Mul", ["f", "half"], ["h"]),
        make("Floor", ["h"], ["whole"]),
        make("Cast", ["whole"], ["i"], to=INT),
        make("Expand", ["w", "i"], ["y"]),
    ]
    arrays = {"half": np.float32(0.7), "w": np.ones(1, np.float32)}
    made = model(nodes, arrays)
    net = load(made)
    assert list(net.parameters()) == ["w"]
    assert net(np.ones(3, np.float32)).shape == (2,)


def branches(condition: str) -> list[Any]:
    """y is relu(x) where a condition holds, else x - w with its own w."""
    make = helper.make_node
    z = [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)]
    w = [numpy_helper.from_array(np.float32([1, 2, 3]), "w")]
    then = helper.make_graph([make("Relu", ["x"], ["z"])], "t", [], z)
    other = helper.make_graph([make("Sub", ["x", "w"], ["z"])], "e", [], z, w)
    return [make("If", [condition], ["y"], then_branch=then, else_branch=other)]


@pytest.mark.parametrize("flag", [True, False])
def test_if_with_a_known_condition(flag: bool, tmp_path: Path) -> None:
    """The branch that is chosen is recorded; it sees what is around it, and is written again."""
    x = np.array([1, -2, 3], np.float32)
    expected = np.maximum(x, 0) if flag else x - [1, 2, 3]
    net = load(model(branches("c"), {"c": np.array(flag)}))
    np.testing.assert_array_equal(net(x), expected)
    save(net, tmp_path / "m.onnx")
    np.testing.assert_array_equal(run_onnxruntime(tmp_path / "m.onnx", x)[0], expected)
    np.testing.assert_array_equal(load(tmp_path / "m.onnx")(x), expected)
    given = load(model(branches("c"), {}, c=(BOOL, [])))
    np.testing.assert_array_equal(given(x, np.array(flag)), expected)


def test_inputs_of_integers() -> None:
    """They decide what is computed: given in a call, by name, or fixed."""
    nodes = [helper.make_node("Expand", ["x", "sizes"], ["y"])]
    net = load(model(nodes, {}, sizes=(INT, [2])))
    x = np.arange(3, dtype=np.float32)
    for n in (2, 4):
        assert net(x, np.array([n, 3])).shape == (n, 3)
    assert net(sizes=[5, 3], x=x).shape == (5, 3)
    fixed = net.with_inputs(sizes=[6, 3])
    assert fixed(x).shape == (6, 3)
    assert fixed.traced(Spec((3,))).results[0].shape == (6, 3)
    with pytest.raises(UnsupportedError, match=r"fix them with net\.with_inputs"):
        net.traced(Spec((3,)), Spec((2,), "int64"))
    with pytest.raises(ArgumentError, match="'other' is not an input"):
        net.with_inputs(other=1)
    with pytest.raises(ArgumentError, match="float64; int64 is expected"):
        net(x, np.array([1.5, 3.0]))
    with pytest.raises(LimitError, match="131,072 numbers; at most 65,536 are supported"):
        load(model(nodes, {}, sizes=(INT, ["n"])))(x, np.ones(2**17, np.int64))
    with pytest.raises(ShapeError, match=r"'sizes' is \(3,\); \(2\) is expected"):
        net(x, np.ones(3, np.int64))


def test_inputs_that_are_settings() -> None:
    """A float that nothing takes but as a setting is known in a call, as integers are."""
    net = load(model([helper.make_node("Clip", ["x", "least"], ["y"])], {}, least=(1, [])))
    x = np.array([-1, 0, 1], np.float32)
    for n in (-0.5, 0.5):
        np.testing.assert_array_equal(net(x, np.float32(n)), np.maximum(x, n))


@pytest.mark.parametrize("code", [TensorProto.FLOAT16, TensorProto.BFLOAT16])
def test_weights_of_two_bytes(code: int) -> None:
    """They are held as float32, which the network says once."""
    made = model([helper.make_node("Mul", ["x", "w"], ["y"])], {})
    weights = np.array([0.5, -1.25, 3.0], np.float32)
    bits = weights.astype(np.float16).view(np.uint16)
    if code == TensorProto.BFLOAT16:
        bits = (weights.view(np.uint32) >> 16).astype(np.uint16)
    made.graph.initializer.add(name="w", data_type=code, dims=[3], raw_data=bits.tobytes())
    net = load(made)
    np.testing.assert_array_equal(net.parameters()["w"], weights)
    assert net.parameters()["w"].dtype == np.float32
    (note,) = net.notes
    assert "1 arrays of" in note
    assert "float32" in note


def test_a_session(tmp_path: Path) -> None:
    """ONNX Runtime's methods: names, shapes and types, a run by names, what the file says."""
    path = tmp_path / "model.onnx"
    save(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), path, (None, 3), metadata={"a": "b"})
    x = np.ones((4, 3), np.float32)
    for given in (path, str(path), path.read_bytes(), onnx.load(path)):
        session = InferenceSession(given, providers=["CPUExecutionProvider"])
        (y,) = session.run(["output"], {"input": x})
        np.testing.assert_allclose(y, run_onnxruntime(path, x)[0], rtol=1e-5)
    (taken,), (made,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.shape, taken.type) == ("input", ["N", 3], "tensor(float)")
    assert (made.name, made.shape) == ("output", ["N", 2])
    assert session.get_modelmeta().custom_metadata_map["a"] == "b"
    assert session.get_modelmeta().producer_name == "allconv"
    with pytest.raises(
        ArgumentError, match="'other' is not an output; those of the network are 'output'"
    ):
        session.run(["other"], {"input": x})
    with pytest.raises(ArgumentError, match="other names than those of the inputs: 'input'"):
        session.run(None, {"x": x})
    with pytest.raises(ArgumentError, match="'input' is float64; float32 is expected"):
        session.run(None, {"input": x.astype(np.float64)})
    with pytest.raises(ShapeError, match=r"'input' is \(4, 2\)"):
        session.run(None, {"input": x[:, :2]})


def test_bytes_have_no_folder(tmp_path: Path) -> None:
    """Tensors beside the file are read from a path alone."""
    path = tmp_path / "model.onnx"
    save(nn.Linear(40, 40), path, (None, 40))
    onnx.save_model(
        onnx.load(path), path, save_as_external_data=True, location="w", size_threshold=0
    )
    assert load(path).parameters()
    with pytest.raises(UnsupportedError, match="outside the bytes that were given"):
        load(path.read_bytes())
    with pytest.raises(LimitError, match="set size_limit higher"):
        load(path.read_bytes(), size_limit=10)


def test_all_refusals_at_once() -> None:
    """One error lists every operator, domain, operator set and reason, with the nodes."""
    make = helper.make_node
    nodes = [make("Det", ["x"], [f"d{n}"], name=f"n{n}") for n in range(6)]
    nodes += [
        make("Neg", ["x"], ["m"], name="fine"),
        make("MaxRoiPool", ["m"], ["l"], name="strange", pooled_shape=[1, 1]),
        make("Own", ["l"], ["o"], name="own", domain="some.where"),
        make("Sum", ["o", "d0"], ["y"]),
    ]
    made = model(nodes, {})
    made.opset_import.append(helper.make_opsetid("some.where", 1))
    with pytest.raises(UnsupportedError) as raised:
        load(made)
    told = str(raised.value)
    assert told.startswith("unsupported, 8 nodes of 3 kinds: Det, domain ai.onnx, opset 18 (6 nod")
    assert "n0, n1, n2, n3, ..." in told
    assert "Own, domain some.where, opset 18 (own)" in told
    many = [make(f"Op{n}", ["x"], [f"y{n}" if n else "y"], name="n" * 500) for n in range(200)]
    with pytest.raises(UnsupportedError, match="and 176 other kinds") as raised:
        load(model(many, {}))
    assert len(str(raised.value)) < 10_000


def test_open_sizes_are_refused_at_load_too() -> None:
    """What is refused for every size is told before there is one."""
    made = model([helper.make_node("Cast", ["x"], ["y"], to=6)], {})
    made.graph.input[0].type.tensor_type.shape.dim.add(dim_param="m")
    with pytest.raises(UnsupportedError, match="to int32"):
        load(made)


def test_written_as_the_file_had_it(tmp_path: Path) -> None:
    """Names, operators, operator set and metadata stay; weights are those that it has now."""
    make, path = helper.make_node, tmp_path / "m.onnx"
    nodes = [
        make("HardSigmoid", ["x"], ["a"], name="first", alpha=0.1),
        make("PRelu", ["a", "w"], ["b"], name="second"),
        make("Unsqueeze", ["b"], ["y"], name="third", axes=[0]),
    ]
    made = model(nodes, {"w": np.float32([1, 2, 3])}, opset=11)
    helper.set_model_props(made, {"key": "value"})
    made.doc_string = "mine"
    net = load(made)
    net.load_state_dict({"w": np.float32([4, 5, 6])})
    save(net, path, metadata={"more": "text"})
    back = onnx.load(path)
    onnx.checker.check_model(back, full_check=True)
    assert [node.name for node in back.graph.node] == ["first", "second", "third"]
    assert [node.op_type for node in back.graph.node] == ["HardSigmoid", "PRelu", "Unsqueeze"]
    assert [each.name for each in (*back.graph.input, *back.graph.output)] == ["x", "y"]
    assert back.opset_import[0].version == 11
    assert back.doc_string == "mine"
    told = {each.key: each.value for each in back.metadata_props}
    assert (told["key"], told["more"]) == ("value", "text")
    x = np.float32([-5, 0, 1])
    np.testing.assert_allclose(run_onnxruntime(path, x)[0], net(x), rtol=1e-6)
    np.testing.assert_array_equal(load(path).parameters()["w"], [4, 5, 6])
    save(net, path, (3,), input_name="other")  # asked for other names: from its graph
    assert onnx.load(path).graph.input[0].name == "other"


def test_reprs_are_short(tmp_path: Path) -> None:
    """A network of a file says what it takes, gives and holds in a line."""
    net = load(model([helper.make_node("Relu", ["x"], ["y"])], {}))
    assert repr(net) == "OnnxModule(x: float32 (3,) -> y, 1 nodes: Relu, 0 parameters)"
    assert repr(net.model) == "OnnxModel(1 nodes, opset 18, 0 arrays)"
    assert repr(net.model.nodes[0]) == "OnnxNode(y (Relu): x -> y)"
