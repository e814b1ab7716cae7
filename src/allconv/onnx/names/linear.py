"""Linear layers and matrix products: Gemm, MatMul."""

from __future__ import annotations

from allconv import functional
from allconv.onnx.call import Call, Name
from allconv.value import Value


def read_gemm(call: Call) -> Value:
    """y = alpha * a @ b + beta * c, with a, b turned where transA, transB say so."""
    a, b, c = call.value(0), call.value(1), call.optional(2)
    if a.ndim != 2 or b.ndim != 2:
        raise call.wrong(f"matrices are wanted, {a.shape} and {b.shape} given")
    a = a.transpose() if call.flag("transA") else a
    w = b if call.flag("transB") else b.transpose()
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    if c is not None and c.shape == w.shape[:1] and alpha == beta == 1.0:
        return _linear(a, w, c)
    y = _linear(a, w, None)
    y = y if alpha == 1.0 else y * alpha
    if c is None:
        return y
    return y + (c if beta == 1.0 else c * beta)


def read_matmul(call: Call) -> Value:
    """y = a @ b for a matrix b (C, O), or a vector (C,); a has any axes."""
    a, b = call.value(0), call.value(1)
    if not 1 <= b.ndim <= 2 or not a.ndim:
        raise call.unsupported(f"{a.shape} @ {b.shape}; (..., C) @ (C, O) is done")
    matrix = b if b.ndim == 2 else b.reshape((-1, 1))
    y = _linear(a if a.ndim > 1 else a.reshape((1, -1)), matrix.transpose(), None)
    shape = (*a.shape[:-1], *b.shape[1:])
    return y.reshape(shape)


def _linear(x: Value, w: Value, b: Value | None) -> Value:
    y: Value = functional.linear(x, w, b)
    return y


READERS = {
    "Gemm": Name(read_gemm, ("alpha", "beta", "broadcast", "transA", "transB"), (2, 3)),
    "MatMul": Name(read_matmul, (), (2, 2)),
}
