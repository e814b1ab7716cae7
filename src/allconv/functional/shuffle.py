"""Channels moved into space, back, and into another order."""

from __future__ import annotations

from typing import Any

from allconv.errors import ShapeError
from allconv.functional.call import evaluate, public, take_float
from allconv.intake.settings import whole

__all__ = ["channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]

IMAGE = 3  # axes: channels, height, width


@public
def pixel_shuffle(x: Any, /, upscale_factor: int) -> Any:
    """Channels as the pixels of an image r times as large (sub-pixel convolution).

    Shapes: x (..., C*r*r, H, W) -> (..., C, H*r, W*r), r the factor; float32 or float64.
    y[c, r*h + i, r*w + j] = x[c*r*r + r*i + j, h, w].

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network", 2016.

    >>> import numpy as np
    >>> pixel_shuffle(np.array([1.0, 2, 3, 4]).reshape(4, 1, 1), 2)
    array([[[1., 2.],
            [3., 4.]]])
    """
    x = _image(x)
    r = whole("upscale_factor", upscale_factor, least=1)
    if x.shape[-IMAGE] % (r * r):
        raise ShapeError(f"x is {x.shape}; its channels are not a multiple of {r}**2")
    return evaluate(depth_to_space, x, by=r, channels_first=True)


@public
def pixel_unshuffle(x: Any, /, downscale_factor: int) -> Any:
    """The pixels of an image as channels of one r times smaller: `pixel_shuffle` undone.

    Shapes: x (..., C, H*r, W*r) -> (..., C*r*r, H, W), r the factor; float32 or float64.
    y[c*r*r + r*i + j, h, w] = x[c, r*h + i, r*w + j].

    >>> import numpy as np
    >>> pixel_unshuffle(np.array([[[1.0, 2], [3, 4]]]), 2).ravel()
    array([1., 2., 3., 4.])
    """
    x = _image(x)
    r = whole("downscale_factor", downscale_factor, least=1)
    if x.shape[-2] % r or x.shape[-1] % r:
        raise ShapeError(f"x is {x.shape}; its height or width is not a multiple of {r}")
    return evaluate(space_to_depth, x, by=r, channels_first=True)


@public
def channel_shuffle(x: Any, /, groups: int) -> Any:
    """The channels of groups taken in turn, so that the groups of the next layer are mixed.

    Shapes: x (N, C, *I) -> the same; float32 or float64.
    y[n, g + groups*k] = x[n, g*C/groups + k].

    Source: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for
    Mobile Devices", 2017.

    >>> import numpy as np
    >>> channel_shuffle(np.array([1.0, 2, 3, 4]).reshape(1, 4, 1), 2).ravel()
    array([1., 3., 2., 4.])
    """
    x = take_float("x", x)
    if len(x.shape) < IMAGE:
        raise ShapeError(f"x is {x.shape}; (N, C, *I) is expected")
    g = whole("groups", groups, least=1)
    if x.shape[1] % g:
        raise ShapeError(f"x is {x.shape}; its channels are not a multiple of {g} groups")
    return evaluate(_shuffled, x, groups=g)


def _image(x: Any) -> Any:
    x = take_float("x", x)
    if len(x.shape) < IMAGE:
        raise ShapeError(f"x is {x.shape}; (..., C, H, W) is expected")
    return x


def _shuffled(x: Any, *, groups: int) -> Any:
    n, c, *sizes = x.shape
    apart = x.reshape((n, groups, c // groups, *sizes))
    return apart.transpose(0, 2, 1, *range(3, apart.ndim)).reshape(x.shape)


def depth_to_space(x: Any, *, by: int, channels_first: bool) -> Any:
    """Channels (..., C*r*r, H, W) as space; of their numbers the channel of the result is the first
    part, or (not `channels_first`) the last."""
    *lead, c, h, w = x.shape
    count, n = c // (by * by), len(lead)
    parts = (count, by, by) if channels_first else (by, by, count)
    k, i, j = (0, 1, 2) if channels_first else (2, 0, 1)
    apart = x.reshape((*lead, *parts, h, w))
    order = (k, 3, i, 4, j)
    moved = apart.transpose(*range(n), *(n + a for a in order))
    return moved.reshape((*lead, count, h * by, w * by))


def space_to_depth(x: Any, *, by: int, channels_first: bool) -> Any:
    """`depth_to_space` undone."""
    *lead, c, h, w = x.shape
    n = len(lead)
    apart = x.reshape((*lead, c, h // by, by, w // by, by))
    order = (0, 2, 4, 1, 3) if channels_first else (2, 4, 0, 1, 3)
    moved = apart.transpose(*range(n), *(n + a for a in order))
    return moved.reshape((*lead, c * by * by, h // by, w // by))
