"""The large arrays of a file, found before its messages are made.

Protobuf's parser copies an array several times. So its wire format is walked here first, down the
few fields that lead to arrays: what is large stays where it is in the file, to be read straight
into its array, and the parser of protobuf gets the rest. Source: protobuf.dev, "Encoding".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from allconv.errors import FileError, LimitError

LARGE = 2**16
"""Bytes from which on an array is left in the file."""

MOST_FIELDS = 2_000_000
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_VARINT = 10
_NO_MODEL = "this is not an ONNX model; give an .onnx file"

Fields = Mapping[int, Any]
Place = tuple[int, ...]

# Numbers of fields in onnx.proto: which message each leads to. None is the array itself.
_TENSOR: Fields = {9: None}  # raw_data
_ATTRIBUTE: Fields = {5: _TENSOR}  # t
_NODE: Fields = {5: _ATTRIBUTE}  # attribute
_MODEL: Fields = {7: {1: _NODE, 5: _TENSOR}}  # graph: node, initializer


def initializer(number: int) -> Place:
    """The place of an initializer of the graph."""
    return (7, 0, 5, number)


def attribute(node: int, number: int) -> Place:
    """The place of the tensor of an attribute."""
    return (7, 0, 1, node, 5, number, 5, 0)


@dataclass(frozen=True)
class Raw:
    """Bytes of an array that lie in an open file."""

    file: BinaryIO
    offset: int
    length: int

    def data(self) -> bytes:
        """The bytes themselves."""
        data = bytearray(self.length)
        self.fill(memoryview(data))
        return bytes(data)

    def fill(self, into: memoryview) -> None:
        """Read the bytes to where they belong."""
        self.file.seek(self.offset)
        done = 0
        while done < self.length:
            count = self.file.readinto(into[done:])  # type: ignore[attr-defined]  # files have it
            if not count:
                raise FileError("the file changed while it was read; try again")
            done += count


@dataclass
class Walk:
    """A walk through a file: the bytes of its messages without the arrays, and where these lie."""

    file: BinaryIO
    arrays: dict[Place, Raw] = field(default_factory=dict)
    fields: int = 0
    numbers: Counter[Place] = field(default_factory=Counter)

    def message(self, fields: Fields, start: int, end: int, place: Place) -> bytes:
        """A message without the arrays in it."""
        kept, position = bytearray(), start
        while position < end:
            key, body, after = self._field(position, end)
            number = key >> 3
            child = (*place, number, self._number(number, place))
            if key & 7 != _BYTES or number not in fields or after - body < LARGE:
                kept += self.take(position, after - position)
            elif fields[number] is None:
                self.arrays[place] = Raw(self.file, body, after - body)
            else:
                shorter = self.message(fields[number], body, after, child)
                kept += _varint(key) + _varint(len(shorter)) + shorter
            position = after
        return bytes(kept)

    def _number(self, number: int, place: Place) -> int:
        """How many fields of this number came before; those that can be there once are one."""
        if not place or len(place) == _DEPTH_OF_ATTRIBUTE:
            return 0
        self.numbers[(*place, number)] += 1
        return self.numbers[(*place, number)] - 1

    def _field(self, position: int, end: int) -> tuple[int, int, int]:
        """The key of a field, where its body begins, and where the next field does."""
        self.fields += 1
        if self.fields > MOST_FIELDS:
            raise LimitError(f"the file has more than {MOST_FIELDS:,} parts")
        key, body = self._read_varint(position, end)
        kind = key & 7
        if kind == _VARINT:
            _, after = self._read_varint(body, end)
        elif kind == _BYTES:
            length, body = self._read_varint(body, end)
            after = body + length
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            after = body + (8 if kind == _EIGHT_BYTES else 4)
        else:
            raise FileError(_NO_MODEL)
        if after > end:
            raise FileError(_NO_MODEL)
        return key, body, after

    def _read_varint(self, position: int, end: int) -> tuple[int, int]:
        data = self.take(position, min(_LONGEST_VARINT, end - position))
        number = 0
        for count, byte in enumerate(data):
            number |= (byte & 0x7F) << (7 * count)
            if byte < 0x80:
                return number, position + count + 1
        raise FileError(_NO_MODEL)

    def take(self, position: int, length: int) -> bytes:
        """So many bytes of the file, all of them."""
        self.file.seek(position)
        data = self.file.read(length)
        if len(data) != length:
            raise FileError("the file changed while it was read; try again")
        return data


_DEPTH_OF_ATTRIBUTE = len(attribute(0, 0)) - 2


def without_arrays(file: BinaryIO, size: int) -> tuple[bytes, dict[Place, Raw]]:
    """The messages of a file of `size` bytes without its large arrays, and where each of these is.

    The place of an array is that of its tensor: see `initializer` and `attribute`.
    """
    walk = Walk(file)
    if size < LARGE:
        return walk.take(0, size), {}
    return walk.message(_MODEL, 0, size, ()), walk.arrays


def _varint(number: int) -> bytes:
    made = bytearray()
    while number >= 0x80:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*made, number))
