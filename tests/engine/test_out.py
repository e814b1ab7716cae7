"""What a compiled program takes and writes into: arrays of its own cells, without masks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import allconv as ac
from allconv.errors import ArgumentError, ShapeError


@pytest.fixture
def double():
    return ac.compile(lambda x: x * 2.0, (2, 3))


def test_out_receives_the_result(double):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for out in (np.empty((2, 3), np.float32), np.empty((3, 2), np.float32).T):
        assert double(x, out=out) is out
        np.testing.assert_array_equal(out, 2 * x)


def test_out_whose_cells_share_memory_is_refused(double):
    out = as_strided(np.zeros(4, np.float32), (2, 3), (4, 4))
    with pytest.raises(ArgumentError, match="out has the strides"):
        double(np.zeros((2, 3), np.float32), out=out)


def test_out_in_an_input_is_refused(double):
    x = np.zeros((2, 3), np.float32)
    for out in (x, x[::-1]):
        with pytest.raises(ArgumentError, match="out shares memory with an input"):
            double(x, out=out)


def test_out_of_another_kind_is_refused(double):
    x = np.zeros((2, 3), np.float32)
    fixed = np.empty((2, 3), np.float32)
    fixed.setflags(write=False)
    for out in (fixed, np.empty((3, 2), np.float32), np.empty((2, 3))):
        with pytest.raises(ShapeError, match="a writable"):
            double(x, out=out)
    with pytest.raises(ArgumentError, match="out is list"):
        double(x, out=[0] * 6)


def test_masked_arrays_are_refused(double):
    masked = np.ma.masked_array(np.zeros((2, 3), np.float32), mask=np.eye(2, 3, dtype=bool))
    with pytest.raises(ArgumentError, match="masked"):
        double(masked)
    with pytest.raises(ArgumentError, match="masked"):
        double(np.zeros((2, 3), np.float32), out=masked)
