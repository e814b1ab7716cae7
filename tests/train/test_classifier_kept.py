"""What a classifier was fitted on is a part of it: it answers the same before and after a file."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from allconv.data import load
from allconv.errors import ArgumentError, Error, FileError, ShapeError
from allconv.train import ImageClassifier

from .making import stripes

QUICK = {"epochs": 3, "batch_size": 16, "learning_rate": 0.02, "augment": None}
IMAGES, LABELS = stripes(60)
DARK = IMAGES // 64  # 0 to 3: as bytes nearly black, as shares of 1 nothing at all


def colour(x):
    return np.stack([x, x // 2, x // 3], -1)


FORMS = {
    "bytes": IMAGES,
    "bytes with an axis": IMAGES[..., None],
    "channels first": IMAGES[:, None],
    "colour": colour(IMAGES),
    "colour, channels first": np.moveaxis(colour(IMAGES), -1, 1),
    "booleans": IMAGES > 100,
    "lists": (IMAGES > 100).tolist(),
    "shares": IMAGES / 255,
    "shares of float32": (IMAGES / 255).astype(np.float32),
    "shares of float16": (IMAGES / 255).astype(np.float16),
    "colour shares": (colour(IMAGES) / 255).astype(np.float32),
    "floats": IMAGES.astype(np.float64),
    "large-endian floats": IMAGES.astype(">f4"),
    "integers": IMAGES.astype(np.int64),
    "lists of integers": IMAGES.tolist(),
    "16 bits": IMAGES.astype(np.uint16) * 257,
    "strided": np.repeat(IMAGES, 2, 2)[:, :, ::2],
    "dark bytes": DARK,
    "dark integers": DARK.astype(np.int32),
    "dark floats": DARK.astype(np.float32),
    "constant": np.repeat(np.arange(60, dtype=np.uint8) % 3 * 100, 64).reshape(60, 8, 8),
    "all the same": np.full((60, 8, 8), 7, np.uint8),
    "black shares": np.zeros((60, 8, 8)),
    "narrow": np.ascontiguousarray(IMAGES[:, :, :3]),
}


@pytest.mark.parametrize("form", FORMS)
def test_images_of_every_kind(form, tmp_path):
    """All together, one by one, after a file and after a pickle: the same answers."""
    x = FORMS[form]
    made = ImageClassifier("plain", **QUICK).fit(x, LABELS)
    expected = made.predict_proba(x)
    made.save(tmp_path / "model.onnx")
    loaded = ImageClassifier.load(tmp_path / "model.onnx")
    assert loaded.preprocess_ == made.preprocess_
    np.testing.assert_allclose(loaded.predict_proba(x), expected, atol=1e-5)
    pickled = pickle.loads(pickle.dumps(made))  # noqa: S301  # it was written here
    np.testing.assert_array_equal(pickled.predict_proba(x), expected)
    for classifier in (made, loaded):
        alone = np.concatenate([classifier.predict_proba(x[n : n + 1]) for n in range(9)])
        np.testing.assert_allclose(alone, expected[:9], atol=1e-5)


def test_files_of_the_command_keep_it_too(tmp_path):
    """The range is in what any network of the data set is saved with, from .npz files as well."""
    np.savez(tmp_path / "a.npz", x=IMAGES / 255, y=LABELS)
    made = ImageClassifier("plain", **QUICK).fit(tmp_path / "a.npz")
    assert made.preprocess_.white == load(tmp_path / "a.npz").preprocess.white == 1
    made.save(tmp_path / "model.onnx")
    loaded = ImageClassifier.load(tmp_path / "model.onnx")
    np.testing.assert_array_equal(loaded.predict(IMAGES / 255), made.predict(IMAGES))


@pytest.mark.parametrize(
    "names",
    [
        np.array([-3, 200, 15]),
        np.array([3, 200, 15], np.uint8),
        np.array(["across", "up\nright", "\x1b[2Jboth"]),
        np.array(["1", "01", "1.0"]),
        np.array([b"x", b"y", "ä".encode()]),
        np.array(["b", "a", "c"], object),
    ],
)
def test_labels_of_every_kind(names, tmp_path):
    """The classes have the type of the labels, before and after a file."""
    made = ImageClassifier("plain", **QUICK).fit(IMAGES, names[LABELS])
    made.save(tmp_path / "model.onnx")
    loaded = ImageClassifier.load(tmp_path / "model.onnx")
    assert loaded.classes_.dtype.kind == made.classes_.dtype.kind
    np.testing.assert_array_equal(loaded.classes_, made.classes_)
    np.testing.assert_array_equal(loaded.predict(IMAGES), made.predict(IMAGES))
    assert loaded.score(IMAGES, names[LABELS]) == made.score(IMAGES, names[LABELS]) > 0.5


def test_booleans_as_labels(tmp_path):
    """True and False come back as such."""
    labels = LABELS > 0
    made = ImageClassifier("plain", **QUICK).fit(IMAGES, labels)
    made.save(tmp_path / "model.onnx")
    loaded = ImageClassifier.load(tmp_path / "model.onnx")
    assert loaded.predict(IMAGES).dtype == bool
    assert loaded.score(IMAGES, labels) == made.score(IMAGES, labels) > 0.5


def test_names_that_no_file_can_hold_are_refused_before_training():
    """Not after it, when all is lost."""
    with pytest.raises(ArgumentError, match=r"class 'a\\ud800' has characters that UTF-8 cannot"):
        ImageClassifier("plain", epochs=10**6).fit(IMAGES, np.array(["a\ud800", "b", "c"])[LABELS])


@pytest.fixture(scope="module")
def gray() -> ImageClassifier:
    return ImageClassifier("plain", **QUICK).fit(IMAGES, LABELS)


@pytest.fixture(scope="module")
def coloured() -> ImageClassifier:
    return ImageClassifier("plain", **QUICK).fit(colour(IMAGES), LABELS)


ONE = [(8, 8), (8, 8, 1), (8, 8, 3), (28, 20, 3), (28, 20)]


@pytest.mark.parametrize("shape", ONE)
def test_one_image_gives_no_answers_for_its_rows(gray, coloured, shape):
    """One image without the axis of images is refused with the remedy, wherever it is given."""
    x = np.zeros(shape, np.uint8)
    for made in (gray, coloured):
        calls = (made.predict, made.predict_proba, lambda x, m=made: m.score(x, np.zeros(len(x))))
        for call in calls[:2]:
            with pytest.raises(ShapeError, match=r"x\[None\]"):
                call(x)
            with pytest.raises(ShapeError, match=r"x\[None\]"):
                call(x.tolist())
    with pytest.raises(ShapeError, match=r"x\[None\]"):
        ImageClassifier("plain", epochs=1).fit(x, [0])


def test_one_image_with_its_axis_gives_one_answer(gray, coloured):
    """x[None] is what the refusal says, and it works."""
    assert gray.predict(IMAGES[0][None]).shape == (1,)
    assert coloured.predict(colour(IMAGES)[0][None]).shape == (1,)
    with pytest.raises(ShapeError, match=r"one image \(C, H, W\) is x\[None\]"):
        coloured.predict(np.moveaxis(colour(IMAGES)[0], -1, 0))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (IMAGES / 255, ArgumentError, "float64 values up to .* were bytes"),
        (colour(IMAGES), ShapeError, "trained on images with 1: give these in grey"),
        ([], ShapeError, r"got \(0,\)"),
        (np.zeros((0, 8, 8), np.uint8), ShapeError, "holds no pixel"),
        ([np.zeros((8, 8)), np.zeros((8, 9))], ShapeError, "several sizes"),
        (None, ShapeError, r"got \(\)"),
        (3, ShapeError, r"got \(\)"),
        (object(), ShapeError, r"got \(\)"),
        ([object()] * 3, ShapeError, r"got \(3,\)"),
        (np.zeros((2, 8, 8), complex), ArgumentError, "must hold numbers, got dtype complex128"),
        (np.full((2, 8, 8), np.nan), ArgumentError, "from nan to nan"),
        (np.ma.array(np.zeros((2, 8, 8), np.uint8), mask=True), ArgumentError, "masked"),
        (["a.png", np.zeros((8, 8))], ArgumentError, "names files and holds ndarray, too"),
        ("", ArgumentError, "the name of an image is empty"),
        ([""], ArgumentError, "the name of an image is empty"),
        ("none/*.png", FileError, r"none/\*\.png: no file has a name like this"),
        ("a\0b", FileError, r"a\\x00b: "),
        ("a\0*", FileError, r"a\\x00\*: no file has a name like this"),
        ("x" * 5000, FileError, "xxx: "),
    ],
)
def test_what_cannot_be_predicted(gray, x, error, message):
    """One sentence each."""
    with pytest.raises(error, match=message) as caught:
        gray.predict(x)
    assert "\n" not in str(caught.value)


def test_scores_of_other_labels_are_refused(gray):
    """Text for a classifier of numbers is a mistake, not a score of 0; so is no label."""
    with pytest.raises(ArgumentError, match=r"y holds <U.*, the classes are int64"):
        gray.score(IMAGES, LABELS.astype(str))
    with pytest.raises(ArgumentError, match="y is missing"):
        gray.score(IMAGES)
    assert gray.score(IMAGES, LABELS[:, None]) == gray.score(IMAGES, LABELS)
    with pytest.raises(ArgumentError, match="put those of each class into a folder"):
        ImageClassifier().fit(["a.png", "b.png"], [0, 1])


def test_patterns_and_lists_of_folders(gray, tmp_path):
    """A pattern that the shell did not expand, folders and files, all in one list."""
    for n in range(12):
        path = tmp_path / ("a" if n < 6 else "b") / f"{n:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(IMAGES[n]).save(path)
    expected = gray.predict_proba(IMAGES[:12])
    for given in (
        tmp_path,
        str(tmp_path / "*" / "*.png"),
        str(tmp_path / "**"),
        [tmp_path / "a", str(tmp_path / "b" / "??.png")],
        tuple(sorted(tmp_path.rglob("*.png"))),
    ):
        np.testing.assert_array_equal(gray.predict_proba(given), expected)
    odd = tmp_path / "a[0].png"
    Image.fromarray(IMAGES[3]).save(odd)
    np.testing.assert_array_equal(gray.predict_proba(odd), expected[3:4])
    (tmp_path / "b" / "gone.png").symlink_to(tmp_path / "none.png")
    with pytest.raises(FileError, match=r"gone\.png: is not a file that can be read"):
        gray.predict(tmp_path / "b")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("allconv.labels", "int64"),
        ("allconv.labels", "\x1b[2J"),
        ("allconv.classes", '["a", "b"]'),
        ("allconv.preprocess", "{}"),
    ],
)
def test_files_that_were_changed_are_refused(tmp_path, key, value):
    """What the file says of its classes must be so, when it is loaded or else used."""
    import onnx

    made = ImageClassifier("plain", **QUICK).fit(IMAGES, np.array(["a", "b", "c"])[LABELS])
    made.save(tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    kept = {entry.key: entry.value for entry in proto.metadata_props} | {key: value}
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, kept)
    onnx.save(proto, tmp_path / "changed.onnx")
    with pytest.raises(Error, match=r"save (it|the network) again|must be a JSON") as caught:
        ImageClassifier.load(tmp_path / "changed.onnx").predict(IMAGES)
    assert str(caught.value).isprintable()
