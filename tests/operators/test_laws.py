"""The laws of convolution: each says that one operator equals another, or none at all.

Integer data, so equal means equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from allconv.errors import ArgumentError
from allconv.operators.base import Array, Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.operators.loss import CrossEntropy, LogSoftmax, Softmax
from allconv.operators.normalize import BatchNorm, Normalize
from allconv.operators.pointwise import Heaviside, Maximum, Relu, ReluGradient, Select
from allconv.operators.pool import AveragePool, MaxPool, ScatterWindow
from allconv.window import Axis, Window
from records.record import draw_array, draw_window

drawn = given(data=st.data())


def integers(data: st.DataObject, *shape: int) -> Array:
    """Small whole numbers in float64."""
    return draw_array(data, shape, "float64")


def form(data: st.DataObject, window: Window) -> tuple[Array, Array, Array]:
    """x, w and y of one window: two images, two channels, three outputs."""
    x = integers(data, 2, 2, *window.input)
    w = integers(data, 3, 2, *window.kernel)
    return x, w, integers(data, 2, 3, *window.output)


def run(operator: Operator, *arrays: Array) -> Array:
    """The first result of a definition."""
    return operator.define(*arrays)[0]


def rebuilt(window: Window, **changes: Callable[[Axis], Any]) -> Window:
    """The window with some settings of every axis replaced, sizes counted again."""
    axes = []
    for axis in window.axes:
        settings = {
            "input": axis.input,
            "kernel": axis.kernel,
            "stride": axis.stride,
            "dilation": axis.dilation,
            "input_dilation": axis.input_dilation,
            "padding": (axis.padding, axis.high),
        }
        settings |= {name: change(axis) for name, change in changes.items()}
        axes.append(Axis.forward(**settings))
    return Window(tuple(axes))


def stuffed(array: Array, factors: list[int]) -> Array:
    """An array with factor - 1 zeros between the cells of its spatial axes."""
    sizes = [(n - 1) * f + 1 for n, f in zip(array.shape[2:], factors, strict=True)]
    out = np.zeros((*array.shape[:2], *sizes))
    out[(..., *(slice(None, None, f) for f in factors))] = array
    return out


def padded(array: Array, pairs: list[tuple[int, int]]) -> Array:
    """An array with zeros around its spatial axes; negative numbers crop."""
    grown = np.pad(array, [(0, 0), (0, 0), *((max(a, 0), max(b, 0)) for a, b in pairs)])
    crops = [
        slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, grown.shape[2:], strict=True)
    ]
    return grown[(..., *crops)]


def flipped(w: Array) -> Array:
    """Weights turned around along every spatial axis."""
    return np.flip(w, tuple(range(2, w.ndim)))


@drawn
def test_stride_is_a_subsample(data: st.DataObject) -> None:
    """A stride takes every s-th output of the same window without a stride."""
    window = draw_window(data)
    x, w, _ = form(data, window)
    dense = rebuilt(window, stride=lambda axis: 1)
    steps = tuple(slice(None, None, axis.stride) for axis in window.axes)
    np.testing.assert_array_equal(
        run(Correlate(window), x, w), run(Correlate(dense), x, w)[(..., *steps)]
    )


@drawn
def test_dilation_is_a_stuffed_kernel(data: st.DataObject) -> None:
    """Dilation is a larger kernel with zeros between the taps."""
    window = draw_window(data)
    x, w, _ = form(data, window)
    large = rebuilt(window, dilation=lambda a: 1, kernel=lambda a: (a.kernel - 1) * a.dilation + 1)
    spread = stuffed(w, [axis.dilation for axis in window.axes])
    np.testing.assert_array_equal(run(Correlate(window), x, w), run(Correlate(large), x, spread))


@drawn
def test_input_dilation_is_a_stuffed_input(data: st.DataObject) -> None:
    """Input dilation is a larger input with zeros between the cells."""
    window = draw_window(data)
    x, w, _ = form(data, window)
    large = rebuilt(
        window,
        input_dilation=lambda a: 1,
        input=lambda a: (a.input - 1) * a.input_dilation + 1,
    )
    spread = stuffed(x, [axis.input_dilation for axis in window.axes])
    np.testing.assert_array_equal(run(Correlate(window), x, w), run(Correlate(large), spread, w))


@drawn
def test_padding_is_zeros(data: st.DataObject) -> None:
    """Padding is an input with zeros around it; negative padding is a crop of it."""
    window = draw_window(data)
    x, w, _ = form(data, window)
    written = stuffed(x, [axis.input_dilation for axis in window.axes])
    written = padded(written, [(axis.padding, axis.high) for axis in window.axes])
    bare = rebuilt(
        window,
        padding=lambda a: (0, 0),
        input_dilation=lambda a: 1,
        input=lambda a: (a.input - 1) * a.input_dilation + 1 + a.padding + a.high,
    )
    np.testing.assert_array_equal(run(Correlate(window), x, w), run(Correlate(bare), written, w))


@drawn
def test_shift(data: st.DataObject) -> None:
    """The input moved by a stride moves the output by one cell."""
    size, kernel = data.draw(st.integers(4, 8)), data.draw(st.integers(1, 3))
    stride = data.draw(st.integers(1, 3))
    assume(size - kernel >= stride)
    window = Window.forward((size,), (kernel,), stride=(stride,))
    x, w, _ = form(data, window)
    moved = np.zeros_like(x)
    moved[..., stride:] = x[..., :-stride]
    y = run(Correlate(window), x, w)
    np.testing.assert_array_equal(run(Correlate(window), moved, w)[..., 1:], y[..., :-1])


@drawn
def test_pointwise_kernel_is_a_matrix_product(data: st.DataObject) -> None:
    """A 1x1 kernel is a matrix product over the channels."""
    window = Window.forward((3, 4), (1, 1))
    x, w, _ = form(data, window)
    product = (w[:, :, 0, 0] @ x.reshape(2, 2, 12)).reshape(2, 3, 3, 4)
    np.testing.assert_array_equal(run(Correlate(window), x, w), product)


@drawn
def test_linear_is_a_full_window(data: st.DataObject) -> None:
    """A linear layer is a window as large as its input, or without axes."""
    window = Window.forward((3, 4), (3, 4))
    x, w, _ = form(data, window)
    product = x.reshape(2, -1) @ w.reshape(3, -1).T
    np.testing.assert_array_equal(run(Correlate(window), x, w)[:, :, 0, 0], product)
    flat = run(Correlate(Window()), x.reshape(2, -1), w.reshape(3, -1))
    np.testing.assert_array_equal(flat, product)


@drawn
def test_groups_are_separate(data: st.DataObject) -> None:
    """Groups are correlations of their own, side by side."""
    window = draw_window(data)
    x, w, _ = form(data, window)
    both = run(Correlate(window, 2), np.concatenate([x, -x], 1), np.concatenate([w, 2 * w]))
    y = run(Correlate(window), x, w)
    np.testing.assert_array_equal(both, np.concatenate([y, -2 * y], 1))


@drawn
def test_full_convolution_commutes_and_associates(data: st.DataObject) -> None:
    """Full convolution, a correlation with a flipped kernel, commutes and associates."""

    def convolve(a: Array, b: Array) -> Array:
        reach = len(b) - 1
        window = Window.forward((len(a),), (len(b),), padding=((reach, reach),))
        return run(Correlate(window), a[None, None], b[None, None, ::-1])[0, 0]

    a, b, c = (integers(data, data.draw(st.integers(1, 5))) for _ in range(3))
    np.testing.assert_array_equal(convolve(a, b), convolve(b, a))
    np.testing.assert_array_equal(convolve(convolve(a, b), c), convolve(a, convolve(b, c)))
    np.testing.assert_array_equal(convolve(a, b), np.convolve(a, b))


@drawn
def test_local_with_equal_weights(data: st.DataObject) -> None:
    """A locally connected layer with equal weights everywhere is a correlation."""
    window = draw_window(data)
    x, w, y = form(data, window)
    spread = np.broadcast_to(
        w.reshape(*w.shape, *(1,) * len(window.axes)), (*w.shape, *window.output)
    )
    np.testing.assert_array_equal(run(Local(window), x, spread), run(Correlate(window), x, w))
    np.testing.assert_array_equal(
        run(LocalTranspose(window), spread, y), run(CorrelateTranspose(window), w, y)
    )
    summed = run(LocalWeight(window), x, y).sum(tuple(range(w.ndim, w.ndim + len(window.axes))))
    np.testing.assert_array_equal(summed, run(CorrelateWeight(window), x, y))


@drawn
def test_one_form_three_views(data: st.DataObject) -> None:
    """<y, correlate(x, w)> == <x, transpose(w, y)> == <w, weight(x, y)>: one trilinear form."""
    window = draw_window(data)
    x, w, y = form(data, window)
    forward = (y * run(Correlate(window), x, w)).sum()
    assert forward == (x * run(CorrelateTranspose(window), w, y)).sum()
    assert forward == (w * run(CorrelateWeight(window), x, y)).sum()


@drawn
def test_lecture_weight_gradient(data: st.DataObject) -> None:
    """dL/dW = Correlation(I, LO): the gradient of the output slides over the input."""
    size, kernel = data.draw(st.integers(3, 7)), data.draw(st.integers(1, 3))
    window = Window.forward((size, size), (kernel, kernel))
    image, loss = integers(data, 1, 1, size, size), integers(data, 1, 1, *window.output)
    slides = Window.forward((size, size), window.output)
    np.testing.assert_array_equal(
        run(CorrelateWeight(window), image, loss), run(Correlate(slides), image, loss)
    )


@drawn
def test_lecture_input_gradient(data: st.DataObject) -> None:
    """dL/dI = Correlation(W_pad, LO_flip): the flipped gradient slides over the padded weights."""
    size, kernel = data.draw(st.integers(3, 7)), data.draw(st.integers(1, 3))
    window = Window.forward((size, size), (kernel, kernel))
    w, loss = integers(data, 1, 1, kernel, kernel), integers(data, 1, 1, *window.output)
    reach = window.output[0] - 1
    slides = Window.forward(window.kernel, window.output, padding=((reach, reach),) * 2)
    np.testing.assert_array_equal(
        run(CorrelateTranspose(window), w, loss), run(Correlate(slides), w, flipped(loss))
    )


@drawn
def test_transpose_is_a_correlation_with_the_closed_form(data: st.DataObject) -> None:
    """The transpose is a correlation of y with the flipped weights, its channels exchanged."""
    window = draw_window(data)
    _, w, y = form(data, window)
    axes = []
    for a in window.axes:
        reach = a.dilation * (a.kernel - 1)
        axes.append(
            Axis.forward(
                a.output,
                a.kernel,
                stride=a.input_dilation,
                dilation=a.dilation,
                input_dilation=a.stride,
                padding=(reach - a.padding, reach - a.high),
            )
        )
    turned = flipped(w).swapaxes(0, 1)
    np.testing.assert_array_equal(
        run(CorrelateTranspose(window), w, y), run(Correlate(Window(tuple(axes))), y, turned)
    )


@drawn
def test_average_is_a_constant_kernel(data: st.DataObject) -> None:
    """Average pooling is a correlation of each channel with constant weights."""
    window = draw_window(data)
    x = integers(data, 2, 2, *window.input) * window.taps
    ones = np.ones((2, 1, *window.kernel))
    np.testing.assert_array_equal(
        run(AveragePool(window), x) * window.taps, run(Correlate(window, 2), x, ones)
    )


@drawn
def test_average_of_ones_without_padding(data: st.DataObject) -> None:
    """The mean of ones is one wherever a window meets a cell, if padding does not count."""
    window = draw_window(data)
    met = run(Correlate(window), np.ones((1, 1, *window.input)), np.ones((1, 1, *window.kernel)))
    mean = run(AveragePool(window, count_padding=False), np.ones((1, 1, *window.input)))
    np.testing.assert_array_equal(mean, (met > 0).astype(float))


@drawn
def test_max_keeps_order(data: st.DataObject) -> None:
    """Max pooling commutes with adding a constant and with scaling by a positive number."""
    window = draw_window(data)
    x = integers(data, 2, 2, *window.input)
    y, tap = MaxPool(window).define(x)
    moved, same = MaxPool(window).define(3 * x + 5)
    np.testing.assert_array_equal(moved, 3 * y + 5)
    np.testing.assert_array_equal(same, tap)


def test_max_at_ties() -> None:
    """At a tie the first tap in row-major order wins, and alone gets the gradient."""
    window = Window.forward((2, 4), (2, 2), stride=(2, 2))
    x = np.array([[[[0.0, 7.0, 3.0, 3.0], [7.0, 7.0, 3.0, 3.0]]]])
    y, tap = MaxPool(window).define(x)
    np.testing.assert_array_equal(y, [[[[7.0, 3.0]]]])
    np.testing.assert_array_equal(tap, [[[[1, 0]]]])
    (gx,) = ScatterWindow(window).define(np.array([[[[10.0, 20.0]]]]), tap)
    np.testing.assert_array_equal(gx, [[[[0.0, 10.0, 20.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]])


def test_padding_never_wins() -> None:
    """Padding never wins a maximum; a window of nothing else gives -inf and no tap."""
    window = Window.forward((1,), (2,), stride=(2,), padding=((3, 2),))
    y, tap = MaxPool(window).define(np.array([[[-5.0]]]))
    np.testing.assert_array_equal(y, [[[-np.inf, -5.0, -np.inf]]])
    np.testing.assert_array_equal(tap, [[[-1, 1, -1]]])
    (gx,) = ScatterWindow(window).define(np.array([[[1.0, 2.0, 4.0]]]), tap)
    np.testing.assert_array_equal(gx, [[[2.0]]])


def test_nan_propagates() -> None:
    """NaN stays NaN through maxima and ReLU; the first one takes the tap."""
    window = Window.forward((4,), (4,))
    y, tap = MaxPool(window).define(np.array([[[1.0, np.nan, 9.0, np.nan]]]))
    assert np.isnan(y).all()
    np.testing.assert_array_equal(tap, [[[1]]])
    nan = np.array([np.nan, 1.0])
    assert np.isnan(run(Relu(), nan)[0])
    assert np.isnan(run(Maximum(), nan, np.ones(2))[0])
    assert np.isnan(run(Maximum(), np.ones(2), nan)[0])
    np.testing.assert_array_equal(run(Heaviside(), nan), [0.0, 1.0])
    np.testing.assert_array_equal(run(ReluGradient(), nan, np.array([3.0, 4.0])), [3.0, 4.0])
    np.testing.assert_array_equal(run(Select(), nan, np.zeros(2), np.ones(2)), [1.0, 0.0])


@drawn
def test_batch_norm_is_normalize(data: st.DataObject) -> None:
    """Batch normalisation is normalisation by the batch's own mean and variance."""
    x = integers(data, 3, 2, 4)
    gamma, beta = integers(data, 2), integers(data, 2)
    y, mean, variance = BatchNorm(0.5).define(x, gamma, beta)
    np.testing.assert_array_equal(y, run(Normalize(0.5), x, mean, variance, gamma, beta))


@drawn
def test_softmax_ignores_a_shift(data: st.DataObject) -> None:
    """Softmax and the loss do not change when every class gets the same constant."""
    x, labels = integers(data, 3, 4), np.array([0, 3, 1])
    for operator, more in ((Softmax(), ()), (LogSoftmax(), ()), (CrossEntropy(0.1), (labels,))):
        np.testing.assert_array_equal(run(operator, x + 1000, *more), run(operator, x, *more))


@pytest.mark.parametrize("label", [-1, 4])
def test_labels_outside(label: int) -> None:
    """A label that is no class is refused with its range."""
    with pytest.raises(ArgumentError, match=f"labels run from .*{label}.*; there are 4 classes"):
        CrossEntropy().define(np.zeros((2, 4)), np.array([0, label]))


def test_whole_numbers_and_booleans() -> None:
    """Whole numbers are correlated in their own dtype, booleans by and and or."""
    window = Window.forward((4,), (3,))
    x, w = np.array([[[1, 2, 3, 4]]]), np.array([[[1, 2, 3]]])
    y = run(Correlate(window), x, w)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, [[[14, 20]]])
    met = run(Correlate(window), x > 3, w > 2)
    np.testing.assert_array_equal(met, [[[False, True]]])
