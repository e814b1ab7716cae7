"""Arrays (x, y) to images and labels of one kind: uint8 (N, H, W, C) and int64 (N,)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from allconv.data.assemble import Shares, from_parts
from allconv.data.dataset import Dataset, Part
from allconv.data.images import Pixels
from allconv.data.options import Options
from allconv.errors import ArgumentError, Error, ShapeError

SHARES = Shares(validation=0.10, test=0.0)
"""Arrays keep no test part unless one is given or asked for: their owner holds it."""


def to_images(x: npt.ArrayLike, name: str = "x") -> Pixels:
    """Images of any usual kind as uint8 (N, H, W, C) with C = 1 or 3.

    Shapes: (N, H, W), (N, H, W, C) or (N, C, H, W); where both readings of four axes are possible,
    the last axis is C. Values: uint8 as it is; bool and floats in [0, 1] times 255; floats and
    integers in [0, 255] rounded; uint16 above 255 divided by 257. The range is that of the whole
    array. ShapeError or ArgumentError for anything else.
    """
    try:
        array = np.asarray(x)
    except ValueError:
        raise ShapeError(f"{name} has images of several sizes; scale them to one") from None
    array = _channels_last(array, name)
    if array.size == 0:
        raise ShapeError(f"{name} is {array.shape}: it holds no pixel")
    return np.ascontiguousarray(_bytes(array, name))


def encode_labels(
    labels: dict[str, Any], classes: Sequence[Any] | None = None
) -> tuple[dict[str, npt.NDArray[np.int64]], tuple[str, ...]]:
    """Labels of each part as int64 (N,), numbered alike, and the names of the classes.

    Labels are integers or strings (N,). With `classes`, integers count into it and strings are
    found in it; without, the classes are the sorted labels of the first part.
    """
    arrays = {name: _label_array(values, name) for name, values in labels.items()}
    first = next(iter(arrays))
    given = None if classes is None else _class_names(classes)
    kinds = {array.dtype.kind for array in arrays.values()}
    if len(kinds) > 1:
        raise ArgumentError(f"{' and '.join(arrays)} mix numbers and names; use one of them")
    if given is not None and kinds == {"i"}:
        known: npt.NDArray[Any] = np.arange(len(given))
    else:
        known = np.unique(arrays[first]) if given is None else np.array(given)
    order = np.argsort(known, kind="stable")
    encoded = {}
    for name, array in arrays.items():
        place = np.searchsorted(known, array, sorter=order)
        number = order[np.minimum(place, len(known) - 1)]
        wrong = known[number] != array
        if wrong.any():
            raise ArgumentError(
                f"{name} has the label {array[wrong][0]!s}, which is none of the "
                f"{len(known)} classes{'' if given is not None else ' of ' + first}"
            )
        encoded[name] = number.astype(np.int64)
    return encoded, given or tuple(str(label) for label in known.tolist())


def load_arrays(
    source: str,
    parts: dict[str, tuple[Any, Any]],
    options: Options,
    shares: Shares = SHARES,
    classes: Sequence[Any] | None = None,
    *,
    flip: bool | None = None,
) -> Dataset:
    """Data set of {"": (x, y), "_val": ..., "_test": ...}, of which only the first is needed.

    Every error names `source` and the array: "x_val" for the images of "_val".
    """
    try:
        images = {suffix: to_images(x, f"x{suffix}") for suffix, (x, _) in parts.items()}
        numbers, names = encode_labels({f"y{s}": y for s, (_, y) in parts.items()}, classes)
        made: dict[str, Part] = {}
        for suffix, pixels in images.items():
            labels = numbers[f"y{suffix}"]
            if pixels.shape[1:] != images[""].shape[1:]:
                raise ShapeError(
                    f"x{suffix} has images {pixels.shape[1:]}, x has {images[''].shape[1:]}"
                )
            if len(labels) != len(pixels):
                raise ShapeError(
                    f"x{suffix} has {len(pixels)} images, y{suffix} has {len(labels)} labels; "
                    "give one label for each image"
                )
            made[suffix] = Part(pixels, labels)
    except Error as error:
        raise error.at(source) from None
    return from_parts(
        source, names, made[""], made.get("_val"), made.get("_test"), options, shares, flip=flip
    )


def _channels_last(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return array
    if array.ndim == 4 and array.shape[1] in (1, 3):
        return np.moveaxis(array, 1, 3)
    wanted = "(N, H, W), (N, H, W, C) or (N, C, H, W) with C = 1 or 3"
    hint = ""
    if array.ndim == 2 and (side := round(array.shape[1] ** 0.5)) ** 2 == array.shape[1] > 1:
        hint = f"; images that were flattened need {name}.reshape(-1, {side}, {side})"
    raise ShapeError(f"{name} must be {wanted}, got {array.shape}{hint}")


def _bytes(array: npt.NDArray[Any], name: str) -> Pixels:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0))
    if array.dtype.kind not in "iuf":
        raise ArgumentError(f"{name} must hold numbers, got dtype {array.dtype}")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and np.isfinite(high)):
        raise ArgumentError(
            f"{name} has values from {low:g} to {high:g}; images are kept as bytes, so give "
            "values in [0, 1] or [0, 255] (the scaling to mean 0 is done here)"
        )
    if array.dtype == np.uint16 and high > 255:
        narrow: Pixels = ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return narrow
    if high > 255:
        raise ArgumentError(f"{name} has values up to {high:g}; divide them to reach at most 255")
    scale = 255 if array.dtype.kind == "f" and high <= 1 else 1
    rounded: Pixels = np.rint(array * scale).astype(np.uint8)
    return rounded


def _label_array(values: Any, name: str) -> npt.NDArray[Any]:
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        raise ShapeError(f"{name} is {array.shape}; for one-hot labels give {name}.argmax(1)")
    if array.ndim != 1:
        raise ShapeError(f"{name} must be one label an image, (N,), got {array.shape}")
    if array.size == 0:
        raise ShapeError(f"{name} holds no label")
    if array.dtype == object and all(isinstance(value, str) for value in array):
        array = array.astype(str)
    if array.dtype.kind == "S":
        array = np.array([bytes(value).decode(errors="replace") for value in array])
    if array.dtype.kind in "iub":
        if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
            raise ArgumentError(f"{name} has the label {array.max()}, above 2**63 - 1")
        return array.astype(np.int64)
    if array.dtype.kind != "U":
        raise ArgumentError(
            f"{name} must be integers or strings, got dtype {array.dtype}; "
            f"whole numbers can be given as {name}.astype(int)"
        )
    return array


def _class_names(classes: Sequence[Any]) -> tuple[str, ...]:
    names = tuple(str(name) for name in classes)
    if len(set(names)) != len(names) or not names:
        raise ArgumentError(f"classes must be different names, got {names}")
    return names
