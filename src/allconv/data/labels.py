"""Labels of any usual kind: as numbers from 0 with the names of the classes, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from allconv.errors import ArgumentError, FileError, ShapeError
from allconv.text import encodable, printable

Labels = npt.NDArray[Any]

_BYTES = "bytes"
_KINDS = (
    *("bool", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", _BYTES),
)


def take_labels(values: Any, name: str = "y") -> Labels:
    """Labels (N,) as booleans, integers, text or (ASCII or UTF-8) bytes; (N, 1) is taken for (N,).

    Errors: ShapeError for other shapes, ArgumentError for other kinds.
    """
    if np.ma.is_masked(values):
        raise ArgumentError(f"{name} is a masked array; leave the images without a label out")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ShapeError(f"{name} must be one label an image, (N,)") from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        raise ShapeError(f"{name} is {array.shape}; for one-hot labels give {name}.argmax(1)")
    if array.ndim != 1:
        raise ShapeError(f"{name} must be one label an image, (N,), got {array.shape}")
    if array.size == 0:
        raise ShapeError(f"{name} holds no label")
    if array.dtype.kind in "US" and isinstance(values, list | tuple):
        _check_one_kind(values, name)
    if array.dtype.kind in "OT":
        array = _as_text(array, name)
    if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise ArgumentError(f"{name} has the label {array.max()}, above 2**63 - 1")
    if array.dtype.kind not in "biuUS":
        raise ArgumentError(
            f"{name} must be integers or strings, got dtype {array.dtype}; "
            f"whole numbers can be given as {name}.astype(int)"
        )
    return array


def encode_labels(
    labels: dict[str, Any], classes: Sequence[Any] | None = None
) -> tuple[dict[str, npt.NDArray[np.int64]], tuple[str, ...]]:
    """Labels of each part as int64 (N,), numbered alike, and the names of the classes.

    With `classes`, integers count into it and strings are found in it; without, the classes are the
    sorted labels of the first part.
    """
    arrays = {name: _plain(take_labels(values, name), name) for name, values in labels.items()}
    first = next(iter(arrays))
    given = None if classes is None else _class_names(classes)
    if len({array.dtype.kind for array in arrays.values()}) > 1:
        raise ArgumentError(f"{' and '.join(arrays)} mix numbers and names; use one of them")
    is_number = arrays[first].dtype.kind == "i"
    if given is not None and is_number:
        known: Labels = np.arange(len(given))
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
                f"{name} has the label {printable(str(array[wrong][0]), 80)}, which is not one of "
                f"the {len(known)} classes{'' if given is not None else ' of ' + first}"
            )
        encoded[name] = number.astype(np.int64)
    return encoded, given or names_of(label_values(labels[first], first))


def label_values(values: Any, name: str = "y") -> Labels:
    """The different labels, sorted, of their own type: class k is the k-th."""
    array = take_labels(values, name)
    text = _plain(array, name)
    _, places = np.unique(text, return_index=True)
    return array[places]


def names_of(values: Labels) -> tuple[str, ...]:
    """The names of classes whose labels have these values: text as it is, numbers as text.

    >>> names_of(np.array([3, 10])), names_of(np.array([False, True]))
    (('3', '10'), ('False', 'True'))
    """
    if values.dtype.kind == "S":
        return tuple(value.decode() for value in values.tolist())
    return tuple(str(value) for value in values.tolist())


def label_kind(values: Labels) -> str | None:
    """The type of labels as a file keeps it beside their names; None for text."""
    if values.dtype.kind == "S":
        return _BYTES
    return None if values.dtype.kind == "U" else values.dtype.name


def values_of(names: Sequence[str], kind: str | None) -> Labels:
    """The labels whose `names_of` and `label_kind` are these; FileError where there are none.

    >>> values_of(("3", "10"), "int64")
    array([ 3, 10])
    """
    if kind is None:
        return np.array(names)
    try:
        if kind not in _KINDS:
            raise ValueError
        if kind == _BYTES:
            return np.array([name.encode() for name in names])
        if kind == "bool":
            return np.array([("False", "True").index(name) for name in names], bool)
        return np.array([int(name) for name in names], kind)
    except (ValueError, OverflowError):
        raise FileError(
            f"the classes {printable(', '.join(names), 80)} are not labels of type "
            f"{printable(kind, 20)}; save the network again"
        ) from None


def check_names(names: Sequence[Any]) -> None:
    """ArgumentError unless these are different texts that a file can hold."""
    for name in names:
        if not isinstance(name, str):
            raise ArgumentError(f"the class {name!r} is {type(name).__name__}; give its name")
        if encodable(name) != name:
            raise ArgumentError(
                f"the class '{printable(name, 80)}' has characters that UTF-8 cannot hold, so no "
                "file could keep its name; give it another"
            )
    if len(set(names)) != len(names):
        double = next(name for n, name in enumerate(names) if name in names[:n])
        raise ArgumentError(
            f"classes must be different names, '{printable(double, 80)}' is there twice"
        )


def _plain(array: Labels, name: str) -> Labels:
    """Labels as int64 or text, which can be compared with each other and sorted."""
    if array.dtype.kind in "biu":
        return array.astype(np.int64)
    if array.dtype.kind == "S":
        try:
            array = np.array([value.decode() for value in array.tolist()])
        except UnicodeDecodeError as error:
            raise ArgumentError(
                f"{name} has the label {error.object!r}, which is not UTF-8; give text"
            ) from None
    check_names(np.unique(array).tolist())
    return array


def _as_text(array: Labels, name: str) -> Labels:
    """Objects that are text, and NumPy's variable-width strings."""
    values = array.tolist()
    if not all(isinstance(value, str) for value in values):
        raise ArgumentError(f"{name} must be integers or strings, got dtype {array.dtype}")
    return np.array(values)


def _check_one_kind(values: Sequence[Any], name: str) -> None:
    """Refuse a list that NumPy turned into text although it holds numbers, too."""
    kinds = {str if isinstance(value, str) else type(value) for value in values}
    if not kinds <= {bytes, np.bytes_} and kinds - {str, list, tuple, np.ndarray}:
        raise ArgumentError(f"{name} mixes text and other labels; use one of them")


def _class_names(classes: Sequence[Any]) -> tuple[str, ...]:
    names = tuple(
        each.decode(errors="surrogateescape") if isinstance(each, bytes) else str(each)
        for each in classes
    )
    if not names:
        raise ArgumentError("classes is empty; give the names of two or more")
    check_names(names)
    return names
