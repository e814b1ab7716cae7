"""Records of rounding, powers, remainders, trigonometric and hyperbolic functions."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from allconv.operators import elementary
from allconv.operators.base import Array, Operator, Spec
from records.pointwise import SMOOTH, Case, draw_broadcast, record
from records.record import Record, draw_array, draw_dtype, draw_shape, refusal

INSIDE = {**SMOOTH, "scale": 0.125, "low": -7, "high": 7, "differences": False}
ABOVE = {**SMOOTH, "low": 3, "high": 9, "differences": False}


def draw_power(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Bases above 0, and whole and half powers."""
    dtype = draw_dtype(data)
    base, power = draw_broadcast(data, 2)
    exponents = draw_array(data, power, dtype, -4, 4) * np.array(0.5, dtype)
    bases = draw_array(data, base, dtype, 1, 9) * np.array(0.375, dtype)
    return elementary.Power(), (np.asarray(bases), np.asarray(exponents))


def draw_remainder(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Halves of either sign, divided by what is not 0."""
    dtype = draw_dtype(data)
    over, under = draw_broadcast(data, 2)
    b = draw_array(data, under, dtype, 1, 4) * np.array(data.draw(st.sampled_from([1, -1])), dtype)
    a = draw_array(data, over, dtype, -9, 9) * np.array(0.5, dtype)
    return elementary.Remainder(data.draw(st.booleans())), (np.asarray(a), np.asarray(b))


def brute_remainder(operator: elementary.Remainder, a: Array, b: Array):
    """Cell by cell."""
    a, b = np.broadcast_arrays(a, b)
    y = np.zeros(a.shape)
    for cell in np.ndindex(y.shape):
        one, other = float(a[cell]), float(b[cell])
        y[cell] = math.fmod(one, other) if operator.truncated else one % other
    return (y,)


def python_round(x: Array):
    """Python's, which rounds to even ones."""
    return np.array([float(round(float(v))) for v in x.reshape(-1)]).reshape(x.shape)


def draw_truth(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Both signs, and 0."""
    return elementary.Truth(), (draw_array(data, draw_shape(data), draw_dtype(data)),)


def draw_whole(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Integers of some dtypes, and bools."""
    dtype = data.draw(st.sampled_from(["int64", "int32", "uint8", "bool"]))
    low = 0 if dtype in ("uint8", "bool") else -4
    return elementary.FromWhole(draw_dtype(data)), (draw_array(data, draw_shape(data), dtype, low),)


def draw_to_whole(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Halves inside and outside of a dtype, now and then not finite."""
    to, dtype = data.draw(st.sampled_from(["int8", "uint8", "int64"])), draw_dtype(data)
    x = draw_array(data, draw_shape(data), dtype, -600, 600) / 2
    strange = np.array([np.nan, np.inf, -np.inf, 2.0**63, -(2.0**70)], dtype)
    mask = draw_array(data, x.shape, "int64", 0, 4) == 0
    picked = strange[draw_array(data, x.shape, "int64", 0, len(strange) - 1)]
    return elementary.ToWhole(to), (np.asarray(np.where(mask, picked, x), dtype),)


def brute_to_whole(operator: elementary.ToWhole, x: Array):
    """Python's int, no further than the dtype goes."""
    limits = np.iinfo(operator.to)
    y = np.zeros(x.shape, operator.to)
    for cell in np.ndindex(x.shape):
        v = float(x[cell])
        if math.isinf(v):
            y[cell] = limits.max if v > 0 else limits.min
        elif not math.isnan(v):
            y[cell] = min(max(int(v), int(limits.min)), int(limits.max))
    return (y,)


HALVES = {"scale": 0.5, "differences": False}
RECORDS = (
    record(elementary.Floor, math.floor, "Floor", **HALVES),
    record(elementary.Round, lambda x: float(round(x)), "Round", python_round, **HALVES),
    record(elementary.Sign, lambda x: float((x > 0) - (x < 0)), "Sign", differences=False),
    record(
        elementary.Power, math.pow, np.power, draw=draw_power, points="positive",
        ulp=8.0, outsider_ulp=64.0,
    ),
    Record(
        elementary.Remainder, draw_remainder, brute_remainder, differences=False,
        outsiders=(lambda o, a, b: (np.fmod(a, b) if o.truncated else np.remainder(a, b),),),
    ),
    record(elementary.Sin, math.sin, "Sin", **SMOOTH),
    record(elementary.Cos, math.cos, "Cos", **SMOOTH),
    record(elementary.Tan, math.tan, "Tan", **INSIDE),
    record(elementary.Arcsin, math.asin, "Asin", **INSIDE),
    record(elementary.Arccos, math.acos, "Acos", **INSIDE),
    record(elementary.Arctan, math.atan, "Atan", **SMOOTH),
    record(elementary.Sinh, math.sinh, "Sinh", **SMOOTH),
    record(elementary.Cosh, math.cosh, "Cosh", **SMOOTH),
    record(elementary.Arcsinh, math.asinh, "Asinh", **SMOOTH),
    record(elementary.Arccosh, math.acosh, "Acosh", **ABOVE),
    record(elementary.Arctanh, math.atanh, "Atanh", **INSIDE),
    Record(
        elementary.ToWhole, draw_to_whole, brute_to_whole, differences=False,
        refusals=(
            refusal("not int64", lambda: elementary.ToWhole("int8"), Spec((2,), "int64")),
            refusal("floats to bool", lambda: elementary.ToWhole("bool"), (2,)),
            refusal("floats to float32", lambda: elementary.ToWhole("float32"), (2,)),
        ),
    ),
    Record(
        elementary.Truth, draw_truth, lambda operator, x: (np.array(x > 0),), differences=False,
        refusals=(refusal("not int64", elementary.Truth, Spec((2,), "int64")),),
    ),
    Record(
        elementary.FromWhole, draw_whole, lambda operator, x: (x.astype(float),),
        differences=False,
        refusals=(
            refusal("float32 to float32", elementary.FromWhole, (2,)),
            refusal("to int8", lambda: elementary.FromWhole("int8"), Spec((2,), "int64")),
        ),
    ),
)  # fmt: skip

ZEROS = (0.0, -0.0)
TIES: dict[type, Case] = {
    elementary.Floor: (((0.0, 1.0),), (None,)),
    elementary.Round: (((0.5, 1.5),), (None,)),
    elementary.Sign: ((ZEROS,), (None,)),
    elementary.Power: (((0.0, 0, 2, 0), (0.0, 2, 0, 1)), ([0, 0, 0, 1], [0, 0, np.log(2), 0])),
    elementary.Remainder: (((4, 5.5), (2, 2)), ([1, 1], [-2, -2])),
    elementary.Sin: ((ZEROS,), ([1, 1],)),
    elementary.Cos: ((ZEROS,), ([0, 0],)),
    elementary.Tan: ((ZEROS,), ([1, 1],)),
    elementary.Arcsin: (((0.0, 1.0),), ([1, np.inf],)),
    elementary.Arccos: (((0.0, 1.0),), ([-1, -np.inf],)),
    elementary.Arctan: ((ZEROS,), ([1, 1],)),
    elementary.Sinh: ((ZEROS,), ([1, 1],)),
    elementary.Cosh: ((ZEROS,), ([0, 0],)),
    elementary.Arcsinh: ((ZEROS,), ([1, 1],)),
    elementary.Arccosh: (((1.0, 2.0),), ([np.inf, 1 / np.sqrt(3)],)),
    elementary.Arctanh: (((0.0, 1.0),), ([1, np.inf],)),
}
