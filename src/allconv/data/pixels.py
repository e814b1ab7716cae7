"""Arrays of images, of any usual kind, as bytes: uint8 (N, H, W, C).

What a number means cannot be seen from a few images: 0.9 may be nearly white or nearly black. So
the value of white is found once, on all images for training (`find_white`), and kept with the
network (`Preprocess.white`); later arrays are read by it (`to_bytes`), or refused where it does not
tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from allconv.data.images import Pixels
from allconv.errors import ArgumentError, ShapeError

WHITES = (1, 255, 65535)
"""The values that white can have in arrays of numbers."""

_LEAST_LEVELS = 16  # of grey: with fewer, most of what the numbers say would be lost

Numbers = npt.NDArray[Any]


def to_images(x: npt.ArrayLike, name: str = "x", *, count: int | None = None) -> Pixels:
    """Images for training, of any usual kind, as uint8 (N, H, W, C) with C = 1 or 3.

    Shapes and `count` as `take_images` has them, values as `find_white`; their errors, too.
    """
    array = take_images(x, name, count=count)
    return to_bytes(array, find_white(array, name), name)


def take_images(
    x: npt.ArrayLike,
    name: str = "x",
    *,
    count: int | None = None,
    size: tuple[int, int] | None = None,
) -> Numbers:
    """An array (N, H, W, C) with C = 1 or 3, of whatever numbers it holds.

    x: (N, H, W), (N, H, W, C) or (N, C, H, W); where both readings of four axes are possible, the
        last axis is C.
    count, size: how many images there are, and their (height, width), as far as it is known. Three
        axes that end in 1 or 3 may also be one image (H, W, C): they are refused, unless N is
        `count` or (H, W) is `size`.
    Errors: ShapeError; ArgumentError for other than numbers, and for a masked array.
    """
    if _is_masked(x):
        raise ArgumentError(f"{name} is a masked array; give {name}.filled(0), say, without a mask")
    try:
        array = np.asarray(x)
    except ValueError:
        raise ShapeError(f"{name} has images of several sizes; scale them to one") from None
    except Exception as error:  # whatever the object that was given raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ArgumentError(f"{name} cannot be read as an array: {reason}") from error
    if array.ndim == 3 and array.shape[2] in (1, 3):
        _check_many(array.shape, name, count, size)
    array = _channels_last(array, name)
    if array.dtype.kind not in "biuf":
        raise ArgumentError(f"{name} must hold numbers, got dtype {array.dtype}")
    if array.size == 0:
        raise ShapeError(f"{name} is {array.shape}: it holds no pixel")
    return array


def find_white(array: Numbers, name: str = "x") -> int | None:
    """The value of white in all images for training: 1, 255, 65535, or None for bytes.

    1 for floats in [0, 1] and for booleans; 255 for integers and for other floats up to 255; 65535
    for uint16 with a value above 255. ArgumentError for negative values, NaN, values above these,
    and where the range is so small a part of it that fewer than 16 levels would be left.
    """
    if array.dtype == np.uint8:
        return None
    if array.dtype.kind == "b":
        return 1
    high = _highest(array, name)
    if array.dtype.kind == "f" and high <= 1:
        return 1
    white = 65535 if array.dtype == np.uint16 and high > 255 else 255
    if high > white:
        raise ArgumentError(f"{name} has values up to {high:g}; divide them to reach at most 255")
    _check_levels(array, high, white, name)
    return white


def to_bytes(array: Numbers, white: int | None, name: str = "x") -> Pixels:
    """Images (N, H, W, C) as bytes, by the value of white in the images for training.

    Bytes and booleans say themselves what they mean. `white` None: those for training were bytes,
    and other numbers are taken only where they cannot mean two things. ArgumentError otherwise.
    """
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind == "b":
        return np.where(array, np.uint8(255), np.uint8(0))
    high = _highest(array, name)
    is_float = array.dtype.kind == "f"
    if white is None:
        white = _plain_white(array, high, name)
    if white == 65535 and is_float and high:
        raise ArgumentError(
            f"{name} holds floats, the images for training had 16 bits; give uint16 or uint8"
        )
    if high > white:
        raise ArgumentError(
            f"{name} has values up to {high:g}; the images for training were in [0, {white}], so "
            "scale these to it or give uint8"
        )
    if white == 65535:
        array = (array.astype(np.uint32) + 128) // 257
    if white == 1:
        array = array * 255 if is_float else array.astype(np.uint8) * np.uint8(255)
    return np.ascontiguousarray(np.rint(array).astype(np.uint8))


def _plain_white(array: Numbers, high: float, name: str) -> int:
    """The value of white in numbers for a network that was trained on bytes."""
    whites: tuple[int, ...] = ()
    if array.dtype.kind == "f":
        whites = (1, 255)
    elif array.dtype == np.uint16:
        whites = (255, 65535)
    if whites and 0 < high <= whites[0]:
        raise ArgumentError(
            f"{name} has {array.dtype} values up to {high:g}, the images for training were bytes: "
            f"white may be {whites[0]} or {whites[1]} here; give uint8"
        )
    return find_white(array, name) or 255


def _highest(array: Numbers, name: str) -> float:
    """The largest value; ArgumentError where there are negative ones, NaN or infinity."""
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and np.isfinite(high)):
        raise ArgumentError(
            f"{name} has values from {low:g} to {high:g}; images are kept as bytes, so give "
            "values in [0, 1] or [0, 255] (the scaling to mean 0 is done here)"
        )
    return high


def _check_levels(array: Numbers, high: float, white: int, name: str) -> None:
    """Refuse numbers of which rounding to bytes would leave next to nothing."""
    if high * 255 / white >= _LEAST_LEVELS or (white == 255 and not (array % 1).any()):
        return
    raise ArgumentError(
        f"{name} has {array.dtype} values up to {high:g}, of which less than {_LEAST_LEVELS} "
        f"levels of grey would be left with white at {white}; scale them to [0, 1] or [0, 255]"
    )


def _is_masked(x: Any) -> bool:
    """Whether an array, or one in a list, has masked values, which NumPy would take as they are."""
    return any(map(np.ma.is_masked, x if isinstance(x, list | tuple) else (x,)))


def _check_many(
    shape: tuple[int, ...], name: str, count: int | None, size: tuple[int, int] | None
) -> None:
    """Refuse three axes that may be those of one image with channels."""
    n, height, width = shape
    if count != n and size != (height, width):
        raise ShapeError(
            f"{name} is {shape}, one image (H, W, C) or {n} grey ones of {height} x {width}; give "
            f"{name}[None] for one, {name}[..., None] for {n}"
        )


def _channels_last(array: Numbers, name: str) -> Numbers:
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return array
    if array.ndim == 4 and array.shape[1] in (1, 3):
        return np.moveaxis(array, 1, 3)
    expected = "(N, H, W), (N, H, W, C) or (N, C, H, W) with C = 1 or 3"
    hint = ""
    if array.ndim == 2:
        hint = f"; one grey image is {name}[None]"
        if (side := round(array.shape[1] ** 0.5)) ** 2 == array.shape[1] > 1:
            hint += f", images that were flattened need {name}.reshape(-1, {side}, {side})"
    raise ShapeError(f"{name} must be {expected}, got {array.shape}{hint}")
