"""Arithmetic and activations: each element on its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from allconv import functional
from allconv.functional.activations import hard_sigmoid, scaled_elu, sloped
from allconv.functional.call import apply
from allconv.onnx.format.schema import shortest
from allconv.onnx.format.tensors import CODES
from allconv.onnx.names.call import Call, Name
from allconv.onnx.names.reduce import broadcast_shapes
from allconv.onnx.names.writer import Writer, Written
from allconv.operators import elementary
from allconv.operators import pointwise as operators
from allconv.value import Value

_BROADCAST = 7  # before this operator set a second operand says which axes it stands for


def _unary(operator: operators.Pointwise) -> Name:
    return Name(lambda call: apply(operator, call.value(0)))


def _binary(operator: operators.Pointwise) -> Name:
    def read(call: Call) -> Value:
        a, b = call.value(0), call.value(1)
        if call.version < _BROADCAST:
            b = _repeated(call, a, b)
        y: Value = apply(operator, a, b)
        return y

    return Name(read, ("axis", "broadcast"))


def _repeated(call: Call, a: Value, b: Value) -> Value:
    """The second operand of old operator sets, laid along the axes of the first from `axis` on."""
    repeats, given = call.flag("broadcast"), call.given("axis")
    axis = call.axis(call.integer("axis"), max(a.ndim, 1)) if given else a.ndim - b.ndim
    if not repeats and a.shape != b.shape and b.shape != ():
        raise call.wrong(f"{a.shape} and {b.shape} differ, and broadcast is 0")
    after = a.ndim - axis - b.ndim
    shape = (*b.shape, *(1,) * max(after, 0))
    if after < 0 or broadcast_shapes(call, a.shape, shape) != a.shape:
        raise call.wrong(f"{b.shape} is not repeated to {a.shape}")
    return b.reshape(shape)


def _several(join: Callable[[Any, Any], Any]) -> Name:
    return Name(lambda call: reduce(join, call.values()))


def _largest(a: Value, b: Value) -> Value:
    y: Value = apply(operators.Maximum(), a, b)
    return y


def _least(a: Value, b: Value) -> Value:
    return -_largest(-a, -b)


def read_leaky_relu(call: Call) -> Value:
    """x where x > 0, else alpha * x."""
    y: Value = functional.leaky_relu(call.value(0), call.number("alpha"))
    return y


def read_prelu(call: Call) -> Value:
    """x where x > 0, else slope * x."""
    x, slope = call.value(0), call.value(1)
    if call.version < _BROADCAST and slope.ndim == 1 and x.ndim > 1:
        slope = slope.reshape((-1, *(1,) * (x.ndim - 2)))
    if broadcast_shapes(call, x.shape, slope.shape) != x.shape:
        raise call.wrong(f"a slope of {slope.shape} is not repeated to {x.shape}")
    y: Value = sloped(x, slope)
    return y


def read_elu(call: Call) -> Value:
    """x where x > 0, else alpha * (exp(x) - 1)."""
    y: Value = functional.elu(call.value(0), call.number("alpha"))
    return y


def read_selu(call: Call) -> Value:
    """gamma * elu(x, alpha). Klambauer et al. 2017, arXiv:1706.02515."""
    y: Value = scaled_elu(call.value(0), call.number("alpha"), call.number("gamma"))
    return y


def read_celu(call: Call) -> Value:
    """x where x > 0, else alpha * (exp(x / alpha) - 1)."""
    y: Value = functional.celu(call.value(0), call.number("alpha"))
    return y


def read_mish(call: Call) -> Value:
    """x * tanh(softplus(x))."""
    y: Value = functional.mish(call.value(0))
    return y


def read_swish(call: Call) -> Value:
    """x * sigmoid(alpha * x)."""
    x, alpha = call.value(0), call.number("alpha")
    y: Value = x * apply(operators.Sigmoid(), x if alpha == 1.0 else x * alpha)
    return y


def read_thresholded_relu(call: Call) -> Value:
    """x where x > alpha, else 0."""
    x = call.value(0)
    y: Value = apply(operators.Select(), x - call.number("alpha"), x, 0.0)
    return y


def read_shrink(call: Call) -> Value:
    """x - bias where x > lambd, x + bias where x < -lambd, else 0."""
    x, bias, lambd = call.value(0), call.number("bias"), call.number("lambd")
    below = apply(operators.Select(), -lambd - x, x + bias, 0.0)
    y: Value = apply(operators.Select(), x - lambd, x - bias, below)
    return y


def read_gelu(call: Call) -> Value:
    """x * Phi(x), or its approximation by tanh."""
    y: Value = functional.gelu(call.value(0), call.text("approximate"))
    return y


def read_softplus(call: Call) -> Value:
    """log(1 + exp(x)), which is x itself where the rest is below the dtype's precision."""
    x = call.value(0)
    y: Value = functional.softplus(x, 1.0, 20.0 if x.dtype == "float32" else 40.0)
    return y


def read_hard_sigmoid(call: Call) -> Value:
    """min(max(alpha * x + beta, 0), 1)."""
    y: Value = hard_sigmoid(call.value(0), call.number("alpha"), call.number("beta"))
    return y


def read_hard_swish(call: Call) -> Value:
    """x * min(max(x + 3, 0), 6) / 6."""
    y: Value = functional.hardswish(call.value(0))
    return y


def _bound(call: Call, number: int, name: str) -> float | Value | None:
    """An end of an interval: an attribute in older operator sets, an input in newer."""
    if not call.has(number):
        return call.number(name) if call.given(name) else None
    if isinstance(call.operand(number), Value):
        end = call.value(number)
        if end.size != 1:
            raise call.wrong(f"{name} is {end.shape}, not one number")
        return end.reshape(())
    return call.known_number(number)


def read_clip(call: Call) -> Value:
    """x between a least and a largest number, either of which may be left out."""
    x = call.value(0)
    least, most = _bound(call, 1, "min"), _bound(call, 2, "max")
    if isinstance(least, float) and isinstance(most, float) and least < most:
        y: Value = functional.hardtanh(x, least, most)
        return y
    x = x if least is None else apply(operators.Maximum(), x, least)
    return x if most is None else -apply(operators.Maximum(), -x, -most)


def read_pow(call: Call) -> Value:
    """x to a power: products for a known whole one."""
    x, exponents = call.value(0), call.operand(1)
    if not isinstance(exponents, np.ndarray) or exponents.size != 1:
        whole = isinstance(exponents, np.ndarray) and exponents.dtype.kind in "iu"
        b = call.lift(exponents.astype(x.dtype)) if whole else call.value(1)
        if call.version < _BROADCAST:
            b = _repeated(call, x, b)
        return x**b
    y: Value = x ** shortest(exponents.reshape(-1)[0])
    if call.version < _BROADCAST:
        _repeated(call, x, call.lift(exponents.astype(x.dtype)))
        return y
    return y.reshape(broadcast_shapes(call, x.shape, exponents.shape))


_FLOORED = 28


def read_mod(call: Call) -> Value:
    """The remainder with the sign of the dividend; since operator set 28 that of the divisor, too,
    which the format had for whole numbers alone."""
    truncated = call.flag("fmod")
    if not truncated and call.version < _FLOORED:
        raise call.wrong("floats need fmod=1")
    y: Value = apply(elementary.Remainder(truncated), call.value(0), call.value(1))
    return y


def read_ceil(call: Call) -> Value:
    """The smallest whole number that is not smaller."""
    y: Value = apply(elementary.Floor(), -call.value(0))
    return -y


def read_mean(call: Call) -> Value:
    """The mean of several arrays, cell by cell."""
    total: Value = reduce(lambda a, b: a + b, call.values())
    return total / len(call)


def read_reciprocal(call: Call) -> Value:
    """1 / x."""
    y: Value = 1.0 / call.value(0)
    return y


def read_softsign(call: Call) -> Value:
    """x / (1 + |x|)."""
    x = call.value(0)
    y: Value = x / (abs(x) + 1.0)
    return y


UNARY: dict[str, operators.Pointwise] = {
    "Acos": elementary.Arccos(),
    "Acosh": elementary.Arccosh(),
    "Asin": elementary.Arcsin(),
    "Asinh": elementary.Arcsinh(),
    "Atan": elementary.Arctan(),
    "Atanh": elementary.Arctanh(),
    "Cos": elementary.Cos(),
    "Cosh": elementary.Cosh(),
    "Floor": elementary.Floor(),
    "Round": elementary.Round(),
    "Sign": elementary.Sign(),
    "Sin": elementary.Sin(),
    "Sinh": elementary.Sinh(),
    "Tan": elementary.Tan(),
}
"""Functions of one operand that are one operator of either side."""

READERS = {
    **{op: _unary(operator) for op, operator in UNARY.items()},
    "Abs": _unary(operators.Absolute()),
    "Add": _binary(operators.Add()),
    "Ceil": Name(read_ceil),
    "Celu": Name(read_celu, ("alpha",)),
    "Clip": Name(read_clip, ("max", "min"), settings=(1, 2)),
    "Div": _binary(operators.Divide()),
    "Elu": Name(read_elu, ("alpha",)),
    "Erf": _unary(operators.Erf()),
    "Exp": _unary(operators.Exp()),
    "Gelu": Name(read_gelu, ("approximate",)),
    "HardSigmoid": Name(read_hard_sigmoid, ("alpha", "beta")),
    "HardSwish": Name(read_hard_swish),
    "LeakyRelu": Name(read_leaky_relu, ("alpha",)),
    "Log": _unary(operators.Log()),
    "Max": _several(_largest),
    "Mean": Name(read_mean),
    "Mish": Name(read_mish),
    "Mod": Name(read_mod, ("fmod",)),
    "Min": _several(_least),
    "Mul": _binary(operators.Multiply()),
    "Neg": _unary(operators.Negate()),
    "PRelu": Name(read_prelu, weights=(1,)),
    "Pow": Name(read_pow, ("axis", "broadcast"), settings=(1,)),
    "Reciprocal": Name(read_reciprocal),
    "Relu": _unary(operators.Relu()),
    "Selu": Name(read_selu, ("alpha", "gamma")),
    "Shrink": Name(read_shrink, ("bias", "lambd")),
    "Sigmoid": _unary(operators.Sigmoid()),
    "Softplus": Name(read_softplus),
    "Softsign": Name(read_softsign),
    "Sqrt": _unary(operators.Sqrt()),
    "Sub": _binary(operators.Subtract()),
    "Sum": _several(lambda a, b: a + b),
    "Swish": Name(read_swish, ("alpha",)),
    "ThresholdedRelu": Name(read_thresholded_relu, ("alpha",)),
    "Tanh": _unary(operators.Tanh()),
}


def _writer(op: str) -> Callable[[Writer, Written], None]:
    return lambda writer, written: writer.node(written, op, written.inputs)


def write_select(writer: Writer, written: Written) -> None:
    """Where a condition is above 0."""
    c, a, b = written.inputs
    where = _above_zero(writer, written, c)
    writer.node(written, "Where", [where, a, b])


def _above_zero(writer: Writer, written: Written, x: str) -> str:
    zero = writer.constant(f"{written.outputs[0]}/zero", np.array(0, written.dtype))
    name = writer.fresh(f"{written.outputs[0]}/above")
    writer.add("Greater", (x, zero), (name,))
    return name


def write_equal(writer: Writer, written: Written) -> None:
    """Equal, as a number."""
    name = writer.fresh(f"{written.outputs[0]}/equal")
    writer.add("Equal", written.inputs, (name,))
    writer.node(written, "Cast", (name,), to=CODES[written.dtype])


def write_remainder(writer: Writer, written: Written) -> None:
    """Mod, whose remainders of floats have the sign of a; of b where b is added and taken again."""
    names = list(written.inputs)
    if not written.operator.truncated:
        for step in ("Mod", "Add"):
            made = writer.fresh(f"{written.outputs[0]}/{step}")
            more = {"fmod": 1} if step == "Mod" else {}
            writer.add(step, names, (made,), **more)
            names[0] = made
    writer.node(written, "Mod", names, fmod=1)


def write_from_whole(writer: Writer, written: Written) -> None:
    """Cast."""
    writer.node(written, "Cast", written.inputs, to=CODES[written.operator.to])


def write_truth(writer: Writer, written: Written) -> None:
    """Greater than 0."""
    zero = writer.constant(f"{written.outputs[0]}/zero", np.array(0, "float32"))
    x = written.inputs[0]
    writer.node(written, "Greater", [x, zero])


def write_log1p(writer: Writer, written: Written) -> None:
    """log(u) for u = 1 + x, and for small x without what was lost in rounding u.

    That is log(u) - ((u - 1) - x) / u; elsewhere it could be infinity less infinity.
    """
    (x,), (y,) = written.inputs, written.outputs

    def make(op: str, *inputs: str) -> str:
        name = writer.fresh(f"{y}/{op}")
        writer.add(op, inputs, (name,))
        return name

    one = writer.constant(f"{y}/one", np.array(1, written.dtype))
    small = writer.constant(f"{y}/small", np.array(0.25, written.dtype))
    u = make("Add", x, one)
    log = make("Log", u)
    lost = make("Div", make("Sub", make("Sub", u, one), x), u)
    large = _above_zero(writer, written, make("Sub", make("Abs", x), small))
    writer.node(written, "Where", [large, log, make("Sub", log, lost)])


WRITERS: dict[type, Callable[[Writer, Written], None]] = {
    **{type(operator): _writer(op) for op, operator in UNARY.items()},
    elementary.FromWhole: write_from_whole,
    elementary.Power: _writer("Pow"),
    elementary.Remainder: write_remainder,
    elementary.Truth: write_truth,
    operators.Absolute: _writer("Abs"),
    operators.Add: _writer("Add"),
    operators.Divide: _writer("Div"),
    operators.Equal: write_equal,
    operators.Erf: _writer("Erf"),
    operators.Exp: _writer("Exp"),
    operators.Log: _writer("Log"),
    operators.Log1p: write_log1p,
    operators.Maximum: _writer("Max"),
    operators.Multiply: _writer("Mul"),
    operators.Negate: _writer("Neg"),
    operators.Relu: _writer("Relu"),
    operators.Select: write_select,
    operators.Sigmoid: _writer("Sigmoid"),
    operators.Sqrt: _writer("Sqrt"),
    operators.Subtract: _writer("Sub"),
    operators.Tanh: _writer("Tanh"),
}
