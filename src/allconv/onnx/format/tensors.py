"""Dtypes by the codes of the format, and arrays as its tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.errors import UnsupportedError
from allconv.operators.base import Array
from onnx import TensorProto

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
HALVES = {TensorProto.FLOAT16: "float16", TensorProto.BFLOAT16: "bfloat16"}
"""Floats of two bytes: read as float32, which holds them exactly."""

LARGEST_HALF = 65504.0
CODES = {name: code for code, name in DTYPES.items()}


def dtype_name(code: int, of: str) -> str:
    """The name of the dtype in which one is read; UnsupportedError for any other."""
    if code in DTYPES:
        return DTYPES[code]
    if code in HALVES:
        return "float32"
    known = code in TensorProto.DataType.values()
    name = TensorProto.DataType.Name(code) if known else str(code)
    raise UnsupportedError(f"{of} is {name}; export the network as float32")


def make_tensor(name: str, array: Array) -> Any:
    """An array as a tensor of the format."""
    return fill_tensor(TensorProto(), name, array)


def fill_tensor(tensor: Any, name: str, array: Array) -> Any:
    """Put an array into a tensor, which has no values yet, and return it."""
    tensor.name = name
    tensor.data_type = CODES[array.dtype.name]
    tensor.dims.extend(array.shape)
    tensor.raw_data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return tensor
