"""TensorFlow's listings: channels last, and the order of the weights' axes."""

from __future__ import annotations

from typing import Any

import numpy as np

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.conventions.lecture import BIAS, KERNEL, LISTED_IMAGE
from allconv.lecture.example import example
from allconv.operators.base import Array


def working(x: Array, w: Array, b: Array) -> Any:
    """What meets in every cell, as (N, C, H, W) and (O, I, kH, kW)."""
    return ac.working(F.conv2d, np.moveaxis(x, -1, 0)[None], np.transpose(w, (3, 2, 0, 1)), b)


@example(
    "Conv2D: the nested lists of the 2x4x4 example, read in another order",
    slide="""
        Image and kernel of the 2x4x4 example are typed as nested lists, which TensorFlow reads in
        another order, (N, H, W, C) and (kH, kW, I, O): so these are not the numbers of that example
    """,
    printed="""
         17.1  -4.8
          3.1   3.2
        -15.9  16.2

         10.1  -8.8
         -5.9 -16.8
         -4.9   1.2

          1.1 -11.8
          5.1   4.2
         20.1   2.2
    """,
    inputs={"x": LISTED_IMAGE, "w": KERNEL, "b": BIAS},
    working=working,
    note="""
        In each array the last axis runs across and the one before it down; the others are tables
        one after the other. Image and result: a table a row of the image, a line a column of it,
        the channels across. Kernel: the first two tables are its upper row, the others its lower
        row; in a table a line is an input channel, and output channels run across.
    """,
)
def conv2d_listing(x: Array, w: Array, b: Array) -> Any:
    image = np.moveaxis(x, -1, 0)[None]  # (1, C, H, W)
    weight = np.transpose(w, (3, 2, 0, 1))  # (O, I, kH, kW)
    return np.moveaxis(F.conv2d(image, weight, b)[0], 0, -1)  # (H, W, O)


@example(
    "Conv2D(8, [5, 5]): the shapes of its result and of its weights",
    slide="""
        n in R^(16x16) -> m in R^(8x12x12), W in R^(1x8x5x5)
        print(n.shape): (1, 16, 16, 1); print(m.shape); print(conv2.weights[0].shape)
    """,
    printed="""
        1 12 12 8
        5  5  1 8
    """,
    inputs={"shape": [1, 16, 16, 1], "filters": 8, "kernel": 5},
    note="""
        Stride 1, no padding. First row, the result: images, rows, columns, channels; second row,
        the weights: rows, columns, inputs, outputs.
    """,
)
def conv2d_shapes(shape: Array, filters: Array, kernel: Array) -> Any:
    n, height, width, channels = shape.tolist()
    net = nn.Sequential(nn.Conv2d(channels, int(filters), int(kernel)))
    result = net.summary((n, channels, height, width)).rows[0].output
    weight = net.parameters()["0.weight"].shape
    # (N, C, H, W) -> (N, H, W, C) and (O, I, kH, kW) -> (kH, kW, I, O)
    return [np.take(result, (0, 2, 3, 1)), np.take(weight, (2, 3, 1, 0))]


@example(
    "Conv2D(8, [5, 5]): the shape of its biases",
    slide="print(conv2.weights[1].shape)",
    printed="8",
    inputs={"filters": 8},
)
def conv2d_bias_shape(filters: Array) -> Any:
    return nn.Conv2d(1, int(filters), 5).parameters()["bias"].shape
