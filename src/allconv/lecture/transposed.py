"""The matrix of a convolution, and its transpose: "deconvolution"."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import allconv as ac
from allconv import functional as F
from allconv.lecture.example import example
from allconv.lecture.letters import letters
from allconv.operators.base import Array

W = [
    [0.13429713, 1.9649408, 0.74939513],
    [0.6982393, 1.2397809, 1.4247327],
    [1.5534406, 0.1190145, 1.3256309],
]
R = [[25.535583, 28.583742], [23.470192, 20.622599]]
GRAD_INPUT = """
     3.4293556 50.17591   22.974957  56.16536   21.420517
    17.829948  31.65853   56.339676  35.437576  40.724194
    42.819992  49.156643  98.61191   43.924065  53.345966
    16.387812  29.097897  47.83826   25.567505  29.381691
    36.45955    2.7932932 63.148792   2.4543884 27.337954
"""
IMAGE = (1, 1, 5, 5)  # imgC

listed = partial(example, printed=GRAD_INPUT, single=True, inputs={"r": R, "w": W})


def matrix(w: Array, shape: tuple[int, ...], **settings: Any) -> Any:
    """The matrix of a convolution on an input of a shape: a row an output, a column an input."""
    return ac.as_matrix(lambda x: F.conv2d(x, w[None, None], **settings), shape)


@example(
    "The matrix of a 3x3 kernel on a 4x4 input, in letters",
    slide="i = 4, k = 3, s = 1 and p = 0: [w0,0 w0,1 w0,2 0 w1,0 ...] [I_0 I_1 ... I_15]",
    printed="""
        w0,0 w0,1 w0,2 0 w1,0 w1,1 w1,2 0 w2,0 w2,1 w2,2 0 0 0 0 0
        0 w0,0 w0,1 w0,2 0 w1,0 w1,1 w1,2 0 w2,0 w2,1 w2,2 0 0 0 0
        0 0 0 0 w0,0 w0,1 w0,2 0 w1,0 w1,1 w1,2 0 w2,0 w2,1 w2,2 0
        0 0 0 0 0 w0,0 w0,1 w0,2 0 w1,0 w1,1 w1,2 0 w2,0 w2,1 w2,2
    """,
    inputs={"i": 4, "k": 3, "s": 1, "p": 0},
    note="""
        A row for each output cell and a column for each input cell, both line by line. This slide
        counts from 0.
    """,
    working=lambda i, k, s, p: matrix(
        np.ones((k, k)), (1, 1, int(i), int(i)), stride=int(s), padding=int(p)
    ).text(letters=True),
)
def sparse_matrix(i: Array, k: Array, s: Array, p: Array) -> Any:
    shape = (1, 1, int(i), int(i))
    settings = {"stride": int(s), "padding": int(p)}

    def dense(w: Array) -> Any:
        return matrix(w, shape, **settings).to_dense()

    return letters(dense, {"w": (int(k), int(k))}, first=0)


@listed(
    "dL/dI = W^T LO, with the numbers of the 3x3, stride 2 listing",
    slide="dL/dI = W^T . LO = Deconvolution",
    note="""
        The slide's W is the matrix of the 3x3 kernel at stride 2 on a 5x5 input: 4 rows, 25
        columns. LO are the four cells of r, line by line, and the 25 numbers of the result are
        written as 5x5.
    """,
    working=lambda r, w: matrix(w, IMAGE, stride=2).T,
)
def transposed_matrix(r: Array, w: Array) -> Any:
    return (matrix(w, IMAGE, stride=2).T @ r.ravel()).reshape(IMAGE[2:])


@listed(
    "Conv2DTranspose(3x3, stride 2), forward",
    slide="imgC_1 = trancon(r). Forward pass is same as backward pass of normal convolution",
    working=lambda r, w: ac.working(ac.correlate_transpose, r, w, stride=2),
)
def conv2d_transpose(r: Array, w: Array) -> Any:
    return F.conv_transpose2d(r[None, None], w[None, None], stride=2)[0, 0]


@listed(
    "Conv2D(3x3, stride 2), backward",
    slide="r_1 = tf.multiply(0.5 * r, r); grad_input = t.gradient(r_1, imgC)",
    working=lambda r, w: (
        ac.working(F.conv2d, np.zeros(IMAGE), w[None, None], stride=2, grad_output=r[None, None]).gx
    ),
)
def conv2d_backward(r: Array, w: Array) -> Any:
    _, pull = ac.vjp(lambda x: F.conv2d(x, w[None, None], stride=2), np.zeros(IMAGE))
    return pull(r[None, None])[0][0, 0]  # it does not depend on imgC


@listed(
    "The same on plain arrays",
    slide="Every cell of r lays r * w over the 3x3 cells that it came from",
    working=lambda r, w: ac.working(ac.correlate_transpose, r, w, stride=2),
)
def correlate_transpose(r: Array, w: Array) -> Any:
    return ac.correlate_transpose(r, w, stride=2)


@example(
    "Conv2D forward: r from imgC",
    slide="imgC = tf.random_uniform((1, 5, 5, 1), 0, 5); r = conv(imgC)",
    printed="""
        25.535583 28.583742
        23.470192 20.622599
    """,
    inputs={"w": W},
    lacking="imgC",
)
def forward_imgc(w: Array) -> Any: ...
