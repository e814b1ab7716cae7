"""Image files become upright, opaque uint8 arrays, whatever is in them."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from allconv.data.formats import READ, find_format
from allconv.data.images import read_header, read_image, resize
from allconv.errors import ArgumentError, FileError, LimitError

from . import making

LOSSLESS = {"png": {}, "bmp": {}, "tiff": {}, "webp": {"lossless": True}}


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_come_back(tmp_path, suffix, channels):
    """What was saved without loss is read to the same bytes, and the header says its size."""
    pixels = making.pattern(13, 17, channels)
    path = making.save(tmp_path / f"a.{suffix}", pixels, **LOSSLESS[suffix])
    assert np.array_equal(read_image(path, channels), pixels)
    header = read_header(path)
    assert (header.height, header.width) == (13, 17)
    assert header.gray == (channels == 1 and suffix != "webp")


@pytest.mark.parametrize("suffix", ["jpg", "gif"])
def test_lossy_formats_come_near(tmp_path, suffix):
    """JPEG and GIF are read to about the picture that was saved."""
    pixels = making.pattern(40, 50)
    path = making.save(tmp_path / f"a.{suffix}", pixels)
    difference = read_image(path, 3).astype(int) - pixels
    assert np.abs(difference).mean() < 8


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, suffix, orientation):
    """A picture stored turned, with the orientation that says so, is read upright."""
    upright = making.pattern(32, 48)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    settings = LOSSLESS.get(suffix, {"quality": 98, "subsampling": 0})
    stored = np.ascontiguousarray(stored)
    path = making.save(tmp_path / f"a.{suffix}", stored, exif=exif, **settings)
    header = read_header(path)
    assert (header.height, header.width) == (32, 48)
    assert np.abs(read_image(path, 3).astype(int) - upright).max() <= 4


def test_transparency_is_laid_on_white(tmp_path):
    """Transparent is white, half transparent is half way, for RGBA, grey and palette pixels."""
    alpha = np.array([[255, 128, 0]], np.uint8)
    black = np.zeros((1, 3, 3), np.uint8)
    rgba = making.save(tmp_path / "rgba.png", np.dstack([black, alpha]))
    assert read_image(rgba, 3)[0, :, 0].tolist() == [0, 127, 255]
    assert read_image(rgba, 1)[0, :, 0].tolist() == [0, 127, 255]
    Image.fromarray(np.dstack([black[..., 0], alpha]), "LA").save(tmp_path / "la.png")
    assert read_image(tmp_path / "la.png", 1)[0, :, 0].tolist() == [0, 127, 255]
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "p.png", transparency=0)
    assert read_image(tmp_path / "p.png", 3)[0].tolist() == [[255, 255, 255], [40, 50, 60]]


def test_16_bit_is_scaled(tmp_path):
    """16-bit grey runs over the whole scale: value / 257, rounded."""
    wide = np.array([[0, 128, 129, 257, 32896, 65535]], np.uint16)
    for suffix in ("png", "tiff"):
        path = making.save(tmp_path / f"a.{suffix}", wide)
        assert read_image(path, 1)[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]
        assert read_image(path, 3)[0, 5].tolist() == [255, 255, 255]
        assert read_header(path).gray


def test_1_bit_and_cmyk(tmp_path):
    """1-bit pixels become 0 and 255; CMYK becomes RGB."""
    making.save(tmp_path / "bits.png", np.array([[True, False]]))
    assert read_image(tmp_path / "bits.png", 1)[0, :, 0].tolist() == [255, 0]
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    red = read_image(tmp_path / "a.jpg", 3)[4, 4]
    assert red[0] > 240
    assert red[1:].max() < 15


def test_size_covers_and_crops_the_centre(tmp_path):
    """The short side is scaled, the aspect kept, and the middle of the long side remains."""
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    path = making.save(tmp_path / "a.png", pixels)
    assert np.array_equal(read_image(path, 3, (20, 20)), np.full((20, 20, 3), 255))
    assert read_image(path, 3, (10, 30))[5, :, 0].tolist() == pytest.approx(
        [0] * 10 + [255] * 10 + [0] * 10, abs=40
    )
    up = read_image(path, 1, (40, 120))
    assert up.shape == (40, 120, 1)


def test_scaling_is_antialiased(tmp_path):
    """A fine chessboard scaled down is even grey, not a pattern."""
    board = np.indices((64, 64)).sum(0) % 2 * 255
    path = making.save(tmp_path / "a.png", board.astype(np.uint8))
    small = read_image(path, 1, (8, 8))
    assert np.abs(small.astype(int) - 127).max() <= 4


def test_jpeg_at_reduced_scale_is_alike(tmp_path):
    """A large JPEG decoded at a reduced scale gives the picture that full decoding gives."""
    pixels = making.pattern(800, 1000)
    path = making.save(tmp_path / "a.jpg", pixels, quality=95)
    full = making.save(tmp_path / "b.png", read_image(path, 3))
    reduced = read_image(path, 3, (40, 50))
    assert np.abs(reduced.astype(int) - read_image(full, 3, (40, 50))).max() <= 4


def test_every_size_is_scaled_to_every_other():
    """Also where side / size * size is rounded to more than the side, which Pillow refuses."""
    assert 116 / 28 * 28 > 116
    for size in (28, 49, 110, 224):
        for side in range(60, 130):
            gray = np.full((1, side, 131, 1), 7, np.uint8)
            for images in (gray, gray.transpose(0, 2, 1, 3)):
                assert (resize(images, (size, size)) == np.full((1, size, size, 1), 7)).all()


def test_resize_does_as_reading(tmp_path):
    """Arrays are scaled to the same pixels as files."""
    for channels in (1, 3):
        pixels = making.pattern(30, 50, channels)
        path = making.save(tmp_path / f"{channels}.png", pixels)
        assert np.array_equal(
            resize(pixels[None], (16, 12))[0], read_image(path, channels, (16, 12))
        )
    assert np.array_equal(resize(pixels[None], (30, 50)), pixels[None])


def test_content_counts_not_the_name(tmp_path):
    """A PNG that is named .jpg is read as the PNG it is."""
    pixels = making.pattern(5, 6)
    path = making.save(tmp_path / "a.png", pixels).rename(tmp_path / "a.jpg")
    assert np.array_equal(read_image(path, 3), pixels)
    assert find_format(path.read_bytes()[:32], path) == "PNG"


def test_pixel_limit_can_be_set(tmp_path):
    """The limit is on height times width, ours alone: Pillow's own does not count or warn."""
    path = making.save(tmp_path / "a.png", making.pattern(10, 10))
    assert read_image(path, 3, pixel_limit=100).shape == (10, 10, 3)
    with pytest.raises(LimitError, match=r"a\.png: is 10 x 10, more than the limit of 99 pixels"):
        read_image(path, 3, pixel_limit=99)
    large = making.png_header(tmp_path / "b.png", 15_000, 13_000)
    assert read_header(large, pixel_limit=10**9).width == 15_000
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(LimitError, match="raise pixel_limit"):
        read_header(large)
    assert before == Image.MAX_IMAGE_PIXELS


def test_warnings_of_pillow_stay_inside(tmp_path):
    """Damaged EXIF spoils the turn only, without a warning, and the filters are put back."""
    path = making.save(tmp_path / "a.jpg", making.pattern(8, 8), exif=b"Exif\0\0II*\0\xff\xff")
    before = list(warnings.filters)
    assert read_image(path, 3).shape == (8, 8, 3)
    assert warnings.filters == before


NOT_READ = {
    "a.heic": (b"\0\0\0\x18ftypheic", r"a\.heic: is a HEIC image, .* JPEG or PNG .*iPhone"),
    "b.jpg": (b"\0\0\0\x18ftypmif1", "HEIC"),
    "c.avif": (b"\0\0\0\x18ftypavif", "is an AVIF image, which is not read; convert it to JPEG"),
    "d.psd": (b"8BPS\0\1", "Photoshop"),
    "e.svg": (b"<?xml version='1.0'?>", "SVG image, which is not read; draw it as PNG"),
    "f.nef": (b"MM\0*\0\0\0\x08", "camera raw image, which is not read; develop it"),
    "g.png": (b"hello, this is text", "is not an image that is read .*convert it to JPEG or PNG"),
    "h.eps": (b"%!PS-Adobe-3.0", "PostScript"),
    "i.png": (b"", r"is empty \(0 bytes\)"),
    "j.ppm": (b"P6 1 1 255 abc", "PNM"),
    "k.png": (b"\x89PNG\r\n\x1a\n\0\0", "is damaged or cut short"),
    "l.jxl": (b"\xff\x0a1234", "JPEG XL"),
    "m.fits": (b"SIMPLE  =    T", "FITS"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_other_files_are_named_with_a_remedy(tmp_path, name):
    """What is not read says what it is and what would do, at the header already."""
    content, message = NOT_READ[name]
    path = tmp_path / name
    path.write_bytes(content)
    for read in (read_header, lambda file: read_image(file, 3)):
        with pytest.raises(FileError, match=message) as caught:
            read(path)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "tiff"])
def test_damaged_files_end_in_pixels_or_an_error(tmp_path, suffix):
    """Cut anywhere or with bytes changed, a file gives an image or an error of ours: T19, small."""
    draw = np.random.default_rng(0)
    content = making.save(tmp_path / f"a.{suffix}", making.pattern(24, 20)).read_bytes()
    path, messages = tmp_path / f"b.{suffix}", []
    for trial in range(60):
        changed = bytearray(content)
        if trial % 2:
            changed = changed[: draw.integers(len(content))]
        else:
            for place in draw.integers(len(content), size=5):
                changed[place] = draw.integers(256)
        path.write_bytes(changed)
        try:
            pixels = read_image(path, 3, (8, 8), pixel_limit=1_000_000)
        except (FileError, LimitError) as error:
            messages.append(str(error))
        else:
            assert pixels.shape == (8, 8, 3)
    assert len(messages) > 10
    assert all(message.startswith(str(path)) and "\n" not in message for message in messages)


def test_32_bit_pixels_are_refused(tmp_path):
    """Numbers without a known scale are not guessed at."""
    path = making.save(tmp_path / "a.tiff", np.zeros((4, 4), np.float32))
    with pytest.raises(FileError, match="32-bit pixels"):
        read_image(path, 1)


def test_places_that_are_no_files(tmp_path):
    """A missing file and a folder are named as what they are."""
    with pytest.raises(FileError, match=r"none\.png: no such file"):
        read_image(tmp_path / "none.png", 3)
    with pytest.raises(FileError, match="is a folder"):
        read_image(tmp_path, 3)
    with pytest.raises(ArgumentError, match="channels must be 1"):
        read_image(tmp_path / "none.png", 2)


def test_refusals_of_the_system_and_of_pillow(tmp_path, monkeypatch):
    """A closed file, full memory and Pillow's own limit (WebP's canvas) are errors of ours too."""
    path = making.save(tmp_path / "a.webp", making.pattern(20, 20))
    with monkeypatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        with pytest.raises(LimitError, match=r"a\.webp: is too large for Pillow"):
            read_image(path, 3)
    for raised, error, message in (
        (PermissionError(13, "no"), FileError, "may not be read by this user"),
        (MemoryError(), LimitError, "does not fit into memory; scale it down"),
    ):

        def refuse(*_: object, problem: Exception = raised) -> None:
            raise problem

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", refuse)
            with pytest.raises(error, match=message):
                read_image(path, 3)


def test_only_the_formats_of_the_list_are_opened(tmp_path):
    """Reading images imports Pillow late, and the parsers of the six formats alone."""
    path = making.save(tmp_path / "a.png", making.pattern(4, 4))
    code = (
        "import sys, pathlib\n"
        "from allconv.data.images import read_image\n"
        "assert 'PIL' not in sys.modules\n"
        f"read_image(pathlib.Path({str(path)!r}), 3)\n"
        "found = [n for n in sys.modules if n.startswith('PIL.') and n.endswith('ImagePlugin')]\n"
        "print(*(n[4:-11].upper() for n in found))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) == set(READ)
