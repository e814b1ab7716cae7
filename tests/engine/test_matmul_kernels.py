"""Products of many matrices: kernels against the definition, any layout and number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.engine.target import VARIABLE, names
from allconv.operators.base import Spec
from allconv.trace import trace

SHAPES = [
    ((3, 4, 5), (3, 5, 6)),
    ((2, 1, 7, 9), (3, 9, 40)),
    ((5,), (2, 5, 3)),
    ((2, 3, 5), (5,)),
    ((2, 0, 3), (2, 3, 4)),
    ((2, 3, 0), (2, 0, 4)),
    ((4,), (4,)),
    ((2, 3, 4), (4, 0)),
    ((7, 33), (2, 33, 65)),
    ((2, 2, 13, 17), (1, 2, 17, 1)),
    ((40, 2, 3), (40, 3, 2)),
]


def product(a, b, threads=None):
    """The product by a program without a step that runs by definition."""
    program = Program(trace(lambda a, b: a @ b, Spec.of(a), Spec.of(b)).graph, threads=threads)
    assert not any(isinstance(step, DefinitionStep) for step in program.steps())
    return program(a, b)[0]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_numbers(dtype, name, monkeypatch):
    """Bit for bit what NumPy gives."""
    monkeypatch.setenv(VARIABLE, name)
    draw = np.random.default_rng(0)
    for left, right in SHAPES:
        a, b = (draw.integers(-4, 5, shape).astype(dtype) for shape in (left, right))
        np.testing.assert_array_equal(product(a, b), a @ b, f"{left} {right}")


def test_the_same_bits_in_any_layout_and_number_of_threads():
    """Transposed operands, and chunks that are shared out."""
    draw = np.random.default_rng(0)
    a, b = (draw.normal(size=shape).astype(np.float32) for shape in ((6, 70, 90), (6, 90, 50)))
    wanted = product(a, b, 1)
    np.testing.assert_allclose(wanted, a @ b, atol=1e-4)
    for threads in (1, 2, 5):
        np.testing.assert_array_equal(product(a, b, threads), wanted)
    turned = (a.transpose(0, 2, 1).copy(), b.transpose(0, 2, 1).copy())
    graph = trace(
        lambda a, b: a.transpose((0, 2, 1)) @ b.transpose((0, 2, 1)), *map(Spec.of, turned)
    ).graph
    np.testing.assert_array_equal(Program(graph)(*turned)[0], wanted)


def test_what_is_not_finite_stays_in_its_rows_and_columns():
    """NaN and infinities reach what they are a factor of, and nothing beside it."""
    a, b = np.ones((2, 7, 3), np.float32), np.ones((2, 3, 19), np.float32)
    a[0, 6, 1], b[1, 0, 18] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        wanted = a @ b
    np.testing.assert_array_equal(product(a, b), wanted)
