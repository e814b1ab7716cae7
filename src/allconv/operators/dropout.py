"""Dropout, drawn by key: the same mask wherever and in whatever order it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide
from allconv.random import dropout_bits


@dataclass(frozen=True)
class Dropout(Operator):
    """y = x / (1 - p) where kept, else 0. Srivastava et al. 2014.

    Element `e` (counted in row-major order of the logical shape) is kept when the word that
    Philox draws for (seed, step, layer, e) is at least p * 2**32. `key` is int64 (2,): seed, step.
    The mask does not depend on x, so the gradient is the same operator on the gradient.
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "key")
    p: float
    layer: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.p < 1:
            raise ArgumentError(f"dropout p must be at least 0 and below 1, got {self.p}")

    @property
    def threshold(self) -> int:
        """Words below this are dropped."""
        return round(self.p * 2**32)

    def check(self, *x: Spec) -> None:
        self.check_floats(x[0])
        if x[1] != Spec((2,), "int64"):
            raise ShapeError(f"the key of dropout is int64 (2,): seed and step; got {x[1]}")

    def define(self, *x: Array) -> tuple[Array, ...]:
        seed, step = (int(each) for each in x[1])
        words = dropout_bits(seed, step, self.layer, x[0].size).reshape(x[0].shape)
        kept = np.where(words >= np.uint64(self.threshold), wide(x[0]) / (1 - self.p), 0.0)
        return (narrow(kept, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return self(gy[0], x[1]), None
