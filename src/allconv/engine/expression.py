"""The expression language of kernels: what is computed cell by cell, in registers.

Maps over memory, epilogues of convolutions and the sums of a batch normalisation's gradient are all
written in it. A new pointwise operator is one more line in `EMITTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from allconv.engine.emit import angle, math
from allconv.engine.emit.code import Code
from allconv.engine.emit.remainder import remainder
from allconv.operators.base import Operator
from allconv.operators.elementary import Cos, Floor, Remainder, Round, Sign, Sin
from allconv.operators.pointwise import (
    Absolute,
    Add,
    Divide,
    Equal,
    Erf,
    Exp,
    Heaviside,
    Log,
    Log1p,
    Maximum,
    Multiply,
    Negate,
    Relu,
    ReluGradient,
    Select,
    Sigmoid,
    Sqrt,
    Subtract,
    Tanh,
)
from allconv.operators.update import AdamUpdate, ClipFactor, MovingAverage, SgdUpdate

Emitter: TypeAlias = Callable[..., tuple[Any, ...]]
"""emit(code, operator, *vectors): the vectors of an operator's results."""

_LONG = (Cos, Erf, Exp, Log, Log1p, Remainder, Sigmoid, Sin, Tanh)


@dataclass(frozen=True)
class Expression:
    """A straight line of pointwise operators.

    Values are numbered: the operands 0 ... operands-1, then the results of each operator in turn.
    `lines` holds each operator with the numbers of what it takes, `results` the numbers that count.
    """

    operands: int
    lines: tuple[tuple[Operator, tuple[int, ...]], ...]
    results: tuple[int, ...]

    def after(self, inner: Expression) -> Expression:
        """This expression with the one result of another in place of its first operand.

        Its operands are those of the other, then the rest of its own. Only a last line may have
        several results.
        """
        shift = inner.operands - 1
        (result,) = inner.results
        joined = shift + self.operands  # all operands
        inner_lines = len(inner.lines)

        def within(number: int) -> int:
            return number if number < inner.operands else number - inner.operands + joined

        def here(number: int) -> int:
            if number == 0:
                return within(result)
            return number + shift + (inner_lines if number >= self.operands else 0)

        lines = [(op, tuple(map(within, taken))) for op, taken in inner.lines]
        lines += [(op, tuple(map(here, taken))) for op, taken in self.lines]
        return Expression(joined, tuple(lines), tuple(map(here, self.results)))

    def emit(self, code: Code, operands: Sequence[Any]) -> list[Any]:
        """The vectors of the results, from those of the operands."""
        known = dict(enumerate(operands))
        smaller = self._smaller()
        for number, (operator, taken) in enumerate(self.lines, self.operands):
            if number in smaller:
                x, y, swapped = smaller[number]
                pair = (known[x], code.fneg(known[y]))
                known[number] = code.minimum(*(reversed(pair) if swapped else pair))
                continue
            made = EMITTERS[type(operator)](code, operator, *(known[n] for n in taken))
            known.update(enumerate(made, number))
        return [known[n] for n in self.results]

    def _smaller(self) -> dict[int, tuple[int, int, bool]]:
        """Lines -max(-x, y) or -max(y, -x), which are min(x, -y) to the bit: x, y, and which."""
        line = dict(enumerate(self.lines, self.operands))
        found = {}
        for number, (operator, taken) in line.items():
            largest, inner = line.get(taken[0], (None, ()))
            if not (isinstance(operator, Negate) and isinstance(largest, Maximum)):
                continue
            for swapped, (x, y) in enumerate((inner, inner[::-1])):
                negated, (source, *_) = line.get(x, (None, (0,)))
                if isinstance(negated, Negate):
                    found[number] = source, y, bool(swapped)
                    break
        return found

    @property
    def vectors(self) -> int:
        """How many vectors to compute side by side: fewer where each takes many registers."""
        if any(isinstance(operator, _LONG) for operator, _ in self.lines):
            return 1
        return 4 if len(self.lines) + self.operands <= 8 else 2

    def __str__(self) -> str:
        names = [operator.name for operator, _ in self.lines]
        return ", ".join(names) if len(names) < 4 else f"{names[0]} ... {names[-1]} ({len(names)})"


def _function(function: Callable[[Code, Any], Any]) -> Emitter:
    """A function of one vector."""

    def emit(code: Code, operator: Operator, x: Any) -> tuple[Any, ...]:
        return (function(code, x),)

    return emit


def _heaviside(code: Code, operator: Operator, x: Any) -> tuple[Any, ...]:
    return (code.select(code.fcompare(">", x, 0.0), code.const(1.0), code.const(0.0)),)


def _equal(code: Code, operator: Operator, a: Any, b: Any) -> tuple[Any, ...]:
    return (code.select(code.fcompare("==", a, b), code.const(1.0), code.const(0.0)),)


def _sign(code: Code, operator: Operator, x: Any) -> tuple[Any, ...]:
    below = code.select(code.fcompare("<", x, 0.0), code.const(-1.0), x)
    return (code.select(code.fcompare(">", x, 0.0), code.const(1.0), below),)


def _select(code: Code, operator: Operator, c: Any, a: Any, b: Any) -> tuple[Any, ...]:
    return (code.select(code.fcompare(">", c, 0.0), a, b),)


def _relu(code: Code, operator: Operator, x: Any) -> tuple[Any, ...]:
    return (code.fmax(0.0, x),)  # in this order NaN stays


def _relu_gradient(code: Code, operator: Operator, y: Any, g: Any) -> tuple[Any, ...]:
    return (code.select(code.fcompare("<=", y, 0.0), code.const(0.0), g),)


def _sgd(
    code: Code,
    operator: SgdUpdate,
    p: Any,
    g: Any,
    v: Any,
    rate: Any,
    momentum: Any,
    decay: Any,
    scale: Any,
) -> tuple[Any, ...]:
    d = code.fadd(code.fmul(scale, g), code.fmul(decay, p))
    v = code.fadd(code.fmul(momentum, v), d)
    step = code.fadd(d, code.fmul(momentum, v)) if operator.nesterov else v
    return code.fsub(p, code.fmul(rate, step)), v


def _adam(
    code: Code,
    operator: AdamUpdate,
    p: Any,
    g: Any,
    m: Any,
    s: Any,
    rate: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    decay: Any,
    first: Any,
    second: Any,
    scale: Any,
) -> tuple[Any, ...]:
    d = code.fmul(scale, g)
    if operator.decoupled:
        p = code.fsub(p, code.fmul(code.fmul(rate, decay), p))
    else:
        d = code.fadd(d, code.fmul(decay, p))
    m = code.fadd(m, code.fmul(code.fsub(1.0, beta1), code.fsub(d, m)))
    s = code.fadd(s, code.fmul(code.fsub(1.0, beta2), code.fsub(code.fmul(d, d), s)))
    size = code.fadd(code.sqrt(code.fdiv(s, second)), eps)
    return code.fsub(p, code.fdiv(code.fmul(rate, code.fdiv(m, first)), size)), m, s


def _average(code: Code, operator: Operator, old: Any, new: Any, share: Any) -> tuple[Any, ...]:
    return (code.fadd(old, code.fmul(share, code.fsub(new, old))),)


def _clip(code: Code, operator: Operator, square: Any, limit: Any) -> tuple[Any, ...]:
    norm, one = code.sqrt(square), code.const(1.0)
    divisor = code.select(code.fcompare(">", norm, 0.0), norm, one)
    return (code.select(code.fcompare(">", norm, limit), code.fdiv(limit, divisor), one),)


EMITTERS: dict[type[Operator], Emitter] = {
    Add: lambda code, _, a, b: (code.fadd(a, b),),
    Subtract: lambda code, _, a, b: (code.fsub(a, b),),
    Multiply: lambda code, _, a, b: (code.fmul(a, b),),
    Divide: lambda code, _, a, b: (code.fdiv(a, b),),
    Maximum: lambda code, _, a, b: (code.maximum(a, b),),
    Negate: lambda code, _, x: (code.fneg(x),),
    Absolute: lambda code, _, x: (code.fabs(x),),
    Sqrt: lambda code, _, x: (code.sqrt(x),),
    Equal: _equal,
    Floor: _function(math.floor),
    Round: _function(math.rint),
    Sign: _sign,
    Heaviside: _heaviside,
    Select: _select,
    Relu: _relu,
    ReluGradient: _relu_gradient,
    Exp: _function(math.exp),
    Log: _function(math.log),
    Log1p: _function(math.log1p),
    Tanh: _function(math.tanh),
    Sigmoid: _function(math.sigmoid),
    Erf: _function(math.erf),
    Sin: _function(angle.sin),
    Cos: _function(angle.cos),
    Remainder: lambda code, op, a, b: (remainder(code, a, b, truncated=op.truncated),),
    SgdUpdate: _sgd,
    AdamUpdate: _adam,
    MovingAverage: _average,
    ClipFactor: _clip,
}
