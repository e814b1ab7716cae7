"""Comparisons, logic and choices: values of dtype bool, kept as numbers above 0 or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.names.call import Call, Condition, Name
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


def truth(call: Call, number: int) -> Any:
    """An input of dtype bool as 1 and 0."""
    given = call.operand(number)
    if isinstance(given, np.ndarray) and given.dtype.kind == "b":
        return call.lift(given.astype(np.float32))
    if not isinstance(given, Condition):
        raise call.unsupported(f"input {number} is not a condition; conditions alone are supported")
    return apply(operators.Heaviside(), given.value)


def _two(call: Call) -> tuple[Value, Value]:
    return call.value(0), call.value(1)


def _logic(join: Callable[[Value, Value], Value]) -> Name:
    def read(call: Call) -> Condition:
        return Condition(join(truth(call, 0), truth(call, 1)))

    return Name(read, _OLD)


def read_greater(call: Call) -> Condition:
    """a > b: their difference is above 0, whatever infinities they are."""
    return Condition(call.value(0) - call.value(1))


def read_less(call: Call) -> Condition:
    """a < b."""
    return Condition(call.value(1) - call.value(0))


def read_equal(call: Call) -> Condition:
    """a = b, of numbers or of conditions."""
    conditions = any(_is_condition(each) for each in call.operands)
    pair = [(truth if conditions else _number)(call, number) for number in range(2)]
    return Condition(_same(*pair))


def _number(call: Call, number: int) -> Value:
    return call.value(number)


def _is_condition(operand: object) -> bool:
    known = isinstance(operand, np.ndarray) and operand.dtype.kind == "b"
    return known or isinstance(operand, Condition)


def read_where(call: Call) -> Any:
    """a where a condition holds, else b."""
    given = call.operand(0)
    chosen = given.value if isinstance(given, Condition) else truth(call, 0)
    if any(_is_condition(each) for each in call.operands[1:]):
        return Condition(apply(operators.Select(), chosen, truth(call, 1), truth(call, 2)))
    return apply(operators.Select(), chosen, call.value(1), call.value(2))


def read_not(call: Call) -> Condition:
    """Not."""
    return Condition(1.0 - truth(call, 0))


def read_is_nan(call: Call) -> Condition:
    """Whether a number is NaN."""
    x = call.value(0)
    return Condition(1.0 - _same(x, x))


def read_is_inf(call: Call) -> Condition:
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
    "Equal": Name(read_equal, _OLD),
    "Greater": Name(read_greater, _OLD),
    "GreaterOrEqual": Name(
        lambda call: Condition(_either(_above(*_two(call)), _same(*_two(call))))
    ),
    "IsInf": Name(read_is_inf),
    "IsNaN": Name(read_is_nan),
    "Less": Name(read_less, _OLD),
    "LessOrEqual": Name(
        lambda call: Condition(_either(_above(*_two(call)[::-1]), _same(*_two(call))))
    ),
    "Not": Name(read_not),
    "Or": _logic(_either),
    "Where": Name(read_where),
    "Xor": _logic(lambda a, b: abs(a - b)),
}
