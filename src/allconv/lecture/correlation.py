"""One axis: correlation, true convolution, padding and stride."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import allconv as ac
from allconv.lecture.example import NOT_ON_SLIDES, example
from allconv.lecture.letters import letters
from allconv.operators.base import Array

I_AND_W = {"x": [1.0, 2, 3, 4], "w": [1.0, 2, 3]}
SIZES = {"input": 4, "kernel": 3}

drawn = partial(example, inputs=I_AND_W, drawn=True)


def working(x: Array, w: Array) -> Any:
    """How the sums come about."""
    return ac.working(ac.correlate, x, w)


@drawn(
    "Correlation: the kernel slides as it is",
    slide="I = 1 2 3 4, W = 1 2 3: slide W over I; O has two cells, O_1 and O_2",
    printed="14 20",
    working=working,
)
def correlation(x: Array, w: Array) -> Any:
    return ac.correlate(x, w)


@example(
    "Correlation in letters",
    slide="O_i = sum over j of I_(j+i-1) W_j, j from 1 to Dim(W)",
    printed="I1*W1+I2*W2+I3*W3 I2*W1+I3*W2+I4*W3",
    inputs=SIZES,
)
def correlation_letters(input: Array, kernel: Array) -> Any:
    return letters(ac.correlate, {"I": (int(input),), "W": (int(kernel),)})


@drawn(
    "True convolution: the kernel is flipped",
    slide="W_flip = 3 2 1 slides over I = 1 2 3 4",
    printed="10 16",
    working=lambda x, w: ac.working(ac.convolve, x, w),
)
def convolution(x: Array, w: Array) -> Any:
    return ac.convolve(x, w)


@example(
    "True convolution in letters",
    slide="O_i = sum over j of I_(j+i-1) W_(Dim(W)-j+1), j from 1 to Dim(W)",
    printed="I1*W3+I2*W2+I3*W1 I2*W3+I3*W2+I4*W1",
    inputs=SIZES,
)
def convolution_letters(input: Array, kernel: Array) -> Any:
    return letters(ac.convolve, {"I": (int(input),), "W": (int(kernel),)})


@drawn(
    "True convolution is correlation with W_flip",
    slide="O'_1 = I_1 Wflip_1 + I_2 Wflip_2 + I_3 Wflip_3",
    printed="10 16",
    working=lambda x, w: ac.working(ac.correlate, x, w[::-1]),
)
def convolution_by_flip(x: Array, w: Array) -> Any:
    return ac.correlate(x, w[::-1])


@drawn(
    "Half padding: the output has the size of the input",
    slide="I with a zero on each side: 0 1 2 3 4 0",
    printed="8 14 20 11",
    working=lambda x, w: ac.working(ac.correlate, x, w, padding="half"),
)
def half_padding(x: Array, w: Array) -> Any:
    return ac.correlate(x, w, padding="half")


@drawn(
    "Half padding by number and by hand",
    slide="0 1 2 3 4 0 is slid over like any other input",
    printed="""
        8 14 20 11
        8 14 20 11
    """,
    working=lambda x, w: ac.working(ac.correlate, x, w, padding=1),
)
def half_padding_by_number(x: Array, w: Array) -> Any:
    return np.stack([ac.correlate(x, w, padding=1), ac.correlate(np.pad(x, 1), w)])


@drawn(
    "Half padding, stride 2: every second output",
    slide="0 1 2 3 4 0, stride = 2",
    printed="8 20",
    working=lambda x, w: ac.working(ac.correlate, x, w, stride=2, padding="half"),
)
def half_padding_stride_2(x: Array, w: Array) -> Any:
    return ac.correlate(x, w, stride=2, padding="half")


@drawn(
    "TensorFlow's SAME at stride 2 is another rule",
    slide=f"{NOT_ON_SLIDES}: SAME puts one zero, at the end of I, and none before it",
    printed="14 11",
    working=lambda x, w: ac.working(ac.correlate, x, w, stride=2, padding="same"),
)
def same_padding_stride_2(x: Array, w: Array) -> Any:
    return ac.correlate(x, w, stride=2, padding="same")
