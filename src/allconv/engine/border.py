"""Arrays as kernels can read them: the only copies where a program begins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allconv.operators.base import Array


class Ready(NamedTuple):
    """An array that lies as "rows" (row-major) or "last" (channels last)."""

    array: Array
    layout: str


def ready(array: Array) -> Ready:
    """The array itself if kernels can read it in place, else a copy in row-major order.

    Row-major and channels-last memory is read in place; anything else (misaligned, byte-swapped,
    other strides) is copied.
    """
    flags = array.flags
    if flags.c_contiguous and flags.aligned and array.dtype.isnative:
        return Ready(np.asarray(array), "rows")
    if _is_last(array):
        return Ready(array, "last")
    return Ready(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"), "rows")


def _is_last(array: Array) -> bool:
    """Whether an array is a view of channels-last memory."""
    return (
        array.ndim > 2
        and array.flags.aligned
        and array.dtype.isnative
        and np.moveaxis(array, 1, -1).flags.c_contiguous
    )
