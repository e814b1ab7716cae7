"""Whatever users give as an array, taken in: one rule for everything that has numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ma  # NumPy loads it at first use, which a fork might meet half done
from numpy.typing import NDArray

from allconv.errors import ArgumentError, LimitError, TraceError
from allconv.intake.limits import MOST_AXES, check_axes

Array = NDArray[Any]


def take_array(name: str, given: Any) -> Array:
    """Any array-like as a NumPy array: arrays, DLPack, buffers, nested lists; not copied if it can
    be helped, byte order made the machine's."""
    if type(given) is np.ndarray and given.ndim <= MOST_AXES and given.dtype.isnative:
        return given
    try:
        if is_masked(given):
            raise ArgumentError(f"{name} is masked; pass {name}.filled(0) or another number")
        if hasattr(given, "__dlpack__") and not hasattr(given, "__array__"):
            given = np.from_dlpack(given)
        array = np.asarray(given)
        native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    except (ArgumentError, TraceError):
        raise
    except MemoryError as error:
        raise LimitError(f"{name} needs more memory than there is: {error}") from error
    except Exception as error:  # what NumPy, or a class of the user's, says when it is asked
        raise ArgumentError(f"{name} cannot be read as an array: {_said(error)}") from error
    check_axes(name, native.ndim)
    return native


def is_masked(given: Any) -> bool:
    """Whether something is masked in an array, or in one of those that a list holds."""
    if isinstance(given, ma.MaskedArray):
        return bool(ma.is_masked(given))
    # Lists of numbers are not looked through.
    rows = isinstance(given, list | tuple) and len(given) > 0
    return rows and isinstance(given[0], list | tuple | np.ndarray) and any(map(is_masked, given))


class _Sealed:
    """Memory that NumPy takes for read-only, so that no view of it can be made writable."""

    def __init__(self, array: Array) -> None:
        self.array = array
        described = array.__array_interface__
        self.__array_interface__ = {**described, "data": (described["data"][0], True)}


def is_frozen(array: Array) -> bool:
    """Whether nobody can write into an array: it came from `frozen`, or lies in `bytes`.

    That it is read-only says little: who made it so can unlock it, or hold a view of it.
    """
    held: Any = array
    while isinstance(held, np.ndarray):
        held = held.base
    return isinstance(held, _Sealed | bytes)


def frozen(array: Array) -> Array:
    """A read-only view, for good, of an array that nobody else has."""
    return array if is_frozen(array) else np.asarray(_Sealed(array))


def overlaps_itself(array: Array) -> bool:
    """Whether cells of an array may share memory, as those of a broadcast array do.

    Not where each stride, from the smallest on, steps over all that those before it reach.
    """
    reached = array.itemsize
    moves = sorted((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1)
    for stride, n in moves if array.size else ():
        if stride < reached:
            return True
        reached += stride * (n - 1)
    return False


def _said(error: Exception) -> str:
    """The words of an error, which may be of a class of the user's."""
    try:
        return str(error)[:200]
    except Exception:
        return type(error).__name__
