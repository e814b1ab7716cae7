"""Optimiser steps and moving averages: maps with several results and settings in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allconv.engine.kernels.map import Emitter
from allconv.engine.kernels.pointwise import lower_pointwise
from allconv.engine.plan import Lowering
from allconv.operators.base import Operator
from allconv.operators.update import AdamUpdate, ClipFactor, MovingAverage, SgdUpdate

if TYPE_CHECKING:
    from allconv.engine.emit.code import Code


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
    SgdUpdate: _sgd,
    AdamUpdate: _adam,
    MovingAverage: _average,
    ClipFactor: _clip,
}

LOWERINGS: dict[type[Operator], Lowering] = dict.fromkeys(EMITTERS, lower_pointwise)
