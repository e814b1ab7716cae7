"""Two axes, channels and bias: the 2x4x4 example in Torch's layout, and weights that are shared."""

from __future__ import annotations

from typing import Any

import numpy as np

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.lecture.example import Place, example
from allconv.lecture.parts import CHANNELS, COUNTS, LOCAL
from allconv.operators.base import Array

IMAGE = [
    [[1.0, -2, 2, 2], [2, 1, 3, -2], [-2, 3, -3, 1], [-1, 2, -4, 2]],
    [[3, 0, 0, 0], [-2, -2, 1, -1], [2, -1, 3, 1], [5, -2, 0, 1]],
]
WEIGHT = [[[[1.0, -2], [-2, 1]], [[1, 0], [0, 1]]], [[[3, 1], [2, 2]], [[0, 0], [0, 4]]]]
BIAS = [0.1, 0.2]
INPUTS = {"x": IMAGE, "w": WEIGHT, "b": BIAS}
RESULT = """
    -3.1  -3.9 -10.9
     4.1 -12.9  16.1
    -3.9    .1   9.1

    -0.8   8.2   6.2
     5.2  18.2   7.2
    -8.8   2.2  -7.8
"""
SLIPS: dict[Place, str] = {(0, 0, 0): "3.1"}  # 1*1 + 2*2 - 2*2 + 1*1 + 1*3 + 1*(-2) + 0.1


def working(x: Array, w: Array, b: Array) -> Any:
    """What meets in every cell."""
    return ac.working(F.conv2d, x[None], w, b)


@example(
    CHANNELS,
    "2x4x4 image, 2x2x2x2 weights, two biases",
    slide="W = nOutputPlane x nInputPlane x kH x kW; O = 2 x 3 x 3, filled in cell by cell",
    printed=RESULT,
    inputs=INPUTS,
    slips=SLIPS,
    working=working,
)
def image_2x4x4(x: Array, w: Array, b: Array) -> Any:
    return F.conv2d(x[None], w, b)[0]


@example(
    CHANNELS,
    "The same as a layer",
    slide="n in R^(2x4x4) -> Convolution -> m in R^(2x3x3), W in R^(2x2x2x2)",
    printed=RESULT,
    inputs=INPUTS,
    slips=SLIPS,
    working=working,
)
def image_2x4x4_layer(x: Array, w: Array, b: Array) -> Any:
    layer = nn.Conv2d(2, 2, 2).astype(np.float64)
    layer.weight, layer.bias = w, b
    return layer(x[None])[0]


@example(
    CHANNELS,
    "The same, summed over channels by hand",
    slide="O[o] = b[o] + the sum over c of Correlation(I[c], W[o, c])",
    printed=RESULT,
    inputs=INPUTS,
    slips=SLIPS,
    working=working,
)
def image_2x4x4_by_channel(x: Array, w: Array, b: Array) -> Any:
    return np.stack(
        [b[o] + sum(ac.correlate(x[c], w[o, c]) for c in range(len(x))) for o in range(len(w))]
    )


@example(
    LOCAL,
    "A locally connected layer with equal weights is the convolution",
    slide="Share the same parameters across different locations: convolutions, learned kernels",
    printed=RESULT,
    inputs=INPUTS,
    slips=SLIPS,
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


@example(
    LOCAL,
    "Translation: the image moves by a pixel, and so does the result",
    slide="Translational invariance (assuming input is stationary)",
    printed=RESULT,
    inputs=INPUTS,
    slips=SLIPS,
)
def translation(x: Array, w: Array, b: Array) -> Any:
    moved = np.pad(x, ((0, 0), (1, 0), (1, 0)))
    return F.conv2d(moved[None], w, b)[0, :, 1:, 1:]


def parameters(layer: nn.Module, *shape: int) -> int:
    """How many numbers a network learns."""
    return nn.Sequential(layer).summary(shape).parameters


SIDE = {"side": 200}
ROUND = "Spatial correlation is local; waste of resources, and not enough training samples anyway"


@example(
    COUNTS,
    "Fully connected: 200x200 image, 40K hidden units",
    slide=f"200x200 image, 40K hidden units -> ~2B parameters!!! {ROUND}",
    printed="~2B",
    inputs={**SIDE, "hidden": 40_000},
)
def fully_connected(side: Array, hidden: Array) -> Any:
    size = int(side)
    net = nn.Sequential(nn.Flatten(), nn.Linear(size * size, int(hidden)))
    return [parameters(net, 1, 1, size, size)]


@example(
    COUNTS,
    "Fully connected, to the last one: weights and biases",
    slide="200x200 image, 40K hidden units: 40,000 x 40,000 weights and 40,000 biases",
    printed="1,600,040,000",
    inputs={**SIDE, "hidden": 40_000},
    drawn=True,
)
def fully_connected_exactly(side: Array, hidden: Array) -> Any:
    size = int(side)
    net = nn.Sequential(nn.Flatten(), nn.Linear(size * size, int(hidden)))
    return [parameters(net, 1, 1, size, size)]


@example(
    COUNTS,
    "Locally connected: 10x10 weights for each of 40K hidden units",
    slide="Locally Connected Layer: a hidden unit sees its neighbourhood, 10x10 say",
    printed="4,000,000",
    inputs={**SIDE, "kernel": 10},
    drawn=True,
)
def locally_connected(side: Array, kernel: Array) -> Any:
    size = int(side)
    layer = nn.LocallyConnected2d(1, 1, int(kernel), size, padding="same", bias=False)
    return [parameters(layer, 1, 1, size, size)]


@example(
    COUNTS,
    "Convolution: the same 10x10 weights for all of them",
    slide="Share the same parameters across different locations",
    printed="100 40,000",
    inputs={**SIDE, "kernel": 10},
    drawn=True,
)
def convolutional(side: Array, kernel: Array) -> Any:
    layer = nn.Conv2d(1, 1, int(kernel), padding="same", bias=False)
    summary = nn.Sequential(layer).summary((1, 1, int(side), int(side)))
    return [summary.parameters, np.prod(summary.rows[0].output)]


EXAMPLES = (
    image_2x4x4,
    image_2x4x4_layer,
    image_2x4x4_by_channel,
    shared_parameters,
    translation,
    fully_connected,
    fully_connected_exactly,
    locally_connected,
    convolutional,
)
