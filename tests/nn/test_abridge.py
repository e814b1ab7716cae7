"""Long tables of layers are abridged; what they hold stays the same."""

from __future__ import annotations

import numpy as np
import pytest

import allconv as ac
import onnx
from allconv import nn
from allconv.nn.abridge import abridged, without_middle
from allconv.onnx import load
from allconv.operators.base import Spec
from onnx import helper


def test_few_rows_stay() -> None:
    """A row a layer, each by itself."""
    lines = abridged(["a", "b"], ["Conv", "Relu"], [False, True], 2)
    assert [(line.name, line.kind, line.rows) for line in lines] == [
        ("a", "Conv", slice(0, 1)),
        ("b", "Relu", slice(1, 2)),
    ]


def test_rows_that_go_along_join() -> None:
    """What works cell by cell on the layer before stands beside it."""
    lines = abridged(["a", "b", "c"], ["Conv", "Relu", "Conv"], [False, True, False], 2)
    assert [(line.name, line.kind, line.rows) for line in lines] == [
        ("a", "Conv, Relu", slice(0, 2)),
        ("c", "Conv", slice(2, 3)),
    ]


def test_names_that_begin_alike_join() -> None:
    """Neighbours of one block are one line, which counts its layers."""
    names = [f"/net/block.{n // 10}/layer{n % 10}" for n in range(100)]
    lines = abridged(names, ["Conv"] * 100, [False] * 100, 20)
    assert [line.name for line in lines] == [f"/net/block.{n}" for n in range(10)]
    assert {line.kind for line in lines} == {"Conv x 10"}
    assert lines[-1].rows == slice(90, 100)


def test_names_that_say_nothing() -> None:
    """The middle is one line; all layers are still in some line, once and in order."""
    names = [f"n{n}" for n in range(500)]
    lines = abridged(names, ["A", "B"] * 250, [False] * 500, 40)
    assert len(lines) == 40
    rows = [n for line in lines for n in range(500)[line.rows]]
    assert rows == list(range(500))
    assert lines[29].name == "... 461 layers"
    assert lines[29].kind == "B x 231, A x 230"


def test_cut() -> None:
    """The beginning and the end of a long name."""
    assert without_middle("short", 20) == "short"
    assert without_middle("/model/layer.1/block.2/conv/Conv", 20) == "/model...2/conv/Conv"


def chain(count: int) -> onnx.ModelProto:
    """Convolutions with a Relu each, unnamed."""
    nodes, weights = [], []
    for n in range(count):
        nodes.append(helper.make_node("Conv", [f"v{n}", f"w{n}"], [f"c{n}"]))
        nodes.append(helper.make_node("Relu", [f"c{n}"], [f"v{n + 1}"]))
        weights.append(onnx.numpy_helper.from_array(np.ones((2, 2, 1, 1), np.float32), f"w{n}"))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("v0", 1, ("N", 2, 4, 4))], [value(f"v{count}", 1, None)], weights
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_the_summary_of_a_file() -> None:
    """A row a node, by the name of its output where it has none; many are abridged."""
    short = load(chain(2)).summary()
    assert [(row.name, row.kind, row.parameters) for row in short.rows] == [
        ("c0", "Conv", 4), ("v1", "Relu", 0), ("c1", "Conv", 4), ("v2", "Relu", 0),
    ]  # fmt: skip
    assert short.rows[0].output == (1, 2, 4, 4)
    assert sum(row.multiply_adds for row in short.rows) == short.multiply_adds == 2 * 64
    long = load(chain(60)).summary((3, 2, 4, 4))
    lines = str(long).splitlines()
    assert len(long.rows) == 120
    assert len(lines) == 62
    assert lines[1].split()[:3] == ["c0", "Conv,", "Relu"]
    assert lines[-1].split() == ["total", "240", f"{60 * 3 * 64:,}"]
    nested = nn.Sequential(load(chain(2)), nn.Flatten(), nn.Linear(32, 3)).summary((1, 2, 4, 4))
    assert [row.name for row in nested.rows] == ["0.c0", "0.v1", "0.c1", "0.v2", "1", "2"]
    assert [row.parameters for row in nested.rows] == [4, 0, 4, 0, 0, 99]


def test_open_sizes_are_asked_for() -> None:
    """A summary without shapes is for files that say them."""
    model = chain(1)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "H"
    with pytest.raises(ac.errors.ArgumentError, match="sizes are open"):
        load(model).summary()


def test_reprs_are_short() -> None:
    """Of networks, arrays, programs, plans and graphs; printing a network shows all of it."""
    net = nn.networks.build("resnet-50", 3, (32, 32), 10)
    spec = Spec((1, 3, 32, 32))
    program = ac.compile(net, spec.shape)
    for each in (net, net.state_dict(), net.parameters(), program, net.traced(spec)):
        assert len(repr(each)) < 2000
    assert len(repr(program.plan())) < 3000
    nodes = f"{len(program.graph.nodes)} nodes"
    assert repr(program) == f"Compiled(float32 (1, 3, 32, 32) -> float32 (1, 10), {nodes})"
    assert "more lines; print() shows them all" in repr(net)
    assert len(str(net).splitlines()) > 150
    assert str(net.state_dict()).splitlines()[1].split() == [
        "conv1.weight", "float32", "(64,", "3,", "7,", "7)",
    ]  # fmt: skip
    few = nn.Linear(2, 1)
    assert repr(few.state_dict()) == repr(dict(few.state_dict()))
    assert len(repr(ac.onnx.InferenceSession(chain(40)))) < 400
