"""Depthwise convolutions in row-major order: the bits of channels last, on every target."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import functional as F
from allconv.engine.array_layout import ready
from allconv.engine.kernels.depthwise import Depthwise
from allconv.engine.kernels.depthwise_planes import DepthwisePlanes
from allconv.engine.kernels.depthwise_steps import choose_planes_tile
from allconv.engine.kernels.four_axes import AxisPhases, four
from allconv.engine.kernels.transpose import Transpose
from allconv.engine.phases import output_phases
from allconv.engine.place import layout_strides
from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.engine.target import names, restricted
from allconv.operators.base import Spec
from allconv.trace import trace
from allconv.window import Window

from .comparing import channels_last
from .test_guard_pages import guarded

CASES = {
    "3x3": ((2, 3, 17, 40), (3, 3), {"padding": 1}),
    "3x3, narrow": ((1, 5, 9, 14), (3, 3), {"padding": 1}),
    "3x3, stride 2": ((2, 3, 20, 75), (3, 3), {"stride": 2, "padding": 1}),
    "5x5": ((1, 4, 13, 70), (5, 5), {"padding": 2}),
    "5x5, stride 2": ((1, 3, 30, 81), (5, 5), {"stride": 2, "padding": (3, 1)}),
    "7x7": ((1, 2, 15, 66), (7, 7), {"padding": 3}),
    "dilated": ((2, 3, 19, 71), (3, 3), {"padding": 2, "dilation": 2}),
    "dilated far": ((1, 2, 8, 67), (3, 3), {"padding": (1, 40), "dilation": (1, 40)}),
    "nothing beyond": ((1, 3, 12, 69), (3, 3), {}),
    "far beyond": ((1, 2, 6, 20), (3, 3), {"padding": 21}),
    "one axis": ((2, 3, 150), (5,), {"padding": 2}),
    "one axis, stride 2": ((2, 3, 301), (3,), {"stride": 2, "padding": 1}),
    "three axes": ((1, 2, 5, 7, 66), (3, 3, 3), {"padding": 1}),
}
FORWARD = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
BACK = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def drawn(case, dtype):
    """An image, weights, one of them infinite, biases, a scale by image and channel; settings."""
    shape, kernel, settings = CASES[case]
    draw = np.random.default_rng(len(case))
    ones = (1,) * len(kernel)
    sizes = shape, (shape[1], 1, *kernel), (shape[1],), (*shape[:2], *ones)
    x, w, b, scale = (draw.standard_normal(size).astype(dtype) for size in sizes)
    w[-1].flat[0] = np.inf
    return (x, w, b, scale), {**settings, "groups": shape[1]}


def program_of(function, operands, settings):
    """A program of a convolution whose result is scaled and cut off."""

    def whole(x, w, b, scale):
        return F.relu(function(x, w, b, **settings) * scale)

    return Program(trace(whole, *map(Spec.of, operands)).graph, threads=2)


def kinds_of(program, operands):
    """The kinds of kernels for operands that lie as these do."""
    steps = program.prepare(tuple(ready(each).layout for each in operands)).planner.steps
    return {type(step.kernel) for step in steps if isinstance(step, KernelStep)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("case", CASES)
def test_both_orders_of_memory_give_the_same_bits(case, target, dtype, monkeypatch):
    """Numbers that round, infinite weights at a border, chunks in any order."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    operands, settings = drawn(case, dtype)
    back = settings.get("stride", 1) == 1 and case != "far beyond"  # there it has no cells
    for functions in (FORWARD, BACK) if back else (FORWARD,):
        program = program_of(functions[operands[0].ndim - 2], operands, settings)
        turned = (channels_last(operands[0]), *operands[1:])
        with np.errstate(invalid="ignore"):
            (planes,), (last,) = program(*operands), program(*turned)
            program.reorder(7)
            (again,) = program(*operands)
        assert planes.tobytes() == np.ascontiguousarray(last).tobytes() == again.tobytes()
        assert Depthwise in kinds_of(program, turned)
        if target == "avx512":
            assert kinds_of(program, operands) >= {DepthwisePlanes}
            assert Transpose not in kinds_of(program, operands)


@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("case", CASES)
def test_no_byte_outside_of_the_arrays_is_touched(case, target, monkeypatch):
    """Memory before and after every array faults."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    operands, settings = drawn(case, "float32")
    program = program_of(FORWARD[operands[0].ndim - 2], operands, settings)
    with np.errstate(invalid="ignore"):
        (wanted,) = program(*operands)
        for end in (False, True):
            specs = [Spec.of(each) for each in operands]
            arrays = [
                guarded(spec, layout_strides(spec, "rows"), end=end, content=each)
                for spec, each in zip(specs, operands, strict=True)
            ]
            spec = Spec.of(wanted)
            out = guarded(spec, layout_strides(spec, "rows"), end=end)
            program(*arrays, out=[out])
            np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("case", CASES)
def test_sums_that_begin_at_zero_read_nothing_beyond(case):
    """Without biases: LLVM once parted a load from its mask there."""
    (x, w, *_), settings = drawn(case, "float32")
    function = FORWARD[x.ndim - 2]
    graph = trace(lambda x, w: function(x, w, **settings), Spec.of(x), Spec.of(w)).graph
    program, rows = Program(graph, threads=1), layout_strides(Spec.of(x), "rows")
    with np.errstate(invalid="ignore"):
        (wanted,) = program(x, w)
        for end in (False, True):
            (got,) = program(guarded(Spec.of(x), rows, end=end, content=x), w)
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("target", names())
def test_weights_that_fit_leave_room_for_the_sums(target):
    """The weights of a window, the sums of a tile, a source and a product."""
    chosen = restricted(target)
    for taps in (3, 5, 7):
        for width in range(8, 100):
            window = Window.forward((width, width), (taps, taps))
            *_, row, last = four([AxisPhases(output_phases(axis)) for axis in window.axes], None)
            height, vectors = choose_planes_tile(chosen, row, last, chosen.lanes("float32"))
            weights = taps * taps if taps * taps + 5 <= chosen.registers else 0
            assert height * vectors + weights + 2 <= chosen.registers


def test_a_network_between_channels_last_stays_so():
    """What convolutions on both sides read and write is turned once on the way in and out."""
    shapes = (1, 3, 32, 32), (40, 3, 1, 1), (40, 1, 3, 3), (3, 40, 1, 1)
    operands = [np.ones(shape, np.float32) for shape in shapes]

    def network(x, before, each, after):
        return F.conv2d(F.conv2d(F.conv2d(x, before), each, padding=1, groups=40), after)

    kinds = kinds_of(Program(trace(network, *map(Spec.of, operands)).graph), operands)
    assert Depthwise in kinds
    assert DepthwisePlanes not in kinds
