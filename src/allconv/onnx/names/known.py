"""Nodes of known values, evaluated while a network is recorded: element by element, and reductions.

What exporters compute from shapes: sizes, pads, masks, cells. Integers and booleans are exact in
their own dtype; floats are evaluated where they are few, by operations that round once. `limits`
bounds the elements of every result before it is made, and of all results of a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from allconv.onnx.format.tensors import HALVES, LARGEST_HALF, dtype_name
from allconv.onnx.names.call import NodeCall
from allconv.onnx.names.reduce import broadcast_shapes, reduced_axes
from allconv.operators.base import Array

Fold = Callable[[NodeCall], Any]

_INTEGERS, _FLOATS, _NUMBERS, _BOOL = "iu", "f", "iuf", "b"


def _unary(function: Callable[[Any], Any], kinds: str = _NUMBERS) -> Fold:
    def fold(call: NodeCall) -> Array:
        a = call.known(0)
        if a.dtype.kind not in kinds:
            raise call.wrong(f"its input is {a.dtype.name}")
        call.check_constants(a.shape)
        with np.errstate(all="ignore"):
            return np.asarray(function(a), a.dtype)

    return fold


def _met(call: NodeCall, arrays: Sequence[Array], kinds: str) -> tuple[int, ...]:
    """The shape of arrays together; refused where their dtypes differ or are none of `kinds`."""
    names = {each.dtype.name for each in arrays}
    if len(names) > 1 or arrays[0].dtype.kind not in kinds:
        raise call.wrong(f"its inputs are {' and '.join(sorted(names))}")
    shape: tuple[int, ...] = ()
    for each in arrays:
        shape = broadcast_shapes(call, shape, each.shape)
    call.check_constants(shape)
    return shape


def _binary(function: Callable[[Any, Any], Any], kinds: str = _NUMBERS, to: Any = None) -> Fold:
    def fold(call: NodeCall) -> Array:
        a, b = call.known(0), call.known(1)
        _met(call, (a, b), kinds)
        with np.errstate(all="ignore"):
            return np.asarray(function(a, b), to or a.dtype)

    return fold


def _several(function: Callable[[Any, Any], Any]) -> Fold:
    def fold(call: NodeCall) -> Array:
        arrays = [call.known(n) for n in range(len(call))]
        shape = _met(call, arrays, _NUMBERS)
        with np.errstate(all="ignore"):
            return np.broadcast_to(reduce(function, arrays), shape).astype(arrays[0].dtype)

    return fold


def divide(a: Array, b: Array) -> Any:
    """Whole numbers towards 0, as the format has it; by 0 they are 0."""
    if a.dtype.kind == "f":
        return a / b
    safe = np.where(b == 0, 1, b).astype(a.dtype)
    quotient = np.where(b == 0, 0, a // safe)
    return quotient + ((a % safe != 0) & ((a < 0) != (safe < 0)) & (b != 0))


def _mod(call: NodeCall) -> Array:
    """The remainder with the divisor's sign, or, with `fmod`, the dividend's; by 0 it is 0."""
    a, b = call.known(0), call.known(1)
    truncated = call.flag("fmod")
    if a.dtype.kind == "f" and not truncated:
        raise call.wrong("floats need fmod=1")
    _met(call, (a, b), _NUMBERS)
    safe = b if a.dtype.kind == "f" else np.where(b == 0, 1, b).astype(b.dtype)
    with np.errstate(all="ignore"):
        return np.asarray(np.fmod(a, safe) if truncated else np.mod(a, safe), a.dtype)


def _pow(call: NodeCall) -> Array:
    """Powers in the dtype of the base; of whole numbers by whole numbers from 0 on."""
    a, b = call.known(0), call.known(1)
    call.check_constants(broadcast_shapes(call, a.shape, b.shape))
    if "b" in (a.dtype.kind, b.dtype.kind):
        raise call.wrong(f"its inputs are {a.dtype.name} and {b.dtype.name}")
    with np.errstate(all="ignore"):
        if a.dtype.kind == "f" or b.dtype.kind == "f":
            return np.asarray(np.power(a.astype(np.float64), b), a.dtype)
        if b.size and b.min() < 0:
            raise call.unsupported("a whole number to a power below 0")
        return np.asarray(np.power(a, b.astype(a.dtype)), a.dtype)


def _shift(call: NodeCall) -> Array:
    """Bits moved to the left or right; by as many as there are, by more, or by less than none, what
    is left is the sign."""
    a, b = call.known(0), call.known(1)
    _met(call, (a, b), _INTEGERS)
    left = {"LEFT": True, "RIGHT": False}.get(call.text("direction"))
    if left is None:
        raise call.wrong("direction is neither LEFT nor RIGHT")
    bits = a.dtype.itemsize * 8
    inside = (b >= 0) & (b < bits)
    fewer = np.where(inside, b, bits - 1).astype(b.dtype)
    moved = np.left_shift(a, fewer) if left else np.right_shift(a, fewer)
    gone = np.right_shift(a, bits - 1) if a.dtype.kind == "i" and not left else np.zeros_like(a)
    return np.where(inside, moved, gone).astype(a.dtype)


def _where(call: NodeCall) -> Array:
    condition, a, b = (call.known(n) for n in range(3))
    if condition.dtype.kind != "b" or a.dtype != b.dtype:
        raise call.wrong(
            f"its inputs are {condition.dtype.name}, {a.dtype.name} and {b.dtype.name}"
        )
    shape = broadcast_shapes(call, broadcast_shapes(call, condition.shape, a.shape), b.shape)
    call.check_constants(shape)
    return np.where(condition, a, b)


def _clip(call: NodeCall) -> Array:
    a = call.known(0)
    call.check_constants(a.shape)
    if a.dtype.kind not in _NUMBERS:
        raise call.wrong(f"its input is {a.dtype.name}")
    for number, name, join in ((1, "min", np.maximum), (2, "max", np.minimum)):
        bound: Any = None
        if call.has(number):
            bound = call.known(number)
            if bound.size != 1 or bound.dtype != a.dtype:
                raise call.wrong(f"input {number} is not one number of dtype {a.dtype.name}")
            bound = bound.reshape(())
        elif call.given(name):
            bound = np.float32(call.number(name))
        a = a if bound is None else join(a, bound).astype(a.dtype)
    return a


def cast(call: NodeCall, a: Array, code: int) -> Array:
    """Known values in another dtype; what float16 cannot hold is refused."""
    dtype = np.dtype(dtype_name(code, "the result"))
    call.check_constants(a.shape)
    if code in HALVES and a.size and bool((np.abs(a[np.isfinite(a)]) > LARGEST_HALF).any()):
        raise call.unsupported("numbers that float16 cannot hold; export the network as float32")
    if a.dtype.kind == "f" and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        inside = np.isfinite(a) & (a >= float(limits.min)) & (a < float(limits.max) + 1.0)
        if not inside.all():
            raise call.unsupported(f"numbers that {dtype.name} cannot hold")
    with np.errstate(all="ignore"):
        return a.astype(dtype)


def _cast(call: NodeCall) -> Array:
    return cast(call, call.known(0), call.integer("to"))


def _cast_like(call: NodeCall) -> Array:
    a, like = call.known(0), call.operand(1)
    name = getattr(like, "dtype", None)
    if name is None:
        raise call.unsupported("its second input is not an array of numbers")
    call.check_constants(a.shape)
    return a.astype(str(name))


def _is_nan(call: NodeCall) -> Array:
    return np.isnan(call.known(0))


def _is_inf(call: NodeCall) -> Array:
    a = call.known(0)
    below, above = call.flag("detect_negative", 1), call.flag("detect_positive", 1)
    return (np.isneginf(a) & below) | (np.isposinf(a) & above)


# Reductions


def _reduction(function: Callable[..., Any], kinds: str = _NUMBERS) -> Fold:
    def fold(call: NodeCall) -> Array:
        a = call.known(0)
        keep, axes = call.flag("keepdims", 1), reduced_axes(call, a.ndim)
        if a.dtype.kind not in kinds:
            raise call.wrong(f"its input is {a.dtype.name}")
        call.check_constants(a.shape)
        with np.errstate(all="ignore"):
            return np.asarray(function(a, axis=axes, keepdims=keep), a.dtype)

    return fold


def _exact(function: Callable[..., Any]) -> Callable[..., Any]:
    """A sum or product of whole numbers in their own dtype."""
    return lambda a, **over: function(a, dtype=None if a.dtype.kind == "f" else a.dtype, **over)


_sum = _exact(np.sum)


def _largest(a: Array, axis: Any, keepdims: bool) -> Any:
    """The largest; of no truth values false, the least there is."""
    if a.dtype.kind == "b":
        return np.any(a, axis=axis, keepdims=keepdims)
    return np.max(a, axis=axis, keepdims=keepdims)


def _mean(a: Array, axis: Any, keepdims: bool) -> Any:
    """The mean, of whole numbers rounded towards 0."""
    if a.dtype.kind == "f":
        return np.mean(a, axis=axis, keepdims=keepdims)
    count = prod(a.shape[n] for n in axis)
    return divide(_sum(a, axis=axis, keepdims=keepdims), np.array(count, a.dtype))


# Of values alone


def _range(call: NodeCall) -> Array:
    values = [call.known(n) for n in range(3)]
    if any(each.size != 1 for each in values) or len({each.dtype for each in values}) > 1:
        raise call.wrong("start, limit and delta are not one number of one dtype each")
    start, limit, step = (each.reshape(()).item() for each in values)
    if not step or not np.isfinite([start, limit, step]).all():
        raise call.wrong("a step of 0, or numbers that are not finite")
    length = (limit - start) / step if values[0].dtype.kind == "f" else -((start - limit) // step)
    count = max(int(np.ceil(min(length, 2.0**53))), 0)
    call.check_constants((count,))
    if values[0].dtype.kind == "f":
        return np.asarray(start + step * np.arange(count), values[0].dtype)
    return np.array(range(start, start + count * step, step), values[0].dtype)


def _non_zero(call: NodeCall) -> Array:
    data = call.known(0)
    call.check_constants((max(data.ndim, 1), data.size))
    return np.array(np.nonzero(np.atleast_1d(data)), np.int64)


ELEMENTS: dict[str, Fold] = {
    "Abs": _unary(np.abs),
    "Add": _binary(np.add),
    "And": _binary(np.logical_and, _BOOL),
    "BitShift": _shift,
    "BitwiseAnd": _binary(np.bitwise_and, _INTEGERS),
    "BitwiseNot": _unary(np.invert, _INTEGERS),
    "BitwiseOr": _binary(np.bitwise_or, _INTEGERS),
    "BitwiseXor": _binary(np.bitwise_xor, _INTEGERS),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Ceil": _unary(np.ceil, _FLOATS),
    "Clip": _clip,
    "Div": _binary(divide),
    "Equal": _binary(np.equal, "iufb", to=bool),
    "Floor": _unary(np.floor, _FLOATS),
    "Greater": _binary(np.greater, to=bool),
    "GreaterOrEqual": _binary(np.greater_equal, to=bool),
    "IsInf": _is_inf,
    "IsNaN": _is_nan,
    "Less": _binary(np.less, to=bool),
    "LessOrEqual": _binary(np.less_equal, to=bool),
    "Max": _several(np.maximum),
    "Min": _several(np.minimum),
    "Mod": _mod,
    "Mul": _binary(np.multiply),
    "Neg": _unary(np.negative, "if"),
    "NonZero": _non_zero,
    "Not": _unary(np.logical_not, _BOOL),
    "Or": _binary(np.logical_or, _BOOL),
    "Pow": _pow,
    "Reciprocal": _unary(np.reciprocal, _FLOATS),
    "Range": _range,
    "ReduceL1": _reduction(lambda a, **over: np.sum(np.abs(a), **over)),
    "ReduceMax": _reduction(_largest, "iufb"),
    "ReduceMean": _reduction(_mean),
    "ReduceMin": _reduction(np.min, "iufb"),
    "ReduceProd": _reduction(_exact(np.prod)),
    "ReduceSum": _reduction(_sum),
    "ReduceSumSquare": _reduction(lambda a, **over: np.sum(a * a, **over)),
    "Relu": _unary(lambda a: np.maximum(a, a.dtype.type(0)), "i"),
    "Round": _unary(np.rint, _FLOATS),
    "Sign": _unary(np.sign),
    "Sqrt": _unary(np.sqrt, _FLOATS),
    "Sub": _binary(np.subtract),
    "Sum": _several(np.add),
    "Where": _where,
    "Xor": _binary(np.logical_xor, _BOOL),
}
"""How nodes of known values are computed, by the name of the operator."""
