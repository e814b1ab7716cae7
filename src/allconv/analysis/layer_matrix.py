"""A matrix of a linear layer as a value: its entries, what each stands for, and how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from allconv.errors import ArgumentError, LimitError, ShapeError
from allconv.text import counted

if TYPE_CHECKING:
    from allconv.picture.chart import Picture

Array = NDArray[Any]

SHOWN = 40
"""Rows and columns that are drawn at most; of more, the first and the last `EDGE`."""
EDGE = 6
MOST_DENSE = 2**28
"""Cells that `to_dense` writes at most."""


@dataclass(frozen=True, eq=False)
class Letters:
    """What the entries of a matrix stand for: a factor, or a factor times a cell of an array.

    `cells` are places in the flattened array `letter` of shape `shape`; -1: the factor alone.
    """

    letter: str
    shape: tuple[int, ...]
    cells: NDArray[np.int64]
    factors: Array

    def names(self, chosen: Any = slice(None)) -> list[str]:
        """The names of some entries, as they are drawn: "w[0,0,1,2]", "1/9", "1/4*w[0,0]"."""
        names = []
        for cell, factor in zip(self.cells[chosen], self.factors[chosen], strict=True):
            times = _fraction(factor)
            if cell < 0:
                names.append(times)
            else:
                name = cell_name(self.letter, self.shape, int(cell))
                names.append({"1": name, "-1": f"-{name}"}.get(times, f"{times}*{name}"))
        return names


def cell_name(letter: str, shape: Sequence[int], place: int) -> str:
    """The name of a cell by its place in the flattened array.

    >>> cell_name("w", (1, 1, 3, 3), 5)
    'w[0,0,1,2]'
    """
    where = np.unravel_index(place, tuple(shape)) if shape else ()
    return f"{letter}[{','.join(str(int(n)) for n in where)}]"


def _fraction(number: Any) -> str:
    """A number as a fraction where it is the nearest number to a simple one, else four digits."""
    if np.isfinite(number) and number:
        whole = Fraction(round(1.0 / float(number)) or 1)
        for near in (1 / whole, Fraction(float(number)).limit_denominator(64)):
            if type(number)(near.numerator / near.denominator) == number:
                return str(near)
    return f"{number:.4g}"


@dataclass(frozen=True, eq=False)
class Matrix:
    """The matrix of a linear layer: y.ravel() = matrix @ x.ravel() + bias.

    `rows`, `columns` and `values` list its entries, row by row; two entries at one place add up
    (padding that repeats the input has such). Rows are cells of the output, columns of the input,
    both flattened, batch included. `bias` (rows,) is None where the layer adds nothing.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Array
    letters: Letters
    output_shape: tuple[int, ...]
    input_shape: tuple[int, ...]
    bias: Array | None = None
    sides: tuple[str, str] = ("y", "x")

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns."""
        return prod(self.output_shape), prod(self.input_shape)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each entry stands for: "w[0,0,1,2]"."""
        return tuple(self.letters.names())

    @property
    def T(self) -> Matrix:  # noqa: N802 (NumPy's name)
        """The transpose: the matrix of the transposed layer, which adds no bias."""
        order = np.lexsort((self.rows, self.columns))
        return Matrix(
            self.columns[order],
            self.rows[order],
            self.values[order],
            replace(
                self.letters, cells=self.letters.cells[order], factors=self.letters.factors[order]
            ),
            self.input_shape,
            self.output_shape,
            sides=self.sides[::-1],
        )

    def __matmul__(self, other: Any) -> Array:
        """The product with a vector (columns,) or several (columns, n), summed in float64."""
        x = np.asarray(other)
        if x.ndim not in (1, 2) or len(x) != self.shape[1]:
            raise ShapeError(
                f"the matrix is {self.shape[0]} x {self.shape[1]}, the other {x.shape}; "
                f"({self.shape[1]},) or ({self.shape[1]}, n) is expected: pass x.ravel()"
            )
        y = np.zeros((self.shape[0], *x.shape[1:]), np.result_type(np.float64, x))
        scale = self.values.reshape(-1, *(1,) * (x.ndim - 1))
        np.add.at(y, self.rows, scale * x[self.columns])
        return y.astype(np.result_type(self.values, x), copy=False)

    def to_dense(self) -> Array:
        """The matrix as an array (rows, columns) with its zeros; LimitError where it is huge."""
        if prod(self.shape) > MOST_DENSE:
            raise LimitError(
                f"the matrix has {self.shape[0]:,} x {self.shape[1]:,} cells; "
                "use to_scipy(), or rows, columns and values"
            )
        dense = np.zeros(self.shape, self.values.dtype)
        np.add.at(dense, (self.rows, self.columns), self.values)
        return dense

    def to_scipy(self) -> Any:
        """The matrix as a `scipy.sparse.csr_array`; needs SciPy."""
        from scipy.sparse import coo_array

        return coo_array((self.values, (self.rows, self.columns)), shape=self.shape).tocsr()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Matrix {self.title}>"

    @property
    def title(self) -> str:
        """Its size, and what it joins, in a line."""
        (rows, columns), (left, right) = self.shape, self.sides
        return (
            f"{rows:,} x {columns:,}, {counted(len(self.rows), 'entry', 'entries')}: "
            f"{left} {self.output_shape} from {right} {self.input_shape}"
        )

    def text(self, *, letters: bool = False, most: int = SHOWN) -> str:
        """The matrix drawn with numbers, or with the letters of its weights.

        Of more than `most` rows or columns the first six and the last six are drawn.
        """
        rows, columns, cells = self._cells(letters=letters, most=most)
        drawn = [["…" if r is None or c is None else cells.get((r, c), "0") for c in columns]
                 for r in rows]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*drawn, strict=True)]
        lines = [
            "[" + "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) + "]"
            for row in drawn
        ]
        return "\n".join([self.title, *lines])

    def svg(
        self, theme: str = "auto", *, letters: bool = False, most: int | None = None
    ) -> Picture:
        """The matrix as a picture, which notebooks show: entries of one weight have one shade.

        It is text: `Path("matrix.svg").write_text(matrix.svg())`. Small matrices have a number in
        each cell, or (`letters`) the name of its weight; of larger ones the cells alone are drawn.

        theme   "auto" (what the reader's system has), "light" or "dark"
        most    rows and columns that are drawn; of more, the first and the last. None: as many as
                there is room for, 160 at most
        """
        from allconv.analysis.matrix_picture import matrix_drawing

        return matrix_drawing(self, letters, most).svg(theme)

    def _repr_svg_(self) -> str:
        return str(self.svg())

    def _repr_html_(self) -> str:
        from allconv.picture.table import rolled

        return rolled(self.svg())

    def _cells(
        self, *, letters: bool, most: int
    ) -> tuple[list[int | None], list[int | None], dict[tuple[int, int], str]]:
        """The rows and columns that are drawn (None: left out), and what stands where."""
        if most < 2:
            raise ArgumentError(f"most is {most}; at least 2 rows and columns are drawn")
        rows, columns = (_ends(n, most) for n in self.shape)
        seen = np.isin(self.rows, [r for r in rows if r is not None])
        seen &= np.isin(self.columns, [c for c in columns if c is not None])
        (chosen,) = np.nonzero(seen)
        places = list(zip(self.rows[chosen].tolist(), self.columns[chosen].tolist(), strict=True))
        if not letters:
            sums: dict[tuple[int, int], float] = {}
            for place, value in zip(places, self.values[chosen].tolist(), strict=True):
                sums[place] = sums.get(place, 0.0) + value
            return rows, columns, {place: f"{value:.4g}" for place, value in sums.items()}
        cells: dict[tuple[int, int], str] = {}
        for place, name in zip(places, self.letters.names(chosen), strict=True):
            cells[place] = f"{cells[place]}+{name}" if place in cells else name
        return rows, columns, cells


def _ends(count: int, most: int) -> list[int | None]:
    """All of `count`, or the first and the last of them with a gap between."""
    if count <= most:
        return list(range(count))
    edge = min(EDGE, most // 2)
    return [*range(edge), None, *range(count - edge, count)]
