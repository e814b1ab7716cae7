"""Tensors of a file as arrays: every field is checked before it is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from allconv.errors import FileError, UnsupportedError
from allconv.intake.arrays import frozen
from allconv.onnx.format.limits import fits
from allconv.onnx.format.tensors import HALVES, dtype_name
from allconv.onnx.format.text import shown
from allconv.onnx.read.external import Outside
from allconv.onnx.read.wire import Place, Raw, initializer
from allconv.operators.base import Array
from allconv.text import encodable
from onnx import TensorProto

_FIELDS = {
    "float32": "float_data",
    "float64": "double_data",
    "int64": "int64_data",
    "uint32": "uint64_data",
    "uint64": "uint64_data",
}
_ALL_FIELDS = ("float_data", "double_data", "int32_data", "int64_data", "uint64_data")


def read_arrays(graph: Any, outside: Outside, raws: Mapping[Place, Raw]) -> dict[str, Array]:
    """The initializers by name."""
    arrays: dict[str, Array] = {}
    for number, tensor in enumerate(graph.initializer):
        name = encodable(tensor.name)
        if not name or name in arrays:
            raise FileError(f"two initializers are named {shown(name)}; export again")
        arrays[name] = read_tensor(tensor, outside, raws.get(initializer(number)))
    return arrays


def read_tensor(tensor: Any, outside: Outside, raw: Raw | None = None) -> Array:
    """The values of a tensor, read-only; `raw` is where they lie if they were left in the file.

    Sizes are compared with the bytes that are there before an array is made.
    """
    of = f"tensor {shown(tensor.name)}"
    half = HALVES.get(tensor.data_type)
    dtype = np.dtype("uint16" if half else dtype_name(tensor.data_type, of))
    if tensor.HasField("segment"):
        raise UnsupportedError(f"{of} is in segments; export the network in one piece")
    shape = tuple(int(n) for n in tensor.dims)
    if any(n < 0 for n in shape) or not fits(shape):
        raise FileError(f"{of} has an impossible shape; export the network again")
    array = _array(tensor, dtype, shape, outside, raw, of)
    if half:
        array = _widened(array, half)
    return frozen(array)


def _widened(bits: Array, half: str) -> Array:
    """The float32 of the bits of a float16 or bfloat16."""
    if half == "float16":
        return bits.view(np.float16).astype(np.float32)
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _array(
    tensor: Any,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    outside: Outside,
    raw: Raw | None,
    of: str,
) -> Array:
    """The values from where they are: beside the file, in it, or in the message itself."""
    if tensor.data_location == TensorProto.EXTERNAL:
        if raw or tensor.raw_data or any(len(getattr(tensor, each)) for each in _ALL_FIELDS):
            raise FileError(f"{of} is both inside and outside the file; export the network again")
        with outside.opened(tensor, prod(shape) * dtype.itemsize) as bytes_outside:
            return _from_file(bytes_outside, dtype, shape)
    if tensor.data_location != TensorProto.DEFAULT or len(tensor.external_data):
        raise FileError(f"{of} says where it is outside the file, and is not; export it again")
    return _from_fields(tensor, dtype, shape, raw, of)


def _from_fields(
    tensor: Any, dtype: np.dtype[Any], shape: tuple[int, ...], raw: Raw | None, of: str
) -> Array:
    """The values of a tensor inside the file: raw bytes, or the typed field of its dtype."""
    field, data = _FIELDS.get(dtype.name, "int32_data"), tensor.raw_data
    filled = [each for each in _ALL_FIELDS if len(getattr(tensor, each))]
    if bool(raw) + bool(data) + bool(filled) > 1 or set(filled) - {field}:
        raise FileError(f"{of} holds its values twice or as another dtype; export it again")
    count, length = prod(shape), raw.length if raw else len(data)
    given = length // dtype.itemsize + len(getattr(tensor, field))
    if given != count or length % dtype.itemsize:
        raise FileError(f"{of} is {shape}, which is {count} values; {given} are in the file")
    if raw:
        return _from_file(raw, dtype, shape)
    if data:
        little: Array = np.frombuffer(data, _stored(dtype)).reshape(shape)
        return _native(little.copy(), dtype)
    return _from_numbers(getattr(tensor, field), dtype, shape, of)


def _from_numbers(
    numbers: Sequence[Any], dtype: np.dtype[Any], shape: tuple[int, ...], of: str
) -> Array:
    """The values of a typed field; whole numbers outside the dtype's range are refused."""
    values: Array = np.fromiter(numbers, np.dtype(_wide(dtype)), len(numbers))
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    if limits and values.size and not (limits.min <= values.min() and values.max() <= limits.max):
        raise FileError(f"{of} holds numbers that do not fit {dtype.name}; export it again")
    return values.astype(dtype, copy=False).reshape(shape)


def _wide(dtype: np.dtype[Any]) -> str:
    """The dtype in which a typed field keeps its numbers."""
    if dtype.kind == "f":
        return dtype.name
    return "uint64" if dtype.name in ("uint32", "uint64") else "int64"


def _stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """How raw bytes keep a dtype: little-endian, a boolean as a byte."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("<")


def _native(array: Array, dtype: np.dtype[Any]) -> Array:
    return np.asarray(array != 0) if dtype.kind == "b" else array.astype(dtype, copy=False)


def _from_file(raw: Raw, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """Bytes of a file, read to where they stay."""
    array: Array = np.empty(shape, _stored(dtype))
    raw.fill(array.reshape(-1).view(np.uint8).data)
    return _native(array, dtype)
