"""Graphs: what they verify, keep, print and cost."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.errors import ArgumentError, ShapeError
from allconv.graph import Graph, Node
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate
from allconv.operators.loss import CrossEntropy
from allconv.operators.pointwise import Add, Multiply, Relu
from allconv.operators.pool import MaxPool
from allconv.trace import Builder, recording, trace
from allconv.window import Window

THREE = Spec((3,))


def parts() -> tuple[Builder, Graph]:
    """y = relu(x) + x, with its builder."""
    builder = Builder()
    x = builder.input(THREE, "x")
    with recording(builder):
        y = Relu()(x) + x
    return builder, builder.graph([y])


def test_order_is_verified() -> None:
    """A node that reads what is not known yet, or writes what is, is refused."""
    _, graph = parts()
    relu, add = graph.nodes
    with pytest.raises(ValueError, match="Add breaks the order"):
        Graph(graph.inputs, (add, relu), graph.outputs)
    with pytest.raises(ValueError, match="Relu breaks the order"):
        Graph(graph.inputs, (relu, relu, add), graph.outputs)
    with pytest.raises(ValueError, match="never computed"):
        Graph(graph.inputs, (relu,), graph.outputs)
    again = Node(relu.operator, relu.inputs, graph.inputs)
    with pytest.raises(ValueError, match="Relu breaks the order"):
        Graph(graph.inputs, (again,), graph.inputs)


def test_prune() -> None:
    """What no output needs is left out, constants too; inputs stay."""
    builder = Builder()
    x, unused = builder.input(THREE), builder.input(THREE)
    with recording(builder):
        y = x * 2.0
        Relu()(x * 3.0)
    graph = builder.graph([y])
    assert [node.operator for node in graph] == [Multiply()]
    assert [array.item() for array in graph.constants.values()] == [2.0]
    assert graph.inputs == (x, unused)


def test_common_subexpressions() -> None:
    """The same operator on the same values is recorded once; another order of them is another."""
    graph = trace(lambda x, y: (x * y + x * y) * (y * x), THREE, THREE).graph
    assert [node.operator.name for node in graph] == ["Multiply", "Add", "Multiply", "Multiply"]


def test_scalars_are_shared_but_signed() -> None:
    """A number is one constant however often it is used; 0.0 and -0.0 are two."""
    graph = trace(lambda x: (x + 2.0) * 2 + 2.0, THREE).graph
    assert len(graph.constants) == 1
    zeros = trace(lambda x: (x * 0.0, x * -0.0), THREE).graph
    plus, minus = zeros.run(np.ones(3, np.float32))
    np.testing.assert_array_equal(np.signbit(plus), [False] * 3)
    np.testing.assert_array_equal(np.signbit(minus), [True] * 3)


def test_arrays_are_shared_by_identity() -> None:
    """The same array used twice is one constant; an equal one is another."""
    w = np.ones(3, np.float32)
    assert len(trace(lambda x: (x + w) * w, THREE).graph.constants) == 1
    assert len(trace(lambda x: (x + w) * w.copy(), THREE).graph.constants) == 2


def key_of(function, *specs: Spec):
    """The key of a traced function."""
    return trace(function, *specs).graph.key()


def test_key() -> None:
    """The key tells structures apart, and neither names, paths nor what constants hold."""
    one, two = (np.full(3, n, np.float32) for n in (1, 2))
    key = key_of(lambda x: x * one, THREE)
    assert key == key_of(lambda x: x * two, THREE)
    assert hash(key) == hash(key_of(lambda x: x * two, THREE))
    others = [
        key_of(lambda x: x + one, THREE),
        key_of(lambda x: one * x, THREE),
        key_of(lambda x: x * one, Spec((1, 3))),
        key_of(lambda x: x * one.astype(np.float64), Spec((3,), "float64")),
        key_of(lambda x: x * one * one, THREE),
        key_of(lambda x: (x * one, x), THREE),
        key_of(lambda x, y: x * y, THREE, THREE),
    ]
    assert len({key, *others}) == 8
    builder = Builder()
    x = builder.input(THREE, "pixels")
    with recording(builder), builder.at("4 (Linear)"):
        y = x * one
    assert builder.graph([y]).key() == key


def test_print() -> None:
    """A graph prints as numbered statements with specs and paths."""
    builder = Builder()
    x = builder.input(Spec((1, 1, 4)), "x")
    with recording(builder):
        with builder.at("0 (MaxPool1d)"):
            y, tap = MaxPool(Window.forward((4,), (2,), stride=(2,)))(x)
        result = y + 1.0
    axis = "Axis(input=4, kernel=2, output=2, stride=2, dilation=1, input_dilation=1, padding=0)"
    assert str(builder.graph([result, tap])).split("\n") == [
        "graph(%0: float32 (1, 1, 4))",
        "  %1 = constant float32 ()",
        f"  %2, %3 = MaxPool(window=Window(axes=({axis},)))(%0): float32 (1, 1, 2), int32 (1, 1, 2)"
        "    # 0 (MaxPool1d)",
        "  %4 = Add()(%2, %1): float32 (1, 1, 2)",
        "  return %4, %3",
    ]


def test_users() -> None:
    """Each value knows the nodes that read it, once each."""
    graph = trace(lambda x: x * x + x, THREE).graph
    multiply, add = graph.nodes
    users = graph.users()
    assert users[graph.inputs[0]] == [multiply, add]
    assert users[multiply.outputs[0]] == [add]
    assert graph.outputs[0] not in users


def test_run_checks_its_arrays() -> None:
    """Other arrays than the inputs are refused, by name."""
    builder, graph = parts()
    assert builder.graph(graph.outputs).run(np.array([-1, 0, 2], np.float32))[0].tolist() == [
        -1.0,
        0.0,
        4.0,
    ]
    with pytest.raises(ShapeError, match="1 arrays are expected, 2 given"):
        graph.run(np.zeros(3, np.float32), np.zeros(3, np.float32))
    with pytest.raises(ShapeError, match=r"x is float32 \(4,\); .* made for float32 \(3,\)"):
        graph.run(np.zeros(4, np.float32))
    with pytest.raises(ShapeError, match=r"x is float64 \(3,\)"):
        graph.run(np.zeros(3))
    nameless = trace(Relu(), THREE).graph
    with pytest.raises(ShapeError, match=r"input 0 is int64 \(3,\)"):
        nameless.run(np.zeros(3, np.int64))


def test_errors_of_a_run_name_the_layer() -> None:
    """What a definition refuses names the layer that recorded it."""
    builder = Builder()
    x, labels = builder.input(Spec((2, 3))), builder.input(Spec((2,), "int64"))
    with recording(builder), builder.at("loss"):
        y = CrossEntropy()(x, labels)
    with pytest.raises(ArgumentError, match=r"^loss: labels run from 0 to 7") as caught:
        builder.graph([y]).run(np.zeros((2, 3), np.float32), np.array([0, 7]))
    assert caught.value.path == "loss"


def test_run_is_quiet_about_infinities() -> None:
    """Infinities and NaN are values like others: no warning, no error."""
    graph = trace(lambda x: x - x, THREE).graph
    assert np.isnan(graph.run(np.full(3, np.inf, np.float32))[0]).all()
    large = trace(lambda x: x * x, THREE).graph
    assert np.isinf(large.run(np.full(3, 1e30, np.float32))[0]).all()


def test_swapped_bytes() -> None:
    """Inputs and constants of the other byte order are read as what they say."""
    swapped = np.arange(3, dtype=np.dtype(np.float32).newbyteorder())
    graph = trace(lambda x: x + swapped, THREE).graph
    (y,) = graph.run(swapped)
    assert y.dtype.isnative
    np.testing.assert_array_equal(y, [0.0, 2.0, 4.0])


def test_cost() -> None:
    """The cost counts multiply-adds: outputs times taps times channels."""
    window = Window.forward((6, 6), (3, 3), padding=((1, 1), (1, 1)))
    graph = trace(
        lambda x, w: Relu()(Correlate(window)(x, w)), Spec((2, 3, 6, 6)), Spec((5, 3, 3, 3))
    ).graph
    assert graph.cost() == (2 * 5 * 6 * 6) * (3 * 3 * 3)


def test_identity_and_constant_results() -> None:
    """A graph may return an input, a constant, and the same value twice."""
    graph = trace(lambda x: (x, np.ones(2), x), THREE).graph
    x = np.arange(3, dtype=np.float32)
    first, constant, second = graph.run(x)
    np.testing.assert_array_equal(first, x)
    np.testing.assert_array_equal(second, x)
    np.testing.assert_array_equal(constant, np.ones(2))


def test_operators_in_a_graph_are_values() -> None:
    """Operators compare by their settings: two of the same are one in a key."""
    assert Add() == Add()
    assert Add() != Multiply()
    window = Window.forward((3,), (2,))
    assert Correlate(window) == Correlate(Window.forward((3,), (2,)))
    assert Correlate(window) != Correlate(window, 2)
