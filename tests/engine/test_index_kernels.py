"""Kernels of listed cells and of flat indices against the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allconv.operators.base import Spec
from allconv.operators.index import FlatIndex, ReadAt, WriteAt
from allconv.operators.sum_cells import SumCells
from tiers import slow

from .comparing import check_kernels

DTYPES = ("float32", "float64")


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
    check_kernels(operator, rng.integers(-9, 10, shape).astype(dtype))
    (back,) = operator.infer(Spec(shape, dtype))
    check_kernels(operator.transposed(), rng.integers(-9, 10, back.shape).astype(dtype))


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
    check_kernels(WriteAt(image), rng.integers(-9, 10, shape).astype(dtype), index)
    check_kernels(ReadAt(image), rng.integers(-9, 10, (*lead, *image)).astype(dtype), index)


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
    check_kernels(FlatIndex(image, kernel, dilation, starts), tap)


@pytest.mark.parametrize("dtype", DTYPES)
def test_not_finite(dtype: str) -> None:
    """NaN and infinities move like other numbers and spread nowhere."""
    x = np.array([[[np.nan, np.inf, 1.0, -np.inf]]], dtype)
    check_kernels(SumCells(2, 4, ((0,), (), (1, 2), (3, 1), (2,))), x)
    index = np.array([[[0, 1, 3, 3]]])
    check_kernels(WriteAt((4,)), x, index)
    check_kernels(ReadAt((4,)), x, index)
