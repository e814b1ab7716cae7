"""Operators that only move values, where their kernels have something of their own to get wrong."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.engine.plan import KernelStep
from allconv.engine.program import Program
from allconv.operators.base import Spec
from allconv.trace import trace


@pytest.mark.parametrize(("shape", "to"), [((0, 3, 4), (0, 12)), ((2, 3, 0, 4), (0,))])
def test_empty_arrays_are_reshaped(shape: tuple[int, ...], to: tuple[int, ...]) -> None:
    """No elements fit any shape that has none: an empty batch of images is flattened."""
    for function in (lambda x: x.reshape(to), lambda x: x.T.reshape(to) * 2.0):
        program = Program(trace(function, Spec(shape)).graph)
        (result,) = program(np.zeros(shape, np.float32))
        assert result.shape == to


def test_copies_over_more_axes_than_the_kernel_has() -> None:
    """Nine axes that do not merge are copied in any order, forwards and backwards."""
    x = np.arange(512, dtype=np.float32).reshape((2,) * 9)
    backwards = (slice(None, None, -1),) * 4
    program = Program(trace(lambda x: (x.T, x.T[backwards]), Spec(x.shape)).graph)
    turned, flipped = program(x)
    assert all(isinstance(step, KernelStep) for step in program.steps()), program.plan()
    np.testing.assert_array_equal(turned, x.T)
    np.testing.assert_array_equal(flipped, x.T[backwards])
