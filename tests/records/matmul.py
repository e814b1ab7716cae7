"""Records of products of matrices."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.matmul import MatMul
from records.record import Record, draw_array, draw_dtype, draw_shape, every, onnx_results, refusal


def draw(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Many matrices, whose axes before are of size 1, or missing at the front, now and then."""
    dtype = draw_dtype(data)
    full = draw_shape(data, most=2, size=3)
    m, k, n = (data.draw(st.sampled_from([2, 3, 1, 5, 0])) for _ in range(3))
    shapes = []
    for last in ((m, k), (k, n)):
        start = data.draw(st.sampled_from([0, 0, *range(len(full) + 1)]))
        part = tuple(1 if data.draw(st.integers(0, 3)) == 0 else size for size in full[start:])
        shapes.append((*part, *last))
    return MatMul(), tuple(draw_array(data, shape, dtype) for shape in shapes)


def brute(operator: MatMul, a: Array, b: Array):
    """Every product, added to the cell that it goes to."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, (*batch, *a.shape[-2:]))
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    y = np.zeros((*batch, a.shape[-2], b.shape[-1]))
    for *where, m, n, k in every(batch, y.shape[-2:], a.shape[-1:]):
        y[(*where, m, n)] += float(a[(*where, m, k)]) * float(b[(*where, k, n)])
    return (y,)


def onnx_matmul(operator: MatMul, a: Array, b: Array):
    """MatMul of ONNX."""
    return onnx_results("MatMul", (a, b))


RECORDS = (
    Record(
        MatMul,
        draw,
        brute,
        linear=(("a",), ("b",)),
        outsiders=(onnx_matmul,),
        refusals=(
            refusal(r"a is \(2, 3\), b \(4, 5\)", MatMul, (2, 3), (4, 5)),
            refusal(r"a is \(3,\), b \(3, 5\)", MatMul, (3,), (3, 5)),
            refusal(r"MatMul: \(2,\) and \(3,\) do not", MatMul, (2, 1, 3), (3, 3, 2)),
            refusal("float32 and float64 meet", MatMul, (2, 3), Spec((3, 2), "float64")),
        ),
    ),
)
