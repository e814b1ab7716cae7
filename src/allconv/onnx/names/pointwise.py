"""Arithmetic and activations: each element on its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from allconv import functional
from allconv.functional.activations import hard_sigmoid, scaled_elu, sloped
from allconv.functional.call import apply
from allconv.onnx.format.schema import shortest
from allconv.onnx.format.tensors import CODES
from allconv.onnx.names import since
from allconv.onnx.names.call import NodeCall, NodeRule, of
from allconv.onnx.names.reduce import broadcast_shapes
from allconv.onnx.names.writer import NodeToWrite, Write, Writer, spelt
from allconv.operators import elementary
from allconv.operators import pointwise as operators
from allconv.value import Value


def _one(operator: operators.Pointwise) -> NodeRule:
    """A function of one operand that is one operator."""
    return of(lambda x: apply(operator, x))


def _two(operator: operators.Pointwise) -> NodeRule:
    """A function of two operands that is one operator."""

    def read(call: NodeCall) -> Any:
        a, b = call.value(0), call.value(1)
        return apply(operator, a, _repeated(call, a, b) if call.version < since.REPEATED else b)

    return NodeRule(read)


def _repeated(call: NodeCall, a: Value, b: Value) -> Value:
    """The second operand of old operator sets, laid along the axes of the first from `axis` on."""
    repeats, given = call.flag("broadcast"), call.given("axis")
    axis = call.axis(call.integer("axis"), max(a.ndim, 1)) if given else a.ndim - b.ndim
    if not repeats and a.shape != b.shape and b.shape != ():
        raise call.wrong(f"{a.shape} and {b.shape} differ, and broadcast is 0")
    after = a.ndim - axis - b.ndim
    shape = (*b.shape, *(1,) * max(after, 0))
    if after < 0 or broadcast_shapes(call, a.shape, shape) != a.shape:
        raise call.wrong(
            f"its second input is {b.shape}; one that broadcasts to {a.shape} is expected"
        )
    return b.reshape(shape)


def _several(join: Callable[[Any, Any], Any]) -> NodeRule:
    return of(lambda *x: reduce(join, x))


def _largest(a: Value, b: Value) -> Any:
    return apply(operators.Maximum(), a, b)


def swish(x: Value, alpha: float) -> Any:
    """x * sigmoid(alpha * x)."""
    return x * apply(operators.Sigmoid(), x if alpha == 1.0 else x * alpha)


def thresholded_relu(x: Value, alpha: float) -> Any:
    """x where x > alpha, else 0."""
    return apply(operators.Select(), x - alpha, x, 0.0)


def shrink(x: Value, bias: float, lambd: float) -> Any:
    """x - bias where x > lambd, x + bias where x < -lambd, else 0."""
    below = apply(operators.Select(), -lambd - x, x + bias, 0.0)
    return apply(operators.Select(), x - lambd, x - bias, below)


def softplus(x: Value) -> Any:
    """log(1 + exp(x)), which is x itself where the rest is below the dtype's precision."""
    return functional.softplus(x, 1.0, 20.0 if x.dtype == "float32" else 40.0)


def read_gelu(call: NodeCall) -> Any:
    """x * Phi(x), or its approximation by tanh."""
    return functional.gelu(call.value(0), call.text("approximate"))


def read_prelu(call: NodeCall) -> Any:
    """x where x > 0, else slope * x."""
    x, slope = call.value(0), call.value(1)
    if call.version < since.REPEATED and slope.ndim == 1 and x.ndim > 1:
        slope = slope.reshape((-1, *(1,) * (x.ndim - 2)))
    if broadcast_shapes(call, x.shape, slope.shape) != x.shape:
        raise call.wrong(
            f"the slope is {slope.shape}; one that broadcasts to {x.shape} is expected"
        )
    return sloped(x, slope)


def _bound(call: NodeCall, number: int, name: str) -> float | Value | None:
    """An end of an interval: an attribute in older operator sets, an input in newer."""
    if not call.has(number):
        return call.number(name) if call.given(name) else None
    if isinstance(call.operand(number), Value):
        end = call.value(number)
        if end.size != 1:
            raise call.wrong(f"{name} is {end.shape}, not one number")
        return end.reshape(())
    return call.known_number(number)


def read_clip(call: NodeCall) -> Any:
    """x between a least and a largest number, either of which may be left out."""
    x = call.value(0)
    least, most = _bound(call, 1, "min"), _bound(call, 2, "max")
    if isinstance(least, float) and isinstance(most, float) and least < most:
        return functional.hardtanh(x, least, most)
    x = x if least is None else apply(operators.Maximum(), x, least)
    return x if most is None else -apply(operators.Maximum(), -x, -most)


def read_pow(call: NodeCall) -> Value:
    """x to a power: products for a known whole one."""
    x, exponents = call.value(0), call.operand(1)
    if not isinstance(exponents, np.ndarray) or exponents.size != 1:
        whole = isinstance(exponents, np.ndarray) and exponents.dtype.kind in "iu"
        b = call.lift(exponents.astype(x.dtype)) if whole else call.value(1)
        if call.version < since.REPEATED:
            b = _repeated(call, x, b)
        return x**b
    y: Value = x ** shortest(exponents.reshape(-1)[0])
    if call.version < since.REPEATED:
        _repeated(call, x, call.lift(exponents.astype(x.dtype)))
        return y
    return y.reshape(broadcast_shapes(call, x.shape, exponents.shape))


def read_mod(call: NodeCall) -> Any:
    """The remainder with the sign of the dividend; since operator set 28 that of the divisor, too,
    which the format had for whole numbers alone."""
    truncated = call.flag("fmod")
    if not truncated and call.version < since.FLOORED:
        raise call.wrong("floats need fmod=1")
    return apply(elementary.Remainder(truncated), call.value(0), call.value(1))


ONE: dict[str, operators.Pointwise] = {
    "Abs": operators.Absolute(),
    "Acos": elementary.Arccos(),
    "Acosh": elementary.Arccosh(),
    "Asin": elementary.Arcsin(),
    "Asinh": elementary.Arcsinh(),
    "Atan": elementary.Arctan(),
    "Atanh": elementary.Arctanh(),
    "Cos": elementary.Cos(),
    "Cosh": elementary.Cosh(),
    "Erf": operators.Erf(),
    "Exp": operators.Exp(),
    "Floor": elementary.Floor(),
    "Log": operators.Log(),
    "Neg": operators.Negate(),
    "Relu": operators.Relu(),
    "Round": elementary.Round(),
    "Sigmoid": operators.Sigmoid(),
    "Sign": elementary.Sign(),
    "Sin": elementary.Sin(),
    "Sinh": elementary.Sinh(),
    "Sqrt": operators.Sqrt(),
    "Tan": elementary.Tan(),
    "Tanh": operators.Tanh(),
}
"""Functions of one operand that are one operator of either side."""

TWO: dict[str, operators.Pointwise] = {
    "Add": operators.Add(),
    "Div": operators.Divide(),
    "Mul": operators.Multiply(),
    "Sub": operators.Subtract(),
}
"""Functions of two operands that are one operator of either side."""

READERS = {
    **{op: _one(operator) for op, operator in ONE.items()},
    **{op: _two(operator) for op, operator in TWO.items()},
    "Ceil": of(lambda x: -apply(elementary.Floor(), -x)),
    "Celu": of(functional.celu, alpha="alpha"),
    "Clip": NodeRule(read_clip, settings=(1, 2)),
    "Elu": of(functional.elu, alpha="alpha"),
    "Gelu": NodeRule(read_gelu),
    "HardSigmoid": of(hard_sigmoid, alpha="alpha", beta="beta"),
    "HardSwish": of(functional.hardswish),
    "LeakyRelu": of(functional.leaky_relu, negative_slope="alpha"),
    "Max": _several(_largest),
    "Mean": of(lambda *x: reduce(add, x) / len(x)),
    "Min": _several(lambda a, b: -_largest(-a, -b)),
    "Mish": of(functional.mish),
    "Mod": NodeRule(read_mod),
    "PRelu": NodeRule(read_prelu, weights=(1,)),
    "Pow": NodeRule(read_pow, settings=(1,)),
    "Reciprocal": of(lambda x: 1.0 / x),
    "Selu": of(scaled_elu, alpha="alpha", gamma="gamma"),
    "Shrink": of(shrink, bias="bias", lambd="lambd"),
    "Softplus": of(softplus),
    "Softsign": of(functional.softsign),
    "Sum": _several(add),
    "Swish": of(swish, alpha="alpha"),
    "ThresholdedRelu": of(thresholded_relu, alpha="alpha"),
}


def write_select(writer: Writer, written: NodeToWrite) -> None:
    """Where a condition is above 0."""
    c, a, b = written.inputs
    where = _above_zero(writer, written, c)
    writer.node(written, "Where", [where, a, b])


def _above_zero(writer: Writer, written: NodeToWrite, x: str) -> str:
    zero = writer.constant(f"{written.outputs[0]}/zero", np.array(0, written.dtype))
    return writer.step(f"{written.outputs[0]}/above", "Greater", x, zero)


def write_equal(writer: Writer, written: NodeToWrite) -> None:
    """Equal, as a number."""
    name = writer.step(f"{written.outputs[0]}/equal", "Equal", *written.inputs)
    writer.node(written, "Cast", (name,), to=CODES[written.dtype])


def write_remainder(writer: Writer, written: NodeToWrite) -> None:
    """Mod, whose remainders of floats have the sign of a; of b where b is added and taken again."""
    (a, b), (y,) = written.inputs, written.outputs
    if not written.operator.truncated:
        a = writer.step(f"{y}/Mod", "Mod", a, b, fmod=1)
        a = writer.step(f"{y}/Add", "Add", a, b)
    writer.node(written, "Mod", [a, b], fmod=1)


def write_truth(writer: Writer, written: NodeToWrite) -> None:
    """Greater than 0."""
    zero = writer.constant(f"{written.outputs[0]}/zero", np.array(0, "float32"))
    x = written.inputs[0]
    writer.node(written, "Greater", [x, zero])


def write_log1p(writer: Writer, written: NodeToWrite) -> None:
    """log(u) for u = 1 + x, and for small x without what was lost in rounding u.

    That is log(u) - ((u - 1) - x) / u; elsewhere it could be infinity less infinity.
    """
    (x,), (y,) = written.inputs, written.outputs

    def make(op: str, *inputs: str) -> str:
        return writer.step(f"{y}/{op}", op, *inputs)

    one = writer.constant(f"{y}/one", np.array(1, written.dtype))
    small = writer.constant(f"{y}/small", np.array(0.25, written.dtype))
    u = make("Add", x, one)
    log = make("Log", u)
    lost = make("Div", make("Sub", make("Sub", u, one), x), u)
    large = _above_zero(writer, written, make("Sub", make("Abs", x), small))
    writer.node(written, "Where", [large, log, make("Sub", log, lost)])


WRITERS: dict[type, Write] = {
    **{type(operator): spelt(op) for op, operator in {**ONE, **TWO}.items()},
    elementary.Power: spelt("Pow"),
    elementary.Remainder: write_remainder,
    elementary.Truth: write_truth,
    operators.Equal: write_equal,
    operators.Log1p: write_log1p,
    operators.Maximum: spelt("Max"),
    operators.Select: write_select,
}
