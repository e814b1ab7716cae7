"""Elementary functions on vectors of float32 or float64, within 2 units in the last place; for sine
and cosine see `angle`.

Each reduces its argument to a short interval and evaluates a polynomial there (polynomial.py).
NaN comes through, zeros keep their sign, and infinities, overflow and subnormal numbers give what
rounding the real function would. All lanes run the same instructions.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import factorial, inf, nan

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.polynomial import chebyshev_fit, horner, precisely, scaled_erf


@dataclass(frozen=True)
class _Format:
    """A floating-point format, and how many terms its functions need."""

    mantissa: int
    exponent: int  # bits
    exp_terms: int  # |r| <= log(2)/2
    log_terms: int  # s <= 0.172
    tanh_inner: int  # degree in x², x² <= 0.3
    erf_inner: int  # degree in x², |x| <= 1
    erf_outer: int  # degree in 1 / (1 + |x|/3), 1 <= |x| <= erf_end
    erf_end: int  # where erf rounds to 1
    least: float  # exp of anything less is 0
    most: float  # exp of anything more is infinite

    @property
    def bias(self) -> int:
        """What is added to the exponent of a number."""
        return (1 << self.exponent - 1) - 1

    @property
    def shifter(self) -> float:
        """1.5 * 2^mantissa: adding and subtracting it rounds a small number to an integer."""
        return 1.5 * 2.0**self.mantissa

    @property
    def shifter_bits(self) -> int:
        """The bits of `shifter`; the integer that was added stands in the last ones."""
        return (self.bias + self.mantissa << self.mantissa) + (1 << self.mantissa - 1)


_TANH_INNER = 0.3  # of x²
_FLOAT = _Format(23, 8, 8, 5, 4, 6, 6, 4, -104.0, 89.0)
_DOUBLE = _Format(52, 11, 14, 11, 10, 12, 14, 6, -746.0, 710.0)


def exp(code: Code, x: ir.Value) -> ir.Value:
    """e^x = 2^n (1 + p), where x = n log(2) + r and p = e^r - 1."""
    p, first, second = _exp_parts(code, x)
    return code.fmul(code.fmul(code.fadd(p, 1.0), first), second)


def expm1(code: Code, x: ir.Value) -> ir.Value:
    """e^x - 1 = 2^n p + (2^n - 1), where x = n log(2) + r and p = e^r - 1."""
    p, first, second = _exp_parts(code, x)
    less = code.fsub(first, code.fdiv(1.0, second))
    y = code.fmul(code.fma(p, first, less), second)
    return code.select(code.fcompare("==", x, 0.0), x, y)


def log(code: Code, x: ir.Value) -> ir.Value:
    """The natural logarithm: -inf at 0, NaN below."""
    form = _format(x)
    # A subnormal number is made normal first.
    small = code.fcompare("<", x, 2.0 ** (1 - form.bias))
    lift = form.mantissa + 1
    normal = code.select(small, code.fmul(x, 2.0**lift), x)
    n, m = _split(code, normal, form)
    number = _number(code, n, form)
    number = code.select(small, code.fsub(number, float(lift)), number)
    zero = _like(code, x, 0.0)
    y = _log_of(code, number, code.fsub(m, 1.0), zero, form)
    return _log_limits(code, x, x, y)


def log1p(code: Code, x: ir.Value) -> ir.Value:
    """log(1 + x): -inf at -1, NaN below."""
    form = _format(x)
    u = code.fadd(x, 1.0)
    n, m = _split(code, u, form)
    # What was lost in 1 + x (Knuth's sum), over u; near 0 nothing is, for f is x itself.
    back = code.fsub(u, 1.0)
    lost = code.fadd(code.fsub(1.0, code.fsub(u, back)), code.fsub(x, back))
    near = code.icompare("==", n, 0)
    f = code.select(near, x, code.fsub(m, 1.0))
    c = code.select(near, _like(code, x, 0.0), code.fdiv(lost, u))
    y = _log_limits(code, x, u, _log_of(code, _number(code, n, form), f, c, form))
    return code.select(code.fcompare("==", x, 0.0), x, y)


def tanh(code: Code, x: ir.Value) -> ir.Value:
    """x + x³ P(x²) up to 0.55, then 1 - 2 / (e^(2|x|) + 1) with the sign of x."""
    form = _format(x)
    size, square = code.fabs(x), code.fmul(x, x)
    u = code.fma(square, 2 / _TANH_INNER, -1.0)
    inner = code.fma(code.fmul(x, square), horner(code, u, _tanh_inner(form)), x)
    above = code.fadd(exp(code, code.fmul(size, 2.0)), 1.0)
    outer = code.fsub(1.0, code.fdiv(2.0, above))
    y = code.select(code.fcompare("<", square, _TANH_INNER), inner, outer)
    return code.copysign(y, x)


def sigmoid(code: Code, x: ir.Value) -> ir.Value:
    """1 / (1 + e^-x), as e^x / (1 + e^x) below 0, so that nothing overflows."""
    p, first, second = _exp_parts(code, code.fneg(code.fabs(x)))
    one = _like(code, x, 1.0)
    sums = _exact_sum(code, one, p)
    e, e_low = (code.fmul(code.fmul(part, first), second) for part in sums)
    below, below_low = _exact_sum(code, one, e)
    negative = code.fcompare("<", x, 0.0)
    top = code.select(negative, e, one)
    top_low = code.select(negative, e_low, _like(code, x, 0.0))
    return _quotient(code, (top, top_low), (below, code.fadd(below_low, e_low)))


def erf(code: Code, x: ir.Value) -> ir.Value:
    """x + x P(x²) up to 1, then 1 - e^-x² Q(1 / (1 + |x|/3)) with the sign of x."""
    form = _format(x)
    size, square = code.fabs(x), code.fmul(x, x)
    u = code.fma(square, 2.0, -1.0)
    inner = code.fma(x, horner(code, u, _erf_inner(form)), x)
    t = code.fdiv(1.0, code.fma(size, 1.0 / 3.0, 1.0))
    low, high = _erf_range(form)
    u = code.fma(t, float(2 / (high - low)), float(-(high + low) / (high - low)))
    rest = code.fmul(exp(code, code.fneg(square)), horner(code, u, _erf_outer(form)))
    outer = code.copysign(code.fsub(1.0, rest), x)
    return code.select(code.fcompare("<", size, 1.0), inner, outer)


def rint(code: Code, x: ir.Value) -> ir.Value:
    """The nearest whole number: |x| + 2^m has no place for halves; from 2^m on all are whole."""
    most, size = 2.0 ** _format(x).mantissa, code.fabs(x)
    whole = code.copysign(code.fsub(code.fadd(size, most), most), x)
    return code.select(code.fcompare("<", size, most), whole, x)


def floor(code: Code, x: ir.Value) -> ir.Value:
    """The largest whole number that is not larger."""
    nearest = rint(code, x)
    above = code.fcompare(">", nearest, x)
    return code.select(above, code.fsub(nearest, 1.0), nearest)


def _format(x: ir.Value) -> _Format:
    return _FLOAT if isinstance(x.type.element, ir.FloatType) else _DOUBLE


def _like(code: Code, x: ir.Value, value: float) -> ir.Value:
    return ir.Constant(x.type, [value] * x.type.count)


def _exp_parts(code: Code, x: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """p = e^r - 1 and two powers of 2 whose product is 2^n, with x = n log(2) + r.

    |r| <= log(2)/2. Neither 2^n need be a normal number nor n log(2) a float: r = high + low.
    """
    form = _format(x)
    x = code.fmin(form.most, code.fmax(form.least, x))  # in this order NaN stays
    log2 = _log2(form)
    shifted = code.fma(x, 1.0 / sum(log2), form.shifter)
    number = code.fsub(shifted, form.shifter)
    high = code.fma(number, -log2[0], x)
    low = code.fmul(number, -log2[1])
    r = code.fadd(high, low)
    rest = horner(code, r, [1 / factorial(k) for k in range(2, form.exp_terms)])
    p = code.fadd(high, code.fma(code.fmul(r, r), rest, low))
    n = code.integer("-", code.bits(shifted), form.shifter_bits)
    half = code.integer(">>-", n, 1)
    return p, _power(code, half, form), _power(code, code.integer("-", n, half), form)


def _power(code: Code, n: ir.Value, form: _Format) -> ir.Value:
    """2^n, if that is a normal number."""
    return code.from_bits(code.integer("<<", code.integer("+", n, form.bias), form.mantissa))


def _exact_sum(code: Code, x: ir.Value, y: ir.Value) -> tuple[ir.Value, ir.Value]:
    """x + y for |x| >= |y|, and what was lost in rounding it (Dekker)."""
    total = code.fadd(x, y)
    return total, code.fsub(y, code.fsub(total, x))


def _quotient(code: Code, x: tuple[ir.Value, ir.Value], y: tuple[ir.Value, ir.Value]) -> ir.Value:
    """x / y of numbers in two parts each: a short quotient, and the remainder over y.

    Short factors make the products exact with or without fused multiply-add.
    """
    q = _cut(code, code.fdiv(x[0], y[0]))
    short = _cut(code, y[0])
    minus_q = code.fneg(q)
    rest = code.fma(minus_q, code.fsub(y[0], short), code.fma(minus_q, short, x[0]))
    rest = code.fadd(rest, code.fma(minus_q, y[1], x[1]))
    return code.fadd(q, code.fdiv(rest, y[0]))


def _cut(code: Code, x: ir.Value) -> ir.Value:
    """x with the lower half of its bits zero."""
    low = _format(x).mantissa // 2 + 1
    return code.from_bits(code.integer("&", code.bits(x), -(1 << low)))


def _split(code: Code, x: ir.Value, form: _Format) -> tuple[ir.Value, ir.Value]:
    """n (integers) and m, sqrt(1/2) <= m < sqrt(2), with x = 2^n m, for positive normal x."""
    bits = code.bits(x)
    # The fraction of sqrt(2), cut to the mantissa, under the exponent of 1/2.
    fraction = int(precisely(lambda: (Decimal(2).sqrt() - 1) * 2**form.mantissa))
    root = (form.bias - 1 << form.mantissa) + fraction
    n = code.integer(">>-", code.integer("-", bits, root), form.mantissa)
    return n, code.from_bits(code.integer("-", bits, code.integer("<<", n, form.mantissa)))


def _number(code: Code, n: ir.Value, form: _Format) -> ir.Value:
    """Small integers as floats; a plain conversion of 64 bits is not on every target."""
    return code.fsub(code.from_bits(code.integer("+", n, form.shifter_bits)), form.shifter)


def _log_of(code: Code, number: ir.Value, f: ir.Value, c: ir.Value, form: _Format) -> ir.Value:
    """n log(2) + log(1 + f) + c, for small c.

    With s = f/(2+f), log(1+f) = 2 atanh(s) = 2s + s R and R = 2 (s²/3 + s⁴/5 + ...); and
    2s = f - f²/2 + s f²/2, in which the large term f is exact.
    """
    high, low = _log2(form)
    s = code.fdiv(f, code.fadd(f, 2.0))
    z = code.fmul(s, s)
    series = horner(code, z, [2 / (2 * k + 3) for k in range(form.log_terms)])
    half = code.fmul(code.fmul(f, f), 0.5)
    tail = code.fma(s, code.fma(z, series, half), code.fma(number, low, c))
    return code.fma(number, high, code.fsub(f, code.fsub(half, tail)))


def _log_limits(code: Code, x: ir.Value, u: ir.Value, y: ir.Value) -> ir.Value:
    """y = log(u), put right where u is not positive or x infinite."""
    zero = code.fcompare("==", u, 0.0)
    limit = code.select(zero, _like(code, x, -inf), _like(code, x, nan))
    y = code.select(code.fcompare(">", u, 0.0), y, limit)
    return code.select(code.fcompare("==", x, inf), x, y)


@cache
def _log2(form: _Format) -> tuple[float, float]:
    """log(2) in two parts, the first so short that its products with exponents are exact."""

    def parts() -> tuple[float, float]:
        log2 = Decimal(2).ln()
        length = 2 ** (form.mantissa + 1 - form.exponent)
        high = Decimal(int(log2 * length)) / length
        return float(high), float(log2 - high)

    return precisely(parts)


@cache
def _erf_inner(form: _Format) -> list[float]:
    """erf(x)/x - 1 over 0 <= x² <= 1, in u = 2 x² - 1."""

    def ratio(square: Decimal) -> Decimal:
        x = square.sqrt()
        return scaled_erf(x) * (-square).exp() / x - 1

    return precisely(lambda: chebyshev_fit(ratio, Decimal(0), Decimal(1), form.erf_inner))


@cache
def _tanh_inner(form: _Format) -> list[float]:
    """(tanh(x) - x) / x³ over 0 <= x² <= 0.3, in u from -1 to 1."""

    def ratio(square: Decimal) -> Decimal:
        x = square.sqrt()
        e = (2 * x).exp()
        return ((e - 1) / (e + 1) - x) / (x * square)

    end = Decimal(_TANH_INNER)
    return precisely(lambda: chebyshev_fit(ratio, Decimal(0), end, form.tanh_inner))


def _erf_range(form: _Format) -> tuple[Decimal, Decimal]:
    """The smallest and the largest t = 1 / (1 + |x|/3)."""
    return Decimal(3) / (3 + form.erf_end), Decimal(3) / 4


@cache
def _erf_outer(form: _Format) -> list[float]:
    """e^x² (1 - erf(x)) over t = 1 / (1 + x/3), in u from -1 to 1."""

    def scaled(t: Decimal) -> Decimal:
        x = 3 / t - 3
        return (x * x).exp() - scaled_erf(x)

    return precisely(lambda: chebyshev_fit(scaled, *_erf_range(form), form.erf_outer))
