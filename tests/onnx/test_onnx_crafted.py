"""Crafted files by the hundred, each read, refused or run; and what mutated ones have found."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from onnx_hostile_crafted import THEMES
from onnx_hostile_models import chain, ints, node
from test_onnx_hostile_draws import run_small

import allconv as ac
from allconv.errors import Error, UnsupportedError
from allconv.onnx import load
from allconv.operators.elementary import Truth
from allconv.text import printable
from allconv.trace import record
from onnx import helper, numpy_helper

LEAST = {"sizes": 170, "windows": 250, "constants": 120, "texts": 99, "indices": 60}


def outcome(model: Any) -> str:
    """What becomes of a model: "ran", "loaded", or the name of an error of ours on one line."""
    try:
        return run_small(load(model))
    except Error as error:
        told = str(error)
        assert told == printable(told)
        assert len(told) < 1200
        return type(error).__name__


@pytest.mark.parametrize("theme", THEMES)
def test_crafted_files(theme: str) -> None:
    """Whatever a file asks for, it is a network or one error, soon."""
    counts: Counter[str] = Counter()
    for name, make in THEMES[theme]():
        try:
            counts[outcome(make())] += 1
        except Exception as error:
            pytest.fail(f"{name}: {type(error).__name__}: {error}")
    print(f"{counts.total()} crafted files of {theme}: {dict(counts)}")
    assert counts.total() >= LEAST.get(theme, 10)
    assert counts["ran"] + counts["loaded"] < counts.total()


def test_sums_of_three() -> None:
    """An Add of three operands behind a layer is refused as what it is."""
    made = chain(
        helper.make_node("Conv", ["x", "w"], ["c"]),
        node("Add", "c", "x", "x"),
        arrays={"w": np.ones((2, 2, 1, 1), "f")},
    )
    made.producer_name = "other"
    with pytest.raises(UnsupportedError, match=r"Add, domain ai\.onnx, opset 21: it has 3 inputs"):
        load(made)


def test_nodes_that_make_nothing() -> None:
    """A node without results is refused by name, a constant and a layer alike."""
    weights = numpy_helper.from_array(np.ones((2, 2, 1, 1), "f"))
    for broken in (
        helper.make_node("Constant", [], [], value=weights),
        helper.make_node("Conv", ["x", "w"], []),
    ):
        made = chain(node("Relu", "x"), broken, arrays={"w": np.ones((2, 2, 1, 1), "f")})
        with pytest.raises(UnsupportedError, match="it has 0 outputs"):
            load(made)


def test_one_hot_of_floats() -> None:
    """Indices that are floats are cast to whole numbers, towards 0."""
    indices = np.array([0.9, -1.5, 2.25, 7, np.nan], "f")
    made = chain(
        node("OneHot", "i", "d", "v"),
        helper.make_node("Relu", ["x"], ["z"]),
        arrays={"i": indices, "d": ints(4), "v": np.array([0, 1], "f")},
    )
    made.graph.output.add(name="z")
    y, _ = load(made)(np.zeros((1, 2, 3, 3), "f"))
    np.testing.assert_array_equal(
        y, [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    )


def test_truth_values_twice() -> None:
    """A result of truth values that is returned twice is two arrays."""
    program = ac.compile(lambda x: (record(Truth(), x),) * 2, (3,))
    for given in program(np.array([1, -1, 0], "f")):
        assert given.dtype == np.bool_
        assert given.tolist() == [True, False, False]
