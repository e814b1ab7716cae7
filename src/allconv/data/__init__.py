"""Labelled images for training: from folders, IDX, .npz, arrays, or the set that comes along.

load            any source to a Dataset
Dataset, Part   labelled images uint8 (N, H, W, C), in parts
Preprocess      bytes to the numbers of the network
Augment         random changes, keyed by (seed, epoch, index)
batches         one epoch; prefetch makes them ahead
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from allconv.data.arrays import load_arrays
from allconv.data.augment import Augment
from allconv.data.batches import Batch, batches, prefetch
from allconv.data.dataset import Dataset, Part
from allconv.data.embedded import load_embedded
from allconv.data.folder import load_folder
from allconv.data.idx import find_idx, load_idx, read_idx
from allconv.data.images import PIXEL_LIMIT, read_image
from allconv.data.listing import find_images
from allconv.data.load_options import MEMORY_LIMIT, LoadOptions, Progress
from allconv.data.load_options import image_size as _checked_size
from allconv.data.npz import load_npz
from allconv.data.preprocess import Preprocess
from allconv.data.report import Report
from allconv.errors import ArgumentError, FileError
from allconv.files import open_file
from allconv.text import printable

__all__ = [
    "MEMORY_LIMIT",
    "PIXEL_LIMIT",
    "Augment",
    "Batch",
    "Dataset",
    "Part",
    "Preprocess",
    "Report",
    "batches",
    "find_images",
    "load",
    "prefetch",
    "read_idx",
    "read_image",
]


def load(
    source: Any = None,
    *,
    image_size: int | tuple[int, int] | None = None,
    samples: int | None = None,
    seed: int = 0,
    strict: bool = False,
    validation: float | tuple[Any, Any] | None = None,
    test: float | tuple[Any, Any] | None = None,
    channels: int | None = None,
    pixel_limit: int = PIXEL_LIMIT,
    memory_limit: int = MEMORY_LIMIT,
    progress: Progress | None = None,
) -> Dataset:
    """Labelled images from any source, divided, in one size, with a report.

    source: None (Fashion-MNIST that comes along), a folder of class folders or of IDX files, an
        .npz file, arrays (x, y), or a Dataset.
    image_size: side, or (height, width), in pixels; by default chosen from the data.
    samples: at most this many training images, each class by its share.
    seed: of the division into parts and of `samples`.
    strict: an unreadable image file is an error; otherwise it is left out and reported.
    validation, test: share of each class to hold out where the source has no such part (0.15 each;
        validation 0.1 for IDX and arrays, test 0 for arrays); for arrays also (x, y).
    channels: of image files: 1 reads all as gray, 3 as colour (None: gray if every file is gray).
    pixel_limit: largest height times width of a file that is decoded.
    memory_limit: bytes of images from which they are kept in a temporary file; the most bytes that
        are read from an IDX or .npz file.
    progress: called as progress(done, total) while image files are decoded.
    Errors: ArgumentError, ShapeError, FileError, LimitError; each names the file or the array.

    >>> data = load(samples=100)
    >>> data.train.images.shape, len(data.validation), len(data.test), data.classes[9]
    ((100, 28, 28, 1), 1000, 2000, 'Ankle boot')
    """
    extra = {"_val": validation, "_test": test}
    given = {suffix: pair for suffix, pair in extra.items() if isinstance(pair, tuple)}
    options = LoadOptions(
        image_size=_checked_size(image_size), samples=samples, seed=seed, strict=strict,
        validation=None if isinstance(validation, tuple) else validation,
        test=None if isinstance(test, tuple) else test, channels=channels,
        pixel_limit=pixel_limit, memory_limit=memory_limit, progress=progress,
    )  # fmt: skip
    pairs = isinstance(source, tuple | list) and len(source) == 2
    if given and not pairs:
        raise ArgumentError("validation and test can be arrays only where the source is (x, y)")
    if source is None:
        return load_embedded(options)
    if isinstance(source, Dataset):
        return _again(source, options)
    if pairs and not any(isinstance(each, str | os.PathLike) for each in source):
        return load_arrays("the arrays", {"": tuple(source), **given}, options)
    if isinstance(source, str) and not source:
        raise ArgumentError("source is an empty name; give a folder or an .npz file, or None")
    if isinstance(source, str | os.PathLike):
        return _load_path(Path(source), options)
    raise ArgumentError(
        "source must be a folder, an .npz file, arrays (x, y), a Dataset or None, "
        f"got {type(source).__name__}"
    )


def _load_path(path: Path, options: LoadOptions) -> Dataset:
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a legal name"
        raise FileError(f"{printable(path)} cannot be looked up ({reason})") from None
    if is_folder:
        files = find_idx(path)
        return load_idx(printable(path), files, options) if files else load_folder(path, options)
    if not exists:
        raise FileError(f"{printable(path)}: no such file or folder")
    if path.suffix.lower() == ".npz":
        return load_npz(path, options)
    with open_file(path, "a folder of images"):  # or the error says what it is
        raise FileError(
            f"{printable(path)} is a file; give a folder with a folder of images for each class, "
            "a folder of IDX files, or an .npz file"
        )


def _again(data: Dataset, options: LoadOptions) -> Dataset:
    """A data set as it is, but for the number of samples."""
    size = data.preprocess.size
    if options.image_size not in (None, size):
        raise ArgumentError(
            f"image_size is {options.image_size}, the data set has images of {size}; "
            "load it again with that size"
        )
    return data if options.samples is None else data.with_samples(options.samples, options.seed)
