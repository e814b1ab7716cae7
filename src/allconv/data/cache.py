"""Image files decoded once, into one array: in memory or, above a limit, in a mapped file."""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from allconv.data.images import PIXEL_LIMIT, Pixels, read_image, resize
from allconv.data.load_options import MEMORY_LIMIT, Progress
from allconv.data.parallel import in_order
from allconv.errors import Error, FileError, LimitError


@dataclass(frozen=True, eq=False)
class Decoded:
    """Images uint8 (N, H, W, C) of the files `kept`, in order; `failed` says why of the others."""

    images: Pixels
    kept: tuple[int, ...]
    failed: dict[int, str]


def decode_files(
    paths: Sequence[Path],
    size: tuple[int, int],
    channels: int,
    *,
    pixel_limit: int = PIXEL_LIMIT,
    memory_limit: int = MEMORY_LIMIT,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Decoded:
    """Decode every file once, by threads, in order.

    Above `memory_limit` bytes the images are in a temporary file, which has no name where the
    system allows that and disappears with the last array that uses it, however the process ends.
    `progress(done, total)` is called after each file. FileError if there is no room for the file.
    """
    row = (*size, channels)
    sink = _sink(len(paths), row, memory_limit)
    kept, failed = [], {}

    def decode(path: Path) -> Pixels:
        return read_image(path, channels, size, pixel_limit=pixel_limit)

    with closing(sink), closing(in_order(decode, paths, threads)) as decoded:
        for index, image in enumerate(decoded):
            if isinstance(image, Error):
                failed[index] = image.message
            else:
                sink.add(image)
                kept.append(index)
            if progress is not None:
                progress(index + 1, len(paths))
        images = sink.finish()
    images.flags.writeable = False
    return Decoded(images, tuple(kept), failed)


def resized_images(
    images: Pixels, size: tuple[int, int], memory_limit: int = MEMORY_LIMIT
) -> Pixels:
    """Images (N, H, W, C) scaled and cropped to `size` as `read_image` does; kept as above."""
    if images.shape[1:3] == size:
        return images
    with closing(_sink(len(images), (*size, images.shape[3]), memory_limit)) as sink:
        for image in images:
            sink.add(resize(image[None], size)[0])
        return sink.finish()


def _sink(count: int, row: tuple[int, int, int], memory_limit: int) -> _InMemory | _Mapped:
    is_large = count * math.prod(row) > memory_limit
    return _Mapped(count, row) if is_large else _InMemory(count, row)


class _InMemory:
    def __init__(self, count: int, row: tuple[int, int, int]) -> None:
        try:
            self._images = np.empty((count, *row), np.uint8)
        except MemoryError:
            raise LimitError(
                f"{count:,} images of {row[1]} x {row[0]} do not fit into memory; use a smaller "
                "image_size or memory_limit, or fewer samples"
            ) from None
        self._used = 0

    def add(self, image: Pixels) -> None:
        self._images[self._used] = image
        self._used += 1

    def finish(self) -> Pixels:
        return self._images[: self._used]

    def close(self) -> None:
        """Nothing to close: the memory belongs to the array."""


class _Mapped:
    """Written as a file, so that a full disk is an error and no crash, and mapped when complete."""

    def __init__(self, count: int, row: tuple[int, int, int]) -> None:
        self._row = row
        self._used = 0
        try:
            if count * math.prod(row) > shutil.disk_usage(tempfile.gettempdir()).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            file = tempfile.TemporaryFile(prefix="allconv-")  # noqa: SIM115  # `close` does
        except OSError as error:
            raise self._no_room(error) from None
        self._file = cast(BinaryIO, file)

    def add(self, image: Pixels) -> None:
        try:
            self._file.write(image.tobytes())
        except OSError as error:
            raise self._no_room(error) from None
        self._used += 1

    def finish(self) -> Pixels:
        if not self._used:
            return np.empty((0, *self._row), np.uint8)
        try:
            self._file.flush()
        except OSError as error:
            raise self._no_room(error) from None
        return np.memmap(self._file, np.uint8, "r", shape=(self._used, *self._row))

    def close(self) -> None:
        """Close the file; a mapping that was made of it stays."""
        with suppress(OSError):  # what a full disk did not take is tried, and refused, again
            self._file.close()

    def _no_room(self, error: OSError) -> FileError:
        return FileError(
            f"the decoded images do not fit into {tempfile.gettempdir()} ({error.strerror}); set "
            "TMPDIR to a larger disk, or use a smaller image_size or fewer samples"
        )
