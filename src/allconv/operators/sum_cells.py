"""Sums over chosen cells of an axis: borders, windows of varying size, patches.

A window with one stride is `Correlate`. Where the cells that a result meets follow another rule
(a border that mirrors the image, windows that share an axis out evenly), they are listed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide

Cells = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class SumCells(Operator):
    """y[..., p, ...] = sum over j in cells[p] of x[..., j, ...], along one axis of `size` cells.

    An empty list gives 0. The adjoint is the same operator with the lists inverted.
    """

    axis: int
    size: int
    cells: Cells

    def check(self, *x: Spec) -> None:
        self.check_floats(*x)
        if not 0 <= self.axis < x[0].rank or x[0].shape[self.axis] != self.size:
            raise ShapeError(
                f"x is {x[0].shape}; axis {self.axis} of {self.size} cells is expected"
            )
        for each in self.cells:
            if each and not 0 <= min(each) <= max(each) < self.size:
                raise ShapeError(f"cells {each} are not all inside an axis of {self.size}")

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_size(self.axis, len(self.cells)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        data = np.moveaxis(wide(x[0]), self.axis, 0)
        y = np.zeros((len(self.cells), *data.shape[1:]))
        with np.errstate(invalid="ignore"):
            for p, cells in enumerate(self.cells):
                for j in cells:
                    y[p] += data[j]
        return (narrow(np.moveaxis(y, 0, self.axis), x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (self.transposed()(gy[0]),)

    def transposed(self) -> SumCells:
        """The transpose: x[..., j, ...] = sum of y[..., p, ...] over the p whose cells hold j."""
        met: list[list[int]] = [[] for _ in range(self.size)]
        for p, cells in enumerate(self.cells):
            for j in cells:
                met[j].append(p)
        return SumCells(self.axis, len(self.cells), tuple(map(tuple, met)))

    def cost(self, *x: Spec) -> int:
        return x[0].size // max(self.size, 1) * sum(map(len, self.cells))
