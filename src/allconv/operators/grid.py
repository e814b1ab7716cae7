"""Images read at places between their cells: a grid says where, interpolation what is there.

A place is given by a number for each axis of space, that of the last axis first: -1 is the first
end of the axis and 1 the last. The ends are the centres of the cells at the edge (`align_corners`)
or the edges of the image; with n cells the number g lies at

    align_corners   v = (g + 1)/2 * (n - 1)
    else            v = ((g + 1)*n - 1)/2

counted in cells, rounded step by step in the dtype of the grid: which cell is the nearest of a
float32 place halfway between two depends on it. Source: PyTorch, "grid_sample"; ONNX, "GridSample".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.arrange import Concatenate, Reshape, Transpose
from allconv.operators.base import Array, Discrete, Operator, Spec, Values, narrow, wide
from allconv.operators.reduce import Sum
from allconv.operators.take import AddAt, Take, counted

MODES = ("linear", "nearest", "cubic")
PADDINGS = ("zeros", "border", "reflection")
CUBIC = -0.75
"""The slope of the cubic at its joints."""


@dataclass(frozen=True)
class CellNumber(Discrete):
    """The number of the cell, in row-major order, at places of whole numbers.

    Shapes: for each axis of an image places (N, *P) -> int64 (N, *P). The cells of N images are
    counted one image after the other; outside it is their count, which is no cell's number.
    """

    inputs: ClassVar[tuple[str, ...]] = ("a", "b?", "c?")

    image: tuple[int, ...]

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_floats(*x)
        same = all(each.shape == x[0].shape for each in x)
        if len(x) != len(self.image) or not x[0].rank or not same:
            raise ShapeError(
                f"{self.name}: places {', '.join(str(each.shape) for each in x)} in images "
                f"{self.image}; one array an axis, all (N, *P), is expected"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (Spec(x[0].shape, "int64"),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        inside = np.ones(x[0].shape, bool)
        number = np.zeros(x[0].shape, np.int64)
        number += np.arange(len(number)).reshape(-1, *(1,) * (number.ndim - 1))
        for place, n in zip(x, self.image, strict=True):
            here = (place >= 0) & (place < n)
            number = number * n + np.where(here, place, 0).astype(np.int64)
            inside &= here
        return (np.where(inside, number, np.int64(len(number) * prod(self.image))),)


@dataclass(frozen=True)
class CellSum(Operator):
    """y[p] = the sum of weight[t,p] * x[number[t,p]] over the taps t; 0 for x where there is no
    such cell.

    Shapes: x (cells, C), number int64 (T, P), weight (T, P) -> (P, C).
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "number", "weight")

    def check(self, *x: Spec) -> None:
        super().check(*x)
        cells, number, weight = x
        self.check_floats(cells, weight)
        fits = number.dtype == "int64" and number.shape == weight.shape
        if cells.rank != 2 or number.rank != 2 or not fits:
            raise ShapeError(
                f"{self.name}: x is {cells.shape}, number {number}, weight {weight.shape}; "
                "(cells, C), int64 (T, P) and (T, P) are expected"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((x[1].shape[1], x[0].shape[1])),)

    def cost(self, *x: Spec) -> int:
        return x[1].size * x[0].shape[1]

    def define(self, *x: Array) -> tuple[Array, ...]:
        cells, weight = wide(x[0]), wide(x[2])
        y = np.zeros((x[1].shape[1], cells.shape[1]))
        with np.errstate(all="ignore"):
            for number, factor in zip(counted(x[1], len(cells)), weight, strict=True):
                found = np.zeros(y.shape)
                found[number >= 0] = cells[number[number >= 0]]
                y += factor[:, None] * found
        return (narrow(y, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        cells, number, weight = x
        (taps, places), channels = number.shape, cells.shape[1]
        index = Reshape((taps * places,))(number)
        each = gy[0].reshape((1, places, channels))
        shares = weight.reshape((taps, places, 1)) * each
        gx = AddAt(0, cells.shape[0])(shares.reshape((taps * places, channels)), index)
        found = Take(0, True)(cells, index).reshape((taps, places, channels))
        return gx, None, Sum((2,))(found * each)


@dataclass(frozen=True)
class GridSample(Operator):
    """y[n,c,p] = the image x[n,c] at the place grid[n,p].

    mode     "linear" between the two nearest cells of each axis, "cubic" between four, "nearest"
             (of two the even one)
    padding  what lies outside: "zeros"; "border", the nearest cell of the edge; "reflection", the
             image mirrored at its ends

    Shapes: x (N, C, *I), grid (N, *P, axes) -> (N, C, *P). Where a place is NaN so is the result of
    "linear" and "cubic"; that of "nearest" is 0. The gradient of a place is that between its steps.
    Compiled, cells are counted in the dtype of the grid, too: of places that lie more than 2^24
    cells outside float32 mirrors other cells for "cubic" than the definition.
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "grid")

    mode: str = "linear"
    padding: str = "zeros"
    align_corners: bool = False

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_floats(*x)
        image, grid = x
        for name, given, known in (("mode", self.mode, MODES), ("padding", self.padding, PADDINGS)):
            if given not in known:
                raise ShapeError(f"{self.name}: {name} is {given}; one of {known} is expected")
        axes = image.rank - 2
        fits = axes > 0 and grid.rank == image.rank and grid.shape[-1] == axes
        if not fits or grid.shape[0] != image.shape[0] or not all(image.shape[2:]):
            raise ShapeError(
                f"{self.name}: x is {image.shape}, grid {grid.shape}; (N, C, *I) and (N, *P, "
                "axes of I) are expected, where no size of I is 0"
            )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape((*x[0].shape[:2], *x[1].shape[1:-1])),)

    def cost(self, *x: Spec) -> int:
        along = {"linear": 2, "nearest": 1, "cubic": 4}[self.mode]
        taps = prod([along] * (x[0].rank - 2))
        return prod(x[0].shape[:2]) * prod(x[1].shape[1:-1]) * taps

    def define(self, *x: Array) -> tuple[Array, ...]:
        image, grid = wide(x[0]), x[1]
        sizes = image.shape[2:]
        cells = np.moveaxis(image, 1, -1)
        batch = np.arange(len(image)).reshape(-1, *(1,) * (grid.ndim - 2))
        y = np.zeros((*grid.shape[:-1], image.shape[1]))
        with np.errstate(all="ignore"):
            places = [wide(self.place(grid[..., -1 - a], n)) for a, n in enumerate(sizes)]
            for weight, taps in self.taps(places, sizes):
                found = [(v >= 0) & (v < n) for v, n in zip(taps, sizes, strict=True)]
                index = [np.where(ok, v, 0).astype(int) for ok, v in zip(found, taps, strict=True)]
                inside = np.all(found, axis=0)[..., None]
                y += np.asarray(weight)[..., None] * np.where(inside, cells[(batch, *index)], 0.0)
        return (narrow(np.moveaxis(y, -1, 1), x[0]),)

    def taps(self, places: Sequence[Any], sizes: Sequence[int]) -> list[tuple[Any, list[Any]]]:
        """The cells that a place meets, a number an axis, and by what weight; arrays or values.

        A weight that is 1 everywhere is that number.
        """
        lines = [self.line(v, n) for v, n in zip(places, sizes, strict=True)]
        made = []
        for taps in product(*lines):
            weight = taps[0][0]
            for each, _ in taps[1:]:
                weight = weight * each
            made.append((weight, [cell for _, cell in taps]))
        return made

    def place(self, g: Any, n: int) -> Any:
        """Where a number of the grid lies on an axis of n cells, inside but for "cubic"."""
        v = (g + 1.0) * ((n - 1) / 2) if self.align_corners else ((g + 1.0) * float(n) - 1.0) * 0.5
        return v if self.mode == "cubic" else self.inside(v, n)

    def line(self, v: Any, n: int) -> list[tuple[Any, Any]]:
        """The weights and cells of a place on an axis of n cells."""
        if self.mode == "nearest":
            return [(1.0, np.rint(v))]
        first = np.floor(v)
        t = v - first
        if self.mode == "linear":
            return [(1.0 - t, first), (t, first + 1.0)]
        weights = (_far(t + 1.0), _near(t), _near(1.0 - t), _far(2.0 - t))
        return [(w, self.inside(first + float(k), n)) for k, w in enumerate(weights, -1)]

    def inside(self, v: Any, n: int) -> Any:
        """A place, brought inside by the padding."""
        if self.padding == "zeros":
            return v
        if self.padding == "reflection":
            low, span = (0.0, n - 1.0) if self.align_corners else (-0.5, float(n))
            if not span:
                return v * 0.0
            beyond = np.remainder(np.absolute(v - low), 2.0 * span)
            v = np.minimum(beyond, 2.0 * span - beyond) + low
        return np.minimum(np.maximum(v, 0.0), n - 1.0)

    def expand(self, *x: Any) -> Values | None:
        """Weighted sums of cells whose numbers are computed."""
        image, grid = x
        batch, channels, *sizes = image.shape
        count = prod(grid.shape[1:-1])
        rank = image.ndim
        rows = Transpose((0, *range(2, rank), 1))(image)
        rows = Reshape((batch * prod(sizes), channels))(rows)
        lines = [grid[..., -1 - axis].reshape((batch, count)) for axis in range(len(sizes))]
        places = [self.place(g, n) for g, n in zip(lines, sizes, strict=True)]
        weights, cells = zip(*self.taps(places, sizes), strict=True)
        numbers = [Reshape((1, batch * count))(CellNumber(tuple(sizes))(*each)) for each in cells]
        if self.mode == "nearest":
            y = Take(0, True)(rows, numbers[0].reshape((batch * count,)))
        else:
            join = Concatenate(0, len(cells))
            weight = join(*(each.reshape((1, batch * count)) for each in weights))
            y = CellSum()(rows, join(*numbers), weight)
        y = Reshape((*grid.shape[:-1], channels))(y)
        return (Transpose((0, rank - 1, *range(1, rank - 1)))(y),)


def _near(t: Any) -> Any:
    """The weight of a cell at a distance of up to 1."""
    return ((CUBIC + 2.0) * t - (CUBIC + 3.0)) * t * t + 1.0


def _far(t: Any) -> Any:
    """The weight of a cell at a distance from 1 to 2."""
    return ((CUBIC * t - 5.0 * CUBIC) * t + 8.0 * CUBIC) * t - 4.0 * CUBIC
