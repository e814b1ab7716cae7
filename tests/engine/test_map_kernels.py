"""Maps against the definitions: pointwise operators, their fusion, optimizer steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from allconv.engine.kernels.map import Map
from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.engine.target import VARIABLE, names
from allconv.functional import pointwise as functional
from allconv.operators import elementary
from allconv.operators import pointwise as operators
from allconv.operators.base import Operator, Spec
from allconv.operators.correlate import Correlate
from allconv.operators.update import AdamUpdate, ClipFactor, MovingAverage, SgdUpdate
from allconv.trace import trace
from allconv.value import Value
from allconv.window import Window

from .comparing import channels_last

Array = NDArray[Any]
DTYPES = ("float32", "float64")
EXACT = (
    operators.Add(),
    operators.Subtract(),
    operators.Multiply(),
    operators.Divide(),
    operators.Maximum(),
    operators.Negate(),
    operators.Absolute(),
    operators.Equal(),
    elementary.Floor(),
    elementary.Round(),
    elementary.Sign(),
    operators.Heaviside(),
    operators.Select(),
    operators.Relu(),
    operators.ReluGradient(),
    operators.Sqrt(),
)
ROUNDED = (
    operators.Exp(),
    operators.Log(),
    operators.Log1p(),
    operators.Tanh(),
    operators.Sigmoid(),
    operators.Erf(),
)
SPECIAL = (0.0, -0.0, 1.0, -1.0, 1e-40, 1e30, -1e30, np.inf, -np.inf, np.nan)


def run(
    function: Callable[..., Any], *arrays: Array, threads: int | None = None
) -> tuple[tuple[Array, ...], tuple[Array, ...], list[Map]]:
    """What a program gives, what the definitions give, and the maps of the program."""
    graph = trace(function, *map(Spec.of, arrays)).graph
    program = Program(graph, threads=threads)
    results = program(*arrays)
    steps = program.steps()
    assert all(isinstance(step, KernelStep) for step in steps), program.plan()
    kernels = [step.kernel for step in steps if isinstance(step, KernelStep)]
    return results, graph.run(*arrays), [kernel for kernel in kernels if isinstance(kernel, Map)]


def values(seed: int, shape: tuple[int, ...], dtype: str) -> Array:
    """Numbers of both signs, and a few that are special."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    odd = rng.random(shape) < 0.1
    return np.where(odd, rng.choice(SPECIAL, shape), x).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [True, False])
def test_the_smaller_one_is_that_of_the_definition(dtype: str, first: bool) -> None:
    """-max(-x, y) in fewer instructions is the same to the bit, NaNs and zeros with their signs."""
    special = (*SPECIAL, -np.nan)
    x, y = np.array([(a, b) for a in special for b in special], dtype).T.copy()

    def smaller(x: Any, y: Any) -> Any:
        return -np.maximum(-x, y) if first else -np.maximum(y, -x)

    def and_more(x: Any, y: Any) -> Any:
        negated = -x
        return -np.maximum(negated, y) + negated

    (result,), (wanted,), kernels = run(smaller, x, y)
    assert len(kernels) == 1
    assert np.array_equal(result.view(f"i{x.itemsize}"), wanted.view(f"i{x.itemsize}"))
    (result,), (wanted,), _ = run(and_more, x, y)
    assert np.array_equal(result, wanted, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operator", EXACT, ids=lambda operator: operator.name)
@pytest.mark.parametrize("target", names())
def test_one_rounding_equals_the_definition(
    operator: Operator, dtype: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Operators of one rounding, and of none, equal their definitions, special values too."""
    monkeypatch.setenv(VARIABLE, target)
    x = [values(k, (3, 5, 7, 3), dtype) for k in range(len(operator.inputs))]
    results, expected, _ = run(operator, *x)
    np.testing.assert_array_equal(results, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operator", ROUNDED, ids=lambda operator: operator.name)
def test_functions_are_close_to_the_definition(operator: Operator, dtype: str) -> None:
    """Elementary functions are within 2 units in the last place, special values too."""
    x = values(0, (3, 5, 7, 3), dtype)
    (result,), (expected,), _ = run(operator, x)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(result[~finite], expected[~finite])
    ulp = np.spacing(np.abs(expected[finite]))
    assert np.all(np.abs(result[finite] - expected[finite]) <= 2 * ulp)


@st.composite
def broadcastable(draw: st.DrawFn) -> list[tuple[int, ...]]:
    """Shapes of three operands that broadcast together, of up to 6 axes."""
    full = draw(st.lists(st.integers(1, 5), max_size=6))
    shapes = []
    for _ in range(3):
        cut = draw(st.integers(0, len(full)))
        shapes.append(tuple(draw(st.sampled_from((1, n))) for n in full[cut:]))
    return shapes


@settings(deadline=None, max_examples=50)
@given(broadcastable(), st.sampled_from(DTYPES), st.lists(st.booleans(), min_size=3, max_size=3))
def test_operands_broadcast_from_any_layout(
    shapes: list[tuple[int, ...]], dtype: str, last: list[bool]
) -> None:
    """Operands of any shapes that meet, each in either layout, give a*b + c."""
    rng = np.random.default_rng(len(shapes[0]))
    arrays = [rng.integers(-9, 9, shape).astype(dtype) for shape in shapes]
    given = [
        channels_last(x) if swap and x.ndim > 2 else x for x, swap in zip(arrays, last, strict=True)
    ]
    (result,), (expected,), _ = run(lambda a, b, c: a * b + c, *given)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 63, 64, 65, 131, 16384, 16385, 100_001])
def test_sizes_around_vectors_and_chunks(n: int) -> None:
    """Every size is covered once, whatever the vectors, tails and chunks."""
    x = np.arange(n, dtype=np.float32)
    for threads in (1, 2, 3):
        (result,), _, _ = run(lambda x: x * 2.0 + 1.0, x, threads=threads)
        np.testing.assert_array_equal(result, 2 * x + 1)


def test_views_with_steps_and_flips_are_read() -> None:
    """Slices with steps and flipped axes, contiguous nowhere, are operands like others."""

    def function(x: Any) -> Any:
        return x[:, ::2, ::-1, 1::3] + x[:, 1::2, :, ::-3][..., :3]

    x = np.arange(2 * 6 * 8 * 10, dtype=np.float32).reshape(2, 6, 8, 10)
    for operand in (x, channels_last(x)):
        (result,), _, _ = run(function, operand)
        np.testing.assert_array_equal(result, function(x))


@pytest.mark.parametrize("shape", [(0,), (0, 3, 4, 4), (2, 3, 0, 4)])
def test_empty_arrays_need_no_step(shape: tuple[int, ...]) -> None:
    """No elements: no steps, and a result of the right shape."""
    (result,), _, maps = run(lambda x: x * 2.0 + 1.0, np.zeros(shape, np.float32))
    assert result.shape == shape
    assert not maps


ACTIVATIONS = (
    functional.silu,
    functional.gelu,
    lambda x: functional.gelu(x, approximate="tanh"),
    functional.elu,
    functional.softplus,
    functional.hardswish,
    functional.leaky_relu,
    lambda x: (x * 1.5 + 0.25) * x - (x + 3.0) / (x * x + 1.0),
)


@pytest.mark.parametrize("function", ACTIVATIONS)
@pytest.mark.parametrize("target", names())
def test_fused_equals_unfused_bitwise(
    function: Callable[..., Any], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One map of a whole expression gives the bits of one map an operator."""
    monkeypatch.setenv(VARIABLE, target)
    x = np.random.default_rng(0).standard_normal((4, 3, 5, 7)).astype(np.float32)
    graph = trace(function, Spec.of(x)).graph
    fused = Program(graph)
    results = [fused(x)[0]]
    maps = [s.kernel for s in fused.steps() if isinstance(s, KernelStep)]
    assert len(maps) < len(graph.nodes)
    # As outputs of the graph all values are kept, so nothing is deferred.
    kept = [value for node in graph.nodes for value in node.outputs]
    apart = Program(type(graph)(graph.inputs, graph.nodes, tuple(kept), graph.constants))
    results.append(apart(x)[kept.index(graph.outputs[0])])
    assert len(apart.steps()) == len(graph.nodes)
    np.testing.assert_array_equal(results[0].view(np.int32), results[1].view(np.int32))


def test_a_chain_is_one_map() -> None:
    """Operators of one shape, each read by the next alone, are one map."""
    x = np.ones((2, 3, 4, 4), np.float32)
    (result,), (expected,), maps = run(lambda x: functional.gelu(x) * 2.0 + 1.0, x)
    assert len(maps) == 1
    np.testing.assert_allclose(result, expected, 1e-6)


def test_what_is_read_twice_or_returned_is_kept() -> None:
    """A value with two readers, or one that is an output, is computed once and kept."""
    x = np.arange(12, dtype=np.float32)

    def function(x: Value) -> tuple[Value, ...]:
        twice = x * 2.0
        returned = x + 3.0
        return (twice + 1.0) * (twice - 1.0), returned, returned * 2.0

    results, expected, maps = run(function, x)
    np.testing.assert_array_equal(results, expected)
    assert len(maps) == 4


def test_an_expression_that_grows_is_cut() -> None:
    """A long chain, and a wide tree, become several maps and stay right."""
    x = np.linspace(-1, 1, 37)
    many = [np.full(37, float(k)) for k in range(40)]

    def chain(x: Value) -> Value:
        for k in range(60):
            x = x * 0.5 + float(k)
        return x

    def tree(*x: Value) -> Value:
        level = list(x)
        while len(level) > 1:
            level = [a + b for a, b in zip(level[::2], level[1::2], strict=False)] + (
                [level[-1]] if len(level) % 2 else []
            )
        return level[0]

    for function, arrays in ((chain, [x]), (tree, many)):
        (result,), (expected,), maps = run(function, *arrays)
        np.testing.assert_allclose(result, expected, 1e-14)
        assert len(maps) > 1
        assert max(len(kernel.expression.lines) for kernel in maps) <= 40
        assert max(kernel.expression.operands for kernel in maps) <= 16


def test_a_sum_that_another_kernel_takes_keeps_its_operand() -> None:
    """relu(x) + correlate(x, w): what is added to another kernel's result is there in time."""
    x = np.random.default_rng(0).integers(-4, 5, (2, 3, 5, 5)).astype(np.float32)
    w = np.random.default_rng(1).integers(-4, 5, (3, 3, 3, 3)).astype(np.float32)
    window = Window.forward((5, 5), (3, 3), padding=((1, 1), (1, 1)))

    def function(x: Value, w: Value) -> Any:
        return operators.Relu()(operators.Relu()(-x) + Correlate(window)(x, w))

    (result,), (expected,), _ = run(function, x, w)
    np.testing.assert_array_equal(result, expected)


def settings_of(dtype: str, *numbers: float) -> list[Array]:
    """Numbers as arrays of shape ()."""
    return [np.array(number, dtype) for number in numbers]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (33,), (4, 3, 3, 3)])
@pytest.mark.parametrize("operator", [SgdUpdate(), SgdUpdate(nesterov=True)])
def test_sgd(operator: SgdUpdate, shape: tuple[int, ...], dtype: str) -> None:
    """A step of SGD, with and without Nesterov's momentum, for any shape in one map."""
    p, g, v = (np.random.default_rng(k).standard_normal(shape).astype(dtype) for k in range(3))
    numbers = settings_of(dtype, 0.1, 0.9, 1e-3, 0.5)
    results, expected, maps = run(operator, p, g, v, *numbers)
    assert len(maps) == 1
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, 0, 8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (33,), (4, 3, 3, 3)])
@pytest.mark.parametrize("operator", [AdamUpdate(), AdamUpdate(decoupled=True)])
def test_adam(operator: AdamUpdate, shape: tuple[int, ...], dtype: str) -> None:
    """A step of Adam and of AdamW, for any shape in one map."""
    p, g, m, s = (np.random.default_rng(k).standard_normal(shape).astype(dtype) for k in range(4))
    numbers = settings_of(dtype, 0.01, 0.9, 0.999, 1e-8, 0.1, 0.19, 0.002, 0.7)
    results, expected, maps = run(operator, p, g, m, s * s, *numbers)
    assert len(maps) == 1
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, 0, 8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_moving_average_and_clip_factor(dtype: str) -> None:
    """Running statistics, and the factor of gradient clipping where it bites and where not."""
    old, new = (np.random.default_rng(k).standard_normal(35).astype(dtype) for k in range(2))
    (result,), (expected,), _ = run(MovingAverage(), old, new, *settings_of(dtype, 0.1))
    np.testing.assert_allclose(result, expected, 0, 4 * np.finfo(dtype).eps)
    for square, limit in ((4.0, 1.0), (4.0, 3.0), (0.0, 1.0), (np.inf, 1.0), (np.nan, 1.0)):
        (result,), (expected,), _ = run(ClipFactor(), *settings_of(dtype, square, limit))
        np.testing.assert_allclose(result, expected, np.finfo(dtype).eps)


@pytest.mark.parametrize("target", names())
def test_every_target_has_the_functions(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elementary functions and broadcasting agree with the definitions on every target."""
    monkeypatch.setenv(VARIABLE, target)
    rng = np.random.default_rng(0)
    x = channels_last(rng.standard_normal((2, 21, 3, 5)).astype(np.float32))
    b = rng.standard_normal((21, 1, 1)).astype(np.float32)
    (result,), (expected,), _ = run(lambda x, b: functional.gelu(x + b), x, b)
    np.testing.assert_allclose(result, expected, 0, 4e-7)
