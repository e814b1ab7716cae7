"""Kernels of images of another size against the definitions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allconv.engine.kernels.weighted_sum import WeightedSum
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep, KernelStep
from allconv.operators.base import Array, Operator, Spec
from allconv.operators.resize import Resize, ResizedAxis, ResizeTranspose, Rule
from records.resize import draw, draw_transpose
from tiers import slow

from .comparing import channels_last, graph_of


def compare(operator: Operator, x: Array, ulp: float = 0) -> list[Program]:
    """Programs on 1, 2 and 3 threads, of row-major and channels-last arrays: the definition."""
    graph = graph_of(operator, (x,))
    (wanted,) = operator.define(x)
    programs, size = [], np.abs(x[np.isfinite(x)]).max(initial=1)
    for image in (x, channels_last(x)):
        results = []
        for threads in (1, 2, 3):
            programs.append(Program(graph, threads=threads))
            assert not any(isinstance(step, DefinitionStep) for step in programs[-1].steps())
            (y,) = programs[-1](image)
            assert y.dtype == wanted.dtype
            near = ulp * np.finfo(y.dtype).eps
            np.testing.assert_allclose(y, wanted, rtol=near, atol=near * size)
            results.append(y)
        assert all(np.array_equal(y, results[0], equal_nan=True) for y in results)
    return programs


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_whole_numbers(data: st.DataObject) -> None:
    """The operators of the records, exactly."""
    for each in (draw, draw_transpose):
        operator, (x,) = each(data)
        compare(operator, x)


@slow
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_numbers(data: st.DataObject) -> None:
    """Any sizes, channels across vectors; each axis is rounded once."""
    shape = tuple(data.draw(st.lists(st.integers(1, 19), min_size=3, max_size=4)))
    mode = data.draw(st.sampled_from(["nearest", "linear", "cubic"]))
    spread = mode != "nearest" and data.draw(st.booleans())
    kind = data.draw(st.sampled_from(["half_pixel", "asymmetric", "align_corners"]))
    rule = Rule(mode, kind, antialias=spread, exclude_outside=spread)
    sizes = [data.draw(st.integers(1, 30)) for _ in shape]
    rows = zip(range(len(shape)), shape, sizes, strict=True)
    lines = tuple(ResizedAxis(a, n, to, Fraction(to, n)) for a, n, to in rows)[2:]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    operator = Resize(lines, rule)
    x = rng.normal(size=shape).astype(dtype)
    compare(operator, x, 32)
    (back,) = operator.infer(Spec.of(x))
    compare(ResizeTranspose(lines, rule), rng.normal(size=back.shape).astype(dtype), 256)


@pytest.mark.parametrize("channels", [1, 3, 4, 17])
@pytest.mark.parametrize("kind", ["asymmetric", "half_pixel"])
def test_repeats_are_copies(channels: int, kind: str) -> None:
    """Whole factors are a copy with strides of 0."""
    rule = Rule("nearest", kind, "floor" if kind == "asymmetric" else "round_prefer_ceil")
    lines = (ResizedAxis(2, 5, 15, Fraction(3)), ResizedAxis(3, 7, 14, Fraction(2)))
    x = np.random.default_rng(0).normal(size=(2, channels, 5, 7)).astype(np.float32)
    for program in compare(Resize(lines, rule), x):
        kernels = [step.kernel for step in program.steps() if isinstance(step, KernelStep)]
        assert not any(isinstance(kernel, WeightedSum) for kernel in kernels)
    assert np.array_equal(Resize(lines, rule).define(x)[0], x.repeat(3, 2).repeat(2, 3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_not_finite(dtype: str) -> None:
    """NaN and infinities go to the cells that meet them, and no further."""
    x = np.array([[[np.nan, np.inf, 1.0, -np.inf, 2.0]]], dtype)
    for scale in (Fraction(2), Fraction(3, 2), Fraction(1, 2)):
        line = ResizedAxis(2, 5, int(5 * scale), scale)
        for rule in (Rule(), Rule("linear", "half_pixel"), Rule("cubic", "align_corners")):
            compare(Resize((line,), rule), x, 8)
            y = np.resize(x, (1, 1, line.to))
            compare(ResizeTranspose((line,), rule), y, 8)
