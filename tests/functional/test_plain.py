"""The one idea on plain arrays: the lecture's numbers, NumPy, SciPy, and both adjoints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

import allconv as ac
from allconv.errors import ArgumentError, ShapeError
from allconv.operators.base import Spec
from allconv.trace import trace


def test_lecture() -> None:
    """1 2 3 4 with 1 2 3: correlation 14 20, true convolution 10 16, as integers."""
    assert ac.correlate([1, 2, 3, 4], [1, 2, 3]).tolist() == [14, 20]
    assert ac.convolve([1, 2, 3, 4], [1, 2, 3]).tolist() == [10, 16]
    assert ac.correlate([1, 2, 3, 4], [1, 2, 3]).dtype == np.int64


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float32, np.float64])
def test_dtypes_stay(dtype: type) -> None:
    """Integers and floats keep their dtype; mixed ones promote as in NumPy."""
    x, w = np.array([1, 2, 3, 4], dtype), np.array([1, 2], dtype)
    assert ac.correlate(x, w).dtype == dtype
    assert ac.correlate(x, w).tolist() == [5, 8, 11]
    assert ac.correlate(x, w.astype(np.float64)).dtype == np.float64


def test_integers_are_exact() -> None:
    """Integers beyond what a float64 holds are summed exactly."""
    large = 2**60 + 1
    assert ac.correlate([large, 1], [1, 1]).tolist() == [large + 1]


def test_many_axes() -> None:
    """Four axes equal SciPy's correlate; no axes are a product."""
    rng = np.random.default_rng(0)
    x, w = rng.integers(-5, 6, (4, 3, 4, 3)), rng.integers(-5, 6, (2, 2, 3, 1))
    assert np.array_equal(ac.correlate(x, w), signal.correlate(x, w, "valid", method="direct"))
    assert np.array_equal(ac.convolve(x, w), signal.convolve(x, w, "valid", method="direct"))
    assert ac.correlate(3, 4) == 12
    assert ac.convolve(3, 4) == 12


@given(st.data())
def test_adjoints(data: st.DataObject) -> None:
    """<correlate(x, w), y> == <x, correlate_transpose(y, w)> == <w, correlate_weight(x, y)>."""
    axes = data.draw(st.integers(1, 3))
    several = st.tuples(*(st.integers(1, 3),) * axes)
    kernel, stride, dilation = data.draw(several), data.draw(several), data.draw(several)
    padding = data.draw(st.sampled_from([0, 1, 2, "valid", "full", "same"]))
    rng = np.random.default_rng(1)
    spare = data.draw(several)
    sizes = [d * (k - 1) + n for k, d, n in zip(kernel, dilation, spare, strict=True)]
    if padding == "same":
        sizes = [s * -(-i // s) for i, s in zip(sizes, stride, strict=True)]
    x, w = rng.integers(-9, 10, sizes), rng.integers(-9, 10, kernel)
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    y = ac.correlate(x, w, **settings)
    gy = rng.integers(-9, 10, y.shape)
    gx = ac.correlate_transpose(gy, w, output_size=tuple(sizes), **settings)
    gw = ac.correlate_weight(x, gy, kernel_size=kernel, **settings)
    assert gx.shape == x.shape
    assert gw.shape == w.shape
    assert (y * gy).sum() == (x * gx).sum() == (w * gw).sum()


def test_traced() -> None:
    """Values of a trace are recorded, and can be differentiated."""
    graph = trace(lambda x: ac.correlate(x, np.array([1.0, 2.0, 3.0])), Spec((4,), "float64")).graph
    assert graph.run(np.array([1.0, 2.0, 3.0, 4.0]))[0].tolist() == [14, 20]


def test_sizes_are_found() -> None:
    """Without output_size the smallest input, without kernel_size the largest kernel."""
    assert ac.correlate_transpose([1, 1], [1, 1, 1], stride=2).shape == (5,)
    assert ac.correlate_weight(np.ones(6), np.ones(2), stride=2).shape == (4,)
    assert ac.correlate_weight(np.ones(6), np.ones(2), stride=2, kernel_size=3).shape == (3,)


REFUSED = [
    (lambda: ac.correlate([1, 2], [[1]]), ShapeError, "correlate: x is (2,), w (1, 1)"),
    (lambda: ac.correlate([], [1]), ShapeError, "x is (0,): a size is 0"),
    (lambda: ac.correlate([1, 2], [1, 2, 3]), ShapeError, "does not fit"),
    (lambda: ac.correlate(["a"], [1]), ArgumentError, "x is str"),
    (lambda: ac.correlate([1j], [1]), ArgumentError, "x is complex128"),
    (lambda: ac.correlate([[1, 2], [3]], [1]), ArgumentError, "x cannot be read as an array"),
    (lambda: ac.convolve([1, 2], [1], stride=0), ArgumentError, "convolve: stride is 0"),
    (lambda: ac.correlate_weight([1, 2], [1], padding="half"), ArgumentError, "give kernel_size"),
    (lambda: ac.correlate_weight([1, 2], [1] * 3), ShapeError, "too small"),
    (
        lambda: ac.correlate_weight([1, 2, 3], [1], kernel_size=2),
        ShapeError,
        "y is (1,); x (3,) and a kernel of (2,) give (2,)",
    ),
    (lambda: ac.correlate_transpose([1], [1], output_size=7), ArgumentError, "1 to 1 are possible"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=[r[2] for r in REFUSED])
def test_refusals(call, error, message) -> None:
    """What cannot be computed is refused with the argument and what was given."""
    with pytest.raises(error) as refused:
        call()
    assert message in str(refused.value)
