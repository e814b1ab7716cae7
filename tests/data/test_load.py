"""`load` as a whole: data sets, arguments, the report, late imports; the table of bad input."""

from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from allconv import data
from allconv.data import Part
from allconv.errors import ArgumentError, Error, FileError, LimitError, ShapeError
from tiers import slow

from . import making


def test_a_dataset_is_taken_as_it_is(tmp_path):
    """Loading a Dataset returns it, with fewer samples if asked, and a report that says so."""
    made = data.load((np.arange(40 * 30, dtype=np.uint8).reshape(40, 6, 5), np.arange(40) % 2))
    assert data.load(made) is made
    assert data.load(made, samples=1000) is made
    fewer = data.load(made, samples=10, image_size=(6, 5))
    assert len(fewer.train) == 10
    assert fewer.report.counts == {"training": (5, 5), "validation": (2, 2)}
    assert fewer.preprocess == made.preprocess
    with pytest.raises(ArgumentError, match=r"image_size is \(8, 8\), the data set has images of"):
        data.load(made, image_size=8)


def test_a_dataset_is_checked():
    """Labels beyond the classes, or images of another size than the preprocessing, are refused."""
    made = data.load((np.arange(40 * 30, dtype=np.uint8).reshape(40, 6, 5), np.arange(40) % 2))
    with pytest.raises(ArgumentError, match=r"labels must be in \[0, 1\), the classes"):
        replace(made, classes=("one",))
    with pytest.raises(ShapeError, match=r"images are \(6, 5, 1\), the preprocessing is for \(5,"):
        replace(made, preprocess=replace(made.preprocess, height=5))
    for classes, message in (
        (("a", "a"), "classes must be different names, 'a' is there twice"),
        (("a", 2), "the class 2 is int; give its name"),
        (("a", "b\ud800"), "has characters that UTF-8 cannot hold"),
    ):
        with pytest.raises(ArgumentError, match=message):
            replace(made, classes=classes)


def test_long_reports_are_cut():
    """Of many classes and unreadable files the first are shown, and how many more there are."""
    names = tuple(f"class {k}" for k in range(50))
    report = data.Report(
        source="here",
        classes=names,
        counts={"training": (9,) * 50},
        smallest=(8, 8),
        largest=(8, 8),
        image_size=(8, 8),
        channels=1,
        reason="as asked",
        unreadable=tuple((f"{n}.png", "is empty") for n in range(30)),
        ignored=tuple(f"{n}.txt" for n in range(7)),
    )
    lines = report.lines()
    assert "  ... and 10 more classes" in lines
    assert "  ... and 10 more" in lines
    assert lines[-1] == ("7 files ignored, no images: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more")


def test_parts_are_taken_and_checked():
    """take keeps images, labels and names together; arrays that do not fit are refused."""
    images, labels = np.zeros((4, 2, 2, 1), np.uint8), np.array([0, 1, 0, 1])
    images[:, 0, 0, 0] = range(4)
    part = Part(images, labels, ("a", "b", "c", "d")).take([3, 0])
    assert part.images[:, 0, 0, 0].tolist() == [3, 0]
    assert part.labels.tolist() == [1, 0]
    assert part.names == ("d", "a")
    assert len(part.subset(2)) == 2
    with pytest.raises(ShapeError, match=r"labels must be int64 \(4,\)"):
        Part(images, labels[:3])
    with pytest.raises(ShapeError, match="images must be uint8"):
        Part(images[0], labels)
    with pytest.raises(ShapeError, match="4 images have 1 names"):
        Part(images, labels, ("a",))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 0}, r"image_size must be one side or \(height, width\), each 1 to 4096"),
        ({"image_size": (8, 8, 3)}, "image_size must be"),
        ({"image_size": 8.0}, "image_size must be"),
        ({"image_size": 5000}, "image_size must be"),
        ({"samples": 0}, "samples must be a positive integer, got 0"),
        ({"samples": 9}, "samples is 9, fewer than the 10 classes"),
        ({"seed": -1}, "seed must be in"),
        ({"validation": 0}, r"validation must be a share of the images in \(0, 1\), got 0"),
        ({"validation": "a"}, "validation must be a share"),
        ({"test": 1}, r"test must be a share of the images in \[0, 1\), got 1"),
        ({"validation": 0.5, "test": 0.5}, "together they must leave some for training"),
        ({"pixel_limit": 0}, "pixel_limit must be a positive integer"),
        ({"memory_limit": 1.5}, "memory_limit must be a positive integer"),
        ({"validation": ([], [])}, r"can be arrays only where the source is \(x, y\)"),
    ],
)
def test_arguments_are_checked(settings, message):
    """Each argument out of range is named with what would do."""
    with pytest.raises(ArgumentError, match=message):
        data.load(**settings)


def test_report_in_words(tmp_path):
    """The report says counts, sizes found and used, and why."""
    making.class_folders(tmp_path, {"cat": 20, "dog": 20}, size=(120, 150))
    making.save(tmp_path / "cat" / "x.png", making.pattern(60, 100))
    lines = data.load(tmp_path).report.lines()
    assert lines[0] == f"{tmp_path}: 2 classes; images: 29 training, 6 validation, 6 test"
    assert lines[1].split() == ["class", "training", "validation", "test"]
    assert lines[2].split() == ["cat", "15", "3", "3"]
    assert lines[4].startswith("found 100 x 60 to 150 x 120 pixels; used as 96 x 96 colour: the ")
    assert lines[4].endswith("96 is the most that is chosen unless asked")
    assert len(lines) == 5


@slow
def test_imports_are_late():
    """`import allconv` does not bring the data room, which does not bring Pillow, rich or LLVM."""
    code = (
        "import sys, allconv\n"
        "assert 'allconv.data' not in sys.modules\n"
        "import allconv.data\n"
        "allconv.data.load(samples=10)\n"
        "late = {'PIL', 'rich', 'llvmlite', 'onnx', 'allconv.engine', 'allconv.nn'}\n"
        "print(sorted(late & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def two_classes(folder, **settings):
    return making.class_folders(folder, {"a": 8, "b": 8}, **settings)


def empty(folder):
    return folder


def one_class(folder):
    return making.class_folders(folder, {"only": 8})


def loose_images(folder):
    making.save(folder / "a.png", making.pattern(4, 4))
    return folder


def classes_without_images(folder):
    for name in "bc":
        (folder / name).mkdir()
        (folder / name / "notes.txt").write_text("later")
    return making.class_folders(folder, {"a": 8})


def only_broken(folder):
    for name in "ab":
        (folder / name).mkdir()
        (folder / name / "x.png").write_bytes(b"")
    return folder


def class_broken_inside(folder):
    two_classes(folder)
    (folder / "c").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    for n in range(5):
        path = making.save(folder / "c" / f"{n}.png", noise)
        path.write_bytes(path.read_bytes()[:2000])
    return folder


def no_train(folder):
    two_classes(folder / "val")
    two_classes(folder / "test")
    return folder


def class_only_in_test(folder):
    two_classes(folder / "train")
    making.class_folders(folder / "test", {"c": 3})
    return folder


def two_validations(folder):
    for name in ("train", "val", "valid"):
        two_classes(folder / name)
    return folder


def tiny(folder):
    return making.class_folders(folder, {"a": 2, "b": 2})


def with_file(name, content):
    def build(folder):
        two_classes(folder)
        (folder / "a" / name).write_bytes(content)
        return folder

    return build


def huge(folder):
    two_classes(folder)
    making.png_header(folder / "a" / "huge.png", 20_000, 20_000)
    return folder


def idx_labels(folder):
    (folder / "train-images-idx3-ubyte").write_bytes(making.idx(np.zeros((4, 3, 3), np.uint8)))
    (folder / "train-labels-idx1-ubyte").write_bytes(making.idx(np.arange(5, dtype=np.uint8)))
    return folder


def idx_cut(folder):
    idx_labels(folder)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    return folder


def idx_gz_cut(folder):
    idx_labels(folder)
    path = folder / "train-images-idx3-ubyte"
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(path.read_bytes())[:-6])
    path.unlink()
    return folder


def npz_with(name, **arrays):
    def build(folder):
        np.savez(folder / name, **arrays)
        return folder / name

    return build


def npz_cut(folder):
    path = npz_with("a.npz", x=np.zeros((4, 3, 3)), y=np.arange(4))(folder)
    path.write_bytes(path.read_bytes()[:-50])
    return path


def other_file(folder):
    (folder / "notes.txt").write_text("hello")
    return folder / "notes.txt"


HEIC = b"\0\0\0\x18ftypheic"
STRICT = {"strict": True}
BAD = [
    (
        empty,
        {},
        FileError,
        "holds no folders of images; put the images of each class into a folder",
    ),
    (one_class, {}, FileError, "has only one class, 'only'; a classifier needs two or more"),
    (loose_images, {}, FileError, "holds 1 image but no folders; put the images of each class"),
    (
        classes_without_images,
        {},
        FileError,
        "has images in 1 of 3 class folders; a classifier needs two or more classes",
    ),
    (only_broken, {}, FileError, "has no training image of class 'a'"),
    (class_broken_inside, {}, FileError, "has no training image of class 'c'"),
    (no_train, {}, FileError, "has test, val but no train folder"),
    (class_only_in_test, {}, FileError, "has no training image of class 'c'"),
    (two_validations, {}, FileError, "has both val and valid; keep one"),
    (tiny, {}, FileError, "has too few images to hold some out for validation; give 3 or more"),
    (lambda folder: folder / "none", {}, FileError, "none: no such file or folder"),
    (lambda folder: "a\0b", {}, FileError, "no such file|cannot be looked up"),
    (other_file, {}, FileError, r"notes\.txt is a file; give a folder with a folder of images"),
    (with_file("x.png", b""), STRICT, FileError, r"x\.png: is empty \(0 bytes\)"),
    (with_file("x.png", b"hello"), STRICT, FileError, r"x\.png: is not an image that is read"),
    (with_file("x.heic", HEIC), STRICT, FileError, r"x\.heic: is a HEIC image, .* JPEG or PNG"),
    (with_file("x.jpg", b"\xff\xd8\xff\xe0abc"), STRICT, FileError, r"x\.jpg: is damaged"),
    (huge, STRICT, FileError, r"huge\.png: is 20000 x 20000, more than the limit .* pixel_limit"),
    (
        two_classes,
        {"pixel_limit": 5},
        FileError,
        r"class 'a' .\d unreadable files; a/000.png .*limit of 5 ",
    ),
    (idx_labels, {}, FileError, "4 images, .* has 5 labels; they must belong together"),
    (idx_cut, {}, FileError, "train-images-idx3-ubyte: is cut short"),
    (idx_gz_cut, {}, FileError, r"train-images-idx3-ubyte\.gz: is damaged or cut short"),
    (idx_labels, {"memory_limit": 10}, LimitError, "holds 36 bytes, the limit is 10; raise memory"),
    (npz_cut, {}, FileError, r"a\.npz: is not an \.npz file, or damaged or cut short"),
    (
        npz_with("a.npz", x=np.array([{}])),
        {},
        FileError,
        "Python objects in x.npy, .* can run code",
    ),
    (
        npz_with("a.npz", x=np.zeros((4, 3, 4)), y=np.arange(5)),
        {},
        ShapeError,
        r"a\.npz: x has 4 images, y has 5 labels",
    ),
]


@pytest.mark.parametrize(("build", "settings", "error", "message"), BAD)
def test_bad_input(tmp_path, build, settings, error, message):
    """One sentence that names the thing and the remedy, of the right class; nothing is written."""
    folder = tmp_path / "data"
    folder.mkdir()
    source = build(folder)
    before = making.tree(tmp_path)
    with pytest.raises(Error, match=message) as caught:
        data.load(source, **settings)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
    assert making.tree(tmp_path) == before


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    """A folder closed to this user is named."""
    two_classes(tmp_path)

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.listdir", refuse)
    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(FileError, match="may not be read by this user"):
        data.load(tmp_path)
