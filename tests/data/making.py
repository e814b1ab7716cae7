"""Files that the tests of the data room are fed with."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def pattern(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A smooth picture uint8 (H, W, C) without symmetry, so that every turn of it is another."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    planes = [(200 * x + 30 * y, 180 * y + 40 * x**2, 255 * x * y)[c] for c in range(channels)]
    return np.clip(np.stack(planes, -1) + seed, 0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray, **settings: object) -> Path:
    """Write an image file, in folders made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    Image.fromarray(plain).save(path, **settings)
    return path


def class_folders(root: Path, counts: dict[str, int], size: tuple[int, int] = (12, 10)) -> Path:
    """A folder of class folders with so many PNG images each, all different."""
    for k, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for n in range(count):
            save(root / name / f"{n:03}.png", pattern(*size, seed=50 * k + n))
    return root


def png_header(path: Path, width: int, height: int) -> Path:
    """A PNG file of some bytes that says it has this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(100)))
    start = b"\x89PNG\r\n\x1a\n"
    path.write_bytes(start + chunk(b"IHDR", size) + pixels + chunk(b"IEND", b""))
    return path


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    """An array as IDX."""
    return (
        bytes([0, 0, kind, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + (array.tobytes())
    )


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """All there is in a folder, with size and time of change, to see that nothing was written."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }
