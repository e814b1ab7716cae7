"""Direct kernels: their bits whatever the threads, order and batch; their errors and their tiles.

That they equal the definitions is held by `test_geometries` and, on every target, `test_forced`."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.engine.kernels.register_tile import (
    choose_heights,
    choose_vectors,
    choose_weight_tile,
    cover,
)
from allconv.engine.program import Program
from allconv.engine.target import names, restricted
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.window import Window

from .comparing import check_equal, graph_of
from .geometries import DRAWN, VIEWS, draw_geometry


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


@pytest.mark.slow
@pytest.mark.parametrize("target", names()[1:])
@pytest.mark.parametrize("view", VIEWS)
def test_local_weights_on_narrower_targets(view, target, monkeypatch):
    """Weights of each cell's own, which `test_forced` has not, with the features of older ones."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    draw = np.random.default_rng([11, VIEWS.index(view)])
    left = 3
    while left:
        geometry = draw_geometry(draw, str(draw.choice(DRAWN)))
        if geometry.local:
            operator, operands = geometry.problem(view, draw, "float32")
            check_equal(graph_of(operator, operands), operands)
            left -= 1


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
