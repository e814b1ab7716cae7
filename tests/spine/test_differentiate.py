"""`grad`, `value_and_grad` and `vjp`: on arrays, in traces, nested."""

from __future__ import annotations

import numpy as np
import pytest

import allconv as ac
from allconv.errors import ArgumentError, ShapeError, TraceError
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate
from allconv.operators.pool import MaxPool
from allconv.trace import trace
from allconv.window import Window

X = np.array([1.0, 2.0, -3.0])


def cube(x):
    """The sum of cubes."""
    return (x**3).sum()


def test_grad_of_one_argument() -> None:
    """The gradient has the shape and dtype of the argument."""
    np.testing.assert_array_equal(ac.grad(cube)(X), 3 * X**2)
    single = ac.grad(cube)(X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, 3 * X**2)


def test_grad_of_several_arguments() -> None:
    """Places in a tuple give a tuple of gradients in that order, also of one place."""
    w = np.array([2.0, 4.0, 8.0])

    def f(x, w, b):
        return (x * w * w + b).sum()

    gb, gx = ac.grad(f, (2, 0))(X, w, np.zeros(3))
    np.testing.assert_array_equal(gx, w * w)
    np.testing.assert_array_equal(gb, np.ones(3))
    (gw,) = ac.grad(f, (1,))(X, w, np.zeros(3))
    np.testing.assert_array_equal(gw, 2 * X * w)
    np.testing.assert_array_equal(ac.grad(f, 1)(X, w, np.zeros(3)), gw)


def test_unused_argument() -> None:
    """An argument on which nothing depends has a gradient of zeros, whatever it holds."""
    odd = np.array([np.nan, np.inf])
    gx, gw = ac.grad(lambda x, w: cube(x), (0, 1))(X, odd)
    np.testing.assert_array_equal(gw, np.zeros(2))
    np.testing.assert_array_equal(gx, 3 * X**2)
    np.testing.assert_array_equal(ac.grad(lambda x: 3.0)(X), np.zeros(3))


def test_lists_and_whole_numbers() -> None:
    """Lists of floats are arrays; whole numbers to differentiate by are refused, others are not."""
    np.testing.assert_array_equal(ac.grad(cube)([1.0, 2.0]), [3.0, 12.0])
    with pytest.raises(ArgumentError, match=r"^x is int64; pass x.astype\(np.float32\)"):
        ac.grad(cube)(np.array([1, 2]))
    with pytest.raises(ArgumentError, match=r"^x is int64; pass np.asarray\(x, np.float32\)"):
        ac.grad(cube)([1, 2])
    with pytest.raises(ArgumentError, match="float16"):
        ac.grad(cube)(X.astype(np.float16))
    loss = ac.functional.cross_entropy
    gx = ac.grad(lambda x, labels: loss(x, labels))(np.zeros((2, 2)), np.array([0, 1]))
    np.testing.assert_allclose(gx, [[-0.25, 0.25], [0.25, -0.25]], rtol=1e-12)


def test_refusals() -> None:
    """What has no gradient is refused in words that say why."""
    with pytest.raises(ArgumentError, match=r"returns one number, not \(3,\); sum it, or use vjp"):
        ac.grad(lambda x: x * 2.0)(X)
    with pytest.raises(ArgumentError, match=r"one number, not \(\), \(\)"):
        ac.grad(lambda x: (x.sum(), x.sum()))(X)
    with pytest.raises(ArgumentError, match="returned None"):
        ac.grad(lambda x: None)(X)
    with pytest.raises(ArgumentError, match="argnums names argument 1; 1 were given"):
        ac.grad(cube, 1)(X)
    for argnums in (-1, True, "x", (), (0, 1.0)):
        with pytest.raises(ArgumentError, match=r"argnums is .*; the place of an argument"):
            ac.grad(cube, argnums)
    with pytest.raises(ArgumentError, match="the function returns int64; floats"):
        ac.grad(lambda x, n: n)(X, np.array(3))


def test_value_and_grad() -> None:
    """The value comes first, nested as the function returned it."""
    value, gx = ac.value_and_grad(cube)(X)
    assert value.shape == ()
    assert value == (X**3).sum()
    np.testing.assert_array_equal(gx, 3 * X**2)
    named, _ = ac.value_and_grad(lambda x: {"loss": cube(x)})(X)
    assert named == {"loss": (X**3).sum()}


def test_vjp() -> None:
    """The pullback maps the gradient of the result to those of all arguments."""
    x, w = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    y, pull = ac.vjp(lambda x, w: x @ w, x, w)
    np.testing.assert_array_equal(y, x @ w)
    gy = np.array([[1.0, -2.0, 3.0, 0.0], [4.0, 0.0, 1.0, 2.0]])
    gx, gw = pull(gy)
    np.testing.assert_array_equal(gx, gy @ w.T)
    np.testing.assert_array_equal(gw, x.T @ gy)
    np.testing.assert_array_equal(pull(2 * gy)[1], 2 * gw)


def test_vjp_of_several_results() -> None:
    """A nested result takes a gradient nested alike; results without one are left out."""
    (y, rest), pull = ac.vjp(lambda x: (x * 2.0, {"cube": cube(x)}), X)
    np.testing.assert_array_equal(y, 2 * X)
    assert rest["cube"] == (X**3).sum()
    (gx,) = pull((np.ones(3), {"cube": np.array(10.0)}))
    np.testing.assert_array_equal(gx, 2 + 30 * X**2)
    with pytest.raises(ArgumentError, match="not nested as the result is"):
        pull(np.ones(3))
    with pytest.raises(ShapeError, match=r"gy is float64 \(2,\); float64 \(3,\) is expected"):
        pull((np.ones(2), {"cube": np.array(10.0)}))


def test_vjp_of_whole_results() -> None:
    """A result of whole numbers has no gradient, whatever is given for it."""
    window = Window.forward((3,), (2,))

    (y, tap), pull = ac.vjp(lambda x: MaxPool(window)(x), X.reshape(1, 1, 3))
    np.testing.assert_array_equal(y, [[[2.0, 2.0]]])
    np.testing.assert_array_equal(tap, [[[1, 0]]])
    np.testing.assert_array_equal(pull((np.array([[[1.0, 4.0]]]), tap))[0], [[[0.0, 5.0, 0.0]]])


def test_second_order() -> None:
    """Gradients nest: a gradient of a gradient is the second derivative."""
    second = ac.grad(lambda x: (ac.grad(cube)(x) * np.array([1.0, 10.0, 100.0])).sum())(X)
    np.testing.assert_array_equal(second, 6 * X * [1.0, 10.0, 100.0])
    third = ac.grad(ac.grad(ac.grad(lambda x: x**4)))(np.array(2.0))
    assert third == 48.0


def test_second_order_of_a_correlation() -> None:
    """The mixed second derivative of a correlation, which is linear in both, is its own form."""
    window = Window.forward((5,), (3,))
    x, w, v = np.arange(5.0), np.array([1.0, -2.0, 4.0]), np.array([2.0, 3.0, 5.0])

    def f(x, w):
        y = Correlate(window)(x.reshape(1, 1, 5), w.reshape(1, 1, 3))
        return (y * y).sum()

    def along(x):
        return (ac.grad(f, 1)(x, w) * v).sum()

    got = ac.grad(along)(x)
    rows = np.array([[x[i + k] for k in range(3)] for i in range(3)])  # y = rows @ w
    wanted = np.zeros(5)
    for i in range(3):
        for k in range(3):
            wanted[i + k] += 2 * (rows[i] @ w) * v[k] + 2 * w[k] * (rows[i] @ v)
    np.testing.assert_array_equal(got, wanted)


def test_closures_over_outer_values() -> None:
    """An inner gradient may use values of the function around it, which are differentiated too."""

    def f(x, w):
        inner = ac.grad(lambda z: (z * z * w).sum())(x)  # 2 x w
        return (inner * w).sum()  # 2 x w w

    gx, gw = ac.grad(f, (0, 1))(X, np.array([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(gx, 2 * np.array([1.0, 4.0, 16.0]))
    np.testing.assert_array_equal(gw, 4 * X * [1.0, 2.0, 4.0])


def test_closure_over_the_middle_of_three() -> None:
    """Each of three nested functions may use the values of all around it."""

    def outer(a):
        def middle(b):
            return ac.grad(lambda c: a * b * b * c * c * c)(b) * b  # 3 a b**5

        return ac.grad(middle)(a)  # 15 a b**4 at b = a

    assert ac.grad(outer)(np.array(2.0)) == 15 * 5 * 2.0**4


def test_closure_over_arrays() -> None:
    """Arrays that a function closes over are read at each call, not remembered."""
    for factor in (1.0, 2.0, 3.0):
        w = np.full(3, factor)
        np.testing.assert_array_equal(ac.grad(lambda x, w=w: (x * w).sum())(X), w)


def test_vjp_in_a_trace() -> None:
    """A pullback can be used within a function that is differentiated."""

    def f(x):
        y, pull = ac.vjp(lambda z: z * z, x)
        return (y * pull(x)[0]).sum()  # x**2 * 2 x**2

    np.testing.assert_array_equal(ac.grad(f)(X), 8 * X**3)

    def constant_primal(x):
        _, pull = ac.vjp(lambda z: z * z, X)
        return pull(x)[0].sum()  # linear in x

    np.testing.assert_array_equal(ac.grad(constant_primal)(X), 2 * X)


def test_gradients_can_be_compiled() -> None:
    """What grad returns is a function like any other."""
    program = ac.compile(ac.value_and_grad(cube), (3,), dtype="float64", exact=True)
    value, gx = program(X)
    assert value == (X**3).sum()
    np.testing.assert_array_equal(gx, 3 * X**2)


def test_ended_trace() -> None:
    """A value that leaked out of its trace is refused."""
    leaked = []
    trace(lambda x: leaked.append(x) or x, Spec((3,), "float64"))
    with pytest.raises(ArgumentError, match="a trace that has ended"):
        ac.grad(cube)(leaked[0])
    with pytest.raises(TraceError, match="outside the trace"):
        ac.grad(lambda x: (x * leaked[0]).sum())(X)


def test_names_in_messages() -> None:
    """Messages name the argument as the function does, or count."""
    with pytest.raises(ArgumentError, match=r"^pixels is int64"):
        ac.grad(lambda pixels: pixels.sum())(np.array([1]))
    with pytest.raises(ArgumentError, match=r"^argument 1 is int64"):
        ac.grad(lambda *both: both[0].sum(), 1)(X, np.array([1]))
    with pytest.raises(ArgumentError, match=r"^argument 0 is int64"):
        ac.grad(max)([1, 2])  # a builtin without a signature


def test_a_pullback_keeps_what_it_was_made_of() -> None:
    """Arrays that change after `vjp`, given or closed over, do not change the gradient."""
    x, factor = np.ones(3), np.full(3, 2.0)
    _, pull = ac.vjp(lambda x: x * x * factor, x)
    x[:] = factor[:] = 7
    np.testing.assert_array_equal(pull(np.ones(3))[0], [4, 4, 4])
    with pytest.raises(ArgumentError, match="gy is None; the gradient of the result"):
        pull(None)


def test_arguments_are_untouched() -> None:
    """No argument is written into, and no result shares its memory."""
    x = X.copy()
    y, pull = ac.vjp(lambda x: x, x)
    gy = np.ones(3)
    (gx,) = pull(gy)
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(gx, gy)
    np.testing.assert_array_equal(x, X)
