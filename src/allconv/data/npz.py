"""NumPy's .npz: x and y, and where they are there x_val, y_val, x_test, y_test and classes."""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy.typing as npt
from numpy.lib import format as npy

from allconv.data.arrays import load_arrays
from allconv.data.assemble import Shares
from allconv.data.dataset import Dataset
from allconv.data.idx import DEFLATE_RATIO
from allconv.data.load_options import LoadOptions
from allconv.errors import Error, FileError, LimitError
from allconv.files import open_file
from allconv.text import printable

SHARES = Shares(validation=0.15, test=0.15)

_RATIOS = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE_RATIO}

_NAMES = {
    "x": ("x", "x_train"),
    "y": ("y", "y_train"),
    **{name: (name,) for name in ("x_val", "y_val", "x_test", "y_test", "classes")},
}


def load_npz(path: Path, options: LoadOptions) -> Dataset:
    """Data set of an .npz file; see `allconv.data.pixels.to_images` for the shapes and values of x.

    `x_train`, `y_train` are taken for `x`, `y`. Nothing is unpickled. Parts that are not in the
    file are held out: 15 % of each class to validate, 15 % to test. Errors: FileError, LimitError.
    """
    arrays = read_npz(path, limit=options.memory_limit)
    parts = {}
    for suffix in ("", "_val", "_test"):
        x, y = f"x{suffix}", f"y{suffix}"
        if (x in arrays) != (y in arrays) or (not suffix and x not in arrays):
            missing = y if x in arrays else x
            have = ", ".join(arrays) or "neither x nor y"
            raise FileError(f"{printable(path)} has no array {missing!r} (it has {have}); add it")
        if x in arrays:
            parts[suffix] = arrays[x], arrays[y]
    classes = arrays["classes"].ravel().tolist() if "classes" in arrays else None
    return load_arrays(printable(path), parts, options, SHARES, classes)


def read_npz(path: Path, *, limit: int) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz file that a data set can use, together at most `limit` bytes."""
    try:
        with open_file(path, "an .npz file") as file, zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            found = {
                name: members[alias]
                for name, aliases in _NAMES.items()
                for alias in reversed(aliases)
                if alias in members
            }
            total = sum(info.file_size for info in found.values())
            if total > limit:
                raise LimitError(
                    f"holds {total:,} bytes, the limit is {limit:,}; raise memory_limit"
                )
            size = os.fstat(file.fileno()).st_size
            for info in found.values():
                _check_claim(info, size)
            return {name: _read_member(archive, info) for name, info in found.items()}
    except Error as error:
        raise error.at(printable(path)) from None
    except MemoryError:
        raise LimitError("does not fit into memory").at(printable(path)) from None
    except zipfile.BadZipFile as error:
        reason = f"is not an .npz file, or damaged or cut short ({error}); save it again"
        raise FileError(reason).at(printable(path)) from None
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})").at(printable(path)) from None
    except Exception as error:
        # Damaged bytes may raise anything in the readers of zip and of array headers.
        reason = " ".join(str(error).split()) or type(error).__name__
        told = f"is damaged ({printable(reason, 200)}); save it again"
        raise FileError(told).at(printable(path)) from error


def _check_claim(info: zipfile.ZipInfo, size: int) -> None:
    """FileError where a member says it is larger than a file of `size` bytes can hold."""
    ratio = _RATIOS.get(info.compress_type)
    packed = min(info.compress_size, size)
    if info.compress_size > size or (ratio and info.file_size > ratio * packed):
        raise FileError(
            f"has {info.filename} cut short: it says {info.file_size:,} bytes, more than the file "
            "can hold; save it again"
        )


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """One array, its header held against the size of the member before it is allocated."""
    with archive.open(info) as file:
        version = npy.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = npy.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = npy.read_array_header_2_0(file)
        else:
            raise FileError(f"has {info.filename} in version {version} of .npy; save it again")
        if dtype.hasobject:
            raise FileError(
                f"has Python objects in {info.filename}, which are not read because that can run "
                "code; save numbers or strings, with one size for all images"
            )
        if math.prod(shape) * dtype.itemsize != info.file_size - file.tell():
            raise FileError(f"has {info.filename} cut short or too long; save it again")
    with archive.open(info) as file:
        array: npt.NDArray[Any] = npy.read_array(file, allow_pickle=False)
        return array
