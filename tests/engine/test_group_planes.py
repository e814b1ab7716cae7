"""Groups of few channels in row-major order: the bits of channels last."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import functional as F
from allconv.engine.array_layout import ready
from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.group_planes import GroupPlanes
from allconv.engine.place import layout_strides
from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.engine.target import host, names
from allconv.operators.base import Spec
from allconv.trace import trace

from .comparing import channels_last
from .counting import written
from .test_guard_pages import guarded

CASES = {
    "3x3": ((2, 24, 9, 40), (24, 8, 3, 3), {"padding": 1}),
    "3x3, narrow": ((1, 10, 9, 14), (10, 5, 3, 3), {"padding": 1}),
    "stride 2": ((2, 6, 20, 75), (14, 3, 3, 3), {"stride": 2, "padding": 1}),
    "5x4": ((1, 4, 13, 70), (12, 2, 5, 4), {"padding": (2, 0)}),
    "dilated": ((2, 6, 19, 71), (8, 3, 3, 3), {"padding": (2, 40), "dilation": (2, 31)}),
    "single": ((2, 15, 7, 50), (84, 5, 1, 1), {}),
    "far beyond": ((1, 6, 6, 20), (8, 3, 3, 3), {"padding": 21}),
    "one axis": ((2, 6, 150), (12, 3, 5), {"padding": 2}),
    "three axes": ((1, 4, 5, 7, 36), (8, 2, 3, 3, 3), {"padding": 1}),
}
FORWARD = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def drawn(case, dtype, *, whole=False, biased=True):
    """An image, weights of which one is infinite unless all are whole numbers, biases; a program of
    the convolution, cut off."""
    shape, of_weights, settings = CASES[case]
    draw = np.random.default_rng(len(case))
    sizes = shape, of_weights, of_weights[:1]
    operands = [draw.standard_normal(size).astype(dtype) for size in sizes]
    if whole:
        operands = [np.rint(3 * each) for each in operands]
    else:
        operands[1][-1].flat[0] = np.inf

    def cut_off(x, w, b):
        groups = x.shape[1] // w.shape[1]
        return F.relu(
            FORWARD[len(w.shape) - 2](x, w, b if biased else None, groups=groups, **settings)
        )

    return operands, trace(cut_off, *map(Spec.of, operands)).graph


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("case", CASES)
def test_both_orders_of_memory_give_the_same_bits(case, target, dtype, monkeypatch):
    """Numbers that round, infinite weights at a border, chunks in any order."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    operands, graph = drawn(case, dtype)
    program = Program(graph, threads=2, exact=True)
    turned = (channels_last(operands[0]), *operands[1:])
    with np.errstate(invalid="ignore"):
        (planes,), (last,) = program(*operands), program(*turned)
        program.reorder(7)
        (again,) = program(*operands)
    assert planes.tobytes() == np.ascontiguousarray(last).tobytes() == again.tobytes()
    steps = program.prepare(tuple(ready(each).layout for each in operands)).planner.steps
    kinds = {type(step.kernel) for step in steps if isinstance(step, KernelStep)}
    if target == "avx512" and dtype == "float32":
        assert GroupPlanes in kinds
        assert Direct not in kinds


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("case", CASES)
def test_it_equals_the_definition_inside_its_arrays(case, target, biased, monkeypatch):
    """Memory before and after every array faults; whole numbers, bit for bit; results begin as
    NaN."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    operands, graph = drawn(case, "float32", whole=True, biased=biased)
    (wanted,) = graph.run(*operands)
    program = Program(graph, threads=1, exact=True)
    spec = Spec.of(wanted)
    for end in (False, True):
        arrays = [
            guarded(Spec.of(x), layout_strides(Spec.of(x), "rows"), end=end, content=x)
            for x in operands
        ]
        out = guarded(spec, layout_strides(spec, "rows"), end=end)
        program(*arrays, out=[out])
        np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("case", CASES)
def test_every_cell_is_written_once(case):
    """As the kernels count."""
    operands, graph = drawn(case, "float32", whole=True)
    (once,), _ = written(graph, operands, GroupPlanes, more=False)
    (counted,), _ = written(graph, operands, GroupPlanes, more=True)
    np.testing.assert_array_equal(counted, once)


@pytest.mark.skipif(not host().masks, reason="needs AVX-512: run it on a processor that has it")
@pytest.mark.parametrize(
    ("outputs", "size", "residual", "turned"),
    [(8, 28, False, True), (4, 14, False, True), (8, 7, False, False), (16, 28, False, False),
     (8, 28, True, False)],
)  # fmt: skip
def test_channels_last_are_turned_where_that_pays(outputs, size, residual, turned):
    """Rows that fill no vector, or groups that do, are not; nor what an operand lies beside."""
    x, w = Spec((1, 4 * outputs, size, size)), Spec((4 * outputs, outputs, 3, 3))

    def layer(x, w):
        y = F.conv2d(x, w, padding=1, groups=4)
        return y + x if residual else F.relu(y)

    prepared = Program(trace(layer, x, w).graph, exact=True).prepare(("last", "rows"))
    kinds = {type(step.kernel) for step in prepared.planner.steps}
    assert (GroupPlanes in kinds) == turned
    assert (Direct in kinds) != turned
