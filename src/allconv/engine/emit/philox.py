"""Random words by counter, on vectors: the same words as allconv.random, in any order.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from allconv.engine.emit.code import Code

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


def philox4x32(
    code: Code, counter: Sequence[ir.Value], key: Sequence[ir.Value]
) -> tuple[ir.Value, ir.Value, ir.Value, ir.Value]:
    """Philox-4x32-10: four random words for each counter.

    `counter` holds four and `key` two vectors of `lanes` 32-bit integers; `words` makes them.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        low0, high0 = _multiply(code, c0, _MULTIPLIERS[0])
        low1, high1 = _multiply(code, c2, _MULTIPLIERS[1])
        c0 = code.integer("^", code.integer("^", high1, c1), k0)
        c2 = code.integer("^", code.integer("^", high0, c3), k1)
        c1, c3 = low1, low0
        k0, k1 = (code.integer("+", k, step) for k, step in zip((k0, k1), _KEY_STEPS, strict=True))
    return c0, c1, c2, c3


def words(code: Code, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The low and the high half of 64-bit integers, as vectors of 32-bit integers."""
    high = code.integer(">>", x, 32)
    return code.convert(x, "int32"), code.convert(high, "int32")


def _multiply(code: Code, x: ir.Value, factor: int) -> tuple[ir.Value, ir.Value]:
    """The low and the high word of the product."""
    wide = code.builder.zext(x, code.vector_type("int64"))
    return words(code, code.integer("*", wide, factor))
