"""Every sliding-window function runs compiled, forward and backward, and nests to second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F

RNG = np.random.default_rng(0)
W, LOCAL = RNG.normal(size=(4, 3, 3, 2)), RNG.normal(size=(4, 3, 3, 2, 2, 3))
INDEX = F.max_pool2d(RNG.normal(size=(2, 3, 12, 14)), 2, return_indices=True)[1]
CALLS: dict[str, Callable[[Any], Any]] = {
    "reflect": lambda x: F.conv2d(x, W.astype(x.dtype), padding=2, padding_mode="reflect"),
    "replicate": lambda x: F.conv2d(x, W.astype(x.dtype), padding=2, padding_mode="replicate"),
    "circular": lambda x: F.conv2d(x, W.astype(x.dtype), padding=2, padding_mode="circular"),
    "pad": lambda x: F.pad(x, (2, -1, 3, 1), "reflect"),
    "local transpose": lambda x: F.locally_connected_transpose2d(
        x[:, :, :2, :3], LOCAL.transpose(1, 0, 2, 3, 4, 5).astype(x.dtype), stride=2, padding=1
    ),
    "max": lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True, return_indices=True)[0],
    "unpool": lambda x: F.max_unpool2d(x, INDEX, 2),
    "average": lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
    "divisor": lambda x: F.avg_pool2d(x, 3, 2, 1, divisor_override=5),
    "norm": lambda x: F.lp_pool2d(x, 2, 3, 2),
    "norm 3": lambda x: F.lp_pool2d(x * x + 1.0, 3, 2),
    "norm inf": lambda x: F.lp_pool2d(x, np.inf, 2),
    "adaptive mean": lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
    "adaptive max": lambda x: F.adaptive_max_pool2d(x, (4, 3)),
    "unfold": lambda x: F.unfold(x, (3, 2), (1, 2), 1, 2),
    "fold": lambda x: F.fold(F.unfold(x, 2), (6, 7), 2),
}
SHAPE = (2, 3, 6, 7)
each_call = pytest.mark.parametrize("name", CALLS)


def squares(name: str) -> Callable[[Any], Any]:
    """A scalar whose gradient depends on x: the sum of squares of what a function gives."""
    return lambda x: (CALLS[name](x) * CALLS[name](x)).sum()


@each_call
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_runs_by_definition(name: str, dtype: str) -> None:
    """No step of the program or of its gradient's is a definition; numbers are those of eager."""
    x = RNG.normal(size=SHAPE).astype(dtype)
    for f in (CALLS[name], ac.grad(squares(name))):
        program = ac.compile(f, SHAPE, dtype=dtype, exact=True)
        assert "BY DEFINITION" not in str(program.plan())
        assert np.array_equal(program(x), f(x))


@each_call
def test_second_order(name: str) -> None:
    """First and second derivatives along random directions equal central differences."""
    rng = np.random.default_rng(1)
    x = rng.permutation(np.prod(SHAPE)).reshape(SHAPE) / 16.0 - 7.9  # apart: no ties within reach
    u, v, h = rng.normal(size=SHAPE), rng.normal(size=SHAPE), 1e-5
    f = squares(name)
    first = ac.grad(f)
    along = float((first(x) * u).sum())
    scale = max(1.0, abs(along), abs(float(f(x))))
    difference = (float(f(x + h * u)) - float(f(x - h * u))) / (2 * h)
    assert abs(along - difference) <= 1e-6 * scale
    second = ac.grad(lambda x: (first(x) * u).sum())
    along = float((second(x) * v).sum())
    difference = float(((first(x + h * v) - first(x - h * v)) * u).sum()) / (2 * h)
    scale = max(1.0, abs(along), float(np.abs(first(x)).max()))
    assert abs(along - difference) <= 1e-6 * scale
