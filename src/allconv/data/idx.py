"""IDX, the format of MNIST: arrays of one type behind a header of magic number and sizes.

Format: http://yann.lecun.com/exdb/mnist: bytes 0, 0, type, number of axes; each size as a
big-endian 32-bit number; the values, big-endian, last axis fastest.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import re
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from allconv.data.arrays import load_arrays
from allconv.data.assemble import Shares
from allconv.data.dataset import Dataset
from allconv.data.listing import entries
from allconv.data.load_options import MEMORY_LIMIT, LoadOptions
from allconv.errors import Error, FileError, LimitError
from allconv.files import open_file
from allconv.text import printable

SHARES = Shares(validation=0.10, test=0.15)

DEFLATE_RATIO = 1032
"""Deflate cannot pack more bytes into one."""

_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_MOST_AXES = 8
_PIECE = 2**24
_NAME = re.compile(
    r"(?P<set>.*[-_.])?(?P<part>train|t10k|test)[-_.](?P<kind>images|labels)[-_.]idx\d[-_.]ubyte"
    r"(?P<packed>\.gz)?",
    re.IGNORECASE,
)


def read_idx(path: Path, *, limit: int = MEMORY_LIMIT) -> npt.NDArray[Any]:
    """Read one IDX file, plain or packed with gzip (known by content).

    The header is held against the size of the file before anything is allocated. Errors: FileError
    for another magic number, a file cut short or too long; LimitError above `limit` bytes.
    """
    try:
        with open_file(path, "an IDX file") as raw:
            size = os.fstat(raw.fileno()).st_size
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not packed:
                return read_stream(raw, size, limit, exact=True)
            with gzip.GzipFile(fileobj=raw) as file:
                return read_stream(cast(BinaryIO, file), size * DEFLATE_RATIO, limit, exact=False)
    except Error as error:
        raise error.at(printable(path)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        told = f"is damaged or cut short ({error}); replace it"
        raise FileError(told).at(printable(path)) from None
    except MemoryError:
        raise LimitError("does not fit into memory").at(printable(path)) from None
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})").at(printable(path)) from None


def find_idx(folder: Path) -> dict[str, Path]:
    """The IDX files of a folder by role: "train images", "train labels", "test images" ...

    Names are those of MNIST and Fashion-MNIST, with "-" or "." before "idx", plain or .gz; a plain
    file goes before its packed twin. Empty where there are none; FileError for two sets.
    """
    found: dict[str, Path] = {}
    sets = set()
    for path in entries(folder, lambda path: path.is_file()):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        sets.add((match["set"] or "").lower())
        part = "train" if match["part"].lower() == "train" else "test"
        role = f"{part} {match['kind'].lower()}"
        if role not in found or not match["packed"]:
            found[role] = path
    if len(sets) > 1:
        names = ", ".join(sorted(repr(name) for name in sets))
        raise FileError(f"{printable(folder)} holds several sets of IDX files ({names}); keep one")
    return found


def load_idx(source: str, files: dict[str, Path], options: LoadOptions) -> Dataset:
    """Data set of the files that `find_idx` found; a tenth of each class validates."""
    parts = {}
    for part, suffix in (("train", ""), ("test", "_test")):
        images, labels = files.get(f"{part} images"), files.get(f"{part} labels")
        if images is None and labels is None and part == "test":
            continue
        if images is None or labels is None:
            expected = f"{'train' if part == 'train' else 't10k'}-"
            expected += "images-idx3-ubyte" if images is None else "labels-idx1-ubyte"
            raise FileError(f"{source} has no {expected} (or .gz); add it")
        parts[suffix] = _read_pair(images, labels, options.memory_limit)
    return load_arrays(source, parts, options, SHARES)


def _read_pair(images: Path, labels: Path, limit: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    x, y = read_idx(images, limit=limit), read_idx(labels, limit=limit)
    if x.ndim not in (3, 4) or x.dtype != np.uint8:
        raise FileError(
            f"{printable(images)} holds {x.dtype} {x.shape}; images are uint8 (N, H, W)"
        )
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise FileError(f"{printable(labels)} holds {y.dtype} {y.shape}; labels are integers (N,)")
    if len(x) != len(y):
        raise FileError(
            f"{printable(images)} has {len(x)} images, {printable(labels)} has {len(y)} labels; "
            "they must belong together"
        )
    return x, y


def read_stream(file: BinaryIO, most: int, limit: int, *, exact: bool) -> npt.NDArray[Any]:
    """Read an array in IDX from a stream of at most (or, if `exact`, of exactly) `most` bytes."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\x00\x00" or magic[2] not in _TYPES:
        raise FileError(f"is not IDX: it begins with {magic.hex(' ') or 'nothing'}, not 00 00 08")
    axes = magic[3]
    if not 1 <= axes <= _MOST_AXES:
        raise FileError(f"has {axes} axes in its header; IDX files have 1 to {_MOST_AXES}")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise FileError("is cut short within its header; replace it")
    shape = tuple(int(side) for side in np.frombuffer(sizes, ">u4"))
    dtype = np.dtype(_TYPES[magic[2]])
    expected = math.prod(shape) * dtype.itemsize
    header = 4 + 4 * axes
    said = f"its header says {' x '.join(map(str, shape))} values"
    if header + expected > most:
        raise FileError(f"is cut short: {said}, the file is too small for them; replace it")
    if exact and header + expected < most:
        raise FileError(f"is too long: {said}, the file has {most - header:,} bytes of them")
    if expected > limit:
        raise LimitError(f"holds {expected:,} bytes, the limit is {limit:,}; raise memory_limit")
    data = io.BytesIO()
    while (missing := expected - data.tell()) > 0 and (piece := file.read(min(missing, _PIECE))):
        data.write(piece)
    if data.tell() < expected:
        raise FileError(f"is cut short: {said}, there are {data.tell():,} bytes; replace it")
    if file.read(1):
        raise FileError(f"is too long: {said}, and more follows")
    try:
        values = np.frombuffer(data.getbuffer(), dtype).reshape(shape)
    except ValueError:  # no bytes at all, and more along the other axes than NumPy counts
        raise FileError(f"is not an array: {said}; replace it") from None
    return values.astype(dtype.newbyteorder("="), copy=False)
