"""The pixels of an opened image file as 8-bit grey or RGB, without transparency.

Pillow decodes, and keeps what does not fit its modes beside the pixels: that 16-bit samples were
cut to their high bytes, that a PNG names one colour as transparent, that 0 is white. Values of 16
bits become value / 257, rounded; transparency is laid on white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from allconv.errors import FileError

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

_WHITE = (255, 255, 255, 255)
_GRAY_MODES = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N")
_GRAY_BITS = {"1": 1, "L;2": 2, "L;4": 4, "L": 8, "I;16B": 16}
# How 16-bit samples of a PNG are cut, and how else they can be, for their low bytes.
_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L", "LA;16B": "RGBA"}

Wide = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]


def is_gray(image: ImageFile) -> bool:
    """Whether an opened file, not decoded yet, is grey."""
    return image.mode in _GRAY_MODES or _png_kind(image) == "LA;16B"


def opaque(image: ImageFile, mode: str) -> Image.Image:
    """Decode an opened file as "L" or "RGB"; FileError for pixels without a known scale."""
    from PIL import Image

    kind = _png_kind(image)
    if kind in _LOW_BYTES:
        return Image.fromarray(_blended(image, kind)).convert(mode)
    image.load()
    if image.mode in ("I", "F") or getattr(image, "is_signed", False):
        raise FileError(
            f"has signed, floating or 32-bit pixels (mode {image.mode}), whose scale is not known; "
            "save it with 8 or 16 bits"
        )
    if image.mode in ("LAB", "HSV"):
        raise FileError(f"has {image.mode} pixels, which are not read; save it as RGB")
    key = image.info.get("transparency") if kind else None
    if kind in _GRAY_BITS and isinstance(key, int):
        return _keyed(image, _GRAY_BITS[kind], key).convert(mode)
    if image.mode.startswith("I;16"):
        wide = np.asarray(image).astype(np.uint32)
        return Image.fromarray(_narrowed(wide, *_range(image))).convert(mode)
    if kind == "RGB" and isinstance(key, tuple):
        pixels = np.array(image)
        pixels[(pixels == np.array(key) % 256).all(2)] = 255
        return Image.fromarray(pixels).convert(mode)
    if not image.has_transparency_data:
        return image.convert(mode)
    colour = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colour.size, _WHITE), colour).convert(mode)


def _png_kind(image: ImageFile) -> str:
    """How Pillow reads the samples of a PNG that is not decoded yet; "" for other formats."""
    kind = image.tile[0].args if image.format == "PNG" and image.tile else ""
    return kind if isinstance(kind, str) else ""


def _keyed(image: Image.Image, bits: int, key: int) -> Image.Image:
    """Grey samples of a PNG, of which one value (of so many bits) is transparent, as 8 bits."""
    from PIL import Image

    most = 2**bits - 1
    if bits == 16:
        wide = np.array(image).astype(np.uint32)
        wide[wide == key & most] = most
        return Image.fromarray(_narrowed(wide))
    pixels = np.array(image.convert("L"))  # which spreads fewer bits over 0 to 255
    pixels[pixels == (key & most) * 255 // most] = 255
    return Image.fromarray(pixels)


def _range(image: Image.Image) -> tuple[int, bool]:
    """The largest value of wide grey samples, and whether it is black."""
    return 2 ** getattr(image, "bits", 16) - 1, getattr(image, "is_negative", False)


def _narrowed(wide: Wide, most: int = 65535, is_negative: bool = False) -> Bytes:
    """Samples from 0 to `most` as bytes, rounded."""
    values = most - wide if is_negative else wide
    return ((values * 510 + most) // (2 * most)).astype(np.uint8)


def _blended(image: ImageFile, kind: str) -> Bytes:
    """The colour samples of a PNG of 16 bits, laid on white, as bytes (H, W, 3)."""
    values = _whole_samples(image, kind)
    if kind == "LA;16B":
        values = values[..., [0, 0, 0, 1]]
    colours, key = values[..., :3], image.info.get("transparency")
    if values.shape[2] == 4:
        alpha = values[..., 3:]
        colours = (colours * alpha + 65535 * (65535 - alpha)) // 65535
    elif isinstance(key, tuple):
        colours[(colours == np.array(key)).all(2)] = 65535
    return _narrowed(colours)


def _whole_samples(image: ImageFile, kind: str) -> Wide:
    """Samples of 16 bits (H, W, C): Pillow takes one byte of each, so they are decoded twice."""
    from PIL.PngImagePlugin import PngImageFile

    file = image.fp
    assert file is not None  # noqa: S101 (an image that is not decoded has its file)
    image.load()
    high = np.asarray(image).astype(np.uint32)
    file.seek(0)
    with PngImageFile(file) as again:
        again.tile = [again.tile[0]._replace(args=_LOW_BYTES[kind])]
        again.load()
        low = np.asarray(again).astype(np.uint32)
    if kind == "LA;16B":  # read as four bytes: both of grey, both of alpha
        return low[..., [0, 2]] * 256 + low[..., [1, 3]]
    return high * 256 + low
