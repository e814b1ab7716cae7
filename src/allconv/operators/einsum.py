"""Einstein's summation in operators: sums, transposes, and products of matrices.

Operands are joined from the left, two at a time: the letters of both that count later are many
matrices, those of one are its rows or columns, and those that count no more are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from allconv.errors import ArgumentError, ShapeError
from allconv.operators.arrange import Reshape, Slice, Transpose
from allconv.operators.matmul import MatMul
from allconv.operators.reduce import Sum

Record = Callable[..., Any]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_OPERANDS = 16


def einsum(record: Record, equation: str, operands: Sequence[Any]) -> Any:
    """The sum that an equation such as "bij,bjk->bik" names, of arrays and symbolic ones.

    "..." stands for the axes that have no letter. Of axes with the same letter in one operand the
    diagonal is taken.
    """
    terms, result = _parsed(equation, [len(each.shape) for each in operands])
    pairs = [_diagonal(record, *pair) for pair in zip(terms, operands, strict=True)]
    terms, operands = [letters for letters, _ in pairs], [x for _, x in pairs]
    sizes: dict[str, int] = {}
    for term, each in zip(terms, operands, strict=True):
        for letter, n in zip(term, each.shape, strict=True):
            known = sizes.setdefault(letter, n)
            if known != n and 1 not in (known, n):
                raise ShapeError(f"einsum {equation!r}: {letter} is {known} and {n}")
            sizes[letter] = max(known, n) if 0 not in (known, n) else 0
    letters, y = _summed(record, terms[0], operands[0], {*result, *"".join(terms[1:])})
    for number, (term, each) in enumerate(zip(terms[1:], operands[1:], strict=True), 2):
        kept = {*result, *"".join(terms[number:])}
        letters, y = _joined(record, (letters, y), (term, each), kept)
    return _ordered(record, letters, y, result)


def _parsed(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, those of "..." written out."""
    text = "".join(equation.split())
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks) or len(terms) > MOST_OPERANDS:
        raise ArgumentError(f"einsum {equation!r}: {len(ranks)} arrays are given")
    free = [letter for letter in LETTERS if letter not in text]
    written = [_written(term, rank, free) for term, rank in zip(terms, ranks, strict=True)]
    widest = max((wide for _, wide in written), key=len)
    if not arrow:
        plain = sorted({each for term in terms for each in term if each != "."})
        right = widest + "".join(each for each in plain if left.count(each) == 1)
    result = right.replace("...", widest)
    found = [letters for letters, _ in written]
    if set(result) - {*"".join(found)} or len(set(result)) < len(result):
        raise ArgumentError(
            f"einsum {equation!r}: its result names a letter that no operand has, or one twice"
        )
    return found, result


def _diagonal(record: Record, letters: str, x: Any) -> tuple[str, Any]:
    """An operand of whose axes with one letter the diagonal is left."""
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            i = letters.index(letter)
            j = letters.index(letter, i + 1)
            rest = [axis for axis in range(len(letters)) if axis not in (i, j)]
            if x.shape[i] != x.shape[j]:
                raise ShapeError(f"einsum: {letter} is {x.shape[i]} and {x.shape[j]}")
            n, sizes = x.shape[i], tuple(x.shape[axis] for axis in rest)
            x = record(Reshape((*sizes, n * n)), record(Transpose((*rest, i, j)), x))
            ones = (1,) * len(rest)
            x = record(Slice((0,) * (len(rest) + 1), (*ones, n + 1), (*sizes, n)), x)
            letters = "".join(letters[axis] for axis in rest) + letter
    return letters, x


def _written(term: str, rank: int, free: Sequence[str]) -> tuple[str, str]:
    """A term without dots, and the letters that stand for them: aligned at the last."""
    plain = term.replace("...", "", 1)
    wide = ""
    if plain != term and rank >= len(plain):
        count = rank - len(plain)
        if count > len(free):
            raise ArgumentError(f"einsum: {rank} axes are too many for the letters there are")
        wide = "".join(free[:count][::-1])
    if not ((plain.isascii() and plain.isalpha()) or not plain) or len(plain) + len(wide) != rank:
        raise ArgumentError(f"einsum: {term!r} does not name the {rank} axes of its array")
    return term.replace("...", wide, 1), wide


def _summed(record: Record, letters: str, x: Any, kept: set[str]) -> tuple[str, Any]:
    """An array without the axes whose letters count no more."""
    gone = tuple(axis for axis, letter in enumerate(letters) if letter not in kept)
    if gone:
        x = record(Sum(gone), x)
    return "".join(letter for letter in letters if letter in kept), x


def _joined(
    record: Record, one: tuple[str, Any], other: tuple[str, Any], kept: set[str]
) -> tuple[str, Any]:
    """The product of two arrays, summed over what both have and nothing needs later."""
    a, x = _summed(record, *one, kept | set(other[0]))
    b, y = _summed(record, *other, kept | set(a))
    both = [letter for letter in a if letter in b]
    batch = "".join(letter for letter in both if letter in kept)
    inner = "".join(letter for letter in both if letter not in kept)
    rows = "".join(letter for letter in a if letter not in b)
    columns = "".join(letter for letter in b if letter not in a)
    x, y = (
        _ordered(record, a, x, batch + rows + inner),
        _ordered(record, b, y, batch + inner + columns),
    )
    lead, m, n = len(batch), len(rows), len(inner)
    if x.shape[lead + m :] != y.shape[lead : lead + n]:
        raise ShapeError(f"einsum: {x.shape[lead + m :]} and {y.shape[lead : lead + n]} are summed")
    sizes = x.shape[lead : lead + m], y.shape[lead + n :]
    x = x.reshape((*x.shape[:lead], prod(sizes[0]), prod(x.shape[lead + m :])))
    y = y.reshape((*y.shape[:lead], prod(y.shape[lead : lead + n]), prod(sizes[1])))
    z = record(MatMul(), x, y)
    return batch + rows + columns, z.reshape((*z.shape[:lead], *sizes[0], *sizes[1]))


def _ordered(record: Record, letters: str, x: Any, wanted: str) -> Any:
    """An array with its axes in the order of other letters."""
    order = tuple(letters.index(letter) for letter in wanted)
    return x if order == tuple(range(len(order))) else record(Transpose(order), x)
