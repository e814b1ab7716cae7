"""Arrays as small pictures that a page holds: PNG, or JPEG for photographs, as data: addresses."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np

from allconv.operators.base import Array
from allconv.picture.palette import LIGHT, channels

LARGEST_TILE = 48  # pixels of a side; larger maps are averaged down to it
GAP = 1
QUALITY = 85


def png(pixels: Array) -> str:
    """uint8 (H, W), (H, W, 3) or (H, W, 4) as a PNG."""
    return _encoded(pixels, "PNG", "image/png", optimize=True)


def jpeg(pixels: Array) -> str:
    """uint8 (H, W) or (H, W, 3) as a JPEG."""
    return _encoded(pixels, "JPEG", "image/jpeg", quality=QUALITY)


def _encoded(pixels: Array, kind: str, media: str, **settings: Any) -> str:
    from PIL import Image

    held = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels, np.uint8)).save(held, kind, **settings)
    return f"data:{media};base64,{base64.b64encode(held.getvalue()).decode()}"


def tiles(maps: Array, columns: int) -> Array:
    """Maps uint8 (N, H, W) or (N, H, W, 3) side by side, so many in a row: (rows, width, 4).

    Between them, and after the last, nothing is painted.
    """
    shown = np.stack([smaller(each, LARGEST_TILE) for each in maps])
    count, height, width = shown.shape[:3]
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 4), np.uint8)
    for number, each in enumerate(shown):
        top, left = number // columns * (height + GAP), number % columns * (width + GAP)
        cell = sheet[top : top + height, left : left + width]
        cell[..., :3] = each if each.ndim == 3 else each[..., None]
        cell[..., 3] = 255
    return sheet


def smaller(pixels: Array, largest: int) -> Array:
    """A picture with no side above `largest`; its proportions stay."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    if side <= largest:
        return pixels
    from PIL import Image

    size = (max(1, width * largest // side), max(1, height * largest // side))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def stretched(values: Array) -> tuple[Array, float, float]:
    """Numbers as grey uint8 from the least (black) to the greatest (white), and these two.

    What is not finite is grey.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return np.full(values.shape, 128, np.uint8), 0.0, 0.0
    low, high = float(finite.min()), float(finite.max())
    with np.errstate(all="ignore"):
        scaled = (values.astype(np.float64) - low) * (255 / (high - low) if high > low else 0)
    return (
        np.nan_to_num(scaled, nan=128, posinf=128, neginf=128).round().astype(np.uint8),
        low,
        high,
    )


def signed(values: Array) -> tuple[Array, float]:
    """Numbers as grey uint8 around 0, which is 128; and the largest distance from it."""
    plain = np.nan_to_num(values.astype(np.float64), nan=0, posinf=0, neginf=0)
    most = float(np.abs(plain).max(initial=0.0))
    return (128 + 127 * plain / (most or 1)).round().astype(np.uint8), most


def heat(photo: Array, share: Array) -> Array:
    """A photograph, pale and grey, under a colour: `share` (h, w), 0 to 1, says how much of it.

    The photograph is uint8 (H, W, C); `share` is enlarged to it. Gives uint8 (H, W, 3).
    """
    from PIL import Image

    height, width = photo.shape[:2]
    small = Image.fromarray(np.clip(share, 0, 1).astype(np.float32))
    large = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))[..., None]
    gray = 255 - (255 - photo.astype(np.float32).mean(2, keepdims=True)) * 0.55
    colour = np.array(channels(LIGHT.roles["y"]), np.float32)
    painted = gray * (1 - 0.85 * large) + colour * 0.85 * large
    return np.asarray(painted.round().astype(np.uint8))


def grid_shape(count: int) -> tuple[int, int]:
    """Rows and columns of a vector shown as a picture.

    >>> grid_shape(10), grid_shape(1000)
    ((1, 10), (16, 64))
    """
    columns = min(count, 64)
    return -(-count // columns), columns


def as_grid(vector: Sequence[float] | Array) -> Array:
    """A vector as a picture; what is left of the last row is NaN."""
    flat = np.asarray(vector, np.float64).reshape(-1)
    rows, columns = grid_shape(max(flat.size, 1))
    held = np.full(rows * columns, np.nan)
    held[: flat.size] = flat
    return held.reshape(rows, columns)
