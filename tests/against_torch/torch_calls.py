"""Calls of a function of ours and of PyTorch's on the same drawn arrays, forward and backward."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import allconv as ac

torch = pytest.importorskip("torch", reason="needs torch: pip install 'allconv[bench]'")

torch.set_num_threads(1)  # the arrays are small: threads would wait for each other

CALLS = int(os.environ.get("ALLCONV_TORCH_CALLS", "6"))
# Of the largest |value| of what is compared (or of 1): sums of a few hundred terms of size one.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}

Array = np.ndarray[Any, Any]


def draws(family: str, axes: int) -> Iterator[np.random.Generator]:
    """A third of the calls of a family, each with a generator of its own."""
    for call in range(-(-CALLS // 3)):
        yield np.random.default_rng([axes, call, *family.encode()])


def sizes(rng: np.random.Generator, axes: int, low: int, high: int) -> tuple[int, ...]:
    """One number an axis."""
    return tuple(int(n) for n in rng.integers(low, high + 1, axes))


def array(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Numbers of size one."""
    return rng.normal(size=shape).astype(dtype)


def dtype_of(rng: np.random.Generator) -> str:
    """float32 or float64."""
    return str(rng.choice(["float32", "float64"]))


def image(rng: np.random.Generator, axes: int, reach: tuple[int, ...]) -> tuple[int, ...]:
    """A batch, channels, and an image over which a window reaches."""
    lead = (int(rng.integers(1, 3)), int(rng.integers(1, 4)))
    extra = sizes(rng, axes, 0, {1: 12, 2: 6, 3: 3}[axes])
    return (*lead, *(max(r + e, 1) for r, e in zip(reach, extra, strict=True)))


def assert_close(ours: Array, theirs: Any, loose: float = 1.0) -> None:
    """Same shape, same dtype, within the tolerance; NaN and infinities in the same places."""
    wanted = theirs.detach().numpy()
    assert ours.shape == wanted.shape
    assert ours.dtype == wanted.dtype
    finite = wanted[np.isfinite(wanted)]
    scale = max(1.0, float(np.abs(finite).max(initial=0.0)))
    bound = loose * TOLERANCE[ours.dtype.name] * scale
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=bound)


def agree(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    rng: np.random.Generator,
    *arrays: Array,
    loose: float = 1.0,
) -> None:
    """Results agree, and for a drawn gradient of the result the gradients of every array."""
    y, pullback = ac.vjp(ours, *arrays)
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what PyTorch says of its own functions
        result = theirs(*tensors)
    assert_close(y, result, loose)
    gy = array(rng, y.shape, y.dtype.name)
    result.backward(torch.tensor(gy))
    for gx, tensor in zip(pullback(gy), tensors, strict=True):
        assert_close(gx, tensor.grad, loose)
