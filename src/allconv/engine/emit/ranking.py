"""Floats as integers that are ordered as they are, and the largest and smallest of such."""

from __future__ import annotations

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index


def integers(code: Code) -> str:
    """The dtype of integers as wide as the kernel's floats."""
    return f"int{8 * code.size}"


def limits(code: Code) -> tuple[int, int]:
    """The least and the largest of these integers; the least is no rank."""
    most = (1 << 8 * code.size - 1) - 1
    return -most - 1, most


def rank(code: Code, x: ir.Value, *, falling: bool = False, nan_first: bool = True) -> ir.Value:
    """Integers, larger ones for larger floats (`falling`: for smaller ones), equal for both zeros.

    That of NaN is the largest, or (not `nan_first`) less than all others.
    """
    least, most = limits(code)
    number = code.fneg(x) if falling else x
    bits = code.bits(code.fadd(number, 0.0))  # -0 + 0 is 0
    below = code.integer(">>-", bits, 8 * code.size - 1)  # all ones where the sign is set
    ordered = code.integer("^", bits, code.integer("&", below, most))
    none = code.const(most if nan_first else least + 1, integers(code))
    return code.select(code.is_nan(x), none, ordered)


def counts(code: Code, first: Index, step: int = 1) -> ir.Value:
    """The integers first, first + step, ..."""
    kind = code.vector_type(integers(code))
    start = code.splat(code.builder.trunc(code.value(first), kind.element))
    return code.integer("+", start, ir.Constant(kind, [step * n for n in range(code.lanes)]))


def largest(code: Code, x: ir.Value) -> ir.Value:
    """The largest integer of all lanes."""
    return code.reduce(lambda p, q: code.select(code.icompare(">", p, q), p, q), x)


def smallest(code: Code, x: ir.Value) -> ir.Value:
    """The smallest integer of all lanes."""
    return code.reduce(lambda p, q: code.select(code.icompare("<", p, q), p, q), x)
