"""`ac.compile`: what is kept, and where results go."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import allconv as ac
from allconv.errors import ArgumentError, ShapeError

X = np.arange(6, dtype=np.float32).reshape(2, 3)
MASKED = np.ma.masked_array(np.zeros((2, 3), np.float32), mask=np.eye(2, 3, dtype=bool))


def test_arrays_that_a_function_holds_are_copied() -> None:
    """Writing into an array that the function closed over changes no later result."""
    held = np.ones(3, np.float32)
    program = ac.compile(lambda x: x + held, (2, 3))
    held[:] = 7
    np.testing.assert_array_equal(program(X), X + 1)


def test_out_receives_the_result_in_any_layout() -> None:
    """Transposed, byte-swapped and misaligned arrays are filled, and returned."""
    program = ac.compile(lambda x: x * 2.0, (2, 3))
    misaligned = np.zeros(25, np.uint8)[1:].view(np.float32).reshape(2, 3)
    for out in (np.zeros((3, 2), np.float32).T, np.zeros((2, 3), ">f4"), misaligned):
        assert program(X, out=out) is out
        np.testing.assert_array_equal(out, 2 * X)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ([0.0], ArgumentError, "out is list; a NumPy array is expected"),
        (np.zeros((2, 3)), ShapeError, r"out is float64 \(2, 3\); a writable float32"),
        (np.zeros((3, 2), np.float32), ShapeError, r"out is float32 \(3, 2\)"),
        (np.broadcast_to(np.zeros(3, np.float32), (2, 3)), ShapeError, "a writable float32"),
        (as_strided(np.zeros(4, np.float32), (2, 3), (4, 4)), ArgumentError, "out has the strides"),
        (X, ArgumentError, "out shares memory with an input"),
        (X[::-1], ArgumentError, "out shares memory with an input"),
        (MASKED, ArgumentError, "masked"),
    ],
    ids=["list", "dtype", "shape", "read-only", "shared", "input", "input reversed", "masked"],
)
def test_what_cannot_be_out(out: object, error: type[Exception], message: str) -> None:
    """Nothing is written where a result does not fit, or where it would overwrite an input."""
    program = ac.compile(lambda x: x * 2.0, (2, 3))
    with pytest.raises(error, match=message):
        program(X, out=out)


def test_masked_arrays_are_refused() -> None:
    """As an operand: what is masked is no number."""
    with pytest.raises(ArgumentError, match="masked"):
        ac.compile(lambda x: x * 2.0, (2, 3))(MASKED)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16"])
def test_constants_of_one_and_two_bytes_as_results(dtype: str) -> None:
    """No kernel moves them, and they are results like others."""
    held = np.arange(6).reshape(2, 3).astype(dtype)
    program = ac.compile(lambda x: (x + 1.0, held, held), (3,))
    for _ in range(2):
        y, first, second = program(np.ones(3, np.float32))
        np.testing.assert_array_equal(y, [2, 2, 2])
        assert first.dtype == second.dtype == dtype
        np.testing.assert_array_equal(first, held)
        np.testing.assert_array_equal(second, held)
