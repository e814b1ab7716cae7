"""What is known while a network is recorded: constants, shapes, and the arithmetic of shapes.

`FOLDS` compute on integers alone, and only arrays of at most `MOST` numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from allconv.errors import LimitError
from allconv.onnx.call import Bytes, Call, Name
from allconv.onnx.names import arrange
from allconv.onnx.tensors import dtype_name
from allconv.operators.base import Array

MOST = 10_000_000


def _check_size(call: Call, shape: tuple[int, ...]) -> None:
    if prod(shape) > MOST:
        raise LimitError(f"{call.node.op} makes {prod(shape):,} constants; {MOST:,} are computed")


def read_constant(call: Call) -> Array:
    """An array that stands in the file; our name for parameters is initializer, not this."""
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if call.given(name):
            found = call.node.attributes[name]
            if isinstance(found, np.ndarray):
                return found
            return np.array(found, np.float32 if "float" in name else np.int64)
    raise call.unsupported("a constant that is no tensor of numbers")


def read_constant_of_shape(call: Call) -> Array:
    """One number everywhere; kept once, whatever the shape."""
    value = call.node.attributes.get("value", np.zeros(1, np.float32))
    shape = call.known_integers(0)
    if not isinstance(value, np.ndarray) or value.size != 1 or min(shape, default=0) < 0:
        raise call.wrong("value is not one number, or the shape is below 0")
    _check_size(call, shape)
    return np.broadcast_to(value.reshape(()), shape)


def read_shape(call: Call) -> Array:
    """The sizes of an array, or some of them."""
    shape = _shape(call)
    start, end = call.integer("start", 0), call.integer("end", len(shape))
    return np.array(shape[start:end], np.int64)


def read_size(call: Call) -> Array:
    """The number of elements."""
    return np.array(prod(_shape(call)), np.int64)


def _shape(call: Call) -> tuple[int, ...]:
    given: Any = call.operands[0]
    return tuple((given.value if isinstance(given, Bytes) else given).shape)


def _not_of_data(call: Call) -> Any:
    raise call.unsupported("of data; of shapes and constants it is done")


def _gather(call: Call) -> Array:
    data, cells = call.known(0), call.known(1)
    if not data.ndim:
        raise call.wrong("a number has no axis")
    axis = call.axis(call.integer("axis", 0), data.ndim)
    n = data.shape[axis]
    if cells.size and not (-n <= cells.min() and cells.max() < n):
        raise call.wrong(f"an index is outside an axis of {n}")
    _check_size(call, (*data.shape[:axis], *cells.shape, *data.shape[axis + 1 :]))
    return np.take(data, cells, axis)


def _concat(call: Call) -> Array:
    arrays = [call.known(n) for n in range(len(call))]
    axis = call.axis(call.integer("axis"), arrays[0].ndim)
    ranks = {each.ndim for each in arrays}
    rest = {(*each.shape[:axis], *each.shape[axis + 1 :]) for each in arrays}
    if len(ranks) > 1 or len(rest) > 1:
        raise call.wrong("arrays that do not fit together")
    _check_size(call, (sum(each.size for each in arrays),))
    return np.concatenate(arrays, axis)


def _slice(call: Call) -> Array:
    data = call.known(0)
    rows = arrange.slices(call, data.ndim)
    return data[tuple(rows.get(axis, slice(None)) for axis in range(data.ndim))]


def _squeeze(call: Call) -> Array:
    data = call.known(0)
    named = len(call) > 1 or call.given("axes")
    every = [a for a, n in enumerate(data.shape) if n == 1]
    axes = call.axes(arrange._listed(call, 1), data.ndim) if named else every
    if any(data.shape[a] != 1 for a in axes):
        raise call.wrong(f"axes {tuple(axes)} of {data.shape} are not all of size 1")
    return data.reshape([n for a, n in enumerate(data.shape) if a not in axes])


def _unsqueeze(call: Call) -> Array:
    data, given = call.known(0), arrange._listed(call, 1)
    axes = call.axes(given, data.ndim + len(given))
    return np.expand_dims(data, axes)


def _reshape(call: Call) -> Array:
    data = call.known(0)
    given = call.known_integers(1) if len(call) > 1 else call.integers("shape")
    sizes = [data.shape[a] if n == 0 and a < data.ndim else n for a, n in enumerate(given)]
    return data.reshape(arrange.fitted(call, sizes, data.size))


def _cast(call: Call) -> Array:
    dtype = dtype_name(call.integer("to"), "the result")
    return call.known(0).astype(dtype)


def _binary(function: Callable[[Any, Any], Any]) -> Callable[[Call], Array]:
    def fold(call: Call) -> Array:
        if len(call) != 2:
            raise call.unsupported(f"of {len(call)} arrays of integers; of two it is done")
        a, b = call.known(0), call.known(1)
        if a.dtype != b.dtype or a.dtype.kind == "b":
            raise call.wrong(f"{a.dtype.name} and {b.dtype.name} meet")
        try:
            _check_size(call, np.broadcast_shapes(a.shape, b.shape))
        except ValueError:
            raise call.wrong(f"{a.shape} and {b.shape} do not broadcast together") from None
        with np.errstate(all="ignore"):
            return np.asarray(function(a, b), a.dtype)

    return fold


def _divide(a: Array, b: Array) -> Array:
    """Towards 0, as the format has it; by 0 it is 0."""
    safe = np.where(b == 0, 1, b).astype(a.dtype)
    quotient = np.where(b == 0, 0, a // safe)
    return np.asarray(quotient + ((a % safe != 0) & ((a < 0) != (safe < 0)) & (b != 0)))


def _range(call: Call) -> Array:
    start, limit, step = (call.known_integers(n)[0] for n in range(3))
    if not step:
        raise call.wrong("a step of 0")
    cells = range(start, limit, step)
    _check_size(call, (len(cells),))
    return np.array(cells, call.known(0).dtype)


FOLDS: dict[str, Callable[[Call], Any]] = {
    "Add": _binary(np.add),
    "Cast": _cast,
    "Concat": _concat,
    "Div": _binary(_divide),
    "Gather": _gather,
    "Identity": lambda call: call.known(0),
    "Max": _binary(np.maximum),
    "Min": _binary(np.minimum),
    "Mul": _binary(np.multiply),
    "Neg": lambda call: np.negative(call.known(0)),
    "Range": _range,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Sub": _binary(np.subtract),
    "Unsqueeze": _unsqueeze,
}

READERS = {
    "Constant": Name(
        read_constant,
        ("value", "value_float", "value_floats", "value_int", "value_ints"),
        (0, 0),
    ),
    "ConstantOfShape": Name(read_constant_of_shape, ("value",), settings=(0,)),
    "Gather": Name(_not_of_data, ("axis",), (2, 2)),
    "Range": Name(_not_of_data, (), (3, 3)),
    "Shape": Name(read_shape, ("end", "start")),
    "Size": Name(read_size),
}
