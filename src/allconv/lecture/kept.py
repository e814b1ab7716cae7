"""What trainings gave, kept in `kept.json` by `scripts/lecture_kept`: a page trains nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from allconv.operators.base import Array

ALL_CNN = (
    ("base-c, which pools", 0.910),
    ("its pooling turned into strides, as it is", 0.822),
    ("the same after two more epochs", 0.912),
)
"""Accuracy on all of Fashion-MNIST, as measured for the README."""


@dataclass(frozen=True)
class KeptNetwork:
    """A network of the comparison; accuracies are shares of the test images.

    shifted   the test images moved by three pixels
    part      after training on a tenth of the images
    """

    name: str
    parameters: int
    multiply_adds: int
    accuracy: float
    shifted: float
    part: float


@dataclass(frozen=True, eq=False)
class KeptResults:
    """All that is kept; kernels are (filters, rows, columns)."""

    training: int
    test: int
    epochs: int
    networks: tuple[KeptNetwork, ...]
    kernels: Array


@cache
def kept() -> KeptResults:
    """Read the file."""
    text = (files("allconv.lecture") / "kept.json").read_text("utf-8")
    held = json.loads(text)
    networks = tuple(
        KeptNetwork(
            each["name"],
            each["parameters"],
            each["multiply_adds"],
            each["accuracy"],
            each["shifted_accuracy"],
            each["part_accuracy"],
        )
        for each in held["networks"]
    )
    kernels = np.array(held["kernels"], float)
    return KeptResults(held["training"], held["test"], held["epochs"], networks, kernels)
