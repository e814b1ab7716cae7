"""Two axes, channels and bias: the 2x4x4 example in Torch's layout, and weights that are shared."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.conventions.lecture import BIAS, IMAGE, KERNEL
from allconv.lecture.example import CellIndex, example
from allconv.operators.base import Array

INPUTS = {"x": IMAGE, "w": KERNEL, "b": BIAS}
RESULT = """
    -3.1  -3.9 -10.9
     4.1 -12.9  16.1
    -3.9    .1   9.1

    -0.8   8.2   6.2
     5.2  18.2   7.2
    -8.8   2.2  -7.8
"""
SLIPS: dict[CellIndex, str] = {(0, 0, 0): "3.1"}  # 1*1 + 2*2 - 2*2 + 1*1 + 1*3 + 1*(-2) + 0.1

of_the_image = partial(example, printed=RESULT, inputs=INPUTS, slips=SLIPS)


def working(x: Array, w: Array, b: Array) -> Any:
    """What meets in every cell."""
    return ac.working(F.conv2d, x[None], w, b)


@of_the_image(
    "2x4x4 image, 2x2x2x2 weights, two biases",
    slide="W = nOutputPlane x nInputPlane x kH x kW; O = 2 x 3 x 3, filled in cell by cell",
    working=working,
    note="""
        Image and result: a table a channel. Weights: the first two tables belong to output channel
        1, the others to output channel 2; of each two, the first meets input channel 1.
    """,
)
def image_2x4x4(x: Array, w: Array, b: Array) -> Any:
    return F.conv2d(x[None], w, b)[0]


@of_the_image(
    "The same as a layer",
    slide="n in R^(2x4x4) -> Convolution -> m in R^(2x3x3), W in R^(2x2x2x2)",
    working=working,
)
def image_2x4x4_layer(x: Array, w: Array, b: Array) -> Any:
    layer = nn.Conv2d(2, 2, 2).astype(np.float64)
    layer.weight, layer.bias = w, b
    return layer(x[None])[0]


@of_the_image(
    "The same, summed over channels by hand",
    slide="O[o] = b[o] + the sum over c of Correlation(I[c], W[o, c])",
    working=working,
)
def image_2x4x4_by_channel(x: Array, w: Array, b: Array) -> Any:
    return np.stack(
        [b[o] + sum(ac.correlate(x[c], w[o, c]) for c in range(len(x))) for o in range(len(w))]
    )


@of_the_image(
    "A locally connected layer with equal weights is the convolution",
    slide="Share the same parameters across different locations: convolutions, learned kernels",
    working=lambda x, w, b: ac.working(F.locally_connected2d, x[None], *everywhere(w, b)),
)
def shared_parameters(x: Array, w: Array, b: Array) -> Any:
    weight, bias = everywhere(w, b)
    return F.locally_connected2d(x[None], weight, bias)[0]


def everywhere(w: Array, b: Array) -> tuple[Array, Array]:
    """The weights and biases of a convolution, given to each of 3 x 3 output cells."""
    cells = (3, 3)
    weight = np.broadcast_to(w[..., None, None], (*w.shape, *cells))
    return weight, np.broadcast_to(b[..., None, None], (*b.shape, *cells))


@of_the_image(
    "Translation: the image moves by a pixel, and so does the result",
    slide="Translational invariance (assuming input is stationary)",
)
def translation(x: Array, w: Array, b: Array) -> Any:
    moved = np.pad(x, ((0, 0), (1, 0), (1, 0)))
    return F.conv2d(moved[None], w, b)[0, :, 1:, 1:]
