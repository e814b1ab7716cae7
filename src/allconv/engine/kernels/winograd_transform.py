"""The transforms of Winograd's algorithm F(m x m, 3 x 3): matrices from points, and their code.

A polynomial product is computed from values at points: B^T evaluates the input, G the weights, A^T
brings the products back. The matrices follow from the points alone, in exact fractions (Toom and
Cook's construction; Lavin and Gray 2016, arXiv:1509.09308). Points come in pairs p and -p, of which
the even and the odd parts are computed once. For F(4 x 4) the points 0, +-3/4, +-3/2 and infinity
have a quarter of the error of 0, +-1, +-2, and all numbers but those of G are exact in binary.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import TypeAlias

from llvmlite import ir

from allconv.engine.emit.code import Code

TAPS = 3  # of the kernel along each axis
POINTS = {
    2: (Fraction(0), Fraction(1), Fraction(-1)),
    4: (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(3, 2), Fraction(-3, 2)),
}
"""The finite points of F(m); infinity comes last."""

Matrix: TypeAlias = tuple[tuple[Fraction, ...], ...]
Terms: TypeAlias = list[tuple[Fraction, "ir.Value"]]


def times(factors: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients, constant first, of the polynomial with these roots."""
    result = [Fraction(1)]
    for root in factors:
        shifted = [Fraction(0), *result]
        result = [a - root * b for a, b in zip(shifted, [*result, Fraction(0)], strict=True)]
    return result


@cache
def data_matrix(m: int) -> Matrix:
    """B^T: n = m + 2 values of n cells. A row holds the polynomial whose roots are the others."""
    points = POINTS[m]
    rows = [[*times([q for q in points if q != p]), Fraction(0)] for p in points]
    return tuple(map(tuple, [*rows, times(points)]))


@cache
def weight_matrix(m: int) -> Matrix:
    """G: n values of three taps, each divided by what B^T has too much."""
    rows = []
    for p in POINTS[m]:
        scale = Fraction(1)
        for q in POINTS[m]:
            scale *= p - q if q != p else 1
        rows.append(tuple(p**k / scale for k in range(TAPS)))
    return (*rows, (Fraction(0),) * (TAPS - 1) + (Fraction(1),))


@cache
def result_matrix(m: int) -> Matrix:
    """A^T: m cells of n products."""
    return tuple(
        (*(p**k for p in POINTS[m]), Fraction(int(k == m - 1))) for k in range(m)
    )  # fmt: skip


def emit_evaluation(code: Code, matrix: Matrix, x: Sequence[ir.Value]) -> list[ir.Value]:
    """The rows of B^T or G times x: what rows of p and -p share is computed once."""
    results: list[ir.Value] = []
    for number, row in enumerate(matrix):
        if number < len(results):
            continue  # it came with its opposite
        even, odd = ([(row[k], x[k]) for k in range(s, len(x), 2) if row[k]] for s in (0, 1))
        if not even or not odd:
            value, scale = _chain(code, even or odd)
            results.append(_scaled(code, value, scale))
        else:
            (e, scale), (o, factor) = _chain(code, even), _chain(code, odd)
            e = _scaled(code, e, scale)
            results += [_plus(code, e, o, factor), _plus(code, e, o, -factor)]
    return results


def emit_results(code: Code, matrix: Matrix, x: Sequence[ir.Value]) -> list[ir.Value]:
    """The rows of A^T times x: pairs of columns meet as sums in even rows, as differences in odd
    ones."""
    pairs = range(1, len(x) - 1, 2)
    sums = {k: code.fadd(x[k], x[k + 1]) for k in pairs}
    differences = {k: code.fsub(x[k], x[k + 1]) for k in pairs}
    results = []
    for number, row in enumerate(matrix):
        joined = differences if number % 2 else sums
        terms = [(row[0], x[0]), (row[-1], x[-1]), *((row[k], joined[k]) for k in pairs)]
        value, scale = _chain(code, [(factor, each) for factor, each in terms if factor])
        results.append(_scaled(code, value, scale))
    return results


def _chain(code: Code, terms: Terms) -> tuple[ir.Value, Fraction]:
    """A sum of terms as (value, scale): one of them has the factor 1, the others are exact where
    that can be."""

    def exact(unit: Fraction) -> bool:
        denominators = [(factor / unit).denominator for factor, _ in terms]
        return all(d & (d - 1) == 0 for d in denominators)

    factors = [factor for factor, _ in terms]
    ones = [factor for factor in factors if factor == 1]
    unit = next((f for f in [*ones, *factors] if exact(f)), factors[-1])
    first = factors.index(unit)
    value = terms[first][1]
    for number, (factor, x) in enumerate(terms):
        if number != first:
            value = _plus(code, value, x, factor / unit)
    return value, unit


def _plus(code: Code, value: ir.Value, x: ir.Value, factor: Fraction) -> ir.Value:
    """value + factor * x."""
    if factor == 1:
        return code.fadd(value, x)
    return code.fsub(value, x) if factor == -1 else code.fma(x, float(factor), value)


def _scaled(code: Code, x: ir.Value, factor: Fraction) -> ir.Value:
    if factor == 1:
        return x
    return code.fneg(x) if factor == -1 else code.fmul(x, float(factor))
