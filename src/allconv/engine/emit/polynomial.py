"""Polynomials for elementary functions: their coefficients, computed to 100 digits, and Horner.

No coefficient is written down: series give those of exp, log, sine and cosine, interpolation at
Chebyshev's points those of tanh and erf, so that each can be checked against the function it stands
for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from functools import cache
from typing import TypeVar

from llvmlite import ir

from allconv.engine.emit.code import Code

_DIGITS = 100
_Result = TypeVar("_Result")


def horner(code: Code, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    """c0 + c1 x + c2 x² + ..., from the last coefficient inwards."""
    *rest, total = coefficients
    for k in reversed(rest):
        total = code.fma(total, x, k)
    return total


def precisely(compute: Callable[[], _Result]) -> _Result:
    """What `compute` returns when decimals have 100 digits."""
    with localcontext() as context:
        context.prec = _DIGITS
        return compute()


def chebyshev_fit(
    f: Callable[[Decimal], Decimal], low: Decimal, high: Decimal, degree: int
) -> list[float]:
    """Coefficients of the polynomial in u, -1 <= u <= 1, that meets f at Chebyshev's points.

    u runs from `low` to `high`: x = (low + high)/2 + u (high - low)/2. The points are the roots of
    the Chebyshev polynomial of degree + 1; divided differences give Newton's form, which is
    multiplied out.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    points = [Decimal(math.cos(math.pi * (k + 0.5) / (degree + 1))) for k in range(degree + 1)]
    newton = [f(middle + half * u) for u in points]
    for order in range(1, degree + 1):
        for k in range(degree, order - 1, -1):
            newton[k] = (newton[k] - newton[k - 1]) / (points[k] - points[k - order])
    product = [newton[degree]]
    for k in range(degree - 1, -1, -1):
        shifted = [Decimal(0), *product]
        scaled = [-points[k] * c for c in product] + [Decimal(0)]
        product = [s + t for s, t in zip(shifted, scaled, strict=True)]
        product[0] += newton[k]
    return [float(c) for c in product]


@cache
def pi() -> Decimal:
    """Machin's formula: pi = 16 atan(1/5) - 4 atan(1/239)."""

    def arctangent(n: int) -> Decimal:
        return sum(
            (
                Decimal((-1) ** k) / ((2 * k + 1) * Decimal(n) ** (2 * k + 1))
                for k in range(_DIGITS)
            ),
            Decimal(0),
        )

    return precisely(lambda: 16 * arctangent(5) - 4 * arctangent(239))


def scaled_erf(x: Decimal) -> Decimal:
    """exp(x²) erf(x) = 2/sqrt(pi) times the sum of 2^k x^(2k+1) / (1 3 5 ... (2k+1))."""
    total, term, k = Decimal(0), x, 0
    while total + term != total:
        total += term
        k += 1
        term *= 2 * x * x / (2 * k + 1)
    return 2 / pi().sqrt() * total
