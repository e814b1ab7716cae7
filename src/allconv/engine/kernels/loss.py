"""Softmax and its cross-entropy: one row of classes, contiguous in memory, at a time.

Differences from the row's maximum m are kept as x - m = d + r, where d is the rounded difference
and r what rounding lost (Knuth's sum), so that exp(x - m) = e^d (1 + r) to a few units in the last
place however large the logits are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan
from typing import ClassVar

import numpy as np
from llvmlite import ir

from allconv.engine.arguments import Arguments, T, joined
from allconv.engine.emit import sixteen
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.math import exp, log1p
from allconv.engine.emit.vector import Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.over_axis import lines, result_lines
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.loss import CrossEntropy, CrossEntropyGradient, LogSoftmax, Softmax
from allconv.value import Value

CHUNKS = 64  # at most, of a step
CHUNK_WORK = 8192  # elements, at least, of a chunk


@dataclass(frozen=True, kw_only=True)
class RowArguments(Arguments[T]):
    """Logits x and the result, and how many rows there are, in all and in a chunk."""

    x: T
    out: T
    rows: T
    block: T
    classes: T


@dataclass(frozen=True, kw_only=True)
class LabelArguments(Arguments[T]):
    """Labels, the shares, and the gradient of the loss with its stride."""

    labels: T
    shares: T
    gy: T
    gy_row: T


@dataclass(frozen=True, kw_only=True)
class LabelledArguments(RowArguments[T], LabelArguments[T]):
    """Rows with a label each."""


@dataclass(frozen=True)
class _Rows(Kernel):
    """A kernel on rows of `classes` elements; a chunk is `block` of the `rows`."""

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(RowArguments)
        with code.units(a.block, a.rows) as number:
            self.emit_row(_ShiftedRow(code, number))

    @abstractmethod
    def emit_row(self, row: _ShiftedRow) -> None:
        """Compute one row."""


class _ShiftedRow:
    """A row of x, shifted by its maximum."""

    def __init__(self, code: Code, number: Index) -> None:
        a = code.arguments(RowArguments)
        self.code, self.number, self.classes = code, number, a.classes
        self.start = code.mul(number, self.classes, code.size)
        self.x = View(code, a.x, code.size).moved(self.start)
        self.whole = code.sub(self.classes, code.rem(self.classes, code.lanes))
        self.tail = code.mask(code.sub(self.classes, self.whole))
        highest = [code.const(-inf)]

        def compare(c: Index, mask: Mask) -> None:
            highest[0] = code.fmax(self.load(c, mask), highest[0])

        self.each(compare, highest)
        self.highest = code.reduce(code.fmax, highest[0])
        self.shift = code.splat(self.highest)

    def each(self, body: Callable[[Index, Mask], None], carry: list[ir.Value]) -> None:
        """Do something with every vector of classes."""
        code = self.code
        with code.loop(self.whole, step=code.lanes, carry=carry) as c:
            body(c, None)
        with code.when(code.compare("<", self.whole, self.classes), carry):
            body(self.whole, self.tail)

    def sums(self, body: Callable[[Index, Mask], list[ir.Value]], terms: int = 1) -> list[ir.Value]:
        """Sums over the classes of what `body` gives, as one run of `operators.reduce`."""
        code = self.code
        carry = sixteen.empty(code) * terms
        parts = len(carry) // terms

        def add(c: Index, mask: Mask) -> None:
            for term, x in enumerate(body(c, mask)):
                here = slice(term * parts, (term + 1) * parts)
                carry[here] = sixteen.added(code, carry[here], x)

        self.each(add, carry)
        return [sixteen.joined(code, carry[term * parts :][:parts]) for term in range(terms)]

    def load(self, c: Index, mask: Mask) -> ir.Value:
        """A vector of x; -inf, which adds nothing, behind the end."""
        x = self.x[c].vector(0, mask)
        return self.code.select(mask, x, self.code.const(-inf))

    def below(self, x: ir.Value) -> tuple[ir.Value, ir.Value]:
        """x - m, and what was lost in it."""
        code = self.code
        d = code.fsub(x, self.shift)
        back = code.fsub(d, x)
        lost = code.fsub(code.fsub(x, code.fsub(d, back)), code.fadd(self.shift, back))
        return d, code.select(code.is_nan(lost), code.const(0.0), lost)

    def exp(self, x: ir.Value) -> ir.Value:
        """e^(x - m)."""
        d, lost = self.below(x)
        e = exp(self.code, d)
        return self.code.fma(e, lost, e)

    def log_sum(self) -> ir.Value:
        """log(sum of e^(x - m)) = log1p of the sum without one of the maxima, in all lanes.

        A row with an infinite maximum gives NaN.
        """
        code = self.code

        def terms(c: Index, mask: Mask) -> list[ir.Value]:
            x = self.load(c, mask)
            most = code.fcompare("==", x, self.shift)
            one, zero = code.const(1.0), code.const(0.0)
            return [code.select(most, zero, self.exp(x)), code.select(most, one, zero)]

        below, equal = self.sums(terms, 2)  # of those below the maximum, and of the others
        finite = code.fsub(self.highest, self.highest)
        return log1p(code, code.splat(code.fadd(code.fadd(below, code.fsub(equal, 1.0)), finite)))

    def minus_log(self, x: ir.Value, log_sum: ir.Value) -> ir.Value:
        """-log_softmax of x."""
        d, lost = self.below(x)
        return self.code.fsub(self.code.fsub(log_sum, d), lost)


@dataclass(frozen=True)
class SoftmaxRows(_Rows):
    """out = softmax(x), or its logarithm."""

    log: bool

    takes: ClassVar = RowArguments

    def emit_row(self, row: _ShiftedRow) -> None:
        """Compute one row."""
        code = row.code
        out = View(code, code.arguments(RowArguments).out, code.size).moved(row.start)
        if self.log:
            total = row.log_sum()

            def write(c: Index, mask: Mask) -> None:
                y = code.fneg(row.minus_log(row.load(c, mask), total))
                out[c].store(y, 0, mask)

            row.each(write, [])
            return

        def exponential(c: Index, mask: Mask) -> list[ir.Value]:
            e = row.exp(row.load(c, mask))
            out[c].store(e, 0, mask)
            return [e]

        total = code.splat(*row.sums(exponential))

        def divide(c: Index, mask: Mask) -> None:
            out[c].store(code.fdiv(out[c].vector(0, mask), total), 0, mask)

        row.each(divide, [])


@dataclass(frozen=True)
class _Labelled(_Rows):
    """Rows with a label each; one that is no class gives NaN. Shares are those of `_shares`."""

    smooth: bool

    takes: ClassVar = LabelledArguments

    def label(self, row: _ShiftedRow) -> tuple[ir.Value, ir.Value, ir.Value]:
        """Whether the label is a class, the label (0 if not), and its x in all lanes."""
        code = row.code
        labels = code.arguments(LabelledArguments).labels
        given = View(code, labels, 8, dtype="int64")[row.number].scalar()
        valid = code.within(given, row.classes)
        label = code.select(valid, given, 0)
        return valid, label, code.splat(row.x[label].scalar())

    def share(self, code: Code, number: int) -> ir.Value:
        """One of the shares."""
        return View(code, code.arguments(LabelledArguments).shares, code.size)[number].scalar()

    def checked(self, code: Code, valid: ir.Value, x: ir.Value) -> ir.Value:
        """A scalar, or NaN where the label is no class."""
        return code.builder.select(valid, x, x.type(nan))


@dataclass(frozen=True)
class CrossEntropyRows(_Labelled):
    """out[row] = - sum of target * log_softmax(x)."""

    def emit_row(self, row: _ShiftedRow) -> None:
        """Compute one row."""
        code = row.code
        valid, _, x = self.label(row)
        total = row.log_sum()
        loss = code.lane(row.minus_log(x, total), 0)
        if self.smooth:

            def entropy(c: Index, mask: Mask) -> list[ir.Value]:
                y = row.minus_log(row.load(c, mask), total)
                return [code.select(mask, y, code.const(0.0))]

            (every,) = row.sums(entropy)
            others = code.fmul(every, self.share(code, 1))
            loss = code.fadd(code.fmul(loss, self.share(code, 0)), others)
        out = View(code, code.arguments(LabelledArguments).out, code.size)[row.number]
        out.store_scalar(self.checked(code, valid, loss))


@dataclass(frozen=True)
class CrossEntropyGradientRows(_Labelled):
    """out = (softmax(x) - target) * gy.

    At the label, softmax - 1 is minus the share of the other classes: nothing cancels.
    """

    def emit_row(self, row: _ShiftedRow) -> None:
        """Compute one row."""
        code, a = row.code, row.code.arguments(LabelledArguments)
        out = View(code, a.out, code.size).moved(row.start)
        valid, label, x = self.label(row)
        zero = code.const(0.0)

        def exponential(c: Index, mask: Mask) -> list[ir.Value]:
            e = row.exp(row.load(c, mask))
            out[c].store(e, 0, mask)
            return [code.select(_lanes_equal(code, c, label), zero, e)]

        others = code.splat(*row.sums(exponential))
        total = code.fadd(others, row.exp(x))
        gy = View(code, a.gy, a.gy_row)[row.number].scalar()
        scale = code.splat(self.checked(code, valid, gy))

        def write(c: Index, mask: Mask) -> None:
            at_label = _lanes_equal(code, c, label)
            y = code.select(at_label, code.fneg(others), out[c].vector(0, mask))
            y = code.fdiv(y, total)
            if self.smooth:
                even, moved = (code.splat(self.share(code, n)) for n in (1, 2))
                y = code.fadd(code.fsub(y, even), code.select(at_label, moved, zero))
            out[c].store(code.fmul(y, scale), 0, mask)

        row.each(write, [])


def _lanes_equal(code: Code, c: Index, label: ir.Value) -> ir.Value:
    """Lanes of the vector at class c that are the label."""
    kind = code.vector_type("int32").element
    first = code.splat(code.builder.trunc(code.value(c), kind))
    wanted = code.splat(code.builder.trunc(label, kind))
    return code.icompare("==", code.integer("+", code.numbers("int32"), first), wanted)


def _add_step(
    planner: Planner, kernel: Kernel, x: Place, out: Place, classes: int,
    labels: LabelArguments[Argument] | None = None,
) -> None:  # fmt: skip
    """Rows in chunks."""
    rows = x.spec.size // classes
    if not rows:
        return
    block = -(-rows // max(1, min(CHUNKS, x.spec.size // CHUNK_WORK)))
    arguments = RowArguments[Argument](x=x, out=out, rows=rows, block=block, classes=classes)
    reads = [x]
    if labels is not None:
        arguments = LabelledArguments[Argument](**joined(arguments, labels))
        reads += [place for place in labels.numbers().values() if isinstance(place, Place)]
    planner.step(kernel, arguments, reads=reads, writes=[out], chunks=-(-rows // block))


def lower_softmax(planner: Planner, node: Node) -> bool:
    """See `_over_axis`."""
    return _over_axis(planner, node, node.of(Softmax).axis, log=False)


def lower_log_softmax(planner: Planner, node: Node) -> bool:
    """See `_over_axis`."""
    return _over_axis(planner, node, node.of(LogSoftmax).axis, log=True)


def _over_axis(planner: Planner, node: Node, axis: int, *, log: bool) -> bool:
    """Lines along the axis."""
    (value,), (y,) = node.inputs, node.outputs
    kernel = SoftmaxRows(planner.target, y.dtype, log)
    x, out = lines(planner, value, axis), result_lines(planner, y, axis)
    _add_step(planner, kernel, x, out, value.shape[axis])
    return True


def _given(
    planner: Planner,
    smoothing: float,
    x: Value,
    labels: Value,
    gy: Argument = 0,
    gy_row: int = 0,
) -> LabelArguments[Argument]:
    """Labels and shares: what the label has more than others, what every class has, and what was
    taken from 1."""
    shares = (1 - smoothing, smoothing / x.shape[1], smoothing)
    return LabelArguments[Argument](
        labels=planner.read(labels, "rows"),
        shares=planner.constant(np.array(shares, x.dtype)),
        gy=gy,
        gy_row=gy_row,
    )


def lower_cross_entropy(planner: Planner, node: Node) -> bool:
    """A loss a sample."""
    operator, (x, labels), (loss,) = node.of(CrossEntropy), node.inputs, node.outputs
    kernel = CrossEntropyRows(planner.target, x.dtype, operator.smoothing > 0)
    places = planner.read(x, "last"), planner.result(loss, "rows")
    given = _given(planner, operator.smoothing, x, labels)
    _add_step(planner, kernel, *places, x.shape[1], given)
    return True


def lower_cross_entropy_gradient(planner: Planner, node: Node) -> bool:
    """A row a sample; a gradient that is the same for all samples is read in place."""
    operator, (x, labels, gy), (gx,) = node.of(CrossEntropyGradient), node.inputs, node.outputs
    kernel = CrossEntropyGradientRows(planner.target, x.dtype, operator.smoothing > 0)
    same = not any(planner.read(gy).strides)
    scale = planner.read(gy) if same else planner.read(gy, "rows")
    places = planner.read(x, "last"), planner.result(gx, "last")
    step = 0 if same else scale.item
    given = _given(planner, operator.smoothing, x, labels, scale, step)
    _add_step(planner, kernel, *places, x.shape[1], given)
    return True


LOWERINGS: dict[type[Operator], Lowering] = {
    Softmax: lower_softmax,
    LogSoftmax: lower_log_softmax,
    CrossEntropy: lower_cross_entropy,
    CrossEntropyGradient: lower_cross_entropy_gradient,
}
