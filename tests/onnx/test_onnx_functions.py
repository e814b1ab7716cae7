"""Functions that a file brings along: a call means the body, in every form of the format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_runs import check, run_defined, run_onnxruntime

import onnx
from allconv import nn
from allconv.errors import Error, FileError, LimitError, UnsupportedError
from allconv.nn.tracing import trace_module
from allconv.onnx import load, save
from allconv.onnx.functions import functions_of
from allconv.operators.base import Spec
from onnx import AttributeProto, FunctionProto, ModelProto, TensorProto, helper

OWN = "own"
IMPORTS = [helper.make_opsetid("", 18), helper.make_opsetid(OWN, 1)]
Node = Any


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> Node:
    """A node by the names of its inputs and outputs, with a space between; "_" stands for none."""
    names = [[n.replace("_", "") for n in each.split()] for each in (inputs, outputs)]
    domain = OWN if op[0].islower() else ""
    return helper.make_node(op, *names, domain=domain, name=f"n{outputs[0]}", **attributes)


def referring(made: Node, kind: int, **names: str) -> Node:
    """A node whose attributes of a kind stand for those of the function around it."""
    for name, outer in names.items():
        made.attribute.append(AttributeProto(name=name, ref_attr_name=outer, type=kind))
    return made


def function(
    name: str, inputs: str, outputs: str, *nodes: Node, opset: int = 18, **defaults: Any
) -> FunctionProto:
    """A function of the file's own; an attribute of None has no default."""
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(OWN, 1)]
    required = [key for key, value in defaults.items() if value is None]
    others = [helper.make_attribute(k, v) for k, v in defaults.items() if v is not None]
    return helper.make_function(
        OWN, name, inputs.split(), outputs.split(), list(nodes), imports, required, others
    )


def model(functions: Sequence[FunctionProto], *nodes: Node, outputs: str = "y") -> ModelProto:
    """A network of nodes from x (2, 3) to outputs, with weights w (3,) and a condition c."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 3]) for n in outputs.split()]
    w = onnx.numpy_helper.from_array(np.array([1, -2, 0.5], np.float32), "w")
    c = onnx.numpy_helper.from_array(np.array(True), "c")
    graph = helper.make_graph(list(nodes), "g", [x], results, [w, c])
    return helper.make_model(graph, opset_imports=IMPORTS, functions=list(functions), ir_version=10)


def half(name: str = "half") -> FunctionProto:
    """0.5 x, by a constant of its own."""
    half_of = node("Constant", "", "h", value_float=0.5)
    return function(name, "x", "y", half_of, node("Mul", "x h", "y"))


def sloped(**defaults: Any) -> FunctionProto:
    """LeakyRelu of a slope that the call gives, then doubled."""
    slope = referring(node("LeakyRelu", "x", "t"), AttributeProto.FLOAT, alpha="slope")
    return function("sloped", "x", "y", slope, node("Add", "t t", "y"), **defaults)


def branches() -> FunctionProto:
    """Either of two graphs, which use values of the function around them."""

    def inside(op: str) -> Any:
        z = [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)]
        return helper.make_graph([node(op, "t x", "z")], op, [], z)

    chosen = node("If", "c", "y", then_branch=inside("Sub"), else_branch=inside("Add"))
    return function("chosen", "c x", "y", node("Exp", "x", "t"), chosen)


CASES: dict[str, Callable[[], ModelProto]] = {
    "called twice": lambda: model([half()], node("half", "x", "t"), node("half", "t", "y")),
    "an attribute": lambda: model([sloped(slope=None)], node("sloped", "x", "y", slope=0.25)),
    "an attribute that has a default": lambda: model(
        [sloped(slope=0.125)], node("sloped", "x", "t"), node("sloped", "t", "y", slope=0.5)
    ),
    "an attribute that is left out": lambda: model([sloped(slope=None)], node("sloped", "x", "y")),
    "a function in a function": lambda: model(
        [
            half(),
            sloped(slope=None),
            function(
                "both", "x", "y z",
                node("half", "x", "t"),
                referring(node("sloped", "t", "y"), AttributeProto.FLOAT, slope="given"),
                node("half", "y", "z"),
                given=0.75,
            ),
        ],
        node("both", "x", "t y", given=0.1),
        outputs="y t",
    ),
    "an input that is left out": lambda: model(
        [function("bounded", "x low high", "y", node("Clip", "x low high", "y"))],
        node("bounded", "x", "t"),
        node("Relu", "t", "y"),
    ),
    "an output that is left out": lambda: model(
        [function("two", "x", "a b", node("Exp", "x", "a"), node("Neg", "a", "b"))],
        node("two", "x", "_ y"),
    ),
    "graphs inside": lambda: model([branches()], node("chosen", "c x", "y")),
    "weights": lambda: model(
        [function("scaled", "x s", "y", node("Mul", "x s", "y"))], node("scaled", "x w", "y")
    ),
    "names of the graph around": lambda: model(
        [function("same", "y", "x", node("Exp", "y", "w"), node("Neg", "w", "x"))],
        node("same", "x", "t"),
        node("Mul", "t w", "y"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_calls(name: str, tmp_path: Path) -> None:
    """ONNX Runtime gives the same numbers; so does what is written again."""
    path, again = tmp_path / "model.onnx", tmp_path / "again.onnx"
    onnx.save(CASES[name](), path)
    check(path)
    x = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
    expected = run_onnxruntime(path, x)
    net = load(path)
    save(net, again)
    for found in (run_defined(net, x), run_defined(load(again), x), run_onnxruntime(again, x)):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_another_operator_set(tmp_path: Path) -> None:
    """A body has an operator set of its own: the axes of a sum were an attribute once."""
    summed = function("summed", "x", "y", node("ReduceSum", "x", "y", axes=[1]), opset=11)
    path, again = tmp_path / "model.onnx", tmp_path / "again.onnx"
    onnx.save(model([summed], node("summed", "x", "y")), path)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    save(load(path), again, (2, 3))
    for each in (path, again):
        np.testing.assert_array_equal(load(each)(x), [[3], [12]])
    np.testing.assert_array_equal(run_onnxruntime(again, x)[0], [[3], [12]])


def doubling(depth: int) -> list[FunctionProto]:
    """Functions of which each calls the next one twice."""
    calls = [
        function(f"f{n}", "x", "y", node(f"f{n + 1}", "x", "t"), node(f"f{n + 1}", "t", "y"))
        for n in range(depth)
    ]
    return [*calls, half(f"f{depth}")]


def heavy() -> FunctionProto:
    """A function with a constant of 8 MB."""
    large = onnx.numpy_helper.from_array(np.zeros(2**21, np.float32))
    unused = node("Constant", "", "large", value=large)
    return function("heavy", "x", "y", unused, node("Neg", "x", "y"))


CALL = node("f", "x", "y")
WRONG: dict[str, tuple[Callable[[], ModelProto], type[Error], str]] = {
    "calls itself": (
        lambda: model([function("f", "x", "y", CALL)], CALL),
        FileError,
        "the function 'f' calls itself",
    ),
    "call each other": (
        lambda: model(
            [function("f", "x", "y", node("g", "x", "y")), function("g", "x", "y", CALL)], CALL
        ),
        FileError,
        "'f' calls itself",
    ),
    "too deep": (lambda: model(doubling(9), node("f0", "x", "y")), LimitError, "8 deep"),
    "600,000 nodes": (
        lambda: model(
            [
                function("f", "x", "y", *(node("f0", "x", f"t{n}") for n in range(600))),
                *doubling(6),
            ],
            *[CALL] * 9,
        ),
        LimitError,
        "more than 100,000 nodes",
    ),
    "too heavy": (
        lambda: model([heavy()], *(node("heavy", "x", f"t{n}") for n in range(40))),
        LimitError,
        "'heavy', bring 268,435,456 bytes",
    ),
    "twice": (lambda: model([half("f"), half("f")], CALL), FileError, "two functions are named"),
    "more inputs": (
        lambda: model([half("f")], node("f", "x x", "y")),
        FileError,
        "more inputs or outputs than its function",
    ),
    "more outputs": (
        lambda: model([half("f")], node("f", "x", "y z")),
        FileError,
        "more inputs or outputs than its function",
    ),
    "an unknown attribute": (
        lambda: model([half("f")], node("f", "x", "y", k=1)),
        FileError,
        "gives 'k' twice, or the function has it not",
    ),
    "an attribute of another type": (
        lambda: model([sloped(slope=None)], node("sloped", "x", "y", slope=1)),
        FileError,
        "alpha' is of two types",
    ),
    "names what is around it": (
        lambda: model([function("f", "x", "y", node("Add", "x w", "y"))], CALL),
        FileError,
        "needs 'y/w'",
    ),
    "makes its input": (
        lambda: model(
            [function("f", "a b", "y", node("Exp", "a", "b"), node("Neg", "b", "y"))], CALL
        ),
        FileError,
        "'f' makes one of its inputs",
    ),
    "an input twice": (
        lambda: model([function("f", "a a", "y", node("Neg", "a", "y"))], CALL),
        FileError,
        "an input or output twice",
    ),
    "no body": (lambda: model([function("f", "x", "y")], CALL), FileError, "'y' is never made"),
    "an operator that is not read": (
        lambda: model([function("f", "x", "y", node("Det", "x", "y"))], CALL),
        UnsupportedError,
        "unsupported: Det, domain ai.onnx, opset 18",
    ),
    "another domain": (
        lambda: model([function("f", "x", "y", node("gone", "x", "y"))], CALL),
        UnsupportedError,
        "unsupported: gone, domain own",
    ),
    "an operator set of the future": (
        lambda: model([function("f", "x", "y", node("Neg", "x", "y"), opset=99)], CALL),
        UnsupportedError,
        "the function 'f' of operator set 99; 6 to",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name: str) -> None:
    """A call that cannot be read is one error, before its body is made too often."""
    make, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        load(make())


def test_a_call_refers_to_nothing() -> None:
    """Outside of functions no attribute stands for another."""
    call = referring(node("sloped", "x", "y"), AttributeProto.FLOAT, slope="slope")
    with pytest.raises(FileError, match="a function it is not in"):
        load(model([sloped(slope=0.5)], call))


def test_locally_connected_layers_are_functions(tmp_path: Path) -> None:
    """One node a layer and one function for layers alike; read as one operator, written again."""
    alike = [nn.LocallyConnected2d(2, 2, 3, (5, 4), padding=1) for _ in range(2)]
    net = nn.Sequential(*alike, nn.ReLU(), nn.LocallyConnected2d(2, 3, 2, (5, 4), bias=False))
    path, again = tmp_path / "model.onnx", tmp_path / "again.onnx"
    save(net, path, (None, 2, 5, 4))
    proto = check(path)
    ops = [(each.domain, each.op_type) for each in proto.graph.node]
    one, two = ("allconv", "LocallyConnected2d"), ("allconv", "LocallyConnected2d_2")
    assert ops == [one, one, ("", "Relu"), two]
    assert {(domain, name) for domain, name, _ in functions_of(proto)} == {one, two}
    back = load(path)
    assert [each.op for each in back.model.nodes].count("LocallyConnected") == 3
    spec = Spec((3, 2, 5, 4))
    assert trace_module(back, spec).graph.key() == trace_module(net, spec).graph.key()
    save(back, again)
    made = check(again)
    assert list(made.graph.node) == list(proto.graph.node)
    assert list(made.functions) == list(proto.functions)
    x = np.random.default_rng(0).standard_normal((3, 2, 5, 4)).astype(np.float32)
    for each in (path, again):
        np.testing.assert_allclose(run_onnxruntime(each, x)[0], net(x), rtol=1e-5, atol=1e-5)
