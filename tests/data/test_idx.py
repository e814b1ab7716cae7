"""IDX files are read exactly, and nothing is allocated on the word of a header alone."""

from __future__ import annotations

import gzip
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from allconv import data
from allconv.data import Augment, read_idx
from allconv.errors import FileError, LimitError
from tiers import slow

from . import making

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
NAMES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]


@slow
@settings(deadline=None, max_examples=40)
@given(st.data(), st.sampled_from(sorted(TYPES)), st.booleans())
def test_every_type_comes_back(tmp_path_factory, draw, kind, packed):
    """Any type and up to four axes, plain or packed, give the values in the machine's order."""
    shape = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
    values = draw.draw(hnp.arrays(TYPES[kind], shape))
    content = making.idx(values, kind)
    path = tmp_path_factory.mktemp("idx") / "a"
    path.write_bytes(gzip.compress(content) if packed else content)
    found = read_idx(path)
    assert found.dtype == np.dtype(TYPES[kind]).newbyteorder("=")
    assert np.array_equal(found, values, equal_nan=kind > 12)


IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
GOOD = making.idx(IMAGES)
HUGE = bytes([0, 0, 8, 3]) + b"\xff" * 12
BAD = {
    "empty": (b"", "is not IDX: it begins with nothing"),
    "short magic": (b"\0\0", "is not IDX: it begins with 00 00,"),
    "text": (b"<!DOCTYPE html>", "is not IDX: it begins with 3c 21 44 4f"),
    "type": (b"\0\0\x07\x01" + bytes(8), "is not IDX"),
    "no axes": (b"\0\0\x08\0", "has 0 axes"),
    "many axes": (b"\0\0\x08\x09" + bytes(40), "has 9 axes"),
    "half a header": (GOOD[:10], "is cut short within its header"),
    "cut": (GOOD[:-1], "is cut short: its header says 3 x 4 x 5 values"),
    "longer": (GOOD + b"x", "is too long: its header says 3 x 4 x 5 values"),
    "huge": (HUGE + bytes(100), "is cut short: its header says 4294967295 x"),
    "packed cut": (gzip.compress(making.idx(IMAGES.repeat(9, 0)))[:-30], "damaged or cut short"),
    "packed short": (gzip.compress(GOOD[:-1]), "is cut short: .*, there are 59 bytes"),
    "packed longer": (gzip.compress(GOOD + b"x"), "is too long: .*, and more follows"),
    "packed huge": (gzip.compress(HUGE + bytes(100)), "the file is too small for them"),
    "packed damaged": (b"\x1f\x8bnothing", "damaged or cut short"),
}


@pytest.mark.parametrize("name", BAD)
def test_damaged_files(tmp_path, name):
    """Each way to be damaged is named with the file."""
    content, message = BAD[name]
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_bombs_do_not_explode(tmp_path):
    """A packed file of zeros beyond the limit is refused before they are unpacked."""
    header = bytes([0, 0, 8, 1]) + (200_000_000).to_bytes(4, "big")
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(header + bytes(20_000_000), 9) + bytes(300_000))
    tracemalloc.start()
    with pytest.raises(LimitError, match="200,000,000 bytes, the limit is 1,000,000; raise memory"):
        read_idx(path, limit=1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    with pytest.raises(FileError):
        read_idx(path)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()


def write_set(folder, images, labels, *, names=NAMES, pack=False):
    """Write a pair of files under the names of MNIST."""
    for name, array in zip(names, (images, labels), strict=True):
        content = making.idx(array)
        if pack:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


@pytest.fixture
def digits():
    labels = (np.arange(100) % 5).astype(np.uint8)
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 6), dtype=np.uint8)
    return images, labels


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("prefix", ["", "emnist-letters-"])
def test_folder_as_distributed(tmp_path, digits, pack, mark, prefix):
    """The names of MNIST and its kin, with - or ., plain or .gz, are found and divided."""
    images, labels = digits
    for part, count in (("train", 100), ("t10k", 40)):
        names = [
            f"{prefix}{part}-{kind}{mark}idx{axes}-ubyte"
            for kind, axes in (("images", 3), ("labels", 1))
        ]
        write_set(tmp_path, images[:count], labels[:count], names=names, pack=pack)
    (tmp_path / "README.txt").write_text("other files do not matter")
    found = data.load(tmp_path)
    assert found.classes == ("0", "1", "2", "3", "4")
    assert found.report.counts == {"training": (18,) * 5, "validation": (2,) * 5, "test": (8,) * 5}
    assert np.array_equal(found.test.images[..., 0], images[:40])
    assert np.array_equal(found.test.labels, labels[:40])
    assert found.augment == Augment(shift=1)
    together = np.concatenate([found.train.images, found.validation.images])
    assert sorted(map(bytes, together)) == sorted(map(bytes, images))


def test_without_test_files(tmp_path, digits):
    """Without t10k files a part of train is held out to test; a plain file goes before its twin."""
    write_set(tmp_path, *digits)
    (tmp_path / f"{NAMES[0]}.gz").write_bytes(b"not read")
    found = data.load(tmp_path)
    assert found.report.counts == {"training": (15,) * 5, "validation": (2,) * 5, "test": (3,) * 5}


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((4, 8, 6), np.uint8), np.zeros(5, np.uint8), "4 images, .* has 5 labels"),
        (np.zeros((4, 48), np.uint8), np.zeros(4, np.uint8), r"uint8 \(4, 48\); images are"),
        (np.zeros((4, 8, 6), np.uint8), np.zeros((4, 1), np.uint8), r"\(4, 1\); labels are"),
        (np.zeros((4, 8, 6), np.uint8), np.zeros(4, np.uint8), "only one class, '0'"),
        (np.zeros((0, 8, 6), np.uint8), np.zeros(0, np.uint8), "holds no label"),
    ],
)
def test_files_that_do_not_fit_together(tmp_path, images, labels, message):
    """Images and labels must be of the right kind and number."""
    write_set(tmp_path, images, labels)
    with pytest.raises((FileError, ValueError), match=message):
        data.load(tmp_path)


def test_missing_and_double_files(tmp_path, digits):
    """A missing file is named; two sets in one folder are not guessed between."""
    write_set(tmp_path, *digits)
    (tmp_path / NAMES[1]).unlink()
    with pytest.raises(FileError, match=r"has no train-labels-idx1-ubyte \(or \.gz\); add it"):
        data.load(tmp_path)
    write_set(tmp_path, *digits, names=[f"other-{name}" for name in NAMES])
    with pytest.raises(FileError, match="several sets of IDX files"):
        data.load(tmp_path)
