"""The direct algorithm in planes: the bits of the direct kernel, wherever it takes its place."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.engine.kernels import correlate
from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.planes import Planes
from allconv.engine.program import Program
from allconv.functional import conv2d, conv3d, relu
from allconv.operators.base import Spec
from allconv.trace import trace

from .comparing import channels_last

CASES = {
    "3x3": ((2, 3, 19, 33), (17, 3, 3, 3), {"padding": 1}),
    "stride 2": ((1, 3, 21, 34), (20, 3, 7, 7), {"padding": 3, "stride": 2}),
    "stride 3 and 1": ((1, 2, 40, 16), (9, 2, 4, 2), {"padding": (5, 0), "stride": (3, 1)}),
    "dilation": ((1, 5, 20, 24), (8, 5, 3, 3), {"padding": 2, "dilation": 2, "stride": 2}),
    "groups": ((2, 32, 14, 16), (20, 8, 3, 3), {"padding": 1, "groups": 4}),
    "padding beyond the window": ((1, 1, 9, 9), (3, 1, 2, 3), {"padding": (4, 5)}),
    "single cells": ((2, 70, 14, 14), (40, 70, 1, 1), {}),
    "single cells in groups": ((3, 28, 12, 12), (36, 14, 1, 1), {"groups": 2}),
    "three axes": ((1, 2, 5, 9, 16), (6, 2, 3, 3, 3), {"padding": 1}),
}


def program(x, w, settings):
    """A convolution with a bias, followed by what an epilogue computes."""
    convolve = conv2d if x.ndim == 4 else conv3d

    def run(x, w, b, s):
        return relu(convolve(x, w, b, **settings) * s)

    rank = x.ndim - 2
    b, s = (np.arange(1, len(w) + 1, dtype=x.dtype) for _ in range(2))
    s = s.reshape(-1, *[1] * rank)
    graph = trace(run, *(Spec(a.shape, str(a.dtype)) for a in (x, w, b, s))).graph
    return Program(graph, exact=True), (w, b, s)


def kernels(program):
    """Of the correlation."""
    kinds = (Direct, Planes)
    return {type(step.kernel) for step in program.steps() if isinstance(step.kernel, kinds)}


@pytest.fixture(autouse=True)
def no_kernel_of_groups(monkeypatch):
    """Groups of few channels have a kernel of their own, which is asked first."""
    monkeypatch.setattr(correlate, "add_group_planes", lambda *_: False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_the_bits_are_those_of_the_direct_kernel(case, dtype, monkeypatch):
    """On numbers that are no integers, and so are those of images whose channels come last."""
    shape, weights, settings = CASES[case]
    draw = np.random.default_rng(len(case))
    x, w = (draw.normal(size=size).astype(dtype) for size in (shape, weights))
    run, others = program(x, w, settings)
    (result,) = run(x, *others)
    assert kernels(run) == {Planes}
    monkeypatch.setattr(correlate, "direct_in_planes", lambda *_: False)
    direct, others = program(x, w, settings)
    for image in (x, channels_last(x)):
        assert np.array_equal(result, direct(image, *others)[0])
    assert kernels(direct) == {Direct}


@pytest.mark.parametrize("case", CASES)
def test_not_finite_weights(case, monkeypatch):
    """What lies outside of the image has no part in a sum, whatever the weights are."""
    shape, weights, settings = CASES[case]
    draw = np.random.default_rng(len(case))
    x, w = (draw.integers(-3, 4, size).astype(np.float32) for size in (shape, weights))
    w.flat[:: w.size // 7] = np.inf
    run, others = program(x, w, settings)
    (result,) = run(x, *others)
    monkeypatch.setattr(correlate, "direct_in_planes", lambda *_: False)
    direct, others = program(x, w, settings)
    assert np.array_equal(result, direct(x, *others)[0], equal_nan=True)
