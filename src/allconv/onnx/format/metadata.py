"""What a file says about its network beside the numbers: the names of classes, preprocessing.

Kept in the file's own metadata, under the keys `allconv.classes` (JSON, a list of names),
`allconv.preprocess` (JSON, `data.Preprocess`) and `allconv.version`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from sys import maxsize
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, FileError, LimitError
from allconv.onnx.format.text import reason
from allconv.text import encodable, json_text, printable
from allconv.version import __version__

CLASSES, PREPROCESS, VERSION = "allconv.classes", "allconv.preprocess", "allconv.version"
PRODUCER = "allconv"
MOST_ENTRIES = 1000
MOST_CLASSES = 100_000


def read_metadata(entries: Any) -> tuple[dict[str, str], tuple[str, ...] | None, str | None]:
    """All entries by key, the names of the classes, and the preprocessing as JSON."""
    if len(entries) > MOST_ENTRIES:
        raise LimitError(
            f"the file has {len(entries):,} metadata entries; {MOST_ENTRIES:,} are read"
        )
    found: dict[str, str] = {}
    for entry in entries:
        key = encodable(entry.key)
        if key in found:
            raise FileError("the metadata of the file has a key twice; save the network again")
        found[key] = encodable(entry.value)
    classes = _classes(found[CLASSES]) if CLASSES in found else None
    return found, classes, found.get(PREPROCESS)


def _classes(text: str) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    legal = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not legal or not 0 < len(names) <= MOST_CLASSES:
        raise FileError("the names of the classes are not a list of texts; save the network again")
    return tuple(names)


def _checked(classes: Sequence[str]) -> list[str]:
    """The names of the classes; what could not be read again is refused."""
    several = isinstance(classes, Sequence | np.ndarray) and not isinstance(classes, str | bytes)
    try:
        count = len(classes) if several else 0
    except TypeError:  # an array without axes
        count = 0
    except OverflowError:  # range(10**30)
        count = maxsize
    if not count:
        raise ArgumentError(
            f"classes is {reason(classes)}; a list of names, one at least, is expected"
        )
    if count > MOST_CLASSES:
        raise LimitError(f"classes are {count:,} names; at most {MOST_CLASSES:,} are supported")
    names = [str(name) for name in classes]
    for name in names:
        if encodable(name) != name:
            raise ArgumentError(
                f"the class '{printable(name, 80)}' has characters that UTF-8 cannot hold; "
                "give it another name"
            )
    return names


def make_metadata(
    classes: Sequence[str] | None, preprocess: str | None, more: Mapping[str, str]
) -> dict[str, str]:
    """The entries that a file of ours carries."""
    entries = {VERSION: __version__, **more}
    if classes is not None:
        entries[CLASSES] = json_text(_checked(classes))
    if preprocess is not None:
        entries[PREPROCESS] = preprocess
    return entries
