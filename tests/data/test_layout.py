"""Folders are read in one way, or refused with what would do; odd names keep their identity."""

from __future__ import annotations

import os
import shutil
import unicodedata

import numpy as np
import pytest

from allconv import data
from allconv.data.repeated import find_repeated
from allconv.errors import FileError

from . import making


def classes(folder, *names, count=8):
    return making.class_folders(folder, dict.fromkeys(names, count))


def nested(folder, *names):
    """Class folders, each of which holds folders of these names."""
    for k, name in enumerate("ab"):
        for n, part in enumerate(names):
            for i in range(4):
                pixels = making.pattern(12, 10, seed=30 * k + 10 * n + i)
                making.save(folder / name / part / f"{i}.png", pixels)


@pytest.mark.parametrize("name", ["val", "Val", "valid", "VALIDATION", "test", "Test", "testing"])
@pytest.mark.parametrize("is_divided", [True, False])
def test_a_part_beside_classes_is_no_class(tmp_path, name, is_divided):
    """With class folders in it or without, in any case of letters, it is refused."""
    classes(tmp_path, "cat", "dog")
    if is_divided:
        classes(tmp_path / name, "cat", "dog", count=3)
    else:
        making.save(tmp_path / name / "1.png", making.pattern(12, 10, seed=200))
    message = (
        f"has the folder '{name}' beside 'cat', 'dog': put the folders of the classes into .*train"
    )
    with pytest.raises(FileError, match=message):
        data.load(tmp_path)


@pytest.mark.parametrize("name", ["train", "TRAIN", "training"])
def test_train_beside_classes(tmp_path, name):
    """It may be a vehicle where it holds images, which is told; with folders in it it is a part."""
    classes(tmp_path, "plane", name)
    found = data.load(tmp_path)
    assert set(found.classes) == {"plane", name}
    assert found.report.notes == (
        f"the folder '{name}' is taken for a class, as others are beside it",
    )
    classes(tmp_path / name, "plane", "ship")
    with pytest.raises(FileError, match=f"has the folder '{name}' beside 'plane': put"):
        data.load(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("val", "test"), "has test, val but no train folder"),
        (("Testing",), "has testing but no train folder"),
        (("train", "Train"), "has both Train and train; keep one"),
        (("train", "training"), "has both train and training; keep one"),
        (("train", "test", "validation", "valid"), "has both valid and validation; keep one"),
        (("train", "cats"), "has the folder 'train' beside 'cats'"),
    ],
)
def test_parts_that_do_not_fit(tmp_path, names, message):
    """Parts without training, or twice, or beside other folders."""
    for name in names:
        classes(tmp_path / name, "a", "b")
    with pytest.raises(FileError, match=message):
        data.load(tmp_path)


@pytest.mark.parametrize("name", ["val", "Test"])
def test_parts_within_parts(tmp_path, name):
    """A validation part in the training part is no class either."""
    classes(tmp_path / "train", "a", "b", name)
    with pytest.raises(FileError, match=f"train holds the folder '{name}'; parts lie beside each"):
        data.load(tmp_path)


@pytest.mark.parametrize("parts", [("train", "val"), ("Train", "Test"), ("val",), ("x", "testing")])
def test_parts_within_classes(tmp_path, parts):
    """Parts below classes would all be mixed: refused with the right way round."""
    nested(tmp_path, *parts)
    with pytest.raises(
        FileError, match=r"/a holds the folder '\w+'; parts stand above classes, as "
    ):
        data.load(tmp_path)


def test_folders_within_classes(tmp_path):
    """Other folders in a class folder are of that class, "train" too."""
    nested(tmp_path, "train", "indoors")
    assert data.load(tmp_path).classes == ("a", "b")


def test_the_folder_above_the_right_one(tmp_path):
    """One folder that holds folders is named as what may have been meant."""
    classes(tmp_path / "set" / "train", "a", "b")
    classes(tmp_path / "set" / "val", "a", "b", count=3)
    with pytest.raises(FileError, match="only one class, 'set', which holds folders; give"):
        data.load(tmp_path)
    shutil.rmtree(tmp_path / "set")
    classes(tmp_path / "set", "a", "b")
    with pytest.raises(
        FileError, match=r"only one class, 'set', which holds folders; give .*/set if"
    ):
        data.load(tmp_path)


def test_images_in_no_class_are_told(tmp_path):
    """Beside the folders of the classes, and where the parts hold images instead of folders."""
    classes(tmp_path, "a", "b")
    making.save(tmp_path / "loose.png", making.pattern(12, 10, seed=200))
    (note,) = data.load(tmp_path).report.notes
    assert note == f"1 image in {tmp_path} itself, in no folder of a class, left out"
    making.save(tmp_path / "other" / "train" / "1.png", making.pattern(12, 10))
    making.save(tmp_path / "other" / "test" / "1.png", making.pattern(12, 10))
    with pytest.raises(FileError, match="train holds 1 image but no folders"):
        data.load(tmp_path / "other")


def test_classes_without_images_are_left_out(tmp_path):
    """An empty folder, one of other files, one of empty folders: told, and the labels fit."""
    classes(tmp_path, "b", "d")
    (tmp_path / "a").mkdir()
    (tmp_path / "c" / "deeper").mkdir(parents=True)
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "notes.txt").write_text("later")
    found = data.load(tmp_path, strict=True)
    assert found.classes == ("b", "d")
    assert found.report.notes == tuple(
        f"the folder '{name}' holds no image and is left out" for name in "ace"
    )
    for part in found.parts().values():
        for name, label in zip(part.names, part.labels.tolist(), strict=True):
            assert name.split("/")[0] == found.classes[label]
    assert "warning: the folder 'a' holds no image and is left out" in found.report.lines()


def test_classes_without_images_in_parts(tmp_path):
    """A class that is empty in every part is left out; one that only training lacks is refused."""
    classes(tmp_path / "train", "b", "c")
    classes(tmp_path / "test", "b", "c", count=3)
    (tmp_path / "train" / "a").mkdir()
    (tmp_path / "test" / "a").mkdir()
    (tmp_path / "test" / "d").mkdir()
    found = data.load(tmp_path)
    assert found.classes == ("b", "c")
    assert found.report.counts["test"] == (3, 3)
    making.save(tmp_path / "test" / "a" / "1.png", making.pattern(12, 10, seed=200))
    with pytest.raises(FileError, match="no training image of class 'a'"):
        data.load(tmp_path)


BYTES = [
    (b"caf\xe8", b"caf\xe9"),
    (b"\xff", b"\xfe"),
    ("café".encode(), b"caf\xe9"),
    (b"cat", b"cat\n"),
    (b"a", b"a\x1b[2J"),
    (b"a", "a\N{ZERO WIDTH SPACE}".encode()),
    (b"cat", b"Cat"),
]


@pytest.mark.parametrize("pair", BYTES)
def test_folders_that_differ_in_bytes_are_two_classes(tmp_path, pair):
    """Whatever the bytes; all that is printed is printable, and files find their class."""
    for k, name in enumerate(pair):
        folder = tmp_path / os.fsdecode(name)
        for n in range(6):
            making.save(folder / f"{n}.png", np.full((8, 8), 100 * k + n, np.uint8))
    found = data.load(tmp_path)
    assert len(set(found.classes)) == 2
    "".join(found.classes).encode()
    assert all(line.isprintable() for line in found.report.lines())
    for part in found.parts().values():
        order = [found.classes.index(name.split("/")[0]) for name in part.names]
        assert part.labels.tolist() == order
        bright = [image.max() >= 100 for image in part.images]
        dark_class = found.classes.index(data_name(pair[0]))
        assert bright == [label != dark_class for label in part.labels.tolist()]


def data_name(name: bytes) -> str:
    """The name of the class of a folder: text as it is, other bytes as escapes."""
    return name.decode(errors="backslashreplace")


@pytest.mark.parametrize(
    "pair",
    [
        tuple(unicodedata.normalize(form, "café").encode() for form in ("NFC", "NFD")),
        (b"caf\xe9", rb"caf\xe9"),
        (b"a\n", rb"a\n"),
    ],
)
def test_folders_that_look_alike_are_refused(tmp_path, pair):
    """Two spellings of one name are named by their bytes."""
    for name in pair:
        classes(tmp_path, os.fsdecode(name))
    with pytest.raises(FileError, match=r"two folders that are both called .* \(b'.*' and b'.*'\)"):
        data.load(tmp_path)


def test_one_class_in_two_spellings_of_its_name(tmp_path):
    """As some systems write names otherwise than others, train and val may be from two of them."""
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    classes(tmp_path / "train", apart, "tea")
    classes(tmp_path / "val", composed, "tea", count=3)
    found = data.load(tmp_path)
    assert found.classes == (apart, "tea")
    assert found.report.counts["validation"] == (3, 3)


def test_case_alone_is_told(tmp_path):
    """Two classes that differ in case only may be meant, or not."""
    classes(tmp_path, "Cat", "cat")
    found = data.load(tmp_path)
    assert found.classes == ("Cat", "cat")
    assert "the classes 'Cat' and 'cat' differ in case only" in found.report.notes


def test_the_same_file_in_two_classes_is_told(tmp_path):
    """By the names of both, whatever they are called; others of equal size are not meant."""
    classes(tmp_path, "a", "b", "c")
    shutil.copy(tmp_path / "a" / "003.png", tmp_path / "b" / "other.png")
    (tmp_path / "c" / "link.png").symlink_to(tmp_path / "a" / "003.png")
    (note,) = data.load(tmp_path).report.notes
    assert note.startswith("the same file in several classes, of which one at most is right: ")
    told = note.partition(": ")[2].split(" and ")
    assert sorted(told) == ["'a/003.png'", "'b/other.png'", "'c/link.png'"]


def test_the_same_file_in_two_parts_is_told(tmp_path):
    """What was trained on measures nothing."""
    classes(tmp_path / "train", "a", "b")
    for name, seed in (("a", 180), ("b", 200)):
        making.save(tmp_path / "test" / name / "1.png", making.pattern(12, 10, seed=seed))
    shutil.copy(tmp_path / "train" / "a" / "003.png", tmp_path / "test" / "a" / "2.png")
    (note,) = data.load(tmp_path).report.notes
    assert note.endswith("makes them look better: 'train/a/003.png' and 'test/a/2.png'")


def test_repeated_files_are_found_by_content(tmp_path):
    """Equal files of all lengths, empty ones too; a file that is gone is not compared."""
    draw = np.random.default_rng(0)
    contents = [draw.bytes(size) for size in (0, 1, 1, 5000, 5000, 2**20 + 1)]
    paths, expected = [], {}
    for n, k in enumerate(draw.integers(len(contents), size=40).tolist()):
        paths.append(tmp_path / str(n))
        paths[-1].write_bytes(contents[k])
        expected.setdefault(contents[k], []).append(n)
    paths.append(tmp_path / "none")
    assert find_repeated(paths) == sorted(group for group in expected.values() if len(group) > 1)


def test_links_to_folders_are_told(tmp_path):
    """Links within a class folder are not followed, lest it be a circle; a class may be one."""
    classes(tmp_path / "far", "a", "b")
    (tmp_path / "set").mkdir()
    for name in "ab":
        (tmp_path / "set" / name).symlink_to(tmp_path / "far" / name)
    found = data.load(tmp_path / "set")
    assert sum(map(sum, found.report.counts.values())) == 16
    (tmp_path / "far" / "a" / "round").symlink_to(tmp_path / "far")
    reasons = dict(data.load(tmp_path / "set").report.unreadable)
    assert reasons == {"a/round": "is a link to a folder, which is not followed"}
