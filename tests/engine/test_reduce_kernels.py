"""Sums against the definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from allconv.engine.kernels.runs import SumRuns
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.plan import Planner
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep, KernelStep
from allconv.engine.target import names
from allconv.operators.arrange import Slice, Transpose
from allconv.operators.base import Spec
from allconv.operators.reduce import Broadcast, Sum
from allconv.trace import trace

from .comparing import channels_last

Array = NDArray[Any]
DTYPES = ("float32", "float64")


def compare(function: Callable[..., Any], x: Array, *, tolerance: float = 0.0) -> None:
    """Assert that all layouts and thread counts give the definition's sums, in the same bits."""
    graph = trace(function, Spec.of(x)).graph
    (wanted,) = graph.run(x)
    for operand in (x, channels_last(x)):
        bits = set()
        for threads in (1, 2, 3):
            program = Program(graph, threads=threads)
            (result,) = program(operand)
            assert not any(isinstance(step, DefinitionStep) for step in program.steps())
            assert result.dtype == wanted.dtype
            np.testing.assert_allclose(result, wanted, rtol=0, atol=tolerance)
            bits.add(result.tobytes())
        assert len(bits) == 1


def small_integers(seed: int, shape: tuple[int, ...], dtype: str) -> Array:
    """Integers whose sums are exact."""
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(dtype)


@settings(deadline=None, max_examples=50)
@given(st.data(), st.sampled_from(DTYPES), st.booleans(), st.integers(0, 99))
def test_any_axes(data: st.DataObject, dtype: str, keep: bool, seed: int) -> None:
    """Every choice of axes of arrays of 0 to 5 axes."""
    sizes = st.sampled_from([1, 2, 3, 5, 8, 17, 33])
    shape = tuple(data.draw(st.lists(sizes, max_size=5).filter(lambda s: np.prod(s) < 20000)))
    axes = tuple(a for a in range(len(shape)) if data.draw(st.booleans()))
    compare(Sum(axes, keep), small_integers(seed, shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 16, 40, 64, 515])
def test_gradients_of_biases(dtype: str, channels: int) -> None:
    """Sums over all but the channels, in several blocks and several chunks."""
    compare(Sum((0, 2, 3)), small_integers(channels, (4, channels, 31, 23), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1,), (70001,), (300, 1001), (3, 2, 100, 301)])
def test_sums_of_everything(dtype: str, shape: tuple[int, ...]) -> None:
    """One number, joined from blocks of blocks."""
    compare(Sum(tuple(range(len(shape)))), small_integers(0, shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_blocks_are_joined_again(dtype: str) -> None:
    """More blocks than one join takes."""
    compare(Sum((0,)), small_integers(0, (1_200_000, 2), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (0, 2, 3), (1, 2, 3), (2,), (3,)])
def test_errors_stay_small(dtype: str, axes: tuple[int, ...]) -> None:
    """Random numbers, within 32 roundings of the sum of magnitudes."""
    x = np.random.default_rng(0).uniform(0, 1, (5, 19, 40, 41)).astype(dtype)
    size = x.sum(axes, dtype=np.float64).max()
    compare(Sum(axes), x, tolerance=32 * np.finfo(dtype).eps * size)


@pytest.mark.parametrize("dtype", DTYPES)
def test_views(dtype: str) -> None:
    """Slices, transposes, reversals and repeats are read as they lie, or copied."""
    x = small_integers(1, (4, 6, 8, 20), dtype)
    cut = Slice((0, 5, 1, 0), (2, -2, 3, 1), (2, 3, 2, 18))
    for axes in ((0, 2, 3), (1,), (3,), (0, 1, 2, 3)):
        compare(lambda x, axes=axes: Sum(axes)(cut(x)), x)
        compare(lambda x, axes=axes: Sum(axes)(Transpose((3, 0, 2, 1))(x)), x)
        compare(lambda x, axes=axes: Sum(axes)(Broadcast((4, 6, 8, 20))(Sum((1, 3), True)(x))), x)
    compare(lambda x: Sum((0, 1))(Broadcast((5, 7))(Sum((0, 1, 2, 3))(x))), x)


@pytest.mark.parametrize(
    "shape",
    [
        (1, 1, 4000, 4000),
        (64, 64, 224, 224),
        (3, 5000, 300, 300),
        (4, 16, 64, 256, 256),
        (2, 100_000_000),
        (100_000_000,),
        (4096, 25088),
        (1, 7, 1_000_003, 3),
    ],
)
def test_few_steps_of_short_chunks(shape: tuple[int, ...]) -> None:
    """At most four steps of sums, none of whose chunks adds more than some million numbers."""
    for number in range(1, 2 ** len(shape)):
        axes = tuple(axis for axis in range(len(shape)) if number >> axis & 1)
        if all(shape[axis] == 1 for axis in axes):
            continue
        graph = trace(Sum(axes), Spec(shape, "float32")).graph
        for layout in ("rows", "last"):
            steps = [
                s
                for s in Planner(LOWERINGS, graph, (layout,)).run().steps
                if isinstance(s, KernelStep)
            ]
            sums = [step for step in steps if isinstance(step.kernel, SumRuns)]
            assert 1 <= len(sums) <= 4
            assert np.prod(shape) / sums[0].chunks < 5_000_000
            assert all(1 <= step.chunks <= sums[0].chunks for step in sums)


@pytest.mark.parametrize("keep", [False, True])
def test_sums_of_nothing_are_zero(keep: bool) -> None:
    """An empty batch has gradients of zeros."""
    x = np.zeros((0, 3, 4, 4), np.float32)
    (y,) = Program(trace(Sum((0, 2, 3), keep), Spec.of(x)).graph)(x)
    assert y.reshape(-1).tolist() == [0, 0, 0]
    (y,) = Program(trace(Sum((1, 2), keep), Spec.of(x)).graph)(x)
    assert y.size == 0


def test_infinities_and_nan_come_through() -> None:
    """inf - inf and NaN are NaN, and only in their own column."""
    x = np.ones((50, 5), np.float32)
    x[3, 1], x[40, 1], x[7, 2], x[9, 3] = np.inf, -np.inf, np.nan, np.inf
    compare(Sum((0,)), x)
    compare(Sum((1,)), x)


@pytest.mark.parametrize("name", names())
def test_every_target(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors of all widths give exact sums."""
    monkeypatch.setenv("ALLCONV_TARGET", name)
    for dtype in DTYPES:
        x = small_integers(2, (3, 21, 30, 37), dtype)
        for axes in ((0, 2, 3), (1,), (0, 1, 2, 3)):
            compare(Sum(axes), x)
