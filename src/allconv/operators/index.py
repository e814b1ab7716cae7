"""Values at flat indices of an image: the cells that a max pooling names, and unpooling.

An index counts the cells of one channel of one image in row-major order. One outside of the image
leads nowhere; of several values for one cell the last, in row-major order, is the one that counts.

Shapes: x and index (N, C, *P), images (N, C, *I).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, Discrete, Operator, Spec, Values, narrow, wide


@dataclass(frozen=True)
class FlatIndex(Discrete):
    """index[n,c,i] = the flat index of the input cell to which the tap of output i leads.

    Along an axis tap k of output i is the input cell starts[i] + dilation*k; -1 for -1 and for any
    other number that no tap has.
    """

    inputs: ClassVar[tuple[str, ...]] = ("tap",)

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    dilation: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]

    def check(self, *x: Spec) -> None:
        expected = tuple(map(len, self.starts))
        if x[0].rank != 2 + len(expected) or x[0].shape[2:] != expected or x[0].dtype != "int32":
            raise ShapeError(f"tap is {x[0]}; int32 (N, C, *{expected}) is expected")
        if not len(self.image) == len(self.kernel) == len(self.dilation) == len(expected):
            raise ShapeError(
                f"image {self.image}, kernel {self.kernel}, dilation {self.dilation}: "
                f"{len(expected)} numbers each are expected"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (Spec(x[0].shape, "int64"),)

    def bases(self) -> Array:
        """(*P): the flat index of tap 0 of each output (of no cell, where it lies outside)."""
        steps = [prod(self.image[a + 1 :]) for a in range(len(self.image))]
        rows = [np.array(s, np.int64) * n for s, n in zip(self.starts, steps, strict=True)]
        return np.asarray(sum(np.ix_(*rows)), np.int64)

    def offsets(self) -> Array:
        """(*K): how much further on each tap leads."""
        steps = [prod(self.image[a + 1 :]) for a in range(len(self.image))]
        rows = [
            np.arange(k, dtype=np.int64) * d * n
            for k, d, n in zip(self.kernel, self.dilation, steps, strict=True)
        ]
        return np.asarray(sum(np.ix_(*rows)), np.int64)

    def define(self, *x: Array) -> tuple[Array, ...]:
        known = (x[0] >= 0) & (x[0] < prod(self.kernel))
        won = np.where(known, x[0], 0)
        index = np.zeros(x[0].shape, np.int64)
        taps = np.unravel_index(won, self.kernel)
        for axis, tap in enumerate(taps):
            shape = [-1 if a == axis else 1 for a in range(len(taps))]
            start = np.array(self.starts[axis], np.int64).reshape(shape)
            index = index * self.image[axis] + start + self.dilation[axis] * tap
        return (np.where(known, index, np.int64(-1)),)


@dataclass(frozen=True)
class _Indexed(Operator):
    """What writing and reading at indices share: the size of the image."""

    image: tuple[int, ...]

    def check_index(self, index: Spec) -> None:
        """Refuse indices that are not int64 of images of this rank."""
        if index.dtype != "int64" or index.rank != 2 + len(self.image):
            raise ShapeError(f"index is {index}; int64 of {2 + len(self.image)} axes is expected")

    def last(self, index: Array) -> Array:
        """(planes, cells of P): the indices, -1 where a later one is the same or it is outside."""
        rows = index.reshape(prod(index.shape[:2]), prod(index.shape[2:])).copy()
        for row in rows:
            seen = set()
            for i in reversed(range(len(row))):
                if row[i] in seen or not 0 <= row[i] < prod(self.image):
                    row[i] = -1
                seen.add(int(row[i]))
        return rows


@dataclass(frozen=True)
class OverImages(Discrete, _Indexed):
    """Indices that count the cells of all images, one after the other; -1 for what lies outside.

    `columns`: those of one image are counted first axis innermost.
    """

    inputs: ClassVar[tuple[str, ...]] = ("index",)

    columns: bool = False

    def check(self, *x: Spec) -> None:
        self.check_index(x[0])

    def define(self, *x: Array) -> tuple[Array, ...]:
        size = prod(self.image)
        inside = (x[0] >= 0) & (x[0] < size)
        index = np.where(inside, x[0], 0)
        if self.columns and size:
            place = np.unravel_index(index, self.image)
            index = np.ravel_multi_index(place[::-1], self.image[::-1])
        planes = (*x[0].shape[:2], *(1,) * len(self.image))
        index = index + size * np.arange(prod(planes), dtype=np.int64).reshape(planes)
        return (np.where(inside, index, np.int64(-1)),)


@dataclass(frozen=True)
class WriteAt(_Indexed):
    """y[n,c,index[n,c,i]] = x[n,c,i], zero elsewhere; the last of several counts."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "index")

    def check(self, *x: Spec) -> None:
        self.check_floats(x[0])
        self.check_index(x[1])
        if x[0].shape != x[1].shape:
            raise ShapeError(f"x is {x[0].shape}, index {x[1].shape}; the same shape is expected")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((*x[0].shape[:2], *self.image)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        rows = self.last(x[1])
        y = np.zeros((len(rows), prod(self.image)))
        for image, row, values in zip(y, rows, wide(x[0]).reshape(rows.shape), strict=True):
            image[row[row >= 0]] = values[row >= 0]
        return (narrow(y.reshape(*x[0].shape[:2], *self.image), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return ReadAt(self.image)(gy[0], x[1]), None


@dataclass(frozen=True)
class ReadAt(_Indexed):
    """y[n,c,i] = x[n,c,index[n,c,i]], 0 where a later i has the same index: `WriteAt`
    transposed."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "index")

    def check(self, *x: Spec) -> None:
        self.check_floats(x[0])
        self.check_index(x[1])
        expected = (*x[1].shape[:2], *self.image)
        if x[0].shape != expected:
            raise ShapeError(f"x is {x[0].shape}; {expected} is expected")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(x[1].shape),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        rows = self.last(x[1])
        y = np.zeros(rows.shape)
        for out, row, image in zip(
            y, rows, wide(x[0]).reshape(len(rows), prod(self.image)), strict=True
        ):
            out[row >= 0] = image[row[row >= 0]]
        return (narrow(y.reshape(x[1].shape), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return WriteAt(self.image)(gy[0], x[1]), None
