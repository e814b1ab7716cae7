"""The working of layers: its sums are what compiled functions return, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allconv as ac
from allconv import functional as F
from allconv import nn
from tiers import slowed

SAMPLES = settings(max_examples=12, deadline=None)


def whole(data: st.DataObject, *shape: int) -> Any:
    """Small whole numbers in float64."""
    seed = data.draw(st.integers(0, 2**16))
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(float)


def numbers(data: st.DataObject, axes: int, least: int, most: int) -> tuple[int, ...]:
    """A whole number an axis."""
    return tuple(data.draw(st.integers(least, most)) for _ in range(axes))


def ends(data: st.DataObject, axes: int) -> tuple[tuple[int, int], ...]:
    """Padding of both sides of every axis; negative padding crops."""
    return tuple((data.draw(st.integers(-1, 2)), data.draw(st.integers(0, 2))) for _ in range(axes))


def compare(function: Callable[..., Any], *arrays: Any) -> None:
    """The totals of the working against the compiled function and its gradients, by ==."""
    y, pullback = ac.vjp(function, *arrays)
    gy = np.arange(y.size).reshape(y.shape) % 5 - 2.0
    working = ac.working(function, *arrays, grad_output=gy)
    np.testing.assert_array_equal(working.y.totals(), y)
    for name, wanted in zip(("gx", "gw", "gb"), pullback(gy), strict=False):
        np.testing.assert_array_equal(getattr(working, name).totals(), wanted)


@pytest.mark.parametrize("axes", slowed([1, 2, 3], 1))
@SAMPLES
@given(data=st.data())
def test_convolution(axes: int, data: st.DataObject) -> None:
    """The sums are those of the compiled convolution, turned or not, and of both its gradients."""
    groups, c, o = numbers(data, 3, 1, 2)
    k, s, d, b = (numbers(data, axes, 1, most) for most in (3, 2, 2, 2))
    x = whole(data, 2, groups * c, *(6 + n for n in numbers(data, axes, 0, 2)))
    w, bias = whole(data, groups * o, c, *k), whole(data, groups * o)
    function = getattr(F, f"conv{axes}d")
    padding, flip = ends(data, axes), data.draw(st.booleans())
    compare(
        lambda x, w, bias: function(
            x, w, bias, s, padding, d, groups, input_dilation=b, flip=flip
        ),
        x, w, bias,
    )  # fmt: skip


@pytest.mark.parametrize("axes", slowed([1, 2, 3], 1))
@SAMPLES
@given(data=st.data())
def test_transposed(axes: int, data: st.DataObject) -> None:
    """The sums are those of the compiled transposed convolution and of both its gradients."""
    groups, c, o = numbers(data, 3, 1, 2)
    k, s, d = (numbers(data, axes, 1, most) for most in (3, 3, 2))
    extra = tuple(data.draw(st.integers(0, max(a, b) - 1)) for a, b in zip(s, d, strict=True))
    x = whole(data, 2, groups * c, *numbers(data, axes, 1, 3))
    w, bias = whole(data, groups * c, o, *k), whole(data, groups * o)
    function = getattr(F, f"conv_transpose{axes}d")
    compare(lambda x, w, bias: function(x, w, bias, s, 0, extra, groups, d), x, w, bias)


@pytest.mark.parametrize("axes", slowed([1, 2, 3], 1))
@SAMPLES
@given(data=st.data())
def test_locally_connected(axes: int, data: st.DataObject) -> None:
    """The sums are those of the compiled locally connected layer and of both its gradients."""
    groups, c, o = numbers(data, 3, 1, 2)
    k, s, d = (numbers(data, axes, 1, 2) for _ in range(3))
    x = whole(data, 2, groups * c, *numbers(data, axes, 3, 4))
    padding = tuple((abs(low), high) for low, high in ends(data, axes))
    convolution = getattr(F, f"conv{axes}d")
    y = convolution(x, np.zeros((groups * o, c, *k)), None, s, padding, d, groups)
    w, bias = whole(data, groups * o, c, *k, *y.shape[2:]), whole(data, *y.shape[1:])
    function = getattr(F, f"locally_connected{axes}d")
    compare(lambda x, w, bias: function(x, w, bias, s, padding, d, groups), x, w, bias)
    back = getattr(F, f"locally_connected_transpose{axes}d")
    size = x.shape[2:]
    bias = whole(data, *x.shape[1:])
    compare(
        lambda y, w, bias: back(y, w, bias, s, padding, 0, groups, d, output_size=size),
        whole(data, *y.shape), w, bias,
    )  # fmt: skip


@pytest.mark.parametrize("axes", slowed([1, 2, 3], 1))
@SAMPLES
@given(data=st.data())
def test_max_pooling_with_ties(axes: int, data: st.DataObject) -> None:
    """Of equal cells the first wins, in the working as in the compiled pooling."""
    k, s, d = (numbers(data, axes, 1, most) for most in (3, 3, 2))
    x = whole(data, 2, 2, *(5 + n for n in range(axes))) // 3
    padding = tuple(data.draw(st.integers(0, n // 2)) for n in k)
    function = getattr(F, f"max_pool{axes}d")
    compare(lambda x: function(x, k, s, padding, d), x)


@pytest.mark.parametrize("divisor", [None, 5])
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("ceil_mode", [True, False])
def test_average_pooling(count_include_pad: bool, ceil_mode: bool, divisor: int | None) -> None:
    """The means are those of the compiled pooling, by either denominator, up to rounding."""
    x = np.arange(70.0).reshape(1, 2, 5, 7) ** 2 % 11

    def function(x: Any) -> Any:
        return F.avg_pool2d(
            x, 3, 2, 1, ceil_mode=ceil_mode, count_include_pad=count_include_pad,
            divisor_override=divisor,
        )  # fmt: skip

    y, pullback = ac.vjp(function, x)
    working = ac.working(function, x, grad_output=y)
    np.testing.assert_allclose(working.y.totals(), y, rtol=1e-14)
    np.testing.assert_allclose(working.gx.totals(), pullback(y)[0], rtol=1e-14)
    assert [view.name for view in working] == ["y", "gx"]
    assert working.title.startswith("average pooling: x (1, 2, 5, 7) -> y (1, 2, ")


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
def test_padding_that_continues_the_input(mode: str) -> None:
    """Cells that the padding repeats keep their names, and gather the gradients of all copies."""
    x, w = np.arange(14.0).reshape(1, 2, 7) % 5, np.arange(12.0).reshape(2, 2, 3) - 5

    def function(x: Any, w: Any) -> Any:
        return F.conv1d(x, w, None, 2, 2, padding_mode=mode)

    compare(function, x, w)
    wanted = {"circular": 5, "reflect": 2, "replicate": 0}[mode]
    assert ac.working(function, x, w).y[0, 0, 0].terms[0].factors[0].index == (0, 0, wanted)


def test_what_only_moves_values_is_followed() -> None:
    """Padding with a number, channels last, and constants of a function."""
    x, w = np.arange(14.0).reshape(1, 2, 7) % 5, np.arange(12.0).reshape(2, 2, 3) - 5
    compare(lambda x, w: F.conv1d(F.pad(x, (1, 1), value=2.0), w), x, w)
    last = np.arange(32.0).reshape(1, 4, 4, 2) % 5
    compare(
        lambda x, w: F.conv2d(np.transpose(x, (0, 3, 1, 2)), w),
        last, np.arange(16.0).reshape(2, 2, 2, 2) - 7,
    )  # fmt: skip
    compare(lambda x: F.conv1d(x, w)[0, :, ::-1], x)
    padded = ac.working(lambda x, w: F.conv1d(F.pad(x, (1, 1), value=2.0), w), x, w)
    assert padded.y[0, 0, 0].terms[0].factors[0].index is None
    assert "padding*w[0,0,0]" in str(padded.y[0, 0, 0])


def test_an_empty_batch() -> None:
    """No image, no cells, and gradients of 0."""
    working = ac.working(F.conv1d, np.zeros((0, 1, 3)), np.ones((1, 1, 2)), grad_output=1.0)
    assert working.y.totals().shape == (0, 1, 2)
    assert "y has no cells" in str(working)
    assert working.gw.totals().tolist() == [[[0.0, 0.0]]]


def test_linear() -> None:
    """A linear layer on any number of axes."""
    x, w, b = np.arange(12.0).reshape(2, 3, 2), np.arange(8.0).reshape(4, 2), np.arange(4.0)
    compare(F.linear, x, w, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_as_its_backward(dtype: str) -> None:
    """A layer's working has its parameters, and agrees with `net.backward`."""
    net = nn.Conv2d(2, 4, 3, stride=2, padding="half", groups=2).astype(dtype)
    net.weight = np.arange(36).reshape(4, 1, 3, 3).astype(dtype) % 7 - 3
    net.bias = np.arange(4).astype(dtype)
    x = (np.arange(100).reshape(2, 2, 5, 5) % 9).astype(dtype)
    y = net(x)
    gx, grads = net.backward(x, y)
    working = ac.working(net, x, grad_output=y)
    assert working.y.totals().dtype == dtype
    for name, wanted in (("y", y), ("gx", gx), ("gw", grads["weight"]), ("gb", grads["bias"])):
        np.testing.assert_array_equal(getattr(working, name).totals(), wanted)


def test_plain_arrays() -> None:
    """The functions on lists, whole numbers staying whole: 14 20 and 10 16."""
    assert ac.working(ac.correlate, [1, 2, 3, 4], [1, 2, 3]).y.totals().tolist() == [14, 20]
    assert ac.working(ac.convolve, [1, 2, 3, 4], [1, 2, 3]).y.totals().tolist() == [10, 16]
    weights = ac.working(ac.correlate_weight, [1, 2, 3, 4], [1, 10])
    assert weights.w.totals().tolist() == [21, 32, 43]
    laid = ac.working(ac.correlate_transpose, [14, 20], [1, 2, 3])
    assert laid.y.totals().tolist() == [14, 48, 82, 60]
    small = np.array([200, 100], np.uint8)
    assert ac.working(ac.correlate, small, small).y.totals().tolist() == [
        int(ac.correlate(small, small)[0])
    ]


def test_the_indices_that_meet() -> None:
    """A term names the user's own cells: a turned kernel by the index it is stored under."""
    cell = ac.working(ac.convolve, [1, 2, 3, 4], [1, 2, 3], padding="half", stride=2).y[0]
    met = [tuple((f.name, f.index, f.value) for f in term.factors) for term in cell.terms]
    assert met == [(("x", (0,), 1), ("w", (1,), 2)), (("x", (1,), 2), ("w", (0,), 1))]
    assert cell.total == 4


def test_the_gradient_of_max_pooling() -> None:
    """Ties are told, and cells that no window took."""
    x = np.array([[[[1.0, 5, 5, 2], [1, 2, 3, 4]]]])
    working = ac.working(F.max_pool2d, x, (1, 3), grad_output=np.ones((1, 1, 2, 1)))
    assert "5, from x[0,0,0,1], the first of 2 equal" in str(working.y[0, 0, 0, 0])
    assert str(working.gx[0, 0, 0, 2]) == "gx[0,0,0,2] = 0    (no window took it)"
    assert working.gx.totals().ravel().tolist() == [0, 1, 0, 0, 0, 0, 1, 0]


def test_nan_wins() -> None:
    """The first NaN is the largest, as in the compiled pooling."""
    x = np.array([[[1.0, np.nan, 3.0, np.nan]]])
    working = ac.working(F.max_pool1d, x, 4, grad_output=1.0)
    assert np.isnan(working.y[0, 0, 0].total)
    assert working.gx.totals().ravel().tolist() == [0, 1, 0, 0]
