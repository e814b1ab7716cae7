"""Files of weights: safetensors, that of PyTorch's state dicts too, and what is refused by name.

A file is bytes of a JSON header, which says name, dtype, shape and place of each array, and then
the arrays. The reader of safetensors checks all of it against the length of the file; nothing in it
is code. Source: github.com/huggingface/safetensors, format.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from allconv.errors import ArgumentError, FileError, LimitError
from allconv.files import atomic_write, open_file
from allconv.intake.limits import MOST_AXES, within_limits
from allconv.intake.settings import short_repr, whole
from allconv.operators.base import Array
from allconv.text import json_text, printable

SIZE_LIMIT = 2**32
"""Bytes of a file that is read, unless told otherwise."""
LARGEST_HEADER = 2**26
_KEY = "allconv"
_DTYPES = {
    **{f"F{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    "BOOL": "?",
    "BF16": "<u2",  # the upper half of a float32
}
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_OTHERS = {".onnx": "an ONNX file; use allconv.onnx.load", ".h5": "an HDF5 file, which is not read"}


def save_weights(
    path: str | os.PathLike[str], arrays: Mapping[str, Array], about: Mapping[str, Any]
) -> None:
    """Write arrays by name, and what is said about them as JSON; whole, or not at all."""
    place = _place(path)
    if place.suffix.lower() == ".onnx":
        raise ArgumentError(
            f"{printable(place)} would be a safetensors file; use allconv.onnx.save for ONNX"
        )
    with within_limits("the weights"):
        data = packed(arrays, {_KEY: json_text(dict(about))})
    atomic_write(place, data)


def packed(arrays: Mapping[str, Array], metadata: dict[str, str]) -> bytes:
    """Arrays by name as the bytes of a safetensors file."""
    from safetensors.numpy import save  # loaded when it is first needed

    # safetensors writes the memory of an array as it lies, whatever its strides.
    whole_arrays = {name: np.array(array, order="C") for name, array in arrays.items()}
    data: bytes = save(whole_arrays, metadata)
    return data


def load_weights(
    path: str | os.PathLike[str], size_limit: int = SIZE_LIMIT
) -> tuple[dict[str, Array], Any]:
    """The arrays of a file by name, and what `save_weights` was told about them, else None.

    FileError for what is no safetensors file, for files of PyTorch's own with the two lines that
    convert them; LimitError above `size_limit` bytes.
    """
    place = _place(path)
    data = _bytes(place, whole("size_limit", size_limit, least=1, most=2**62))
    with _understood(place):
        from safetensors import deserialize

        found = deserialize(data)  # type: ignore[no-untyped-call]  # it has no types
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        arrays = {name: _array(name, each) for name, each in found}
        text = (header.get("__metadata__") or {}).get(_KEY)
        return arrays, None if text is None else json.loads(text)


def is_path(state: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a state is the name of a file."""
    return isinstance(state, str | os.PathLike)


def _place(path: Any) -> Path:
    if not is_path(path) or not os.fspath(path):
        raise ArgumentError(
            f"path is {short_repr(path)}; the name of a .safetensors file is expected"
        )
    return Path(os.fsdecode(path))


def _bytes(place: Path, limit: int) -> bytes:
    """What is in a file that may be one of weights."""
    other = _OTHERS.get(place.suffix.lower())
    with open_file(place, "a file of weights") as file:
        size = os.fstat(file.fileno()).st_size
        begin = file.read(8)
        if begin.startswith(_PICKLES):
            raise FileError(_pytorch(place))
        if other is not None:
            raise FileError(f"{printable(place)} is {other}")
        if size > limit:
            raise LimitError(
                f"{printable(place)} is {size:,} bytes, the limit is {limit:,}; set size_limit "
                "higher if the file is yours"
            )
        if len(begin) < 8 or int.from_bytes(begin, "little") > min(size, LARGEST_HEADER):
            raise FileError(f"{printable(place)} is not a safetensors file; {_REMEDY}")
        with within_limits(printable(place)):
            return begin + file.read(size - len(begin))


_REMEDY = "give one that net.save, or save_file of safetensors, wrote"


def _pytorch(place: Path) -> str:
    """The two lines that make a file of PyTorch one that can be read."""
    name = printable(place.name)
    return (
        f"{printable(place)} is a file of PyTorch, which can hold code and is not read; where "
        f"torch is installed, state = torch.load({name!r}, weights_only=True) and "
        f"safetensors.torch.save_file(state, {place.stem + '.safetensors'!r}) convert it"
    )


@contextmanager
def _understood(place: Path) -> Iterator[None]:
    """Name the file in whatever is wrong with it."""
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        why = error.message if isinstance(error, FileError) else str(error)
        raise FileError(
            f"{printable(place)} is not a usable safetensors file: {printable(why, 200)}; {_REMEDY}"
        ) from None
    except RecursionError:
        raise FileError(
            f"{printable(place)} is not a usable safetensors file: nested too deep; {_REMEDY}"
        ) from None
    except MemoryError:
        raise LimitError(f"{printable(place)} needs more memory than there is") from None


def _array(name: str, found: Mapping[str, Any]) -> Array:
    """One array of a file; bfloat16 and float16 become float32, which holds them exactly."""
    kind, shape = found["dtype"], tuple(found["shape"])
    if kind not in _DTYPES:
        raise FileError(f"{name} is {kind}; floats and integers of 8 to 64 bits are read")
    dtype = np.dtype(_DTYPES[kind])
    if len(shape) > MOST_AXES or prod(shape) * dtype.itemsize != len(found["data"]):
        raise FileError(f"{name} is {shape}, which its bytes are not")
    array = np.frombuffer(found["data"], dtype).reshape(shape)
    if kind == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    if kind == "F16":
        return array.astype(np.float32)
    return array.astype(dtype.newbyteorder("="), copy=False)
