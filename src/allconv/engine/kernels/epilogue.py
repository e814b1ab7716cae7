"""Epilogues: what a kernel computes on its result before it writes it, cell by cell.

An epilogue is an expression of pointwise operators, as `map` runs them over memory; its first
operand is the result in a register, the others lie in memory. So a convolution with batch
normalisation, a residual and an activation writes its result once and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allconv.engine.kernels.map import Expression
from allconv.engine.place import Place

if TYPE_CHECKING:
    from llvmlite import ir

    from allconv.engine.emit.code import Code
    from allconv.engine.emit.integer import Index
    from allconv.engine.emit.vector import Mask

OPERANDS = 4  # besides the result
SLOTS = tuple(f"{name}{k}" for name in ("e", "en") for k in range(OPERANDS))
"""Of each operand: its address, and how many bytes it moves from image to image."""

IDENTITY = Expression(1, (), (0,))


@dataclass(frozen=True)
class Epilogue:
    """An expression of the result and of further operands.

    `kinds` tells how each of these lies: "c", a number for each channel, or for each image and
    channel; "y", an array that lies just as the result does; "s", a single number.
    """

    expression: Expression = IDENTITY
    kinds: str = ""

    def apply(
        self, code: Code, x: ir.Value, image: Index, channel: Index, cell: Index, mask: Mask = None
    ) -> ir.Value:
        """What a vector of the result becomes.

        `channel` is its first channel in bytes, counted over all groups; `cell` is its address less
        that of the result.
        """
        from allconv.engine.emit.view import View

        operands = [x]
        for k, kind in enumerate(self.kinds):
            address = code.arg(f"e{k}")
            if kind == "s":
                operands.append(code.splat(View(code, address).scalar()))
                continue
            move = cell
            if kind == "c":
                move = code.add(code.mul(image, code.arg(f"en{k}")), channel)
            operands.append(View(code, code.add(address, move)).vector(0, mask))
        (result,) = self.expression.emit(code, operands)
        return result


@dataclass(frozen=True)
class Tail:
    """An epilogue with its operands, for one step."""

    epilogue: Epilogue = Epilogue()
    operands: tuple[Place, ...] = ()
    by_image: tuple[int, ...] = ()  # bytes that each moves from image to image

    def slots(self) -> dict[str, int | Place]:
        """The values of SLOTS."""
        places: Sequence[int | Place] = [*self.operands, *[0] * (OPERANDS - len(self.operands))]
        moves = [*self.by_image, *[0] * (OPERANDS - len(self.by_image))]
        slots: dict[str, int | Place] = {f"e{k}": place for k, place in enumerate(places)}
        return slots | {f"en{k}": move for k, move in enumerate(moves)}
