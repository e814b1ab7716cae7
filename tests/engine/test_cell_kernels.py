"""Kernels on the cells of an axis against the definitions, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.engine.kernels.top import MOST
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.engine.target import names
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate
from allconv.operators.elementary import Cos, Sin
from allconv.operators.grid import MODES, PADDINGS, GridSample
from allconv.operators.order import ArgExtreme, TopK
from allconv.operators.take import AddAt, Take
from allconv.trace import trace
from allconv.window import Window
from tiers import shares

from .cells import FAMILIES
from .comparing import check_kernels, graph_of

SHARE = 20  # cases of one test


@pytest.mark.parametrize("share", shares(4))
@pytest.mark.parametrize("family", FAMILIES)
def test_as_defined(family: str, share: int) -> None:
    """Any axis and sizes, NaN and infinities, ties, indices that lead nowhere."""
    for number in range(share * SHARE, (share + 1) * SHARE):
        draw = np.random.default_rng([number, list(FAMILIES).index(family)])
        operator, operands = FAMILIES[family](draw)
        check_kernels(operator, *operands)


@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("family", FAMILIES)
def test_with_any_registers(family: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As narrow as those of other processors are."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    for number in range(4):
        operator, operands = FAMILIES[family](np.random.default_rng([99, number]))
        check_kernels(operator, *operands)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_numbers_that_are_constants(axis: int) -> None:
    """They are read where they lie."""
    rng = np.random.default_rng(axis)
    x = rng.normal(size=(3, 5, 4, 6)).astype(np.float32)
    index = np.array([2, 0, -1, 0])
    taken = np.moveaxis(np.moveaxis(x, axis, 0)[index], 0, axis)
    added = np.zeros_like(x)
    np.add.at(np.moveaxis(added, axis, 0), index, np.moveaxis(taken, axis, 0))
    size = x.shape[axis]
    take = trace(lambda x: Take(axis)(x, x.builder.constant(index)), Spec.of(x)).graph
    add = trace(lambda y: AddAt(axis, size)(y, y.builder.constant(index)), Spec.of(taken)).graph
    np.testing.assert_array_equal(Program(take)(x)[0], taken)
    np.testing.assert_allclose(Program(add)(taken)[0], added, 1e-6)


def test_many_strips() -> None:
    """A table of embeddings, whose gradient is computed in strips by several threads."""
    rng = np.random.default_rng(0)
    index = rng.integers(-1000, 1000, 3000)
    check_kernels(Take(0), rng.integers(-9, 10, (1000, 129)).astype(np.float32), index)
    check_kernels(AddAt(0, 1000), rng.integers(-9, 10, (3000, 129)).astype(np.float32), index)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_lines(dtype: str) -> None:
    """Ties of thousands of cells, sorted lines, and as many numbers as there are."""
    rng = np.random.default_rng(0)
    rising = np.arange(5000).astype(dtype)
    ties = rng.integers(-3, 3, 5000).astype(dtype)
    for x in (np.stack([rising, rising[::-1], ties]), np.full((2, 300), np.nan, dtype)):
        for smallest in (False, True):
            check_kernels(ArgExtreme(1, smallest, last=smallest), x)
            for count in (1, 100, x.shape[1]):
                check_kernels(TopK(1, count, smallest), x)


def test_more_than_a_heap_holds() -> None:
    """They are sorted by the definition."""
    x = np.random.default_rng(0).normal(size=MOST + 2).astype(np.float32)
    for count, defined in ((MOST, False), (MOST + 1, True)):
        program = Program(graph_of(TopK(0, count), (x,)))
        assert defined == any(isinstance(step, DefinitionStep) for step in program.steps())
        order = np.argsort(-x, kind="stable")[:count]
        for y, want in zip(program(x), (x[order], order), strict=True):
            np.testing.assert_array_equal(y, want)


def test_angles_where_a_convolution_writes() -> None:
    """Sine and cosine of its result, of numbers near and far."""
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 3, 9, 11)).astype(np.float32)
    w = rng.integers(-9, 10, (7, 3, 3, 3)).astype(np.float32)
    window = Window.forward((9, 11), (3, 3))
    for scale in (1.0, 2.0**20):
        y = Correlate(window).define(x, w * np.float32(scale))[0].astype(np.float64)
        for operator, wanted in ((Sin(), np.sin(y)), (Cos(), np.cos(y))):
            graph = trace(
                lambda x, w, f=operator: f(Correlate(window)(x, w)), Spec.of(x), Spec.of(w)
            ).graph
            program = Program(graph)
            assert "Correlate + " in str(program.plan())
            np.testing.assert_allclose(program(x, w * np.float32(scale))[0], wanted, 0, 1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_images_read_anywhere(padding: str, mode: str, dtype: str) -> None:
    """At places far outside, infinite and NaN, of images that are not finite either."""
    rng = np.random.default_rng(0)
    far = np.array([np.nan, np.inf, -np.inf, 1e30, 3e38, -3e38, 1e6])
    for sizes in ((5,), (7, 9), (3, 4, 5), (1, 1)):
        for corners in (False, True):
            x = rng.normal(size=(2, 3, *sizes)).astype(dtype)
            x[rng.random(x.shape) < 0.02] = np.inf
            grid = rng.uniform(-1.6, 1.6, (2, *(6 for _ in sizes), len(sizes))).astype(dtype)
            some = rng.random(grid.shape) < 0.1
            grid[some] = rng.choice(far, int(some.sum()))
            operator = GridSample(mode, padding, corners)
            program, (wanted,) = Program(graph_of(operator, (x, grid))), operator.define(x, grid)
            near = 1e-4 if dtype == "float32" else 1e-11
            np.testing.assert_allclose(program(x, grid)[0], wanted, near, near)
