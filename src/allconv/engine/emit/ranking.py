"""Ranks: integers in the order of floats, NaN among them, so that one comparison decides."""

from __future__ import annotations

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index


def rank_dtype(code: Code) -> str:
    """The dtype of ranks: integers as wide as the kernel's floats."""
    return f"int{8 * code.size}"


def limits(code: Code) -> tuple[int, int]:
    """The least and the largest of these integers; the least is the rank of no number."""
    most = (1 << 8 * code.size - 1) - 1
    return -most - 1, most


def rank(code: Code, x: ir.Value, *, falling: bool = False, nan_first: bool = True) -> ir.Value:
    """The ranks of floats: larger for larger ones (`falling`: for smaller ones), equal for both
    zeros.

    NaN has the largest rank, or (not `nan_first`) the least.
    """
    least, most = limits(code)
    number = code.fneg(x) if falling else x
    bits = code.bits(code.fadd(number, 0.0))  # -0 + 0 is 0
    below = code.integer(">>-", bits, 8 * code.size - 1)  # all ones where the sign is set
    ordered = code.integer("^", bits, code.integer("&", below, most))
    none = code.const(most if nan_first else least + 1, rank_dtype(code))
    return code.select(code.is_nan(x), none, ordered)


def ascending(code: Code, first: Index, step: int = 1) -> ir.Value:
    """The integers first, first + step, ..."""
    kind = code.vector_type(rank_dtype(code))
    start = code.splat(code.builder.trunc(code.value(first), kind.element))
    return code.integer("+", start, ir.Constant(kind, [step * n for n in range(code.lanes)]))


def largest(code: Code, x: ir.Value) -> ir.Value:
    """The largest integer of all lanes."""
    return code.reduce(lambda p, q: code.select(code.icompare(">", p, q), p, q), x)


def smallest(code: Code, x: ir.Value) -> ir.Value:
    """The smallest integer of all lanes."""
    return code.reduce(lambda p, q: code.select(code.icompare("<", p, q), p, q), x)
