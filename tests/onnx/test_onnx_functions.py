"""Functions: those of a file are replaced by their bodies, operators that the format defines in
others are read by its own words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_models import model_of, value
from onnx_runs import run_onnxruntime

import allconv as ac
from allconv.errors import Error, FileError, LimitError, UnsupportedError
from onnx import AttributeProto, TensorProto, helper, numpy_helper

STANDARD, OWN = helper.make_opsetid("", 17), helper.make_opsetid("own", 1)
node = helper.make_node


def function(name: str, x: list[str], y: list[str], *nodes: Any, **settings: Any) -> Any:
    """A function of the domain "own"."""
    return helper.make_function("own", name, x, y, list(nodes), [STANDARD, OWN], **settings)


def refers(made: Any, name: str, to: str, kind: Any) -> Any:
    """A node whose attribute is one of the function around it."""
    made.attribute.append(AttributeProto(name=name, ref_attr_name=to, type=kind))
    return made


def model(nodes: list[Any], functions: list[Any], **arrays: Any) -> Any:
    """A network from x (2, 3) to y that calls functions."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], tensors)
    return helper.make_model(
        graph, functions=functions, opset_imports=[STANDARD, OWN], ir_version=8
    )


LEAKY = function(
    "leaky",
    ["a"],
    ["b"],
    refers(node("LeakyRelu", ["a"], ["b"]), "alpha", "slope", AttributeProto.FLOAT),
    attribute_protos=[helper.make_attribute("slope", 0.25)],
)
LAYER = function(
    "layer",
    ["a", "w", "c"],
    ["b", "inside"],
    node("MatMul", ["a", "w"], ["inside"]),
    refers(node("leaky", ["inside"], ["b"], domain="own"), "slope", "slope", AttributeProto.FLOAT),
    attributes=["slope"],
)
BRANCHING = function(
    "branching",
    ["a"],
    ["b"],
    node("Size", ["a"], ["size"]),
    node("Constant", [], ["six"], value_int=6),
    node("Equal", ["size", "six"], ["same"]),
    node(
        "If",
        ["same"],
        ["b"],
        then_branch=helper.make_graph(
            [node("Neg", ["a"], ["inside"])], "t", [],
            [helper.make_tensor_value_info("inside", TensorProto.FLOAT, None)],
        ),
        else_branch=helper.make_graph(
            [node("Abs", ["a"], ["inside"])], "e", [],
            [helper.make_tensor_value_info("inside", TensorProto.FLOAT, None)],
        ),
    ),
)  # fmt: skip
W = np.random.default_rng(0).standard_normal((3, 3)).astype(np.float32)
X = np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)


def own(op: str, x: list[str], y: list[str], **attributes: Any) -> Any:
    """A call."""
    return node(op, x, y, domain="own", **attributes)


CALLS = {
    "default": [own("leaky", ["x"], ["y"])],
    "given": [own("leaky", ["x"], ["y"], slope=0.5)],
    "twice": [own("leaky", ["x"], ["h"]), own("leaky", ["h"], ["y"], slope=2.0)],
    "nested": [own("layer", ["x", "w"], ["y", "z"], slope=0.5)],
    "left out": [own("layer", ["x", "w", ""], ["y", ""])],
    "second": [own("layer", ["x", "w"], ["", "y"])],
    "branching": [own("branching", ["x"], ["y"])],
}


@pytest.mark.parametrize("name", CALLS)
def test_functions_of_a_file(name: str) -> None:
    """A network that calls functions gives what ONNX Runtime gives; weights stay parameters."""
    made = model(CALLS[name], [LEAKY, LAYER, BRANCHING], w=W)
    net = ac.onnx.load(made)
    np.testing.assert_allclose(net(X), run_onnxruntime(made, X)[0], rtol=1e-6)
    used = any("w" in each.input for each in CALLS[name])
    assert ("w" in net.parameters()) == used
    again = ac.onnx.load(ac.onnx.write.file.to_proto(net))
    np.testing.assert_array_equal(again(X), net(X))


def test_results_that_are_arguments() -> None:
    """A function may hand on what it is given, and one result under two names."""
    passed = function("passed", ["a"], ["a", "b", "b"], node("Neg", ["a"], ["b"]))
    calls = [own("passed", ["x"], ["p", "q", "r"]), node("Sum", ["p", "q", "r"], ["y"])]
    np.testing.assert_array_equal(ac.onnx.load(model(calls, [passed]))(X), -X)


def chain(depth: int, calls: int) -> list[Any]:
    """Functions each of which calls the next so often."""
    names = [f"f{n}" for n in range(depth)]
    made = [function(names[-1], ["a"], ["b"], node("Neg", ["a"], ["b"]))]
    for name, inner in zip(names[-2::-1], names[:0:-1], strict=True):
        steps = [own(inner, [f"v{n}" if n else "a"], [f"v{n + 1}"]) for n in range(calls)]
        steps.append(node("Identity", [f"v{calls}"], ["b"]))
        made.append(function(name, ["a"], ["b"], *steps))
    return made


HOSTILE = {
    "inside itself": (
        [function("f0", ["a"], ["b"], own("f0", ["a"], ["b"]))], LimitError, "8 deep"
    ),
    "exponential": (chain(8, 60), LimitError, "2,000 nodes"),
    "too deep": (chain(12, 1), LimitError, "8 deep"),
    "twice": (chain(1, 1) * 2, FileError, "there twice"),
    "of another set": (
        [helper.make_function("own", "f0", ["a"], ["b"], [node("Neg", ["a"], ["b"])],
                              [helper.make_opsetid("", 99)])],
        UnsupportedError, "opset 99",
    ),
    "unread inside": (
        [function("f0", ["a"], ["b"], node("Det", ["a"], ["b"]))], UnsupportedError, "Det"
    ),
    "fewer inputs": ([function("f0", [], ["b"], node("Neg", ["b"], ["b"]))], FileError, "more in"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_functions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions that grow without bounds, or do not fit their calls, are refused."""
    monkeypatch.setattr("allconv.onnx.read.nodes.MOST_NODES", 2_000)
    functions, kind, message = HOSTILE[name]
    with pytest.raises(kind, match=message):
        ac.onnx.load(model([own("f0", ["x"], ["y"])], functions))


def test_names_of_functions_that_are_no_text() -> None:
    """Names that are no UTF-8 are as good as others, inside of functions, too."""
    inner = node("LeakyRelu", ["aaaa"], ["bbbb"], name="cccc", alpha=0.5)
    made = model([own("f0", ["x"], ["y"])], [function("f0", ["aaaa"], ["bbbb"], inner)])
    data = made.SerializeToString()
    for name in (b"aaaa", b"bbbb", b"cccc"):
        data = data.replace(name, b"\xff" + name[1:])
    np.testing.assert_array_equal(ac.onnx.load(data)(X), np.where(X > 0, X, X / 2))
    with pytest.raises(UnsupportedError, match=r"attribute 'a\\xffpha'"):
        ac.onnx.load(data.replace(b"alpha", b"a\xffph\x61"))


def test_sets_that_are_no_number_of_c() -> None:
    """A function in operator set 2**40 is refused as any other that is not read."""
    made = model([own("f0", ["x"], ["", "y"])], [
        helper.make_function(
            "own", "f0", ["a"], ["c", "b"],
            [node("Abs", ["a"], ["c"]), node("Neg", ["a"], ["b"])],
            [helper.make_opsetid("", 2**40)],
        )
    ])  # fmt: skip
    with pytest.raises(UnsupportedError, match="opset 1099511627776"):
        ac.onnx.load(made)


def test_reductions_that_the_format_has_not() -> None:
    """A loss by another name of reduction is refused; runtimes differ in what they make of it."""
    loss = node("SoftmaxCrossEntropyLoss", ["x", "t"], ["y"], reduction="")
    inputs = [value("x", [4, 3]), value("t", [4], TensorProto.INT64)]
    with pytest.raises(UnsupportedError, match="a reduction that the format has not"):
        ac.onnx.load(model_of([loss], inputs))


def test_large_functions_are_not_copied_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of all bodies together are bounded, however often one is called."""
    monkeypatch.setattr("allconv.onnx.read.nodes.MOST_BYTES", 2**20)
    array = numpy_helper.from_array(np.ones(2**14, np.float32))
    body = [node("Constant", [], ["c"], value=array), node("Mul", ["a", "c"], ["b"])]
    calls = [own("f0", [f"v{n}" if n else "x"], [f"v{n + 1}"]) for n in range(100)]
    calls.append(node("Identity", ["v100"], ["y"]))
    with pytest.raises(LimitError, match="bytes of them"):
        ac.onnx.load(model(calls, [function("f0", ["a"], ["b"], *body)]))


def test_defined_operators_keep_their_name() -> None:
    """An operator that is read in others is written again as it was."""
    names = ["q", "k", "v"]
    attention = node("Attention", names, ["y"], is_causal=1)
    net = ac.onnx.load(model_of([attention], [value(n, [1, 2, 3, 4]) for n in names], opset=24))
    written = ac.onnx.write.file.to_proto(net)
    assert [each.op_type for each in written.graph.node] == ["Attention"]
    q, k, v = np.random.default_rng(3).standard_normal((3, 1, 2, 3, 4)).astype(np.float32)
    found = net(q, k, v)
    np.testing.assert_array_equal(ac.onnx.load(written)(q, k, v), found)
    scores = np.where(np.tri(3) > 0, q @ k.swapaxes(2, 3) / 2, -np.inf)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(found, weights @ v, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op", ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_are_differentiated(op: str, reduction: str, weighted: bool) -> None:
    """The gradients of the two losses, to second order, against central differences."""
    random = np.random.default_rng(2)
    scores, labels = random.standard_normal((4, 3, 2)), random.integers(0, 3, (4, 2))
    inputs = ["x", "labels", "weights"][: 2 + weighted]
    loss = node(op, inputs, ["y"], reduction=reduction, ignore_index=1)
    x = value("x", [4, 3, 2], TensorProto.DOUBLE)
    net = ac.onnx.load(model_of([loss], [x], ["y"], {"labels": labels, "weights": [1.0, 2, 3]}))
    ac.testing.check_gradients(lambda x: net(x), scores)


BOMBS = {
    "crop": ("CenterCropPad", {"axes": [0]}, [np.array([2**40])]),
    "window": ("HannWindow", {}, [np.array(2**40)]),
    "grid": ("AffineGrid", {}, [np.array([2, 1, 2**20, 2**20])]),
}


@pytest.mark.parametrize("name", BOMBS)
def test_defined_operators_stay_within_limits(name: str) -> None:
    """Sizes that a file asks for are refused before they are made."""
    op, attributes, others = BOMBS[name]
    shape = [2, 2, 3] if op == "AffineGrid" else [4]
    arrays = {f"c{n}": each for n, each in enumerate(others)}
    inputs = ["c0"] if op == "HannWindow" else ["x", *arrays]
    nodes = [node(op, inputs, ["h"], **attributes), node("Add", ["h", "x"], ["y"])]
    made = model_of(nodes, [value("x", shape)], ["y"], arrays, opset=20)
    with pytest.raises(Error, match=r"constants|at most|cells"):
        ac.onnx.load(made)


def weighing(references: int) -> Any:
    """A function that multiplies by an attribute so often, as a constant of its own each time."""
    steps = []
    for n in range(references):
        made = refers(node("Constant", [], [f"w{n}"]), "value", "w", AttributeProto.TENSOR)
        steps += [made, node("Mul", [f"v{n}" if n else "a", f"w{n}"], [f"v{n + 1}"])]
    last = node("ReduceSum", [f"v{references}"], ["b"])
    return function("weighing", ["a"], ["b"], *steps, last, attributes=["w"])


def test_a_large_array_given_to_a_function() -> None:
    """It is not lost on the way, and counts as often as the function refers to it."""
    w = np.random.default_rng(2).standard_normal((10_000, 2, 3)).astype(np.float32)
    inner = [own("weighing", ["x"], ["y"], w=numpy_helper.from_array(w))]
    net = ac.onnx.load(model(inner, [weighing(2)]))
    expected = (X.astype(np.float64) * w * w).sum()
    np.testing.assert_allclose(net(X), [[[expected]]], rtol=1e-4)
    with pytest.raises(LimitError, match="268,435,456 bytes"):
        ac.onnx.load(model(inner, [weighing(1200)]))
