"""Convolution, its transpose, padding and patches: the results and gradients of PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from torch_calls import agree, array, assert_close, draws, dtype_of, image, sizes, torch

from allconv import functional as F

T = torch.nn.functional
AXES = pytest.mark.parametrize("axes", [1, 2, 3])
MODES = ("reflect", "replicate", "circular")


def window(rng: np.random.Generator, axes: int) -> tuple[tuple[int, ...], ...]:
    """Kernel, stride, padding, dilation."""
    return (
        sizes(rng, axes, 1, 3),
        sizes(rng, axes, 1, 3),
        sizes(rng, axes, 0, 2),
        sizes(rng, axes, 1, 3),
    )


def reach(k: tuple[int, ...], p: tuple[int, ...], d: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest image that a window fits."""
    return tuple(b * (a - 1) + 1 - 2 * c for a, b, c in zip(k, d, p, strict=True))


@AXES
def test_convolution(axes: int) -> None:
    """Any stride, padding, dilation, groups; depthwise; "same" where the stride is 1; bias."""
    ours, theirs = getattr(F, f"conv{axes}d"), getattr(T, f"conv{axes}d")
    for rng in draws("conv", axes):
        k, s, p, d = window(rng, axes)
        groups, dtype = int(rng.integers(1, 4)), dtype_of(rng)
        n, c, *i = image(rng, axes, reach(k, p, d))
        x = array(rng, (n, c * groups, *i), dtype)
        w = array(rng, (groups * int(rng.integers(1, 4)), c, *k), dtype)
        bias = [array(rng, w.shape[:1], dtype)] if rng.random() < 0.5 else []
        padding = p
        if rng.random() < 0.2:
            s, padding = (1,) * axes, "same"
        settings = {"stride": s, "padding": padding, "dilation": d, "groups": groups}
        agree(
            lambda *a, f=ours, o=settings: f(*a, **o),
            lambda *a, f=theirs, o=settings: f(*a, **o),
            rng,
            *(x, w, *bias),
        )


@AXES
def test_transposed_convolution(axes: int) -> None:
    """Any stride, padding, dilation, groups and output_padding."""
    ours, theirs = getattr(F, f"conv_transpose{axes}d"), getattr(T, f"conv_transpose{axes}d")
    for rng in draws("transposed", axes):
        k, s, p, d = window(rng, axes)
        p = tuple(min(a, (b * (c - 1)) // 2) for a, b, c in zip(p, d, k, strict=True))
        extra = tuple(int(rng.integers(0, max(a, b))) for a, b in zip(s, d, strict=True))
        groups, dtype = int(rng.integers(1, 4)), dtype_of(rng)
        n, c, *i = image(rng, axes, (1,) * axes)
        x = array(rng, (n, c * groups, *i), dtype)
        w = array(rng, (c * groups, int(rng.integers(1, 4)), *k), dtype)
        bias = [array(rng, (w.shape[1] * groups,), dtype)] if rng.random() < 0.5 else []
        settings = {
            "stride": s, "padding": p, "output_padding": extra, "groups": groups, "dilation": d,
        }  # fmt: skip
        agree(
            lambda *a, f=ours, o=settings: f(*a, **o),
            lambda *a, f=theirs, o=settings: f(*a, **o),
            rng,
            *(x, w, *bias),
        )


@AXES
def test_padding_modes(axes: int) -> None:
    """A convolution of an image that is mirrored, repeated or wrapped round; and `pad` alone."""
    ours, theirs = getattr(F, f"conv{axes}d"), getattr(T, f"conv{axes}d")
    for rng in draws("mode", axes):
        k, s, p, d = window(rng, axes)
        mode, dtype = str(rng.choice(MODES)), dtype_of(rng)
        least = tuple(max(a, b + 1) for a, b in zip(reach(k, p, d), p, strict=True))
        x = array(rng, image(rng, axes, least), dtype)
        w = array(rng, (2, x.shape[1], *k), dtype)
        ends = [each for size in reversed(p) for each in (size, size)]
        agree(
            lambda x, w, f=ours, o=(s, p, d), m=mode: f(x, w, None, *o, padding_mode=m),
            lambda x, w, f=theirs, o=(s, 0, d), m=mode, e=ends: f(T.pad(x, e, m), w, None, *o),
            rng,
            *(x, w),
        )
        low_high = [int(rng.integers(-1 if n > 2 else 0, n)) for n in x.shape[:1:-1] for _ in "ab"]
        agree(
            lambda x, e=low_high, m=mode: F.pad(x, e, m),
            lambda x, e=low_high, m=mode: T.pad(x, e, m),
            rng,
            x,
        )
        agree(
            lambda x, e=low_high: F.pad(x, e, value=2.0),
            lambda x, e=low_high: T.pad(x, e, value=2.0),
            rng,
            x,
        )


@pytest.mark.parametrize("third", [1, 2, 3])
def test_patches(third: int) -> None:
    """unfold and fold."""
    for rng in draws("patches", third):
        k, s, p, d = window(rng, 2)
        x = array(rng, image(rng, 2, reach(k, p, d)), dtype_of(rng))
        settings = (k, d, p, s)
        agree(lambda x, o=settings: F.unfold(x, *o), lambda x, o=settings: T.unfold(x, *o), rng, x)
        columns = F.unfold(x, *settings)
        agree(
            lambda u, o=(x.shape[2:], *settings): F.fold(u, *o),
            lambda u, o=(x.shape[2:], *settings): T.fold(u, *o),
            rng,
            columns,
        )


@AXES
def test_linear(axes: int) -> None:
    """A linear layer, with and without bias."""
    for rng in draws("linear", axes):
        n, c, o = sizes(rng, 3, 1, 40)
        dtype = dtype_of(rng)
        x, w = array(rng, (n, c), dtype), array(rng, (o, c), dtype)
        bias = [array(rng, (o,), dtype)] if rng.random() < 0.5 else []
        agree(F.linear, T.linear, rng, x, w, *bias)


def test_a_difference_is_seen() -> None:
    """The comparison fails where one number differs by more than the tolerance."""
    x = np.ones(3)
    wrong = torch.tensor([1, 1, 1 + 1e-11], dtype=torch.float64)
    with pytest.raises(AssertionError):
        assert_close(x, wrong)
