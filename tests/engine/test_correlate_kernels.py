"""Direct kernels against the definitions: integers by `==`, on every target and thread count."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.register_tile import (
    choose_heights,
    choose_vectors,
    choose_weight_tile,
    cover,
)
from allconv.engine.kernels.weight import Weight
from allconv.engine.program import Program
from allconv.engine.target import names, restricted
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.window import Window

from .comparing import check_equal, graph_of, planted
from .geometries import VIEWS


def integers(draw, shape, dtype):
    """Small integers, so that sums are exact in every order."""
    return draw.integers(-3, 4, shape).astype(dtype)


@pytest.mark.parametrize("view", VIEWS)
def test_threads_and_order_change_no_bit(view):
    """1, 2, 3 and 7 threads and any order of the chunks give the same bits on real numbers."""
    draw = np.random.default_rng(7)
    window = Window.forward((23, 19), (3, 3), stride=(1, 2), padding=((1, 1), (2, 0)))
    x = draw.standard_normal((5, 40, *window.input)).astype(np.float32)
    y = draw.standard_normal((5, 36, *window.output)).astype(np.float32)
    w = draw.standard_normal((36, 40, 3, 3)).astype(np.float32)
    operator, operands = {
        "correlate": (Correlate(window), (x, w)),
        "transpose": (CorrelateTranspose(window), (w, y)),
        "weight": (CorrelateWeight(window), (x, y)),
    }[view]
    graph = graph_of(operator, operands)
    (first,) = Program(graph, threads=1)(*operands)
    for threads in (1, 2, 3, 7):
        program = Program(graph, threads=threads)
        program.prepare()
        for seed in range(3):
            program.reorder(seed)
            np.testing.assert_array_equal(program(*operands)[0], first)


@pytest.mark.parametrize("view", VIEWS[:2])  # the gradient of the weights sums over the batch
def test_the_batch_changes_no_bit_of_an_image(view):
    """An image alone gives the bits it gives within a batch."""
    draw = np.random.default_rng(3)
    window = Window.forward((15, 15), (3, 3), padding=((1, 1), (1, 1)))
    image = draw.standard_normal((6, 20, 15, 15)).astype(np.float32)
    w = draw.standard_normal((20, 20, 3, 3)).astype(np.float32)
    operator = Correlate(window) if view == "correlate" else CorrelateTranspose(window)

    def run(part):
        operands = (part, w) if view == "correlate" else (w, part)
        return Program(graph_of(operator, operands), exact=True)(*operands)[0]

    np.testing.assert_array_equal(run(image)[2:3], run(image[2:3]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_real_numbers_stay_within_the_bound(dtype):
    """On real numbers the error is below K * eps * (|x| correlated with |w|)."""
    draw = np.random.default_rng(5)
    window = Window.forward((17, 17), (3, 3), padding=((1, 1), (1, 1)))
    x = draw.standard_normal((2, 70, 17, 17)).astype(dtype)
    w = draw.standard_normal((33, 70, 3, 3)).astype(dtype)
    graph = graph_of(Correlate(window), (x, w))
    (got,) = Program(graph)(x, w)
    wide = graph_of(Correlate(window), (x.astype(np.float64), w.astype(np.float64)))
    exact = wide.run(x.astype(np.float64), w.astype(np.float64))[0].astype(np.longdouble)
    (size,) = wide.run(np.abs(x).astype(np.float64), np.abs(w).astype(np.float64))
    terms = 70 * 9
    assert (np.abs(got - exact) <= terms * np.finfo(dtype).eps * size).all()


def test_nan_and_infinity_reach_what_they_meet():
    """A NaN in the input makes NaN of exactly the outputs whose window holds it."""
    window = Window.forward((9, 9), (3, 3), padding=((1, 1), (1, 1)))
    x, w = np.ones((1, 4, 9, 9), np.float32), np.ones((5, 4, 3, 3), np.float32)
    x[0, 2, 4, 4] = np.nan
    graph = graph_of(Correlate(window), (x, w))
    (got,), (wanted,) = Program(graph)(x, w), graph.run(x, w)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    assert np.isnan(got).sum() == 5 * 9


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (1, 3, 8, 8)])
def test_an_empty_batch_is_legal(shape):
    """No images give no outputs, and a weight gradient of zeros."""
    window = Window.forward((8, 8), (3, 3))
    x = np.ones(shape, np.float32)
    y = np.ones((shape[0], 2, 6, 6), np.float32)
    w = np.ones((2, 3, 3, 3), np.float32)
    check_equal(graph_of(Correlate(window), (x, w)), (x, w))
    check_equal(graph_of(CorrelateTranspose(window), (w, y)), (w, y))
    check_equal(graph_of(CorrelateWeight(window), (x, y)), (x, y))


@pytest.mark.parametrize(
    ("view", "kernel", "slot"),
    [
        ("correlate", Direct, "offset2"),
        ("correlate", Direct, "taps2"),
        ("transpose", Direct, "offset3"),
        ("weight", Weight, "offset3"),
        ("weight", Weight, "cells3"),
    ],
)
def test_a_planted_off_by_one_is_caught(monkeypatch, view, kernel, slot):
    """The comparison above fails when an offset or a count is one less."""
    planted(monkeypatch, kernel, slot, -1)
    draw = np.random.default_rng(1)
    window = Window.forward((9, 9), (3, 3), padding=((1, 1), (1, 1)))
    x, y = (integers(draw, (2, n, 9, 9), np.float32) for n in (12, 5))
    w = integers(draw, (5, 12, 3, 3), np.float32)
    operator, operands = {
        "correlate": (Correlate(window), (x, w)),
        "transpose": (CorrelateTranspose(window), (w, y)),
        "weight": (CorrelateWeight(window), (x, y)),
    }[view]
    with pytest.raises(AssertionError):
        check_equal(graph_of(operator, operands), operands)


NARROW = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from engine.comparing import check_equal, graph_of
from engine.geometries import VIEWS, draw_problem
for number, view in enumerate(VIEWS):
    draw = np.random.default_rng([11, number])
    for _ in range(8):
        operator, operands = draw_problem(draw, view)
        check_equal(graph_of(operator, operands), operands)
"""


@pytest.mark.slow
@pytest.mark.parametrize("target", names()[1:])
def test_narrower_targets_equal_the_definition(target, request):
    """The same comparison with the features of older processors."""
    code = NARROW.format(folder=str(request.path.parents[1]))
    environment = {**os.environ, "ALLCONV_TARGET": target}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", names())
def test_tiles_fit_their_registers_and_their_problem(target):
    """No tile is larger than the registers; what is left over is less than a tile."""
    chosen = restricted(target)
    for columns in range(1, 40):
        for rows, vectors in ((1, 1), (3, 2), (40, 5)):
            packed = choose_vectors(chosen, vectors)
            assert packed <= vectors
            heights = choose_heights(chosen, columns, packed)
            assert heights[0] * packed + packed + 1 <= chosen.registers
            whole, begin, covered = cover(heights, columns)
            assert begin == whole * heights[0]
            assert columns <= covered < columns + max(heights)
            height, width, v = choose_weight_tile(chosen, rows, columns, vectors)
            assert height <= rows
            assert width <= columns
            assert height * width * v + v + 1 <= chosen.registers
