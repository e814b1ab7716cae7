"""Receptive fields against what an impulse in each input cell really changes."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allconv import functional as F
from allconv.analysis.receptive import Reach, receptive_field, receptive_fields
from allconv.errors import ArgumentError
from allconv.graph import Graph
from allconv.operators.arrange import Concatenate, Pad, Unslice
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.dropout import Dropout
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.operators.normalize import BatchNorm, Normalize
from allconv.operators.pointwise import Relu
from allconv.operators.pool import AveragePool, AveragePoolTranspose, MaxPool
from allconv.operators.sum_cells import SumCells
from allconv.trace import trace
from allconv.window import Axis, Window
from records.record import draw_axis

SIZE = 13


def dependent(graph: Graph) -> np.ndarray:
    """(results, input cells): whether a cell of the input changes a cell of the result.

    One image, one channel, one axis. Derivatives of a sum of positive terms are positive, so an
    impulse is seen wherever there is a path.
    """
    size = graph.inputs[0].shape[2]
    rng = np.random.default_rng(0)
    base = rng.permutation(size) + 1.0  # no ties, no zeros
    rows = []
    for j in range(size):
        changed = np.zeros(graph.outputs[0].size, bool)
        for impulse in (1000.0, -1000.0):
            x = base.copy()
            x[j] += impulse
            results = (graph.run(each.reshape(1, 1, -1))[0].reshape(-1) for each in (x, base))
            changed |= np.not_equal(*results)
        rows.append(changed)
    return np.array(rows).T


def seen(reach: Reach, i: int) -> tuple[int, int]:
    """The first and the last input cell that result cell i can see, within the input."""
    low, high = reach.stride * i + reach.low, reach.stride * i + reach.high
    ends = max(ceil(low), 0), min(floor(high), reach.input - 1)
    assert reach.cells(i) == range(ends[0], ends[1] + 1)
    return ends


def check(graph: Graph, *, tight: bool) -> Reach:
    """Every dependence lies inside the field; when tight, at its very ends."""
    ((reach,),) = receptive_field(graph)
    places = np.ndindex(graph.outputs[0].shape)
    for place, row in zip(places, dependent(graph), strict=True):
        i = 0 if reach.along is None else place[reach.along]
        cells = np.flatnonzero(row)
        if len(cells):
            first, last = seen(reach, i)
            assert first <= cells[0]
            assert cells[-1] <= last
            if tight:
                assert (first, last) == (cells[0], cells[-1])
            assert len(cells) <= reach.size
    return reach


def slide(data: st.DataObject, x, *, plain: bool):
    """A value through a random window, forwards or transposed, with positive weights."""
    size = x.shape[2]
    if plain:
        kernel = data.draw(st.integers(1, min(3, size)))
        stride = data.draw(st.integers(1, 3))
        axis = Axis.forward(size, kernel, stride=stride)
        kind = Correlate
    else:
        drawn = draw_axis(data, SIZE)
        low, high = drawn.padding, drawn.high
        kind = data.draw(st.sampled_from([Correlate, MaxPool, AveragePool, CorrelateTranspose]))
        if kind is CorrelateTranspose:
            axis = Axis(
                drawn.output * size, drawn.kernel, size, drawn.stride, drawn.dilation,
                drawn.input_dilation, low,
            )  # fmt: skip
        else:
            grow = max(drawn.dilation * (drawn.kernel - 1) + 1 - size - low - high, 0)
            axis = Axis.forward(
                size, drawn.kernel, stride=drawn.stride, dilation=drawn.dilation,
                input_dilation=drawn.input_dilation, padding=(low, high + grow + 4),
            )  # fmt: skip
    window = Window((axis,))
    weights = np.ones((1, 1, axis.kernel))
    if kind is Correlate:
        return Correlate(window)(x, weights)
    if kind is CorrelateTranspose:
        return x.builder.record(CorrelateTranspose(window), weights, x)
    return MaxPool(window)(x)[0] if kind is MaxPool else AveragePool(window)(x)


@given(data=st.data())
@settings(max_examples=2 * settings().max_examples)
def test_chains(data: st.DataObject) -> None:
    """Nothing outside the field of a chain of windows is ever seen."""

    def chain(x):
        for _ in range(data.draw(st.integers(1, 3))):
            x = slide(data, x, plain=False)
        return x

    check(trace(chain, Spec((1, 1, SIZE), "float64")).graph, tight=False)


@given(data=st.data())
def test_plain_chains_are_tight(data: st.DataObject) -> None:
    """Without padding and dilation the field of a chain is exactly what is seen."""

    def chain(x):
        for _ in range(data.draw(st.integers(1, 3))):
            x = slide(data, x, plain=True)
        return x

    check(trace(chain, Spec((1, 1, SIZE), "float64")).graph, tight=True)


@given(data=st.data())
def test_branches(data: st.DataObject) -> None:
    """Where paths meet, their fields are united."""

    def branches(x):
        left, right = slide(data, x, plain=True), slide(data, x, plain=True)
        n = min(left.shape[2], right.shape[2])
        y = left[:, :, :n] + right[:, :, :n]
        return data.draw(st.sampled_from([y, y[:, :, ::-1], y * x.sum(), y + x[:, :, :1]]))

    check(trace(branches, Spec((1, 1, SIZE), "float64")).graph, tight=False)


ARRANGED = {
    "flatten one channel": (lambda x: x.reshape(1, -1), 1),
    "flatten two": (lambda x: np.concatenate([x, x], 1).reshape(1, -1), 13),
    "transpose": (lambda x: x.transpose(2, 0, 1), 1),
    "linear": (lambda x: Correlate(Window())(x.reshape(1, -1), np.ones((2, SIZE))), 13),
    "pad": (lambda x: Pad(((0, 0), (0, 0), (2, -3)))(x), 1),
    "slice": (lambda x: x[:, :, 2:9:3], 1),
    "turned": (lambda x: x[:, :, ::-1], 1),
    "cell": (lambda x: x[0, 0, 4], 1),
    "unslice": (lambda x: Unslice((0, 0, 3), (1, 1, 1), (1, 1, SIZE), (1, 1, 20))(x), 13),
    "sum kept": (lambda x: x.sum(2, keepdims=True) + x, 13),
    "sum of channels": (lambda x: x.sum(1), 1),
    "concatenate channels": (lambda x: np.concatenate([x, -x], 1), 1),
    "concatenate cells": (lambda x: np.concatenate([x, -x], 2), 13),
    "three in a row": (lambda x: np.concatenate([x[:, :, :2], x[:, :, 2:9], x[:, :, 9:]], 2), 1),
    "mirrored parts": (lambda x: np.concatenate([x[:, :, 2:0:-1], x, x[:, :, -2:-4:-1]], 2), 9),
    "known parts": (lambda x: np.concatenate([np.ones((1, 1, 3)), x], 2), 1),
    "turned and not": (lambda x: np.concatenate([x.transpose(0, 2, 1), x[:, :, :1]], 1), 13),
    "softmax of channels": (lambda x: Softmax(1)(x) + x, 1),
    "log_softmax of cells": (lambda x: LogSoftmax(2)(x * 1e-3), 13),
    "normalize": (lambda x: Normalize(0.5)(x, *[np.ones(1)] * 4), 1),
    "normalize by itself": (
        lambda x: Normalize(0.5)(x, x.sum((0, 2)), *[np.ones(1)] * 3),
        13,
    ),
    "batch norm": (lambda x: BatchNorm(0.5)(x, np.ones(1), np.ones(1))[0], 13),
    "dropout": (lambda x: Dropout(0.0)(x, np.zeros(2, np.int64)), 1),
    "astype": (lambda x: x.astype(np.float32), 1),
    "mirrored border": (
        lambda x: SumCells(2, SIZE, ((1,), *((j,) for j in range(SIZE)), (SIZE - 2,)))(x),
        5,
    ),
    "round": (lambda x: SumCells(2, SIZE, ((SIZE - 1,), *((j,) for j in range(SIZE))))(x), 13),
    "uneven windows": (lambda x: SumCells(2, SIZE, ((0, 1, 2), (2, 3, 4, 5), (), (9,)))(x), 4),
    "nearest": (lambda x: F.interpolate(x, scale_factor=2), 1),
    "straight lines": (lambda x: F.interpolate(x, scale_factor=2, mode="linear"), 2),
    "a third": (lambda x: F.interpolate(x, 4, mode="linear"), 2),
    "own weights": (
        lambda x: Correlate(Window.forward((SIZE,), (3,)))(x, x[:, :, :3]),
        13,
    ),
    "average back": (
        lambda x: AveragePoolTranspose(Window((Axis(26, 2, SIZE, stride=2),)))(x),
        1,
    ),
}


@pytest.mark.parametrize("name", ARRANGED)
def test_arrangements(name: str) -> None:
    """Moving values moves their fields; what mixes all cells sees all."""
    function, size = ARRANGED[name]
    assert check(trace(function, Spec((1, 1, SIZE), "float64")).graph, tight=False).size == size


def test_known_network() -> None:
    """Two axes with settings of their own, against numbers worked out by hand."""

    def network(x, w):
        window = Window.forward((32, 20), (3, 3), stride=(2, 1), padding=((1, 1), (0, 0)))
        y = Relu()(Correlate(window)(x, w))
        pool = Window.forward(window.output, (2, 2), stride=(2, 2))
        return MaxPool(pool)(y)[0]

    graph = trace(network, Spec((1, 3, 32, 20)), Spec((8, 3, 3, 3))).graph
    ((height, width),) = receptive_field(graph)
    assert (height.size, height.stride, height.offset) == (5, 4, -1)
    assert (width.size, width.stride, width.offset) == (4, 2, 0)
    assert str(height) == "5 cells, stride 4, cell 0 sees -1 to 3"
    rows = receptive_fields(graph)
    sizes = [rows[node.outputs[0]][0].size for node in graph]
    assert sizes == [3, 3, 5]


def test_enlarging_has_a_fraction_as_stride() -> None:
    """A transposed convolution moves by a fraction of an input cell."""
    window = Window((Axis(9, 3, 4, stride=2),))
    graph = trace(CorrelateTranspose(window), Spec((2, 1, 3)), Spec((1, 2, 4))).graph
    ((reach,),) = receptive_field(graph, input=1)
    assert (reach.size, reach.stride, reach.offset) == (2, Fraction(1, 2), -1)


def test_other_inputs() -> None:
    """Results that an input does not reach have no field, nor have inputs without cells."""
    graph = trace(lambda x, y: (x * 2.0, y), Spec((1, 1, 4)), Spec((1, 3))).graph
    (first, second) = receptive_field(graph)
    assert len(first) == 1
    assert second == ()
    assert receptive_field(graph, input=1) == ((), ())
    assert str(receptive_field(graph)).splitlines() == [
        "result 0: length  1 cell, stride 1, cell 0 sees 0 to 0",
        "result 1: does not depend on the input's cells",
    ]
    with pytest.raises(ArgumentError, match="input is 2; there are 2, counted from 0"):
        receptive_field(graph, input=2)


def test_of_a_function() -> None:
    """A function is traced for the shapes of its arrays."""
    ((reach,),) = receptive_field(lambda x: Concatenate(1, 2)(x, x), (1, 1, 5))
    assert (reach.size, reach.offset) == (1, 0)
