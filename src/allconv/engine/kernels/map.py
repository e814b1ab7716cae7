"""Cell by cell: one pass over memory for any expression of pointwise operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.expression import Expression
from allconv.engine.kernel import Kernel
from allconv.engine.place import Place, collapse
from allconv.engine.plan import Planner
from allconv.engine.step import Argument

OUTER = 3  # axes around the innermost one
OPERANDS = 16
DEFERRED = 5  # operands of an expression that is left to the operator that reads it
OUTPUTS = 3
SPLIT = 16384  # elements of one chunk


@dataclass(frozen=True, kw_only=True)
class MapArguments(Arguments[T]):
    """Sizes of the axes, the innermost last; the strides of outputs along the outer ones, and of
    each operand along each. The first two axes are cut into blocks, the second into `parts`."""

    n: tuple[T, ...] = several(OUTER + 1)
    block: tuple[T, ...] = several(2)
    parts: T
    x: tuple[T, ...] = several(OPERANDS)
    out: tuple[T, ...] = several(OUTPUTS)
    x_axis: tuple[T, ...] = several(OUTER * OPERANDS)
    out_axis: tuple[T, ...] = several(OUTER)


@dataclass(frozen=True)
class Map(Kernel):
    """outputs[i0, i1, i2, i3] = expression(operands[i0, i1, i2, i3]).

    The innermost axis is contiguous in the outputs. `kinds` tells how each operand moves along it:
    "v" as the outputs do, "s" not at all. `axes` counts the axes around it, of which each operand
    has its own strides; the outputs lie alike. A chunk is a block of the first two axes.
    """

    expression: Expression
    kinds: str
    axes: int

    takes: ClassVar = MapArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(MapArguments)
        addresses = a.x[: self.expression.operands] + a.out[: len(self.expression.results)]
        self._loops(code, 0, self._bounds(code), addresses)

    def _bounds(self, code: Code) -> list[tuple[Index, Index]]:
        """The first and the last index of this chunk on each axis."""
        a, axes = code.arguments(MapArguments), [*range(self.axes), OUTER]
        numbers: list[Index] = [code.chunk]
        if self.axes:
            numbers = code.counted(code.chunk, a.parts)
        bounds: list[tuple[Index, Index]] = []
        for k, axis in enumerate(axes):
            n: Index = a.n[axis]
            first: Index = 0
            if k < len(numbers):
                first = code.mul(numbers[k], a.block[k])
                n = code.min(n, code.add(first, a.block[k]))
            bounds.append((first, n))
        return bounds

    def _loops(
        self, code: Code, axis: int, bounds: list[tuple[Index, Index]], addresses: Sequence[Index]
    ) -> None:
        first, last = bounds[axis]
        if axis == self.axes:
            moves = [
                *(kind == "v" for kind in self.kinds),
                *(True for _ in self.expression.results),
            ]
            start = code.mul(first, code.size)
            moved = [
                code.add(address, start) if moving else address
                for address, moving in zip(addresses, moves, strict=True)
            ]
            self._run(code, moved, code.sub(last, first))
            return
        a, first_of_axis = code.arguments(MapArguments), axis * OPERANDS
        strides = a.x_axis[first_of_axis : first_of_axis + self.expression.operands]
        strides += (a.out_axis[axis],) * len(self.expression.results)
        with code.loop(last, start=first, at_least_once=True) as i:
            moved = [
                code.add(address, code.mul(i, stride))
                for address, stride in zip(addresses, strides, strict=True)
            ]
            self._loops(code, axis + 1, bounds, moved)

    def _run(self, code: Code, addresses: list[Index], n: Index) -> None:
        """The innermost axis: several vectors at a time, then single ones, then a part of one."""
        views = [View(code, address) for address in addresses]
        still = {
            k: code.splat(views[k].scalar()) for k, kind in enumerate(self.kinds) if kind == "s"
        }

        def cells(i: Index, vectors: int, mask: Mask = None) -> None:
            here = [view.moved(code.mul(i, code.size)) for view in views]
            inputs, outputs = here[: len(self.kinds)], here[len(self.kinds) :]
            for v in range(vectors):
                x = [still[k] if k in still else at.vector(v, mask) for k, at in enumerate(inputs)]
                for at, y in zip(outputs, self.expression.emit(code, x), strict=True):
                    at.store(y, v, mask)

        start: Index = 0
        for vectors in sorted({1, self.expression.vectors}, reverse=True):
            step = vectors * code.lanes
            end = code.mul(code.div(n, step), step)
            with code.loop(end, step=step, start=start) as i:
                cells(i, vectors)
            start = end
        with code.when(code.compare("<", start, n)):
            cells(start, 1, code.mask(code.sub(n, start)))


def add_map(
    planner: Planner,
    expression: Expression,
    operands: Sequence[Place],
    outputs: Sequence[Place],
    what: str = "",
) -> None:
    """Add the steps that fill `outputs`, which lie alike, from operands that broadcast to them."""
    out = outputs[0]
    if out.spec.size == 0:
        return
    spread = [broadcast(place, out.shape) for place in operands]
    axes = collapse(out.shape, (out.strides, *(place.strides for place in spread)))
    odd = [axes[-1][1][1 + k] not in (0, out.item) for k in range(len(spread))]
    if len(axes) > OUTER + 1:  # too many ways to repeat: only full arrays and single numbers stay
        odd = [any(place.strides) and place.strides != out.strides for place in spread]
    if out.spec.size > 1 and any(odd):
        layout = "last" if out.has("last") else "rows"
        spread = [
            planner.copied(place, layout) if copied else place
            for place, copied in zip(spread, odd, strict=True)
        ]
        axes = collapse(out.shape, (out.strides, *(place.strides for place in spread)))
    if out.spec.size > 1:
        kinds = "".join("v" if axes[-1][1][1 + k] else "s" for k in range(len(spread)))
    else:
        kinds = "".join("v" if place.shape == out.shape else "s" for place in operands)
    kernel = Map(planner.target, out.spec.dtype, expression, kinds, len(axes) - 1)
    arguments, chunks = _arguments(axes, spread, outputs)
    planner.step(kernel, arguments, writes=outputs, chunks=chunks, what=what or str(expression))


def _arguments(
    axes: list[tuple[int, tuple[int, ...]]], operands: Sequence[Place], outputs: Sequence[Place]
) -> tuple[MapArguments[Argument], int]:
    """The argument block of a map, and its number of chunks."""
    sizes = [n for n, _ in axes]
    blocks = [_block(sizes[k], prod(sizes[k + 1 :])) for k in range(min(2, len(sizes)))]
    parts = [-(-n // block) for n, block in zip(sizes, blocks, strict=False)]
    outer = [strides for _, strides in axes[:-1]]
    by_operand = [stride for strides in outer for stride in _filled(strides[1:], OPERANDS)]
    arguments = MapArguments[Argument](
        n=(*_filled(sizes[:-1], OUTER), sizes[-1]),
        block=_filled(blocks, 2),
        parts=parts[-1],
        x=_filled(operands, OPERANDS),
        out=_filled(outputs, OUTPUTS),
        x_axis=_filled(by_operand, OUTER * OPERANDS),
        out_axis=_filled([strides[0] for strides in outer], OUTER),
    )
    return arguments, prod(parts)


def _filled(numbers: Sequence[Argument], count: int) -> tuple[Argument, ...]:
    """So many numbers, of which those that are not used are 0."""
    return (*numbers, *(0,) * (count - len(numbers)))


def _block(n: int, inner: int) -> int:
    """How many of n steps, of `inner` elements each, make a chunk."""
    return min(n, max(1, SPLIT // inner))


def broadcast(place: Place, shape: tuple[int, ...]) -> Place:
    """A place seen with a larger shape, by NumPy's rule."""
    lead = len(shape) - len(place.shape)
    repeated = (
        0 if n == 1 else stride for n, stride in zip(place.shape, place.strides, strict=True)
    )
    return place.viewed(shape, (*(0,) * lead, *repeated))
