"""Epilogues: what a kernel computes on its result before it writes it, cell by cell.

An epilogue is an expression of pointwise operators, as `map` runs them over memory; its first
operand is the result in a register, the others lie in memory. So a convolution with batch
normalisation, a residual and an activation writes its result once and nothing else. A prologue is
the same on what a kernel reads.

What most convolutions end with (`USUAL`) differs from layer to layer of a network. A kernel has the
code of all of it, and an argument says which: so layers share kernels, and few are compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from allconv.engine.step import Argument
from allconv.operators.pointwise import Add, Maximum, Multiply, Negate, Relu, Sigmoid

OPERANDS = 8  # besides the result: a normalisation, the numbers of an activation, a residual


@dataclass(frozen=True, kw_only=True)
class AfterArguments(Arguments[T]):
    """Which of the epilogues of the kernel it is, its operands, and how far each moves from image
    to image."""

    which: T
    after: tuple[T, ...] = several(OPERANDS)
    after_image: tuple[T, ...] = several(OPERANDS)


@dataclass(frozen=True, kw_only=True)
class BeforeArguments(Arguments[T]):
    """Which of the prologues of the kernel it is, its operands, and how far each moves from image
    to image."""

    which_before: T
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

    @property
    def is_nothing(self) -> bool:
        """Whether the result stays what it is."""
        return self.expression == IDENTITY

    def apply(
        self, code: Code, x: ir.Value, image: Index, channel: Index, cell: Index, mask: Mask = None,
        singles: Mapping[int, ir.Value] | None = None, *, plane: bool = False,
    ) -> ir.Value:  # fmt: skip
        """What a vector of the result becomes.

        A sum that is -0.0 is 0.0 first: the sign would tell which zeros outside of the image were
        counted, and which left out, in which kernels differ.

        `channel` is its first channel in bytes, counted over all groups; `cell` is its address less
        that of the result. `singles` are single numbers in all lanes, by the number of the operand;
        without them they are read where the kernel begins. Lanes are channels, or cells of a single
        one of a `plane`.
        """
        if self.before:
            b = code.arguments(BeforeArguments)
            addresses, by_image = b.before, b.before_image
        else:
            a = code.arguments(AfterArguments)
            addresses, by_image = a.after, a.after_image
        operands = [x if self.before else code.fadd(x, 0.0)]
        for k, kind in enumerate(self.kinds):
            address = addresses[k]
            if kind == "s":
                single = partial(_everywhere, code, address)
                known = code.once((self.before, k), single) if singles is None else singles[k]
                operands.append(known)
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


_CLIPPED = ((Maximum(), (1, 0)), (Negate(), (3,)), (Maximum(), (2, 4)), (Negate(), (5,)))
_HARD_SWISH = (
    (Add(), (0, 1)), (Maximum(), (2, 5)), (Negate(), (6,)), (Maximum(), (3, 7)), (Negate(), (8,)),
    (Multiply(), (0, 9)), (Multiply(), (10, 4)),
)  # fmt: skip

USUAL = (
    Epilogue(),
    Epilogue(Expression(1, ((Relu(), (0,)),), (1,))),
    Epilogue(Expression(3, _CLIPPED, (6,)), "ss"),
    Epilogue(Expression(2, ((Add(), (1, 0)),), (2,)), "y"),
    Epilogue(Expression(2, ((Add(), (0, 1)), (Relu(), (2,))), (3,)), "y"),
    Epilogue(Expression(5, _HARD_SWISH, (11,)), "ssss"),
)
"""Nothing; ReLU; between two numbers, as a hard sigmoid ends; a residual; a residual and ReLU; hard
swish."""

USUAL_ALONE = (
    *USUAL,
    Epilogue(Expression(1, ((Sigmoid(), (0,)),), (1,))),
    Epilogue(Expression(1, ((Sigmoid(), (0,)), (Multiply(), (0, 1))), (2,))),
)
"""The same, a sigmoid, and x times it: where each cell is computed by itself there is room."""

USUAL_BEFORE = (
    Epilogue(before=True),
    Epilogue(Expression(2, ((Multiply(), (0, 1)),), (2,)), "c", before=True),
)
"""Nothing; the scale of squeeze-and-excitation."""


def finished(
    code: Code, epilogues: tuple[Epilogue, ...], registers: Sequence[ir.Value], image: Index,
    channel: Index, cell: Callable[[int], Index], mask: Mask = None,
    carry: list[ir.Value] | None = None,
) -> Iterator[Iterator[ir.Value]]:  # fmt: skip
    """Vectors of the same channels, passed through each epilogue that the kernel has: what is done
    with them is written for each, and runs for the one that the step asks for.

    `cell` gives the address of a vector, less that of the result; the values in `carry` may be
    replaced. What one epilogue reads may not be there for another, so each reads it for itself.
    Vectors are computed as they are taken, so that few registers hold what is not written yet.
    """
    several = len(epilogues) > 1
    a = code.arguments(AfterArguments)
    for which in code.cases(a.which if several else 0, range(len(epilogues)), carry):
        epilogue, singles = epilogues[which], None
        if several:
            of = (k for k, kind in enumerate(epilogue.kinds) if kind == "s")
            singles = {k: _everywhere(code, a.after[k]) for k in of}
        yield (
            epilogue.apply(code, x, image, channel, cell(n), mask, singles)
            for n, x in enumerate(registers)
        )


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

    def epilogues(self, *, alone: bool = False) -> tuple[Epilogue, ...]:
        """What the kernel of the step has: all that are usual, or the one that is not; `alone` says
        that the kernel computes each cell by itself."""
        usual = USUAL_BEFORE if self.epilogue.before else USUAL_ALONE if alone else USUAL
        return usual if self.epilogue in usual else (self.epilogue,)

    def arguments(self) -> AfterArguments[Argument] | BeforeArguments[Argument]:
        """What a kernel is given of it."""
        unused = (0,) * (OPERANDS - len(self.operands))
        places: tuple[Argument, ...] = (*self.operands, *unused)
        by_image = (*self.by_image, *unused)
        which = self.epilogues(alone=True).index(self.epilogue)
        if self.epilogue.before:
            return BeforeArguments[Argument](
                which_before=which, before=places, before_image=by_image
            )
        return AfterArguments[Argument](which=which, after=places, after_image=by_image)
