"""An off-by-one planted in any kernel is caught by the comparison with the definition."""

from __future__ import annotations

from fractions import Fraction
from inspect import isabstract

import numpy as np
import pytest

from allconv import functional as F
from allconv.engine.arguments import Arguments
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.along import Along
from allconv.engine.kernels.convert import Cast
from allconv.engine.kernels.copy import Copy
from allconv.engine.kernels.depthwise import Depthwise
from allconv.engine.kernels.depthwise_planes import DepthwisePlanes
from allconv.engine.kernels.depthwise_weight import DepthwiseWeight
from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.dropout import Dropout
from allconv.engine.kernels.grid import CellNumbers, CellSums
from allconv.engine.kernels.group_planes import GroupPlanes
from allconv.engine.kernels.index import AtIndex, TapToIndex
from allconv.engine.kernels.join_border import JoinBorder
from allconv.engine.kernels.join_local import JoinLocal
from allconv.engine.kernels.join_weight import JoinWeight
from allconv.engine.kernels.loss import CrossEntropyGradientRows, CrossEntropyRows, SoftmaxRows
from allconv.engine.kernels.map import Map
from allconv.engine.kernels.matmul import Products
from allconv.engine.kernels.mend_border import MendBorder
from allconv.engine.kernels.moments import GradientJoin, GradientSums, Moments, MomentsJoin
from allconv.engine.kernels.order import Extreme
from allconv.engine.kernels.pack import Pack
from allconv.engine.kernels.planes import Planes
from allconv.engine.kernels.running_sum import Running
from allconv.engine.kernels.runs import SumRuns
from allconv.engine.kernels.take import AddCells, TakeCells
from allconv.engine.kernels.taps import Pool
from allconv.engine.kernels.top import Top
from allconv.engine.kernels.transpose import Transpose
from allconv.engine.kernels.weight import Weight
from allconv.engine.kernels.weighted_sum import WeightedSum
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.engine.target import host
from allconv.operators import dropout, index, local, loss, normalize, pointwise, pool, reduce
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.grid import CellNumber, CellSum
from allconv.operators.matmul import MatMul
from allconv.operators.order import ArgExtreme, PutAlong, TakeAlong, TopK
from allconv.operators.resize import Resize, ResizedAxis, Rule
from allconv.operators.sum_cells import SumCells
from allconv.operators.take import AddAt, RunningSum, Take
from allconv.trace import trace
from allconv.window import Window

from .comparing import planted, poison
from .test_winograd import FAULTS as WINOGRAD

WINDOW = Window.forward((9, 9), (3, 3), padding=((1, 1), (1, 1)))
X, Y = (2, 4, 9, 9), (2, 5, 9, 9)
W, LOCAL = (5, 4, 3, 3), (5, 4, 3, 3, 9, 9)
MANY, W_MANY = (2, 12, 9, 9), (5, 12, 3, 3)  # channels, too many for planes
GROUPED, W_GROUPED = (2, 12, 9, 9), (8, 6, 3, 3)  # two groups
PLANES = Window.forward((18, 16), (3, 3), stride=(2, 1), padding=((1, 1), (1, 1)))
FEW, W_FEW = (2, 3, 18, 16), (5, 3, 3, 3)
PLAIN = Window.forward((9, 9), (3, 3))
PLAIN_Y = (2, 5, *PLAIN.output)
STRIDED = Window.forward((9, 9), (3, 3), stride=(2, 3), padding=((1, 1), (0, 1)))
STRIDED_Y = (2, 5, *STRIDED.output)
SPREAD = Window.forward((9, 9), (3, 3), input_dilation=(2, 3), padding=((1, 1), (0, 1)))
SPREAD_Y = (2, 5, *SPREAD.output)
EACH = (4, 1, 3, 3)  # weights of a depthwise convolution
WIDE = Window.forward((9, 9), (3, 3), dilation=(1, 2), padding=((1, 1), (2, 2)))
EACH_Y = (2, 4, *STRIDED.output)
LOPSIDED = Window.forward((9, 9), (3, 3), stride=(2, 1), padding=((1, 1), (1, 1)))
LOPSIDED_Y = (2, 4, *LOPSIDED.output)
DISTANT = Window.forward((9, 9), (3, 3), stride=(2, 1), dilation=(1, 2), padding=((1, 1), (2, 2)))
POOL = Window.forward((9, 9), (3, 2), stride=(2, 3))
POOLED = (2, 4, *POOL.output)
C = (4,)
HALVED = ResizedAxis(2, 9, 4, Fraction(1, 2))


def taps(draw):
    """Which tap won, for every output of the pooling."""
    return draw.integers(0, POOL.taps, POOLED).astype(np.int32)


def infinite(draw):
    """Weights, one of which is infinite."""
    w = draw.integers(1, 5, W).astype(np.float32)
    w[2, 1, 0, 0] = np.inf
    return w


def infinite_y(draw):
    """Gradients of an output, two of which are infinite."""
    y = draw.integers(1, 5, Y).astype(np.float32)
    y[0, 1, 0, 0] = y[1, 1, 8, 8] = np.inf
    return y


def labels(draw):
    """A class for every sample."""
    return draw.integers(0, 7, (6,))


def key(draw):
    """Seed and step."""
    return draw.integers(0, 99, (2,))


def places(draw):
    """An index for every output of the pooling."""
    return draw.integers(0, 81, POOLED)


def lines(draw):
    """Twenty numbers of cells of an axis of nine."""
    return np.concatenate([draw.integers(0, 9, 18), [8, -1]])


def ranked(draw):
    """Rows of numbers, the last of which are the largest."""
    return np.sort(draw.permuted(np.arange(27.0, dtype=np.float32)).reshape(3, 9))


def several(draw):
    """A number of a cell for each of those."""
    return np.concatenate([draw.integers(0, 9, (2, 9)), [[8] * 9]])


def cells(draw):
    """Places on an axis of nine, from -1 to 9."""
    return np.stack([draw.permutation(11) - 1.0 for _ in range(2)]).astype(np.float32)


def spread(draw):
    """A variance for every channel."""
    return draw.integers(1, 5, C).astype(np.float32)


# Kernel, argument (or column of its table of phases, and axis) that is one less, what runs on it,
# its operands: a shape of whole floats, or a function that draws them.
CASES = [
    (Direct, "offset2", Correlate(WINDOW), MANY, W_MANY),
    (Direct, "taps2", Correlate(WINDOW), MANY, W_MANY),
    (Direct, "taps2", local.Local(WINDOW), X, LOCAL),
    (Direct, "w_cell1", local.Local(WINDOW), X, LOCAL),
    (Direct, "y_channel", Correlate(WINDOW), MANY, W_MANY),
    (Direct, "offset3", CorrelateTranspose(WINDOW), W, Y),
    (Direct, "taps3", CorrelateTranspose(STRIDED), W, STRIDED_Y),
    (Direct, "offset2", CorrelateTranspose(STRIDED), W, STRIDED_Y),
    (Direct, "units", CorrelateTranspose(STRIDED), W, STRIDED_Y),
    (Direct, "outputs", local.LocalTranspose(WINDOW), LOCAL, Y),
    (Direct, "channels", Correlate(Window()), (6, 7), (5, 7)),
    (Planes, "offset2", Correlate(PLANES), FEW, W_FEW),
    (Planes, "offset3", Correlate(PLANES), FEW, W_FEW),
    (Planes, "taps2", Correlate(PLANES), FEW, W_FEW),
    (Planes, "cells2", Correlate(PLANES), FEW, W_FEW),
    (Planes, "size3", Correlate(PLANES), FEW, W_FEW),
    (Planes, "channels", Correlate(PLANES), FEW, W_FEW),
    (Planes, "outputs", Correlate(PLANES), FEW, W_FEW),
    (Planes, "row_taps", Correlate(PLANES), FEW, W_FEW),
    (Planes, "units", Correlate(PLANES), FEW, W_FEW),
    (DepthwisePlanes, "offset2", Correlate(WINDOW, 4), X, EACH),
    (DepthwisePlanes, "size3", Correlate(WINDOW, 4), X, EACH),
    (DepthwisePlanes, "cells3", Correlate(WINDOW, 4), X, EACH),
    (DepthwisePlanes, "channels", Correlate(WINDOW, 4), X, EACH),
    (DepthwisePlanes, "dilation3", Correlate(WIDE, 4), X, EACH),
    (DepthwisePlanes, "offset3", CorrelateTranspose(WINDOW, 4), EACH, X),
    (DepthwisePlanes, "w_channel", Correlate(WINDOW, 4), X, EACH),
    (DepthwisePlanes, "units", Correlate(WINDOW, 4), X, EACH),
    (GroupPlanes, "offset2", Correlate(WINDOW, 2), GROUPED, W_GROUPED),
    (GroupPlanes, "size3", Correlate(WINDOW, 2), GROUPED, W_GROUPED),
    (GroupPlanes, "cells3", Correlate(WINDOW, 2), GROUPED, W_GROUPED),
    (GroupPlanes, "inputs", Correlate(WINDOW, 2), GROUPED, W_GROUPED),
    (GroupPlanes, "w_input", Correlate(WINDOW, 2), GROUPED, W_GROUPED),
    (GroupPlanes, "y_channel", Correlate(WINDOW, 2), GROUPED, W_GROUPED),
    (GroupPlanes, "units", Correlate(WINDOW, 2), GROUPED, W_GROUPED),
    (Depthwise, "offset2", Correlate(LOPSIDED, 4), X, EACH),
    (Depthwise, "size3", Correlate(LOPSIDED, 4), X, EACH),
    (Depthwise, "cells3", Correlate(LOPSIDED, 4), X, EACH),
    (Depthwise, "channels", Correlate(LOPSIDED, 4), X, EACH),
    (Depthwise, "taps3", Correlate(STRIDED, 4), X, EACH),
    (Depthwise, "dilation3", Correlate(DISTANT, 4), X, EACH),
    (Depthwise, "offset3", CorrelateTranspose(LOPSIDED, 4), EACH, LOPSIDED_Y),
    (Depthwise, "taps2", CorrelateTranspose(STRIDED, 4), EACH, EACH_Y),
    (Depthwise, "units", CorrelateTranspose(STRIDED, 4), EACH, EACH_Y),
    (DepthwiseWeight, "offset3", CorrelateWeight(WINDOW, 4), X, X),
    (DepthwiseWeight, "cells2", CorrelateWeight(WINDOW, 4), X, X),
    (DepthwiseWeight, "size2", CorrelateWeight(WINDOW, 4), X, X),
    (DepthwiseWeight, "part_images", CorrelateWeight(WINDOW, 4), X, X),
    (DepthwiseWeight, "cells3", CorrelateWeight(STRIDED, 4), X, EACH_Y),
    (DepthwiseWeight, "units", CorrelateWeight(STRIDED, 4), X, EACH_Y),
    (MendBorder, "size3", Correlate(WINDOW), X, infinite),
    (MendBorder, "y_channel", Correlate(WINDOW), X, infinite),
    (MendBorder, "blocks", CorrelateTranspose(WINDOW), infinite, Y),
    (Pack, "columns", local.Local(WINDOW), X, LOCAL),
    (Pack, "rows", local.LocalTranspose(WINDOW), LOCAL, Y),
    (Pack, "total", CorrelateTranspose(STRIDED), W, STRIDED_Y),
    (Weight, "offset3", CorrelateWeight(WINDOW), X, Y),
    (Weight, "cells3", CorrelateWeight(WINDOW), X, Y),
    (Weight, "part_images", CorrelateWeight(WINDOW), X, Y),
    (Weight, "taps2", CorrelateWeight(SPREAD), X, SPREAD_Y),
    (Weight, "units", CorrelateWeight(PLAIN), X, PLAIN_Y),  # no step sums again what is NaN
    (JoinBorder, "size3", CorrelateWeight(WINDOW), X, infinite_y),
    (JoinBorder, "images", CorrelateWeight(WINDOW), X, infinite_y),
    (JoinWeight, "channels", CorrelateWeight(PLAIN), X, PLAIN_Y),
    (JoinWeight, "parts", CorrelateWeight(PLAIN), X, PLAIN_Y),
    (JoinWeight, "run_channels", CorrelateWeight(PLAIN), X, PLAIN_Y),
    (JoinWeight, "outputs", CorrelateWeight(PLAIN), X, PLAIN_Y),
    (JoinLocal, "w_position2", local.LocalWeight(SPREAD), X, SPREAD_Y),
    (JoinLocal, "outputs", local.LocalWeight(SPREAD), X, SPREAD_Y),
    (Transpose, "i", pool.MaxPool(POOL), X),
    (Transpose, "j", pool.MaxPool(POOL), X),
    (Pool, "taps1", pool.MaxPool(POOL), X),
    (Pool, "cells2", pool.MaxPool(POOL), X),
    (Pool, "units", pool.ScatterWindow(POOL), POOLED, taps),
    (Pool, "stride2", pool.MaxPool(POOL), X),
    (Pool, "taps2", pool.AveragePool(POOL), X),
    (Pool, "offset1", pool.AveragePoolTranspose(POOL), POOLED),
    (Pool, "number1", pool.ScatterWindow(POOL), POOLED, taps),
    (Pool, "size1", pool.GatherWindow(POOL), X, taps),
    (WeightedSum, "rows", Resize((HALVED,), Rule("linear")), X),
    (WeightedSum, "size", Resize((HALVED,), Rule("linear")), X),
    (WeightedSum, "rows", SumCells(2, 9, ((0, 1), (1, 2, 3), (8,))), X),
    (WeightedSum, "size", SumCells(3, 9, ((0, 1), (1, 2, 3), (8,))), X),
    (TapToIndex, "taps", index.FlatIndex((9, 9), (3, 2), (1, 1), ((0, 2, 4, 6), (0, 3, 6))), taps),
    (AtIndex, "count", index.WriteAt((9, 9)), POOLED, places),
    (AtIndex, "size", index.WriteAt((9, 9)), POOLED, places),
    (AtIndex, "count", index.ReadAt((9, 9)), X, places),
    (Extreme, "cells", ArgExtreme(1, last=True), (5, 4)),
    (Extreme, "cells", ArgExtreme(1, last=True), X),
    (Extreme, "inner", ArgExtreme(2), X),
    (Extreme, "units", ArgExtreme(0), (5, 1000)),
    (Top, "cells", TopK(1, 3), ranked),
    (Top, "rows", TopK(1, 3), ranked),
    (Top, "levels", TopK(1, 9), ranked),
    (Along, "size", TakeAlong(1), ranked, several),
    (Along, "count", TakeAlong(1), ranked, several),
    (Along, "units", PutAlong(1, 9), ranked, several),
    (Along, "inner", PutAlong(0, 9), ranked, several),
    (Running, "cells", RunningSum(1), X),
    (Running, "inner", RunningSum(2), X),
    (Running, "units", RunningSum(3), X),
    (CellNumbers, "size1", CellNumber((9, 9)), cells, cells),
    (CellNumbers, "places", CellNumber((9, 9)), cells, cells),
    (CellNumbers, "nowhere", CellNumber((9, 9)), cells, cells),
    (CellSums, "cells", CellSum(), (9, 4), several, (3, 9)),
    (CellSums, "taps", CellSum(), (9, 4), several, (3, 9)),
    (CellSums, "inner", CellSum(), (9, 4), several, (3, 9)),
    (CellSums, "places", CellSum(), (9, 4), several, (3, 9)),
    (TakeCells, "size", Take(2), X, lines),
    (TakeCells, "count", Take(0), (9, 4), lines),
    (TakeCells, "inner", Take(2), X, lines),
    (TakeCells, "units", Take(1), (2, 9), lines),
    (AddCells, "size", AddAt(2, 9), (2, 4, 20, 9), lines),
    (AddCells, "count", AddAt(0, 9), (20, 4), lines),
    (AddCells, "inner", AddAt(0, 9), (20, 4), lines),
    (AddCells, "units", AddAt(1, 9), (2, 20), lines),
    (Copy, "n6", lambda x: x.T, (3, 5)),
    (Copy, "source_axis5", lambda x: F.pad(x, (1, 2, 0, 3)), X),
    (Cast, "total", lambda x: x.astype("float64"), X),
    (Map, "n3", lambda x, y: x * y + x, X, X),
    (Map, "n3", pointwise.Relu(), X),
    (SumRuns, "n4", reduce.Sum((0,)), (40, 9)),
    (SumRuns, "width", reduce.Sum((0,)), (40, 9)),
    (SumRuns, "n4", reduce.Sum((1,)), (40, 9)),
    (SumRuns, "n3", reduce.Sum((2, 3)), (2, 3, 40, 9)),
    (SumRuns, "n4", reduce.Sum((2, 3)), (2, 3, 4, 33)),
    (SumRuns, "turns", reduce.Sum((2, 3)), (2, 3, 4, 33)),
    (SumRuns, "count", pool.AveragePool(Window.forward((40, 40), (40, 40))), (2, 3, 40, 40)),
    (SoftmaxRows, "classes", loss.Softmax(), (6, 7)),
    (CrossEntropyRows, "classes", loss.CrossEntropy(), (6, 7), labels),
    (CrossEntropyGradientRows, "rows", loss.CrossEntropyGradient(), (6, 7), labels, (6,)),
    (Moments, "rows", normalize.BatchNorm(1e-5), X, C, C),
    (MomentsJoin, "channels", normalize.BatchNorm(1e-5), X, C, C),
    (GradientSums, "rows", normalize.BatchNormGradient(1e-5), X, C, C, spread, X),
    (GradientJoin, "channels", normalize.BatchNormGradient(1e-5), X, C, C, spread, X),
    (Products, "rows", MatMul(), (2, 7, 5), (2, 5, 9)),
    (Products, "inner", MatMul(), (2, 7, 5), (5, 9)),
    (Products, "columns", MatMul(), (7, 5), (3, 5, 9)),
    (Products, "units", MatMul(), (2, 7, 5), (2, 5, 9)),
    (Products, "b_row", MatMul(), (2, 7, 5), (2, 5, 9)),
    (Dropout, "total", dropout.Dropout(0.5), X, key),
]  # fmt: skip

MASKED = {DepthwisePlanes, GroupPlanes}
"""Kernels for targets that can leave out any lanes."""


def drawn(operands):
    """Whole numbers that are not 0, in float32, or what the operand itself draws."""
    draw = np.random.default_rng(3)
    return [
        each(draw)
        if callable(each)
        else (draw.integers(1, 5, each) * draw.choice([-1, 1], each)).astype(np.float32)
        for each in operands
    ]


def check(function, arrays):
    """A program writes what the definition gives into results that begin as NaN."""
    graph = trace(function, *map(Spec.of, arrays)).graph
    wanted = graph.run(*arrays)
    program = Program(graph, threads=1)
    poison(program.prepare())
    blank = [np.full(y.shape, np.nan if y.dtype.kind == "f" else -9, y.dtype) for y in wanted]
    results = program(*arrays, out=blank)
    assert not any(isinstance(step, DefinitionStep) for step in program.steps())
    for y, want in zip(results, wanted, strict=True):
        np.testing.assert_allclose(y, want, 1e-4, 1e-5)


@pytest.mark.parametrize(
    ("kernel", "slot", "function", "operands"),
    [
        pytest.param(*case[:3], case[3:], id=f"{case[0].__name__}-{case[1]}-{n}")
        for n, case in enumerate(CASES)
    ],
)
def test_it_is_caught(monkeypatch, kernel, slot, function, operands):
    """The comparison holds, and fails when one count, offset or stride of one kernel is off."""
    if kernel in MASKED and not host().masks:
        pytest.skip("needs AVX-512: run it on a processor that has it")
    arrays = drawn(operands)
    check(function, arrays)
    planted(monkeypatch, kernel, slot, -1)
    with pytest.raises(AssertionError):
        check(function, arrays)


def test_every_kernel_has_a_fault():
    """A new kernel joins the cases."""

    def below(kind):
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    ours = {
        k
        for k in below(Kernel)
        if k.__module__.startswith("allconv.engine.") and k.takes is not Arguments
    }
    cases = {case[0] for case in (*CASES, *WINOGRAD)}
    assert {k for k in ours if not isabstract(k)} == cases
