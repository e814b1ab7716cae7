"""Images of another size: nearest cells, linear and cubic interpolation, and their transpose.

Along one axis a resize is a sparse linear map, listed once: which cells a result meets, and by what
weight. Several axes are resized one after the other.

Cell i of the result lies at x = slope*i + offset, counted in cells of the operand. `COORDINATES`
says how, with n cells of the operand, m of the result and s of the result for one of the operand
(m/n, or the factor that was asked for):

    half_pixel            x = (i + 1/2)/s - 1/2
    half_pixel_symmetric  the same, moved by n/2 * (1 - m/(n*s))
    pytorch_half_pixel    the same as half_pixel; 0 where m is 1
    asymmetric            x = i/s
    align_corners         x = i*(n - 1)/(m - 1); 0 where m is 1
    tf_crop_and_resize    x = (n - 1)*(first + i*(last - first)/(m - 1)); the middle where m is 1
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import floor, prod
from typing import Any, ClassVar

import numpy as np

from allconv.errors import LimitError, ShapeError
from allconv.operators.base import Array, Operator, Spec, Values, narrow, wide

COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "asymmetric",
    "align_corners",
    "tf_crop_and_resize",
)
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
MODES = ("nearest", "linear", "cubic")
MOST_CELLS = 2**21  # of an axis
TABLES, KEPT_CELLS = 32, 2**16  # tables that are kept, of axes of at most so many cells
FAR = 2**40  # cells beyond which all are alike: outside
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class ResizedAxis:
    """One axis: its cells before and after, and how many of the result make up one before.

    `crop` is the part of the axis, 0 to 1, that "tf_crop_and_resize" takes.
    """

    axis: int
    size: int
    to: int
    scale: Fraction
    crop: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Rule:
    """How the cells of a result are made, the same along every axis.

    nearest          what "nearest" makes of an x between two cells
    cubic            the slope of the cubic at its joints, a
    exclude_outside  cells outside have no weight (and the others more), else the edge is repeated
    antialias        the weights are spread over 1/s cells where the image becomes smaller
    """

    mode: str = "nearest"
    coordinates: str = "asymmetric"
    nearest: str = "floor"
    cubic: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A sparse linear map: result p is the sum of weights[t] * x[cells[t]], where t goes from
    starts[p] to starts[p + 1] - 1."""

    starts: Array
    cells: Array
    weights: Array

    @property
    def rows(self) -> Array:
        """The result to which each weight belongs."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def transposed(self, size: int) -> SparseMatrix:
        """The transpose, to so many cells."""
        order = np.argsort(self.cells, kind="stable")
        starts = np.cumsum([0, *np.bincount(self.cells, minlength=size)], dtype=np.int64)
        return SparseMatrix(starts, self.rows[order], self.weights[order])


def place_of(line: ResizedAxis, rule: Rule) -> tuple[Fraction, Fraction]:
    """(slope, offset): where the cells of the result lie."""
    n, m, s, kind = line.size, line.to, line.scale, rule.coordinates
    if kind == "asymmetric":
        return 1 / s, Fraction(0)
    if kind == "align_corners":
        return Fraction(n - 1, max(m - 1, 1)), Fraction(0)
    if kind == "tf_crop_and_resize":
        first, last = map(Fraction, line.crop)
        if m == 1:
            return Fraction(0), (n - 1) * (first + last) / 2
        return (n - 1) * (last - first) / (m - 1), (n - 1) * first
    if kind == "pytorch_half_pixel" and m == 1:
        return Fraction(0), Fraction(0)
    moved = Fraction(n, 2) * (1 - m / (n * s)) if kind == "half_pixel_symmetric" else 0
    return 1 / s, HALF / s - HALF + moved


def table_of(line: ResizedAxis, rule: Rule) -> SparseMatrix:
    """The map of one axis; small ones are kept."""
    small = max(line.size, line.to) <= KEPT_CELLS
    return (_kept_table if small else _table)(line, rule)


def _table(line: ResizedAxis, rule: Rule) -> SparseMatrix:
    if not line.to:
        return SparseMatrix(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))
    slope, offset = place_of(line, rule)
    d = int(np.lcm.reduce([slope.denominator, offset.denominator], dtype=object))
    a, b = int(slope * d), int(offset * d)
    # Whole numbers, so that what lies on a cell does so exactly: x = at / d.
    fits = 2 * (abs(a) * line.to + abs(b) + d * max(line.size, 1)) < 2**62
    at = a * np.arange(line.to, dtype=np.int64 if fits else object) + b
    cells, weights = (
        _nearest(at, d, rule) if rule.mode == "nearest" else _between(at, d, line, rule)
    )
    weights = np.array(weights, np.float64)
    inside = (cells >= 0) & (cells < line.size)
    if rule.exclude_outside and rule.mode != "nearest":
        kept = np.where(inside, weights, 0.0)
        total = kept.sum(1, keepdims=True)
        weights = np.where(total != 0, kept / np.where(total != 0, total, 1.0), weights)
    if rule.coordinates == "tf_crop_and_resize":
        weights[np.asarray((at < 0) | (at > (line.size - 1) * d), bool)] = 0.0
    return _listed(np.clip(cells, 0, line.size - 1), weights, line.size)


def _nearest(at: Array, d: int, rule: Rule) -> tuple[Array, Array]:
    """The one cell of each result."""
    cells = {
        "floor": lambda: at // d,
        "ceil": lambda: -(-at // d),
        "round_prefer_floor": lambda: -((d - 2 * at) // (2 * d)),
        "round_prefer_ceil": lambda: (2 * at + d) // (2 * d),
    }[rule.nearest]()
    return _near(cells)[:, None], np.ones((len(at), 1))


def _between(at: Array, d: int, line: ResizedAxis, rule: Rule) -> tuple[Array, Array]:
    """The cells around each result, and their weights: those of a tent, or of a cubic."""
    scale = min(float(line.scale), 1.0) if rule.antialias else 1.0
    reach = 1 if rule.mode == "linear" else 2
    below = -(-at // d) - 1
    beyond = np.asarray(at - below * d, np.float64) / d  # over 0, up to 1
    first = floor(-reach / scale) + 1
    taps = np.arange(first, 2 - first)
    away = np.abs(taps - beyond[:, None]) * scale
    if rule.mode == "linear":
        weights = np.clip(1.0 - away, 0.0, 1.0)
    else:
        c = rule.cubic
        near = ((c + 2) * away - (c + 3)) * away * away + 1
        far = ((c * away - 5 * c) * away + 8 * c) * away - 4 * c
        weights = np.where(away <= 1, near, np.where(away < 2, far, 0.0))
    if rule.antialias:
        weights = weights / weights.sum(1, keepdims=True)
    return _near(below)[:, None] + taps, weights


def _near(cells: Array) -> Array:
    """Numbers of cells as int64, however far away they are."""
    return np.asarray(np.clip(cells, -FAR, FAR), np.int64)


def _listed(cells: Array, weights: Array, size: int) -> SparseMatrix:
    """Rows of cells and weights as a table: what meets the same cell is one weight."""
    count = len(cells)
    rows = np.broadcast_to(np.arange(count)[:, None], cells.shape)
    keys, place = np.unique(rows * size + cells, return_inverse=True)
    total = np.bincount(place.reshape(-1), weights.reshape(-1), len(keys))
    keys, total = keys[total != 0], total[total != 0]
    starts = np.searchsorted(keys, np.arange(count + 1) * size)
    return SparseMatrix(starts.astype(np.int64), keys % size, total)


_kept_table = lru_cache(TABLES)(_table)


def transposed_table(line: ResizedAxis, rule: Rule) -> SparseMatrix:
    """The transpose of the map of one axis."""
    return table_of(line, rule).transposed(line.size)


@dataclass(frozen=True)
class _Resize(Operator):
    """What a resize and its transpose share."""

    lines: tuple[ResizedAxis, ...]
    rule: Rule

    def check_lines(self, x: Spec, sizes: tuple[int, ...]) -> None:
        """Refuse axes that x does not have or twice, and arrays of other sizes than these."""
        self.check_floats(x)
        axes = [line.axis for line in self.lines]
        if len(set(axes)) < len(axes) or not all(0 <= axis < x.rank for axis in axes):
            raise ShapeError(f"axes are {tuple(axes)}; axes of {x.shape}, each once, are expected")
        for line, size in zip(self.lines, sizes, strict=True):
            if x.shape[line.axis] != size:
                raise ShapeError(f"x is {x.shape}; axis {line.axis} of {size} cells is expected")
            if line.to < 0 or line.scale <= 0 or (line.to and not line.size):
                raise ShapeError(
                    f"axis {line.axis} of {line.size} cells cannot become one of {line.to} by a "
                    f"scale of {float(line.scale):g}"
                )
            if max(line.size, line.to) > MOST_CELLS:
                raise LimitError(
                    f"axis {line.axis} of {line.size:,} cells becomes one of {line.to:,}; "
                    f"at most {MOST_CELLS:,} are supported"
                )
        self._check_rule()

    def _check_rule(self) -> None:
        rule = self.rule
        known = rule.mode in MODES and rule.coordinates in COORDINATES and rule.nearest in NEAREST
        if not known:
            raise ShapeError(f"no resize is {rule.mode!r}, {rule.coordinates!r}, {rule.nearest!r}")

    def ordered(self) -> tuple[ResizedAxis, ...]:
        """The lines in the order in which they are computed: what grows most comes last."""
        return tuple(sorted(self.lines, key=lambda line: Fraction(line.to, max(line.size, 1))))

    def sized(self, shape: tuple[int, ...], *, back: bool = False) -> tuple[int, ...]:
        """A shape with the sizes after (or, `back`, before) in the axes that are resized."""
        sizes = list(shape)
        for line in self.lines:
            sizes[line.axis] = line.size if back else line.to
        return tuple(sizes)


def _mapped(x: Array, axis: int, table: SparseMatrix) -> Array:
    """A map along one axis: a product and a sum for each weight."""
    data = np.moveaxis(x, axis, 0)
    y = np.zeros((len(table.starts) - 1, *data.shape[1:]))
    with np.errstate(invalid="ignore", over="ignore"):
        for p, j, w in zip(table.rows, table.cells, table.weights, strict=True):
            y[p] += w * data[j]
    return np.moveaxis(y, 0, axis)


def _products(shape: tuple[int, ...], lines: Any, *, back: bool = False) -> int:
    """Weights met, line after line."""
    sizes, count = list(shape), 0
    for line, table in lines:
        sizes[line.axis] = 1
        count += len(table.cells) * prod(sizes)
        sizes[line.axis] = line.size if back else line.to
    return count


@dataclass(frozen=True)
class Resize(_Resize):
    """y[..., p, ...] = sum over j of w[p, j] * x[..., j, ...], one axis of `lines` after another.

    Cells that get no weight are not looked at, so that a NaN there goes nowhere.
    """

    def check(self, *x: Spec) -> None:
        self.check_lines(x[0], tuple(line.size for line in self.lines))

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(self.sized(x[0].shape)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        y = wide(x[0])
        for line in self.ordered():
            y = _mapped(y, line.axis, table_of(line, self.rule))
        return (narrow(y, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (ResizeTranspose(self.lines, self.rule)(gy[0]),)

    def repeats(self) -> tuple[int, ...] | None:
        """How often each cell is repeated along the axes in turn, where that is all there is."""
        rule = self.rule
        floors = rule.coordinates == "asymmetric" and rule.nearest == "floor"
        rounds = rule.coordinates == "half_pixel" and rule.nearest.startswith("round")
        whole = all(line.to == line.size * line.scale for line in self.lines)
        whole = whole and all(line.scale.denominator == 1 for line in self.lines)
        if rule.mode != "nearest" or not whole or not (floors or rounds):
            return None
        return tuple(int(line.scale) for line in self.lines)

    def cost(self, *x: Spec) -> int:
        pairs = [(line, table_of(line, self.rule)) for line in self.ordered()]
        return _products(x[0].shape, pairs)


@dataclass(frozen=True)
class ResizeTranspose(_Resize):
    """x[..., j, ...] = sum over p of w[p, j] * y[..., p, ...]: the gradient of `Resize`."""

    inputs: ClassVar[tuple[str, ...]] = ("y",)

    def check(self, *x: Spec) -> None:
        self.check_lines(x[0], tuple(line.to for line in self.lines))

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return (x[0].with_shape(self.sized(x[0].shape, back=True)),)

    def define(self, *x: Array) -> tuple[Array, ...]:
        y = wide(x[0])
        for line in reversed(self.ordered()):
            y = _mapped(y, line.axis, transposed_table(line, self.rule))
        return (narrow(y, x[0]),)

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (Resize(self.lines, self.rule)(gy[0]),)

    def cost(self, *x: Spec) -> int:
        pairs = [(line, transposed_table(line, self.rule)) for line in reversed(self.ordered())]
        return _products(x[0].shape, pairs, back=True)
