"""Softmax, LogSoftmax."""

from __future__ import annotations

from math import prod
from typing import Any

from allconv.functional.call import apply
from allconv.onnx.names.call import Call, Name
from allconv.onnx.names.writer import Writer, Written
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.operators.order import Hardmax
from allconv.value import Value

_FLAT = 13  # before this operator set all axes from `axis` on are one


def _read(operator: Any, call: Call) -> Value:
    x = call.value(0)
    flat = call.version < _FLAT
    axis = call.axis(call.integer("axis"), max(x.ndim, 1))
    if not flat or axis == x.ndim - 1:
        y: Value = apply(operator(axis), x)
        return y
    rows = x.reshape((prod(x.shape[:axis]), prod(x.shape[axis:])))
    result: Value = apply(operator(1), rows)
    return result.reshape(x.shape)


def read_softmax(call: Call) -> Value:
    """exp(x) / sum of exp(x) along an axis."""
    return _read(Softmax, call)


def read_log_softmax(call: Call) -> Value:
    """x - log(sum of exp(x)) along an axis."""
    return _read(LogSoftmax, call)


def read_hardmax(call: Call) -> Value:
    """1 at the first of the largest numbers along an axis, else 0."""
    return _read(Hardmax, call)


def write_hardmax(writer: Writer, written: Written) -> None:
    """Hardmax."""
    writer.node(written, "Hardmax", written.inputs, axis=written.operator.axis)


def write_softmax(writer: Writer, written: Written) -> None:
    """Softmax."""
    writer.node(written, "Softmax", written.inputs, axis=written.operator.axis)


def write_log_softmax(writer: Writer, written: Written) -> None:
    """LogSoftmax."""
    writer.node(written, "LogSoftmax", written.inputs, axis=written.operator.axis)


READERS = {
    "Hardmax": Name(read_hardmax, ("axis",)),
    "LogSoftmax": Name(read_log_softmax, ("axis",)),
    "Softmax": Name(read_softmax, ("axis",)),
}
WRITERS = {Hardmax: write_hardmax, Softmax: write_softmax, LogSoftmax: write_log_softmax}
