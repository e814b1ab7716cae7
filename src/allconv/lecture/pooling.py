"""Max pooling, and networks without it."""

from __future__ import annotations

from typing import Any

import numpy as np

import allconv as ac
from allconv import functional as F
from allconv import nn, rewrite
from allconv.lecture.example import example
from allconv.operators.base import Array

N = [
    [0.58009243, 1.1895669, 2.6777048, 0.15597591],
    [-0.94100916, -0.7437242, -1.0578039, -0.30651447],
    [0.53753567, 0.10521288, -0.43827865, -0.7727399],
    [-0.42974523, -1.669584, -0.92768306, -0.19861951],
]


def pool(x: Any) -> Any:
    """Max pooling of 2x2 cells, 2 apart: MaxPooling2D([2, 2], [2, 2], "valid")."""
    return F.max_pool2d(x, 2, 2)


@example(
    "Max pooling 2x2, stride 2: forward",
    slide='pool = tf.layers.MaxPooling2D([2, 2], [2, 2], "valid"); m = pool(n)',
    printed="""
        1.1895669  2.6777048
         .53753567 -.19861951
    """,
    inputs={"n": N},
    working=lambda n: ac.working(pool, n[None, None]),
)
def max_pooling(n: Array) -> Any:
    return F.max_pool2d(n[None, None], 2, 2)[0, 0]


@example(
    "Max pooling 2x2, stride 2: backward",
    slide="nextgrad = tf.ones((1, 2, 2, 1)); gradInput = t.gradient(m1, n)",
    printed="""
        0. 1. 1. 0.
        0. 0. 0. 0.
        1. 0. 0. 0.
        0. 0. 0. 1.
    """,
    inputs={"n": N, "nextgrad": np.ones((2, 2))},
    note="m1 = nextgrad * m, where m is the result of the pooling.",
    working=lambda n, nextgrad: (
        ac.working(pool, n[None, None], grad_output=nextgrad[None, None]).gx
    ),
)
def max_pooling_backward(n: Array, nextgrad: Array) -> Any:
    _, pull = ac.vjp(pool, n[None, None])
    return pull(nextgrad[None, None])[0][0, 0]


@example(
    "No parameters, and the depth is unchanged",
    slide="Pooling doesn't change the depth: only length and width. It introduces no parameters",
    printed="0 1 8 6 6",
    inputs={"shape": [1, 8, 12, 12], "size": 2},
    drawn=True,
    note="""
        Max pooling of 2x2 cells, 2 apart, of 8 channels of 12x12. Its parameters, then the shape of
        its result: images, channels, rows, columns.
    """,
)
def pooling_shapes(shape: Array, size: Array) -> Any:
    summary = nn.Sequential(nn.MaxPool2d(int(size))).summary(tuple(shape.tolist()))
    return [summary.parameters, *summary.rows[0].output]


@example(
    "A convolution of stride 2 in the place of a pooling: the same shapes",
    slide="No Pooling? Striving for Simplicity: The All Convolutional Net (arXiv:1412.6806)",
    printed="""
        1 8 6 6
        1 8 6 6
    """,
    inputs={"shape": [1, 8, 12, 12], "stride": 2},
    drawn=True,
    note="""
        Images, channels, rows, columns of the result. First row: max pooling of 2x2 cells, 2 apart;
        second row: a convolution of 2x2 to as many channels, with stride 2.
    """,
)
def stride_for_pooling(shape: Array, stride: Array) -> Any:
    size = tuple(shape.tolist())
    pooled = nn.Sequential(nn.MaxPool2d(int(stride)))
    strided = rewrite.pool_to_stride(pooled, size).net
    return [net.summary(size).rows[0].output for net in (pooled, strided)]


@example(
    "All-CNN-C for 32x32 colour images of 10 classes: parameters (1.4 M in the paper)",
    slide="Striving for Simplicity: The All Convolutional Net",
    printed="1,369,738",
    inputs={"channels": 3, "classes": 10},
    drawn=True,
)
def all_cnn_c(channels: Array, classes: Array) -> Any:
    net = nn.networks.build("all-cnn-c", int(channels), 32, int(classes))
    return [net.summary((1, int(channels), 32, 32)).parameters]
