"""The parts of a working: a factor is a cell of an array, terms are products of factors, and a
cell of a result is a sum of terms, or the largest of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, prod
from typing import Any

import numpy as np

from allconv.operators.base import WHOLE
from allconv.show.table import cell_table
from allconv.show.text import cell_lines

Number = int | float
Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Factor:
    """A cell of an array and its value; index None: a cell of padding, which no array holds.

    >>> str(Factor("x", (0, 2), 3.0))
    'x[0,2]'
    """

    name: str
    index: Index | None
    value: Number

    def __str__(self) -> str:
        if self.index is None:
            return "padding"
        return f"{self.name}[{','.join(map(str, self.index))}]" if self.index else self.name


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors, divided by a whole number where a mean is taken."""

    factors: tuple[Factor, ...]
    divisor: int = 1

    @property
    def product(self) -> Number:
        """The value of the term."""
        product = prod(factor.value for factor in self.factors)
        return product if self.divisor == 1 else product / self.divisor


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a result and how it comes about.

    total   what the terms, the bias and the divisor give, in the dtype of the result
    winner  of a maximum: the place of the term that won, None without terms
    empty   what a cell without terms says
    """

    name: str
    index: Index
    terms: tuple[Term, ...]
    total: Any
    bias: Factor | None = None
    divisor: int = 1
    is_maximum: bool = False
    winner: int | None = None
    empty: str = "nothing meets it"

    @property
    def label(self) -> str:
        """The cell as it is written: "y[0,1]"."""
        return str(Factor(self.name, self.index, 0))

    def ties(self) -> int:
        """How many terms have the value that won (1: no tie)."""
        if self.winner is None:
            return 0
        best = self.terms[self.winner].product
        return sum(bool(term.product == best) for term in self.terms)

    def __str__(self) -> str:
        return "\n".join(cell_lines(self))

    def _repr_html_(self) -> str:
        return cell_table(self)


def added(name: str, index: Index, terms: list[Term], dtype: str, **parts: Any) -> Cell:
    """The cell whose value is bias + sum of the terms, divided; computed in float64."""
    bias, divisor = parts.get("bias"), parts.get("divisor", 1)
    total = bias.value if bias is not None else 0
    for term in terms:
        total += term.product
    total = total if divisor == 1 else total / divisor
    return Cell(name, index, tuple(terms), narrowed(total, dtype), **parts)


def largest(name: str, index: Index, terms: list[Term], dtype: str) -> Cell:
    """The cell whose value is the largest term: the first of equal ones; the first NaN wins."""
    winner, total = None, -inf
    for number, term in enumerate(terms):
        new = term.product
        if winner is None or new > total or (isnan(new) and not isnan(total)):
            winner, total = number, new
    value, empty = narrowed(total, dtype), "only padding is under the window"
    return Cell(name, index, tuple(terms), value, is_maximum=True, winner=winner, empty=empty)


def narrowed(total: Number, dtype: str) -> Any:
    """A number in a dtype: floats rounded, whole numbers modulo what the dtype holds."""
    kind = np.dtype(dtype)
    if dtype not in WHOLE:
        with np.errstate(over="ignore"):
            return np.asarray(total, np.float64).astype(kind)[()]
    if dtype == "bool":
        return np.bool_(total != 0)
    return np.asarray(int(total) % 2**64, np.uint64).astype(kind)[()]
