"""Depthwise kernels against the definitions: every width of a row (targets: `test_forced`)."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.engine.epilogue import Epilogue, Tail
from allconv.engine.kernels import correlate
from allconv.engine.kernels.depthwise import Depthwise
from allconv.engine.kernels.depthwise_planes import DepthwisePlanes
from allconv.engine.kernels.depthwise_steps import add_depthwise, choose_tile
from allconv.engine.kernels.depthwise_weight import DepthwiseWeight
from allconv.engine.kernels.four_axes import AxisPhases, four
from allconv.engine.kernels.join_weight import JoinWeight
from allconv.engine.kernels.map import Expression
from allconv.engine.phases import output_phases
from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.engine.target import names, restricted
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.pointwise import Add, Multiply
from allconv.window import Window

from .comparing import channels_last, check_equal, graph_of, plan_of
from .geometries import VIEWS

SETTINGS = {
    "3x3": {"kernel": (3, 3), "padding": ((1, 1), (1, 1))},
    "3x3, stride 2": {"kernel": (3, 3), "stride": (2, 2), "padding": ((1, 1), (1, 1))},
    "5x5": {"kernel": (5, 5), "padding": ((2, 2), (2, 2))},
    "5x5, stride 2": {"kernel": (5, 5), "stride": (2, 2), "padding": ((2, 3), (2, 1))},
    "3x5": {"kernel": (3, 5), "padding": ((2, 2), (0, 0))},
    "2x4, stride 1x3": {"kernel": (2, 4), "stride": (1, 3), "padding": ((0, 1), (3, 2))},
    "dilated": {"kernel": (3, 3), "dilation": (1, 2), "padding": ((1, 1), (2, 2))},
    "spread": {"kernel": (3, 3), "input_dilation": (2, 3), "padding": ((2, 1), (1, 0))},
    "cropped": {"kernel": (3, 3), "padding": ((-1, 0), (-1, -1))},
}
WEIGHT = {DepthwiseWeight, JoinWeight}


def problem(view, window, channels, batch=2, seed=0):
    """An operator of a view, with operands of small integers other than 0."""
    draw = np.random.default_rng(seed)

    def integers(*shape):
        return (draw.integers(1, 4, shape) * draw.choice([-1, 1], shape)).astype(np.float32)

    x, y = (integers(batch, channels, *sizes) for sizes in (window.input, window.output))
    w, b = integers(channels, 1, *window.kernel), integers(channels)
    if view == "correlate":
        return Correlate(window, channels), (x, w, b)
    if view == "transpose":
        return CorrelateTranspose(window, channels), (w, y, b)
    return CorrelateWeight(window, channels), (x, y)


def kernels_of(planner):
    """The kinds of kernels of the steps that are no copies."""
    kinds = {type(step.kernel) for step in planner.steps if isinstance(step, KernelStep)}
    return kinds & {Depthwise, DepthwisePlanes, DepthwiseWeight, JoinWeight}


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("view", VIEWS)
def test_every_width_equals_the_definition(view, settings):
    """Rows of 3 to 20 cells, so that tiles end everywhere, and odd numbers of channels."""
    wanted = WEIGHT if view == "weight" else {Depthwise, DepthwisePlanes}
    for width in range(3, 21):
        given = dict(SETTINGS[settings])
        window = Window.forward((width // 2 + 3, width + 2), **given)
        operator, operands = problem(view, window, (3, 16, 37, 70)[width % 4], seed=width)
        if width % 2:
            operands = tuple(map(channels_last, operands))
        graph = graph_of(operator, operands, relu=width % 3 == 0)
        planner, _ = check_equal(graph, operands)
        assert kernels_of(planner) <= wanted


@pytest.mark.parametrize("sizes", [(40,), (9, 8, 7), (1, 30)])
@pytest.mark.parametrize("view", VIEWS)
def test_one_and_three_axes_equal_the_definition(view, sizes):
    """The axes that a window does not have are of size 1."""
    axes = len(sizes)
    window = Window.forward(sizes, (3,) * axes, padding=((1, 1),) * axes)
    operator, operands = problem(view, window, 19)
    check_equal(graph_of(operator, operands), operands)


@pytest.mark.parametrize("view", VIEWS)
def test_threads_and_order_change_no_bit(view):
    """Any number of threads and any order of chunks give the same bits on real numbers."""
    window = Window.forward((33, 35), (3, 3), padding=((1, 1), (1, 1)))
    operator, operands = problem(view, window, 80, batch=3)
    operands = tuple(x * np.float32(0.7) for x in operands)
    graph = graph_of(operator, operands)
    program = Program(graph, threads=1)
    (first,) = program(*operands)
    assert max(step.chunks for step in program.steps()) > 4
    for threads in (1, 2, 3):
        program = Program(graph, threads=threads)
        program.prepare()
        for seed in range(3):
            program.reorder(seed)
            np.testing.assert_array_equal(program(*operands)[0], first)


def test_the_gradient_of_weights_has_parts():
    """A batch of more than 4,096 cells is summed in parts."""
    window = Window.forward((70, 66), (3, 3), padding=((1, 1), (1, 1)))
    operator, operands = problem("weight", window, 18)
    planner, _ = check_equal(graph_of(operator, operands), operands)
    (join,) = (step for step in planner.steps if isinstance(step.kernel, JoinWeight))
    assert join.arguments["parts"] >= 2 * 70 * 66 / 4096


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("view", VIEWS[:2])
def test_infinite_weights_do_not_reach_cells_through_the_padding(view, settings):
    """Taps outside of the input are left out."""
    window = Window.forward((9, 10), **SETTINGS[settings])
    operator, operands = problem(view, window, 18)
    w = operands[view == "correlate"]
    w[:, :, 0, 0] = np.inf
    with np.errstate(invalid="ignore"):
        check_equal(graph_of(operator, operands), operands)


@pytest.mark.parametrize("view", VIEWS)
def test_few_steps_and_long_windows(view):
    """A long window is no other plan."""
    window = Window.forward((2**12,), (2**10,), stride=(2,))
    operator, operands = problem(view, window, 3, batch=1)
    planner = plan_of(graph_of(operator, operands))
    assert kernels_of(planner) == (WEIGHT if view == "weight" else {Depthwise})
    assert len(planner.steps) <= 5


@pytest.mark.parametrize("target", names())
def test_tiles_fit_the_registers(target):
    """The cells of a tile, its weights and a source."""
    chosen = restricted(target)
    for settings in SETTINGS.values():
        for width in range(6, 40):
            window = Window.forward((width, width), **settings)
            axes = four([AxisPhases(output_phases(axis)) for axis in window.axes], None)
            (height, columns), taps, *_ = choose_tile(chosen, axes)
            weights = min(taps, height) * taps if taps else 1
            assert height * columns + weights + 1 + (not chosen.fma) <= chosen.registers


@pytest.mark.parametrize("channels", [16, 21])
@pytest.mark.parametrize("view", VIEWS[:2])
def test_an_epilogue_reads_its_operands(view, channels, monkeypatch):
    """By channel, by image and channel, cell by cell, and a single number."""
    window = Window.forward((9, 10), (3, 3), stride=(1, 2), padding=((1, 1), (1, 1)))
    operator, operands = problem(view, window, channels, batch=3)
    graph = graph_of(operator, operands)
    (plain,) = graph.run(*operands)
    draw = np.random.default_rng(4)
    scale, shift, other, half = (
        draw.integers(1, 4, shape).astype(np.float32)
        for shape in ((channels,), (3, channels), np.moveaxis(plain, 1, -1).shape, ())
    )
    lines = ((Multiply(), (0, 1)), (Add(), (5, 2)), (Add(), (6, 3)), (Multiply(), (7, 4)))
    epilogue = Epilogue(Expression(5, lines, (8,)), "ccys")

    def with_tail(planner, x, w, y, bias, tail, axes):
        places = tuple(map(planner.constant, (scale, shift, other, half)))
        moves = (0, shift.strides[0], 0, 0)
        add_depthwise(planner, x, w, y, bias, Tail(epilogue, places, moves), axes)

    monkeypatch.setattr(correlate, "add_depthwise", with_tail)
    (got,) = Program(graph)(*operands)
    each = (slice(None), None, None)
    wanted = (plain * scale[each] + shift[(slice(None), *each)] + np.moveaxis(other, -1, 1)) * half
    np.testing.assert_array_equal(got, wanted)
