"""Emitted functions against 60-digit decimals, and random words against allconv.random."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
import pytest

from allconv.engine.emit import angle, math
from allconv.engine.emit.philox import philox4x32, words
from allconv.engine.emit.remainder import remainder
from allconv.engine.emit.view import View
from allconv.random import philox4x32 as by_numpy

from .calling import DTYPES, TARGETS, written

EMITTED = {
    "exp": math.exp, "expm1": math.expm1, "log": math.log, "log1p": math.log1p, "tanh": math.tanh,
    "sigmoid": math.sigmoid, "erf": math.erf, "sin": angle.sin, "cos": angle.cos,
}  # fmt: skip
FUNCTIONS = tuple(EMITTED)
ANGLES = ("sin", "cos")


@cache
def elementwise(target, dtype, name) -> Callable[[np.ndarray], np.ndarray]:
    """The emitted function on arrays, tails masked."""

    def body(code):
        with code.loop(code.arg("n"), step=code.lanes) as i:
            mask = code.mask(code.sub(code.arg("n"), i))
            x, y = (View(code, code.arg(k), code.size)[i] for k in "xy")
            y.store(EMITTED[name](code, x.vector(0, mask)), 0, mask)

    call = written(target, dtype, ("x", "y", "n"), body)

    def function(x):
        y = np.empty_like(x)
        call(x, y, len(x))
        return y

    return function


def erf(x: Decimal) -> Decimal:
    """The alternating series; beyond 10 it is 1 to 40 digits."""
    if abs(x) > 10:
        return Decimal(1).copy_sign(x)
    pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640629")
    total, term, k = Decimal(0), x, 0
    while abs(term) > Decimal("1e-60") * abs(x):
        total += term / (2 * k + 1)
        k += 1
        term *= -x * x / k
    return total * 2 / pi.sqrt()


def expm1(x: Decimal) -> Decimal:
    """e^x - 1 without cancellation near 0."""
    return x + x * x / 2 + x**3 / 6 if abs(x) < Decimal("1e-20") else x.exp() - 1


@cache
def pi() -> Decimal:
    """To 400 digits, by the recipe of the documentation of `decimal`."""
    with localcontext() as context:
        context.prec = 410
        last, t, s, n, na, d, da = Decimal(0), Decimal(3), Decimal(3), 1, 0, 0, 24
        while s != last:
            last = s
            n, na = n + na, na + 8
            d, da = d + da, da + 32
            t = (t * n) / d
            s += t
        return s


def turned(x: Decimal, quarters: int) -> Decimal:
    """The sine of x and so many quarter turns: the series of what is left of whole turns."""
    with localcontext() as context:
        context.prec = 400
        r = (x + quarters * pi() / 2) % (2 * pi())
        context.prec = 150
        total, term, k = Decimal(0), +r, 1
        while abs(term) > Decimal("1e-110"):
            total += term
            term *= -r * r / ((k + 1) * (k + 2))
            k += 2
        return total


EXACT: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": Decimal.exp,
    "expm1": expm1,
    "log": Decimal.ln,
    "log1p": lambda x: x - x * x / 2 + x**3 / 3 if abs(x) < Decimal("1e-20") else (1 + x).ln(),
    "tanh": lambda x: expm1(2 * x) / (expm1(2 * x) + 2),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "erf": erf,
    "sin": lambda x: x - x**3 / 6 if abs(x) < Decimal("1e-20") else turned(x, 0),
    "cos": lambda x: turned(x, 1),
}


def samples(name, dtype):
    """Arguments over the whole range, near 0, and around every place where a formula changes."""
    random = np.random.default_rng(FUNCTIONS.index(name))
    edge = 104 if dtype == "float32" else 746
    sizes = np.exp(random.uniform(-edge, edge * 0.84, 150))
    near = np.concatenate([p + random.normal(size=25) * 1e-3 for p in (0.35, 0.55, 0.7, 1, 1.4)])
    signed = np.concatenate([sizes, near, random.uniform(0, 3, 150), random.uniform(0, 12, 100)])
    if name in ANGLES:  # the last are as near to a multiple of pi/2 as any float64, and float32
        near = np.pi / 2 * random.integers(-300000, 300000, 100)
        far = [2.0**19, np.nextafter(2.0**19, 2.0**20), 6381956970095103 * 2.0**797]
        every = np.concatenate([signed, -signed, near, far, [16367173 * 2.0**72]])
        return every[np.abs(every) < np.finfo(dtype).max].astype(dtype)
    if name == "log":
        return np.concatenate([signed, 1 + random.normal(size=50) * 1e-5]).astype(dtype)
    if name == "log1p":
        return np.concatenate([signed, -random.uniform(0, 0.9999, 150)]).astype(dtype)
    wide = random.uniform(-edge, edge, 150)
    return np.concatenate([signed, -signed, wide]).clip(-2000, 2000).astype(dtype)


def ulps(x, y, name):
    """The error of y in units of the last place of the exact value, which may overflow."""
    limits = np.finfo(y.dtype)
    with localcontext() as context:
        context.prec = 120
        exact = EXACT[name](Decimal(float(x)))
        halfway = Decimal(float(limits.max)) * (1 + Decimal(2) ** (-limits.nmant - 2))
        if abs(exact) >= halfway or np.isinf(y):
            return Decimal(0 if np.isinf(y) and abs(exact) >= halfway else 1000)
        rounded = abs(np.float64(exact)) if exact else np.float64(0)
        exponent = max(int(np.frexp(rounded)[1]) - 1, int(limits.minexp))
        return abs(Decimal(float(y)) - exact) / Decimal(2) ** (exponent - limits.nmant)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.bits}")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_two_ulp(target, dtype, name):
    """Every function is within 2 units in the last place, overflow and subnormals included; sine
    and cosine within 1."""
    x = samples(name, dtype)
    x = x[np.isfinite(x) & ((x > 0) | (name != "log")) & ((x > -1) | (name != "log1p"))]
    y = elementwise(target, dtype, name)(x)
    errors = [ulps(a, b, name) for a, b in zip(x, y, strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= (1 if name in ANGLES else 2), (x[worst], y[worst])


SPECIAL = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (np.inf, np.inf), (-np.inf, 0.0), (1e5, np.inf), (-1e5, 0.0)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (np.inf, np.inf), (-np.inf, -1.0), (-1e5, -1.0)],
    "log": [(1.0, 0.0), (0.0, -np.inf), (-0.0, -np.inf), (np.inf, np.inf), (-1.0, np.nan)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1.0, -np.inf), (np.inf, np.inf), (-2.0, np.nan)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (np.inf, 1.0), (-np.inf, -1.0), (-100.0, -1.0)],
    "sigmoid": [(0.0, 0.5), (-0.0, 0.5), (np.inf, 1.0), (-np.inf, 0.0), (1e5, 1.0), (-1e5, 0.0)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (np.inf, 1.0), (-np.inf, -1.0), (1e30, 1.0)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (np.inf, np.nan), (-np.inf, np.nan)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (np.inf, np.nan), (-np.inf, np.nan)],
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.bits}")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(target, dtype, name):
    """Zeros, infinities, poles, overflow and NaN are exact, with the sign of zero."""
    x, want = np.array([*SPECIAL[name], (np.nan, np.nan)], dtype).T
    y = elementwise(target, dtype, name)(np.ascontiguousarray(x))
    np.testing.assert_array_equal(y, want)
    known = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(y[known]), np.signbit(want[known]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_smallest_numbers(dtype):
    """The smallest subnormal numbers come through the functions that are x near 0."""
    tiny = np.finfo(dtype).smallest_subnormal * np.array([1, -1, 3, -1000], dtype)
    for name in ("expm1", "log1p", "tanh", "sin"):
        assert (elementwise(TARGETS[0], dtype, name)(tiny) == tiny).all()


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.bits}")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_value_does_not_depend_on_its_lane(target, dtype):
    """The same number gives the same bits at every position, tails included."""
    x = np.full(3 * target.lanes(dtype) - 1, 0.7, dtype)
    for name in FUNCTIONS:
        assert len(set(elementwise(target, dtype, name)(x).tolist())) == 1


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.bits}")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ANGLES)
def test_angles_that_are_far_leave_others_alone(target, dtype, name):
    """Numbers that go through other instructions give the same bits beside any others."""
    x = samples(name, dtype)
    function, near = elementwise(target, dtype, name), np.abs(x) <= angle.FAR
    apart = np.empty_like(x)
    for part in (near, ~near):
        apart[part] = function(np.ascontiguousarray(x[part]))
    np.testing.assert_array_equal(function(x), apart)


def numbers(random, dtype, count):
    """Of all sizes and both signs: whole, with few digits, subnormal, zero and not finite."""
    limits = np.finfo(dtype)
    ends = np.log([float(limits.smallest_subnormal), float(limits.max)])
    odd = [0.0, np.inf, np.nan, limits.smallest_subnormal, limits.tiny, limits.max, 1.0, 7.5]
    parts = (
        random.normal(size=count) * 10,
        np.exp(random.uniform(ends[0] + 1, ends[1] - 1, count)),
        random.integers(0, 50, count),
        random.integers(1, 2**24, count) * 2.0 ** random.integers(-140, 100, count),
        random.choice(odd, count),
    )
    return (np.concatenate(parts) * random.choice([-1, 1], 5 * count)).astype(dtype)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.bits}")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("truncated", [False, True])
def test_remainders_are_exact(target, dtype, truncated):
    """The bits of C's fmod, and of NumPy's with the sign of the divisor, for any quotient."""

    def body(code):
        with code.loop(code.arg("n"), step=code.lanes) as i:
            mask = code.mask(code.sub(code.arg("n"), i))
            a, b, y = (View(code, code.arg(k), code.size)[i] for k in "aby")
            operands = (each.vector(0, mask) for each in (a, b))
            y.store(remainder(code, *operands, truncated=truncated), 0, mask)

    random = np.random.default_rng(0)
    b = numbers(random, dtype, 100)
    with np.errstate(all="ignore"):  # multiples, and what is a step below
        near = (np.float64(b) * random.integers(1, 9, b.size)).astype(dtype)
        a = np.concatenate([random.permutation(b), near, np.nextafter(near, np.zeros(1, dtype))])
        b = np.tile(b, 3)
        wanted = (np.fmod if truncated else np.mod)(np.float64(a), np.float64(b)).astype(dtype)
    y = np.empty_like(a)
    written(target, dtype, ("a", "b", "y", "n"), body)(a, b, y, len(a))
    np.testing.assert_array_equal(y, wanted)
    known = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(y[known]), np.signbit(wanted[known]))


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.bits}")
@pytest.mark.parametrize("dtype", DTYPES)
def test_philox_is_that_of_numpy(target, dtype):
    """Random words are those of allconv.random for every counter and key."""
    lanes = target.lanes(dtype)

    def body(code):
        index = View(code, code.arg("index"), dtype="int64").vector()
        step, layer = (code.splat(code.arg(name)) for name in ("step", "layer"))
        key = words(code, code.splat(code.arg("seed")))
        counter = (*words(code, index), words(code, step)[0], words(code, layer)[0])
        out = View(code, code.arg("out"), dtype="int32")
        for v, word in enumerate(philox4x32(code, counter, key)):
            out.store(word, v)

    call = written(target, dtype, ("index", "step", "layer", "seed", "out"), body)
    random = np.random.default_rng(0)
    for _ in range(5):
        index = random.integers(0, 2**63, lanes)
        step, layer, seed = (int(n) for n in random.integers(0, [2**32, 2**32, 2**63]))
        out = np.empty((4, lanes), np.uint32)
        call(index, step, layer, seed, out)
        counter = (index & 0xFFFFFFFF, index >> 32, step, layer)
        np.testing.assert_array_equal(out, by_numpy(counter, (seed & 0xFFFFFFFF, seed >> 32)))
