"""Results in letters, as the slides write them, read off what is computed.

What the slides write in letters is a sum of products with one cell of every operand. Computed on
arrays that are 1 in one cell and 0 elsewhere, it gives the coefficient of the product of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from allconv.operators.base import Array

Shapes = Mapping[str, tuple[int, ...]]


def letters(f: Callable[..., Any], shapes: Shapes, *, first: int = 1) -> Array:
    """Every cell of f(*arrays) as a sum of products of letters; f is linear in each array.

    `shapes` are those of the arrays, by the letter that stands for them; `first` is the number of a
    first cell.

    >>> letters(lambda x, w: x[:2] * w, {"I": (3,), "W": (2,)}).tolist()
    ['I1*W1', 'I2*W2']
    """
    terms: list[list[str]] = []
    result = np.array(0.0)
    for places in product(*(np.ndindex(shape) for shape in shapes.values())):
        units = [_unit(s, at) for s, at in zip(shapes.values(), places, strict=True)]
        result = np.asarray(f(*units))
        terms = terms or [[] for _ in range(result.size)]
        name = "*".join(_name(n, at, first) for n, at in zip(shapes, places, strict=True))
        for cell, coefficient in zip(terms, result.ravel().tolist(), strict=True):
            if coefficient:
                cell.append(name if coefficient == 1 else f"{coefficient:g}*{name}")
    return np.array(["+".join(cell) or "0" for cell in terms]).reshape(result.shape)


def _unit(shape: tuple[int, ...], place: tuple[int, ...]) -> Array:
    """1 in one cell, 0 elsewhere."""
    array = np.zeros(shape)
    array[place] = 1.0
    return array


def _name(letter: str, place: tuple[int, ...], first: int) -> str:
    return letter + ",".join(str(n + first) for n in place)
