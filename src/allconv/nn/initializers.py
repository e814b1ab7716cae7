"""How parameters begin: drawn by key (seed, name of the parameter), in whatever order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from allconv.operators.base import Array


class Initializer(ABC):
    """Base of the ways in which an array begins."""

    @abstractmethod
    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        """A float64 array of the shape."""


@dataclass(frozen=True)
class SameNumber(Initializer):
    """The same number everywhere."""

    value: float

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return np.full(shape, self.value)


@dataclass(frozen=True)
class HeNormal(Initializer):
    """Normal with variance 2 / fan_in, which keeps the scale of signals through ReLU.

    `fan_in` is the number of inputs that meet in one output. He et al. 2015, arXiv:1502.01852,
    equation 10.
    """

    fan_in: float

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return np.asarray(generator.standard_normal(shape) * np.sqrt(2.0 / self.fan_in))
