"""A correlation that ends a program writes row-major order itself; no step turns its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allconv import functional as F
from allconv.engine.program import Program
from allconv.operators.base import Spec
from allconv.trace import trace

from .comparing import channels_last

X, W, V = (2, 40, 17, 19), (24, 40, 3, 3), (24, 40, 1, 1)


def one_step(x: Any, w: Any, v: Any) -> Any:
    return F.relu(F.conv2d(x, v))


def winograd(x: Any, w: Any, v: Any) -> Any:
    return F.relu(F.conv2d(x, w, padding=1))


def strided(x: Any, w: Any, v: Any) -> Any:
    return F.conv2d(x, w, stride=2, padding=1)


def residual(x: Any, w: Any, v: Any) -> Any:
    """What is added lies with its channels last, and so does the result."""
    return F.conv2d(x, v) + F.conv2d(x, v * 2.0)


def read_again(x: Any, w: Any, v: Any) -> Any:
    """Who reads a result on wants its channels last."""
    y = F.conv2d(x, v)
    return y, F.max_pool2d(y, 2)


TURNED: dict[Callable[..., Any], list[str]] = {
    one_step: [],
    winograd: [],
    strided: [],
    residual: ["Transpose"],
    read_again: ["Pool", "Transpose"],
}
"""What runs beside correlations."""


@pytest.mark.parametrize("function", TURNED)
def test_which_steps_there_are(function: Callable[..., Any]) -> None:
    """On images in row-major order; the numbers are those of the definition."""
    draw = np.random.default_rng(0)
    x, w, v = (draw.integers(-3, 4, shape).astype(np.float32) for shape in (X, W, V))
    graph = trace(function, Spec(X), Spec(W), Spec(V)).graph
    program = Program(graph)
    for got, wanted in zip(program(x, w, v), graph.run(x, w, v), strict=True):
        assert got.flags.c_contiguous
        np.testing.assert_allclose(got, wanted, 1e-4, 1e-3)
    names = [type(step.kernel).__name__ for step in program.steps()]
    assert sorted(set(names) & {"Transpose", "Pool"}) == TURNED[function], program.plan()


@pytest.mark.parametrize("outputs", [1, 7, 8, 9, 16, 17, 33])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layouts_change_no_bit(outputs: int, kernel: int, dtype: str) -> None:
    """Rows of any length, blocks of channels that are full or not, several images and groups."""
    draw = np.random.default_rng([outputs, kernel])
    for groups, height, width in ((1, 1, 3), (2, 5, 8), (1, 17, 17), (3, 4, 33)):
        x = draw.standard_normal((2, 9 * groups, height, width)).astype(dtype)
        w = draw.standard_normal((outputs * groups, 9, kernel, kernel)).astype(dtype)
        b = draw.standard_normal(outputs * groups).astype(dtype)
        rows, last = (
            F.conv2d(each, w, b, padding=kernel // 2, groups=groups)
            for each in (x, channels_last(x))
        )
        assert rows.flags.c_contiguous
        np.testing.assert_array_equal(rows, last)
