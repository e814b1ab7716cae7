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

    shifted_accuracy   of the test images moved by three pixels
    part_accuracy      after training on a tenth of the images
    seconds            that the training took
    """

    name: str
    parameters: int
    multiply_adds: int
    accuracy: float
    shifted_accuracy: float
    part_accuracy: float
    seconds: float


@dataclass(frozen=True, eq=False)
class KeptResults:
    """How many images were trained on, the networks, and kernels (filters, rows, columns)."""

    training: int
    networks: tuple[KeptNetwork, ...]
    kernels: Array


@cache
def kept() -> KeptResults:
    """Read the file."""
    text = (files("allconv.lecture") / "kept.json").read_text("utf-8")
    held = json.loads(text)
    networks = tuple(KeptNetwork(**each) for each in held["networks"])
    return KeptResults(held["training"], networks, np.array(held["kernels"], float))
