"""Linear layers and matrix products: Gemm, MatMul."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv import functional
from allconv.functional.call import apply
from allconv.onnx.names import since
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.reduce import broadcast_shapes
from allconv.onnx.names.writer import spelt
from allconv.operators.einsum import einsum
from allconv.operators.matmul import MatMul
from allconv.operators.reduce import Broadcast
from allconv.value import Value


def read_gemm(call: NodeCall) -> Any:
    """y = alpha * a @ b + beta * c, with a, b transposed where transA, transB say so.

    What is multiplied by 0 has no influence, NaN and infinity included, as in BLAS.
    """
    a, b, c = call.value(0), call.value(1), call.optional(2)
    if a.ndim != 2 or b.ndim != 2:
        raise call.wrong(f"{a.shape} and {b.shape} are given, matrices are expected")
    a = a.transpose() if call.flag("transA") else a
    w = b if call.flag("transB") else b.transpose()
    alpha, beta = call.number("alpha"), call.number("beta")
    if a.shape[1] != w.shape[1]:
        raise call.wrong(f"{a.shape} @ {w.shape[::-1]} do not fit together")
    shape = (a.shape[0], w.shape[0])
    _check_added(call, c, shape)
    if beta == 0.0:
        c = None
    if c is not None and c.shape == w.shape[:1] and alpha == beta == 1.0:
        return functional.linear(a, w, c)
    y = _product(call, a, w, alpha)
    if c is None:
        return y
    return y + (c if beta == 1.0 else c * beta)


def _check_added(call: NodeCall, c: Value | None, shape: tuple[int, int]) -> None:
    """Refuse a matrix that is added and larger than the product, or must not be repeated."""
    if c is None:
        return
    repeats = call.version >= since.REPEATED or call.flag("broadcast")
    if broadcast_shapes(call, c.shape, shape) != shape or not (repeats or c.shape == shape):
        raise call.wrong(f"C is {c.shape}; one that broadcasts to {shape} is expected")


def _product(call: NodeCall, a: Value, w: Value, alpha: float) -> Any:
    """alpha * a @ b, which is 0 for alpha 0."""
    if alpha == 0.0:
        zero = call.lift(np.zeros((), a.dtype))
        zeros: Value = apply(Broadcast((a.shape[0], w.shape[0])), zero)
        return zeros
    y = functional.linear(a, w)
    return y if alpha == 1.0 else y * alpha


def read_matmul(call: NodeCall) -> Value:
    """y = a @ b as in NumPy: vectors, matrices, and many of them, whose axes broadcast."""
    a, b = call.value(0), call.value(1)
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise call.wrong(f"{a.shape} @ {b.shape} do not fit together")
    broadcast_shapes(call, a.shape[:-2], b.shape[:-2])
    return a @ b


def read_einsum(call: NodeCall) -> Any:
    """The sum that an equation names, where no operand's diagonal is taken."""
    values = call.values()
    return einsum(values[0].builder.record, call.text("equation"), values)


READERS = {
    "Einsum": NodeRule(read_einsum),
    "Gemm": NodeRule(read_gemm, weights=(1, 2)),
    "MatMul": NodeRule(read_matmul, weights=(1,)),
}


WRITERS = {MatMul: spelt("MatMul")}
