"""Operators that only move values: reshape, transpose, slice, pad, concatenate, convert."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from allconv.errors import ShapeError
from allconv.intake.settings import short_repr
from allconv.operators.base import FLOATS, Array, Operator, Spec, Values
from allconv.operators.reduce import Broadcast


@dataclass(frozen=True)
class Reshape(Operator):
    """The same values in row-major order under another shape."""

    to: tuple[int, ...]

    def check(self, *x: Spec) -> None:
        if prod(self.to) != x[0].size or any(n < 0 for n in self.to):
            to, holds = short_repr(self.to), short_repr(prod(self.to))
            raise ShapeError(f"{x[0].shape} holds {x[0].size} values, {to} {holds}")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(self.to),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (x[0].reshape(self.to).copy(),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (Reshape(x[0].shape)(gy[0]),)


@dataclass(frozen=True)
class Transpose(Operator):
    """The axes in another order: axis a of the result is axis order[a] of the operand."""

    order: tuple[int, ...]

    def check(self, *x: Spec) -> None:
        if sorted(self.order) != list(range(x[0].rank)):
            raise ShapeError(
                f"{self.order} is not an order of the {x[0].rank} axes of {x[0].shape}"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(tuple(x[0].shape[a] for a in self.order)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (x[0].transpose(self.order).copy(),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (Transpose(tuple(int(a) for a in np.argsort(self.order)))(gy[0]),)


@dataclass(frozen=True)
class Slice(Operator):
    """y[i] = x[start + step*i] for 0 <= i < count, an axis each; a step of -1 flips."""

    start: tuple[int, ...]
    step: tuple[int, ...]
    count: tuple[int, ...]

    @classmethod
    def along(
        cls, axis: int, shape: tuple[int, ...], start: int, count: int, step: int = 1
    ) -> Slice:
        """The slice of one axis of an array of a shape, whole along the others.

        >>> Slice.along(1, (2, 9), 3, 4)
        Slice(start=(0, 3), step=(1, 1), count=(2, 4))
        """
        own = [(start, step, count) if a == axis else (0, 1, n) for a, n in enumerate(shape)]
        starts, steps, counts = zip(*own, strict=True)
        return cls(starts, steps, counts)

    def check(self, *x: Spec) -> None:
        if not len(self.start) == len(self.step) == len(self.count) == x[0].rank:
            raise ShapeError(
                f"the slice has {len(self.start)} axes; those of {x[0].shape} are expected"
            )
        for start, step, count, n in zip(
            self.start, self.step, self.count, x[0].shape, strict=True
        ):
            last = start + step * (count - 1)
            if step == 0 or count < 0 or (count and not (0 <= start < n and 0 <= last < n)):
                raise ShapeError(
                    f"the slice {self.start} + {self.step}*i, i < {self.count}, "
                    f"is outside {x[0].shape}"
                )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(self.count),)

    def where(self) -> tuple[Array, ...]:
        """An open mesh of the cells that are taken."""
        rows = zip(self.start, self.step, self.count, strict=True)
        return np.ix_(*(start + step * np.arange(count) for start, step, count in rows))

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (x[0][self.where()].copy() if x[0].ndim else x[0].copy(),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (Unslice(self.start, self.step, self.count, x[0].shape)(gy[0]),)


@dataclass(frozen=True)
class Unslice(Operator):
    """x[start + step*i] = y[i], zero elsewhere: the transpose of `Slice`."""

    start: tuple[int, ...]
    step: tuple[int, ...]
    count: tuple[int, ...]
    to: tuple[int, ...]

    def check(self, *x: Spec) -> None:
        if x[0].shape != self.count:
            raise ShapeError(f"x is {x[0].shape}; {self.count} is expected")
        Slice(self.start, self.step, self.count).check(x[0].with_shape(self.to))

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(self.to),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        out = np.zeros(self.to, x[0].dtype)
        out[Slice(self.start, self.step, self.count).where() if self.to else ()] = x[0]
        return (out,)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (Slice(self.start, self.step, self.count)(gy[0]),)


@dataclass(frozen=True)
class Pad(Operator):
    """A constant around an array, (low, high) cells an axis; negative numbers crop."""

    pairs: tuple[tuple[int, int], ...]
    value: float = 0.0

    def check(self, *x: Spec) -> None:
        if len(self.pairs) != x[0].rank:
            raise ShapeError(
                f"padding has {len(self.pairs)} pairs; one an axis of {x[0].shape} is expected"
            )
        sizes = zip(x[0].shape, self.pairs, strict=True)
        if any(low + n + high < 0 for n, (low, high) in sizes):
            raise ShapeError(f"padding {self.pairs} crops more than there is of {x[0].shape}")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        sizes = zip(x[0].shape, self.pairs, strict=True)
        return (x[0].with_shape(tuple(low + n + high for n, (low, high) in sizes)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        (spec,) = self.shape(Spec.of(x[0]))
        out = np.full(spec.shape, self.value, x[0].dtype)
        source, target = [], []
        for n, (low, high) in zip(x[0].shape, self.pairs, strict=True):
            start, stop = max(low, 0), low + min(n, n + high)  # where the array lands
            target.append(slice(start, max(start, stop)))
            source.append(slice(start - low, max(start, stop) - low))
        out[tuple(target)] = x[0][tuple(source)]
        return (out,)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (Pad(tuple((-low, -high) for low, high in self.pairs))(gy[0]),)


@dataclass(frozen=True)
class PadEdge(Operator):
    """The first and the last cell of each axis repeated, (low, high) times: y[i] = x[i - low], or
    the nearest cell that there is."""

    pairs: tuple[tuple[int, int], ...]

    def check(self, *x: Spec) -> None:
        if len(self.pairs) != x[0].rank:
            raise ShapeError(
                f"padding has {len(self.pairs)} pairs; one an axis of {x[0].shape} is expected"
            )
        sizes = zip(x[0].shape, self.pairs, strict=True)
        if any(min(pair) < 0 or (any(pair) and not n) for n, pair in sizes):
            raise ShapeError(f"edges of {x[0].shape} cannot be repeated {self.pairs} times")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        sizes = zip(x[0].shape, self.pairs, strict=True)
        return (x[0].with_shape(tuple(low + n + high for n, (low, high) in sizes)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        y = x[0]
        for axis, (low, high) in enumerate(self.pairs):
            n = y.shape[axis]
            y = np.take(y, np.clip(np.arange(-low, n + high), 0, max(n - 1, 0)), axis)
        return (np.array(y, order="C"),)

    def expand(self, *x: Any) -> Values:
        """The same in elementary operators, through which its gradient is taken."""
        y = x[0]
        for axis, (low, high) in enumerate(self.pairs):
            if low or high:
                ends = ((0, low), (y.shape[axis] - 1, high))
                first, last = ([_repeated(y, axis, *end)] if end[1] else [] for end in ends)
                parts = [*first, y, *last]
                y = Concatenate(axis, len(parts))(*parts)
        return (y,)


def _repeated(x: Any, axis: int, cell: int, count: int) -> Any:
    """One cell of an axis, so many times."""
    one = Slice.along(axis, x.shape, cell, 1)(x)
    return Broadcast(x.spec.with_size(axis, count).shape)(one)


@dataclass(frozen=True)
class Concatenate(Operator):
    """Arrays one after the other along an axis."""

    axis: int
    count: int

    def check_count(self, given: int) -> None:
        if given != self.count or not given:
            raise ShapeError(f"Concatenate takes {self.count} arrays, got {given}")

    def check(self, *x: Spec) -> None:
        for each in x:
            alike = each.rank == x[0].rank and all(
                a == b or axis == self.axis
                for axis, (a, b) in enumerate(zip(each.shape, x[0].shape, strict=False))
            )
            if not alike or each.dtype != x[0].dtype or not 0 <= self.axis < each.rank:
                shapes = ", ".join(str(s) for s in x)
                raise ShapeError(f"these do not concatenate along axis {self.axis}: {shapes}")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_size(self.axis, sum(each.shape[self.axis] for each in x)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (np.concatenate(x, self.axis),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        counts = [each.shape[self.axis] for each in x]
        rows = zip(accumulate(counts, initial=0), counts, strict=False)
        return tuple(Slice.along(self.axis, gy[0].shape, *row)(gy[0]) for row in rows)


@dataclass(frozen=True)
class Convert(Operator):
    """The same values in another float dtype."""

    to: str

    def check(self, *x: Spec) -> None:
        if self.to not in FLOATS or not x[0].is_float:
            raise ShapeError(
                f"converts between {' and '.join(FLOATS)}, not {x[0].dtype} to {self.to}"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (Spec(x[0].shape, self.to),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        return (x[0].astype(self.to),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (Convert(x[0].dtype)(gy[0]),)
