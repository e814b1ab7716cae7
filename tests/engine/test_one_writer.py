"""Every output cell is written by one register tile of one chunk, and once."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import functional as F
from allconv.engine.kernels.depthwise import Depthwise
from allconv.engine.kernels.depthwise_planes import DepthwisePlanes
from allconv.engine.kernels.depthwise_weight import DepthwiseWeight
from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.matmul import Products
from allconv.engine.kernels.planes import Planes
from allconv.engine.kernels.taps import Pool
from allconv.engine.kernels.weight import Weight
from allconv.engine.kernels.winograd import Winograd
from allconv.engine.target import names
from allconv.operators.base import Spec
from allconv.operators.matmul import MatMul
from allconv.operators.pool import (
    AveragePool,
    AveragePoolTranspose,
    GatherWindow,
    MaxPool,
    ScatterWindow,
)
from allconv.trace import trace
from allconv.window import Window

from .comparing import channels_last, graph_of
from .counting import written
from .forcing import ROWS, force, row_name
from .geometries import VIEWS, draw_fitting, draw_problem

CORRELATIONS = (
    Direct, Planes, Depthwise, DepthwisePlanes, Winograd, Weight, DepthwiseWeight,
)  # fmt: skip
SHARE = 12  # geometries of one test


def check_one_writer(graph, operands, kinds):
    """A cell that is written is written once; the kernels that were counted. (That all are written
    is what comparisons with definitions see, which begin with NaN.)

    Where parts of sums are joined the results are sums of counts: those of kernels that write one,
    however often, are the same.
    """
    counted, kernels = written(graph, operands, kinds, more=True)
    assert all(each.any() for each in counted)
    if max(each.max() for each in counted) > 1:
        once, _ = written(graph, operands, kinds, more=False)
        for wanted, got in zip(once, counted, strict=True):
            np.testing.assert_array_equal(got, wanted)
    return kernels


@pytest.mark.parametrize("view", VIEWS)
def test_correlations(view):
    """Drawn geometries in either order of memory; sums of weight gradients are joined as always."""
    counted = set()
    for number in range(SHARE):
        draw = np.random.default_rng([77, number, VIEWS.index(view)])
        operator, operands = draw_problem(draw, view)
        if draw.random() < 0.5:
            operands = tuple(map(channels_last, operands))
        counted |= check_one_writer(graph_of(operator, operands), operands, CORRELATIONS)
    assert len(counted) >= SHARE // 3


@pytest.mark.parametrize(("operator", "algorithm"), ROWS, ids=row_name)
def test_every_algorithm(operator, algorithm, monkeypatch):
    """The same for those that are chosen seldom."""
    force(monkeypatch, algorithm.name)
    for number in range(SHARE // 2):
        draw = np.random.default_rng([78, number])
        each, operands = draw_fitting(draw, operator, algorithm.fits)
        assert check_one_writer(graph_of(each, operands), operands, CORRELATIONS)


@pytest.mark.parametrize("target", names())
def test_lines_of_every_length(target, monkeypatch):
    """From one cell to beyond two large tiles, with the registers of every processor; the sums of
    many channels come in parts."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    draw = np.random.default_rng(3)
    for cells in range(1, 40):
        for channels, outputs in ((5, 17), (300, 40))[: 2 - cells % 2]:
            x = draw.standard_normal((1, channels, cells)).astype(np.float32)
            w = draw.standard_normal((outputs, channels, 1)).astype(np.float32)
            graph = trace(F.conv1d, Spec(x.shape), Spec(w.shape)).graph
            for each in (x, channels_last(x)):
                assert check_one_writer(graph, (each, w), (Direct, Planes))


@pytest.mark.parametrize("target", names())
def test_pooling(target, monkeypatch):
    """Forward and backward, in rows of every length."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    draw = np.random.default_rng(4)
    for width in range(2, 14):
        window = Window.forward((4, width), (2, 2), padding=((0, 0), (width % 2, 0)))
        x = draw.standard_normal((2, 17, *window.input)).astype(np.float32)
        y = draw.standard_normal((2, 17, *window.output)).astype(np.float32)
        tap = draw.integers(0, window.taps, y.shape).astype(np.int32)
        for operator, *operands in (
            (MaxPool(window), x), (ScatterWindow(window), y, tap), (GatherWindow(window), x, tap),
            (AveragePool(window, False), x), (AveragePoolTranspose(window, False), y),
        ):  # fmt: skip
            operands = tuple(map(channels_last, operands))
            graph = trace(lambda *values, f=operator: f(*values), *map(Spec.of, operands)).graph
            assert check_one_writer(graph, operands, Pool)


def test_products_of_matrices():
    """A tile has rows that the last matrix does not have."""
    for rows in range(1, 14):
        x, w = np.ones((3, rows, 5), np.float32), np.ones((3, 5, 33), np.float32)
        assert check_one_writer(graph_of(MatMul(), (x, w)), (x, w), Products)
