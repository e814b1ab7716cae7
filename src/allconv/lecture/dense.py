"""Everything is a convolution: convolution -> linear -> convolution, on the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import allconv as ac
from allconv import functional as F
from allconv import nn, rewrite
from allconv.lecture.channels import of_the_image
from allconv.operators.base import Array

OUTPUT = (2, 3, 3)


def matrix(x: Array, w: Array, b: Array) -> Any:
    """The 2x4x4 example as a matrix with a row an output, and its biases."""
    return ac.as_matrix(lambda image: F.conv2d(image, w, b), (1, *x.shape))


def classifier(x: Array, w: Array, b: Array) -> nn.Sequential:
    """Flatten and a linear layer that does what the convolution did."""
    rows = matrix(x, w, b)
    layer = nn.Linear(x.size, rows.shape[0]).astype(np.float64)
    layer.weight, layer.bias = rows.to_dense(), rows.bias
    return nn.Sequential(nn.Flatten(), layer)


@of_the_image(
    "A convolution is a linear layer",
    slide="Flatten, then a matrix",
    working=lambda x, w, b: matrix(x, w, b).text(letters=True),
)
def convolution_as_linear(x: Array, w: Array, b: Array) -> Any:
    rows = matrix(x, w, b)
    return F.linear(x.reshape(1, -1), rows.to_dense(), rows.bias).reshape(OUTPUT)


@of_the_image(
    "A linear layer is a convolution: row l of its matrix is output channel l",
    slide="Each output channel (W[:, l, :, :]) corresponds to a row l of the matrix",
)
def linear_as_convolution(x: Array, w: Array, b: Array) -> Any:
    rows = matrix(x, w, b)
    kernel = rows.to_dense().reshape(-1, *x.shape)  # (O, I, kH, kW): kernel[l] is row l
    return F.conv2d(x[None], kernel, rows.bias).reshape(OUTPUT)


@of_the_image(
    "A classifier made convolutional, on an image that is larger than its own",
    slide="""
        Do not flatten: a convolution with the height and width of the features as kernel, their
        channels as input channels, and as many output channels as there are neurons.
    """,
)
def densified(x: Array, w: Array, b: Array) -> Any:
    net = rewrite.densify(classifier(x, w, b), (1, *x.shape))
    larger = np.pad(x, ((0, 0), (2, 0), (1, 0)))  # the image is its lower right corner
    return net(larger[None])[0, :, 2, 1].reshape(OUTPUT)
