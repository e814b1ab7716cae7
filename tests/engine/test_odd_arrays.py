"""What convolutions, poolings and linear layers make of arrays that are odd: a row for each.

The oracles are sums and maxima over windows of an image that NumPy has padded. For a finite weight
that is the definition. A weight that is NaN or infinite and meets padding gives NaN (0 * inf), as
here, where the definition has no term; without padding there is no difference.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from allconv import functional as F
from allconv.errors import ShapeError
from allconv.operators.base import Spec
from allconv.trace import trace


def windows(x, size, padding, border):
    """(N, C, P, Q, size, size): what each window of a padded image sees."""
    widths = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(x, widths, constant_values=border)
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))


def correlation(x, w, b, padding):
    """y[n,o] = b[o] + the sum over channels and taps of the zero-padded image."""
    seen = windows(x, w.shape[2], padding, 0)[:, None]
    return (seen * w[None, :, :, None, None]).sum(axis=(2, 5, 6)) + b[:, None, None]


def transposed(x, w, b, padding):
    """At stride 1: the correlation with the kernel flipped, with as much as is left to pad."""
    return correlation(x, np.flip(w, (2, 3)).swapaxes(0, 1), b, w.shape[2] - 1 - padding)


FUNCTIONS = {  # what is called, what it should give, the shapes of the operands
    "conv2d": (
        lambda x, w, b: F.conv2d(x, w, b, padding=1),
        lambda x, w, b: correlation(x, w, b, 1),
        ((2, 3, 6, 7), (5, 3, 3, 3), (5,)),
    ),
    "conv2d without padding": (
        F.conv2d,
        lambda x, w, b: correlation(x, w, b, 0),
        ((2, 3, 6, 7), (5, 3, 3, 3), (5,)),
    ),
    "conv_transpose2d": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, padding=1),
        lambda x, w, b: transposed(x, w, b, 1),
        ((2, 3, 6, 7), (3, 5, 3, 3), (5,)),
    ),
    "max_pool2d": (
        lambda x: F.max_pool2d(x, 3, 1, 1),
        lambda x: windows(x, 3, 1, -np.inf).max(axis=(4, 5)),
        ((2, 3, 6, 7),),
    ),
    "avg_pool2d": (
        lambda x: F.avg_pool2d(x, 2, 1, 1),
        lambda x: windows(x, 2, 1, 0).sum(axis=(4, 5)) / 4,
        ((2, 3, 6, 7),),
    ),
    "linear": (
        F.linear,
        lambda x, w, b: (x[:, None] * w).sum(axis=2) + b,
        ((4, 9), (5, 9), (5,)),
    ),
}
MEMORY = {
    "every stride negative": lambda x: np.flip(np.ascontiguousarray(np.flip(x))),
    "last stride negative": lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1],
    "every second": lambda x: x.repeat(2, axis=-1)[..., ::2],
    "a part of a larger array": lambda x: np.pad(x, 1)[(slice(1, -1),) * x.ndim],
    "column-major": lambda x: x.copy("F"),
    "channels-last": lambda x: np.moveaxis(np.moveaxis(x, x.ndim > 1, -1).copy(), -1, x.ndim > 1),
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "misaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()),
}
NON_FINITE = {
    "NaN": (np.nan,),
    "inf": (np.inf,),
    "-inf": (-np.inf,),
    "inf and -inf": (np.inf, -np.inf),
}
OPERANDS = [(name, n) for name, (_, _, shapes) in FUNCTIONS.items() for n in range(len(shapes))]
SIZES = [  # the shapes of the operands, and of the result or what is wrong
    ("conv2d", ((0, 3, 6, 7), (5, 3, 3, 3), (5,)), (0, 5, 6, 7)),
    ("conv2d", ((2, 0, 6, 7), (5, 0, 3, 3), (5,)), "weight is (5, 0, 3, 3): a size is 0"),
    ("conv2d", ((2, 3, 0, 7), (5, 3, 3, 3), (5,)), "x is (2, 3, 0, 7): a size is 0"),
    ("conv2d", ((2, 3, 6, 7), (0, 3, 3, 3), (0,)), "weight is (0, 3, 3, 3): a size is 0"),
    ("conv2d", ((1, 1, 1, 1), (1, 1, 1, 1), (1,)), (1, 1, 3, 3)),
    ("conv2d", ((1, 1, 1, 1), (1, 1, 3, 3), (1,)), (1, 1, 1, 1)),
    ("conv2d without padding", ((1, 1, 1, 1), (1, 1, 1, 1), (1,)), (1, 1, 1, 1)),
    ("conv2d without padding", ((1, 1, 1, 1), (1, 1, 3, 3), (1,)), "kernel of 3 does not fit"),
    ("conv_transpose2d", ((0, 3, 6, 7), (3, 5, 3, 3), (5,)), (0, 5, 6, 7)),
    ("conv_transpose2d", ((2, 3, 6, 0), (3, 5, 3, 3), (5,)), "x is (2, 3, 6, 0): a size is 0"),
    ("conv_transpose2d", ((2, 0, 6, 7), (0, 5, 3, 3), (5,)), "weight is (0, 5, 3, 3): a size is 0"),
    ("conv_transpose2d", ((1, 1, 1, 1), (1, 1, 3, 3), (1,)), (1, 1, 1, 1)),
    ("max_pool2d", ((0, 3, 6, 7),), (0, 3, 6, 7)),
    ("max_pool2d", ((2, 0, 6, 7),), "x is (2, 0, 6, 7): a size is 0"),
    ("max_pool2d", ((2, 3, 0, 7),), "x is (2, 3, 0, 7): a size is 0"),
    ("max_pool2d", ((1, 1, 1, 1),), (1, 1, 1, 1)),
    ("avg_pool2d", ((0, 3, 6, 7),), (0, 3, 7, 8)),
    ("avg_pool2d", ((2, 0, 6, 7),), "x is (2, 0, 6, 7): a size is 0"),
    ("avg_pool2d", ((2, 3, 6, 0),), "x is (2, 3, 6, 0): a size is 0"),
    ("avg_pool2d", ((1, 1, 1, 1),), (1, 1, 2, 2)),
    ("linear", ((0, 9), (5, 9), (5,)), (0, 5)),
    ("linear", ((4, 0), (5, 0), (5,)), "weight is (5, 0); (O, C) is expected"),
    ("linear", ((4, 9), (0, 9), (0,)), "weight is (0, 9); (O, C) is expected"),
    ("linear", ((1, 1), (1, 1), (1,)), (1, 1)),
]


def integers(shapes, dtype):
    """Operands of small integers above zero."""
    draw = np.random.default_rng(0)
    return [draw.integers(1, 5, shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize(("name", "operand"), OPERANDS)
def test_memory_does_not_matter(name, operand, memory, dtype):
    """However an operand lies in memory, the numbers are the same; it is not kept nor written."""
    call, wanted, shapes = FUNCTIONS[name]
    operands = integers(shapes, dtype)
    operands[operand] = MEMORY[memory](operands[operand])
    plain = [np.array(x, dtype, order="C") for x in operands]
    got = call(*operands)
    np.testing.assert_array_equal(got, wanted(*plain))
    assert got.dtype == dtype
    assert got.dtype.isnative
    assert got.flags.writeable
    for given, before in zip(operands, plain, strict=True):
        assert not np.shares_memory(got, given)
        np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", NON_FINITE)
@pytest.mark.parametrize(("name", "operand"), OPERANDS)
def test_what_is_not_finite_reaches_what_it_meets(name, operand, kind, dtype):
    """NaN and infinities in an image, a weight or a bias reach exactly what they are summed into.

    A maximum is NaN where its window holds one, and -inf wins nowhere.
    """
    call, _, shapes = FUNCTIONS[name]
    operands = integers(shapes, dtype)
    numbers = NON_FINITE[kind]
    operands[operand].reshape(-1)[1 : 1 + len(numbers)] = numbers
    # The definition: what stands here as an oracle multiplies the zeros of padding, too.
    (want,) = trace(call, *map(Spec.of, operands)).graph.run(*operands)
    np.testing.assert_array_equal(call(*operands), want)
    assert np.isfinite(want).all() == (name == "max_pool2d" and kind == "-inf")


@pytest.mark.parametrize("kind", ["NaN", "inf", "-inf"])
def test_a_weight_that_is_not_finite_meets_no_padding(kind):
    """Where its tap would meet padding there is no term: the result is that of the others."""
    x, w, b = integers(FUNCTIONS["conv2d"][2], "float32")
    without = w.copy()
    without[0, 0, 0, 1] = 0.0
    w[0, 0, 0, 1] = NON_FINITE[kind][0]  # the tap of the upper row: would meet padding in row 0
    got = F.conv2d(x, w, b, padding=1)
    expected = F.conv2d(x, without, b, padding=1)
    np.testing.assert_array_equal(got[:, 0, 0], expected[:, 0, 0])
    np.testing.assert_array_equal(got[:, 1:], expected[:, 1:])
    np.testing.assert_array_equal(got[:, 0, 1:], np.full((2, 5, 7), w[0, 0, 0, 1]))


@pytest.mark.parametrize(
    ("name", "shapes", "outcome"), SIZES, ids=[f"{row[0]} {row[1]}" for row in SIZES]
)
def test_sizes_of_zero_and_one(name, shapes, outcome):
    """An empty batch gives an empty result, any other size of 0 is an error that names it."""
    call, wanted, _ = FUNCTIONS[name]
    operands = integers(shapes, "float32")
    if isinstance(outcome, str):
        with pytest.raises(ShapeError, match=re.escape(outcome)):
            call(*operands)
        return
    got = call(*operands)
    assert got.shape == outcome
    np.testing.assert_array_equal(got, wanted(*operands))
