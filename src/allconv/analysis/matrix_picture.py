"""The matrix of a layer as a picture: which rows and columns, what stands in them, which shades."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from allconv.errors import ArgumentError
from allconv.picture.matrix import SHADES, Entry, MatrixDrawing, Side, subscript
from allconv.text import printable

if TYPE_CHECKING:
    from allconv.analysis.layer_matrix import Letters, Matrix

MOST = (160, 100, 60, 40)
"""Rows and columns that are drawn at most: the first of these with no more entries than below."""

MOST_ENTRIES = 2500
MOST_COUNTED = 1_000_000  # entries of a matrix whose letters are counted
LEGEND = 12  # letters with a line of their own
LONGEST = 40  # letters of a name in the legend

Index = NDArray[np.int64]


def matrix_drawing(matrix: Matrix, letters: bool, most: int | None) -> MatrixDrawing:
    """What is drawn of a matrix; of more than `most` rows or columns the first and the last."""
    if most is not None and most < 2:
        raise ArgumentError(f"most is {most}; at least 2 rows and columns are drawn")
    rows, columns, chosen = _chosen(matrix, most)
    places = _places(rows), _places(columns)
    name = short_name(matrix.letters)
    where: dict[tuple[int, int], list[int]] = {}
    for n in chosen.tolist():
        place = places[0][int(matrix.rows[n])], places[1][int(matrix.columns[n])]
        where.setdefault(place, []).append(n)
    shades, count = _shades(matrix.letters, [each[0] for each in where.values()])
    entries, values = [], {}
    for (row, column), each in where.items():
        value = short_number(float(matrix.values[each].sum(dtype=np.float64)))
        text = "+".join(name(n) for n in each) if letters else value
        shade = shades[_key(matrix.letters, each[0])]
        entries.append(Entry(row, column, text, shade))
        if len(each) == 1:
            values[_key(matrix.letters, each[0])] = (shade, each[0], value)
    return MatrixDrawing(
        matrix.title,
        _side(matrix.sides[0], matrix.output_shape, rows),
        _side(matrix.sides[1], matrix.input_shape, columns),
        entries,
        [*_left_out(matrix.shape, rows, columns), *_sharing(matrix.letters)],
        _legend(matrix.letters, values) if len(shades) <= LEGEND else (),
        count,
        matrix.letters.letter if matrix.letters.letter in ("x", "y") else "w",
    )


def short_name(letters: Letters) -> Callable[[int], str]:
    """Short names of entries: of the axes with one cell nothing is said."""
    kept, joint = _open(letters.shape), _joint(letters.shape)

    def name(n: int) -> str:
        full = letters.names([n])[0]
        cell = int(letters.cells[n])
        if cell < 0:
            return full
        index = np.unravel_index(cell, letters.shape)
        before = full[: full.index(f"{letters.letter}[")]
        return before + subscript(
            printable(letters.letter, 8), (int(index[a]) for a in kept), joint
        )

    return name


def short_number(value: float) -> str:
    """A number of few letters: whole ones whole, others to three digits.

    >>> short_number(-1234.0), short_number(0.046524), short_number(1e9), short_number(float("nan"))
    ('-1234', '0.0465', '1e+09', 'nan')
    """
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.3g}"


def _joint(shape: Sequence[int]) -> str:
    """What stands between the numbers of a short name."""
    return "," if any(n > 10 for n in shape) else ""


def _open(shape: Sequence[int]) -> list[int]:
    """The axes along which cells differ, or the last one."""
    return [a for a, n in enumerate(shape) if n > 1] or [*range(len(shape))][-1:]


def _ends(count: int, most: int) -> list[int | None]:
    """All of `count`, or two thirds of `most` from the beginning and one from the end."""
    if count <= most:
        return list(range(count))
    last = most // 3 or 1
    return [*range(most - last), None, *range(count - last, count)]


def _chosen(
    matrix: Matrix, most: int | None
) -> tuple[list[int | None], list[int | None], NDArray[np.intp]]:
    """The rows and columns that are drawn (None: left out), and the numbers of their entries."""
    limits = MOST if most is None else (most, *(n for n in MOST if n < most))
    for limit in limits:
        rows, columns = (_ends(n, limit) for n in matrix.shape)
        (found,) = np.nonzero(_within(matrix.rows, rows) & _within(matrix.columns, columns))
        if len(found) <= MOST_ENTRIES:
            break
    return rows, columns, found


def _within(places: Index, drawn: Sequence[int | None]) -> NDArray[np.bool_]:
    if None not in drawn:
        return np.ones(len(places), np.bool_)
    gap = drawn.index(None)
    last = drawn[-1] or 0
    return (places < gap) | (places > last - (len(drawn) - gap - 1))


def _places(drawn: Sequence[int | None]) -> dict[int, int]:
    """Where each row or column stands among those drawn."""
    return {n: place for place, n in enumerate(drawn) if n is not None}


def _key(letters: Letters, n: int) -> tuple[int, float]:
    return int(letters.cells[n]), float(letters.factors[n])


def _shades(letters: Letters, drawn: Sequence[int]) -> tuple[dict[tuple[int, float], int], int]:
    """A shade for each letter, and how many: of many letters those of one tap have the same."""
    keys = sorted({_key(letters, n) for n in drawn})
    if len(keys) <= SHADES:
        return {key: n for n, key in enumerate(keys)}, len(keys)
    taps = prod(letters.shape[2:])
    count = taps if 2 <= taps <= SHADES else SHADES
    return {key: max(key[0], 0) % count for key in keys}, count


def _side(letter: str, shape: tuple[int, ...], drawn: Sequence[int | None]) -> Side:
    kept = _open(shape)
    index = ",".join("·" if a in kept and n > 1 else "0" for a, n in enumerate(shape))

    def name(n: int) -> str:
        place = np.unravel_index(n, shape) if shape else ()
        return subscript(letter, (int(place[a]) for a in kept), _joint(shape))

    names = [None if n is None else name(n) for n in drawn]
    return Side(letter, f"{letter}[{index}]" if shape else letter, names)


def _legend(
    letters: Letters, values: dict[tuple[int, float], tuple[int, int, str]]
) -> list[tuple[int, str]]:
    """What each shade stands for."""
    return [
        (shade, f"{printable(letters.names([n])[0], LONGEST)} = {value}"
         if letters.cells[n] >= 0 else letters.names([n])[0])
        for _, (shade, n, value) in sorted(values.items())
    ]  # fmt: skip


def _left_out(
    shape: tuple[int, int], rows: Sequence[int | None], columns: Sequence[int | None]
) -> list[str]:
    """A word on what is not drawn."""
    told = []
    for count, drawn, what in zip(shape, (rows, columns), ("rows", "columns"), strict=True):
        left = count - (len(drawn) - 1) if None in drawn else 0
        if left:
            told.append(f"{left:,} of {count:,} {what}")
    return [f"Left out in the middle: {' and '.join(told)}."] if told else []


def _sharing(letters: Letters) -> list[str]:
    """How many letters there are, and how often each occurs."""
    if not 0 < len(letters.cells) <= MOST_COUNTED:
        return []
    order = np.lexsort((letters.factors, letters.cells))
    cells, factors = letters.cells[order], letters.factors[order]
    new = np.flatnonzero((np.diff(cells) != 0) | (np.diff(factors) != 0)) + 1
    counts = np.diff(np.concatenate([[0], new, [len(cells)]]))
    least, most = int(counts.min()), int(counts.max())
    often = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    if len(counts) == 1:
        return [f"One number at {often} place{'' if most == 1 else 's'}."]
    return [f"{len(counts):,} different entries, each at {often} place{'' if most == 1 else 's'}."]
