"""What is known while a network is recorded: constants and shapes, and what is done to them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.operators.base import Array

OF_DATA = "of data; it is supported only on shapes and constants"


def read_constant(call: NodeCall) -> Array:
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


def read_constant_of_shape(call: NodeCall) -> Array:
    """One number everywhere; kept once, whatever the shape."""
    value = call.array("value", np.zeros(1, np.float32))
    shape = call.known_integers(0)
    if value.size != 1 or min(shape, default=0) < 0:
        raise call.wrong("value is not one number, or the shape is below 0")
    call.budget.take_filled(call.node.op, shape)
    return np.broadcast_to(value.reshape(()), shape)


def read_shape(call: NodeCall) -> Array:
    """The sizes of an array, or some of them."""
    shape = _shape(call)
    start, end = call.integer("start", 0), call.integer("end", len(shape))
    return np.array(shape[start:end], np.int64)


def read_size(call: NodeCall) -> Array:
    """The number of elements."""
    return np.array(prod(_shape(call)), np.int64)


def _shape(call: NodeCall) -> tuple[int, ...]:
    return tuple(call.operand(0).shape)


def _not_of_data(call: NodeCall) -> Any:
    raise call.unsupported(OF_DATA)


KNOWN = NodeRule(_not_of_data)
"""How a node is read whose operator is computed on known values alone."""

READERS = {
    "Constant": NodeRule(read_constant, ("sparse_value", "value_string", "value_strings")),
    "ConstantOfShape": NodeRule(read_constant_of_shape, settings=(0,)),
    "Range": NodeRule(_not_of_data, settings=(0, 1, 2)),
    "Shape": NodeRule(read_shape),
    "Size": NodeRule(read_size),
}
