"""Weights and gradients that are not finite reach what they meet, and nothing in the padding."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.engine.program import Program
from allconv.engine.target import names
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.local import LocalWeight
from allconv.window import Window

from .comparing import check_equal, graph_of
from .geometries import WANTED, draw_geometry

SHARE = 27  # geometries of a test


def spoiled(draw, array):
    """A copy with some numbers that are not finite."""
    array = array.copy()
    for _ in range(draw.integers(1, 4)):
        array.flat[draw.integers(array.size)] = draw.choice([np.inf, -np.inf, np.nan])
    return array


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("view", ["correlate", "transpose"])
def test_weights_that_are_not_finite_equal_the_definition(view, dtype):
    """Forward and input gradient, weights shared or not, of every kind of geometry."""
    draw = np.random.default_rng([7, len(view), len(dtype)])
    for number in range(SHARE):
        geometry = draw_geometry(draw, WANTED[number % len(WANTED)])
        operator, operands = geometry.problem(view, draw, dtype)
        weights = 1 if view == "correlate" else 0
        spoilt = [spoiled(draw, x) if n == weights else x for n, x in enumerate(operands)]
        graph = graph_of(operator, spoilt, relu=draw.random() < 0.3)
        with np.errstate(invalid="ignore"):
            check_equal(graph, spoilt)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_that_are_not_finite_equal_the_definition(dtype):
    """Of the output, in the gradient of weights that are shared, of every kind of geometry."""
    draw = np.random.default_rng([10, len(dtype)])
    mended = 0
    for number in range(2 * SHARE):
        geometry = draw_geometry(draw, WANTED[number % len(WANTED)])
        operator, (x, y) = geometry.problem("weight", draw, dtype)
        spoilt = (x, spoiled(draw, y))
        with np.errstate(invalid="ignore"):
            planner, _ = check_equal(graph_of(operator, spoilt), spoilt)
        mended += any("mend border" in step.what for step in planner.steps)
    assert mended > SHARE // 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_local_weights_has_zeros_where_taps_meet_nothing(dtype):
    """Each weight of its own cell: what is not finite there does not reach taps in the padding."""
    draw = np.random.default_rng(8)
    found = 0
    while found < SHARE // 2:
        geometry = draw_geometry(draw, "stride")
        if geometry.local:
            found += 1
            operator, (x, y) = geometry.problem("weight", draw, dtype)
            assert isinstance(operator, LocalWeight)
            spoilt = (x, spoiled(draw, y))
            with np.errstate(invalid="ignore"):
                check_equal(graph_of(operator, spoilt), spoilt)


@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("kind", [Correlate, CorrelateTranspose])
def test_other_channels_keep_their_bits(kind, target, monkeypatch):
    """An infinity in the weights of one channel of the output changes no bit of the others."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    draw = np.random.default_rng(9)
    window = Window.forward((13, 11), (3, 5), stride=(1, 2), padding=((1, 1), (2, 3)))
    w = draw.standard_normal((70, 66, 3, 5)).astype(np.float32)
    shape = (70, *window.output) if kind is CorrelateTranspose else (66, *window.input)
    x = draw.standard_normal((2, *shape)).astype(np.float32)
    spoilt = w.copy()
    spoilt[(0, 3) if kind is Correlate else (3, 0)] = np.inf

    def run(w):
        operands = (x, w) if kind is Correlate else (w, x)
        return Program(graph_of(kind(window), operands), exact=True)(*operands)[0]

    plain, result = run(w), run(spoilt)
    np.testing.assert_array_equal(result[:, 1:], plain[:, 1:])
    assert not np.isfinite(result[:, 0]).any()
