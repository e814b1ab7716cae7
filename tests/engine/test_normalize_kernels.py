"""Batch normalisation kernels against the definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from allconv.engine.kernels.map import Map
from allconv.engine.kernels.moments import GradientSums, Moments
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.plan import Planner
from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.engine.target import VARIABLE, names
from allconv.operators.base import Spec
from allconv.operators.normalize import BatchNorm, BatchNormGradient, Normalize
from allconv.operators.pointwise import Relu, ReluGradient
from allconv.operators.reduce import Broadcast
from allconv.trace import trace
from allconv.value import Value

from .comparing import channels_last

Array = NDArray[Any]
EPS = 1e-5
SHAPES = (
    *[(2, 1, 1, 1), (4, 6, 5, 7), (3, 3, 4, 4), (7, 100), (33, 17, 3), (2, 64, 9, 9)],
    *[(5, 130, 3, 3), (64, 16, 8, 9), (40, 3, 31, 33), (2, 5, 3, 4, 3)],
)


def run(
    function: Callable[..., Any], *arrays: Array
) -> tuple[tuple[Array, ...], tuple[Array, ...], Program]:
    """What a program gives, the same on 1, 2 and 3 threads and in both layouts; the definitions."""
    graph = trace(function, *map(Spec.of, arrays)).graph
    program = Program(graph, threads=1)
    swapped = [channels_last(x) for x in arrays]
    results = program(*swapped)
    for threads in (2, 3):
        for again, result in zip(Program(graph, threads=threads)(*swapped), results, strict=True):
            np.testing.assert_array_equal(again, result)
    for layouts in (program, Program(graph)):
        for again, result in zip(layouts(*arrays), results, strict=True):
            np.testing.assert_allclose(again, result, 1e-4, 1e-5)
    assert all(isinstance(step, KernelStep) for step in program.steps()), program.plan()
    return results, graph.run(*arrays), program


def kernels(program: Program, kind: type) -> list[Any]:
    """The kernels of one kind that a program runs."""
    found = [step.kernel for step in program.steps() if isinstance(step, KernelStep)]
    return [kernel for kernel in found if isinstance(kernel, kind)]


def close(result: Array, expected: Array, scale: Any, ulps: float = 8) -> None:
    """Assert that results are right to some units in the last place of a scale."""
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    bound = ulps * np.finfo(expected.dtype).eps * np.maximum(np.abs(expected), scale)
    assert np.all(np.abs(result.astype(np.float64) - expected) <= bound)


def operands(shape: tuple[int, ...], dtype: str, offset: float = 0.0) -> list[Array]:
    """x, gamma and beta."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape) + offset
    return [each.astype(dtype) for each in (x, *rng.standard_normal((2, shape[1])))]


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance of each channel, rounded to the dtype of x."""
    axes = (0, *range(2, x.ndim))
    wide = x.astype(np.float64)
    return wide.mean(axes).astype(x.dtype), wide.var(axes).astype(x.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_training(shape: tuple[int, ...], offset: float, dtype: str) -> None:
    """Result, mean and variance are right, also where the mean is 10,000 deviations."""
    x, gamma, beta = operands(shape, dtype, offset)
    results, expected, program = run(lambda *a: BatchNorm(EPS)(*a), x, gamma, beta)
    assert len(kernels(program, Moments)) == len(kernels(program, Map)) == 1
    # A float64 mean is itself rounded, in the definition too.
    rounding = 1 + (offset if dtype == "float64" else 0)
    close(results[0], expected[0], 4 * rounding)
    close(results[1], expected[1], 1.0)
    close(results[2], expected[2], rounding)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradient(shape: tuple[int, ...], offset: float, dtype: str) -> None:
    """The gradients of x, gamma and beta, relative to the size of what is summed."""
    x, gamma, _ = operands(shape, dtype, offset)
    mean, variance = moments(x)
    gy = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    arrays = (x, gamma, mean, variance, gy)
    results, expected, program = run(lambda *a: BatchNormGradient(EPS)(*a), *arrays)
    assert len(kernels(program, GradientSums)) == len(kernels(program, Map)) == 1
    check_gradient(results, expected, x, gamma, mean, variance, gy)


def check_gradient(
    results: tuple[Array, ...],
    expected: tuple[Array, ...],
    x: Array,
    gamma: Array,
    mean: Array,
    variance: Array,
    gy: Array,
) -> None:
    """Assert that gradients are right to some units of the sums of magnitudes behind them."""
    channels = (1, -1, *(1,) * (x.ndim - 2))
    axes = (0, *range(2, x.ndim))
    rstd = 1 / np.sqrt(variance.astype(np.float64) + EPS).reshape(channels)
    xhat = np.abs(x.astype(np.float64) - mean.reshape(channels)) * rstd
    size = np.abs(gy.astype(np.float64))
    close(results[1], expected[1], (size * xhat).sum(axes))
    close(results[2], expected[2], size.sum(axes))
    mean_product = (size * xhat).mean(axes).reshape(channels)
    terms = size + size.mean(axes).reshape(channels) + xhat * mean_product
    close(results[0], expected[0], np.abs(gamma).reshape(channels) * rstd * terms)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(1, 6), min_size=0, max_size=3),
    st.integers(1, 9),
    st.integers(1, 70),
    st.sampled_from(("float32", "float64")),
)
def test_any_shape(space: list[int], n: int, c: int, dtype: str) -> None:
    """Training, inference and gradient for any number of axes and channels."""
    x, gamma, beta = operands((n, c, *space), dtype)
    mean, variance = moments(x)
    results, expected, _ = run(lambda *a: BatchNorm(EPS)(*a), x, gamma, beta)
    close(results[0], expected[0], 4)
    close(results[1], expected[1], 1)
    close(results[2], expected[2], 1)
    results, expected, _ = run(lambda *a: Normalize(EPS)(*a), x, mean, variance, gamma, beta)
    close(results[0], expected[0], np.abs(x).max() * 400)  # one value has variance 0, 1/sqrt(EPS)
    arrays = (x, gamma, mean, variance, beta[0] * x)
    results, expected, _ = run(lambda *a: BatchNormGradient(EPS)(*a), *arrays)
    check_gradient(results, expected, *arrays)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_inference(shape: tuple[int, ...]) -> None:
    """Given statistics, in both layouts."""
    x, gamma, beta = operands(shape, "float32", 3.0)
    mean, variance = moments(x)
    arrays = (x, mean, variance + 0.1, gamma, beta)
    results, expected, _ = run(lambda *a: Normalize(EPS)(*a), *arrays)
    close(results[0], expected[0], 20)


def test_inference_computes_its_coefficients_once() -> None:
    """With static statistics a run is one map, in the layout of the operand."""
    x, gamma, beta = operands((2, 6, 5, 7), "float32")
    statistics = dict(enumerate((*moments(x), gamma, beta), start=1))
    graph = trace(
        lambda *a: Relu()(Normalize(EPS)(*a)), Spec.of(x), *map(Spec.of, statistics.values())
    ).graph
    for layout in ("rows", "last"):
        layouts = (layout, *("rows",) * 4)
        planner = Planner(LOWERINGS, graph, layouts, frozenset(statistics), layout == "last").run()
        assert len(planner.steps) == 1
        assert planner.outputs[0].has(layout)
    program = Program(graph, static=tuple(statistics))
    program.bind(statistics)
    np.testing.assert_allclose(program(x)[0], graph.run(x, *statistics.values())[0], 0, 1e-6)


def test_what_follows_is_fused() -> None:
    """ReLU, and the sum with a shortcut before it, are computed in the same map."""
    x, gamma, beta = operands((4, 6, 5, 7), "float32")
    shortcut = x[::-1].copy()

    def block(x: Value, gamma: Value, beta: Value, shortcut: Value) -> Any:
        return Relu()(BatchNorm(EPS)(x, gamma, beta)[0] + shortcut)

    results, expected, program = run(block, x, gamma, beta, shortcut)
    assert len(kernels(program, Map)) == 1
    close(results[0], expected[0], 4)

    def scaled(x: Value, gamma: Value, beta: Value) -> Any:
        factor = gamma.reshape((1, 6, 1, 1))
        return Relu()(BatchNorm(EPS)(x, gamma, beta)[0] * factor - 1.0)

    results, expected, program = run(scaled, x, gamma, beta)
    assert len(kernels(program, Map)) == 1
    close(results[0], expected[0], 8)


def test_a_long_line_of_followers_is_cut() -> None:
    """Many operands, or many operators, after batch normalisation are several maps."""
    x, gamma, beta = operands((4, 6, 5, 7), "float32")
    more = [np.full(x.shape, float(k), np.float32) for k in range(9)]

    def wide(x: Value, gamma: Value, beta: Value, *more: Value) -> Any:
        y = BatchNorm(EPS)(x, gamma, beta)[0]
        for each in more:
            y = y + each
        return y

    def long(x: Value, gamma: Value, beta: Value) -> Any:
        y = BatchNorm(EPS)(x, gamma, beta)[0]
        for k in range(40):
            y = -Relu()(y) if k % 2 else y * 1.5
        return y

    for function, arrays in ((wide, [x, gamma, beta, *more]), (long, [x, gamma, beta])):
        results, expected, program = run(function, *arrays)
        assert 1 < len(kernels(program, Map)) < 9
        np.testing.assert_allclose(results[0], expected[0], 1e-5, 1e-4)


@pytest.mark.parametrize("shape", [(4, 6, 5, 7), (64, 16, 8, 9), (7, 100)])
@pytest.mark.parametrize("target", names())
def test_the_gate_is_fused_into_the_gradient(
    shape: tuple[int, ...], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gradient of ReLU is computed along the way, on every target."""
    monkeypatch.setenv(VARIABLE, target)
    x, gamma, _ = operands(shape, "float32")
    mean, variance = moments(x)
    y, g = np.random.default_rng(1).standard_normal((2, *shape)).astype(np.float32)

    def gradient(x: Value, gamma: Value, mean: Value, variance: Value, y: Value, g: Value) -> Any:
        return BatchNormGradient(EPS)(x, gamma, mean, variance, ReluGradient()(y, g * 2.0))

    results, expected, program = run(gradient, x, gamma, mean, variance, y, g)
    steps = [s.kernel for s in program.steps() if isinstance(s, KernelStep)]
    assert len(kernels(program, Map)) == 1
    assert [op.name for op, _ in kernels(program, Map)[0].expression.lines][:2] == [
        "Multiply",
        "ReluGradient",
    ]
    assert len(steps) >= 3
    gy = np.where(y <= 0, 0, 2 * g).astype(np.float32)
    check_gradient(results, expected, x, gamma, mean, variance, gy)


def test_a_gradient_that_repeats_is_computed_first() -> None:
    """A gradient with an operand that is broadcast is not fused, and right."""
    x, gamma, beta = operands((4, 6, 5, 7), "float32")
    mean, variance = moments(x)

    def gradient(x: Value, gamma: Value, mean: Value, variance: Value, b: Value) -> Any:
        gy = x * b.reshape((1, 6, 1, 1))
        return BatchNormGradient(EPS)(x, gamma, mean, variance, gy)

    results, expected, program = run(gradient, x, gamma, mean, variance, beta)
    assert len(kernels(program, Map)) == 2
    gy = x * beta.reshape((1, 6, 1, 1))
    check_gradient(results, expected, x, gamma, mean, variance, gy)


def test_vectors_that_are_views_are_read() -> None:
    """Parameters and statistics may be slices, flipped, or one number repeated."""
    x, more, _ = operands((4, 20, 5, 7), "float32")
    many = np.concatenate([more, np.abs(more) + 1])
    full = Broadcast((20,))

    def normalize(x: Value, many: Value) -> Any:
        parts = many[:20][::-1], many[20:][::-1], many[::2], full(many[3])
        return (
            Normalize(EPS)(x, *parts),
            BatchNorm(EPS)(x, parts[2], parts[3])[0],
            *BatchNormGradient(EPS)(x, parts[3], parts[0], parts[1], x[::-1]),
        )

    results, expected, _ = run(normalize, x, many)
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, 1e-5, 1e-4)


def test_not_a_number_stays_in_its_channel() -> None:
    """One NaN makes its channel NaN and no other."""
    x, gamma, beta = operands((4, 6, 5, 7), "float32")
    x[1, 2, 3, 4] = np.nan
    results, expected, _ = run(lambda *a: BatchNorm(EPS)(*a)[1:], x, gamma, beta)
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(result), np.isnan(wanted))
        assert np.isnan(result).tolist() == [channel == 2 for channel in range(6)]


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 3, 0), (0, 3)])
def test_empty_batches(shape: tuple[int, ...]) -> None:
    """Without values inference gives nothing, and the gradients of the parameters are 0."""
    x = np.zeros(shape, np.float32)
    channel = np.ones(3, np.float32)
    graph = trace(lambda *a: Normalize(EPS)(*a), *map(Spec.of, (x, *[channel] * 4))).graph
    assert Program(graph)(x, *[channel] * 4)[0].shape == shape
    arrays = (x, channel, channel, channel, x)
    graph = trace(lambda *a: BatchNormGradient(EPS)(*a), *map(Spec.of, arrays)).graph
    gx, ggamma, gbeta = Program(graph)(*arrays)
    assert gx.shape == shape
    assert ggamma.tolist() == gbeta.tolist() == [0, 0, 0]
