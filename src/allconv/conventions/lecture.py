"""The lecture's 2x4x4 example: its numbers, and the same nested list read in two ways.

Source of the lists: "Deep Learning (for Computer Vision)", Arjun Jain, lecture slides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from allconv import functional
from allconv.conventions.layouts import reorder
from allconv.operators.base import Array

IMAGE: list[list[list[float]]] = [
    [[1.0, -2, 2, 2], [2, 1, 3, -2], [-2, 3, -3, 1], [-1, 2, -4, 2]],
    [[3, 0, 0, 0], [-2, -2, 1, -1], [2, -1, 3, 1], [5, -2, 0, 1]],
]  # (C, H, W), as drawn
LISTED_IMAGE: list[list[list[float]]] = [
    [[1.0, -2], [2, 1], [-2, 3], [-1, 2]],
    [[2, 2], [3, -2], [-3, 1], [-4, 2]],
    [[3, 0], [-2, -2], [2, -1], [5, -2]],
    [[0, 0], [1, -1], [3, 1], [0, 1]],
]  # as typed in the listing, which reads (H, W, C): neighbours in a row became channels
KERNEL = [
    [[[1.0, -2], [-2, 1]], [[1, 0], [0, 1]]],
    [[[3, 1], [2, 2]], [[0, 0], [0, 4]]],
]  # (O, I, kH, kW), as drawn
BIAS = [0.1, 0.2]


@dataclass(frozen=True)
class Example:
    """Readings of the same numbers, and what each gives; `print` computes and shows them."""

    name: str
    title: str
    readings: dict[str, Callable[[], Array]]
    lesson: str

    def numbers(self) -> dict[str, Array]:
        """What each reading gives: (H, W, O), float64, computed now."""
        return {reading: compute() for reading, compute in self.readings.items()}

    def __str__(self) -> str:
        lines = [self.title]
        for reading, y in self.numbers().items():
            lines += ["", f"{reading}:"]
            for o in range(y.shape[-1]):
                rows = (" ".join(f"{cell:6.1f}" for cell in row) for row in y[..., o])
                lines.append(f"  O[{o + 1}] {' /'.join(rows)}")
        return "\n".join([*lines, "", self.lesson])


def _correlated(image: list[list[list[float]]], layout: str, kernel: str) -> Callable[[], Array]:
    """The lecture's layer on an image, its kernel's nested list read as (letters of) `kernel`."""

    def compute() -> Array:
        x = reorder(np.array([image], np.float64), layout, "NCHW")
        w = reorder(np.array(KERNEL, np.float64), kernel, "OIHW")
        y: Array = functional.conv2d(x, w, np.array(BIAS))
        return np.asarray(reorder(y, "NCHW", "NHWC")[0])

    return compute


EXAMPLES = {
    "tensorflow listing": Example(
        "tensorflow listing",
        "The listing prints 17.1 where the worked example has 3.1",
        {
            "as drawn: image (C, H, W), kernel (O, I, kH, kW)": _correlated(IMAGE, "NCHW", "OIHW"),
            "the kernel alone as TensorFlow reads it: (kH, kW, I, O)": _correlated(
                IMAGE, "NCHW", "HWIO"
            ),
            "the image alone as typed: neighbours in a row became channels": _correlated(
                LISTED_IMAGE, "NHWC", "OIHW"
            ),
            "the listing: both": _correlated(LISTED_IMAGE, "NHWC", "HWIO"),
        },
        "A nested list has no layout of its own. Convert both:\n"
        'conventions.images(x, "torch", "keras"), conventions.reorder(w, "OIHW", "HWIO").',
    ),
    "order of the weights": Example(
        "order of the weights",
        "The slides order the axes of the weights in two ways",
        {
            "(O, I, kH, kW), the worked example and this package": _correlated(
                IMAGE, "NCHW", "OIHW"
            ),
            "(I, O, kH, kW), the slide of linear -> convolution": _correlated(
                IMAGE, "NCHW", "IOHW"
            ),
        },
        "Where that slide says that W[:, l] is row l of the matrix, here it is w[l].",
    ),
}
