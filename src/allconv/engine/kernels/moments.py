"""Sums over the rows of a matrix, in two steps: over blocks of rows, then over the blocks.

A matrix of `rows` x `columns` lies row-major; a column belongs to the channel column % channels,
for `fold` rows of few channels count as one. A block is added up in the arrays' dtype, blocks in
float64, all in an order that shapes alone decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from llvmlite import ir

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import ELEMENTS, Mask
from allconv.engine.emit.view import View
from allconv.engine.expression import Expression
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.map import DEFERRED
from allconv.engine.target import Target

Results: TypeAlias = list[tuple[Index, ir.Value]]
"""Addresses of arrays, and what is written there."""


@dataclass(frozen=True, kw_only=True)
class BlockArguments(Arguments[T]):
    """How many rows there are, in all and in a block."""

    rows: T
    block: T


@dataclass(frozen=True, kw_only=True)
class MatrixArguments(BlockArguments[T]):
    """Beside those, the matrix x."""

    columns: T
    x: T


@dataclass(frozen=True, kw_only=True)
class MomentsArguments(MatrixArguments[T]):
    """Beside those, the results of each block."""

    means: T
    squares: T


@dataclass(frozen=True, kw_only=True)
class GradientSumsArguments(MatrixArguments[T]):
    """Beside those, the mean of each column, the operands of gy, and the results of each block."""

    mean: T
    g: tuple[T, ...] = several(DEFERRED)
    plain: T
    products: T


@dataclass(frozen=True, kw_only=True)
class JoinArguments(BlockArguments[T]):
    """Beside those, how many blocks and channels there are, the two results of each block, and the
    numbers of a normalisation."""

    blocks: T
    channels: T
    fold: T
    sums: tuple[T, ...] = several(2)
    eps: T
    gamma: T


@dataclass(frozen=True, kw_only=True)
class MomentsJoinArguments(JoinArguments[T]):
    """Beside those, beta and the results."""

    beta: T
    mean: T
    variance: T
    centre: T
    scale: T
    shift: T


@dataclass(frozen=True, kw_only=True)
class GradientJoinArguments(JoinArguments[T]):
    """Beside those, the variance, the results, and the coefficients a, b and c of gx."""

    variance: T
    ggamma: T
    gbeta: T
    coefficients: tuple[T, ...] = several(3)


@dataclass(frozen=True)
class BlockSums(Kernel):
    """Base of the sums over a block of rows: two float64 numbers for each column and block."""

    vectors: int

    def emit(self, code: Code) -> None:
        """Write the body: groups of columns, several vectors wide and then of single vectors."""
        a = code.arguments(MatrixArguments)
        columns = a.columns
        first = code.mul(code.chunk, a.block)
        count = code.min(a.block, code.sub(a.rows, first))
        start: Index = 0
        for vectors in sorted({1, self.vectors}, reverse=True):
            step = vectors * code.lanes
            end = code.mul(code.div(columns, step), step)
            with code.loop(end, step=step, start=start) as column:
                self.columns(code, first, count, column, [None] * vectors)
            start = end
        with code.when(code.compare("<", start, columns)):
            masks = [code.mask(code.sub(columns, start))]
            self.columns(code, first, count, start, masks)

    def columns(
        self, code: Code, first: Index, count: Index, column: Index, masks: Sequence[Mask]
    ) -> None:
        """Write the sums of some vectors of columns over the rows first ... first+count-1."""
        raise NotImplementedError

    def view(self, code: Code, matrix: Index, row: Index, column: Index) -> View:
        """A matrix from one of its elements on; its index counts rows."""
        stride = code.mul(code.arguments(MatrixArguments).columns, code.size)
        address = code.add(matrix, code.mul(row, stride), code.mul(column, code.size))
        return View(code, address, stride)

    def store(
        self, code: Code, array: Index, column: Index, x: Sequence[Any], masks: Sequence[Mask]
    ) -> None:
        """Write float64 numbers of this block."""
        columns = code.arguments(MatrixArguments).columns
        out = _wide_view(code, array, code.add(code.mul(code.chunk, columns), column))
        for v, (each, mask) in enumerate(zip(x, masks, strict=True)):
            out.store(each, v, mask)

    def sums(
        self, code: Code, count: Index, vectors: int, terms: int, step: Callable[..., list[Any]]
    ) -> list[list[Any]]:
        """Sums over rows: for each term a list of vectors.

        step(row, v, sums) adds the terms of one vector of one row. Several rows are added up side
        by side, since an addition waits for the one before it.
        """
        height = rows_side_by_side(self.target, vectors)
        carry = [code.const(0.0)] * (height * vectors * terms)

        def add(row: Index, side: int) -> None:
            for v in range(vectors):
                at = (side * vectors + v) * terms
                carry[at : at + terms] = step(row, v, carry[at : at + terms])

        whole = code.mul(code.div(count, height), height)
        with code.loop(whole, step=height, carry=carry) as row:
            for side in range(height):
                add(code.add(row, side), side)
        with code.loop(count, start=whole, carry=carry) as row:
            add(row, 0)
        width = vectors * terms
        sides = [carry[side * width : (side + 1) * width] for side in range(height)]
        while len(sides) > 1:
            half = len(sides) // 2
            sides = [
                [code.fadd(x, y) for x, y in zip(sides[k], sides[k + half], strict=True)]
                for k in range(half)
            ]
        return [sides[0][term::terms] for term in range(terms)]


def rows_side_by_side(target: Target, vectors: int) -> int:
    """How many rows to add up side by side, that many vectors wide."""
    return max(1, (8 if target.registers >= 32 else 4) // vectors)


@dataclass(frozen=True)
class Moments(BlockSums):
    """Mean and sum of squared deviations of each column over a block of rows.

    A first pass finds about the mean, a second one the deviations d from it: then the mean is off
    by sum d / n, and the sum of squares by (sum d)² / n.
    """

    takes: ClassVar = MomentsArguments

    def columns(
        self, code: Code, first: Index, count: Index, column: Index, masks: Sequence[Mask]
    ) -> None:
        a = code.arguments(MomentsArguments)
        x = self.view(code, a.x, first, column)

        def plain(row: Index, v: int, sums: list[Any]) -> list[Any]:
            return [code.fadd(sums[0], x[row].vector(v, masks[v]))]

        def deviations(row: Index, v: int, sums: list[Any]) -> list[Any]:
            d = code.fsub(x[row].vector(v, masks[v]), near[v])
            return [code.fadd(sums[0], d), code.fma(d, d, sums[1])]

        n = code.splat(code.builder.sitofp(code.value(count), code.scalar))
        (totals,) = self.sums(code, count, len(masks), 1, plain)
        near = [code.fdiv(total, n) for total in totals]
        off, squares = self.sums(code, count, len(masks), 2, deviations)
        n = code.splat(_number(code, count))
        means, wide = [], []
        for m, d, q in zip(near, off, squares, strict=True):
            share = code.fdiv(_wide(code, d), n)
            means.append(code.fadd(_wide(code, m), share))
            wide.append(code.fsub(_wide(code, q), code.fmul(_wide(code, d), share)))
        self.store(code, a.means, column, means, masks)
        self.store(code, a.squares, column, wide, masks)


@dataclass(frozen=True)
class GradientSums(BlockSums):
    """Sums of gy and of gy*(x - mean) of each column over a block of rows.

    gy is an expression of matrices (kind "v") and numbers ("s").
    """

    expression: Expression
    kinds: str

    takes: ClassVar = GradientSumsArguments

    def columns(
        self, code: Code, first: Index, count: Index, column: Index, masks: Sequence[Mask]
    ) -> None:
        a = code.arguments(GradientSumsArguments)
        x = self.view(code, a.x, first, column)
        g = [self.view(code, each, first, column) for each in a.g[: len(self.kinds)]]
        still = {
            k: code.splat(View(code, a.g[k]).scalar())
            for k, kind in enumerate(self.kinds)
            if kind == "s"
        }
        centre = self.view(code, a.mean, 0, column)
        mean = [centre.vector(v, mask) for v, mask in enumerate(masks)]

        def step(row: Index, v: int, sums: list[Any]) -> list[Any]:
            taken = [
                still[k] if k in still else each[row].vector(v, masks[v])
                for k, each in enumerate(g)
            ]
            (gy,) = self.expression.emit(code, taken)
            d = code.fsub(x[row].vector(v, masks[v]), mean[v])
            return [code.fadd(sums[0], gy), code.fma(gy, d, sums[1])]

        results = self.sums(code, count, len(masks), 2, step)
        for array, sums in zip((a.plain, a.products), results, strict=True):
            self.store(code, array, column, [_wide(code, each) for each in sums], masks)


@dataclass(frozen=True)
class Join(Kernel):
    """Base of what joins blocks, in order, and finds the coefficients; a chunk is one vector."""

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(JoinArguments)
        channels, fold = a.channels, a.fold
        column = code.mul(code.chunk, code.lanes)
        mask = code.mask(code.sub(channels, column))
        carry = [_wide(code, code.const(0.0))] * 2
        with code.loop(a.blocks, carry=carry, at_least_once=True) as block:
            before = code.mul(block, a.block)
            count = code.min(a.block, code.sub(a.rows, before))
            with code.loop(fold, carry=carry, at_least_once=True) as part:
                number = code.add(code.mul(block, fold), part)
                cell = code.add(code.mul(number, channels), column)
                pair = [_wide_view(code, sums, cell).vector(0, mask) for sums in a.sums]
                seen = code.add(code.mul(before, fold), code.mul(part, count))
                carry[:] = self.join(code, carry, pair, seen, count)
        eps = code.splat(_wide_view(code, a.eps, 0).scalar())
        gamma = _wide(code, self.channel(code, a.gamma, column, mask))
        n = code.splat(_number(code, code.mul(a.rows, fold)))
        single, repeated = self.finish(code, carry, n, gamma, eps, column, mask)
        for results, times in ((single, 1), (repeated, fold)):
            for array, x in results:
                out = _view(code, array, column)
                with code.loop(times) as part:
                    at = out.moved(code.mul(part, channels, code.size))
                    at.store(code.convert(x, code.dtype), 0, mask)

    def join(
        self, code: Code, carry: list[Any], pair: list[Any], seen: Index, count: Index
    ) -> list[Any]:
        """Two numbers a channel for `seen` values, joined with two for `count` more."""
        raise NotImplementedError

    def finish(
        self, code: Code, carry: list[Any], n: Any, gamma: Any, eps: Any, column: Index, mask: Mask
    ) -> tuple[Results, Results]:
        """The results, float64: those of each channel, and those that are repeated `fold` times."""
        raise NotImplementedError

    def channel(self, code: Code, array: Index, column: Index, mask: Mask) -> Any:
        """A vector of an array (C,)."""
        return _view(code, array, column).vector(0, mask)


@dataclass(frozen=True)
class MomentsJoin(Join):
    """Means, variances and the coefficients of y = (x - centre)*scale + shift.

    Chan, Golub, LeVeque 1983. Means are rounded to `centre`; `shift` makes up for what is lost,
    which counts where they are far larger than the deviations.
    """

    takes: ClassVar = MomentsJoinArguments

    def join(
        self, code: Code, carry: list[Any], pair: list[Any], seen: Index, count: Index
    ) -> list[Any]:
        (mean, squares), (other, more) = carry, pair
        new, old = _number(code, count), _number(code, seen)
        ratio = code.builder.fdiv(new, _number(code, code.add(seen, count)))
        share = code.splat(ratio)
        d = code.fsub(other, mean)
        between = code.fmul(code.fmul(d, d), code.splat(code.builder.fmul(old, ratio)))
        return [code.fma(d, share, mean), code.fadd(squares, code.fadd(more, between))]

    def finish(
        self, code: Code, carry: list[Any], n: Any, gamma: Any, eps: Any, column: Index, mask: Mask
    ) -> tuple[Results, Results]:
        a = code.arguments(MomentsJoinArguments)
        mean = carry[0]
        variance = code.fdiv(carry[1], n)
        scale = code.fdiv(gamma, code.sqrt(code.fadd(variance, eps)))
        lost = code.fsub(mean, _wide(code, code.convert(mean, code.dtype)))
        beta = _wide(code, self.channel(code, a.beta, column, mask))
        shift = code.fsub(beta, code.fmul(lost, scale))
        single = [(a.mean, mean), (a.variance, variance)]
        return single, [(a.centre, mean), (a.scale, scale), (a.shift, shift)]


@dataclass(frozen=True)
class GradientJoin(Join):
    """gbeta = sum gy, ggamma = rstd * sum gy*(x - mean), and the coefficients of gx.

    gx = a * (gy - b - (x - mean)*c) with a = gamma*rstd, b = gbeta/n, c = rstd*ggamma/n.
    """

    takes: ClassVar = GradientJoinArguments

    def join(
        self, code: Code, carry: list[Any], pair: list[Any], seen: Index, count: Index
    ) -> list[Any]:
        return [code.fadd(x, y) for x, y in zip(carry, pair, strict=True)]

    def finish(
        self, code: Code, carry: list[Any], n: Any, gamma: Any, eps: Any, column: Index, mask: Mask
    ) -> tuple[Results, Results]:
        a = code.arguments(GradientJoinArguments)
        gbeta, products = carry
        variance = _wide(code, self.channel(code, a.variance, column, mask))
        rstd = code.fdiv(1.0, code.sqrt(code.fadd(variance, eps)))
        ggamma = code.fmul(products, rstd)
        coefficients = (
            code.fmul(gamma, rstd),
            code.fdiv(gbeta, n),
            code.fdiv(code.fmul(ggamma, rstd), n),
        )
        single = [(a.ggamma, ggamma), (a.gbeta, gbeta)]
        return single, list(zip(a.coefficients, coefficients, strict=True))


def _wide(code: Code, x: Any) -> Any:
    return code.convert(x, "float64")


def _number(code: Code, n: Index) -> Any:
    """A whole number as a float64."""
    return code.builder.sitofp(code.value(n), ELEMENTS["float64"])


def _view(code: Code, array: Index, number: Index) -> View:
    return View(code, code.add(array, code.mul(number, code.size)))


def _wide_view(code: Code, array: Index, number: Index) -> View:
    return View(code, code.add(array, code.mul(number, 8)), dtype="float64")
