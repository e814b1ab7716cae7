"""Dropout, drawn by key: a word for each element by its number in the logical array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from allconv.engine.arguments import Arguments, T, joined, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.philox import philox4x32, words
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.dropout import Dropout as DropoutOperator

RUN = 4096  # elements of a run where the memory is row-major
SPLIT = 8192  # elements of a chunk


@dataclass(frozen=True, kw_only=True)
class NumberingArguments(Arguments[T]):
    """The elements of a run, how many runs follow each other within an image, and how the numbers
    of elements go: from image to image, from run to run, from element to element."""

    length: T
    inner: T
    step: tuple[T, ...] = several(3)


@dataclass(frozen=True, kw_only=True)
class DropoutArguments(NumberingArguments[T]):
    """Beside those, the arrays, the addresses `key` of (seed, step) and `share` of the float64
    1 - p, and how many elements and runs there are, and runs in a chunk."""

    x: T
    out: T
    key: T
    share: T
    threshold: T
    layer: T
    total: T
    runs: T
    block: T


@dataclass(frozen=True)
class Dropout(Kernel):
    """out = x / share where the word of an element is at least the threshold, else 0.

    Memory is a sequence of runs of `length` elements, `total` in all. Element k of run r*inner + s
    has the number r*step[0] + s*step[1] + k*step[2], whose Philox word decides. A chunk is `block`
    runs.
    """

    takes: ClassVar = DropoutArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(DropoutArguments)
        lanes = code.integer("*", code.numbers("int64"), code.splat(a.step[2]))
        draw = _Draw(code)
        with code.units(a.block, a.runs) as run:
            start = code.mul(run, a.length)
            number = code.add(*map(code.mul, code.counted(run, a.inner), a.step))
            n = code.min(a.length, code.sub(a.total, start))
            end = code.mul(code.div(n, code.lanes), code.lanes)
            with code.loop(end, step=code.lanes) as k:
                self._cells(code, draw, lanes, start, number, k, None)
            with code.when(code.compare("<", end, n)):
                mask = code.mask(code.sub(n, end))
                self._cells(code, draw, lanes, start, number, end, mask)

    def _cells(
        self, code: Code, draw: _Draw, lanes: Any, start: Index, number: Index, k: Index, mask: Any
    ) -> None:
        """One vector: element k of a run that starts at `start` in memory, numbered `number`."""
        a = code.arguments(DropoutArguments)
        first = code.add(number, code.mul(k, a.step[2]))
        kept = draw.kept(code.integer("+", lanes, code.splat(code.value(first))))
        offset = code.mul(code.add(start, k), code.size)
        x = View(code, code.add(a.x, offset)).vector(0, mask)
        # Divided in float64 as by the definition, so that the result is the same.
        quotient = code.fdiv(code.convert(x, "float64"), draw.share)
        y = code.select(kept, code.convert(quotient, code.dtype), code.const(0.0))
        View(code, code.add(a.out, offset)).store(y, 0, mask)


class _Draw:
    """What all elements of a call share: the words of the key, the threshold, the divisor."""

    def __init__(self, code: Code) -> None:
        a = code.arguments(DropoutArguments)
        key = View(code, a.key, 8, dtype="int64")
        self.code = code
        self.seed = words(code, code.splat(key[0].scalar()))
        self.step = words(code, code.splat(key[1].scalar()))[0]
        self.layer = words(code, code.splat(a.layer))[0]
        self.threshold = code.splat(a.threshold)
        self.share = code.splat(View(code, a.share, dtype="float64").scalar())

    def kept(self, numbers: Any) -> Any:
        """Which of some numbered elements are kept."""
        code = self.code
        counter = (*words(code, numbers), self.step, self.layer)
        word = philox4x32(code, counter, self.seed)[0]
        wide = code.builder.zext(word, code.vector_type("int64"))
        return code.icompare(">=", wide, self.threshold)


def lower_dropout(planner: Planner, node: Node) -> bool:
    """One pass over an operand in either layout; the result lies as the operand does."""
    operator = node.of(DropoutOperator)
    x, key = planner.read(node.inputs[0]), planner.read(node.inputs[1], "rows")
    layout = "last" if x.has("last") else "rows"
    x = planner.read(node.inputs[0], layout)
    out = planner.result(node.outputs[0], layout)
    if x.spec.size == 0:
        return True
    numbers = _numbering(x)
    runs = -(-x.spec.size // numbers.length)
    block = max(1, min(runs, SPLIT // numbers.length))
    arguments = DropoutArguments[Argument](
        **joined(numbers),
        x=x,
        out=out,
        key=key,
        share=planner.constant(np.array(1 - operator.p, np.float64)),
        threshold=operator.threshold,
        layer=operator.layer,
        total=x.spec.size,
        runs=runs,
        block=block,
    )
    kernel = Dropout(planner.target, x.spec.dtype)
    planner.step(kernel, arguments, writes=[out], chunks=-(-runs // block))
    return True


def _numbering(x: Place) -> NumberingArguments[int]:
    """The runs of an array, and how the numbers of its elements go."""
    if x.has("rows"):
        n = min(RUN, x.spec.size)
        return NumberingArguments(length=n, inner=1, step=(n, 0, 1))
    channels = x.shape[1]
    positions = x.spec.size // (x.shape[0] * channels)
    step = (channels * positions, 1, positions)
    return NumberingArguments(length=channels, inner=positions, step=step)


LOWERINGS: dict[type[Operator], Lowering] = {DropoutOperator: lower_dropout}
