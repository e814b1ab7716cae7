"""Everything is a convolution: convolution -> linear -> convolution, on the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv import functional as F
from allconv.lecture.channels import INPUTS, RESULT, SLIPS
from allconv.lecture.example import example
from allconv.lecture.parts import DENSE
from allconv.operators.base import Array

OUTPUT = (2, 3, 3)


def unshared(x: Array, w: Array, b: Array) -> tuple[Array, Array]:
    """The 2x4x4 example as a linear layer: a matrix with a row an output, and its biases."""
    basis = np.eye(x.size).reshape(x.size, *x.shape)
    columns = F.conv2d(basis, w).reshape(x.size, -1)
    return columns.T, np.repeat(b, OUTPUT[1] * OUTPUT[2])


@example(
    DENSE,
    "A convolution is a linear layer",
    slide="Flatten, then a matrix",
    printed=RESULT,
    inputs=INPUTS,
    slips=SLIPS,
)
def convolution_as_linear(x: Array, w: Array, b: Array) -> Any:
    weight, bias = unshared(x, w, b)
    return F.linear(x.reshape(1, -1), weight, bias).reshape(OUTPUT)


@example(
    DENSE,
    "A linear layer is a convolution: row l is output channel l",
    slide="""
        Each output channel (W[:, l, :, :]) corresponds to a row l of the matrix. Do not flatten:
        a convolution whose kernel has the size of the features, with as many input channels as
        they have, and as many output channels as there are neurons.
    """,
    printed=RESULT,
    inputs=INPUTS,
    slips=SLIPS,
)
def linear_as_convolution(x: Array, w: Array, b: Array) -> Any:
    weight, bias = unshared(x, w, b)
    kernel = weight.reshape(len(weight), *x.shape)  # (O, I, kH, kW): row l is kernel[l]
    return F.conv2d(x[None], kernel, bias).reshape(OUTPUT)


EXAMPLES = (convolution_as_linear, linear_as_convolution)
