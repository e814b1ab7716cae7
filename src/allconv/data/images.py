"""One image file to an array: uint8 (H, W, C), upright, opaque, 8 bits.

The file is opened by the class of its format (formats.py), not by `Image.open`, so that no other
parser of Pillow is reached and the pixel limit is ours: Pillow's own is one for the whole process.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from allconv.data.formats import HEAD_BYTES, check_format
from allconv.data.opaque import is_gray, opaque
from allconv.errors import ArgumentError, Error, FileError, LimitError
from allconv.files import open_file
from allconv.text import printable

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

Pixels = npt.NDArray[np.uint8]

PIXEL_LIMIT = 100_000_000
"""Largest height times width of an image that is decoded, unless another limit is given."""

_UNKNOWN = ("unknown", "unsupported", "unrecognized", "cannot handle")  # as Pillow says it
_ORIENTATION_TAG = 0x0112


def are_pixels(images: Any) -> bool:
    """Whether this is an array uint8 (N, H, W, C)."""
    return isinstance(images, np.ndarray) and images.ndim == 4 and images.dtype == np.uint8


def kind_of_array(given: Any) -> str:
    """Dtype and shape of an array, or what it is instead, for a message."""
    is_array = isinstance(given, np.ndarray)
    return f"{given.dtype} {given.shape}" if is_array else type(given).__name__


@dataclass(frozen=True)
class Header:
    """What an image file says of itself before it is decoded; height and width as seen upright."""

    height: int
    width: int
    gray: bool


def read_header(path: Path, *, pixel_limit: int = PIXEL_LIMIT) -> Header:
    """Read size and kind of an image without decoding it; errors as those of `read_image`."""
    with _opened(path, pixel_limit) as image:
        width, height = image.size
        gray = is_gray(image)  # before anything may decode it
        # Pillow gives the size of a TIFF upright, of all others as stored.
        if image.format != "TIFF" and _orientation(image) >= 5:
            width, height = height, width
        return Header(height, width, gray)


def read_image(
    path: Path,
    channels: int,
    size: tuple[int, int] | None = None,
    *,
    pixel_limit: int = PIXEL_LIMIT,
) -> Pixels:
    """Decode an image file: uint8 (H, W, C), with C = 1 or 3.

    The image is turned upright by its EXIF orientation; transparency is laid on white; palette,
    1-bit, 16-bit (value / 257) and CMYK pixels become 8-bit grey or RGB. With `size` = (height,
    width) it is then scaled to cover that size, aspect kept, and cropped around its centre; JPEG
    files much larger than that are decoded at 1/2, 1/4 or 1/8.
    Errors: FileError for what cannot be read, LimitError above `pixel_limit`; both name the file.
    """
    if channels not in (1, 3):
        raise ArgumentError(f"channels must be 1 (grey) or 3 (RGB), got {channels}")
    with _opened(path, pixel_limit) as image:
        if size is not None and image.format == "JPEG":
            _draft(image, size)
        plain = _upright(opaque(image, "L" if channels == 1 else "RGB"), _orientation(image))
        if size is not None:
            plain = _cover(plain, size)
        pixels = np.array(plain, np.uint8)
    return pixels.reshape(*pixels.shape[:2], channels)


def resize(images: Pixels, size: tuple[int, int]) -> Pixels:
    """Scale and crop decoded images (N, H, W, C) to `size`, as `read_image` does."""
    if images.shape[1:3] == size:
        return images
    from PIL import Image

    result = np.empty((images.shape[0], *size, images.shape[3]), np.uint8)
    for source, target in zip(images, result, strict=True):
        plain = Image.fromarray(source[:, :, 0] if source.shape[2] == 1 else source)
        target[:] = np.asarray(_cover(plain, size)).reshape(target.shape)
    return result


@contextmanager
def _opened(path: Path, pixel_limit: int) -> Iterator[ImageFile]:
    """The opened image; whatever fails inside becomes an Error that names the file."""
    from PIL import Image

    try:
        with _quiet(), open_file(path, "an image") as file, _opened_as_format(file, path) as image:
            width, height = image.size
            if width * height > pixel_limit:
                raise LimitError(
                    f"is {width} x {height}, more than the limit of {pixel_limit:,} pixels; "
                    "scale it down, or raise pixel_limit"
                )
            yield image
    except Error as error:
        raise error.at(printable(path)) from None
    except Image.DecompressionBombError as error:
        raise LimitError(f"is too large for Pillow: {error}").at(printable(path)) from error
    except MemoryError:
        raise LimitError("does not fit into memory; scale it down").at(printable(path)) from None
    except Exception as error:
        # A parser fed with damaged bytes may raise anything (struct.error, IndexError ...).
        reason = " ".join(str(error).split()) or type(error).__name__
        told = f"is damaged or cut short ({printable(reason, 200)}); replace it"
        if reason.lower().startswith(_UNKNOWN):
            told = f"has pixels that are not read ({printable(reason, 200)}); save it as 8-bit PNG"
        raise FileError(told).at(printable(path)) from error


def _opened_as_format(file: BinaryIO, path: Path) -> ImageFile:
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.GifImagePlugin import GifImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    from allconv.data.tiff import Tiff

    readers: dict[str, type[ImageFile]] = {
        "PNG": PngImageFile,
        "JPEG": JpegImageFile,
        "BMP": BmpImageFile,
        "GIF": GifImageFile,
        "WEBP": WebPImageFile,
        "TIFF": Tiff,
    }
    name = check_format(file.read(HEAD_BYTES), path)
    file.seek(0)
    return readers[name](file)


def _draft(image: ImageFile, size: tuple[int, int]) -> None:
    """Have a JPEG decoded at a scale that leaves twice the size expected, for smooth scaling."""
    side = 2 * max(size)
    image.draft(None, (side, side))


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1 to 8; 1 where there is none, or none that can be read."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF (any error of its parser) spoils the turn, not the picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale so that the image just covers `size`, cropped around its centre; antialiased."""
    from PIL.Image import Resampling

    height, width = size
    if image.size == (width, height):
        return image
    scale = min(image.width / width, image.height / height)
    wide, high = min(scale * width, image.width), min(scale * height, image.height)  # if rounded up
    left, top = (image.width - wide) / 2, (image.height - high) / 2
    box = (left, top, min(left + wide, image.width), min(top + high, image.height))
    return image.resize((width, height), Resampling.BILINEAR, box=box)


_NOWHERE = logging.NullHandler()
_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_filters: list[warnings.catch_warnings[None]] = []


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Pillow's parsers warn of, and log, to themselves while any thread decodes.

    Warning filters belong to the process: the first decoder sets one for Pillow's modules, the last
    puts back what was there. What is logged goes to the program's own handlers, if it has some, and
    not to stderr.
    """
    global _quiet_depth
    with _quiet_lock:
        if _quiet_depth == 0:
            _quiet_filters.append(warnings.catch_warnings())
            _quiet_filters[-1].__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
            logging.getLogger("PIL").addHandler(_NOWHERE)
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0:
                _quiet_filters.pop().__exit__(None, None, None)
                logging.getLogger("PIL").removeHandler(_NOWHERE)
