"""Tensors of the format to arrays and back: every field is checked before it is believed."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from allconv.errors import FileError, UnsupportedError
from allconv.onnx.external import Outside
from allconv.onnx.text import shown
from allconv.operators.base import Array
from onnx import TensorProto

MOST_AXES = 32

DTYPES: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.INT8: "int8",
    TensorProto.INT16: "int16",
    TensorProto.INT32: "int32",
    TensorProto.INT64: "int64",
    TensorProto.UINT8: "uint8",
    TensorProto.UINT16: "uint16",
    TensorProto.UINT32: "uint32",
    TensorProto.UINT64: "uint64",
    TensorProto.BOOL: "bool",
}
CODES = {name: code for code, name in DTYPES.items()}
_FIELDS = {
    "float32": "float_data",
    "float64": "double_data",
    "int64": "int64_data",
    "uint32": "uint64_data",
    "uint64": "uint64_data",
}
_ALL_FIELDS = ("float_data", "double_data", "int32_data", "int64_data", "uint64_data")


def dtype_name(code: int, of: str) -> str:
    """The name of a dtype that can be read; UnsupportedError for any other."""
    if code in DTYPES:
        return DTYPES[code]
    known = code in TensorProto.DataType.values()
    name = TensorProto.DataType.Name(code) if known else str(code)
    raise UnsupportedError(f"{of} is {name}; export the network as float32")


def read_tensor(tensor: Any, outside: Outside) -> Array:
    """The array that a tensor holds, in the file or beside it."""
    of = f"tensor {shown(tensor.name)}"
    dtype = np.dtype(dtype_name(tensor.data_type, of))
    if tensor.HasField("segment"):
        raise UnsupportedError(f"{of} is in segments; export the network in one piece")
    shape = tuple(int(n) for n in tensor.dims)
    if len(shape) > MOST_AXES or any(n < 0 for n in shape):
        raise FileError(f"{of} has an impossible shape; export the network again")
    wanted = prod(shape) * dtype.itemsize
    if tensor.data_location == TensorProto.EXTERNAL:
        if tensor.raw_data or any(len(getattr(tensor, each)) for each in _ALL_FIELDS):
            raise FileError(f"{of} is both inside and outside the file; export the network again")
        return _from_bytes(outside.read(tensor, wanted), dtype, shape)
    if tensor.data_location != TensorProto.DEFAULT or len(tensor.external_data):
        raise FileError(f"{of} says where it is outside the file, and is not; export it again")
    return _from_fields(tensor, dtype, shape, of)


def _from_fields(tensor: Any, dtype: np.dtype[Any], shape: tuple[int, ...], of: str) -> Array:
    """The values of a tensor inside the file: raw bytes, or the typed field of its dtype."""
    field = _FIELDS.get(dtype.name, "int32_data")
    filled = [each for each in _ALL_FIELDS if len(getattr(tensor, each))]
    if (tensor.raw_data and filled) or set(filled) - {field}:
        raise FileError(f"{of} holds its values twice or as another dtype; export it again")
    count = prod(shape)
    given = len(tensor.raw_data) // dtype.itemsize if tensor.raw_data else 0
    given += len(getattr(tensor, field))
    if given != count or len(tensor.raw_data) % dtype.itemsize:
        raise FileError(f"{of} is {shape}, which is {count} values; {given} are in the file")
    if tensor.raw_data:
        return _from_bytes(tensor.raw_data, dtype, shape)
    values: Array = np.array(getattr(tensor, field), np.dtype(_wide(dtype)))
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    if limits and count and not (limits.min <= values.min() and values.max() <= limits.max):
        raise FileError(f"{of} holds numbers that are no {dtype.name}; export it again")
    return values.astype(dtype).reshape(shape)


def _wide(dtype: np.dtype[Any]) -> str:
    """The dtype in which a typed field keeps its numbers."""
    if dtype.kind == "f":
        return dtype.name
    return "uint64" if dtype.name in ("uint32", "uint64") else "int64"


def _from_bytes(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    array: Array = np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape)
    return array.astype(dtype) if dtype.kind == "b" else array.astype(dtype, copy=False)


def make_tensor(name: str, array: Array) -> Any:
    """An array as a tensor of the format."""
    tensor = TensorProto()
    tensor.name = name
    tensor.data_type = CODES[array.dtype.name]
    tensor.dims.extend(array.shape)
    tensor.raw_data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return tensor
