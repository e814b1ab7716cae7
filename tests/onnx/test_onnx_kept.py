"""Files as exporters write them, loaded and written again: what is said in them stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_cases import node_cases
from onnx_declared import NODE_CASES
from onnx_runs import check, run_onnxruntime

import onnx
from allconv import nn
from allconv.errors import ArgumentError
from allconv.nn.module import Module
from allconv.onnx import load, save
from allconv.onnx.write.file import to_proto
from onnx import AttributeProto, TensorProto, helper, numpy_helper

F, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def value(name: str, *shape: Any, code: int = F) -> Any:
    """An input, an output or a value between them."""
    return helper.make_tensor_value_info(name, code, list(shape))


def drawn(name: str, *shape: int, dtype: str = "f") -> Any:
    """An initializer."""
    array = np.random.default_rng(len(name)).standard_normal(shape)
    return numpy_helper.from_array(array.astype(dtype), name)


def odd() -> onnx.ModelProto:
    """Names of other tools, initializers among the inputs, doc strings, metadata, two domains."""
    make = helper.make_node
    nodes = [
        make("Conv", ["data:0", "conv/W:0", "b"], ["conv/out:0"], name="conv/op", pads=[1] * 4),
        make("Shape", ["conv/out:0"], ["unused"], name="never taken"),
        make("Relu", ["conv/out:0"], ["relu out"], name="Ünïcode, with a comma"),
        make("Dropout", ["relu out"], ["kept", ""], name=""),
        make("GlobalAveragePool", ["kept"], ["pooled"], name="pool"),
        make("Concat", ["pooled", "pooled"], ["scores//0"], name="joined", axis=1),
    ]
    nodes[0].doc_string = "made by hand"
    graph = helper.make_graph(
        nodes,
        "a graph",
        [value("data:0", "batch", 2, 4, 5), value("conv/W:0", 3, 2, 3, 3), value("b", 3)],
        [value("scores//0", "batch", 6, 1, 1), value("relu out", "batch", 3, 4, 5)],
        [drawn("conv/W:0", 3, 2, 3, 3), drawn("b", 3)],
        doc_string="of the graph",
        value_info=[value("kept", "batch", 3, 4, 5)],
    )
    opsets = [helper.make_opsetid("", 12), helper.make_opsetid("com.example", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=6, doc_string="of the model")
    model.producer_name, model.domain, model.model_version = "other", "org.example", 7
    helper.set_model_props(model, {"author": "someone", "stride": "32", "empty": ""})
    return model


def test_what_a_file_says_stays(tmp_path: Path) -> None:
    """Names, order, operators, settings, bits, texts, operator set; once more, the same bytes."""
    model, paths = odd(), [tmp_path / f"{n}.onnx" for n in range(3)]
    onnx.save(model, paths[0])
    save(load(paths[0]), paths[1])
    save(load(paths[1]), paths[2])
    made = check(paths[1])
    assert paths[1].read_bytes() == paths[2].read_bytes()
    for one, other in zip(model.graph.node, made.graph.node, strict=True):
        assert (one.name, one.op_type, one.input) == (other.name, other.op_type, other.input)
        assert [name for name in one.output if name] == [name for name in other.output if name]
        assert list(one.attribute) == list(other.attribute)
    assert [each.name for each in made.graph.input] == ["data:0"]
    assert list(made.graph.output) == list(model.graph.output)
    assert {
        each.name: numpy_helper.to_array(each).tobytes() for each in made.graph.initializer
    } == {each.name: numpy_helper.to_array(each).tobytes() for each in model.graph.initializer}
    assert made.graph.input[0] == model.graph.input[0]
    assert made.opset_import[0].version == 12
    assert (made.doc_string, made.graph.doc_string) == ("of the model", "of the graph")
    assert (made.domain, made.model_version, made.graph.name) == ("org.example", 7, "a graph")
    told = {each.key: each.value for each in made.metadata_props}
    assert told.items() >= {"author": "someone", "stride": "32", "empty": ""}.items()
    x = np.random.default_rng(0).standard_normal((2, 2, 4, 5)).astype("f")
    for a, b in zip(run_onnxruntime(paths[0], x), run_onnxruntime(paths[1], x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_halves_keep_their_names(tmp_path: Path) -> None:
    """A file in float16 is written in float32, under its names, with its metadata and shape."""
    nodes = [
        helper.make_node("Gemm", ["features", "w", "b"], ["hidden"], transB=1),
        helper.make_node("Tanh", ["hidden"], ["answer"]),
    ]
    inputs = [value("features", "N", 3, code=HALF)]
    outputs = [value("answer", "N", 2, code=HALF), value("hidden", "N", 2, code=HALF)]
    tensors = [drawn("w", 2, 3, dtype="e"), drawn("b", 2, dtype="e")]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {"key": "value"})
    path = tmp_path / "model.onnx"
    net = load(model)
    save(net, path)
    made = check(path)
    assert [each.name for each in (*made.graph.input, *made.graph.output)] == [
        "features", "answer", "hidden",
    ]  # fmt: skip
    assert {each.key: each.value for each in made.metadata_props}["key"] == "value"
    x = np.random.default_rng(1).standard_normal((4, 3)).astype("f")
    for a, b in zip(run_onnxruntime(path, x), net(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    graph.input[0].type.tensor_type.shape.dim[1].dim_param = "M"
    with pytest.raises(ArgumentError, match="sizes of the input 'features' are open; give its"):
        save(load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])), path)


class Two(Module):
    """An image and numbers beside it, which move its channels; two results."""

    def __init__(self) -> None:
        self.conv, self.linear = nn.Conv2d(2, 3, 3), nn.Linear(4, 3)

    def forward(self, image: Any, beside: Any) -> Any:
        y = self.conv(image)
        return y + self.linear(beside).reshape((-1, 3, 1, 1)), y.mean((2, 3))


@pytest.mark.parametrize("batch", [None, 2])
def test_several_inputs(batch: int | None, tmp_path: Path) -> None:
    """A network of two inputs is written for the shapes of both, and read back."""
    net, path, again = Two(), tmp_path / "model.onnx", tmp_path / "again.onnx"
    shapes = [(batch, 2, 5, 4), (batch, 4)]
    save(net, path, shapes)
    made = check(path)
    names = ["input", "input_2", "output", "output_2"]
    assert [each.name for each in (*made.graph.input, *made.graph.output)] == names
    draw = np.random.default_rng(0)
    x = [draw.standard_normal((2, *shape[1:])).astype("f") for shape in shapes]
    save(load(path), again, shapes)
    for given in (path, again):
        back = load(given)(*x)
        for a, b, c in zip(run_onnxruntime(given, *x), net(*x), back, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
            assert b.tobytes() == c.tobytes()
    for wrong, message in (
        ((None, 2, 5, 4), "does not take one array .*; give as shape a list of the shapes of all"),
        ([(None, 4)] * 3, "does not take 3 arrays"),
        ([(None, 2, 5, 4), (4, None)], "only the batch"),
        ([(None, 2, 5, 4), ()], "or a list of these for several inputs"),
    ):
        with pytest.raises(ArgumentError, match=message):
            save(net, path, wrong)
    with pytest.raises(ArgumentError, match="takes 2 arrays; give the shape of each, or leave"):
        save(load(path), again, (None, 2, 5, 4))


def plain(attribute: Any) -> Any:
    """What an attribute holds, a tensor as its dtype, shape and bytes."""
    held = helper.get_attribute_value(attribute)
    if isinstance(held, TensorProto):
        array = numpy_helper.to_array(held)
        return array.dtype.name, array.shape, array.tobytes()
    return held if attribute.type != AttributeProto.GRAPH else None


def told(node: Any) -> tuple[Any, ...]:
    """All that a node says; of outputs, those that are named."""
    attributes = {each.name: plain(each) for each in node.attribute}
    return node.name, node.op_type, list(node.input), list(filter(None, node.output)), attributes


@pytest.mark.slow
def test_node_cases_are_written_again() -> None:
    """Every case of ONNX's suite that is read in float32 or wider is written as it was."""
    kept = 0
    for case in node_cases():
        if case.name.removeprefix("test_") not in NODE_CASES or (net := load(case.model)).notes:
            continue
        made = to_proto(net)
        onnx.checker.check_model(made)
        for one, other in zip(case.model.graph.node, made.graph.node, strict=True):
            assert told(one)[:3] == told(other)[:3]
            assert set(told(other)[3]) <= set(told(one)[3])
            assert told(one)[4] == told(other)[4]
        kept += 1
    assert kept > 900
