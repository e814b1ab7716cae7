"""Kernels of listed cells and of flat indices against the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.operators.base import Array, Operator, Spec
from allconv.operators.index import FlatIndex, ReadAt, WriteAt
from allconv.operators.sum_cells import SumCells
from allconv.trace import trace
from tiers import slow

from .comparing import channels_last

DTYPES = ("float32", "float64")


def compare(operator: Operator, *arrays: Array) -> None:
    """Programs on 1, 2 and 3 threads, of row-major and channels-last arrays: the definition."""
    graph = trace(lambda *x: operator(*x), *map(Spec.of, arrays)).graph
    wanted = operator.define(*arrays)
    for last in (False, True):
        given = [channels_last(x) if last else x for x in arrays]
        for threads in (1, 2, 3):
            program = Program(graph, threads=threads)
            assert not any(isinstance(step, DefinitionStep) for step in program.steps())
            for y, want in zip(program(*given), wanted, strict=True):
                assert y.dtype == want.dtype
                np.testing.assert_array_equal(y, want)


@settings(deadline=None, max_examples=40)
@given(st.data(), st.sampled_from(DTYPES))
def test_listed_cells(data: st.DataObject, dtype: str) -> None:
    """Sums over lists of any length along any axis, and their transpose."""
    shape = tuple(data.draw(st.lists(st.integers(1, 19), min_size=1, max_size=4)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    lists = st.lists(st.integers(0, shape[axis] - 1), max_size=4).map(tuple)
    cells = tuple(data.draw(st.lists(lists, min_size=1, max_size=20)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    operator = SumCells(axis, shape[axis], cells)
    compare(operator, rng.integers(-9, 10, shape).astype(dtype))
    (back,) = operator.infer(Spec(shape, dtype))
    compare(operator.transposed(), rng.integers(-9, 10, back.shape).astype(dtype))


@slow
@settings(deadline=None, max_examples=40)
@given(st.data(), st.sampled_from(DTYPES))
def test_values_at_indices(data: st.DataObject, dtype: str) -> None:
    """Written and read, with indices that repeat and indices outside."""
    lead = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 19)))
    image = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    shape = (*lead, *(data.draw(st.integers(1, 5)) for _ in image))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    index = rng.integers(-3, np.prod(image) + 3, shape)
    index.flat[0] = data.draw(st.sampled_from([2**62, -(2**63), 0]))
    compare(WriteAt(image), rng.integers(-9, 10, shape).astype(dtype), index)
    compare(ReadAt(image), rng.integers(-9, 10, (*lead, *image)).astype(dtype), index)


@slow
@settings(deadline=None, max_examples=30)
@given(st.data())
def test_indices_of_taps(data: st.DataObject) -> None:
    """Taps of windows with any starts, numbers that are no taps among them."""
    lead = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 19)))
    image, kernel, dilation = (
        tuple(data.draw(st.integers(1, 4)) for _ in range(2)) for _ in range(3)
    )
    starts = tuple(
        tuple(data.draw(st.lists(st.integers(-3, 9), min_size=1, max_size=6))) for _ in range(2)
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    tap = rng.integers(-2, np.prod(kernel) + 2, (*lead, *map(len, starts)), dtype=np.int32)
    tap.flat[0] = data.draw(st.sampled_from([2**31 - 1, -(2**31), 0]))
    compare(FlatIndex(image, kernel, dilation, starts), tap)


@pytest.mark.parametrize("dtype", DTYPES)
def test_not_finite(dtype: str) -> None:
    """NaN and infinities move like other numbers and spread nowhere."""
    x = np.array([[[np.nan, np.inf, 1.0, -np.inf]]], dtype)
    compare(SumCells(2, 4, ((0,), (), (1, 2), (3, 1), (2,))), x)
    index = np.array([[[0, 1, 3, 3]]])
    compare(WriteAt((4,)), x, index)
    compare(ReadAt((4,)), x, index)
