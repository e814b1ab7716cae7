"""Folders of class folders: classes, parts, sizes and what is said about them."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from allconv import data
from allconv.data import Augment
from allconv.data.folder import choose_size
from allconv.data.images import Header
from allconv.errors import FileError

from . import making


def test_classes_are_the_sorted_names(tmp_path):
    """Labels count the sorted folder names; images lie at any depth; hidden ones are not seen."""
    making.class_folders(tmp_path, {"b": 10, "a": 10, "C": 10})
    making.save(tmp_path / "a" / "deeper" / "one.png", making.pattern(12, 10))
    making.save(tmp_path / "a" / ".hidden.png", making.pattern(12, 10))
    making.save(tmp_path / ".cache" / "x.png", making.pattern(12, 10))
    making.save(tmp_path / "__MACOSX" / "x.png", making.pattern(12, 10))
    found = data.load(tmp_path)
    assert found.classes == ("C", "a", "b")
    names = [name for part in found.parts().values() for name in part.names]
    assert len(names) == len(set(names)) == 31
    assert "a/deeper/one.png" in names
    for part in found.parts().values():
        for name, label in zip(part.names, part.labels.tolist(), strict=True):
            assert name.split("/")[0] == found.classes[label]


def test_images_belong_to_their_names(tmp_path):
    """Each image is what its file gives through the preprocessing of the data set."""
    making.class_folders(tmp_path, {"a": 8, "b": 8})
    found = data.load(tmp_path)
    for part in found.parts().values():
        for name, image in zip(part.names, part.images, strict=True):
            assert np.array_equal(found.preprocess.load(tmp_path / name), image)


def test_held_out_by_class_and_seed(tmp_path):
    """15 % of each class validates and 15 % tests, the same for the same seed."""
    making.class_folders(tmp_path, {"a": 40, "b": 20})
    found = data.load(tmp_path)
    assert found.report.counts == {"training": (28, 14), "validation": (6, 3), "test": (6, 3)}
    assert data.load(tmp_path).validation.names == found.validation.names
    assert data.load(tmp_path, seed=1).validation.names != found.validation.names
    other = data.load(tmp_path, validation=0.5, test=0)
    assert other.test is None
    assert other.report.counts == {"training": (20, 10), "validation": (20, 10)}


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_part_folders_are_taken(tmp_path, name):
    """train, val and test folders are the parts, wholly."""
    for part, count in (("train", 6), (name, 2), ("test", 3)):
        making.class_folders(tmp_path / part, {"a": count, "b": count})
    found = data.load(tmp_path)
    assert found.classes == ("a", "b")
    assert found.report.counts == {"training": (6, 6), "validation": (2, 2), "test": (3, 3)}
    assert {each.split("/")[0] for each in found.validation.names} == {name}


def test_missing_part_folders(tmp_path):
    """Without val a part of train validates; without test there is none unless asked for."""
    making.class_folders(tmp_path / "train", {"a": 20, "b": 20})
    making.class_folders(tmp_path / "test", {"a": 5})
    found = data.load(tmp_path)
    assert found.report.counts == {"training": (17, 17), "validation": (3, 3), "test": (5, 0)}
    (tmp_path / "test").rename(tmp_path / "val")
    assert data.load(tmp_path).test is None
    assert data.load(tmp_path, test=0.2).report.counts["test"] == (4, 4)


def test_a_class_may_be_called_train(tmp_path):
    """Beside other folders, train is a class."""
    making.class_folders(tmp_path, {"train": 8, "plane": 8})
    assert data.load(tmp_path).classes == ("plane", "train")


def test_samples_limit_training_by_class(tmp_path):
    """`samples` leaves the other parts whole, and the same images whatever else is asked."""
    making.class_folders(tmp_path, {"a": 40, "b": 20})
    found = data.load(tmp_path, samples=12)
    assert found.report.counts == {"training": (8, 4), "validation": (6, 3), "test": (6, 3)}
    assert set(found.train.names) < set(data.load(tmp_path).train.names)


def test_mixed_kinds_of_images(tmp_path):
    """Alpha, 16-bit, palette, grey, CMYK and turned images stand side by side in one array."""
    making.class_folders(tmp_path, {"a": 10, "b": 10})
    gray = making.pattern(20, 30, 1)
    making.save(tmp_path / "a" / "gray.png", gray)
    making.save(tmp_path / "a" / "wide.png", gray[..., 0].astype(np.uint16) * 257)
    making.save(tmp_path / "a" / "alpha.png", making.pattern(20, 30).repeat(2, 2)[..., :4])
    Image.fromarray(making.pattern(20, 30)).quantize(16).save(tmp_path / "a" / "p.gif")
    Image.new("CMYK", (30, 20)).save(tmp_path / "a" / "cmyk.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    making.save(tmp_path / "b" / "turned.jpg", making.pattern(20, 300), exif=exif)
    found = data.load(tmp_path)
    assert sum(map(len, found.parts().values())) == 26
    assert found.preprocess.channels == 3
    assert found.report.largest == (300, 30)
    assert found.report.unreadable == ()


def test_gray_files_stay_gray(tmp_path):
    """If every file is grey there is one channel, and no flip by default."""
    for n in range(20):
        making.save(tmp_path / "ab"[n % 2] / f"{n}.png", making.pattern(28, 28, 1, seed=n))
    found = data.load(tmp_path)
    assert found.train.images.shape == (14, 28, 28, 1)
    assert found.augment == Augment(shift=2)
    making.save(tmp_path / "a" / "x.png", making.pattern(28, 28))
    assert data.load(tmp_path).augment == Augment(flip=True, shift=2)


@pytest.mark.parametrize(
    ("sizes", "chosen", "reason"),
    [
        ([(28, 28)] * 3, (28, 28), "the size of all images"),
        ([(40, 96)] * 3, (40, 96), "the size of all images"),
        ([(97, 97)] * 3, (96, 96), "median short side is 97 pixels, and 96 is the most"),
        ([(60, 80), (70, 50), (300, 400)], (48, 48), "the median short side is 60 pixels"),
        ([(300, 400), (64, 500), (64, 64)], (64, 64), "64 pixels"),
        ([(3, 5), (4, 5)], (8, 8), "3 pixels"),
        ([(20, 31), (30, 20)], (16, 16), "20 pixels"),
    ],
)
def test_default_size(sizes, chosen, reason):
    """One small size stays; else the largest of the fixed sides that the median reaches."""
    headers = [Header(height, width, gray=False) for height, width in sizes]
    size, channels, why = choose_size(headers, None)
    assert (size, channels) == (chosen, 3)
    assert reason in why
    assert choose_size(headers, (9, 7)) == ((9, 7), 3, "as asked")


def test_unreadable_files_are_reported_or_refused(tmp_path):
    """Files that fail at the header or at the pixels are left out with why, or strictly refused."""
    making.class_folders(tmp_path, {"a": 20, "b": 20})
    (tmp_path / "a" / "x.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "a" / "y.png").write_text("text")
    (tmp_path / "a" / "z.png").write_bytes(b"")
    making.png_header(tmp_path / "b" / "bomb.png", 20_000, 20_000)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    cut = making.save(tmp_path / "b" / "cut.png", noise)
    cut.write_bytes(cut.read_bytes()[:2000])
    (tmp_path / "b" / "notes.txt").write_text("not an image")
    (tmp_path / "b" / "nowhere.png").symlink_to(tmp_path / "none.png")
    os.mkfifo(tmp_path / "b" / "pipe.png")
    found = data.load(tmp_path)
    reasons = {name.split("/")[1]: why for name, why in found.report.unreadable}
    assert set(reasons) == {
        *("x.heic", "y.png", "z.png", "bomb.png", "cut.png", "nowhere.png", "pipe.png")
    }
    assert "limit of 100,000,000 pixels" in reasons["bomb.png"]
    assert [name.split("/")[1] for name in found.report.ignored] == ["notes.txt"]
    assert sum(map(sum, found.report.counts.values())) == 40
    lines = "\n".join(found.report.lines())
    assert "7 files left out, as unreadable:" in lines
    assert "1 file ignored, no images: " in lines
    assert "convert it to JPEG or PNG" in lines
    with pytest.raises(FileError, match=r"\(and \d more files\); without strict such files are"):
        data.load(tmp_path, strict=True)


def test_strict_sees_damage_after_the_header(tmp_path):
    """A file whose pixels only are damaged is refused too."""
    making.class_folders(tmp_path, {"a": 10, "b": 10})
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    cut = making.save(tmp_path / "b" / "cut.png", noise)
    cut.write_bytes(cut.read_bytes()[:2000])
    with pytest.raises(FileError, match=r"cut\.png: is damaged or cut short .* without strict"):
        data.load(tmp_path, strict=True)


def test_above_the_memory_limit_the_images_are_mapped(tmp_path):
    """The parts are slices of one mapped file, with the same pixels."""
    making.class_folders(tmp_path, {"a": 10, "b": 10})
    plain, mapped = data.load(tmp_path), data.load(tmp_path, memory_limit=100)
    assert isinstance(mapped.train.images, np.memmap)
    for name, part in plain.parts().items():
        assert np.array_equal(part.images, mapped.parts()[name].images)
    assert plain.preprocess == mapped.preprocess


def test_warnings_about_classes(tmp_path):
    """More than 3 to 1 is uneven; fewer than 5 training images are too few; evenness is silent."""
    making.class_folders(tmp_path, {"many": 40, "few": 5})
    warnings = data.load(tmp_path).report.warnings()
    assert "uneven: 'many' has 28 training images, 'few' has 3" in warnings[0]
    assert warnings[1] == "fewer than 5 training images: 'few' has 3; add some"
    making.class_folders(tmp_path, {"many": 40, "few": 40})
    assert data.load(tmp_path).report.warnings() == []


def test_names_that_are_no_text(tmp_path):
    """File and class names of any bytes are shown as text that can be printed."""
    making.class_folders(tmp_path, {"a": 10, "b": 10})
    odd = os.fsdecode(b"\xff\xfe")
    (tmp_path / "b").rename(tmp_path / odd)
    (tmp_path / odd / "000.png").write_bytes(b"")
    found = data.load(tmp_path)
    assert "\n".join(found.report.lines()).encode()
    assert "\n".join(found.train.names).encode()


def test_folders_that_may_not_be_read(tmp_path, monkeypatch):
    """A folder within a class is reported, a class folder's or the data's own is an error."""
    making.class_folders(tmp_path, {"a": 10, "b": 10})
    closed = tmp_path / "a" / "closed"
    closed.mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = data.load(tmp_path)
    assert found.report.unreadable == (("a/closed", "is a folder that may not be read"),)
    with pytest.raises(FileError, match="closed: is a folder that may not be read"):
        data.load(tmp_path, strict=True)
