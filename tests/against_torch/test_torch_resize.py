"""Images of another size, shuffled pixels and channels: the results and gradients of PyTorch."""

from __future__ import annotations

import pytest
from torch_calls import agree, array, draws, dtype_of, sizes, torch

from allconv import functional as F

T = torch.nn.functional
MODES = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}
FACTORS = (2.0, 3.0, 0.5, 1.5, 1 / 3, 2 / 3, 0.7, 1.7, 1.0)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_interpolate(axes: int) -> None:
    """All modes, by sizes and by factors, with corners aligned and with antialias."""
    for rng in draws("resize", axes):
        x = array(rng, (2, 3, *sizes(rng, axes, 4, 9)), dtype_of(rng))
        for mode in ["nearest", "nearest-exact", "area", *MODES[axes]]:
            settings: dict[str, object] = {"mode": mode, "size": sizes(rng, axes, 2, 12)}
            if rng.random() < 0.5 and mode != "area":
                factors = tuple(float(n) for n in rng.choice(FACTORS, axes))
                settings |= {"size": None, "scale_factor": factors}
            if mode in MODES[axes]:
                settings["align_corners"] = bool(rng.random() < 0.5)
            spread = mode in MODES[2] and not settings["align_corners"] and rng.random() < 0.5
            # With one column of cells and antialias PyTorch repeats the first row.
            if spread and min(F.interpolate(x, **settings).shape[2:]) > 1:
                settings["antialias"] = True
            agree(
                lambda x, s=settings: F.interpolate(x, **s),
                lambda x, s=settings: T.interpolate(x, **s),
                rng,
                x,
            )


def test_shuffles() -> None:
    """Pixels and channels in another order, and back."""
    for rng in draws("shuffle", 2):
        r = int(rng.integers(1, 4))
        x = array(rng, (2, r * r * 2, 3 * r, 2 * r), dtype_of(rng))
        for name in ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"):
            ours, theirs = getattr(F, name), getattr(T, name, None) or getattr(torch, name)
            agree(
                lambda x, f=ours, r=r: f(x, r),
                lambda x, f=theirs, r=r: f(x, r),
                rng,
                x,
            )
