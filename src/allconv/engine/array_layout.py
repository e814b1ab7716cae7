"""Arrays as kernels can read them: the only copies that a call makes of what it is given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allconv.operators.base import Array


class Ready(NamedTuple):
    """An array that lies as "rows" (row-major) or "last" (channels last)."""

    array: Array
    layout: str


def ready(array: Array) -> Ready:
    """The array itself if kernels can read it in place, else a copy in row-major order."""
    layout = layout_of(array)
    if layout:
        return Ready(np.asarray(array), layout)
    return Ready(in_rows(array), "rows")


def layout_of(array: Array) -> str:
    """How an array lies that kernels can read in place: in "rows", or channels "last".

    Empty for anything else: misaligned, byte-swapped, in other strides.
    """
    flags = array.flags
    if not (flags.aligned and array.dtype.isnative):
        return ""
    if flags.c_contiguous:
        return "rows"
    last = array.ndim > 2 and np.moveaxis(array, 1, -1).flags.c_contiguous
    return "last" if last else ""


def in_rows(array: Array) -> Array:
    """The array itself if it lies in row-major order, else a copy that does."""
    if layout_of(array) == "rows":
        return np.asarray(array)
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
