"""Softmax, LogSoftmax, Hardmax."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from allconv.functional.call import apply
from allconv.onnx.names import since
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.writer import spelt
from allconv.operators.base import Operator
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.operators.order import Hardmax


def _along(operator: Callable[[int], Operator]) -> NodeRule:
    """An operator along an axis; in older operator sets all axes from `axis` on are one."""

    def read(call: NodeCall) -> Any:
        x = call.value(0)
        axis = call.axis(call.integer("axis"), max(x.ndim, 1))
        if call.version >= since.ONE_AXIS or axis == x.ndim - 1:
            return apply(operator(axis), x)
        rows = x.reshape((prod(x.shape[:axis]), prod(x.shape[axis:])))
        return apply(operator(1), rows).reshape(x.shape)

    return NodeRule(read)


READERS = {
    "Hardmax": _along(Hardmax),
    "LogSoftmax": _along(LogSoftmax),
    "Softmax": _along(Softmax),
}
WRITERS = {
    Hardmax: spelt("Hardmax", axis="axis"),
    LogSoftmax: spelt("LogSoftmax", axis="axis"),
    Softmax: spelt("Softmax", axis="axis"),
}
