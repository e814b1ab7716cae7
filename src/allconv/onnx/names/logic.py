"""Comparisons, logic and choices: values of dtype bool, kept as numbers above 0 or not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.names.call import Condition, NodeCall, NodeRule
from allconv.operators import pointwise as operators
from allconv.value import Value

_OLD = ("axis", "broadcast")  # of operator set 6


def _above(a: Value, b: Value) -> Any:
    """1 where a > b, else 0."""
    return apply(operators.Heaviside(), a - b)


def _same(a: Value, b: Value) -> Any:
    return apply(operators.Equal(), a, b)


def _either(a: Value, b: Value) -> Any:
    return apply(operators.Maximum(), a, b)


def truth(call: NodeCall, number: int) -> Any:
    """An input of dtype bool as 1 and 0."""
    given = call.operand(number)
    if isinstance(given, np.ndarray) and given.dtype.kind == "b":
        return call.lift(given.astype(np.float32))
    if not isinstance(given, Condition):
        raise call.unsupported(f"input {number} is not a condition; conditions alone are supported")
    return apply(operators.Heaviside(), given.value)


def _logic(join: Callable[[Value, Value], Value]) -> NodeRule:
    """A condition made of two."""
    return NodeRule(lambda call: Condition(join(truth(call, 0), truth(call, 1))), _OLD)


def _compared(join: Callable[[Value, Value], Value], unread: tuple[str, ...] = _OLD) -> NodeRule:
    """A condition made of two numbers."""
    return NodeRule(lambda call: Condition(join(call.value(0), call.value(1))), unread)


def read_equal(call: NodeCall) -> Condition:
    """a = b, of numbers or of conditions."""
    conditions = any(_is_condition(each) for each in call.operands)
    taken = partial(truth, call) if conditions else call.value
    return Condition(_same(taken(0), taken(1)))


def _is_condition(operand: object) -> bool:
    known = isinstance(operand, np.ndarray) and operand.dtype.kind == "b"
    return known or isinstance(operand, Condition)


def read_where(call: NodeCall) -> Any:
    """a where a condition holds, else b."""
    given = call.operand(0)
    chosen = given.value if isinstance(given, Condition) else truth(call, 0)
    if any(_is_condition(each) for each in call.operands[1:]):
        return Condition(apply(operators.Select(), chosen, truth(call, 1), truth(call, 2)))
    return apply(operators.Select(), chosen, call.value(1), call.value(2))


def read_not(call: NodeCall) -> Condition:
    """Not."""
    return Condition(1.0 - truth(call, 0))


def read_is_nan(call: NodeCall) -> Condition:
    """Whether a number is NaN."""
    x = call.value(0)
    return Condition(1.0 - _same(x, x))


def read_is_inf(call: NodeCall) -> Condition:
    """Whether a number is infinite, of either sign or of one."""
    x = call.value(0)
    above, below = call.flag("detect_positive"), call.flag("detect_negative")
    if above and below:
        x = abs(x)
    elif not above and not below:
        return Condition(apply(operators.Heaviside(), x * 0.0))
    return Condition(_same(x, call.lift(np.array(np.inf if above else -np.inf, x.dtype))))


READERS = {
    "And": _logic(lambda a, b: a * b),
    "Equal": NodeRule(read_equal, _OLD),
    "Greater": _compared(lambda a, b: a - b),  # above 0, whatever infinities they are
    "GreaterOrEqual": _compared(lambda a, b: _either(_above(a, b), _same(a, b)), ()),
    "IsInf": NodeRule(read_is_inf),
    "IsNaN": NodeRule(read_is_nan),
    "Less": _compared(lambda a, b: b - a),
    "LessOrEqual": _compared(lambda a, b: _either(_above(b, a), _same(a, b)), ()),
    "Not": NodeRule(read_not),
    "Or": _logic(_either),
    "Where": NodeRule(read_where),
    "Xor": _logic(lambda a, b: abs(a - b)),
}
