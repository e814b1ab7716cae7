"""Random graphs, of several outputs and shared values, against their definition.

`HYPOTHESIS_PROFILE=deep pytest` draws fifty times as many, ALLCONV_GRAPHS=n any number.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from allconv.engine import program as program_module
from allconv.engine.kernels.direct import Direct
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep

from .comparing import planted
from .drawing import draw_graph

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
GRAPHS = int(os.environ.get("ALLCONV_GRAPHS", "3000" if DEEP else "60"))
GROUPS = 6  # of graphs, a test each

TOLERANCE = {"float32": 2e-4, "float64": 1e-10}  # of the largest number of an array


def in_memory(g, array):
    """The same numbers in channels-last, column-major, byte-swapped or plain memory."""
    kind = g.draw.random()
    if array.ndim > 2 and kind < 0.5:
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)
    if kind < 0.6:
        return array.copy("F")
    return array.astype(array.dtype.newbyteorder()) if kind < 0.65 else array.copy()


def check_value(g, value, got, want):
    """A result is what the definition gives: the same number, or close where it is no integer."""
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if value in g.exact:
        np.testing.assert_array_equal(got, want)
    else:
        scale = max(np.abs(want).max(initial=0), 1)
        assert (np.abs(got - want) <= TOLERANCE[g.dtype] * scale).all()


def check_graph(seed):
    """A drawn graph gives what its definition gives, the same bits whoever runs which chunk."""
    g, graph = draw_graph(seed)
    wanted = graph.run(*g.arrays)
    program = Program(graph, threads=2)
    moved = [in_memory(g, array) for array in g.arrays]
    plain, elsewhere = program(*g.arrays), program(*moved)
    for value, want, *results in zip(graph.outputs, wanted, plain, elsewhere, strict=True):
        for got in results:
            check_value(g, value, got, want)
    for array, other in zip(g.arrays, moved, strict=True):
        np.testing.assert_array_equal(array, other)  # no input is written
    steps = [s for each in program._prepared.values() for s in each.planner.steps]
    assert not [s.node.operator.name for s in steps if isinstance(s, DefinitionStep)]
    for threads in (1, 3):
        again = Program(graph, threads=threads)
        again.prepare()
        again.reorder(seed)
        for first, second in zip(plain, again(*g.arrays), strict=True):
            assert first.tobytes() == second.tobytes()


def check_graphs(seeds):
    """Check one graph after the other; an error names the graph."""
    for seed in seeds:
        try:
            check_graph(seed)
        except Exception as error:
            error.add_note(f"graph {seed}")
            raise


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_graphs_equal_their_definition(monkeypatch, group):
    """Integers by `==`, in every layout of memory, on several threads, in any order of chunks."""
    for least in ("LEAST_SHARED", "LEAST_WAKING"):  # small graphs wake the team too
        monkeypatch.setattr(program_module, least, 0.0)
    check_graphs(range(group, GRAPHS, GROUPS))


def test_the_drawing_is_worth_its_name():
    """The graphs of the ordinary run hold most operators, exact outputs and several of them."""
    drawn = [draw_graph(seed) for seed in range(60)]
    names = {node.operator.name for _, graph in drawn for node in graph.nodes}
    outputs = [value in g.exact for g, graph in drawn for value in graph.outputs]
    assert len(names) >= 30
    assert sum(outputs) >= len(outputs) / 3
    assert max(len(graph.outputs) for _, graph in drawn) >= 4


def test_a_planted_off_by_one_is_caught(monkeypatch):
    """The comparison above fails when convolutions leave out a tap."""
    planted(monkeypatch, Direct, "taps2", -1)
    with pytest.raises(AssertionError):
        check_graphs(range(GROUPS))
