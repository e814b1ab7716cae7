"""What follows a convolution cell by cell is computed by its kernel, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allconv import functional as F
from allconv.engine.epilogue import Epilogue
from allconv.engine.fuse import OPERANDS, fuse
from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.planes import Planes
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.engine.target import names
from allconv.operators.base import Spec
from allconv.trace import trace

X, W, B = (2, 5, 7, 6), (9, 5, 3, 3), (9,)
Y = (2, 9, 7, 6)
SCALE = (2, 9, 1, 1)


def conv(x: Any, w: Any) -> Any:
    return F.conv2d(x, w, padding=1)


def gated(x: Any, w: Any) -> Any:
    y = conv(x, w)
    return y * np.maximum(y + 3.0, 0.0)


def block(x: Any, w: Any, r: Any, *state: Any) -> Any:
    """As in a residual network."""
    return F.relu(normalized(x, w, *state) + r)


def normalized(x: Any, w: Any, mean: Any, variance: Any, gamma: Any, beta: Any) -> Any:
    return F.batch_norm(conv(x, w), mean, variance, gamma, beta)


def excited(x: Any, w: Any) -> Any:
    """Squeeze and excitation: the scale comes from the result itself."""
    y = conv(x, w)
    return y * F.sigmoid(F.adaptive_avg_pool2d(y, 1))


STATE = (B,) * 4
Case = tuple[Callable[..., Any], tuple[tuple[int, ...], ...], list[str]]
CASES: dict[str, Case] = {
    "relu": (lambda x, w: F.relu(conv(x, w)), (X, W), ["Correlate + Relu"]),
    "residual": (lambda x, w, r: F.relu(conv(x, w) + r), (X, W, Y), ["Correlate + Add + Relu"]),
    "residual first": (lambda x, w, r: r - conv(x, w), (X, W, Y), ["Correlate + Subtract"]),
    "by channel": (lambda x, w, b: conv(x, w) * b.reshape((1, 9, 1, 1)), (X, W, B),
                   ["Correlate + Multiply"]),
    "by image and channel": (lambda x, w, s: conv(x, w) * s, (X, W, SCALE),
                             ["Correlate + Multiply"]),
    "a number": (lambda x, w: conv(x, w) * 2.0 + 1.0, (X, W), ["Correlate + Multiply + Add"]),
    "twice itself": (gated, (X, W),
                     ["Correlate + Add + Maximum + Multiply"]),
    "normalized": (normalized, (X, W, *STATE), ["Correlate + Normalize"]),
    "block": (block, (X, W, Y, *STATE), ["Correlate + Normalize + Add + Relu"]),
    "transpose": (lambda x, w: F.relu(F.conv_transpose2d(x, w, stride=2)), ((2, 9, 3, 4), W),
                  ["CorrelateTranspose + Relu"]),
    "two of them": (lambda x, w, v: conv(x, w) + conv(x, v), (X, W, W),
                    ["Correlate + Add", "Correlate"]),
    "seen twice": (lambda x, w: (lambda y: (y, F.relu(y)))(conv(x, w)), (X, W), ["Correlate"]),
    "excited": (excited, (X, W), ["Correlate"]),
    "before": (lambda x, w, *state: F.conv2d(F.relu(F.batch_norm(x, *state)), w),
               ((2, 9, 7, 6), (5, 9, 1, 1), *STATE), ["Normalize + Relu + Correlate"]),
    "before and after": (lambda x, w, r, s: F.relu(F.conv2d(F.relu(s * x), w) + r),
                         (Y, (9, 9, 1, 1), Y, SCALE),
                         ["Multiply + Relu + Correlate + Add + Relu"]),
    "before, of few": (lambda x, w: F.conv2d(F.relu(x), w), (X, (9, 5, 1, 1)), ["Correlate"]),
    "before, padded": (lambda x, w: conv(F.relu(x), w), (Y, (9, 9, 3, 3)), ["Correlate"]),
    "by column": (lambda x, w, c: conv(x, w) * c, (X, W, (6,)), ["Correlate"]),
    "wider": (lambda x, w, r: conv(x, w) + r, (X, W, (3, 1, 9, 7, 6)), ["Correlate"]),
}  # fmt: skip


def graph_of(name: str) -> Any:
    function, shapes, _ = CASES[name]
    return trace(function, *(Spec(shape) for shape in shapes)).graph


@pytest.mark.parametrize("name", CASES)
def test_what_is_fused(name: str) -> None:
    """A group ends where something else reads a value, or where an operand fits no epilogue."""
    groups = list(dict.fromkeys(fuse(graph_of(name)).values()))
    assert [str(group) for group in groups] == CASES[name][2]


@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_equal_their_definitions(
    name: str, dtype: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the layout of operands; small integers without division are exact."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    function, shapes, _ = CASES[name]
    draw = np.random.default_rng(3)
    graph = trace(function, *(Spec(shape, dtype) for shape in shapes)).graph
    arrays = [draw.integers(-4, 5, shape).astype(dtype) for shape in shapes]
    if STATE[0] in shapes and len(shapes) > 3:
        arrays[-3] = np.abs(arrays[-3]) + 1
    rounded = name in ("normalized", "block", "excited", "before")
    for exact in (True, False):
        program = Program(graph, threads=2, exact=exact)
        for given in (arrays, [moved(x) for x in arrays]):
            results = program(*given)
            assert not any(isinstance(step, DefinitionStep) for step in program.steps())
            for got, expected in zip(results, graph.run(*given), strict=True):
                if rounded:
                    limit = 1e-5 if dtype == "float32" else 1e-13
                    np.testing.assert_allclose(got, expected, limit, 100 * limit)
                else:
                    np.testing.assert_array_equal(got, expected)


def moved(x: np.ndarray) -> np.ndarray:
    """The same numbers, channels last where there are pixels."""
    if x.ndim != 4:
        return x
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def epilogue_of(step: Any) -> Epilogue:
    """The one that a step asks for, of those that its kernel has."""
    if isinstance(step.kernel, Planes):
        return step.kernel.epilogue
    several = step.kernel.epilogues
    return several[step.arguments["which"]] if len(several) > 1 else several[0]


def prologue_of(step: Any) -> Epilogue:
    """The same of what comes before."""
    if isinstance(step.kernel, Planes):
        return Epilogue(before=True)
    several = step.kernel.prologues
    return several[step.arguments["which_before"]] if len(several) > 1 else several[0]


def test_one_step_for_a_block() -> None:
    """Convolution, normalisation, residual and activation write the result once."""
    function, shapes, _ = CASES["block"]
    graph = trace(function, *(Spec(shape) for shape in shapes)).graph
    program = Program(graph, static=(1, 3, 4, 5, 6), exact=True)
    direct = [step for step in program.steps() if isinstance(step.kernel, Direct | Planes)]
    (step,) = direct
    assert step.what == "Correlate + Normalize + Add + Relu"
    assert [place.shape for place in program.prepare().planner.outputs] == [Y]
    assert epilogue_of(step).kinds == "cccy"


def test_normalisation_is_folded_unless_exact() -> None:
    """Static statistics become a part of static weights; nothing is left to do for a cell."""
    function, shapes, _ = CASES["normalized"]
    graph = trace(function, *(Spec(shape) for shape in shapes)).graph
    for static, exact, kinds in (
        ((1, 2, 3, 4, 5), False, ""),
        ((1, 2, 3, 4, 5), True, "ccc"),
        ((1,), False, "ccc"),
        ((), False, "ccc"),
    ):
        program = Program(graph, static=static, exact=exact)
        (step,) = (step for step in program.steps() if isinstance(step.kernel, Direct | Planes))
        assert epilogue_of(step).kinds == kinds


def scaled(x: Any, w: Any, mean: Any, variance: Any, gamma: Any, beta: Any) -> Any:
    """Normalised, then multiplied and moved again, as in files that come from other frameworks."""
    y = F.batch_norm(conv(x, w), mean, variance, gamma, beta)
    return F.relu(y * gamma.reshape((9, 1, 1)) - beta.reshape((1, 9, 1, 1)) + 0.5)


def scaled_before(x: Any, w: Any, mean: Any, variance: Any, gamma: Any, beta: Any) -> Any:
    """The same before a convolution."""
    y = F.batch_norm(x, mean, variance, gamma, beta)
    return F.conv2d(F.relu(y * gamma.reshape((9, 1, 1)) + beta.reshape((9, 1, 1))), w)


def read_in_between(x: Any, w: Any, mean: Any, variance: Any, gamma: Any, beta: Any) -> Any:
    """What is normalised is read again after it was multiplied."""
    y = F.batch_norm(conv(x, w), mean, variance, gamma, beta)
    return y * gamma.reshape((9, 1, 1)) + y


def read_itself(x: Any, w: Any, *state: Any) -> Any:
    """The result of the convolution itself is read again, as by PReLU."""
    y = conv(x, w)
    return F.prelu(y, state[0])


def turned(x: Any, w: Any, mean: Any, variance: Any, gamma: Any, beta: Any) -> Any:
    """A number minus the result is not the result and a number."""
    return (mean.reshape((9, 1, 1)) - conv(x, w)) * variance.reshape((9, 1, 1)) + gamma.reshape(
        (9, 1, 1)
    ) * beta.reshape((9, 1, 1))


@pytest.mark.parametrize(
    ("function", "shapes", "after", "before"),
    [
        (scaled, (X, W, *STATE), "", ""),
        (scaled_before, (Y, (5, 9, 1, 1), *STATE), "", "cc"),
        (read_in_between, (X, W, *STATE), "c", ""),
        (read_itself, (X, W, *STATE), "c", ""),
        (turned, (X, W, *STATE), "ccc", ""),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_static_scales_and_shifts_are_joined(
    function: Callable[..., Any], shapes: tuple[tuple[int, ...], ...], after: str, before: str,
    dtype: str,
) -> None:  # fmt: skip
    """In fast mode: folded into weights, or one scale and shift; the numbers are the same."""
    draw = np.random.default_rng(8)
    graph = trace(function, *(Spec(shape, dtype) for shape in shapes)).graph
    arrays = [draw.standard_normal(shape).astype(dtype) for shape in shapes]
    arrays[3] = np.abs(arrays[3]) + 0.5
    (expected,) = graph.run(*arrays)
    for exact in (False, True):
        program = Program(graph, static=range(1, len(shapes)), exact=exact)
        program.bind(dict(enumerate(arrays[1:], 1)))
        (got,) = program(arrays[0])
        limit = 1e-4 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(got, expected, limit, limit)
        (step,) = (step for step in program.steps() if isinstance(step.kernel, Direct | Planes))
        if not exact:
            assert epilogue_of(step).kinds == after
            assert prologue_of(step).kinds == before


def test_an_epilogue_has_so_many_operands() -> None:
    """What comes after them is a step of its own."""

    def many(x: Any, w: Any, *others: Any) -> Any:
        y = conv(x, w)
        for other in others:
            y = y + other
        return y

    specs = [Spec(X), Spec(W), *[Spec(Y)] * (OPERANDS + 2)]
    graph = trace(many, *specs).graph
    (group,) = dict.fromkeys(fuse(graph).values())
    assert len(group.rest) == OPERANDS
