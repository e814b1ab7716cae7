"""PNG and TIFF files of given samples, written bit by bit as their specifications have them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by the colour type of PNG


def packed(values: Sequence[int], bits: int, order: str = ">") -> bytes:
    """Samples of so many bits, the first in the highest bits; whole bytes in the order."""
    if bits >= 8 and bits % 8 == 0:
        return b"".join(
            int(v).to_bytes(bits // 8, "big" if order == ">" else "little") for v in values
        )
    text = "".join(format(int(v), f"0{bits}b") for v in values)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[n : n + 8], 2) for n in range(0, len(text), 8))


def png(
    samples: np.ndarray,
    depth: int,
    colour: int,
    *,
    transparent: bytes | None = None,
    palette: bytes | None = None,
    line_filter: int = 0,
) -> bytes:
    """A PNG of samples (H, W, C): every line filtered by 0 (none), 1 (left) or 2 (above)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    height, width, _ = samples.shape
    step = max(SAMPLES[colour] * depth // 8, 1)
    lines, above = b"", b""
    for row in samples.reshape(height, -1).tolist():
        line = packed(row, depth)
        before = {0: bytes(len(line)), 1: bytes(step) + line, 2: above or bytes(len(line))}
        filtered = bytes((a - b) % 256 for a, b in zip(line, before[line_filter], strict=False))
        lines += bytes([line_filter]) + filtered
        above = line
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", head)
    if palette is not None:
        chunks += chunk(b"PLTE", palette)
    if transparent is not None:
        chunks += chunk(b"tRNS", transparent)
    chunks += chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def tiff(
    samples: np.ndarray,
    bits: int,
    photometric: int | None,
    *,
    order: str = "<",
    kind: int | None = None,
    extra: int | None = None,
    content: bytes | None = None,
) -> bytes:
    """A TIFF of samples (H, W, C), not compressed, in one strip.

    kind: of the samples, 1 unsigned, 2 signed, 3 floating. extra: what the last sample is.
    """
    height, width, channels = samples.shape
    if content is None:
        content = b"".join(packed(row, bits, order) for row in samples.reshape(height, -1).tolist())
    tags: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * channels),
        259: (3, [1]),
        273: (4, [8]),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(content)]),
    }
    if photometric is not None:
        tags[262] = (3, [photometric])
    if extra is not None:
        tags[338] = (3, [extra])
    if kind is not None:
        tags[339] = (3, [kind] * channels)
    content += b"\0" * (len(content) % 2)
    start = 8 + len(content)
    later = start + 2 + 12 * len(tags) + 4
    entries, outside = b"", b""
    for tag, (size, values) in sorted(tags.items()):
        data = struct.pack(f"{order}{len(values)}{'H' if size == 3 else 'I'}", *values)
        if len(data) > 4:
            place = struct.pack(f"{order}I", later + len(outside))
            outside += data
            data = place
        entries += struct.pack(f"{order}HHI", tag, size, len(values)) + data.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return mark + struct.pack(f"{order}I", start) + content + directory + outside
