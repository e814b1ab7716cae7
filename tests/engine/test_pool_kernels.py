"""Pooling kernels against the definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from allconv.engine.lowerings import LOWERINGS
from allconv.engine.plan import Planner
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.engine.target import names, restricted
from allconv.errors import ShapeError
from allconv.operators.base import Spec
from allconv.operators.pool import (
    AveragePool,
    AveragePoolTranspose,
    GatherWindow,
    MaxPool,
    ScatterWindow,
)
from allconv.trace import trace
from allconv.window import Window
from tiers import slow

from .comparing import channels_last

Array = NDArray[Any]
DTYPES = ("float32", "float64")


def compare(function: Callable[..., Any], *arrays: Array, exact: bool = True) -> None:
    """Assert that programs on 1, 2 and 3 threads and both layouts give what definitions give."""
    graph = trace(function, *map(Spec.of, arrays)).graph
    expected = graph.run(*arrays)
    for last in (False, True):
        given = [channels_last(x) if last else x for x in arrays]
        for threads in (1, 2, 3):
            program = Program(graph, threads=threads)
            results = program(*given)
            assert not any(isinstance(step, DefinitionStep) for step in program.steps())
            for result, wanted in zip(results, expected, strict=True):
                assert result.dtype == wanted.dtype
                if exact:
                    np.testing.assert_array_equal(result, wanted)
                else:
                    error = 4 * np.finfo(wanted.dtype).eps
                    np.testing.assert_allclose(result, wanted, error, error)


def small_integers(seed: int, shape: tuple[int, ...], dtype: str) -> Array:
    """Integers with many ties."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A window over 1 to 3 axes."""
    axes = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    padding = tuple(zip(each(-1, 2), each(-1, 3), strict=True))
    try:
        return Window.forward(
            each(1, 9),
            each(1, 3),
            stride=each(1, 3),
            dilation=each(1, 3),
            input_dilation=each(1, 2),
            padding=padding,
        )
    except ShapeError:
        return Window.forward((6,) * axes, (2,) * axes, stride=(2,) * axes)


@settings(deadline=None, max_examples=40)
@given(
    windows(), st.sampled_from(DTYPES), st.integers(1, 3), st.integers(1, 19), st.integers(0, 99)
)
def test_max_and_its_gradients(window: Window, dtype: str, n: int, c: int, seed: int) -> None:
    """Maxima, taps, and what moves along them, on data with many ties."""
    x = small_integers(seed, (n, c, *window.input), dtype)
    g = small_integers(seed + 1, (n, c, *window.output), dtype)

    def all_of_it(x: Any, g: Any) -> Any:
        y, tap = MaxPool(window)(x)
        return y, tap, ScatterWindow(window)(g, tap), GatherWindow(window)(x, tap)

    compare(all_of_it, x, g)
    compare(lambda x: MaxPool(window)(x)[0], x)


@slow
@settings(deadline=None, max_examples=40)
@given(windows(), st.sampled_from(DTYPES), st.booleans(), st.integers(1, 19), st.integers(0, 99))
def test_average_and_its_transpose(
    window: Window, dtype: str, count_padding: bool, c: int, seed: int
) -> None:
    """Averages, with and without the cells of padding in the count."""
    x = np.random.default_rng(seed).uniform(0, 1, (2, c, *window.input)).astype(dtype)
    g = np.random.default_rng(seed).uniform(0, 1, (2, c, *window.output)).astype(dtype)
    compare(AveragePool(window, count_padding), x, exact=False)
    compare(AveragePoolTranspose(window, count_padding), g, exact=False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count_padding", [True, False])
def test_averages_are_exact_where_quotients_are(dtype: str, count_padding: bool) -> None:
    """Multiples of all counts divide exactly."""
    window = Window.forward((9, 10), (2, 3), stride=(2, 1), padding=((1, 0), (1, 1)))
    x = 12 * small_integers(0, (3, 17, *window.input), dtype)
    g = 12 * small_integers(1, (3, 17, *window.output), dtype)
    compare(AveragePool(window, count_padding), x)
    compare(AveragePoolTranspose(window, count_padding), g)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 16, 37])
def test_several_chunks(dtype: str, channels: int) -> None:
    """Work that is split between threads, 2 x 2 by 2 and overlapping windows."""
    for kernel, low in ((2, 0), (3, 1)):
        window = Window.forward((61, 64), (kernel,) * 2, stride=(2, 2), padding=((low, low),) * 2)
        x = small_integers(kernel, (5, channels, 61, 64), dtype)
        g = small_integers(3, (5, channels, *window.output), dtype)

        def both(x: Any, g: Any, window: Window = window) -> Any:
            y, tap = MaxPool(window)(x)
            return y, ScatterWindow(window)(g, tap), AveragePool(window)(x)

        compare(both, x, g)


@pytest.mark.parametrize("dtype", DTYPES)
def test_not_a_number_and_infinity(dtype: str) -> None:
    """The first NaN wins; windows of -inf give their first tap; padding never wins."""
    values = np.array([-np.inf, np.nan, 1.0, np.inf, -1.0])
    x = values[np.random.default_rng(0).integers(0, 5, (2, 19, 11, 13))].astype(dtype)
    x[:, :, :5, :5] = -np.inf
    window = Window.forward((11, 13), (2, 3), stride=(1, 2), padding=((1, 2), (2, 2)))
    compare(MaxPool(window), x)
    compare(AveragePool(window), x)
    g = small_integers(0, (2, 19, *window.output), dtype)
    g[0, 0] = np.nan

    def scatter(x: Any, g: Any) -> Any:
        return ScatterWindow(window)(g, MaxPool(window)(x)[1])

    compare(scatter, x, g)


def test_windows_of_padding_only() -> None:
    """They give -inf and tap -1, and pass nothing back."""
    window = Window.forward((2,), (2,), padding=((3, 3),))
    x = np.ones((1, 3, 2), np.float32)

    def back(x: Any) -> Any:
        y, tap = MaxPool(window)(x)
        return y, tap, ScatterWindow(window)(y, tap)

    compare(back, x)
    y, tap = Program(trace(MaxPool(window), Spec.of(x)).graph)(x)
    assert tap[0, 0].tolist() == [-1, -1, 1, 0, 0, -1, -1]
    assert np.isneginf(y[0, 0, [0, 1, -1]]).all()


def test_an_empty_batch() -> None:
    """No image in, none out."""
    window = Window.forward((4, 4), (2, 2), stride=(2, 2))
    graph = trace(lambda x: MaxPool(window)(x)[0], Spec((0, 3, 4, 4))).graph
    (y,) = Program(graph)(np.zeros((0, 3, 4, 4), np.float32))
    assert y.shape == (0, 3, 2, 2)


def test_the_tap_is_left_out_where_nothing_reads_it() -> None:
    """A forward pass keeps no taps."""
    window = Window.forward((4, 4), (2, 2), stride=(2, 2))
    planner = Planner(
        LOWERINGS, trace(lambda x: MaxPool(window)(x)[0], Spec((1, 16, 4, 4))).graph, ("last",)
    )
    (step,) = planner.run().steps
    assert step.kernel.mode == "max"


@pytest.mark.parametrize("name", names())
def test_every_target(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors of all widths give the same."""
    monkeypatch.setenv("ALLCONV_TARGET", restricted(name) and name)
    window = Window.forward((7, 12), (3, 2), stride=(2, 2), padding=((1, 1), (0, 0)))
    for dtype in DTYPES:
        x = small_integers(0, (2, 21, 7, 12), dtype)
        g = small_integers(1, (2, 21, *window.output), dtype)

        def both(x: Any, g: Any) -> Any:
            y, tap = MaxPool(window)(x)
            return y, ScatterWindow(window)(g, tap), GatherWindow(window)(x, tap)

        compare(both, x, g)
        compare(AveragePool(window), x, exact=False)
