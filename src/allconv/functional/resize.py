"""Images of another size."""

from __future__ import annotations

from fractions import Fraction
from math import floor, isfinite
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
)
from allconv.functional.call import apply, public, take_float
from allconv.functional.correlate import check_sizes
from allconv.intake.settings import choice, flag, is_sequence, number, short_repr, whole
from allconv.operators.resize import MOST_CELLS, Resize, ResizedAxis, Rule

__all__ = ["interpolate"]

AREA = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)
MODES = {  # ours, and the axes over which they go
    "nearest": ("nearest", (1, 2, 3)),
    "nearest-exact": ("nearest", (1, 2, 3)),
    "linear": ("linear", (1,)),
    "bilinear": ("linear", (2,)),
    "bicubic": ("cubic", (2,)),
    "trilinear": ("linear", (3,)),
    "area": ("", (1, 2, 3)),
}
SIMPLE = 1000  # the largest denominator that a factor as 1.6666666666666667 is taken to have


@public
def interpolate(
    x: Any,
    /,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    *,
    antialias: bool = False,
) -> Any:
    """Images of another size, as in PyTorch.

    Shapes: x (N, C, *I) -> (N, C, *P), one to three axes of space; float32 or float64. P is `size`,
    or floor(I * scale_factor); one number, or one an axis.
    y[n,c,i] = the sum of w[i,j] * x[n,c,j], axis after axis. Cell i lies at j = (i + 1/2)/s - 1/2;
    s is the scale factor where it is given (unless `recompute_scale_factor`), else P/I.

    nearest         the cell floor(i/s)
    nearest-exact   the cell nearest to j; of two the later
    linear, bilinear, trilinear (one, two, three axes)  straight lines between cells
    bicubic         cubics through four cells each way (a = -0.75); results may leave their range
    area            the mean of the cells below, as adaptive_avg_pool1d ... has it

    With `align_corners` the first and last cells keep their places: j = i*(I - 1)/(P - 1). With
    `antialias` (bilinear, bicubic) the weights reach over 1/s cells where an image becomes smaller,
    as Pillow does. The edge is repeated outside.

    Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981.

    >>> import numpy as np
    >>> interpolate(np.array([[[1.0, 3]]]), scale_factor=2)
    array([[[1., 1., 3., 3.]]])
    >>> interpolate(np.array([[[1.0, 3]]]), 4, mode="linear")
    array([[[1. , 1.5, 2.5, 3. ]]])
    """
    x = take_float("x", x)
    axes = len(x.shape) - 2
    mode = choice("mode", mode, tuple(MODES))
    if not 1 <= axes <= 3:
        raise ShapeError(f"x is {x.shape}; (N, C, *I) with one to three axes of space is expected")
    if axes not in MODES[mode][1]:
        raise ArgumentError(
            f'mode is "{mode}", for images of {MODES[mode][1][0]} axes; x is {x.shape}'
        )
    check_sizes(x.shape)
    rule = _rule(mode, align_corners, antialias)
    again = False if recompute_scale_factor is None else recompute_scale_factor
    sizes = _sizes(x.shape[2:], size, scale_factor, flag("recompute_scale_factor", again))
    if not rule.mode:
        return AREA[axes - 1](x, tuple(to for to, _ in sizes))
    return apply(_resize(tuple(x.shape[2:]), sizes, rule), x)


def _rule(mode: str, align_corners: Any, antialias: Any) -> Rule:
    """How the cells of the result are made."""
    ours = MODES[mode][0]
    aligned = align_corners is not None and flag("align_corners", align_corners)
    spread = flag("antialias", antialias)
    if align_corners is not None and ours not in ("linear", "cubic"):
        raise ArgumentError(f'align_corners goes with linear and cubic modes, not "{mode}"')
    if spread and (mode not in ("bilinear", "bicubic") or aligned):
        raise ArgumentError(
            'antialias goes with mode="bilinear" or "bicubic", without align_corners'
        )
    if ours == "nearest":
        exact = mode == "nearest-exact"
        return Rule("nearest", *(("half_pixel", "round_prefer_ceil") if exact else ()))
    return Rule(
        ours,
        "align_corners" if aligned else "half_pixel",
        "round_prefer_floor",
        -0.5 if spread and ours == "cubic" else -0.75,  # as Pillow has it, and as others do
        spread,
        spread,
    )


def _sizes(
    input: tuple[int, ...], size: Any, scale_factor: Any, again: bool
) -> tuple[tuple[int, Fraction], ...]:
    """The cells of each axis of the result, and the scale."""
    axes = len(input)
    if size is None and scale_factor is None:
        raise ArgumentError("size and scale_factor are None; one of both is expected")
    if size is not None and scale_factor is not None:
        raise ArgumentError(
            f"scale_factor is {short_repr(scale_factor)} beside size; one of both is expected"
        )
    given = scale_factor if size is None else size
    each = tuple(given) if is_sequence(given) else (given,) * axes
    name = "scale_factor" if size is None else "size"
    if len(each) != axes:
        raise ArgumentError(f"{name} is {short_repr(given)}; one number, or {axes}, is expected")
    if size is not None:
        if again:
            raise ArgumentError("recompute_scale_factor goes with scale_factor, not with size")
        made = [whole("size", n, least=1, most=MOST_CELLS) for n in each]
        return tuple((to, Fraction(to, n)) for to, n in zip(made, input, strict=True))
    factors = [number(name, n, "a number above 0", lambda n: isfinite(n) and n > 0) for n in each]
    found = []
    for n, factor in zip(input, factors, strict=True):
        if not 1 <= n * factor <= MOST_CELLS:
            raise ArgumentError(
                f"scale_factor {short_repr(factor)} makes {n} cells {n * factor:g}; 1 to "
                f"{MOST_CELLS:,} are expected"
            )
        to = floor(n * factor)
        found.append((to, Fraction(to, n) if again else simple(factor)))
    return tuple(found)


def simple(factor: float, dtype: Any = np.float64) -> Fraction:
    """The fraction that a number stands for: 5/3 for 1.6666666666666667, else what it is.

    >>> simple(1 / 3), simple(np.float32(0.6), np.float32)
    (Fraction(1, 3), Fraction(3, 5))
    """
    held = Fraction(float(factor))
    near = held.limit_denominator(SIMPLE)
    return near if dtype(float(near)) == dtype(factor) and near > 0 else held


def _resize(input: tuple[int, ...], sizes: tuple[tuple[int, Fraction], ...], rule: Rule) -> Resize:
    """The operator; axes that stay are left out."""
    pairs = zip(input, sizes, strict=True)
    lines = [ResizedAxis(axis, n, to, scale) for axis, (n, (to, scale)) in enumerate(pairs, 2)]
    return Resize(tuple(n for n in lines if n.to != n.size or n.scale != 1), rule)
