"""Softmax and cross-entropy against the definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.engine.target import names
from allconv.operators.base import Spec
from allconv.operators.loss import CrossEntropy, CrossEntropyGradient, LogSoftmax, Softmax
from allconv.operators.reduce import Broadcast, Sum
from allconv.trace import trace
from tiers import slow

from .comparing import channels_last

Array = NDArray[Any]
DTYPES = ("float32", "float64")
INFINITY = np.inf


def compiled(function: Callable[..., Any], *arrays: Array) -> list[Array]:
    """What programs give, the same bits for 1, 2 and 3 threads; one result a layout."""
    graph = trace(function, *map(Spec.of, arrays)).graph
    results = []
    for last in (False, True):
        operands = [channels_last(x) if last else x for x in arrays]
        bits = set()
        for threads in (1, 2, 3):
            program = Program(graph, threads=threads)
            (result,) = program(*operands)
            assert not any(isinstance(step, DefinitionStep) for step in program.steps())
            bits.add(result.tobytes())
        assert len(bits) == 1
        results.append(result)
    return results


def compare(function: Callable[..., Any], *arrays: Array, ulp: float = 8, near: float = 0) -> None:
    """Assert that programs give the definition's results within some units in the last place,
    or within `near` of those units of 1."""
    (wanted,) = trace(function, *map(Spec.of, arrays)).graph.run(*arrays)
    for result in compiled(function, *arrays):
        assert result.dtype == wanted.dtype
        eps, tiny = np.finfo(wanted.dtype).eps, np.finfo(wanted.dtype).tiny
        np.testing.assert_allclose(result, wanted, rtol=ulp * eps, atol=near * eps + tiny)


def logits(seed: int, shape: tuple[int, ...], dtype: str, scale: float = 3.0) -> Array:
    """Random numbers around 0."""
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def labels_of(seed: int, x: Array) -> Array:
    """A class for every sample."""
    shape = (x.shape[0], *x.shape[2:])
    return np.random.default_rng(seed).integers(0, x.shape[1], shape)


SHAPES = st.tuples(st.integers(1, 70), st.integers(1, 40)) | st.tuples(
    st.integers(1, 3), st.integers(1, 40), st.integers(1, 5), st.integers(1, 6)
)


@slow
@settings(deadline=None, max_examples=40)
@given(SHAPES, st.sampled_from(DTYPES), st.integers(0, 99))
def test_softmax_over_classes(shape: tuple[int, ...], dtype: str, seed: int) -> None:
    """Softmax and its logarithm over axis 1, to a few units in the last place."""
    x = logits(seed, shape, dtype)
    near = 8 if dtype == "float64" else 0  # the definition itself rounds in float64
    compare(Softmax(1), x, ulp=32 if near else 8)
    compare(LogSoftmax(1), x, near=near)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_softmax_over_any_axis(dtype: str, axis: int) -> None:
    """The axis need not be that of the classes."""
    x = logits(axis, (3, 18, 5, 7), dtype)
    compare(Softmax(axis), x, ulp=32)
    compare(LogSoftmax(axis), x, near=8)
    compare(Softmax(0), x[0, 0, 0], ulp=32)
    compare(Softmax(0), x[0, :, :, 0], ulp=32)


@settings(deadline=None, max_examples=40)
@given(SHAPES, st.sampled_from(DTYPES), st.sampled_from([0.0, 0.1]), st.integers(0, 99))
def test_cross_entropy(shape: tuple[int, ...], dtype: str, smoothing: float, seed: int) -> None:
    """The loss and its gradient, with and without smoothing."""
    x = logits(seed, shape, dtype)
    labels = labels_of(seed, x)
    near = 8 if dtype == "float64" or smoothing else 0
    compare(CrossEntropy(smoothing), x, labels, ulp=12, near=near)
    gy = logits(seed, labels.shape, dtype, 1.0)
    compare(CrossEntropyGradient(smoothing), x, labels, gy, ulp=32, near=4 * near)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [10, 1000])
def test_several_chunks(dtype: str, classes: int) -> None:
    """A batch that is split between threads."""
    x = logits(0, (40_000 // classes, classes), dtype)
    labels = labels_of(0, x)
    compare(Softmax(1), x, ulp=32)
    compare(LogSoftmax(1), x, ulp=32, near=8)
    compare(CrossEntropy(0.1), x, labels, ulp=32, near=8)
    compare(CrossEntropyGradient(), x, labels, np.ones(len(x), dtype), ulp=32, near=8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_of_a_mean(dtype: str) -> None:
    """A number broadcast to all samples is read in place."""
    x = logits(3, (50, 10), dtype)
    share = np.full((1,), 1 / 50, dtype)

    def gradient(x: Any, labels: Any, share: Any) -> Any:
        return CrossEntropyGradient()(x, labels, Broadcast((50,))(Sum((0,))(share)))

    compare(gradient, x, labels_of(0, x), share, ulp=32, near=8)


def test_small_losses_keep_their_digits() -> None:
    """A sure prediction: the loss is log1p of the others, the gradient minus their share."""
    x = np.array([[20, 0, 1], [0, 60, -20], [0, 2, 90]], np.float32)
    labels = np.array([0, 1, 2])
    compare(CrossEntropy(), x[:1], labels[:1], ulp=4)
    (result, _) = compiled(CrossEntropy(), x, labels)
    rest = [np.exp(y).sum() for y in ([-20.0, -19.0], [-60.0, -80.0], [-90.0, -88.0])]
    np.testing.assert_allclose(result, rest, rtol=1e-6, atol=1e-44)
    (gx, _) = compiled(CrossEntropyGradient(), x, labels, np.ones(3, np.float32))
    np.testing.assert_allclose(-gx[range(3), labels], rest, rtol=1e-6, atol=1e-44)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-3, 30.0, 1000.0, 1e30])
def test_large_logits(dtype: str, scale: float) -> None:
    """Nothing overflows, and differences keep their digits."""
    x = logits(1, (30, 19), dtype, scale)
    labels = labels_of(1, x)
    ulp = 16 if dtype == "float32" else 2000  # x - m is rounded in the float64 definition
    compare(Softmax(1), x, ulp=ulp)
    compare(LogSoftmax(1), x, near=8)
    compare(CrossEntropy(), x, labels, near=8)
    compare(CrossEntropyGradient(), x, labels, np.ones(30, dtype), ulp=ulp, near=8)
    compare(Softmax(1), x + x.dtype.type(1e5), ulp=ulp)


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinite_and_missing_logits(dtype: str) -> None:
    """-inf is no chance at all; NaN, +inf and rows of -inf give NaN."""
    x = logits(5, (8, 21), dtype)
    x[0, 3] = x[1, 20] = x[2, 0] = -INFINITY
    x[3, 4], x[4, 7], x[5], x[6] = np.nan, INFINITY, -INFINITY, np.nan
    x[7, 1:] = -INFINITY
    labels = np.array([3, 0, 1, 2, 7, 0, 0, 0])
    for operator in (Softmax(1), LogSoftmax(1)):
        compare(operator, x, ulp=32, near=8)
    for smoothing in (0.0, 0.2):
        compare(CrossEntropy(smoothing), x, labels, ulp=32, near=8)
        gy = np.ones(8, dtype)
        compare(CrossEntropyGradient(smoothing), x, labels, gy, ulp=32, near=8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_labels_that_are_no_classes(dtype: str) -> None:
    """Their samples give NaN, the others what they gave, and nothing outside is read."""
    x = logits(6, (5, 10), dtype)
    labels = np.array([0, 10, -1, 2**40, 9])
    wrong = np.array([False, True, True, True, False])
    (loss, _) = compiled(CrossEntropy(), x, labels)
    gy = np.ones(5, dtype)
    (gx, _) = compiled(CrossEntropyGradient(), x, labels, gy)
    assert np.isnan(loss).tolist() == wrong.tolist()
    assert np.isnan(gx[wrong]).all()
    (alone,) = CrossEntropyGradient().define(x[~wrong], labels[~wrong], gy[~wrong])
    np.testing.assert_allclose(gx[~wrong], alone, rtol=1e-5)


def test_an_empty_batch() -> None:
    """No sample, no loss."""
    x, labels = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    compare(Softmax(1), x)
    compare(CrossEntropy(), x, labels)
    compare(CrossEntropyGradient(), x, labels, np.zeros(0, np.float32))


@pytest.mark.parametrize("name", names())
def test_every_target(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors of all widths."""
    monkeypatch.setenv("ALLCONV_TARGET", name)
    for dtype in DTYPES:
        x = logits(2, (9, 37), dtype)
        labels = labels_of(2, x)
        compare(Softmax(1), x, ulp=64)
        compare(LogSoftmax(1), x, near=8)
        compare(CrossEntropy(0.1), x, labels, ulp=32, near=8)
        gy = np.ones(9, dtype)
        compare(CrossEntropyGradient(), x, labels, gy, ulp=64, near=8)
