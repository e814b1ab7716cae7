"""The table of layouts: where each framework keeps which axis, and what it calls its arrays.

Letters: N batch, C channels of an image, O and I output and input channels of the layer that owns
the weights, M outputs for each channel of a depthwise layer, * the axes that a window slides over
(W; H, W; or D, H, W).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.intake.arrays import take_array
from allconv.operators.base import Array

SPATIAL = {0: "", 1: "W", 2: "HW", 3: "DHW"}


@dataclass(frozen=True)
class Layout:
    """One framework: the order of the axes by role, and its names of the weights."""

    image: str
    convolution: str
    transposed: str
    linear: str
    depthwise: str
    names: Mapping[str, str]
    """Our name of an array -> theirs, of layers with a kernel."""
    norm_names: Mapping[str, str]
    """The same of batch normalisation."""
    note: str
    """What else differs."""
    local: bool = False
    """Whether there are locally connected layers: kernel (*P, C*K, O), bias (*P, O)."""


def _names(weight: str, bias: str) -> dict[str, str]:
    return {"weight": weight, "bias": bias}


def _norm_names(weight: str, bias: str, mean: str, variance: str) -> dict[str, str]:
    return {**_names(weight, bias), "running_mean": mean, "running_var": variance}


_TORCH_NORM = _norm_names("weight", "bias", "running_mean", "running_var")

LAYOUTS = {
    "torch": Layout(
        "NC*", "OI*", "IO*", "OI", "OI*", _names("weight", "bias"), _TORCH_NORM,
        "correlates; same padding only at stride 1; momentum is the share of the new",
    ),
    "tensorflow": Layout(
        "N*C", "*IO", "*OI", "IO", "*IM", _names("kernel", "bias"),
        _norm_names("scale", "offset", "mean", "variance"),
        "correlates; SAME makes ceil(I/s) outputs, the odd zero at the end",
    ),
    "keras": Layout(
        "N*C", "*IO", "*OI", "IO", "*IM", _names("kernel", "bias"),
        _norm_names("gamma", "beta", "moving_mean", "moving_variance"),
        "as tensorflow; epsilon is 1e-3 unless given; momentum is the share of the old",
    ),
    "jax": Layout(
        "N*C", "*IO", "*OI", "IO", "*IO", _names("kernel", "bias"),
        _norm_names("scale", "bias", "mean", "var"),
        "correlates; transposed with transpose_kernel=True, else the kernel is *IO, flipped",
        local=True,
    ),
    "onnx": Layout(
        "NC*", "OI*", "IO*", "OI", "OI*", _names("W", "B"),
        _norm_names("scale", "B", "input_mean", "input_var"),
        "correlates; SAME_UPPER and SAME_LOWER; momentum is the share of the old",
    ),
    "scipy": Layout(
        "NC*", "OI*", "IO*", "OI", "OI*", _names("weight", "bias"), _TORCH_NORM,
        "correlate and convolve, named apart; one kernel on one channel at a time",
    ),
    "opencv": Layout(
        "N*C", "OI*", "IO*", "OI", "OI*", _names("weight", "bias"), _TORCH_NORM,
        "filter2D correlates, anchor in the middle, mirrored border; one kernel at a time",
    ),
}  # fmt: skip
OURS = LAYOUTS["torch"]
FRAMEWORKS = tuple(LAYOUTS)


def layout_of(framework: str) -> Layout:
    """The row of a framework; another name is refused with the list."""
    if framework not in LAYOUTS:
        known = ", ".join(f'"{name}"' for name in FRAMEWORKS)
        raise ArgumentError(f"framework is {framework!r}; one of {known} is expected")
    return LAYOUTS[framework]


def letters(layout: str, axes: int) -> str:
    """A layout for so many axes: ("*IO", 2) -> "HWIO".

    >>> letters("N*C", 3)
    'NDHWC'
    """
    return layout.replace("*", SPATIAL[axes])


def reorder(array: Any, source: str, target: str) -> Array:
    """An array with its axes in another order, as a new contiguous array.

    `source` and `target` are a letter an axis, the same letters in both.

    >>> reorder(np.zeros((8, 3, 5, 7)), "OIHW", "HWIO").shape
    (5, 7, 3, 8)
    """
    array = take_array("array", array)
    if sorted(source) != sorted(target) or len(set(source)) != len(source):
        raise ArgumentError(
            f'source is "{source}", target "{target}"; both name the same axes, a letter each'
        )
    if array.ndim != len(source):
        raise ShapeError(f'array is {array.shape}; "{source}" has {len(source)} axes')
    return np.array(array.transpose([source.index(letter) for letter in target]), order="C")


def images(x: Any, source: str, target: str) -> Array:
    """A batch of images as another framework lays it out; "allconv" is the layout of this package.

    Shapes: (N, C, *I) or (N, *I, C), by the two frameworks; any dtype.

    >>> images(np.zeros((2, 3, 32, 28)), "allconv", "keras").shape
    (2, 32, 28, 3)
    """
    x = take_array("x", x)
    axes = x.ndim - 2
    if axes not in SPATIAL:
        raise ShapeError(f"x is {x.shape}; a batch, channels and up to 3 axes are expected")
    rows = [OURS if name == "allconv" else layout_of(name) for name in (source, target)]
    first, second = (letters(row.image, axes) for row in rows)
    return reorder(x, first, second)
