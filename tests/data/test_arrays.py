"""Arrays in memory and in .npz files: kinds of pixels, kinds of labels, refusals."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from allconv import data
from allconv.data.labels import encode_labels, label_kind, label_values, names_of, values_of
from allconv.data.pixels import find_white, take_images, to_bytes, to_images
from allconv.errors import ArgumentError, FileError, LimitError, ShapeError

X = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
Y = np.arange(40) % 2


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (X, (40, 6, 5, 3)),
        (np.moveaxis(X, 3, 1), (40, 6, 5, 3)),
        (X[..., 0], (40, 6, 5, 1)),
        (X[:, None, ..., 0], (40, 6, 5, 1)),
        (X[..., :1], (40, 6, 5, 1)),
        (X[:, :3], (40, 3, 5, 3)),
        (X.tolist(), (40, 6, 5, 3)),
    ],
)
def test_shapes_of_images(x, shape):
    """Grey, channels last and channels first become (N, H, W, C), with the same pixels."""
    images = to_images(x)
    assert images.shape == shape
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    assert np.array_equal(images, X[:, : shape[1], :, : shape[3]])


@pytest.mark.parametrize(
    ("values", "result"),
    [
        (np.array([0, 1, 255], np.uint8), [0, 1, 255]),
        (np.array([0, 1, 255], np.int64), [0, 1, 255]),
        (np.array([False, True]), [0, 255]),
        (np.array([0, 0.5, 1], np.float32), [0, 128, 255]),
        (np.arange(256, dtype=np.float32) / np.float32(255), list(range(256))),
        (np.array([0, 1.4, 254.6]), [0, 1, 255]),
        (np.array([0, 16.0], ">f8"), [0, 16]),
        (np.array([0, 200], np.uint16), [0, 200]),
        (np.array([0, 257, 65535], np.uint16), [0, 1, 255]),
    ],
)
def test_values_of_images(values, result):
    """Each kind of number becomes bytes by the rule of the docstring."""
    images = to_images(values[None, None, :, None])
    assert images.dtype == np.uint8
    assert images[0, 0, :, 0].tolist() == result


BAD_IMAGES = [
    (np.zeros((3, 784)), ShapeError, r"flattened need x\.reshape\(-1, 28, 28\)"),
    (np.zeros((28, 20)), ShapeError, r"got \(28, 20\); one grey image is x\[None\]"),
    (np.zeros((28, 20, 3)), ShapeError, r"x\[None\] for one, x\[\.\.\., None\] for 28"),
    (np.zeros((28, 20, 1)), ShapeError, "one image .H, W, C. or 28 grey ones of 20 x 1"),
    (np.ma.array(np.zeros((1, 2, 2)), mask=True), ArgumentError, "is a masked array"),
    ([np.ma.array(np.zeros((2, 2)), mask=True)], ArgumentError, "is a masked array"),
    (np.zeros((3, 4, 5, 2)), ShapeError, r"\(N, C, H, W\) with C = 1 or 3, got \(3, 4, 5, 2\)"),
    (np.zeros(3), ShapeError, r"got \(3,\)"),
    (np.zeros((0, 4, 4)), ShapeError, "holds no pixel"),
    (np.zeros((3, 0, 4)), ShapeError, "holds no pixel"),
    ([[[1, 2]], [[1, 2, 3]]], ShapeError, "images of several sizes"),
    (np.full((1, 2, 2), -0.5), ArgumentError, r"from -0\.5 to -0\.5; .* \[0, 1\] or \[0, 255\]"),
    (np.full((1, 2, 2), np.nan), ArgumentError, "from nan to nan"),
    (np.full((1, 2, 2), np.inf), ArgumentError, "to inf"),
    (np.full((1, 2, 2), 256), ArgumentError, "values up to 256"),
    (np.full((1, 2, 2), 1.001), ArgumentError, r"float64 values up to 1\.001, of which less than"),
    (np.full((1, 2, 2), 15.5), ArgumentError, "less than 16 levels"),
    (
        np.full((1, 2, 2), 4095, np.uint16),
        ArgumentError,
        "16 levels of grey .* with white at 65535",
    ),
    (np.full((1, 2, 2), 1j), ArgumentError, "must hold numbers, got dtype complex128"),
    (np.full((1, 2, 2), "a"), ArgumentError, "must hold numbers"),
    (np.full((1, 2, 2), None), ArgumentError, "must hold numbers, got dtype object"),
]


@pytest.mark.parametrize(("x", "error", "message"), BAD_IMAGES)
def test_images_that_are_refused(x, error, message):
    """What is not an array of images says what it is and what would do."""
    with pytest.raises(error, match=message):
        to_images(x)


@pytest.mark.parametrize(
    ("labels", "classes", "numbers", "names"),
    [
        ([3, 1, 3], None, [1, 0, 1], ("1", "3")),
        ([-1, 1], None, [0, 1], ("-1", "1")),
        (["b", "a"], None, [1, 0], ("a", "b")),
        (np.array(["b", "a"], object), None, [1, 0], ("a", "b")),
        (np.array([b"b", b"a"]), None, [1, 0], ("a", "b")),
        ([True, False], None, [1, 0], ("False", "True")),
        ([[1], [0]], None, [1, 0], ("0", "1")),
        ([0, 1], ["x", "y", "z"], [0, 1], ("x", "y", "z")),
        (["y", "x"], ["z", "y", "x"], [1, 2], ("z", "y", "x")),
        (np.array([1, 0], np.uint64), None, [1, 0], ("0", "1")),
    ],
)
def test_labels(labels, classes, numbers, names):
    """Integers, strings and names of classes become numbers from 0 and names."""
    found, found_names = encode_labels({"y": labels}, classes)
    assert found["y"].dtype == np.int64
    assert found["y"].tolist() == numbers
    assert found_names == names


BAD_LABELS = [
    ({"y": np.eye(3)}, None, ShapeError, r"one-hot labels give y\.argmax\(1\)"),
    ({"y": 3}, None, ShapeError, "must be one label an image"),
    ({"y": []}, None, ShapeError, "y holds no label"),
    ({"y": [0.0, 1.0]}, None, ArgumentError, r"float64; .* y\.astype\(int\)"),
    ({"y": [None, "a"]}, None, ArgumentError, "dtype object"),
    ({"y": ["a", 1]}, None, ArgumentError, "y mixes text and other labels"),
    ({"y": ["a", b"a"]}, None, ArgumentError, "y mixes text and other labels"),
    ({"y": [[1], [2, 3]]}, None, ShapeError, "must be one label an image"),
    ({"y": ["a", "b\ud800"]}, None, ArgumentError, "has characters that UTF-8 cannot hold"),
    ({"y": [b"a", b"\xe9"]}, None, ArgumentError, r"b'\\xe9', which is not UTF-8"),
    ({"y": np.ma.array([0, 1], mask=[0, 1])}, None, ArgumentError, "y is a masked array"),
    ({"y": [2**64 - 1]}, None, ArgumentError, r"above 2\*\*63 - 1"),
    ({"y": [0, 1], "y_val": [2]}, None, ArgumentError, "y_val has the label 2, .* 2 classes of y"),
    ({"y": [0, 1], "y_val": ["a"]}, None, ArgumentError, "y and y_val mix numbers and names"),
    (
        {"y": [0, 2]},
        ["a", "b"],
        ArgumentError,
        "y has the label 2, which is not one of the 2 classes",
    ),
    ({"y": [-1, 0]}, ["a", "b"], ArgumentError, "y has the label -1"),
    ({"y": ["c"]}, ["a", "b"], ArgumentError, "y has the label c"),
    ({"y": [0]}, ["a", "a"], ArgumentError, "classes must be different names"),
]


@pytest.mark.parametrize(("labels", "classes", "error", "message"), BAD_LABELS)
def test_labels_that_are_refused(labels, classes, error, message):
    """Labels of a wrong kind, or of no class, are named."""
    with pytest.raises(error, match=message):
        encode_labels(labels, classes)


def test_arrays_are_divided():
    """A tenth of each class validates; a test part only if asked for or given."""
    found = data.load((X, Y))
    assert found.report.counts == {"training": (18, 18), "validation": (2, 2)}
    assert found.test is None
    assert data.load([X, Y], test=0.25).report.counts["test"] == (5, 5)
    given = data.load((X, Y), validation=(X[:6], Y[:6]), test=(X[:4], Y[:4]))
    assert given.report.counts == {"training": (20, 20), "validation": (3, 3), "test": (2, 2)}
    assert np.array_equal(given.train.images, X)


def test_arrays_are_scaled_if_asked():
    """`image_size` scales all parts; else the images stay as they are."""
    found = data.load((X, Y), image_size=(4, 3))
    assert found.train.images.shape[1:] == found.validation.images.shape[1:] == (4, 3, 3)
    assert found.report.reason == "as asked"
    assert found.report.largest == (6, 5)


@pytest.mark.parametrize(
    ("source", "settings", "error", "message"),
    [
        ((X, Y[:39]), {}, ShapeError, "x has 40 images, y has 39 labels; give one label for each"),
        ((X, Y), {"test": (X[:, :5], Y)}, ShapeError, r"x_test has images \(5, 5, 3\), x has"),
        ((X, Y * 0), {}, FileError, "only one class, '0'"),
        ((X[:3], Y[:3]), {}, FileError, "too few images to hold some out"),
        ((X, Y), {"samples": 1}, ArgumentError, "samples is 1, fewer than the 2 classes"),
        ((X, Y), {"validation": (X, Y + 1)}, ArgumentError, "y_val has the label 2"),
        (X, {}, ArgumentError, "source must be a folder, .* got ndarray"),
        (("a", "b"), {}, ArgumentError, "source must be"),
    ],
)
def test_arrays_that_do_not_fit(source, settings, error, message):
    """Arrays that do not fit together are named."""
    with pytest.raises(error, match=message):
        data.load(source, **settings)


def test_npz_is_read_like_arrays(tmp_path):
    """x and y, or Keras' x_train and y_train, with the parts that are there."""
    np.savez(tmp_path / "a.npz", x=X, y=Y, classes=["cat", "dog"])
    found = data.load(tmp_path / "a.npz")
    assert found.classes == ("cat", "dog")
    assert found.report.counts == {"training": (14, 14), "validation": (3, 3), "test": (3, 3)}
    arrays = {"x_train": X, "y_train": Y, "x_test": X[:4], "y_test": Y[:4]}
    np.savez_compressed(tmp_path / "b.npz", **arrays)
    found = data.load(str(tmp_path / "b.npz"))
    assert np.array_equal(found.test.images, X[:4])
    np.savez(tmp_path / "c.npz", x=X, y=Y, x_val=X[:2], y_val=Y[:2], other=np.array([{}]))
    assert np.array_equal(data.load(tmp_path / "c.npz").validation.images, X[:2])


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def with_header(header: str, version: int = 1) -> bytes:
    """An .npz file whose x has this header and ten bytes of data."""
    text = header.encode().ljust(117) + b"\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        content = (
            b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2, "little") + text + bytes(10)
        )
        archive.writestr("x.npy", content)
        archive.writestr("y.npy", content)
    return file.getvalue()


HEADER = "{'descr': %s, 'fortran_order': False, 'shape': %s}"
BAD_NPZ = {
    "text": (b"x, y", "is not an .npz file, or damaged"),
    "empty": (b"", "is not an .npz file, or damaged"),
    "cut": (npz({"x": X, "y": Y})[:-100], "is not an .npz file, or damaged"),
    "objects": (npz({"x": X, "y": np.array([{}, 1], object)}), "has Python objects in y.npy"),
    "no y": (npz({"x": X}), r"has no array 'y' \(it has x\); add it"),
    "nothing": (npz({"a": X}), r"has no array 'x' \(it has neither x nor y\)"),
    "no y_val": (npz({"x": X, "y": Y, "x_val": X}), "has no array 'y_val'"),
    "no x_test": (npz({"x": X, "y": Y, "y_test": Y}), "has no array 'x_test'"),
    "huge": (with_header(HEADER % ("'|u1'", (10**12,))), "has x.npy cut short or too long"),
    "negative": (with_header(HEADER % ("'|u1'", (-2, -5))), "is damaged"),
    "code": (with_header("__import__('os').abort()"), "is damaged"),
    "pickle": (with_header(HEADER % ("'|O'", (1,))), "has Python objects in x.npy"),
    "version": (with_header("", 7), r"x\.npy in version \(7, 0\)"),
    "changed": (npz({"x": X, "y": Y}).replace(X.tobytes(), X.tobytes()[::-1]), "damaged"),
}


@pytest.mark.parametrize("name", BAD_NPZ)
def test_npz_that_is_refused(tmp_path, name):
    """Damaged files, objects and missing arrays end in one sentence with the file's name."""
    content, message = BAD_NPZ[name]
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message) as caught:
        data.load(path)
    assert str(caught.value).startswith(str(path))


def test_npz_bombs_do_not_explode(tmp_path):
    """A small file of many zeros is refused by its sizes; the limit can be set."""
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1000, 100, 100), np.uint8), y=np.arange(9))
    assert (tmp_path / "a.npz").stat().st_size < 100_000
    with pytest.raises(LimitError, match="the limit is 1,000,000; raise memory_limit"):
        data.load(tmp_path / "a.npz", memory_limit=1_000_000)


KINDS = {
    "bytes": (np.uint8, None, [0, 128, 255], [0, 128, 255]),
    "booleans": (np.bool_, 1, [0, 1, 1], [0, 255, 255]),
    "shares": (np.float32, 1, [0, 128 / 255, 1], [0, 128, 255]),
    "half floats": (np.float16, 1, [0, 0.5, 1], [0, 128, 255]),
    "floats": (np.float64, 255, [0, 128, 255], [0, 128, 255]),
    "integers": (np.int64, 255, [0, 128, 255], [0, 128, 255]),
    "small integers": (np.int8, 255, [0, 100, 127], [0, 100, 127]),
    "16 bits": (np.uint16, 65535, [0, 128 * 257, 65535], [0, 128, 255]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_later_arrays_are_read_by_the_white_of_the_first(kind):
    """Dark images alone mean what they meant among the others, whatever their own range."""
    dtype, white, values, expected = KINDS[kind]
    x = np.array(values, dtype).reshape(3, 1, 1, 1)
    assert find_white(x) == white
    together = to_bytes(x, white)
    alone = np.concatenate([to_bytes(x[n : n + 1], white) for n in range(3)])
    assert together.ravel().tolist() == alone.ravel().tolist() == expected


@pytest.mark.parametrize("white", [None, 1, 255, 65535])
def test_bytes_and_booleans_say_themselves_what_they_mean(white):
    """uint8 and bool are read alike for every network, and black is black in every kind."""
    assert to_bytes(np.array([[[[7]]]], np.uint8), white).ravel().tolist() == [7]
    assert to_bytes(np.array([[[[True]]]]), white).ravel().tolist() == [255]
    for dtype in (np.float64, np.uint16, np.int32):
        assert to_bytes(np.zeros((1, 2, 2, 1), dtype), white).max() == 0


@pytest.mark.parametrize(
    ("white", "x", "message"),
    [
        (None, np.full((1, 1, 1, 1), 0.7), r"float64 values up to 0\.7, .* 1 or 255 here"),
        (None, np.full((1, 1, 1, 1), 200, np.uint16), "white may be 255 or 65535 here; give uint8"),
        (None, np.full((1, 1, 1, 1), 1.5), "16 levels"),
        (1, np.full((1, 1, 1, 1), 1.5), r"up to 1\.5; the images for training were in \[0, 1\]"),
        (1, np.full((1, 1, 1, 1), 2, np.int64), r"were in \[0, 1\]"),
        (255, np.full((1, 1, 1, 1), 300, np.uint16), r"were in \[0, 255\]"),
        (65535, np.full((1, 1, 1, 1), 300.0), "holds floats, the images for training had 16 bits"),
        (65535, np.full((1, 1, 1, 1), 70000), r"were in \[0, 65535\]"),
    ],
)
def test_numbers_that_may_mean_two_things_are_refused(white, x, message):
    """Beside other images for training, their range says nothing."""
    with pytest.raises(ArgumentError, match=message):
        to_bytes(x, white)


def test_all_parts_are_read_as_the_first():
    """A validation part that is all dark stays dark, of floats and of 16 bits."""
    dark = np.ones((4, 6, 5, 3))
    for x, part in (
        (X.astype(float), dark),
        (X / 255, dark / 255),
        (X * np.uint16(257), dark.astype(np.uint16) * 257),
    ):
        found = data.load((x, Y), validation=(part, [0, 1, 0, 1]))
        assert np.array_equal(np.unique(found.validation.images), [1])
        assert np.array_equal(found.train.images, X)
    with pytest.raises(ArgumentError, match=r"x_val has float64 values up to 0\.003"):
        data.load((X, Y), validation=(dark / 255, [0, 1, 0, 1]))


def test_what_may_be_one_image_needs_to_be_said():
    """Three axes that end in 1 or 3 are many images if there are as many labels, or of the size."""
    for shape in ((28, 20, 3), (28, 20, 1), (3, 3, 3), (1, 1, 1)):
        x = np.zeros(shape, np.uint8)
        with pytest.raises(ShapeError, match=r"give x\[None\] for one"):
            take_images(x)
        assert take_images(x, count=shape[0]).shape == (*shape, 1)
        assert take_images(x, size=shape[1:]).shape == (*shape, 1)
    narrow = data.load((np.arange(80, dtype=np.uint8).reshape(20, 4, 1), np.arange(20) % 2))
    assert narrow.train.images.shape == (18, 4, 1, 1)
    with pytest.raises(ShapeError, match=r"x is \(28, 20, 3\), one image"):
        data.load((np.zeros((28, 20, 3)), [1]))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([7, -1, 200]),
        np.array([7, 1, 200], np.uint8),
        np.array([True, False]),
        np.array(["b", "a", "Käfer"]),
        np.array(["b", "a"], object),
        np.array([b"b", "ä".encode()]),
        np.array(["b", "a"], np.dtypes.StringDType()),
        [[3], [1]],
    ],
)
def test_labels_come_back_from_their_names(labels):
    """The values of the classes, their names and the name of their type are one thing."""
    values = label_values(labels)
    numbers, names = encode_labels({"y": labels})
    assert names == names_of(values)
    assert np.array_equal(values[numbers["y"]], np.ravel(labels))
    again = values_of(names, label_kind(values))
    assert again.dtype == values.dtype
    assert np.array_equal(again, values)


@pytest.mark.parametrize(
    ("names", "kind"),
    [(["a"], "int64"), (["300"], "uint8"), (["no"], "bool"), (["1"], "float64"), (["1"], "\x1b")],
)
def test_names_that_are_no_labels(names, kind):
    """A file whose classes are not of the type that it says is refused."""
    with pytest.raises(FileError, match=r"are not labels of type .*; save the network again"):
        values_of(names, kind)
