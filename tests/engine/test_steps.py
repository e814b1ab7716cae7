"""How long plans are and how much work is in a chunk: neither depends on how large a window is."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.pack import Pack
from allconv.engine.kernels.taps import Pool
from allconv.engine.kernels.weight import Weight
from allconv.engine.kernels.winograd import Winograd
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.phases import output_phases
from allconv.engine.plan import Planner
from allconv.engine.step import DefinitionStep
from allconv.errors import Error
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.operators.pool import (
    AveragePool,
    AveragePoolTranspose,
    GatherWindow,
    MaxPool,
    ScatterWindow,
)
from allconv.trace import Builder
from allconv.window import Window

MOST = 8  # steps of one operator
LARGEST = 1_000_000  # cells of an image
CORRELATIONS = (Correlate, CorrelateTranspose, CorrelateWeight)
LOCAL = (Local, LocalTranspose, LocalWeight)
AVERAGES = (AveragePool, AveragePoolTranspose)
POOLS = (MaxPool, ScatterWindow, GatherWindow, *AVERAGES)


def plan(operator, *specs, layout="rows"):
    """The plan of one operator."""
    builder = Builder()
    results = builder.apply(operator, *(builder.input(spec) for spec in specs))
    graph = builder.graph(results if isinstance(results, tuple) else [results])
    return Planner(LOWERINGS, graph, (layout,) * len(specs)).run()


def operands(operator, batch, inputs, outputs, groups):
    """The specs of the operands of an operator of these sizes."""
    window = operator.window
    x, y = Spec((batch, inputs, *window.input)), Spec((batch, outputs, *window.output))
    where = window.output if isinstance(operator, LOCAL) else ()
    w = Spec((outputs, inputs // groups, *window.kernel, *where))
    pooled = Spec((batch, inputs, *window.output))
    tap = Spec(pooled.shape, "int32")
    table = {
        (Correlate, Local): (x, w),
        (CorrelateTranspose, LocalTranspose): (w, y),
        (CorrelateWeight, LocalWeight): (x, y),
        (MaxPool, AveragePool): (x,),
        (AveragePoolTranspose,): (pooled,),
        (ScatterWindow,): (pooled, tap),
        (GatherWindow,): (x, tap),
    }
    return next(specs for kinds, specs in table.items() if type(operator) in kinds)


def operators_of(window, groups, local):
    """Every operator that walks a window."""
    yield from (kind(window, groups) for kind in CORRELATIONS)
    if local:
        yield from (kind(window, groups) for kind in LOCAL)
    if window.axes:
        yield from (kind(window) for kind in POOLS)
        yield from (kind(window, False) for kind in AVERAGES)


@st.composite
def windows(draw):
    """Windows of up to three axes, with strides, kernels and dilations up to 64."""
    axes = draw(st.integers(0, 3))

    def each(*sizes):
        return tuple(draw(st.sampled_from(sizes) | st.integers(1, max(sizes))) for _ in range(axes))

    padding = tuple((draw(st.integers(-5, 70)), draw(st.integers(-5, 70))) for _ in range(axes))
    sizes = {0: (1,), 1: (1, 7, 56, 3000), 2: (1, 7, 56, 300), 3: (1, 7, 28)}[axes]
    try:
        window = Window.forward(
            each(*sizes),
            each(1, 3, 64),
            stride=each(1, 2, 32, 64),
            dilation=each(1, 2, 64),
            input_dilation=each(1, 2, 64),
            padding=padding,
        )
    except Error:
        window = None
    if window is None or max(prod(window.input), prod(window.output)) > LARGEST:
        return Window.forward((65,) * axes, (64,) * axes, stride=each(1, 32, 64))
    return window


@settings(deadline=None, max_examples=60)
@given(
    windows(),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([1, 3, 16, 65]),
    st.sampled_from([1, 3, 33, 64]),
    st.sampled_from(["rows", "last"]),
)
def test_few_steps_whatever_the_window(window, groups, inputs, outputs, layout):
    """A plan of one operator has at most MOST steps, none of which is a definition."""
    small = prod(window.kernel) * prod(window.output) < 10_000
    for operator in operators_of(window, groups, local=small):
        specs = operands(operator, 2, groups * inputs, groups * outputs, groups)
        planner = plan(operator, *specs, layout=layout)
        assert len(planner.steps) <= MOST, operator
        assert not any(isinstance(step, DefinitionStep) for step in planner.steps)


def test_a_transposed_convolution_of_a_long_stride_is_four_steps():
    """Kernel 64, stride 32: its weights, its images, all of its 1024 phases, and what mends the
    border."""
    window = Window.forward((256, 256), (64, 64), stride=(32, 32))
    planner = plan(CorrelateTranspose(window), Spec((8, 4, 64, 64)), Spec((1, 8, *window.output)))
    assert len(planner.steps) == 4


@pytest.mark.parametrize("size", [7, 28, 56, 112])
def test_the_gradient_of_a_global_average_is_one_step(size):
    """Every cell is a phase of its own."""
    window = Window.forward((size, size), (size, size))
    assert len(plan(AveragePoolTranspose(window), Spec((2, 64, 1, 1))).steps) == 1


MAIN = (Direct, Weight, Pool, Winograd)
LARGE = {
    "a long pooling": (POOLS, Window.forward((2**18,), (2**17,)), 1, 1),
    "a nearly global pooling": (POOLS, Window.forward((1001, 1000), (1000, 1000)), 512, 1),
    "a long row": (
        (*CORRELATIONS, *POOLS), Window.forward((2**20,), (3,), padding=((1, 1),)), 64, 64,
    ),
    "a long kernel": (CORRELATIONS, Window.forward((2**15,), (2**13,)), 3, 5),
    "many channels": (CORRELATIONS, Window.forward((14, 14), (3, 3)), 2048, 2048),
    "a large image": (
        (*CORRELATIONS, *POOLS), Window.forward((800, 800), (5, 5), stride=(2, 2)), 64, 64,
    ),
    "long strides": (
        (*CORRELATIONS, *POOLS), Window.forward((500, 500), (64, 64), stride=(32, 32)), 64, 64,
    ),
    "a wide linear layer": (CORRELATIONS, Window(), 25088, 4096),
}  # fmt: skip


@pytest.mark.parametrize("case", LARGE)
def test_no_chunk_is_long(case):
    """Chunks have on average at most 10 million multiply-adds of a pooling, 50 million of a
    correlation, of which a core does several billion a second; four times as many where vectors
    and registers are twice as large, for no chunk is smaller than a tile of registers."""
    kinds, window, inputs, outputs = LARGE[case]
    for kind, batch in product(kinds, (1, 64)):
        operator = kind(window)
        pairs = prod(
            sum(phase.out_count * max(phase.tap_count, 1) for phase in output_phases(axis))
            for axis in window.axes
        )
        work = batch * inputs * (outputs if kind in CORRELATIONS else 1) * pairs
        planner = plan(operator, *operands(operator, batch, inputs, outputs, 1))
        (main,) = (step for step in planner.steps if isinstance(step.kernel, MAIN))
        if isinstance(main.kernel, Winograd):  # so many products for m x m cells
            work *= ((main.kernel.m + 2) / (3 * main.kernel.m)) ** 2
        most = (50e6 if kind in CORRELATIONS else 10e6) * max(main.kernel.target.bits / 256, 1) ** 2
        assert work / main.chunks <= most, (operator, main.chunks)
        for step in planner.steps:
            if isinstance(step.kernel, Pack):
                packed = prod(step.arguments[slot] for slot in ("total", "block", "width"))
                assert packed / step.chunks <= 4e6
