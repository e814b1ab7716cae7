"""The order of axes by letters: what a layout is, and how an array goes from one to another.

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


def letters(layout: str, axes: int) -> str:
    """A layout for so many axes: ("*IO", 2) -> "HWIO".

    >>> letters("N*C", 3)
    'NDHWC'
    """
    return layout.replace("*", SPATIAL[axes])


def transposed(array: Array, source: str, target: str) -> Array:
    """A view of an array with its axes in another order; a letter an axis."""
    return array.transpose([source.index(letter) for letter in target])


def reorder(array: Any, source: str, target: str) -> Array:
    """An array with its axes in another order, as a new contiguous array.

    `source` and `target` are a letter an axis, the same letters in both.

    >>> reorder(np.zeros((8, 3, 5, 7)), "OIHW", "HWIO").shape
    (5, 7, 3, 8)
    """
    array = take_array("array", array)
    if sorted(source) != sorted(target) or len(set(source)) != len(source):
        raise ArgumentError(
            f'source is "{source}", target "{target}"; both must name the same axes, a letter each'
        )
    if array.ndim != len(source):
        raise ShapeError(f'array is {array.shape}; "{source}" has {len(source)} axes')
    return np.array(transposed(array, source, target), order="C")
