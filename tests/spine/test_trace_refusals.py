"""What cannot be recorded is refused, by the name that the user wrote."""

from __future__ import annotations

import math

import numpy as np
import pytest

from allconv.errors import ArgumentError, Error, TraceError
from allconv.operators.base import Spec
from allconv.operators.pointwise import Add
from allconv.trace import trace

MATRIX = Spec((2, 3), "float64")
X = np.array([[1.0, 2.0, 4.0], [-0.5, 8.0, 0.25]])

REFUSED = {
    "np.asarray": np.asarray,
    "if, and, or, not": lambda x: x and 1.0,
    "float()": float,
    "float() ": math.sqrt,
    "int()": int,
    "an index or range()": range,
    "complex()": complex,
    "<": lambda x: x < 1,
    "<=": lambda x: x <= 1,
    ">": lambda x: x > 1,
    ">=": lambda x: x >= 1,
    "==": lambda x: x == 0,
    "== ": lambda x: x == np.float64(0),
    "==  ": lambda x: x == X,
    "np.not_equal": lambda x: np.not_equal(X, x),
    "%": lambda x: x % 2,
    "//": lambda x: x // 2,
    "&": lambda x: x & x,
    "|": lambda x: x | x,
    "~": lambda x: ~x,
    ".flatten": lambda x: x.flatten(),
    ".item": lambda x: x.item(),
    ".copy": lambda x: x.copy(),
    "np.where": lambda x: np.where(x, x, x),
    "np.add": lambda x: np.add(x, 1.0, out=np.zeros(3)),
    "np.add ": lambda x: np.add.reduce(x),
    "np.add  ": lambda x: X.copy().__iadd__(x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """What needs the numbers is refused by the name that the user wrote, with what would do."""
    with pytest.raises(TraceError) as caught:
        trace(REFUSED[name], MATRIX)
    assert str(caught.value).startswith(f"{name.strip()} needs the numbers of a value")
    assert "NumPy functions recorded here: absolute, add, amax" in str(caught.value)


OTHERWISE_REFUSED = {
    "index True": lambda x: x[True],
    "whole numbers, slices and ...": lambda x: x[[0, 1]],
    "index None": lambda x: x[None],
    "does not fit": lambda x: x[0, 0, 0],
    "does not fit ": lambda x: x[..., ...],
    "index 2 is outside an axis of 2": lambda x: x[2],
    "index -3 is outside": lambda x: x[-3],
    r"x \*\* True": lambda x: x**True,
    "written into": lambda x: x.__setitem__(0, 1.0),
    "an array or a number is expected, got str": lambda x: x + "a",
    "got list": lambda x: x * [1.0, 2.0, 3.0],
    "got complex": lambda x: x * 1j,
    "got complex64": lambda x: Add()(x, np.complex64(1)),
    r"np.sum of a traced value: .*'dtype'": lambda x: np.sum(x, dtype=int),
    "one size can be -1": lambda x: x.reshape(-1, -1),
    "holds 6 values": lambda x: x.reshape(4, -1),
    r"@ takes .*M, K": lambda x: x @ X,
    r"@ takes .*\(3,\) and \(2, 3\)": lambda x: np.ones(3) @ x,
    r"axis is 2; the shape is \(2, 3\)": lambda x: x.sum(2),
    "axis is -3; the shape": lambda x: x.mean(-3),
    r"axis is \('a',\)": lambda x: x.sum(("a",)),
    "reshape to .* whole numbers are expected": lambda x: x.reshape("ab"),
    "reshape to .* whole numbers are expected ": lambda x: x.reshape(2, 3.0),
    "dtype is 'foo'; float32 or": lambda x: x.astype("foo"),
    "slice step cannot be zero": lambda x: x[::0],
    "slice indices must be": lambda x: x[0:1.5],
    "a masked array meets": lambda x: x + np.ma.array(np.ones((2, 3)), mask=np.eye(2, 3)),
    r"\(2, 3\) and \(2,\) do not broadcast": lambda x: x + np.ones(2),
    "not int64; use .astype": lambda x: x + np.ones((2, 3), np.int64),
    "complex128 is not computed here": lambda x: x + np.ones((2, 3), complex),
    "dtype is float16; float32 or float64": lambda x: x.astype(np.float16),
    "without axes": lambda x: len(x.sum()),
    "returned None": lambda x: None,
}


@pytest.mark.parametrize("message", OTHERWISE_REFUSED)
def test_otherwise_refused(message: str) -> None:
    """What has no recorded form is refused in a sentence that says what was given."""
    with pytest.raises((Error, TypeError), match=message.strip()):
        trace(OTHERWISE_REFUSED[message], MATRIX)


def test_what_is_no_function_is_named() -> None:
    """A number in the place of a function."""
    with pytest.raises(ArgumentError, match="a function or a network is expected, got int"):
        trace(3, MATRIX)
