"""What is known while a network is recorded: constants, shapes, and the arithmetic of shapes.

`FOLDS` compute on integers alone; `limits` says how many.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from allconv.onnx.call import Bytes, Call, Condition, Name
from allconv.onnx.names import arrange
from allconv.onnx.names.reduce import broadcast_shapes
from allconv.onnx.tensors import dtype_name
from allconv.operators.base import Array


def read_constant(call: Call) -> Array:
    """An array that stands in the file; our name for parameters is initializer, not this."""
    (name,) = call.node.attributes if len(call.node.attributes) == 1 else ("",)
    if name == "value":
        return call.array(name)
    if name in ("value_float", "value_int"):
        number = call.number(name) if "float" in name else call.integer(name)
        return np.array(number, np.float32 if "float" in name else np.int64)
    if name == "value_floats":
        return np.array(call.numbers(name), np.float32)
    if name == "value_ints":
        return np.array(call.integers(name), np.int64)
    raise call.unsupported("a constant that is not one tensor of numbers")


def read_constant_of_shape(call: Call) -> Array:
    """One number everywhere; kept once, whatever the shape."""
    value = call.array("value", np.zeros(1, np.float32))
    shape = call.known_integers(0)
    if value.size != 1 or min(shape, default=0) < 0:
        raise call.wrong("value is not one number, or the shape is below 0")
    call.check_constants(shape)
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
    given: Any = call.operand(0)
    return tuple((given.value if isinstance(given, Bytes | Condition) else given).shape)


def _not_of_data(call: Call) -> Any:
    raise call.unsupported("of data; it is supported only on shapes and constants")


def _gather(call: Call) -> Array:
    data, cells = call.known(0), call.known(1)
    if not data.ndim:
        raise call.wrong("a number has no axis")
    axis = call.axis(call.integer("axis"), data.ndim)
    n = data.shape[axis]
    if cells.size and not (-n <= cells.min() and cells.max() < n):
        raise call.wrong(f"an index is outside an axis of {n}")
    call.check_constants((*data.shape[:axis], *cells.shape, *data.shape[axis + 1 :]))
    return np.take(data, cells, axis)


def _concat(call: Call) -> Array:
    arrays = [call.known(n) for n in range(len(call))]
    axis = call.axis(call.integer("axis"), arrays[0].ndim)
    ranks = {each.ndim for each in arrays}
    rest = {(*each.shape[:axis], *each.shape[axis + 1 :]) for each in arrays}
    if len(ranks) > 1 or len(rest) > 1:
        raise call.wrong("arrays that do not fit together")
    call.check_constants((sum(each.size for each in arrays),))
    return np.concatenate(arrays, axis)


def _slice(call: Call) -> Array:
    data = call.known(0)
    return data[np.ix_(*map(list, arrange.slices(call, data.shape)))] if data.ndim else data


def _squeeze(call: Call) -> Array:
    data = call.known(0)
    return data.reshape(arrange.squeezed(call, data.shape))


def _unsqueeze(call: Call) -> Array:
    data = call.known(0)
    return data.reshape(arrange.unsqueezed(call, data.shape))


def _reshape(call: Call) -> Array:
    data = call.known(0)
    shape = arrange.reshaped(call, data.shape)
    call.check_constants(shape)
    return data.reshape(shape)


def _cast(call: Call) -> Array:
    dtype = dtype_name(call.integer("to"), "the result")
    return call.known(0).astype(dtype)


def _binary(function: Callable[[Any, Any], Any]) -> Callable[[Call], Array]:
    def fold(call: Call) -> Array:
        if len(call) != 2:
            raise call.unsupported(f"of {len(call)} arrays of integers; it is supported on two")
        a, b = call.known(0), call.known(1)
        if a.dtype != b.dtype or a.dtype.kind == "b":
            raise call.wrong(f"{a.dtype.name} and {b.dtype.name} meet")
        call.check_constants(broadcast_shapes(call, a.shape, b.shape))
        with np.errstate(all="ignore"):
            return np.asarray(function(a, b), a.dtype)

    return fold


def _divide(a: Array, b: Array) -> Array:
    """Towards 0, as the format has it; by 0 it is 0."""
    safe = np.where(b == 0, 1, b).astype(a.dtype)
    quotient = np.where(b == 0, 0, a // safe)
    return np.asarray(quotient + ((a % safe != 0) & ((a < 0) != (safe < 0)) & (b != 0)))


def _range(call: Call) -> Array:
    if any(call.known(n).size != 1 for n in range(3)):
        raise call.wrong("start, limit and delta are not one number each")
    start, limit, step = (call.known_integers(n)[0] for n in range(3))
    if not step:
        raise call.wrong("a step of 0")
    count = max(-((start - limit) // step), 0)
    call.check_constants((count,))
    return np.array(range(start, start + count * step, step), call.known(0).dtype)


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
    ),
    "ConstantOfShape": Name(read_constant_of_shape, ("value",), settings=(0,)),
    "Range": Name(_not_of_data),
    "Shape": Name(read_shape, ("end", "start")),
    "Size": Name(read_size),
}
