"""Operators on the cells of an axis, and on each cell, drawn: hostile indices, numbers that are not
finite, ties."""

from __future__ import annotations

import numpy as np

from allconv.operators.base import Array, Operator
from allconv.operators.elementary import FromWhole, ToWhole
from allconv.operators.grid import CellNumber, CellSum
from allconv.operators.order import ArgExtreme, PutAlong, TakeAlong, TopK
from allconv.operators.take import AddAt, RunningSum, Take

SIZES = (1, 2, 3, 5, 8, 17, 33)
HOSTILE = (2**63 - 1, -(2**63), 2**62, 2**32, -1)
ODD = (np.nan, np.inf, -np.inf, -0.0)

Drawn = tuple[Operator, tuple[Array, ...]]


def numbers(draw: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Small whole numbers, so that many are the same, now and then with some that are odd."""
    x = draw.integers(-3, 4, shape).astype(draw.choice(["float32", "float64"]))
    if draw.random() < 0.5:
        x[draw.random(shape) < 0.1] = draw.choice(ODD)
    return x


def array(draw: np.random.Generator, least: int = 1) -> tuple[Array, int]:
    """Numbers in one to four axes, and an axis; a size is 0 now and then, but not that axis' if
    `least` is 1."""
    shape = [int(draw.choice(SIZES)) for _ in range(draw.integers(1, 5))]
    if draw.random() < 0.1:
        shape[draw.integers(len(shape))] = 0
    axis = int(draw.integers(len(shape)))
    shape[axis] = max(shape[axis], least)
    return numbers(draw, tuple(shape)), axis


def flags(draw: np.random.Generator, count: int) -> list[bool]:
    """Settings that are on or off."""
    return [bool(n) for n in draw.integers(0, 2, count)]


def extreme(draw: np.random.Generator) -> Drawn:
    """The first or last, largest or smallest."""
    x, axis = array(draw)
    return ArgExtreme(axis, *flags(draw, 3)), (x,)


def indices(draw: np.random.Generator, size: int, shape: int | tuple[int, ...]) -> Array:
    """Numbers of cells from both ends; in half of the cases with some that are of no cell."""
    beyond = int(draw.integers(0, 3))
    index = draw.integers(-size - beyond, size + max(beyond, not size), shape)
    if beyond:
        index[draw.random(shape) < 0.1] = draw.choice(HOSTILE)
    return index


def take(draw: np.random.Generator) -> Drawn:
    """Any numbers, of an axis that may be empty."""
    x, axis = array(draw, least=0)
    count = int(draw.choice((0, *SIZES, 100)))
    return Take(axis, *flags(draw, 1)), (x, indices(draw, x.shape[axis], count))


def add_at(draw: np.random.Generator) -> Drawn:
    """Likewise, mostly several for a cell."""
    y, axis = array(draw, least=0)
    size = int(draw.choice((0, *SIZES, 100)))
    return AddAt(axis, size), (y, indices(draw, size, y.shape[axis]))


def running(draw: np.random.Generator) -> Drawn:
    """Sums of any numbers, rounded as in the definition."""
    x, axis = array(draw, least=0)
    if draw.random() < 0.5:
        x = draw.normal(size=x.shape).astype(x.dtype)
    return RunningSum(axis, *flags(draw, 2)), (x,)


def top(draw: np.random.Generator) -> Drawn:
    """None to all of an axis."""
    x, axis = array(draw)
    return TopK(axis, int(draw.integers(0, x.shape[axis] + 1)), *flags(draw, 1)), (x,)


def take_along(draw: np.random.Generator) -> Drawn:
    """Indices of their own for every line; those below 0 lead nowhere."""
    x, axis = array(draw, least=0)
    shape = (*x.shape[:axis], int(draw.choice((0, *SIZES))), *x.shape[axis + 1 :])
    return TakeAlong(axis), (x, indices(draw, x.shape[axis], shape))


def put_along(draw: np.random.Generator) -> Drawn:
    """Likewise, mostly several for a cell."""
    x, axis = array(draw, least=0)
    size = int(draw.choice((0, *SIZES)))
    return PutAlong(axis, size), (x, indices(draw, size, x.shape))


def cell_number(draw: np.random.Generator) -> Drawn:
    """Whole numbers as floats, inside of images and far outside."""
    image = tuple(int(n) for n in draw.integers(1, 6, draw.integers(1, 4)))
    shape = (int(draw.integers(1, 4)), int(draw.choice(SIZES)))
    places = [numbers(draw, shape).astype("float32") for _ in image]
    places[0][draw.random(shape) < 0.1] = draw.choice((3e38, -3e38, 2.0**63))
    return CellNumber(image), tuple(places)


def cell_sum(draw: np.random.Generator) -> Drawn:
    """A few taps of rows of any length, some of them of no cell."""
    x = numbers(draw, (int(draw.choice((0, *SIZES))), int(draw.choice((*SIZES, 70)))))
    taps = int(draw.integers(1, 5)), int(draw.choice((0, *SIZES)))
    weight = draw.integers(-3, 4, taps).astype(x.dtype)
    return CellSum(), (x, indices(draw, len(x), taps), weight)


def to_whole(draw: np.random.Generator) -> Drawn:
    """Numbers between whole ones, and at and beyond the ends of the dtype."""
    x, _ = array(draw)
    bits = int(draw.choice((32, 64)))
    ends = x.dtype.type(2.0 ** (bits - 1))
    some = draw.random(x.shape) < 0.2
    x = x + draw.random(x.shape).astype(x.dtype)
    x[some] = draw.choice(
        (ends, -ends, np.nextafter(ends, ends * 0), np.nextafter(-ends, -ends * 2))
    )
    return ToWhole(f"int{bits}"), (x,)


def from_whole(draw: np.random.Generator) -> Drawn:
    """Integers of any size, which are rounded."""
    dtype = np.dtype(draw.choice(("int32", "int64")))
    x, _ = array(draw)
    whole = draw.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, x.shape, dtype)
    return FromWhole(str(x.dtype)), (whole,)


FAMILIES = {
    "extreme": extreme, "top": top, "take along": take_along, "put along": put_along,
    "take": take, "add at": add_at, "running": running, "cell number": cell_number,
    "cell sum": cell_sum, "to whole": to_whole, "from whole": from_whole,
}  # fmt: skip
