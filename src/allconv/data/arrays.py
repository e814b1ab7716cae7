"""Arrays (x, y) to a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allconv.data.assemble import Shares, from_parts
from allconv.data.dataset import Dataset, Part
from allconv.data.labels import encode_labels
from allconv.data.load_options import LoadOptions
from allconv.data.pixels import Numbers, find_white, take_images, to_bytes
from allconv.errors import Error, ShapeError

SHARES = Shares(validation=0.10, test=0.0)
"""Arrays keep no test part unless one is given or asked for: their owner holds it."""


def load_arrays(
    source: str,
    parts: dict[str, tuple[Any, Any]],
    options: LoadOptions,
    shares: Shares = SHARES,
    classes: Sequence[Any] | None = None,
    *,
    flip: bool | None = None,
) -> Dataset:
    """Data set of {"": (x, y), "_val": ..., "_test": ...}, of which only the first is needed.

    The values of all parts are read as those of the first. Every error names `source` and the
    array: "x_val" for the images of "_val".
    """
    try:
        numbers, names = encode_labels({f"y{s}": y for s, (_, y) in parts.items()}, classes)
        arrays = {
            suffix: _paired(x, f"x{suffix}", len(numbers[f"y{suffix}"]), f"y{suffix}")
            for suffix, (x, _) in parts.items()
        }
        white = find_white(arrays[""])
        made: dict[str, Part] = {}
        for suffix, array in arrays.items():
            if array.shape[1:] != arrays[""].shape[1:]:
                raise ShapeError(
                    f"x{suffix} has images {array.shape[1:]}, x has {arrays[''].shape[1:]}"
                )
            made[suffix] = Part(to_bytes(array, white, f"x{suffix}"), numbers[f"y{suffix}"])
    except Error as error:
        raise error.at(source) from None
    return from_parts(
        source,
        names,
        made[""],
        made.get("_val"),
        made.get("_test"),
        options,
        shares,
        flip=flip,
        white=white,
    )


def _paired(x: Any, name: str, count: int, labels: str) -> Numbers:
    """Images of which there are as many as labels; their number says that they are many."""
    array = take_images(x, name, count=count)
    if len(array) != count:
        raise ShapeError(
            f"{name} has {len(array)} images, {labels} has {count} labels; "
            "give one label for each image"
        )
    return array
