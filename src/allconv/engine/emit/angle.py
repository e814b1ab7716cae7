"""Sine and cosine of any number, within 1 unit in the last place.

x = n pi/2 + r, |r| <= pi/4: whole quarter turns, which say whether it is the sine or the cosine of
r, and with which sign, and a rest. All is computed in float64, for float32, too; the rest of a
float64 comes in two parts. Up to 2^19 the quarter turns are taken away in parts so short that their
products with n are exact (Cody and Waite). Beyond, lane by lane, x is multiplied by those bits of
2/pi that decide what is left (Payne and Hanek).
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from math import factorial, inf

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import I1, I64
from allconv.engine.emit.polynomial import horner, pi, precisely

FAR = 2.0**19
TERMS = {"float32": 4, "float64": 8}  # of both series: the next are below 2^-28, and below 2^-57
SHIFTER = 1.5 * 2.0**52  # adding it rounds to an integer, which then stands in the last bits
PART = 33  # bits of a part of pi/2: with the 19 of n and a sign they fit into a float64
PLACES = 1216  # binary places of 2/pi: those of the largest float64, and 190 beyond
I128, I192, WIDE = (ir.IntType(bits) for bits in (128, 192, PLACES))
DOUBLE = ir.DoubleType()


def sin(code: Code, x: ir.Value) -> ir.Value:
    """The sine: -0 at -0, NaN of infinities."""
    return code.select(code.fcompare("==", x, 0.0), x, _turned(code, x, 0))


def cos(code: Code, x: ir.Value) -> ir.Value:
    """The cosine: NaN of infinities."""
    return _turned(code, x, 1)


def _turned(code: Code, x: ir.Value, quarters: int) -> ir.Value:
    """The sine of x and so many quarter turns."""
    turns, *rest = _rest(code, code.convert(x, "float64"))
    turns = code.integer("+", turns, quarters)
    odd = code.icompare("!=", code.integer("&", turns, 1), 0)
    sign = code.integer("<<", code.integer("&", turns, 2), 62)
    y = code.bits(code.select(odd, _cosine(code, *rest), _sine(code, *rest)))
    y = code.convert(code.from_bits(code.integer("^", y, sign)), code.dtype)
    return code.select(code.fcompare("<", code.fabs(x), inf), y, code.fsub(x, x))


def _sine(code: Code, r: ir.Value, low: ir.Value | None = None) -> ir.Value:
    """r + r³ P(r²), and of the low part of the rest low (1 - r²/2)."""
    square = code.fmul(r, r)
    odd = range(3, 3 + 2 * TERMS[code.dtype], 2)
    series = horner(code, square, [(-1) ** (k // 2) / factorial(k) for k in odd])
    cube = code.fmul(square, r)
    if low is None:
        return code.fma(cube, series, r)
    lower = code.fmul(low, code.fma(square, -0.5, 1.0))
    return code.fadd(r, code.fma(cube, series, lower))


def _cosine(code: Code, r: ir.Value, low: ir.Value | None = None) -> ir.Value:
    """1 - r²/2 + r⁴ P(r²), what was lost in the difference, and of the low part -low r."""
    square = code.fmul(r, r)
    even = range(4, 4 + 2 * TERMS[code.dtype], 2)
    series = horner(code, square, [(-1) ** (k // 2) / factorial(k) for k in even])
    half, fourth = code.fmul(square, 0.5), code.fmul(square, square)
    most = code.fsub(1.0, half)
    if low is None:
        return code.fma(fourth, series, most)
    lost = code.fsub(code.fsub(1.0, most), half)
    lower = code.fma(fourth, series, code.fneg(code.fmul(r, low)))
    return code.fadd(most, code.fadd(lost, lower))


def _rest(code: Code, x: ir.Value) -> list[ir.Value]:
    """Quarter turns, of which the last two bits count, and what is left, in float64 in two
    parts."""
    first, *others, last = _half_pi()
    shifted = code.fma(x, float(2 / pi()), SHIFTER)
    n = code.fsub(shifted, SHIFTER)
    rest = code.fma(n, -first, x)
    if code.dtype == "float32":
        for part in (*others, last):
            rest = code.fma(n, -part, rest)
        found = [code.bits(shifted), rest]
    else:
        low = code.fmul(n, -last)
        for part in others:
            rest, lost = _sum(code, rest, code.fmul(n, -part))
            low = code.fadd(low, lost)
        found = [code.bits(shifted), *_sum(code, rest, low)]
    size = code.fabs(x)
    far = code.builder.and_(code.fcompare(">", size, FAR), code.fcompare("<", size, inf))
    with code.each_lane(far, found) as lane:
        rest = code.builder.call(_far(code), [code.builder.extract_element(x, lane)])
        for k, each in enumerate(found):
            made = code.builder.extract_value(rest, k)
            found[k] = code.builder.insert_element(each, made, lane)
    return found


def _sum(code: Code, x: ir.Value, y: ir.Value) -> tuple[ir.Value, ir.Value]:
    """x + y, and what was lost in rounding it (Knuth)."""
    total = code.fadd(x, y)
    back = code.fsub(total, x)
    return total, code.fadd(code.fsub(x, code.fsub(total, back)), code.fsub(y, back))


def _far(code: Code) -> ir.Function:
    """A function of a float64 x beyond FAR: quarter turns, and the two parts of what is left.

    x = m 2^e with m of 53 bits. The bits of 2/pi before place e - 1 make whole turns of m 2^e 2/pi;
    the 192 from there on, times m, have quarter turns in their two highest bits, then a fraction.
    """
    known = code.module.globals.get("far")
    if known is not None:
        return known
    kind = ir.LiteralStructType([I64, DOUBLE, DOUBLE])
    function = ir.Function(code.module, ir.FunctionType(kind, [DOUBLE]), "far")
    function.linkage = "internal"
    b = ir.IRBuilder(function.append_basic_block())
    bits = b.bitcast(function.args[0], I64)
    exponent = b.and_(b.lshr(bits, I64(52)), I64(2047))  # e + 1075
    m = b.or_(b.and_(bits, I64(2**52 - 1)), I64(2**52))
    behind = b.sub(I64(PLACES - 190 + 1075), exponent)
    window = b.trunc(b.lshr(WIDE(_two_by_pi()), b.zext(behind, WIDE)), I192)
    product = b.mul(window, b.zext(m, I192))
    fraction = b.shl(product, I192(2))  # signed: the turn that is nearest
    below = b.icmp_signed("<", fraction, I192(0))
    turns = b.add(b.trunc(b.lshr(product, I192(190)), I64), b.zext(below, I64))
    size = b.select(below, b.neg(fraction), fraction)
    count = ir.Function(code.module, ir.FunctionType(I192, [I192, I1]), "llvm.ctlz.i192")
    zeros = b.call(count, [size, I1(0)])
    top = b.trunc(b.lshr(b.shl(size, zeros), I192(128)), I64)
    rest = b.mul(b.zext(top, I128), I128(precisely(lambda: int(pi() * 2**62))))
    # That is what is left, times 2^(127 + zeros).
    scale = b.bitcast(b.shl(b.sub(I64(1023), b.trunc(zeros, I64)), I64(52)), DOUBLE)
    negative = b.icmp_signed("<", bits, I64(0))
    scale = b.select(b.xor(negative, below), b.fneg(scale), scale)
    turns = b.select(negative, b.neg(turns), turns)
    made = b.insert_value(ir.Constant(kind, ir.Undefined), turns, 0)
    for number, start in ((1, 75), (2, 22)):
        part = b.sitofp(b.and_(b.trunc(b.lshr(rest, I128(start)), I64), I64(2**53 - 1)), DOUBLE)
        part = b.fmul(b.fmul(part, DOUBLE(2.0 ** (start - 127))), scale)
        made = b.insert_value(made, part, number)
    b.ret(made)
    return function


@cache
def _half_pi() -> tuple[float, ...]:
    """pi/2 in three parts of few bits, and what is left of it."""

    def parts() -> tuple[float, ...]:
        made, left = [], pi() / 2
        for places in (PART - 1, 2 * PART - 1, 3 * PART - 1):
            made.append(Decimal(int(left * 2**places)) / 2**places)
            left -= made[-1]
        return (*map(float, made), float(left))

    return precisely(parts)


@cache
def _two_by_pi() -> int:
    """2^PLACES 2/pi (Machin)."""
    unit = 1 << PLACES + 64

    def arctangent(n: int) -> int:
        total, power, k = 0, unit // n, 0
        while power:
            total += (-1) ** k * (power // (2 * k + 1))
            power, k = power // (n * n), k + 1
        return total

    half_pi = 8 * arctangent(5) - 2 * arctangent(239)
    return (unit << PLACES) // half_pi
