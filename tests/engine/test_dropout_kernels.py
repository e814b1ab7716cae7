"""The dropout kernel against its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.engine.target import VARIABLE, names
from allconv.operators.base import Spec
from allconv.operators.dropout import Dropout
from allconv.trace import trace

from .comparing import channels_last

Array = NDArray[Any]


def run(operator: Dropout, x: Array, key: Array, threads: int | None = None) -> tuple[Array, Array]:
    """What a program gives and what the definition gives."""
    graph = trace(operator, Spec.of(x), Spec.of(key)).graph
    program = Program(graph, threads=threads)
    (result,) = program(x, key)
    assert all(isinstance(step, KernelStep) for step in program.steps())
    return result, graph.run(x, key)[0]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.sampled_from(("float32", "float64")),
    st.booleans(),
    st.floats(0, 0.999),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**32 - 1),
)
def test_equals_the_definition(
    shape: list[int], dtype: str, last: bool, p: float, seed: int, step: int, layer: int
) -> None:
    """The same elements are kept, and each has the same bits, in either layout."""
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    key = np.array([seed, step], np.int64)
    result, expected = run(Dropout(p, layer), channels_last(x) if last else x, key)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("shape", [(8192,), (3, 4097), (5, 40, 11, 13), (2, 3, 70, 71)])
@pytest.mark.parametrize("target", names())
def test_chunks_and_threads(
    shape: tuple[int, ...], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several chunks and vectors, on 1, 2 and 3 threads and every target."""
    monkeypatch.setenv(VARIABLE, target)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    key = np.array([7, 2**40 + 3], np.int64)
    for threads in (1, 2, 3):
        for operand in (x, channels_last(x)):
            result, expected = run(Dropout(0.3, 5), operand, key, threads)
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("p", [0.0, 0.25, 1 - 1e-12])
def test_the_share_that_is_kept(p: float) -> None:
    """Everything is kept where p is 0, nothing where it is nearly 1, else about 1 - p."""
    x = np.ones(40_000, np.float32)
    result, expected = run(Dropout(p), x, np.array([1, 0], np.int64))
    np.testing.assert_array_equal(result, expected)
    assert abs(np.mean(result != 0) - (1 - p)) < 0.01


def test_the_key_is_read_when_it_runs() -> None:
    """Another step gives another mask from the same program; the same key gives the same."""
    x = np.ones((2, 3, 8, 8), np.float32)
    graph = trace(Dropout(0.5), Spec.of(x), Spec((2,), "int64")).graph
    program = Program(graph)
    masks = [program(x, np.array(key, np.int64))[0] for key in ([1, 0], [1, 1], [2, 0], [1, 0])]
    np.testing.assert_array_equal(masks[0], masks[3])
    assert not np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])


def test_a_key_that_is_a_view_is_read() -> None:
    """The key may be every other element of an array."""
    x = np.ones(100, np.float32)
    keys = np.array([1, 5, 2, 6], np.int64)
    graph = trace(lambda x, k: Dropout(0.5)(x, k[1::2]), Spec.of(x), Spec.of(keys)).graph
    (result,) = Program(graph)(x, keys)
    np.testing.assert_array_equal(result, run(Dropout(0.5), x, keys[1::2].copy())[1])


def test_not_a_number_stays_or_is_dropped() -> None:
    """What is dropped is 0 even where it was NaN; what is kept stays NaN."""
    x = np.full(100, np.nan, np.float32)
    result, expected = run(Dropout(0.5), x, np.array([1, 0], np.int64))
    np.testing.assert_array_equal(result, expected)
    assert 0 < np.isnan(result).sum() < 100


@pytest.mark.parametrize("shape", [(0,), (0, 3, 4, 4)])
def test_empty(shape: tuple[int, ...]) -> None:
    """No elements, no mask."""
    result, expected = run(Dropout(0.5), np.zeros(shape, np.float32), np.array([1, 0], np.int64))
    assert result.shape == expected.shape == shape
