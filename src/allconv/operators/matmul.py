"""The product of matrices, of which there may be many.

Shapes: a (*B, M, K), b (*B, K, N) -> (*B, M, N); the axes B broadcast together as in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.arrange import Transpose
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide
from allconv.operators.correlate import Correlate
from allconv.operators.reduce import broadcast_shape, sum_to
from allconv.window import Window


@dataclass(frozen=True)
class MatMul(Operator):
    """y[..., m, n] = sum over k of a[..., m, k] * b[..., k, n]."""

    inputs: ClassVar[tuple[str, ...]] = ("a", "b")

    def check(self, *x: Spec) -> None:
        a, b = x
        if a.dtype != b.dtype:
            raise ShapeError(f"MatMul: {a.dtype} and {b.dtype} meet; convert one with .astype")
        fits = min(a.rank, b.rank) >= 2 and a.shape[-1] == b.shape[-2]
        if not fits:
            raise ShapeError(f"a is {a.shape}, b {b.shape}; (..., M, K) and (..., K, N) fit")
        try:
            broadcast_shape(a.shape[:-2], b.shape[:-2])
        except ShapeError as error:
            raise ShapeError(f"MatMul: {error.message}, the axes before the matrices") from None

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        a, b = (each.shape for each in x)
        batch = broadcast_shape(a[:-2], b[:-2])
        return (x[0].with_shape((*batch, a[-2], b[-1])),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            return (narrow(np.matmul(wide(x[0]), wide(x[1])), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        a, b = x
        ga, gb = MatMul()(gy[0], transposed(b)), MatMul()(transposed(a), gy[0])
        return sum_to(ga, a.shape), sum_to(gb, b.shape)

    def cost(self, *x: Spec) -> int:
        (y,) = self.shape(*x)
        return y.size * x[0].shape[-1]


def transposed(x: Any) -> Any:
    """A symbolic array with its last two axes exchanged."""
    rank = len(x.shape)
    return Transpose((*range(rank - 2), rank - 1, rank - 2))(x)


def product(record: Callable[..., Any], a: Any, b: Any) -> Any:
    """NumPy's a @ b of arrays and symbolic ones, vectors included, in recorded operators.

    A matrix b is a linear layer of the rows of a, which is a window as large as its input.
    """
    if not a.shape or not b.shape or a.shape[-1] != b.shape[max(len(b.shape) - 2, 0)]:
        raise ShapeError(f"@ takes (..., M, K) and (..., K, N), got {a.shape} and {b.shape}")
    left = a.reshape((1, -1)) if len(a.shape) == 1 else a
    right = b.reshape((-1, 1)) if len(b.shape) == 1 else b
    lead = left.shape[:-1]
    if len(right.shape) == 2 and right.shape[0] and right.shape[1]:
        rows = left if len(lead) == 1 else left.reshape((prod(lead), left.shape[-1]))
        y = record(Correlate(Window()), rows, record(Transpose((1, 0)), right))
        y = y.reshape((*lead, right.shape[1]))
    else:
        y = record(MatMul(), left, right)
    shape = list(y.shape)
    if len(b.shape) == 1:
        del shape[-1]
    if len(a.shape) == 1:
        del shape[len(shape) - (len(b.shape) > 1) - 1]
    return y.reshape(tuple(shape))
