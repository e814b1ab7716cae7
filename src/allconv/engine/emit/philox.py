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
    Inside, a word is the low half of a 64-bit lane, where products need no shuffling; what is in
    the high half does not matter, since every multiplication looks at the low one alone.
    """
    wide = code.vector_type("int64")
    c0, c1, c2, c3 = (code.builder.zext(x, wide) for x in counter)
    k0, k1 = (code.builder.zext(x, wide) for x in key)
    for _ in range(_ROUNDS):
        p0, p1 = (
            code.integer("*", code.integer("&", x, 2**32 - 1), factor)
            for x, factor in zip((c0, c2), _MULTIPLIERS, strict=True)
        )
        c0 = code.integer("^", code.integer("^", code.integer(">>", p1, 32), c1), k0)
        c2 = code.integer("^", code.integer("^", code.integer(">>", p0, 32), c3), k1)
        c1, c3 = p1, p0
        k0, k1 = (code.integer("+", k, step) for k, step in zip((k0, k1), _KEY_STEPS, strict=True))
    narrow = code.vector_type("int32")
    c0, c1, c2, c3 = (code.builder.trunc(x, narrow) for x in (c0, c1, c2, c3))
    return c0, c1, c2, c3


def words(code: Code, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The low and the high half of 64-bit integers, as vectors of 32-bit integers."""
    high = code.integer(">>", x, 32)
    return code.convert(x, "int32"), code.convert(high, "int32")
