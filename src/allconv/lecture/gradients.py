"""Backward: the Jacobians of a correlation, and its gradients, which are correlations."""

from __future__ import annotations

from typing import Any

import numpy as np

import allconv as ac
from allconv import functional as F
from allconv.lecture.example import example
from allconv.lecture.letters import letters
from allconv.operators.base import Array

SIZES = {"input": 4, "kernel": 3}
N = [0.20350695, -0.31481498, -0.85656077, 0.5981919]
NEXTGRAD = [-0.47567356, -2.3547919]
GRAD_WEIGHT = ".6445209 2.1667714 -1.0011742"
WEIGHT_LETTERS = "LO1*I1+LO2*I2 LO1*I2+LO2*I3 LO1*I3+LO2*I4"
INPUT_LETTERS = "LO1*W1 LO1*W2+LO2*W1 LO1*W3+LO2*W2 LO2*W3"


def backward(x: Array, w: Array, gy: Array) -> Any:
    """How both gradients come about."""
    return ac.working(ac.correlate, x, w, grad_output=gy)


@example(
    "The Jacobian dO/dI",
    slide="dO/dI = [W1 W2 W3 0; 0 W1 W2 W3]",
    printed="""
        W1 W2 W3 0
        0  W1 W2 W3
    """,
    inputs=SIZES,
    note="Of the correlation of I_1 to I_4 with W_1 to W_3: a row an output, a column an input.",
)
def jacobian_input(input: Array, kernel: Array) -> Any:
    x = np.zeros(int(input))
    return letters(lambda w: ac.jacobian(ac.correlate, x, w), {"W": (int(kernel),)})


@example(
    "The Jacobian dO/dW",
    slide="dO/dW = [I1 I2 I3; I2 I3 I4]",
    printed="""
        I1 I2 I3
        I2 I3 I4
    """,
    inputs=SIZES,
    note="Of the correlation of I_1 to I_4 with W_1 to W_3: a row an output, a column a weight.",
)
def jacobian_weight(input: Array, kernel: Array) -> Any:
    w = np.zeros(int(kernel))
    return letters(lambda x: ac.jacobian(ac.correlate, x, w, argnums=1), {"I": (int(input),)})


@example(
    "dL/dW = dL/dO x dO/dW in letters",
    slide="dL/dW = dL/dO x dO/dW = [LO1 x I1 + LO2 x I2, LO1 x I2 + LO2 x I3, ...]",
    printed=WEIGHT_LETTERS,
    inputs=SIZES,
)
def weight_gradient_letters(input: Array, kernel: Array) -> Any:
    x, w = np.zeros(int(input)), np.zeros(int(kernel))
    sizes = {"LO": ac.correlate(x, w).shape, "I": x.shape}
    return letters(lambda gy, x: ac.vjp(ac.correlate, x, w)[1](gy)[1], sizes)


@example(
    "dL/dW = Correlation(I, LO) in letters",
    slide="LO slides over I",
    printed=WEIGHT_LETTERS,
    inputs={"input": 4, "output": 2},
)
def weight_gradient_identity(input: Array, output: Array) -> Any:
    sizes = {"LO": (int(output),), "I": (int(input),)}
    return letters(lambda gy, x: ac.correlate(x, gy), sizes)


@example(
    "dL/dI = dL/dO x dO/dI in letters",
    slide="dL/dI = dL/dO x dO/dI = [LO1 x W1, LO1 x W2 + LO2 x W1, LO1 x W3 + LO2 x W2, LO2 x W3]",
    printed=INPUT_LETTERS,
    inputs=SIZES,
)
def input_gradient_letters(input: Array, kernel: Array) -> Any:
    x, w = np.zeros(int(input)), np.zeros(int(kernel))
    sizes = {"LO": ac.correlate(x, w).shape, "W": w.shape}
    return letters(lambda gy, w: ac.vjp(ac.correlate, x, w)[1](gy)[0], sizes)


@example(
    "dL/dI = Correlation(W_pad, LO_flip) in letters",
    slide="W_pad = 0 W1 W2 W3 0, and LO_flip slides over it",
    printed=INPUT_LETTERS,
    inputs={"kernel": 3, "output": 2},
)
def input_gradient_identity(kernel: Array, output: Array) -> Any:
    sizes = {"LO": (int(output),), "W": (int(kernel),)}
    return letters(lambda gy, w: ac.correlate(np.pad(w, len(gy) - 1), gy[::-1]), sizes)


@example(
    "dL/dW with the numbers drawn: the gradient, and the correlation",
    slide="I = 1 2 3 4, LO = 1 2: LO slides over I",
    printed="""
        5 8 11
        5 8 11
    """,
    note="The same numbers twice: first row, by the chain rule; second row, by sliding.",
    inputs={"x": [1.0, 2, 3, 4], "gy": [1.0, 2]},
    drawn=True,
    working=lambda x, gy: backward(x, np.zeros(len(x) - len(gy) + 1), gy).gw,
)
def weight_gradient_drawn(x: Array, gy: Array) -> Any:
    _, pull = ac.vjp(ac.correlate, x, np.zeros(len(x) - len(gy) + 1))
    return np.stack([pull(gy)[1], ac.correlate(x, gy)])


@example(
    "dL/dI with the numbers drawn: the gradient, and the correlation",
    slide="W_pad = 0 1 2 3 0, LO_flip = 2 1: LO_flip slides over W_pad",
    printed="""
        1 4 7 6
        1 4 7 6
    """,
    note="The same numbers twice: first row, by the chain rule; second row, by sliding.",
    inputs={"w": [1.0, 2, 3], "gy": [1.0, 2]},
    drawn=True,
    working=lambda w, gy: backward(np.zeros(len(w) + len(gy) - 1), w, gy).gx,
)
def input_gradient_drawn(w: Array, gy: Array) -> Any:
    _, pull = ac.vjp(ac.correlate, np.zeros(len(w) + len(gy) - 1), w)
    return np.stack([pull(gy)[0], ac.correlate(np.pad(w, len(gy) - 1), gy[::-1])])


@example(
    "Conv1D, GradientTape: the gradient of the weights",
    slide="""
        m = conv1(n); m1 = tf.multiply(nextgrad, m)
        gradWeight = t.gradient(m1, conv1.weights[0])
    """,
    note="conv1 has three weights, stride 1 and no padding; nextgrad is dL/dm.",
    printed=GRAD_WEIGHT,
    single=True,
    inputs={"n": N, "nextgrad": NEXTGRAD},
    working=lambda n, nextgrad: backward(n, np.zeros(3), nextgrad).gw,
)
def gradient_tape(n: Array, nextgrad: Array) -> Any:
    def loss(w: Any) -> Any:
        return (F.conv1d(n[None, None], w) * nextgrad).sum()

    return ac.grad(loss)(np.zeros((1, 1, 3)))[0, 0]  # it does not depend on the weights


@example(
    "Conv1D whose kernel is nextgrad: the same numbers",
    slide="""
        conv1_back.kernel_initializer = tf.constant_initializer(nextgrad.numpy())
        gradWeight = conv1_back(n)
    """,
    printed=GRAD_WEIGHT,
    single=True,
    inputs={"n": N, "nextgrad": NEXTGRAD},
    working=lambda n, nextgrad: ac.working(F.conv1d, n[None, None], nextgrad[None, None]),
)
def gradient_by_convolution(n: Array, nextgrad: Array) -> Any:
    return F.conv1d(n[None, None], nextgrad[None, None])[0, 0]


@example(
    "Conv1D forward: the output m",
    slide="m = conv1(n)",
    printed="-0.7662684 .2175143",
    inputs={"n": N},
    lacking="the weights of conv1",
)
def forward_m(n: Array) -> Any: ...
