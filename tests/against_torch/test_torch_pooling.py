"""Pooling of all kinds and unpooling: the results, indices and gradients of PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from torch_calls import agree, array, draws, dtype_of, image, sizes, torch

from allconv import functional as F

T = torch.nn.functional
AXES = pytest.mark.parametrize("axes", [1, 2, 3])


def window(rng: np.random.Generator, axes: int) -> tuple[tuple[int, ...], ...]:
    """Kernel, stride, padding of at most half of the kernel."""
    k = sizes(rng, axes, 1, 4)
    return k, sizes(rng, axes, 1, 3), tuple(int(rng.integers(0, n // 2 + 1)) for n in k)


def few(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Few different numbers: many ties."""
    return rng.integers(-3, 4, shape).astype(dtype)


@AXES
def test_max(axes: int) -> None:
    """Stride, padding, dilation, ceil_mode; at ties the same value wins; indices are the same."""
    ours, theirs = getattr(F, f"max_pool{axes}d"), getattr(T, f"max_pool{axes}d")
    indices = 0
    for rng in draws("max", axes):
        k, s, p = window(rng, axes)
        d = sizes(rng, axes, 1, 2)
        reach = tuple(b * (a - 1) + 1 for a, b in zip(k, d, strict=True))
        x = few(rng, image(rng, axes, reach), dtype_of(rng))
        settings = (k, s, p, d)
        ceil = bool(rng.random() < 0.5)
        agree(
            lambda x, o=settings, c=ceil: ours(x, *o, ceil_mode=c),
            lambda x, o=settings, c=ceil: theirs(x, *o, ceil_mode=c),
            rng,
            x,
        )
        _, index = ours(x, *settings, ceil_mode=ceil, return_indices=True)
        _, wanted = theirs(torch.tensor(x), *settings, ceil_mode=ceil, return_indices=True)
        np.testing.assert_array_equal(index, wanted.numpy())
        indices += 1
    assert indices


@AXES
def test_unpooling(axes: int) -> None:
    """Values go back to their cells, of several for one cell the last; and so do gradients."""
    ours, theirs = getattr(F, f"max_unpool{axes}d"), getattr(T, f"max_unpool{axes}d")
    pool = getattr(T, f"max_pool{axes}d")
    for rng in draws("unpool", axes):
        k, s, p = window(rng, axes)
        s = tuple(max(a, b) for a, b in zip(k, s, strict=True))  # no cell is met twice
        x = array(rng, image(rng, axes, k), dtype_of(rng))
        y, index = pool(torch.tensor(x), k, s, p, return_indices=True)
        flat = index.numpy()
        settings = (k, s, p, x.shape[2:])
        agree(
            lambda y, i=flat, o=settings: ours(y, i, *o),
            lambda y, i=index, o=settings: theirs(y, i, *o),
            rng,
            y.numpy(),
        )


@AXES
def test_average(axes: int) -> None:
    """Stride, padding, ceil_mode, both denominators and a divisor of one's own."""
    ours, theirs = getattr(F, f"avg_pool{axes}d"), getattr(T, f"avg_pool{axes}d")
    for rng in draws("average", axes):
        k, s, p = window(rng, axes)
        x = array(rng, image(rng, axes, k), dtype_of(rng))
        settings = {"ceil_mode": bool(rng.random() < 0.5)}
        settings["count_include_pad"] = bool(rng.random() < 0.5)
        if axes > 1 and rng.random() < 0.3:
            settings["divisor_override"] = int(rng.integers(1, 9))
        agree(
            lambda x, a=(k, s, p), o=settings: ours(x, *a, **o),
            lambda x, a=(k, s, p), o=settings: theirs(x, *a, **o),
            rng,
            x,
        )


@AXES
def test_norm(axes: int) -> None:
    """Norms of several orders; floor mode (in ceil_mode PyTorch scales windows that reach out).

    Ten times the tolerance: logarithms and roots.
    """
    ours, theirs = getattr(F, f"lp_pool{axes}d"), getattr(T, f"lp_pool{axes}d")
    for rng in draws("norm", axes):
        k, s, _ = window(rng, axes)
        if axes == 1:  # PyTorch takes numbers here, and no tuples
            (k,), (s,) = k, s
        p = float(rng.choice([1, 2, 2, 3, 4, 2.5, 1.5, np.inf, -np.inf]))
        x = array(rng, image(rng, axes, k if axes > 1 else (k,)), dtype_of(rng))
        if p not in (1, 2, np.inf, -np.inf):
            x = np.abs(x) + np.array(0.25, x.dtype)
        agree(
            lambda x, o=(p, k, s): ours(x, *o),
            lambda x, o=(p, k, s): theirs(x, *o),
            rng,
            x,
            loose=10,
        )


@AXES
def test_adaptive_average(axes: int) -> None:
    """Output sizes that divide the input's and that do not, smaller and larger."""
    ours = getattr(F, f"adaptive_avg_pool{axes}d")
    theirs = getattr(T, f"adaptive_avg_pool{axes}d")
    for rng in draws("adaptive average", axes):
        x, size = array(rng, image(rng, axes, (1,) * axes), dtype_of(rng)), sizes(rng, axes, 1, 7)
        agree(lambda x, o=size: ours(x, o), lambda x, o=size: theirs(x, o), rng, x)


@AXES
def test_adaptive_max(axes: int) -> None:
    """The same of max pooling, with ties and indices."""
    ours = getattr(F, f"adaptive_max_pool{axes}d")
    theirs = getattr(T, f"adaptive_max_pool{axes}d")
    indices = 0
    for rng in draws("adaptive max", axes):
        x, size = few(rng, image(rng, axes, (1,) * axes), dtype_of(rng)), sizes(rng, axes, 1, 7)
        agree(lambda x, o=size: ours(x, o), lambda x, o=size: theirs(x, o), rng, x)
        _, index = ours(x, size, return_indices=True)
        _, wanted = theirs(torch.tensor(x), size, return_indices=True)
        np.testing.assert_array_equal(index, wanted.numpy())
        indices += 1
    assert indices
