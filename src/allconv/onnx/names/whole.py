"""Other dtypes: Cast, CastLike, and whole numbers that stand for floats: QuantizeLinear and back.

Whole numbers of one and two bytes are kept as floats, which hold them exactly: a network in int8
runs, and no faster than one of floats.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.format.tensors import CODES, HALVES, dtype_name
from allconv.onnx.names.call import Bytes, Condition, NodeCall, NodeRule
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.arrange import Convert
from allconv.operators.base import FLOATS
from allconv.operators.elementary import Floor, FromWhole, Round, Sign, ToWhole
from allconv.operators.pointwise import Equal, Heaviside, Maximum, Select
from allconv.value import Value

QUANTIZED = ("uint8", "int8", "uint16", "int16")
_HELD = (*QUANTIZED, "int32")  # by what is multiplied by a scale
_PLAIN = (0, CODES["float32"], CODES["float64"])


def read_cast(call: NodeCall) -> Value | Condition | Bytes:
    """Another float dtype, whole numbers as floats and back, or a condition and back.

    Floats lose what is behind the point; beyond the dtype they are its largest or least number.
    """
    return _cast(call, dtype_name(call.integer("to"), "the result"))


def _cast(call: NodeCall, dtype: str) -> Value | Condition | Bytes:
    given = call.operand(0)
    if isinstance(given, Bytes):
        if dtype not in (*FLOATS, given.dtype):
            raise call.unsupported(f"{given.dtype} to {dtype}")
        return given if dtype == given.dtype else given.value.astype(dtype)
    if isinstance(given, Condition):
        if dtype == "bool":
            return given
        x: Value = apply(Heaviside(), given.value)
    elif isinstance(given, Value) and not given.spec.is_float:
        x = given.astype("float32" if dtype == "bool" else dtype) if dtype != given.dtype else given
    else:
        x = call.value(0)
    if dtype == "bool":
        return Condition(1.0 - apply(Equal(), x, call.lift(np.zeros((), x.dtype))))
    if dtype in QUANTIZED and x.spec.is_float:
        size = abs(x)
        cut = apply(Select(), size, apply(Sign(), x) * apply(Floor(), size), 0.0)  # NaN is 0
        return Bytes(_saturated(cut, dtype), dtype)
    if dtype == "int64" and x.spec.is_float:
        whole: Value = apply(ToWhole(dtype), x)
        return whole
    if dtype not in FLOATS and dtype != x.dtype:
        raise call.unsupported(f"to {dtype}")
    return x.astype(dtype) if x.spec.is_float else x


def read_cast_like(call: NodeCall) -> Value | Condition | Bytes:
    """The dtype of another array."""
    return _cast(call, str(call.operand(1).dtype))


def _saturated(x: Value, dtype: str) -> Any:
    """Numbers no larger and no smaller than a dtype holds; NaN is the least, as in ONNX Runtime."""
    limits = np.iinfo(dtype)
    low = float(limits.min)
    least = apply(Select(), x - low, x, low)
    return -apply(Maximum(), -least, -float(limits.max))


def read_quantize(call: NodeCall) -> Bytes:
    """round(x / scale) + zero point, the even one of two, no further than the dtype goes."""
    x = call.value(0)
    if call.integer("precision", 0) not in _PLAIN:
        raise call.unsupported("a precision other than float32 and float64")
    dtype = _dtype(call)
    y: Value = apply(Round(), x / _along(call, 1, x))
    zero = _zero(call, x)
    return Bytes(_saturated(y if zero is None else y + zero, dtype), dtype)


def read_dynamic_quantize(call: NodeCall) -> tuple[Bytes, Value, Bytes]:
    """x in uint8, with the scale and the zero point by which its least and its largest number, and
    0, are within; where all are 0, or too small for a scale, that is 1, as in ONNX Runtime."""
    x = call.value(0)
    if not x.size:
        raise call.unsupported("of an array without numbers")
    most = float(np.iinfo("uint8").max)
    low = -apply(Maximum(), -x.min(), 0.0)
    scale = (apply(Maximum(), x.max(), 0.0) - low) / most
    scale = apply(Select(), apply(Equal(), scale, 0.0), 1.0, scale)
    zero = _saturated(apply(Round(), -low / scale), "uint8")
    y = _saturated(apply(Round(), x / scale) + zero, "uint8")
    return Bytes(y), scale, Bytes(zero)


def _dtype(call: NodeCall) -> str:
    """What numbers become: the dtype of the zero point, or one that is named."""
    code = call.integer("output_dtype", 0)
    named = dtype_name(code, "the result") if code else ""
    zero = call.operand(2)
    if zero is None:
        dtype = named or "uint8"
    elif isinstance(zero, Bytes | np.ndarray):
        dtype = str(zero.dtype)
    else:
        raise call.unsupported("a zero point that is not a whole number")
    if dtype not in QUANTIZED or named not in ("", dtype):
        raise call.unsupported(f"to {dtype}; {', '.join(QUANTIZED)} are supported")
    return dtype


def read_dequantize(call: NodeCall) -> Any:
    """(x - zero point) * scale; at once where all three are known."""
    given = call.operand(0)
    like = given.value if isinstance(given, Bytes) else given
    if not isinstance(given, Bytes | np.ndarray) or str(given.dtype) not in _HELD:
        raise call.unsupported(f"of {getattr(given, 'dtype', 'no numbers')}")
    scale, zero = _along(call, 1, like), _zero(call, like)
    dtype = str(scale.dtype)
    if call.integer("output_dtype", 0) not in (*_PLAIN, *HALVES):
        raise call.unsupported("a result of another dtype")
    if isinstance(given, np.ndarray):
        call.check_constants(given.shape)
        given = given.astype(dtype)
        if isinstance(scale, Value) or isinstance(zero, Value):
            given = call.lift(given)
    else:
        given = like
    x = given if zero is None else given - zero
    return x * scale


def _along(call: NodeCall, number: int, x: Any) -> Any:
    """Numbers that broadcast with x: one, one a cell of an axis, or one a block of that."""
    given = call.operand(number)
    if isinstance(given, Bytes):
        given = given.value
    axis, size = call.integer("axis", 1), call.integer("block_size", 0)
    shape = tuple(given.shape)
    if not shape or (shape == (1,) and not size):
        return given.reshape(())
    axis = call.axis(axis, len(x.shape))
    if not size:
        if shape != (x.shape[axis],):
            raise call.wrong(f"input {number} is {shape}; axis {axis} of {tuple(x.shape)} has not")
        return given.reshape([-1 if a == axis else 1 for a in range(len(x.shape))])
    blocks = tuple(-(-n // size) if a == axis else n for a, n in enumerate(x.shape))
    if size < 0 or shape != blocks or not isinstance(given, np.ndarray):
        raise call.unsupported(f"blocks of {size}, input {number} of shape {shape}, or computed")
    call.check_constants(x.shape)
    repeated = np.repeat(given, size, axis)
    return repeated[tuple(slice(n) for n in x.shape)]


def _zero(call: NodeCall, x: Any) -> Any:
    """The zero point as floats; None where there is none, or all are 0."""
    if not call.has(2):
        return None
    zero, scale = _along(call, 2, x), call.operand(1)
    if isinstance(zero, Value):
        return zero
    if zero.dtype.kind not in "iu":
        raise call.unsupported(f"a zero point of {zero.dtype.name}")
    return zero.astype(str(scale.dtype)) if zero.any() else None


def write_cast(writer: Writer, written: NodeToWrite) -> None:
    """Cast."""
    writer.node(written, "Cast", written.inputs, to=CODES[written.operator.to])


READERS = {
    "Cast": NodeRule(read_cast, silent=("saturate", "round_mode")),  # both are of float8
    "CastLike": NodeRule(read_cast_like, silent=("saturate", "round_mode")),
    "DequantizeLinear": NodeRule(read_dequantize, settings=(1, 2)),
    "DynamicQuantizeLinear": NodeRule(read_dynamic_quantize),
    "QuantizeLinear": NodeRule(read_quantize, silent=("saturate",), settings=(1, 2)),
}
WRITERS = {Convert: write_cast, FromWhole: write_cast, ToWhole: write_cast}
