"""Every kind of sample that PNG and TIFF have, against values computed here by hand."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from allconv.data.images import read_header, read_image
from allconv.errors import Error, FileError

from .writing import SAMPLES, png, tiff

PALETTE = [(7 * n % 256, 255 - n, 91 * n % 256) for n in range(256)]


def drawn(shape: tuple[int, ...], depth: int) -> np.ndarray:
    """Samples of a depth: the extremes first, then any."""
    most = 2**depth - 1
    values = np.random.default_rng(depth).integers(0, most + 1, shape)
    values.ravel()[:3] = 0, most, 1
    return values


def to_byte(value: int | Fraction, most: int) -> float:
    """A sample on the scale 0 to 255."""
    return float(Fraction(value) * 255 / most)


def on_white(colour: list[int], alpha: int, most: int) -> list[float]:
    share = Fraction(alpha, most)
    return [to_byte(c * share + most * (1 - share), most) for c in colour]


def expected(samples: np.ndarray, depth: int, colour: int, key: list[int] | None) -> np.ndarray:
    """The colours (H, W, 3) on the scale 0 to 255, before rounding; grey is three of the same."""
    most = 2**depth - 1
    height, width, _ = samples.shape
    found = np.empty((height, width, 3))
    for i, j in np.ndindex(height, width):
        pixel = samples[i, j].tolist()
        if colour == 3:
            alpha = key[pixel[0]] if key and pixel[0] < len(key) else 255
            found[i, j] = on_white(list(PALETTE[pixel[0]]), alpha, 255)
        elif colour in (4, 6):
            found[i, j] = on_white(
                (pixel[:-1] * 3)[:3] if colour == 4 else pixel[:3], pixel[-1], most
            )
        else:
            found[i, j] = (
                [255.0] * 3 if pixel == key else [to_byte(c, most) for c in (pixel * 3)[:3]]
            )
    return found


KINDS = [
    *((0, depth) for depth in (1, 2, 4, 8, 16)),
    *((3, depth) for depth in (1, 2, 4, 8)),
    *((colour, depth) for colour in (2, 4, 6) for depth in (8, 16)),
]


@pytest.mark.parametrize("line_filter", [0, 1, 2])
@pytest.mark.parametrize("is_transparent", [False, True])
@pytest.mark.parametrize(("colour", "depth"), KINDS)
def test_png(tmp_path, colour, depth, is_transparent, line_filter):
    """Every colour type and depth, with a transparent colour where there may be one."""
    samples = drawn((5, 7, SAMPLES[colour]), depth)
    key: list[int] | None = None
    transparent = palette = None
    if colour == 3:
        palette = b"".join(map(bytes, PALETTE[: 2**depth]))
    if is_transparent and colour == 3:
        key = [0, 128, 255, 77][: 2**depth]
        transparent = bytes(key)
    elif is_transparent and colour in (0, 2):
        key = samples[2, 3].tolist()
        transparent = b"".join(value.to_bytes(2, "big") for value in key)
    path = tmp_path / "a.png"
    content = png(
        samples, depth, colour, transparent=transparent, palette=palette, line_filter=line_filter
    )
    path.write_bytes(content)
    wanted = expected(samples, depth, colour, key)
    found = read_image(path, 3)
    is_blended = colour in (4, 6) or (colour == 3 and key is not None)
    assert np.abs(found - wanted).max() <= (1.01 if is_blended else 0.5)
    assert read_header(path).gray == (colour in (0, 4))
    gray = wanted @ [0.299, 0.587, 0.114]
    assert np.abs(read_image(path, 1)[..., 0] - gray).max() <= (1.6 if is_blended else 1.01)


@pytest.mark.parametrize("near", [1, 255, 256])
@pytest.mark.parametrize("colour", [0, 2])
def test_transparent_is_one_colour_of_16_bits(tmp_path, colour, near):
    """A colour that differs in its low byte, or its high one, is another."""
    channels = SAMPLES[colour]
    samples = np.full((1, 2, channels), 0x1234)
    samples[0, 1, -1] += near
    path = tmp_path / "a.png"
    path.write_bytes(png(samples, 16, colour, transparent=b"\x12\x34" * channels))
    found = read_image(path, 3)[0].tolist()
    other = [round(value / 257) for value in samples[0, 1].tolist()]
    assert found == [[255] * 3, (other * 3)[:3]]


def test_interlaced_16_bits(tmp_path):
    """Pillow's own interlaced PNG, of samples whose low bytes matter."""
    samples = drawn((9, 11, 1), 16)
    file = io.BytesIO()
    Image.fromarray(samples[..., 0].astype(np.uint16)).save(file, "PNG", interlace=1)
    path = tmp_path / "a.png"
    path.write_bytes(file.getvalue())
    assert np.array_equal(read_image(path, 1), np.rint(samples / 257))


GRAY_TIFF = [
    (bits, photometric, order)
    for bits in (1, 2, 4, 8, 16)
    for photometric in (0, 1)
    for order in "<>"
] + [(12, 1, "<"), (12, 0, "<")]


@pytest.mark.parametrize(("bits", "photometric", "order"), GRAY_TIFF)
def test_gray_tiff(tmp_path, bits, photometric, order):
    """Black is 0, or white is, at every depth and in both orders of bytes."""
    samples = drawn((5, 8, 1), bits)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(samples, bits, photometric, order=order))
    most = 2**bits - 1
    values = samples if photometric else most - samples
    assert np.abs(read_image(path, 1) - values * 255 / most).max() <= 0.5
    assert read_header(path).gray


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
def test_colour_tiff(tmp_path, bits, order):
    """RGB with and without alpha, and CMYK, within the rounding of 16 bits to a byte."""
    most = 2**bits - 1
    path = tmp_path / "a.tif"
    samples = drawn((4, 5, 3), bits)
    path.write_bytes(tiff(samples, bits, 2, order=order))
    assert np.abs(read_image(path, 3) - samples * 255 / most).max() <= 1
    samples = drawn((4, 5, 4), bits)
    path.write_bytes(tiff(samples, bits, 2, order=order, extra=2))
    wanted = [[on_white(p[:3], p[3], most) for p in row] for row in samples.tolist()]
    assert np.abs(read_image(path, 3) - np.array(wanted)).max() <= 2
    path.write_bytes(tiff(samples, bits, 5, order=order))
    ink = samples / most
    wanted = 255 * np.clip(1 - ink[..., :3], 0, 1) * (1 - ink[..., 3:])
    assert np.abs(read_image(path, 3) - wanted).max() <= 3


def test_gray_tiff_with_alpha(tmp_path):
    """Grey beside alpha, plain or multiplied already."""
    samples = np.array([[[0, 255], [0, 0], [100, 128], [128, 128]]])
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(samples, 8, 1, extra=2))
    wanted = [on_white([p[0]], p[1], 255)[0] for p in samples[0].tolist()]
    assert np.abs(read_image(path, 1)[0, :, 0] - wanted).max() <= 1
    path.write_bytes(tiff(samples, 8, 1, extra=1))
    assert np.abs(read_image(path, 1)[0, :, 0] - [0, 255, 227, 255]).max() <= 1


NOT_READ = {
    "floats": (32, 1, 3, np.float32),
    "white-is-zero floats": (32, 0, 3, np.float32),
    "double floats": (64, 1, 3, np.float64),
    "half floats": (16, 1, 3, np.float16),
    "32 bits": (32, 1, 1, np.uint32),
    "signed 32 bits": (32, 1, 2, np.int32),
    "signed 16 bits": (16, 1, 2, np.int16),
    "signed 8 bits": (8, 1, 2, np.int8),
    "24 bits": (24, 1, 1, None),
    "LAB": (8, 8, 1, None),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", NOT_READ)
def test_samples_without_a_known_scale(tmp_path, name, order):
    """Refused in a sentence that says what they are, not as damaged."""
    bits, photometric, kind, dtype = NOT_READ[name]
    channels = 3 if photometric == 8 else 1
    samples = np.arange(4 * 4 * channels).reshape(4, 4, channels)
    content = (
        None if dtype is None else samples.astype(np.dtype(dtype).newbyteorder(order)).tobytes()
    )
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(samples, bits, photometric, order=order, kind=kind, content=content))
    with pytest.raises(FileError, match=r"a\.tif: has .*pixels.*(save it|not known)") as caught:
        read_image(path, 1)
    assert "damaged" not in str(caught.value)


def test_what_pillow_logs_is_not_told(tmp_path, capfd):
    """A TIFF with more samples than can be makes one error of ours, and no line on stderr."""
    content = tiff(np.zeros((2, 2, 1), int), 8, 1)
    entry = struct.pack("<HHII", 277, 3, 1, 1)
    assert content.count(entry) == 1
    path = tmp_path / "a.tif"
    path.write_bytes(content.replace(entry, struct.pack("<HHII", 277, 3, 1, 200)))
    with pytest.raises(FileError, match=r"a\.tif: "):
        read_image(path, 1)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("PIL").handlers == []


def damaged(content: bytes, draw: np.random.Generator) -> bytes:
    """A file with some bytes or bits changed, or cut; the checksums of a PNG mostly put right."""
    changed = bytearray(content)
    for _ in range(draw.integers(1, 4)):
        place = draw.integers(8, len(changed))
        if draw.random() < 0.5:
            changed[place] = draw.integers(256)
        else:
            changed[place] ^= 1 << draw.integers(8)
    if draw.random() < 0.1:
        changed = changed[: draw.integers(8, len(changed))]
    is_repaired = changed[:4] == b"\x89PNG" and draw.random() < 0.8
    return checked(bytes(changed)) if is_repaired else bytes(changed)


def checked(content: bytes) -> bytes:
    """A PNG with the right checksum after each of its chunks that is whole."""
    made, place = content[:8], 8
    while place + 12 <= len(content):
        size = struct.unpack(">I", content[place : place + 4])[0]
        body = content[place + 4 : place + 8 + size]
        if place + 12 + size > len(content):
            break
        made += content[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + size
    return made


def test_damaged_samples_end_in_pixels_or_an_error(tmp_path, capfd):
    """Of every kind of PNG and TIFF above: nothing raw, nothing written elsewhere."""
    draw = np.random.default_rng(0)
    whole = [
        png(drawn((6, 7, SAMPLES[colour]), depth), depth, colour, transparent=b"\0\1" * 3)
        for colour, depth in KINDS
        if colour != 3
    ]
    whole += [tiff(drawn((6, 8, 1), bits), bits, kind, order=o) for bits, kind, o in GRAY_TIFF]
    whole += [tiff(drawn((6, 8, 4), bits), bits, 5) for bits in (8, 16)]
    path, shapes, messages = tmp_path / "a", [], []
    for trial in range(600):
        path.write_bytes(damaged(whole[trial % len(whole)], draw))
        try:
            shapes.append(read_image(path, 1, (5, 4), pixel_limit=10**6).shape)
        except Error as error:
            messages.append(str(error))
    assert min(len(shapes), len(messages)) > 50
    assert set(shapes) == {(5, 4, 1)}
    assert all(each.startswith(str(path)) and each.isprintable() for each in messages)
    assert capfd.readouterr() == ("", "")
