"""Epilogues: what a kernel computes on its result before it writes it, cell by cell.

An epilogue is an expression of pointwise operators, as `map` runs them over memory; its first
operand is the result in a register, the others lie in memory. So a convolution with batch
normalisation, a residual and an activation writes its result once and nothing else. A prologue is
the same on what a kernel reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernels.expression import Expression
from allconv.engine.place import Place

OPERANDS = 8  # besides the result: a normalisation, the numbers of an activation, a residual
AFTER, BEFORE = "e", "q"  # begin the names of the slots


def slots_of(prefix: str) -> tuple[str, ...]:
    """Of each operand: its address, and how many bytes it moves from image to image."""
    return tuple(f"{prefix}{name}{k}" for name in ("", "n") for k in range(OPERANDS))


IDENTITY = Expression(1, (), (0,))


@dataclass(frozen=True)
class Epilogue:
    """An expression of the result and of further operands.

    `kinds` tells how each of these lies: "c", a number for each channel, or for each image and
    channel; "y", an array that lies just as the result does; "s", a single number.
    """

    expression: Expression = IDENTITY
    kinds: str = ""
    slots: str = AFTER

    def apply(
        self, code: Code, x: ir.Value, image: Index, channel: Index, cell: Index, mask: Mask = None
    ) -> ir.Value:
        """What a vector of the result becomes.

        `channel` is its first channel in bytes, counted over all groups; `cell` is its address less
        that of the result.
        """
        operands = [x]
        for k, kind in enumerate(self.kinds):
            address = code.arg(f"{self.slots}{k}")
            if kind == "s":
                operands.append(code.splat(View(code, address).scalar()))
                continue
            move = cell
            if kind == "c":
                move = code.add(code.mul(image, code.arg(f"{self.slots}n{k}")), channel)
            operands.append(View(code, code.add(address, move)).vector(0, mask))
        (result,) = self.expression.emit(code, operands)
        return result


def kind_of(shape: tuple[int, ...], result: tuple[int, ...]) -> str | None:
    """How an operand of this shape meets a result (N, C, *P), or None if no epilogue reads it."""
    if prod(shape) == 1:
        return "s"
    if shape == result:
        return "y"
    full = (1,) * (len(result) - len(shape)) + shape
    per_channel = full[1:] == (result[1], *(1,) * (len(result) - 2))
    return "c" if per_channel and full[0] in (1, result[0]) else None


@dataclass(frozen=True)
class Tail:
    """An epilogue with its operands, for one step."""

    epilogue: Epilogue = Epilogue()
    operands: tuple[Place, ...] = ()
    by_image: tuple[int, ...] = ()  # bytes that each moves from image to image

    def slots(self) -> dict[str, int | Place]:
        """The values of its slots."""
        prefix = self.epilogue.slots
        places: Sequence[int | Place] = [*self.operands, *[0] * (OPERANDS - len(self.operands))]
        moves = [*self.by_image, *[0] * (OPERANDS - len(self.by_image))]
        slots: dict[str, int | Place] = {f"{prefix}{k}": place for k, place in enumerate(places)}
        return slots | {f"{prefix}n{k}": move for k, move in enumerate(moves)}
