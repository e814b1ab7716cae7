"""What is left of a division, exactly, however large the quotient is.

All is computed in float64, for float32, too. A quotient below `_limit` is cut to a whole number,
the right one or one too many, and what that leaves is exact. Beyond it, lane by lane, the mantissa
of one number is divided by that of the other, a few bits of the quotient at a time.
"""

from __future__ import annotations

from math import inf, nan

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import I64, Index
from allconv.engine.emit.math import floor

DOUBLE = ir.DoubleType()
SHIFT = 11  # bits of the quotient at a time: an int64 has so many more than a mantissa
BIAS = 1075  # what the exponent field of m 2^e is more than e, where m is a whole mantissa


def remainder(code: Code, a: ir.Value, b: ir.Value, *, truncated: bool) -> ir.Value:
    """a - n b with the sign of a (`truncated`) or of b; NaN for an infinite a and for b = 0."""
    x, y = (code.convert(each, "float64") for each in (a, b))
    left = code.copysign(_left(code, code.fabs(x), code.fabs(y)), x)
    if not truncated:
        zero, one = code.const(0.0, "float64"), code.const(1.0, "float64")
        apart = code.fcompare("<", code.fmul(code.copysign(one, left), y), 0.0)
        other = code.select(apart, code.fadd(left, y), left)
        left = code.select(code.fcompare("==", left, 0.0), code.copysign(zero, y), other)
    return code.convert(left, code.dtype)


def _left(code: Code, x: ir.Value, y: ir.Value) -> ir.Value:
    """x - n y of numbers from 0 on: from 0 to below y."""
    b, quotient = code.builder, code.fdiv(x, y)
    left = code.fma(floor(code, quotient), code.fneg(y), x)
    left = code.select(code.fcompare("<", left, 0.0), code.fadd(left, y), left)
    found = [code.select(code.fcompare("<", x, y), x, left)]
    inside = b.and_(code.fcompare("<", x, inf), code.fcompare(">", y, 0.0))
    large = b.and_(code.fcompare(">=", quotient, _limit(code)), code.fcompare(">=", x, y))
    with code.each_lane(b.and_(inside, large), found) as lane:
        one, other = (code.builder.extract_element(each, lane) for each in (x, y))
        made = _long_division(code, one, other)
        found[0] = code.builder.insert_element(found[0], made, lane)
    return code.select(inside, found[0], code.const(nan, "float64"))


def _limit(code: Code) -> float:
    """The quotient below which vectors compute what is left.

    Below 2^28 that of two float32 is whole or further from the next whole number than float64 errs,
    and its product with a float32 has 52 bits. In float64 such a product is exact in a fused
    multiply-add alone.
    """
    if code.dtype == "float32":
        return 2.0**28
    return 2.0**52 if code.target.fma else 1.0


def _long_division(code: Code, x: ir.Value, y: ir.Value) -> ir.Value:
    """What is left of x / y of finite numbers x >= y > 0."""
    (m, power), (n, unit) = (_parts(code, each) for each in (x, y))
    left, bits = [code.value(code.rem(m, n))], code.sub(power, unit)
    with code.loop(bits, step=SHIFT, carry=left) as done:
        step = code.min(code.sub(bits, done), SHIFT)
        left[0] = code.value(code.rem(code.builder.shl(left[0], code.value(step)), n))
    exponent = code.builder.sub(code.value(unit), I64(BIAS))
    half = code.builder.ashr(exponent, I64(1))
    found = code.builder.uitofp(left[0], DOUBLE)
    for part in (half, code.builder.sub(exponent, half)):  # 2^exponent may be no normal number
        bias = code.builder.shl(code.builder.add(part, I64(1023)), I64(52))
        found = code.fmul(found, code.builder.bitcast(bias, DOUBLE))
    return found


def _parts(code: Code, x: ir.Value) -> tuple[Index, Index]:
    """m and e, x = m 2^(e - BIAS)."""
    b = code.builder
    bits = b.bitcast(x, I64)
    exponent, fraction = b.lshr(bits, I64(52)), b.and_(bits, I64(2**52 - 1))
    normal = code.compare("!=", exponent, 0)
    return code.select(normal, b.or_(fraction, I64(2**52)), fraction), code.max(exponent, 1)
