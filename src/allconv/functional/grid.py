"""Images read at places between their cells, and the places that a linear map leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.call import apply, evaluate, public, take_float, take_floats
from allconv.functional.correlate import check_sizes
from allconv.functional.settings import per_axis
from allconv.intake.limits import check_size
from allconv.intake.settings import choice, flag, short_repr
from allconv.operators.grid import GridSample

__all__ = ["affine_grid", "grid_sample"]

_MODES = {"bilinear": "linear", "nearest": "nearest", "bicubic": "cubic"}
_PADDINGS = ("zeros", "border", "reflection")


@public
def grid_sample(
    x: Any,
    /,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:
    """An image read at the places of a grid.

    Shapes: x (N, C, *I), grid (N, *P, axes) -> (N, C, *P), for 1 to 3 axes. A place is a number for
    each axis, that of the last axis first; -1 and 1 are the ends of the axis: the edges of the
    image, or with `align_corners` the centres of the cells there. `mode` is "bilinear", "bicubic"
    or "nearest"; `padding_mode` says what lies outside: "zeros", "border" (the nearest cell) or
    "reflection". See `allconv.operators.grid`. In the places it is differentiated between steps.

    >>> import numpy as np
    >>> grid_sample(np.array([[[[1.0, 3]]]]), np.array([[[[0.0, 0], [0.5, 0]]]]))
    array([[[[2., 3.]]]])
    """
    x, grid = take_floats(x=x, grid=grid)
    how = _MODES[choice("mode", mode, tuple(_MODES))]
    padding = choice("padding_mode", padding_mode, _PADDINGS)
    axes = len(x.shape) - 2
    if not 1 <= axes <= 3 or len(grid.shape) != len(x.shape) or grid.shape[-1] != axes:
        raise ShapeError(
            f"x is {x.shape}, grid {grid.shape}; (N, C, *I) and (N, *P, axes) are expected, with "
            "1 to 3 axes"
        )
    if grid.shape[0] != x.shape[0]:
        raise ShapeError(f"grid has {grid.shape[0]} images, x {x.shape[0]}")
    check_sizes(x.shape)
    return apply(GridSample(how, padding, _corners(align_corners)), x, grid)


@public
def affine_grid(theta: Any, /, size: Sequence[int], align_corners: bool | None = None) -> Any:
    """The places, for `grid_sample`, that a linear map makes of the centres of all cells.

    Shapes: theta (N, axes, axes + 1), `size` (N, C, *P) -> (N, *P, axes), for 2 or 3 axes.
    grid[n,p] = theta[n] @ (the place of p, last axis first, and 1), where the cells of an axis lie
    between -1 and 1: the outermost at these with `align_corners`, else half a cell inside.

    >>> import numpy as np
    >>> affine_grid(np.array([[[1.0, 0, 0], [0, 1, 0]]]), (1, 1, 1, 2))
    array([[[[-0.5,  0. ],
             [ 0.5,  0. ]]]])
    """
    theta = take_float("theta", theta)
    axes = len(theta.shape) and theta.shape[-1] - 1
    if len(theta.shape) != 3 or axes not in (2, 3) or theta.shape[1] != axes:
        raise ShapeError(f"theta is {theta.shape}; (N, 2, 3) or (N, 3, 4) is expected")
    sizes = per_axis("size", size, axes + 2)
    if sizes[0] != theta.shape[0]:
        raise ArgumentError(f"size is {short_repr(size)}; theta has {theta.shape[0]} maps")
    corners = _corners(align_corners)
    grid: Any = evaluate(_affine, theta, sizes=sizes[2:], corners=corners)
    return grid


def _affine(theta: Any, *, sizes: tuple[int, ...], corners: bool) -> Any:
    axes = len(sizes)
    check_size("the grid", (theta.shape[0], *sizes, axes))

    def column(n: int) -> Any:
        return theta[:, :, n].reshape((theta.shape[0], *(1,) * axes, axes))

    grid = column(axes)
    for axis, n in enumerate(sizes):
        line = _centres(n, corners).astype(theta.dtype)
        along = line.reshape([-1 if a == axis else 1 for a in range(axes + 1)])
        grid = grid + column(axes - 1 - axis) * along
    return grid


def _corners(given: bool | None) -> bool:
    """Whether the ends are the centres of the cells there; None: no, as in PyTorch."""
    return given is not None and flag("align_corners", given)


def _centres(n: int, corners: bool) -> Any:
    """Where the cells of an axis lie."""
    if corners:
        return np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1)
    return (2.0 * np.arange(n) + 1.0) / n - 1.0
