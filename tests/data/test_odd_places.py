"""Places that are no files, and files that claim more than they hold: one sentence, at once."""

from __future__ import annotations

import io
import os
import socket
import struct
import tracemalloc
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from allconv import data
from allconv.data import read_idx, read_image
from allconv.data.listing import expand
from allconv.errors import ArgumentError, Error, FileError, LimitError

from . import making

OPENERS = {
    "image": lambda path: read_image(path, 3),
    "preprocess": lambda path: data.Preprocess(8, 8, 1, (0.5,), (0.5,)).load(str(path)),
    "idx": read_idx,
    "npz": data.load,
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "circle", "link to a device"])
def test_nobody_waits(tmp_path, opener, kind):
    """Wherever a file is read, what is none is refused."""
    path = tmp_path / "x.npz"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    else:
        path = type(path)("/dev/zero")
    with pytest.raises(FileError, match=r"is a (pipe|socket|device|symbolic link)|no such file"):
        OPENERS[opener](path)


@pytest.mark.parametrize("kind", ["pipe", "socket", "circle"])
def test_in_the_place_of_a_set(tmp_path, kind):
    """Among class folders, IDX files and images they are told, and the rest is read."""
    making.class_folders(tmp_path, {"a": 8, "b": 8})
    for place in ("a/x.png", "a/x.txt", "train-images-idx3-ubyte", "c"):
        path = tmp_path / place
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "circle":
            path.symlink_to(path)
        else:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
    found = data.load(tmp_path)
    assert found.classes == ("a", "b")
    reasons = dict(found.report.unreadable)
    assert reasons == dict.fromkeys(("a/x.png", "a/x.txt"), "is not a file that can be read")


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("", ArgumentError, "source is an empty name"),
        ("a\0b", FileError, r"^a\\x00b"),
        ("a\nb", FileError, r"^a\\nb: no such file or folder"),
        ("\x1b[2J", FileError, r"^\\x1b\[2J: no such file or folder"),
        ("x" * 5000, FileError, "cannot be looked up"),
        ("/dev/zero", FileError, "is a device, not a folder of images"),
        (b"photos", ArgumentError, "got bytes"),
        (3, ArgumentError, "got int"),
    ],
)
def test_sources_that_are_none(tmp_path, monkeypatch, source, error, message):
    """Never the current folder, and one printable sentence."""
    monkeypatch.chdir(making.class_folders(tmp_path, {"a": 8, "b": 8}))
    with pytest.raises(error, match=message) as caught:
        data.load(source)
    assert str(caught.value).isprintable()


def test_expand(tmp_path, monkeypatch):
    """Files stand for themselves, folders for their images, patterns for what they match."""
    monkeypatch.chdir(making.class_folders(tmp_path, {"a": 3, "b": 2}))
    (tmp_path / "b" / "notes.txt").write_text("text")
    making.save(tmp_path / "a[1].png", making.pattern(4, 4))

    def names(*places):
        return [path.as_posix() for path in expand(places).images]

    every = ["a/000.png", "a/001.png", "a/002.png", "b/000.png", "b/001.png"]
    assert names("a", "b") == names("a/*.png", "b") == names("*/*.png") == names("?") == every
    assert names("**/*.png") == sorted([*every, "a[1].png"])
    assert names("b/000.png", "none.png", "a/00[02].png") == [
        *("b/000.png", "none.png", "a/000.png", "a/002.png")
    ]
    assert names("a[1].png") == ["a[1].png"]
    assert names("b/notes.txt") == ["b/notes.txt"]
    assert len(names("**")) == 6 + 1  # what a pattern names is meant, as after a shell
    (tmp_path / "c").mkdir()
    for place, error, message in (
        ("", ArgumentError, "the name of an image is empty"),
        ("*.jpg", FileError, r"\*\.jpg: no file has a name like this"),
        ("c", FileError, "c holds no image"),
    ):
        with pytest.raises(error, match=message):
            names(place)


def members(**arrays: tuple[str, object, bytes]) -> bytes:
    """An .npz file of members with these dtypes, shapes and bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, (dtype, shape, content) in arrays.items():
            text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}"
            head = text.encode().ljust(117) + b"\n"
            start = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little")
            archive.writestr(f"{name}.npy", start + head + content)
    return file.getvalue()


def claiming(content: bytes, size: int, packed: int | None = None) -> bytes:
    """An .npz file whose directory says that its last member has so many bytes."""
    start = content.rindex(b"PK\x01\x02")
    changed = bytearray(content)
    changed[start + 24 : start + 28] = struct.pack("<I", size)
    if packed is not None:
        changed[start + 20 : start + 24] = struct.pack("<I", packed)
    return bytes(changed)


ONE = members(x=("|u1", (2, 2, 2), bytes(8)), y=("|u1", (2,), bytes(2)))
CLAIMS = {
    "elements": members(x=("|u1", (2**60,), bytes(8)), y=("|u1", (2,), bytes(2))),
    "product": members(x=("<f8", (2**31, 2**31, 2), bytes(8)), y=("|u1", (2,), bytes(2))),
    "beyond": members(x=("|u1", (2**70,), b""), y=("|u1", (2,), bytes(2))),
    "nothing": members(x=("|u1", (0, 2**62, 2**62), b""), y=("|u1", (0,), b"")),
    "no size": members(x=("|V0", (2**60,), b""), y=("|u1", (2,), bytes(2))),
    "negative": members(x=("|u1", (-2, -4), bytes(8)), y=("|u1", (2,), bytes(2))),
    "float": members(x=("|u1", (8.0,), bytes(8)), y=("|u1", (2,), bytes(2))),
    "nested": members(x=("|u1", "(" * 5000, bytes(8)), y=("|u1", (2,), bytes(2))),
    "directory": claiming(ONE, 2**32 - 2),
    "directory, both": claiming(ONE, 2**31, 2**31),
    "packed": claiming(ONE, 10**6, 10**6),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_npz_that_claims_more_than_it_holds(tmp_path, name):
    """Refused before memory is taken, however much may be."""
    (tmp_path / "a.npz").write_bytes(CLAIMS[name])
    tracemalloc.start()
    for limit in (2**30, 2**62):
        with pytest.raises(Error, match=r"a\.npz: ") as caught:
            data.load(tmp_path / "a.npz", memory_limit=limit)
        assert str(caught.value).isprintable()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "shape", [(2**32 - 1,) * 3, (2**32 - 1,) * 8, (0, *(2**32 - 1,) * 3), (1, 2**32 - 1)]
)
def test_idx_that_claims_more_than_it_holds(tmp_path, shape):
    """No array of this shape is made, of nothing either."""
    head = bytes([0, 0, 14, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    (tmp_path / "a").write_bytes(head)
    with pytest.raises(FileError, match=r"is cut short|is not an array"):
        read_idx(tmp_path / "a", limit=2**70)


def test_full_memory_is_one_sentence(tmp_path, monkeypatch):
    """What does not fit into memory is mapped, what not there either is refused before it is."""
    making.class_folders(tmp_path, {"a": 8, "b": 8})
    x = np.arange(480, dtype=np.uint8).reshape(16, 6, 5)
    plain, mapped = (
        data.load((x, np.arange(16) % 2), image_size=12, memory_limit=limit) for limit in (10**6, 1)
    )
    assert isinstance(mapped.train.images, np.memmap)
    assert np.array_equal(plain.train.images, mapped.train.images)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    for source in ((x, np.arange(16) % 2), tmp_path):
        with pytest.raises(
            FileError, match=r"do not fit into .*smaller image_size or fewer samples"
        ):
            data.load(source, image_size=4096, memory_limit=10**6)

    empty = np.empty

    def refuse(shape, *settings, **named):
        if np.ndim(shape) and len(shape) == 4:
            raise MemoryError
        return empty(shape, *settings, **named)

    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(LimitError, match="do not fit into memory; use a smaller image_size"):
        data.load(tmp_path)
