"""Operators that only move values, where their kernels have something of their own to get wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.operators.base import Spec
from allconv.trace import trace

from .comparing import channels_last


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


@pytest.mark.parametrize(("of", "to"), [("float32", "float64"), ("float64", "float32")])
@pytest.mark.parametrize(
    "shape", [(), (1,), (5,), (2, 3, 5, 7), (3, 9000), (0, 4), (2, 3, 4, 5, 6)]
)
@pytest.mark.parametrize("last", [False, True])
def test_floats_of_the_other_width(of: str, to: str, shape: tuple[int, ...], last: bool) -> None:
    """Every element is rounded as NumPy rounds it, infinities and NaN too, in either layout."""
    draw = np.random.default_rng(0)
    x = np.asarray(draw.normal(size=shape) * 10.0 ** draw.integers(-50, 50, shape))
    odd = np.array([np.inf, -np.inf, np.nan, 1e300, -0.0, 1e-42])
    x.reshape(-1)[: odd.size] = odd[: x.size]
    with np.errstate(over="ignore"):
        x = x.astype(of)
    if last:
        x = channels_last(x)
    program = Program(trace(lambda x: x.astype(to), Spec(shape, of)).graph, threads=2)
    (result,) = program(x)
    assert all(isinstance(step, KernelStep) for step in program.steps()), program.plan()
    assert result.dtype == to
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(result, x.astype(to))
    np.testing.assert_array_equal(np.signbit(result), np.signbit(x))


def test_a_convolution_of_both_widths_runs_natively() -> None:
    """Images of one width meet weights of the other in one native call, forward and backward."""
    from allconv import functional as F
    from allconv import grad

    x = np.ones((1, 2, 5, 5), np.float32)
    w = np.ones((3, 2, 3, 3), np.float64)
    loss = grad(lambda x, w: F.conv2d(x, w, padding=1).sum(), argnums=(0, 1))
    program = Program(trace(loss, Spec.of(x), Spec.of(w)).graph)
    gx, gw = program(x, w)
    assert all(isinstance(step, KernelStep) for step in program.steps()), program.plan()
    assert (gx.dtype, gw.dtype) == (np.float32, np.float64)
    assert gx[0, 0, 2, 2] == 27
    assert gw[0, 0, 1, 1] == 25


@pytest.mark.parametrize("groups", [2, 3, 4, 8])
@pytest.mark.parametrize("shape", [(2, 24, 5, 7), (1, 24, 1, 1), (1, 48, 28, 28)])
@pytest.mark.parametrize("last", [False, True])
def test_channels_are_shuffled_in_one_copy(groups: int, shape: tuple[int, ...], last: bool) -> None:
    """Channels that lie innermost stay there; those of a row-major image lie as before."""
    n, channels, *pixels = shape

    def shuffle(x: Any) -> Any:
        parts = x.reshape((n, groups, channels // groups, *pixels))
        return parts.transpose((0, 2, 1, 3, 4)).reshape(shape)

    x = np.random.default_rng(4).standard_normal(shape).astype(np.float32)
    expected = shuffle(x)
    program = Program(trace(shuffle, Spec(shape)).graph)
    (result,) = program(channels_last(x) if last else x)
    np.testing.assert_array_equal(result, expected)
    if last and pixels != [1, 1]:
        assert len(program.steps()) == 1
