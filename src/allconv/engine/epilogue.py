"""Epilogues: what a kernel computes on its result before it writes it, cell by cell.

An epilogue is an expression of pointwise operators, as `map` runs them over memory; its first
operand is the result in a register, the others lie in memory. So a convolution with batch
normalisation, a residual and an activation writes its result once and nothing else. A prologue is
the same on what a kernel reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod

from llvmlite import ir

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.expression import Expression
from allconv.engine.place import Place
from allconv.engine.step import Number

OPERANDS = 8  # besides the result: a normalisation, the numbers of an activation, a residual


@dataclass(frozen=True, kw_only=True)
class AfterArguments(Arguments[T]):
    """The operands of an epilogue, and how far each moves from image to image."""

    after: tuple[T, ...] = several(OPERANDS)
    after_image: tuple[T, ...] = several(OPERANDS)


@dataclass(frozen=True, kw_only=True)
class BeforeArguments(Arguments[T]):
    """The operands of a prologue, and how far each moves from image to image."""

    before: tuple[T, ...] = several(OPERANDS)
    before_image: tuple[T, ...] = several(OPERANDS)


IDENTITY = Expression(1, (), (0,))


@dataclass(frozen=True)
class Epilogue:
    """An expression of the result and of further operands.

    `kinds` tells how each of these lies: "c", a number for each channel, or for each image and
    channel; "y", an array that lies just as the result does; "s", a single number. With `before`
    it is a prologue.
    """

    expression: Expression = IDENTITY
    kinds: str = ""
    before: bool = False

    def apply(
        self, code: Code, x: ir.Value, image: Index, channel: Index, cell: Index,
        mask: Mask = None, *, plane: bool = False,
    ) -> ir.Value:  # fmt: skip
        """What a vector of the result becomes.

        `channel` is its first channel in bytes, counted over all groups; `cell` is its address less
        that of the result. Lanes are channels, or cells of a single one of a `plane`.
        """
        if self.before:
            b = code.arguments(BeforeArguments)
            addresses, by_image = b.before, b.before_image
        else:
            a = code.arguments(AfterArguments)
            addresses, by_image = a.after, a.after_image
        operands = [x]
        for k, kind in enumerate(self.kinds):
            address = addresses[k]
            if kind == "s":
                single = partial(_everywhere, code, address)
                operands.append(code.once((self.before, k), single))
                continue
            move = cell
            if kind == "c":
                move = code.add(code.mul(image, by_image[k]), channel)
            if kind == "c" and plane:
                operands.append(_everywhere(code, code.add(address, move)))
            else:
                operands.append(View(code, code.add(address, move)).vector(0, mask))
        (result,) = self.expression.emit(code, operands)
        return result


def _everywhere(code: Code, address: Index) -> ir.Value:
    """A number in all lanes."""
    return code.splat(View(code, address).scalar())


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

    def arguments(self) -> AfterArguments[Number] | BeforeArguments[Number]:
        """What a kernel is given of it."""
        unused = (0,) * (OPERANDS - len(self.operands))
        places: tuple[Number, ...] = (*self.operands, *unused)
        by_image = (*self.by_image, *unused)
        if self.epilogue.before:
            return BeforeArguments[Number](before=places, before_image=by_image)
        return AfterArguments[Number](after=places, after_image=by_image)
