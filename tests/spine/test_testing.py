"""`allconv.testing`: right gradients and transposes pass, wrong ones are found and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.errors import ArgumentError
from allconv.operators.arrange import Concatenate, Pad, Slice, Transpose
from allconv.operators.base import Array, Operator, Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.dropout import Dropout
from allconv.operators.index import ReadAt
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.operators.loss import CrossEntropy, LogSoftmax, Softmax
from allconv.operators.normalize import BatchNorm
from allconv.operators.pointwise import Heaviside, Multiply, ReluGradient, Sigmoid
from allconv.operators.pool import AveragePool, AveragePoolTranspose, MaxPool, ScatterWindow
from allconv.operators.reduce import Broadcast, Sum
from allconv.operators.sum_cells import SumCells
from allconv.testing import check_adjoint, check_gradients
from allconv.window import Axis, Window

WINDOW = Window.forward((6, 5), (3, 2), stride=(2, 1), padding=((1, 0), (1, 1)))
X, Y = (2, 4, *WINDOW.input), (2, 2, *WINDOW.output)
W, LOCAL = (2, 2, *WINDOW.kernel), (2, 2, *WINDOW.kernel, *WINDOW.output)


def shifted(window: Window) -> Window:
    """The same window one cell aside: the off-by-one of a careless adjoint."""
    return Window(
        tuple(
            Axis(a.input, a.kernel, a.output, a.stride, a.dilation, 1, a.padding + 1)
            for a in window.axes
        )
    )


def numbers(*shape: int, seed: int = 0) -> Array:
    """Distinct numbers, none near 0."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    return ((rng.permutation(size) - size // 2 + 0.25) / size * 4).reshape(shape)


class Aside:
    """The adjoint of a windowed operator, taken with the window one cell aside."""

    def adjoint(self: Any, x: Any, y: Any, gy: Any) -> Any:
        kind: Any = type(self).__mro__[2]
        others = [v for k, v in vars(self).items() if k != "window"]
        return kind(shifted(self.window), *others).adjoint(x, y, gy)


class Doubled:
    """An adjoint whose last gradient is twice too large."""

    def adjoint(self: Any, x: Any, y: Any, gy: Any) -> Any:
        *others, last = super().adjoint(x, y, gy)
        gradients = [*others, last]
        place = max(n for n, g in enumerate(gradients) if g is not None)
        gradients[place] = gradients[place] * 2.0
        return tuple(gradients)


class Negated:
    """An adjoint whose first gradient has the wrong sign."""

    def adjoint(self: Any, x: Any, y: Any, gy: Any) -> Any:
        first, *others = super().adjoint(x, y, gy)
        return -first, *others


def planted(mistake: type, operator: Operator) -> Operator:
    """The operator with a mistake in its adjoint."""
    kind = type(operator)
    wrong = dataclass(frozen=True)(type(f"Wrong{kind.__name__}", (mistake, kind), {}))
    return wrong(**vars(operator))


TAPS = MaxPool(WINDOW).define(numbers(2, 2, *WINDOW.input))[1]
CASES: tuple[tuple[type, Operator, tuple[Array, ...]], ...] = (
    (Aside, Correlate(WINDOW, 2), (numbers(*X), numbers(*W))),
    (Negated, CorrelateTranspose(WINDOW, 2), (numbers(*W), numbers(*Y))),
    (Doubled, CorrelateWeight(WINDOW, 2), (numbers(*X), numbers(*Y))),
    (Doubled, Correlate(WINDOW, 2), (numbers(*X), numbers(*W), numbers(2))),
    (Aside, Local(WINDOW, 2), (numbers(*X), numbers(*LOCAL))),
    (Negated, LocalTranspose(WINDOW, 2), (numbers(*LOCAL), numbers(*Y))),
    (Doubled, LocalWeight(WINDOW, 2), (numbers(*X), numbers(*Y))),
    (Aside, MaxPool(WINDOW), (numbers(2, 2, *WINDOW.input),)),
    (Negated, ScatterWindow(WINDOW), (numbers(*TAPS.shape), TAPS)),
    (Aside, AveragePool(WINDOW, False), (numbers(*X),)),
    (Aside, AveragePoolTranspose(WINDOW), (numbers(*Y),)),
    (Negated, SumCells(1, 3, ((0, 1), (2,), (0,))), (numbers(2, 3),)),
    (Doubled, ReadAt((4,)), (numbers(1, 1, 4), np.array([[[0, 3]]]))),
    (Doubled, Concatenate(1, 2), (numbers(2, 3), numbers(2, 1))),
    (Negated, Pad(((0, 1), (2, -1))), (numbers(2, 3),)),
    (Negated, Slice((1, 2), (1, -1), (2, 3)), (numbers(3, 4),)),
    (Doubled, Transpose((1, 0, 2)), (numbers(2, 3, 2),)),
    (Doubled, Sum((0, 2)), (numbers(2, 3, 2),)),
    (Negated, Broadcast((3, 2)), (numbers(2),)),
    (Doubled, Multiply(), (numbers(2, 3), numbers(3))),
    (Negated, Sigmoid(), (numbers(2, 3),)),
    (Doubled, BatchNorm(0.5), (numbers(4, 2), numbers(2) + 3.0, numbers(2))),
    (Doubled, CrossEntropy(), (numbers(2, 3), np.array([0, 2]))),
    (Negated, LogSoftmax(1), (numbers(2, 3),)),
    (Doubled, Softmax(0), (numbers(2, 3),)),
    (Negated, Dropout(0.5), (numbers(2, 3), np.zeros(2, np.int64))),
)
IDS = [f"{mistake.__name__} {type(operator).__name__}" for mistake, operator, _ in CASES]


@pytest.mark.parametrize(("mistake", "operator", "arrays"), CASES, ids=IDS)
def test_planted_adjoints_are_found(
    mistake: type, operator: Operator, arrays: tuple[Array, ...]
) -> None:
    """The operator passes to second order; with a mistake in its adjoint it does not."""
    check_gradients(first_result(operator), *arrays)
    with pytest.raises(AssertionError, match=r"the first derivative by argument \d .* is wrong"):
        check_gradients(first_result(planted(mistake, operator)), *arrays, order=1)


def first_result(operator: Operator) -> Any:
    """The operator as a function of its operands."""

    def f(*operands: Any) -> Any:
        results = operator(*operands)
        return results[0] if isinstance(results, tuple) else results

    return f


@dataclass(frozen=True)
class Cube(Operator):
    """x**3, with a gradient that is right and one that is differentiated wrongly."""

    right: bool = True

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return x

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (x[0] ** 3,)

    def adjoint(self, x: Any, y: Any, gy: Any) -> Any:
        return ((3.0 * x[0] * x[0] if self.right else 3.0 * FrozenSquare()(x[0])) * gy[0],)


@dataclass(frozen=True)
class FrozenSquare(Operator):
    """x**2 with half of its gradient."""

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return x

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (x[0] ** 2,)

    def adjoint(self, x: Any, y: Any, gy: Any) -> Any:
        return (x[0] * gy[0],)


def test_the_second_order_is_checked() -> None:
    """A gradient may be right while its own gradient is wrong."""
    x = np.array([1.0, -2.0, 3.0])
    check_gradients(Cube(), x, order=3)
    check_gradients(Cube(right=False), x, order=1)
    with pytest.raises(AssertionError, match=r"the second derivative by argument 0 \(x\) is wrong"):
        check_gradients(Cube(right=False), x)


def test_messages_say_which_argument_and_how_far() -> None:
    """By place and name, with both numbers."""
    wrong = planted(Doubled, Correlate(Window()))
    x, w = np.ones((1, 2), np.float32), np.ones((3, 2), np.float32)
    with pytest.raises(
        AssertionError,
        match=r"by argument 1 \(w\) is wrong: .* it says \S+, differences say \S+; \S+ apart",
    ):
        check_gradients(wrong, x, w)


@dataclass(frozen=True)
class Flat(Cube):
    """A gradient of another shape."""

    def adjoint(self, x: Any, y: Any, gy: Any) -> Any:
        return (gy[0].reshape(-1),)


def test_shapes_of_gradients() -> None:
    """A gradient of another shape than its argument is told."""
    with pytest.raises(AssertionError, match=r"has the shape \(4,\); the argument has \(2, 2\)"):
        check_gradients(Flat(), np.ones((2, 2)))


def test_functions_and_modules() -> None:
    """Functions of several results, modules, and labels that are held fixed."""
    check_gradients(lambda x: (x.sum(), np.exp(x) * x), np.array([0.5, -1.0]))
    check_gradients(nn.Sequential(nn.Conv1d(1, 2, 2), nn.Tanh()), numbers(1, 1, 4))
    check_gradients(F.cross_entropy, numbers(2, 3), np.array([0, 2]))
    check_gradients(lambda x: F.max_pool1d(x, 2), numbers(1, 1, 6))
    check_gradients(ReluGradient(), numbers(2, 3), numbers(2, 3, seed=1))
    check_gradients(Heaviside(), numbers(4))


def test_bad_calls() -> None:
    """What cannot be checked is refused."""
    with pytest.raises(ArgumentError, match="no argument holds floats"):
        check_gradients(lambda x: x, np.array([1, 2]))
    with pytest.raises(ArgumentError, match="order is 0"):
        check_gradients(lambda x: x, np.ones(2), order=0)
    with pytest.raises(ArgumentError, match=r"order is 1\.5"):
        check_gradients(lambda x: x, np.ones(2), order=1.5)
    with pytest.raises(ArgumentError, match="tolerance is -1; a number of at least 0"):
        check_gradients(lambda x: x, np.ones(2), tolerance=-1)
    with pytest.raises(ArgumentError, match="seed must be an integer"):
        check_gradients(lambda x: x, np.ones(2), seed="0")
    with pytest.raises(ArgumentError, match="draws is 0; it must be at least 1"):
        check_adjoint(lambda x: x, lambda y: 2 * y, (3,), (3,), draws=0)
    with pytest.raises(ArgumentError, match="x_shape is 3; a whole number for every axis"):
        check_adjoint(lambda x: x, lambda y: y, 3, (3,))


def test_check_adjoint() -> None:
    """Convolution and its transpose; off by a cell, by sign, by a bias, by a shape."""
    w = np.array([[[1.0, -2.0, 3.0]]])

    def ahead(x: Any) -> Any:
        return F.conv1d(x, w, stride=2, padding=1)

    def back(y: Any) -> Any:
        return F.conv_transpose1d(y, w, stride=2, padding=1)

    shapes = (1, 1, 7), (1, 1, 4)
    check_adjoint(ahead, back, *shapes)
    matrix = ac.as_matrix(ahead, shapes[0])
    check_adjoint(matrix.__matmul__, matrix.T.__matmul__, (7,), (4,))
    for wrong in (
        lambda y: F.conv_transpose1d(y, w[..., ::-1].copy(), stride=2, padding=1),
        lambda y: -back(y),
        lambda y: back(y) + 1.0,
        lambda y: np.roll(back(y), 1),
        lambda y: back(y) * np.nan,
    ):
        with pytest.raises(AssertionError, match="is not the transpose of transform: <A x, y> ="):
            check_adjoint(ahead, wrong, *shapes)
    with pytest.raises(AssertionError, match=r"transpose gives the shape \(1, 1, 8\); \(1, 1, 7\)"):
        check_adjoint(
            ahead, lambda y: F.conv_transpose1d(y, w, stride=2, padding=1, output_padding=1),
            *shapes,
        )  # fmt: skip


FORMS = (
    (Correlate, CorrelateTranspose, (1, 0)),
    (Local, LocalTranspose, (1, 0)),
    (AveragePool, AveragePoolTranspose, None),
)


@pytest.mark.parametrize("aside", [False, True])
@pytest.mark.parametrize(("kind", "turned", "order"), FORMS, ids=[k.__name__ for k, _, _ in FORMS])
def test_transposes_of_operators(kind: Any, turned: Any, order: Any, aside: bool) -> None:
    """Each family with its transpose passes; with that of the window one cell aside it does not."""
    other = shifted(WINDOW) if aside else WINDOW
    if order is None:
        x_shape, y_shape = X, (*X[:2], *WINDOW.output)
        pair = (lambda x: kind(WINDOW).define(x)[0], lambda y: turned(other).define(y)[0])
    else:
        w = numbers(*(LOCAL if kind is Local else W))
        x_shape, y_shape = X, Y
        pair = (
            lambda x: kind(WINDOW, 2).define(x, w)[0],
            lambda y: turned(other, 2).define(w, y)[0],
        )
    if not aside:
        check_adjoint(*pair, x_shape, y_shape)
    else:
        with pytest.raises(AssertionError, match="is not the transpose"):
            check_adjoint(*pair, x_shape, y_shape)
