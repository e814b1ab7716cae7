"""Index arithmetic on 64-bit integers, folded wherever Python knows the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from llvmlite import ir

I1 = ir.IntType(1)
I32 = ir.IntType(32)
I64 = ir.IntType(64)

Index: TypeAlias = int | ir.Value
Condition: TypeAlias = bool | ir.Value

_FOLDED = {
    "<": int.__lt__,
    "<=": int.__le__,
    "==": int.__eq__,
    "!=": int.__ne__,
    ">=": int.__ge__,
    ">": int.__gt__,
}


class Integers:
    """The integer part of a kernel being written: it folds what Python knows."""

    builder: ir.IRBuilder

    def value(self, x: Index) -> ir.Value:
        """`x` as an i64."""
        return I64(int(x)) if isinstance(x, int) else x

    def add(self, *terms: Index) -> Index:
        """The sum; the known terms are added up first."""
        known = sum(x for x in terms if isinstance(x, int))
        total: Index | None = None
        for x in terms:
            if not isinstance(x, int):
                total = x if total is None else self.builder.add(total, x)
        if total is None:
            return known
        return self.builder.add(total, I64(known)) if known else total

    def anew(self, x: Index) -> Index:
        """x, of which LLVM does not know where it comes from.

        Else it carries every address that is counted from x through all loops around, one register
        or place on the stack each, where in large bodies that costs more than it saves.
        """
        kind = ir.FunctionType(I64, [I64])
        return self.builder.asm(kind, "", "=r,0", [self.value(x)], False)

    def sub(self, x: Index, y: Index) -> Index:
        """x - y."""
        if isinstance(y, int):
            return self.add(x, -y)
        return self.builder.sub(self.value(x), y)

    def mul(self, *factors: Index) -> Index:
        """The product; the known factors are multiplied first."""
        known = 1
        product: Index | None = None
        for x in factors:
            if isinstance(x, int):
                known *= x
            else:
                product = x if product is None else self.builder.mul(product, x)
        if product is None or known == 0:
            return known
        return product if known == 1 else self.builder.mul(product, I64(known))

    def div(self, x: Index, y: Index) -> Index:
        """x // y of x >= 0 and y > 0."""
        if isinstance(x, int) and isinstance(y, int):
            return x // y
        return x if y == 1 else self.builder.udiv(self.value(x), self.value(y))

    def rem(self, x: Index, y: Index) -> Index:
        """x % y of x >= 0 and y > 0."""
        if isinstance(x, int) and isinstance(y, int):
            return x % y
        return 0 if y == 1 else self.builder.urem(self.value(x), self.value(y))

    def counted(self, number: Index, *counts: Index) -> list[Index]:
        """What a number >= 0 counts: how often all of them, then the index in each of `counts`,
        the last of which runs fastest."""
        indices: list[Index] = []
        for count in reversed(counts):
            indices.insert(0, self.rem(number, count))
            number = self.div(number, count)
        return [number, *indices]

    def numbered(self, indices: Sequence[Index], counts: Sequence[Index]) -> Index:
        """The number that counts these indices, the last of which runs fastest."""
        number: Index = 0
        for index, count in zip(indices, counts, strict=True):
            number = self.add(self.mul(number, count), index)
        return number

    def moves(self, steps: Sequence[Index], indices: Sequence[Index]) -> list[Index]:
        """How far each index moves."""
        return [self.mul(step, index) for step, index in zip(steps, indices, strict=True)]

    def ceil_div(self, x: Index, y: Index) -> Index:
        """x / y rounded up, of x >= 0 and y > 0."""
        return self.div(self.add(x, y, -1), y)

    def floor_div(self, x: Index, y: Index) -> Index:
        """x // y of any x and y > 0, rounded down as Python does."""
        if isinstance(x, int) and isinstance(y, int):
            return x // y
        x, y = self.value(x), self.value(y)
        quotient = self.builder.sdiv(x, y)
        below = self.builder.icmp_signed("<", self.builder.srem(x, y), I64(0))
        return self.builder.sub(quotient, self.builder.zext(below, I64))

    def floor_rem(self, x: Index, y: Index) -> Index:
        """x % y of any x and y > 0, in 0 ... y-1 as in Python."""
        return self.sub(x, self.mul(self.floor_div(x, y), y))

    def min(self, x: Index, y: Index) -> Index:
        """The smaller one."""
        return self.select(self.compare("<", x, y), x, y)

    def max(self, x: Index, y: Index) -> Index:
        """The larger one."""
        return self.select(self.compare(">", x, y), x, y)

    def compare(self, op: str, x: Index, y: Index) -> Condition:
        """Whether x op y, as signed numbers; op is one of < <= == != >= >."""
        if isinstance(x, int) and isinstance(y, int):
            return _FOLDED[op](x, y)
        return self.builder.icmp_signed(op, self.value(x), self.value(y))

    def within(self, x: Index, n: Index) -> Condition:
        """Whether 0 <= x < n, of n >= 0: one comparison."""
        if isinstance(x, int) and isinstance(n, int):
            return 0 <= x < n
        return self.builder.icmp_unsigned("<", self.value(x), self.value(n))

    def both(self, p: Condition, q: Condition) -> Condition:
        """p and q."""
        if isinstance(p, bool):
            return q if p else False
        if isinstance(q, bool):
            return p if q else False
        return self.builder.and_(p, q)

    def inverse(self, p: Condition) -> Condition:
        """not p."""
        return not p if isinstance(p, bool) else self.builder.not_(p)

    def select(self, condition: Condition | None, x: Index, y: Index) -> Index:
        """x where the condition (or mask; None is everywhere) holds, else y; numbers or vectors."""
        if condition is None or isinstance(condition, bool):
            return y if condition is False else x
        return self.builder.select(condition, self.value(x), self.value(y))
