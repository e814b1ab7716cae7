"""Products, reductions and functions of single cells on traced values, as NumPy has them."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.errors import ArgumentError, LimitError, ShapeError, TraceError
from allconv.operators.base import Spec
from allconv.trace import trace

X = np.array([[1.0, 2.0, 4.0], [-0.5, 8.0, 0.25]])
W = np.array([[3.0, 1.0], [0.0, 2.0], [5.0, -1.0]])
MATRIX = Spec((2, 3), "float64")

RECORDED = {
    "x ** 1.5": lambda x: abs(x) ** 1.5,
    "2 ** x": lambda x: 2**x,
    "x ** y": lambda x: abs(x) ** X,
    "x ** 20": lambda x: x**20,
    "np.power": lambda x: np.power(abs(x), X),
    "np.minimum": lambda x: np.minimum(x, 1.0),
    "np.floor": np.floor,
    "np.tile": lambda x: np.tile(x, (2, 3)),
    "np.tile by one number": lambda x: np.tile(x, 2),
    "np.tile of more axes": lambda x: np.tile(x, (2, 1, 1, 2)),
    "np.tile of fewer axes": lambda x: np.tile(x[0], (3, 2)),
    "np.tile by one": lambda x: np.tile(x, 1),
    "np.tile by none": lambda x: np.tile(x, (0, 2)),
    "np.tril": np.tril,
    "np.triu": lambda x: np.triu(x, 1),
    "np.triu of many": lambda x: np.triu(np.tile(x, (2, 1, 1)), -1),
    "np.tril far": lambda x: np.tril(x, -9),
    "np.cumsum": lambda x: np.cumsum(x, 1),
    "np.cumsum of all": np.cumsum,
    "np.ceil": np.ceil,
    "np.rint": np.rint,
    "np.sign": np.sign,
    "np.sin": np.sin,
    "np.arctan": np.arctan,
    "np.fmod": lambda x: np.fmod(x, 0.75),
    "np.remainder": lambda x: np.remainder(x, 0.75),
    "argmax as floats": lambda x: x.argmax(1).astype("float64"),
    "x @ many": lambda x: x @ np.stack([W, 2 * W]),
    "many @ x": lambda x: np.stack([W, 2 * W]) @ x,
    "x @ v": lambda x: x @ W[:, 0],
    "v @ x": lambda x: W[0] @ x,
    "v @ many": lambda x: W[:, 0] @ (x.T.reshape((1, 3, 2)) * 2.0),
    "np.einsum": lambda x: np.einsum("ij,kj->ik", x, X),
    "np.einsum sums": lambda x: np.einsum("ij->j", x),
    "np.einsum turns": lambda x: np.einsum("ij->ji", x),
    "np.einsum all": lambda x: np.einsum("ij,ij", x, X),
    "np.einsum many": lambda x: np.einsum("bij,...jk,lk->bi...l", np.stack([X, X]), W, x @ W),
    "np.einsum diagonal": lambda x: np.einsum("ii,jii->ji", x[:, :2], np.stack([W[:2, :2]] * 3)),
    "np.einsum outer": lambda x: np.einsum("ab,cd->acbd", x, X),
    "max": lambda x: x.max(),
    "max axis": lambda x: x.max(1, keepdims=True),
    "min": lambda x: x.min(0),
    "min axes": lambda x: x.min((0, 1)),
    "prod": lambda x: x.prod(1),
    "np.max": lambda x: np.max(x, 0),
    "np.amin": lambda x: np.amin(x, axis=-1, keepdims=True),
    "np.prod": np.prod,
    "argmax": lambda x: x.argmax(),
    "argmin": lambda x: x.argmin(1),
    "np.argmax": lambda x: np.argmax(x, axis=0, keepdims=True),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_as_numpy(name: str) -> None:
    """What is recorded computes what NumPy computes."""
    function = RECORDED[name]
    (got,), wanted = trace(function, MATRIX).graph.run(X), np.asarray(function(X))
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(got, wanted, rtol=1e-14)


REFUSED = [
    (lambda x: np.tile(x, -1), ShapeError, "tile .* times"),
    (lambda x: np.tile(x, (2**30, 2**30)), LimitError, "the result of tile"),
    (lambda x: np.tile(x, 1.5), ArgumentError, "reps is 1.5"),
    (lambda x: np.tril(x[0]), ShapeError, "matrices"),
    (lambda x: np.triu(np.tile(x, (2**20, 2**20)), 1), LimitError, "a triangle of"),
    (lambda x: np.cumsum(x, 5), ArgumentError, "axis is 5"),
    (lambda x: x @ 3, TraceError, "@ takes arrays"),
    (lambda x: x @ x, ShapeError, r"@ takes .* got \(2, 3\) and \(2, 3\)"),
    (lambda x: x.sum() @ x, ShapeError, r"got \(\) and \(2, 3\)"),
    (lambda x: x @ np.ones((4, 5, 2)), ShapeError, "@ takes"),
    (lambda x: np.einsum("ii->i", x), ShapeError, "i is 2 and 3"),
    (lambda x: np.einsum("ij,jk", x), ArgumentError, "1 arrays are given"),
    (lambda x: np.einsum("ij->ik", x), ArgumentError, "a letter that no operand has"),
    (lambda x: np.einsum("i1->i", x), ArgumentError, "does not name the 2 axes"),
    (lambda x: np.einsum("ijk->i", x), ArgumentError, "does not name the 2 axes"),
    (lambda x: np.einsum("ij,ij->i", x, np.ones((2, 4))), ShapeError, "j is 3 and 4"),
    (lambda x: np.einsum("ij->i", x, optimize=True), TraceError, "np.einsum of a traced value"),
    (lambda x: np.einsum(x, [0, 1]), TraceError, "takes a text"),
    (lambda x: x.max(2), ArgumentError, "axis is 2"),
    (lambda x: x[:0].max(), ShapeError, "no cells to choose from"),
    (lambda x: np.argmax(x, (0, 1)), ArgumentError, "whole number"),
    (lambda x: np.max(x, out=3), TraceError, "np.max of a traced value"),
    (lambda x: x ** "a", TraceError, "an array or a number is expected, got str"),
    (lambda x: np.floor(x.argmax(1)), ShapeError, "Floor takes float32 or float64"),
]


@pytest.mark.parametrize(("function", "error", "message"), REFUSED, ids=[r[2] for r in REFUSED])
def test_refused(function, error, message) -> None:
    """What does not fit is refused in words of ours."""
    with pytest.raises(error, match=message):
        trace(function, MATRIX)
