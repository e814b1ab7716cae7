"""A concatenation of channels is written in its parts, where what writes and reads them can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allconv import functional as F
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.operators.base import Spec
from allconv.trace import trace

X, W, V = (2, 5, 6, 7), (3, 5, 3, 3), (4, 5, 1, 1)


def conv(x: Any, w: Any) -> Any:
    return F.relu(F.conv2d(x, w, padding=(w.shape[2] - 1) // 2))


def fire(x: Any, w: Any, v: Any) -> Any:
    """Two convolutions side by side."""
    return np.concatenate([conv(x, w), conv(x, v)], 1)


def dense(x: Any, w: Any, v: Any) -> Any:
    """Each layer reads all before it."""
    first = np.concatenate([conv(x, v), conv(x, w)], 1)
    second = np.concatenate([first, conv(first[:, :5] + 1.0, w)], 1)
    return np.concatenate([second, conv(second[:, 2:7] * 2.0, v)], 1) - 1.0


def chain(x: Any, w: Any, v: Any) -> Any:
    """Concatenations within one another, with the operand's convolution read twice."""
    first = np.concatenate([conv(x, v), conv(x, w)], 1)
    return F.relu(np.concatenate([first, conv(conv(x, w[:, :5])[:, :1] + x, w)], 1))


def with_input(x: Any, w: Any, v: Any) -> Any:
    """An operand that nobody computes is copied."""
    return np.concatenate([x, conv(x, w)], 1)


def pooled(x: Any, w: Any, v: Any) -> Any:
    """A pooling reads contiguous pixels, so the convolution writes them apart."""
    y = conv(x, w)
    return np.concatenate([F.max_pool2d(y, 3, 1, 1), y, conv(x, v)], 1)


def twice(x: Any, w: Any, v: Any) -> Any:
    y = conv(x, w)
    return np.concatenate([y, y, conv(x, v)], 1)


def also_result(x: Any, w: Any, v: Any) -> Any:
    y = conv(x, w)
    return y, np.concatenate([y, conv(x, v)], 1)


def residual(x: Any, w: Any, v: Any) -> Any:
    """What is added lies as the result does, which is no part of another then."""
    y, z = conv(x, w * 2.0), conv(x, w + 1.0)
    return np.concatenate([F.conv2d(x, v), F.relu(F.conv2d(x, w, padding=1) + z), y], 1)


COPIES: dict[Callable[..., Any], int] = {
    fire: 0,
    with_input: 1,
    pooled: 2,
    twice: 2,
    also_result: 1,
    residual: 1,
}


def graph_of(function: Callable[..., Any]) -> Any:
    return trace(function, Spec(X), Spec(W), Spec(V)).graph


@pytest.mark.parametrize("function", COPIES)
def test_so_many_parts_are_copied(function: Callable[..., Any]) -> None:
    """The others are written at once."""
    steps = Program(graph_of(function)).steps()
    assert sum(step.what == "Concatenate" for step in steps) == COPIES[function]


@pytest.mark.parametrize("function", [*COPIES, dense, chain])
def test_equal_their_definitions(function: Callable[..., Any]) -> None:
    """In both layouts, into arrays that were full of something else."""
    draw = np.random.default_rng(4)
    arrays = [draw.integers(-3, 4, shape).astype(np.float32) for shape in (X, W, V)]
    graph = graph_of(function)
    program = Program(graph, exact=True)
    last = [np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) for x in arrays]
    for given in (arrays, last):
        out = [np.full_like(each, np.nan) for each in program(*given)]
        for got, expected in zip(program(*given, out=out), graph.run(*given), strict=True):
            np.testing.assert_array_equal(got, expected)
    assert not any(isinstance(step, DefinitionStep) for step in program.steps())
