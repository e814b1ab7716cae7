"""Sums over the rows of a matrix, in two steps: over blocks of rows, then over the blocks.

A matrix of `rows` x `columns` lies row-major; a column belongs to the channel column % channels,
for `fold` rows of few channels count as one. A block is added up in the arrays' dtype, blocks in
float64, all in an order that shapes alone decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.vector import ELEMENTS, Mask
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.expression import Expression
from allconv.engine.kernels.map import PUT_OFF
from allconv.engine.target import Target


@dataclass(frozen=True)
class Blocks(Kernel):
    """Base of the sums over a block of rows: two float64 numbers for each column and block."""

    vectors: int

    def emit(self, code: Code) -> None:
        """Write the body: groups of columns, several vectors wide and then of single vectors."""
        columns = code.arg("columns")
        first = code.mul(code.chunk, code.arg("block"))
        count = code.min(code.arg("block"), code.sub(code.arg("rows"), first))
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

    def view(self, code: Code, name: str, row: Index, column: Index) -> View:
        """A matrix from one of its elements on; its index counts rows."""
        stride = code.mul(code.arg("columns"), code.size)
        address = code.add(code.arg(name), code.mul(row, stride), code.mul(column, code.size))
        return View(code, address, stride)

    def store(
        self, code: Code, name: str, column: Index, x: Sequence[Any], masks: Sequence[Mask]
    ) -> None:
        """Write float64 numbers of this block."""
        number = code.add(code.mul(code.chunk, code.arg("columns")), column)
        out = View(code, code.add(code.arg(name), code.mul(number, 8)), dtype="float64")
        for v, (each, mask) in enumerate(zip(x, masks, strict=True)):
            out.store(each, v, mask)

    def sums(
        self, code: Code, count: Index, vectors: int, terms: int, step: Callable[..., list[Any]]
    ) -> list[list[Any]]:
        """Sums over rows: for each term a list of vectors.

        step(row, v, sums) adds the terms of one vector of one row. Several rows are added up side
        by side, since an addition waits for the one before it.
        """
        height = side_by_side(self.target, vectors)
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


def side_by_side(target: Target, vectors: int) -> int:
    """How many rows to add up side by side, that many vectors wide."""
    return max(1, (8 if target.registers >= 32 else 4) // vectors)


@dataclass(frozen=True)
class Moments(Blocks):
    """Mean and sum of squared deviations of each column over a block of rows.

    A first pass finds about the mean, a second one the deviations d from it: then the mean is off
    by sum d / n, and the sum of squares by (sum d)² / n.
    """

    slots: ClassVar[tuple[str, ...]] = ("rows", "columns", "block", "x", "means", "squares")

    def columns(
        self, code: Code, first: Index, count: Index, column: Index, masks: Sequence[Mask]
    ) -> None:
        x = self.view(code, "x", first, column)

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
        self.store(code, "means", column, means, masks)
        self.store(code, "squares", column, wide, masks)


@dataclass(frozen=True)
class GradientSums(Blocks):
    """Sums of gy and of gy*(x - mean) of each column over a block of rows.

    gy is an expression of matrices (kind "v") and numbers ("s").
    """

    expression: Expression
    kinds: str

    slots: ClassVar[tuple[str, ...]] = (
        *("rows", "columns", "block", "x", "mean", "plain", "products"),
        *(f"g{k}" for k in range(PUT_OFF)),
    )

    def columns(
        self, code: Code, first: Index, count: Index, column: Index, masks: Sequence[Mask]
    ) -> None:
        x = self.view(code, "x", first, column)
        g = [self.view(code, f"g{k}", first, column) for k in range(len(self.kinds))]
        still = {
            k: code.splat(View(code, code.arg(f"g{k}")).scalar())
            for k, kind in enumerate(self.kinds)
            if kind == "s"
        }
        centre = self.view(code, "mean", 0, column)
        mean = [centre.vector(v, mask) for v, mask in enumerate(masks)]

        def step(row: Index, v: int, sums: list[Any]) -> list[Any]:
            taken = [
                still[k] if k in still else each[row].vector(v, masks[v])
                for k, each in enumerate(g)
            ]
            (gy,) = self.expression.emit(code, taken)
            d = code.fsub(x[row].vector(v, masks[v]), mean[v])
            return [code.fadd(sums[0], gy), code.fma(gy, d, sums[1])]

        for name, sums in zip(
            ("plain", "products"), self.sums(code, count, len(masks), 2, step), strict=True
        ):
            self.store(code, name, column, [_wide(code, each) for each in sums], masks)


@dataclass(frozen=True)
class Join(Kernel):
    """Base of what joins blocks, in order, and finds the coefficients; a chunk is one vector."""

    slots: ClassVar[tuple[str, ...]] = ()
    common: ClassVar[tuple[str, ...]] = (
        *("rows", "block", "blocks", "channels", "fold", "first", "second", "eps", "gamma"),
    )

    def emit(self, code: Code) -> None:
        """Write the body."""
        channels, fold = code.arg("channels"), code.arg("fold")
        column = code.mul(code.chunk, code.lanes)
        mask = code.mask(code.sub(channels, column))
        carry = [_wide(code, code.const(0.0))] * 2
        with code.loop(code.arg("blocks"), carry=carry, at_least_once=True) as block:
            before = code.mul(block, code.arg("block"))
            count = code.min(code.arg("block"), code.sub(code.arg("rows"), before))
            with code.loop(fold, carry=carry, at_least_once=True) as part:
                number = code.add(code.mul(block, fold), part)
                cell = code.add(code.mul(number, channels), column)
                pair = [
                    _wide_view(code, name, cell).vector(0, mask) for name in ("first", "second")
                ]
                seen = code.add(code.mul(before, fold), code.mul(part, count))
                carry[:] = self.join(code, carry, pair, seen, count)
        eps = code.splat(_wide_view(code, "eps", 0).scalar())
        gamma = _wide(code, self.channel(code, "gamma", column, mask))
        n = code.splat(_number(code, code.mul(code.arg("rows"), fold)))
        for name, x in self.finish(code, carry, n, gamma, eps, column, mask).items():
            out = _view(code, name, column)
            with code.loop(1 if name in self.single else fold) as part:
                at = out.moved(code.mul(part, channels, code.size))
                at.store(code.convert(x, code.dtype), 0, mask)

    single: ClassVar[tuple[str, ...]] = ()  # results that are not repeated `fold` times

    def join(
        self, code: Code, carry: list[Any], pair: list[Any], seen: Index, count: Index
    ) -> list[Any]:
        """Two numbers a channel for `seen` values, joined with two for `count` more."""
        raise NotImplementedError

    def finish(
        self, code: Code, carry: list[Any], n: Any, gamma: Any, eps: Any, column: Index, mask: Mask
    ) -> dict[str, Any]:
        """The results, float64, by the name of their slot."""
        raise NotImplementedError

    def channel(self, code: Code, name: str, column: Index, mask: Mask) -> Any:
        """A vector of an array (C,)."""
        return _view(code, name, column).vector(0, mask)


@dataclass(frozen=True)
class MomentsJoin(Join):
    """Means, variances and the coefficients of y = (x - centre)*scale + shift.

    Chan, Golub, LeVeque 1983. Means are rounded to `centre`; `shift` makes up for what is lost,
    which counts where they are far larger than the deviations.
    """

    slots: ClassVar[tuple[str, ...]] = (
        *Join.common,
        *("beta", "mean", "variance", "centre", "scale", "shift"),
    )
    single: ClassVar[tuple[str, ...]] = ("mean", "variance")

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
    ) -> dict[str, Any]:
        mean = carry[0]
        variance = code.fdiv(carry[1], n)
        scale = code.fdiv(gamma, code.sqrt(code.fadd(variance, eps)))
        lost = code.fsub(mean, _wide(code, code.convert(mean, code.dtype)))
        beta = _wide(code, self.channel(code, "beta", column, mask))
        shift = code.fsub(beta, code.fmul(lost, scale))
        return {
            "mean": mean, "variance": variance, "centre": mean, "scale": scale, "shift": shift
        }  # fmt: skip


@dataclass(frozen=True)
class GradientJoin(Join):
    """gbeta = sum gy, ggamma = rstd * sum gy*(x - mean), and the coefficients of gx.

    gx = a * (gy - b - (x - mean)*c) with a = gamma*rstd, b = gbeta/n, c = rstd*ggamma/n.
    """

    slots: ClassVar[tuple[str, ...]] = (
        *Join.common,
        *("variance", "ggamma", "gbeta", "a", "b", "c"),
    )
    single: ClassVar[tuple[str, ...]] = ("ggamma", "gbeta")

    def join(
        self, code: Code, carry: list[Any], pair: list[Any], seen: Index, count: Index
    ) -> list[Any]:
        return [code.fadd(x, y) for x, y in zip(carry, pair, strict=True)]

    def finish(
        self, code: Code, carry: list[Any], n: Any, gamma: Any, eps: Any, column: Index, mask: Mask
    ) -> dict[str, Any]:
        gbeta, products = carry
        variance = _wide(code, self.channel(code, "variance", column, mask))
        rstd = code.fdiv(1.0, code.sqrt(code.fadd(variance, eps)))
        ggamma = code.fmul(products, rstd)
        return {
            "ggamma": ggamma,
            "gbeta": gbeta,
            "a": code.fmul(gamma, rstd),
            "b": code.fdiv(gbeta, n),
            "c": code.fdiv(code.fmul(ggamma, rstd), n),
        }


def _wide(code: Code, x: Any) -> Any:
    return code.convert(x, "float64")


def _number(code: Code, n: Index) -> Any:
    """A whole number as a float64."""
    return code.builder.sitofp(code.value(n), ELEMENTS["float64"])


def _view(code: Code, name: str, number: Index) -> View:
    return View(code, code.add(code.arg(name), code.mul(number, code.size)))


def _wide_view(code: Code, name: str, number: Index) -> View:
    return View(code, code.add(code.arg(name), code.mul(number, 8)), dtype="float64")
