"""Locally connected layers: a convolution whose weights differ at every output cell."""

from __future__ import annotations

from typing import Any

from allconv.functional.call import spatial
from allconv.functional.correlate import correlated, transposed
from allconv.functional.settings import Padding, Sizes

__all__ = [
    "locally_connected1d",
    "locally_connected2d",
    "locally_connected3d",
    "locally_connected_transpose1d",
    "locally_connected_transpose2d",
    "locally_connected_transpose3d",
]


def _locally_connected(
    axes: int,
    x: Any,
    /,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """A locally connected layer: the window of a convolution, with weights of each cell's own.

    Shapes: x (N, C, *I), weight (O, C/groups, *K, *P), bias (O, *P) -> (N, O, *P).
    y[n,o,i] = bias[o,i] + sum over c, k of x[n,c,j] * weight[o,c,k,i] where j = s*i + d*k - p.
    Settings are those of `conv1d`, `conv2d`, `conv3d`.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 2, 3]]])
    >>> locally_connected1d(x, np.array([[[[1.0, 10], [0, 1]]]]))     # K = 2, P = 2
    array([[[ 1., 23.]]])
    """
    return correlated(axes, True, x, weight, bias, (stride, padding, dilation, groups))


def _locally_connected_transpose(
    axes: int,
    x: Any,
    /,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    *,
    output_size: Sizes | None = None,
) -> Any:
    """Transposed locally connected layer: the adjoint of `locally_connected...` of these settings.

    Shapes: x (N, C, *P), weight (C, O/groups, *K, *P), bias (O, *I) -> (N, O, *I).
    y[n,o,j] = bias[o,j] + sum of x[n,c,i] * weight[c,o,k,i] over c, i, k with j = s*i + d*k - p.
    Settings are those of `conv_transpose1d`, `conv_transpose2d`, `conv_transpose3d`.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 10]]])
    >>> locally_connected_transpose1d(x, np.array([[[[1.0, 2], [3, 4]]]]))     # K = 2, P = 2
    array([[[ 1., 23., 40.]]])
    """
    settings = (stride, padding, output_padding, groups, dilation, output_size)
    return transposed(axes, True, x, weight, bias, settings)


locally_connected1d, locally_connected2d, locally_connected3d = spatial(_locally_connected)
(
    locally_connected_transpose1d,
    locally_connected_transpose2d,
    locally_connected_transpose3d,
) = spatial(_locally_connected_transpose)
