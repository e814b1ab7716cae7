"""Sums of the same numbers have the same bits: those of the order that is written down."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from allconv import compile as compile_
from allconv import functional as F
from allconv.engine import target
from allconv.engine.program import Program
from allconv.engine.target import VARIABLE, names
from allconv.operators.arrange import Slice, Transpose
from allconv.operators.base import Spec
from allconv.operators.loss import CrossEntropy, CrossEntropyGradient, LogSoftmax, Softmax
from allconv.operators.pool import AveragePool
from allconv.operators.reduce import Broadcast, Sum
from allconv.trace import trace
from allconv.window import Axis, Window

from .comparing import channels_last

SIZES = (1, 2, 3, 5, 7, 8, 9, 14, 15, 16, 17, 28, 31, 32, 33, 40, 63, 64, 65, 97, 128, 130)


def run_of(numbers):
    """Sixteen partial sums, ascending, then halves onto halves."""
    parts = [None] * 16
    for i, x in enumerate(numbers):
        parts[i % 16] = x if parts[i % 16] is None else parts[i % 16] + x
    for half in (8, 4, 2, 1):
        for i in range(half):
            if parts[i + half] is not None:
                parts[i] = parts[i] + parts[i + half]
    return parts[0]


def passed(x, axis, run):
    """Every run of an axis becomes one number."""
    cells = np.moveaxis(x, axis, 0)
    runs = [run_of(cells[i : i + run]) for i in range(0, len(cells), run)]
    return np.moveaxis(np.stack(runs), 0, axis)


def ordered(x, axes):
    """The sum in the order of `operators.reduce`, one addition of the dtype after the other."""
    space = [axis for axis in range(x.ndim - 1, 1, -1) if axis in axes]
    groups = [(space, 32), ([1] if 1 in axes else [], 4096), ([0] if 0 in axes else [], 32)]
    kept = [n for axis, n in enumerate(x.shape) if axis not in axes]
    for group, run in groups:
        while any(x.shape[axis] > 1 for axis in group):
            for axis in group:
                x = passed(x, axis, run)
    return x.reshape(kept)


def drawn(shape, dtype="float32", seed=0):
    """Numbers of both signs and of several magnitudes."""
    draw = np.random.default_rng(seed)
    return (draw.normal(size=shape) * 10.0 ** draw.normal(size=shape)).astype(dtype)


def computed(function, x, threads=1, seed=None):
    """What a program gives, perhaps with its chunks in another order."""
    program = Program(trace(function, Spec.of(x)).graph, threads=threads, exact=True)
    if seed is not None:
        for layout in ("rows", "last"):
            program.prepare((layout,))
        program.reorder(seed)
    return program(x)[0]


def random_case(number):
    """A shape of one to five axes, axes to sum over, a dtype."""
    draw = np.random.default_rng(number)
    while True:
        shape = tuple(int(n) for n in draw.choice(SIZES, draw.integers(1, 6)))
        axes = tuple(axis for axis in range(len(shape)) if draw.random() < 0.6)
        if axes and np.prod(shape) <= 60_000:
            return shape, axes, str(draw.choice(["float32", "float32", "float64"]))


def aim(monkeypatch, name):
    """Compile for a target of this machine, or for vectors of 512 bits, whatever it has."""
    if name == "512 bits":
        wide = replace(target.host(), bits=512, registers=32)  # LLVM splits what is too wide
        monkeypatch.setattr(target, "restricted", lambda _: wide)
    else:
        monkeypatch.setenv(VARIABLE, name)


@pytest.mark.parametrize(
    ("name", "block"),
    [
        (name, block)
        for number, name in enumerate([*names(), "512 bits"])
        for block in range(2 if number else 10)
    ],
)
def test_random_sums_keep_the_order(block, name, monkeypatch):
    """240 shapes, both layouts, transposed and cut; some of them on every vector width."""
    aim(monkeypatch, name)
    for number in range(24 * block, 24 * (block + 1)):
        shape, axes, dtype = random_case(number)
        x, operator = drawn(shape, dtype, number), Sum(axes, keep=number % 3 == 0)
        expected = ordered(x, axes)
        for operand in (x, channels_last(x)):
            y = computed(operator, operand, seed=number)
            np.testing.assert_array_equal(y.reshape(expected.shape), expected, str((shape, axes)))
        turned = tuple(reversed(range(x.ndim)))
        y = computed(lambda x, turned=turned, op=operator: op(Transpose(turned)(x)), x.T)
        np.testing.assert_array_equal(y.reshape(expected.shape), expected, str((shape, axes)))
        cut = Slice(
            tuple(min(1, n - 1) for n in shape),
            (1,) * x.ndim,
            tuple(max(1, n - 2) for n in shape),
        )
        y = computed(lambda x, cut=cut, op=operator: op(cut(x)), x)
        part = ordered(cut.define(x)[0], axes)
        np.testing.assert_array_equal(y.reshape(part.shape), part, f"{shape} {axes} cut")


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((2, 5, 150, 170), (2, 3)),
        ((1, 1, 700, 1100), (2, 3)),
        ((3, 70, 60, 61), (0, 2, 3)),
        ((40, 130, 9, 9), (0, 1, 2, 3)),
        ((2, 300, 40, 33), (1,)),
        ((1, 2, 20, 70, 75), (2, 3, 4)),
        ((1, 1, 400_000), (2,)),
        ((400_000,), (0,)),
        ((30, 10_001), (1,)),
        ((1500, 300), (0,)),
    ],
)
def test_large_sums_keep_the_order(shape, axes):
    """Several steps and many chunks, on any number of threads, in any order of chunks."""
    x = drawn(shape)
    expected = ordered(x, axes)
    for operand in (x, channels_last(x)):
        for threads in (1, 2, 3, 7):
            y = computed(Sum(axes), operand, threads, seed=threads)
            np.testing.assert_array_equal(y, expected)


def test_many_axes_keep_the_order():
    """More axes than one step takes, and views that are repeated, reversed and cut."""
    x = drawn((2, 3, 2, 3, 2, 3, 2, 3, 2, 3))
    for axes in ((1, 3, 5, 7, 9), (0, 2, 4, 6, 8), tuple(range(10)), (2, 3, 4, 5, 6, 7)):
        np.testing.assert_array_equal(computed(Sum(axes), x), ordered(x, axes))
    x = drawn((3, 40, 20, 66))
    back = Slice((2, 39, 0, 65), (-1, -1, 1, -2), (3, 40, 20, 33))
    wide = Broadcast((3, 40, 20, 66))
    for axes in ((2, 3), (1,), (0, 2, 3), (0, 1, 2, 3)):
        y = computed(lambda x, axes=axes: Sum(axes)(back(x)), x)
        np.testing.assert_array_equal(y, ordered(back.define(x)[0], axes))
        y = computed(lambda x, axes=axes: Sum(axes)(wide(x)), x[:, :1, :, :1])
        np.testing.assert_array_equal(y, ordered(np.broadcast_to(x[:, :1, :, :1], x.shape), axes))


@pytest.mark.parametrize("channels", [3, 16, 64, 100, 513])
def test_channels_of_a_part_are_those_of_the_whole(channels):
    """The numbers of cells and of images change no bit of a sum or mean over channels."""
    x = drawn((3, channels, 33, 47))
    functions = {
        "sum": lambda x: x.sum(1),
        "mean": lambda x: x.mean(1),
        "norm": lambda x: (x * x).mean(1, keepdims=True) ** 0.5,
        "softmax": Softmax(1),
        "log_softmax": LogSoftmax(1),
    }
    for name, function in functions.items():
        whole = computed(function, x)
        for images, height, width in ((1, 1, 3), (2, 5, 7), (3, 16, 16), (1, 33, 11), (3, 33, 47)):
            part = np.ascontiguousarray(x[:images, :, :height, :width])
            expected = whole[:images, ..., :height, :width]
            for operand in (part, channels_last(part)):
                np.testing.assert_array_equal(computed(function, operand), expected, name)


@pytest.mark.parametrize("classes", [2, 10, 16, 17, 31, 100, 1000])
def test_losses_of_any_layout_and_batch(classes):
    """Cross-entropy and its gradient of a part of the batch are those of the whole."""
    x = drawn((6, classes, 5)) / 8
    labels = np.random.default_rng(1).integers(0, classes, (6, 5))
    gy = drawn((6, 5), seed=2)
    for operator, operands in (
        (CrossEntropy(0.1), (x, labels)),
        (CrossEntropyGradient(0.1), (x, labels, gy)),
    ):
        (whole,) = Program(trace(operator, *map(Spec.of, operands)).graph)(*operands)
        for images in (1, 2, 6):
            part = [each[:images] for each in operands]
            graph = trace(operator, *map(Spec.of, part)).graph
            for first in (part[0], channels_last(part[0])):
                (y,) = Program(graph)(first, *part[1:])
                np.testing.assert_array_equal(y, whole[:images])


@pytest.mark.parametrize("name", [*names(), "512 bits"])
def test_softmax_sums_are_the_same_on_every_target(name, monkeypatch):
    """exp(0) is 1 and a class far below adds nothing, so that only the order of a sum is seen."""
    x = np.where(np.random.default_rng(0).random((40, 77)) < 0.5, 0.0, -np.inf).astype(np.float32)
    aim(monkeypatch, name)
    y = computed(Softmax(1), x)
    counts = (x == 0).sum(1, keepdims=True)
    np.testing.assert_array_equal(y, (x == 0) / counts.astype(np.float32))


def averages(axes):
    """Whatever means the mean over all of space."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[axes - 1]
    adaptive = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[axes - 1]
    return [
        lambda x: x.mean(tuple(range(2, 2 + axes)), keepdims=True),
        lambda x: pool(x, x.shape[2:]),
        lambda x: adaptive(x, 1),
        lambda x: pool(x, x.shape[2:], stride=1),
        lambda x: pool(
            x,
            tuple(n + 2 for n in x.shape[2:]),
            padding=1,
            count_include_pad=False,
        ),
    ]


@pytest.mark.parametrize(
    "shape",
    [(2, 3, 33, 37), (3, 17, 33, 40), (2, 5, 1100), (1, 2, 9, 33, 5), (1, 1, 1, 1300)],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_global_pooling_is_the_mean(shape, dtype):
    """One division of the ordered sum, whatever it is called."""
    x, space = drawn(shape, dtype), tuple(range(2, len(shape)))
    expected = ordered(x, space) / np.array(np.prod(shape[2:]), dtype)
    for function in averages(len(space)):
        for operand in (x, channels_last(x)):
            y = np.asarray(compile_(function, x.shape, dtype=dtype, exact=True)(operand))
            np.testing.assert_array_equal(y.reshape(expected.shape), expected)


def test_pooling_of_one_whole_axis_is_its_mean():
    """Axes that a window leaves as they are stay apart."""
    x = drawn((2, 3, 1100, 7))
    window = Window((Axis.forward(1100, 1100), Axis.forward(7, 1)))
    y = computed(AveragePool(window), x)
    np.testing.assert_array_equal(y, computed(lambda x: x.mean(2, keepdims=True), x))
    np.testing.assert_array_equal(y, ordered(x, (2,))[:, :, None] / np.float32(1100))


@pytest.mark.parametrize("size", [(7, 7), (14, 14), (1, 9), (16, 16)])
def test_pooling_of_few_cells_is_the_one_that_slides(size):
    """The same bits alone and as a part of a larger image, in both layouts; close to the mean."""
    x = drawn((2, 17, 20, 23))
    slid = computed(lambda x: F.avg_pool2d(x, size, stride=1), x)
    for row, column in ((0, 0), (3, 5), (4, 7)):
        part = np.ascontiguousarray(x[:, :, row : row + size[0], column : column + size[1]])
        for operand in (part, channels_last(part)):
            y = computed(lambda x: F.adaptive_avg_pool2d(x, 1), operand)
            np.testing.assert_array_equal(y[..., 0, 0], slid[:, :, row, column])
        magnitude = np.abs(part).mean((2, 3))
        assert (np.abs(y[..., 0, 0] - part.mean((2, 3), np.float64)) <= 1e-5 * magnitude).all()


@pytest.mark.parametrize("kind", ["sum", "mean", "pool"])
@pytest.mark.parametrize("numbers", ["normal", "uniform", "equal", "wide"])
def test_errors_of_large_images(kind, numbers):
    """At 2000 x 2000 the error stays below 1.2e-7 of the sum of magnitudes."""
    draw = np.random.default_rng(3)
    shape = (1, 1, 2000, 2000)
    x = {
        "normal": lambda: draw.normal(size=shape),
        "uniform": lambda: draw.uniform(size=shape),
        "equal": lambda: np.full(shape, 0.1),
        "wide": lambda: 10.0 ** draw.normal(size=shape),
    }[numbers]().astype(np.float32)
    functions = {
        "sum": lambda x: x.sum((2, 3)),
        "mean": lambda x: x.mean((2, 3)),
        "pool": lambda x: F.adaptive_avg_pool2d(x, 1),
    }
    y = computed(functions[kind], x).item()
    count = 1 if kind == "sum" else x.size
    rows = x.reshape(2000, 2000).astype(np.float64)
    exact = sum(Fraction(float(row.sum())) for row in rows) / count
    magnitude = float(np.abs(rows).sum()) / count
    assert abs(float(Fraction(y) - exact)) <= 1.2e-7 * magnitude


ZEROS = {
    "groups": ((1, 6, 8, 32), (8, 3, 3, 3)),
    "each channel": ((1, 6, 8, 32), (6, 1, 3, 3)),
    "few channels": ((1, 3, 8, 32), (6, 3, 3, 3)),
    "many channels": ((1, 13, 8, 32), (6, 13, 3, 3)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("number", [0.0, 1.0])
@pytest.mark.parametrize("case", ZEROS)
def test_a_sum_of_zeros_has_no_sign(case, number, target, dtype, monkeypatch):
    """A bias of -0.0, products that are zeros or too small, windows that lie outside of the image
    and inside: 0.0, whether what lies outside is left out or counted as zeros."""
    monkeypatch.setenv(VARIABLE, target)
    shape, weights = ZEROS[case]
    tiny = np.finfo(dtype).tiny * number
    x, w = np.full(shape, tiny, dtype), np.full(weights, np.finfo(dtype).tiny)
    w[::2] *= -1
    b = np.full(len(w), -0.0, dtype)

    def convolve(x, w, b):
        return F.conv2d(x, w, b, padding=5, groups=x.shape[1] // w.shape[1])

    program = Program(trace(convolve, *map(Spec.of, (x, w, b))).graph, exact=True)
    for image in (x, channels_last(x)):
        (result,) = program(image, w, b)
        assert not result.any()
        assert not np.signbit(result).any()
