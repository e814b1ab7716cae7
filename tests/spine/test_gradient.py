"""The gradient as a graph: what flows where."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.errors import ArgumentError
from allconv.gradient import backward, gradient, pullback
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate
from allconv.operators.loss import CrossEntropy
from allconv.operators.normalize import BatchNorm, Normalize
from allconv.operators.pointwise import Maximum, Relu, Select
from allconv.operators.pool import MaxPool
from allconv.trace import Builder, trace
from allconv.window import Window

THREE = Spec((3,), "float64")
X = np.array([1.0, 2.0, -3.0])


def test_several_uses_add_up() -> None:
    """A value used several times gets the sum of what comes back."""
    graph = trace(lambda x: (x * x + x + x * 2.0).sum(), THREE).graph
    np.testing.assert_array_equal(gradient(graph, [0]).run(X)[0], 2 * X + 3)


def test_unused_inputs_get_zeros() -> None:
    """An input that nothing depends on gets zeros, also beside infinities."""
    graph = trace(lambda x, y: (x * 2.0).sum(), THREE, THREE).graph
    gy, gx = gradient(graph, [1, 0]).run(X, np.full(3, np.inf))
    np.testing.assert_array_equal(gy, np.zeros(3))
    np.testing.assert_array_equal(gx, np.full(3, 2.0))


def test_only_what_is_wanted_is_computed() -> None:
    """The gradient of one input computes nothing for the others."""
    window = Window.forward((4,), (3,))
    specs = (Spec((1, 2, 4)), Spec((2, 2, 3)))
    graph = trace(lambda x, w: Correlate(window)(x, w).sum(), *specs).graph
    names = [node.operator.name for node in gradient(graph, [0])]
    assert "CorrelateTranspose" in names
    assert "CorrelateWeight" not in names
    assert "Correlate" not in names  # the value is not wanted either


def test_with_value() -> None:
    """The value comes first when wanted, computed once."""
    graph = trace(lambda x: Relu()(x).sum(), THREE).graph
    both = gradient(graph, [0], with_value=True)
    assert [node.operator.name for node in both].count("Relu") == 1
    value, gx = both.run(X)
    assert value == 3.0
    np.testing.assert_array_equal(gx, [1.0, 1.0, 0.0])


def test_refusals() -> None:
    """The gradient is of one float number."""
    with pytest.raises(ArgumentError, match=r"one number, not \(3,\); sum it, or use vjp"):
        gradient(trace(lambda x: x * 2.0, THREE).graph, [0])
    with pytest.raises(ArgumentError, match=r"one number, not \(\), \(\)"):
        gradient(trace(lambda x: (x.sum(), x.sum()), THREE).graph, [0])
    with pytest.raises(ArgumentError, match="returns int64; floats have gradients"):
        gradient(trace(lambda n: n, Spec((), "int64")).graph, [0])


def test_promotion_comes_back_narrow() -> None:
    """The gradient of an input has its own dtype, whatever it was promoted to."""
    graph = trace(lambda x, y: (x * y).sum(), Spec((3,)), THREE).graph
    gx, gy = gradient(graph, [0, 1]).run(X.astype(np.float32), X)
    assert (gx.dtype, gy.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(gx, X)


def test_broadcasting_is_undone() -> None:
    """An operand that was broadcast gets the sum over where it went."""
    specs = (Spec((2, 3), "float64"), Spec((3,), "float64"), Spec((2, 1), "float64"))
    graph = trace(lambda x, row, column: (x * row * column).sum(), *specs).graph
    x, row, column = np.arange(6.0).reshape(2, 3), np.array([1.0, 2, 3]), np.array([[4.0], [5]])
    gx, grow, gcolumn = gradient(graph, [0, 1, 2]).run(x, row, column)
    np.testing.assert_array_equal(gx, row * column)
    np.testing.assert_array_equal(grow, (x * column).sum(0))
    np.testing.assert_array_equal(gcolumn, (x * row).sum(1, keepdims=True))


def test_expanded_operators() -> None:
    """Operators without an adjoint of their own are expanded, only where the gradient passes."""
    specs = (Spec((2, 3), "float64"), *[Spec((3,), "float64")] * 4)
    graph = trace(lambda *x: Normalize(0.5)(*x).sum(), *specs).graph
    names = [node.operator.name for node in gradient(graph, [0])]
    assert "Normalize" not in names
    kept = trace(lambda x, *rest: (Normalize(0.5)(*rest) * x).sum(), specs[0], *specs).graph
    names = [node.operator.name for node in gradient(kept, [0])]
    assert names.count("Normalize") == 1


def test_batch_statistics_carry_gradients() -> None:
    """Mean and variance of a batch have gradients of their own, with and without that of y."""
    specs = (Spec((4, 2), "float64"), *[Spec((2,), "float64")] * 2)
    rng = np.random.default_rng(0)
    x, gamma, beta = rng.normal(size=(4, 2)), rng.normal(size=2), rng.normal(size=2)

    def variance_only(x, gamma, beta):
        return BatchNorm(0.5)(x, gamma, beta)[2].sum()

    gx, ggamma, _ = gradient(trace(variance_only, *specs).graph, [0, 1, 2]).run(x, gamma, beta)
    np.testing.assert_allclose(gx, 2 / 4 * (x - x.mean(0)), rtol=1e-12)
    np.testing.assert_array_equal(ggamma, np.zeros(2))

    def mean_only(x, gamma, beta):
        return BatchNorm(0.5)(x, gamma, beta)[1].sum()

    (gx,) = gradient(trace(mean_only, *specs).graph, [0]).run(x, gamma, beta)
    np.testing.assert_array_equal(gx, np.full((4, 2), 0.25))

    def all_three(x, gamma, beta):
        y, mean, variance = BatchNorm(0.5)(x, gamma, beta)
        return y.sum() * 0.0 + mean.sum() + variance.sum()

    (gx,) = gradient(trace(all_three, *specs).graph, [0]).run(x, gamma, beta)
    np.testing.assert_allclose(gx, 0.25 + 2 / 4 * (x - x.mean(0)), rtol=1e-12)


def test_infinite_gradients_stay_where_they_belong() -> None:
    """An infinite gradient does not turn to NaN where a choice went the other way."""
    graph = trace(lambda a, b: Maximum()(a, b), THREE, THREE).graph
    ga, gb = pullback(graph, [0, 1]).run(X, np.zeros(3), np.full(3, np.inf))
    np.testing.assert_array_equal(ga, [np.inf, np.inf, 0.0])
    np.testing.assert_array_equal(gb, [0.0, 0.0, np.inf])
    graph = trace(lambda c, a, b: Select()(c, a, b), THREE, THREE, THREE).graph
    gc, ga, gb = pullback(graph, [0, 1, 2]).run(X, X, X, np.full(3, np.inf))
    np.testing.assert_array_equal(gc, np.zeros(3))
    np.testing.assert_array_equal(ga, [np.inf, np.inf, 0.0])
    np.testing.assert_array_equal(gb, [0.0, 0.0, np.inf])


def test_pullback_of_several_results() -> None:
    """Each float result takes a gradient; whole numbers take none."""
    window = Window.forward((4,), (2,), stride=(2,))
    graph = trace(lambda x: (x * 3.0, *MaxPool(window)(x)), Spec((1, 1, 4), "float64")).graph
    pull = pullback(graph, [0])
    assert len(pull.inputs) == 3
    x, gy = np.array([[[1.0, 5.0, 2.0, 0.0]]]), np.array([[[10.0, 20.0]]])
    (gx,) = pull.run(x, np.ones((1, 1, 4)), gy)
    np.testing.assert_array_equal(gx, [[[3.0, 13.0, 23.0, 3.0]]])


def test_results_without_a_seed() -> None:
    """A result whose gradient is not given contributes nothing."""
    graph = trace(lambda x: (x * 2.0, x * x), THREE).graph
    builder = Builder()
    x, gy = builder.input(THREE), builder.input(THREE)
    outputs, gradients = backward(builder, graph, [x], [gy, None], [0])
    assert len(outputs) == 2
    np.testing.assert_array_equal(builder.graph(gradients).run(X, X)[0], 2 * X)


def test_paths_reach_the_gradient() -> None:
    """The nodes of a gradient carry the path of the layer whose gradient they are."""

    def layer(x):
        with x.builder.at("0 (ReLU)"):
            y = Relu()(x)
        return (y * y).sum()

    graph = gradient(trace(layer, THREE).graph, [0])
    assert {n.path for n in graph if n.operator.name in ("Relu", "ReluGradient")} == {"0 (ReLU)"}


def test_gradient_of_a_gradient() -> None:
    """A gradient is a graph like any other: its gradient is the second derivative."""
    first = gradient(trace(lambda x: (x * x * x).sum(), THREE).graph, [0])
    second = pullback(first, [0])
    np.testing.assert_array_equal(second.run(X, np.array([1.0, 10.0, 100.0]))[0],
                                  6 * X * [1.0, 10.0, 100.0])  # fmt: skip


def test_labels_have_no_gradient() -> None:
    """Whole numbers beside floats take no part, and what depends on them alone gets nothing."""
    specs = (Spec((2, 3), "float64"), Spec((2,), "int64"))
    graph = trace(lambda x, labels: CrossEntropy()(x, labels).sum(), *specs).graph
    (gx,) = gradient(graph, [0]).run(np.zeros((2, 3)), np.array([0, 2]))
    third = 1 / 3
    wanted = [[third - 1, third, third], [third, third, third - 1]]
    np.testing.assert_allclose(gx, wanted, rtol=1e-12)
