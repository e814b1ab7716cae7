"""Locally connected layers: a convolution whose weights differ at every output cell."""

from __future__ import annotations

from typing import Any

from allconv.errors import ShapeError
from allconv.functional.call import apply, spatial, take_floats
from allconv.functional.correlate import check_bias, check_channels, check_rank, check_sizes
from allconv.functional.settings import Padding, Sizes, pairs, per_axis, whole
from allconv.operators.local import Local
from allconv.window import Window


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
    x, weight, bias = take_floats(x=x, weight=weight, bias=bias)
    groups = whole("groups", groups, least=1)
    if len(weight.shape) != 2 + 2 * axes or 0 in weight.shape:
        raise ShapeError(f"weight is {weight.shape}; (O, C/groups, *K, *P) is wanted")
    if weight.shape[0] % groups:
        raise ShapeError(
            f"weight is {weight.shape}; groups={groups} does not divide its first axis"
        )
    check_rank("x", x, axes)
    check_sizes(x)
    check_channels(x, weight.shape[1] * groups, f"weight is {weight.shape}, groups={groups}")
    kernel, output = weight.shape[2 : 2 + axes], weight.shape[2 + axes :]
    s, d = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    ends = pairs(padding, x.shape[2:], kernel, s, d)
    window = Window.forward(x.shape[2:], kernel, stride=s, dilation=d, padding=ends)
    if window.output != output:
        raise ShapeError(
            f"weight is {weight.shape}, for {output} outputs; x {x.shape} has {window.output}"
        )
    check_bias(bias, (weight.shape[0], *output))
    operator = Local(window, groups)
    return apply(operator, x, weight) if bias is None else apply(operator, x, weight, bias)


locally_connected1d = spatial(_locally_connected, 1)
locally_connected2d = spatial(_locally_connected, 2)
locally_connected3d = spatial(_locally_connected, 3)
