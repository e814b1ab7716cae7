"""What a call of a small program costs in Python: few calls, and addresses that are right."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allconv import compile as compile_
from allconv import functional as F
from allconv import nn
from allconv.engine.buffer import addresses_of

X = np.random.default_rng(5).standard_normal((1, 1, 16, 16)).astype(np.float32)
W = np.random.default_rng(6).standard_normal((8, 1, 5, 5)).astype(np.float32)


def calls_of(function: Callable[[], object]) -> int:
    """How many functions, of Python and of C, a call calls."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    function()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("threads", [1, 2])
def test_a_compiled_call_is_short(threads: int) -> None:
    """The lecture's layer, 16x16 to 8 of 12x12: a call is a few dozen functions."""
    compiled = compile_(nn.Conv2d(1, 8, 5).initialize(0), X.shape, threads=threads)
    out = np.empty((1, 8, 12, 12), np.float32)
    assert calls_of(lambda: compiled(X)) <= 45
    assert calls_of(lambda: compiled(X, out=out)) <= 65
    assert calls_of(lambda: F.conv2d(X, W)) <= 120


def test_addresses_of_arrays_of_every_kind() -> None:
    """Read-only, turned, empty, without axes: what NumPy says."""
    base = np.arange(24.0).reshape(2, 3, 4)
    still = np.ones(3, np.float32)
    still.flags.writeable = False
    kinds = [base, base[1:], base.T, base[:, ::-1], still, np.zeros((0, 3)), np.array(2.0)]
    for arrays in ([kinds[0]], [kinds[0], kinds[1]], kinds, []):
        assert addresses_of(arrays) == [array.ctypes.data for array in arrays]
    base.resize((4, 6), refcheck=False)  # nothing holds its memory
    assert base.shape == (4, 6)


def test_arrays_that_come_and_go_are_found() -> None:
    """Inputs and results that lie elsewhere at every call, outputs given and not, in any order."""
    compiled = compile_(nn.Conv2d(1, 8, 5).initialize(0), X.shape)
    expected = compiled(X)
    kept = []
    draw = np.random.default_rng(7)
    for _ in range(60):
        x = [X.copy(), X, np.asfortranarray(X), np.frombuffer(X.tobytes(), np.float32)][
            int(draw.integers(4))
        ].reshape(X.shape)
        out = np.empty_like(expected) if draw.integers(2) else None
        kept.append((x, compiled(x, out=out)))
        if draw.integers(2):
            del kept[: int(draw.integers(len(kept)))]
        assert all(np.array_equal(result, expected) for _, result in kept)
