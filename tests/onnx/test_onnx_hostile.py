"""Files that break the rules: one sentence, the right error, nothing computed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_hostile_files import DAMAGED_TAGS, ROWS, local
from onnx_hostile_models import base, chain, node
from onnx_hostile_outside import outside

from allconv import functional as F
from allconv import nn
from allconv.errors import Error, FileError, LimitError, UnsupportedError
from allconv.onnx import load, save
from allconv.operators.correlate import CorrelateTranspose
from allconv.window import Window
from onnx import helper
from tiers import slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with decoys beside and above it."""
    (tmp_path / "decoy").write_bytes(b"DECOYDECOY" * 100)
    below = tmp_path / "models"
    below.mkdir()
    (below / "good").write_bytes(np.arange(18, dtype="f").tobytes())
    (below / "link").symlink_to(tmp_path / "decoy")
    (below / "up").symlink_to(tmp_path)
    (below / "loop").symlink_to("loop")
    (below / "around").symlink_to("folder/../../decoy")
    (below / "folder").mkdir()
    os.link(tmp_path / "decoy", below / "twin")
    os.mkfifo(below / "pipe")
    return below


@pytest.mark.parametrize("name", ROWS)
def test_hostile_files(name: str, folder: Path) -> None:
    """Each is refused in one sentence that names the file and the fault, and shows no decoy."""
    make, kind, message = ROWS[name]
    path = folder / "model.onnx"
    path.write_bytes(make().SerializeToString())
    with pytest.raises(kind, match=message) as raised:
        load(path)
    told = str(raised.value)
    assert told.startswith(f"{path}: ")
    assert "\n" not in told
    assert "DECOY" not in told
    assert len(told) < 600 + len(str(path))


@pytest.mark.parametrize("name", DAMAGED_TAGS)
def test_damaged_tags_change_nothing(name: str) -> None:
    """A file whose tag does not fit its nodes is the same network as without a tag."""
    made = local(DAMAGED_TAGS[name])()
    net = load(made)
    for each in made.graph.node:
        del each.metadata_props[:]
    x = np.random.default_rng(3).standard_normal((2, 1, 4)).astype(np.float32)
    assert np.array_equal(net(x), load(made)(x))


def test_tensors_beside_the_file(folder: Path) -> None:
    """A plain file below the folder is read, from an offset too."""
    path = folder / "model.onnx"
    path.write_bytes(outside(("location", "good"), ("length", "72"))().SerializeToString())
    np.testing.assert_array_equal(load(path).parameters()["0.weight"].ravel(), np.arange(18))
    (folder / "folder" / "deep").write_bytes(bytes(8) + np.arange(18, dtype="f").tobytes())
    entries = (("location", "folder/deep"), ("offset", "8"))
    path.write_bytes(outside(*entries)().SerializeToString())
    np.testing.assert_array_equal(load(path).parameters()["0.weight"].ravel(), np.arange(18))
    with pytest.raises(LimitError, match="size_limit"):
        load(path, size_limit=71)


@pytest.mark.parametrize(
    "target", ["good", "folder/good", "folder/../good", "./folder/./good", "{}/good", "{}/other"]
)
def test_links_inside_the_folder(target: str, folder: Path) -> None:
    """A link to a file below the same folder is followed, to a folder and through links, too."""
    path, link = folder / "model.onnx", folder / "weights"
    path.write_bytes(outside(("location", "weights"))().SerializeToString())
    (folder / "folder" / "good").write_bytes((folder / "good").read_bytes())
    (folder / "other").symlink_to("folder/good")
    link.symlink_to(target.format(folder.resolve()))
    np.testing.assert_array_equal(load(path).parameters()["0.weight"].ravel(), np.arange(18))
    (folder / "below").symlink_to("folder")
    path.write_bytes(outside(("location", "below/good"))().SerializeToString())
    np.testing.assert_array_equal(load(path).parameters()["0.weight"].ravel(), np.arange(18))


def test_parameters_whose_names_are_no_text(tmp_path: Path) -> None:
    """The name of a parameter that is no UTF-8 is text with escapes, and can be written again."""
    path, again = tmp_path / "model.onnx", tmp_path / "again.onnx"
    net = nn.Sequential(nn.Linear(3, 2))
    save(net, path, (None, 3))
    path.write_bytes(path.read_bytes().replace(b"0.weight", b"0.w\xffight"))
    back = load(path)
    assert sorted(back.parameters()) == ["0.bias", "0.w\\xffight"]
    save(back, again, (None, 3))
    assert load(again).parameters().keys() == back.parameters().keys()


def test_places_that_are_no_text(folder: Path) -> None:
    """A name of a file beside the model, a key or a class that is no UTF-8 is shown, or not met."""
    path = folder / "model.onnx"
    made = outside(("location", "goodgood"))()
    made.metadata_props.add(key="allconv.classes", value="goodgood")
    made.metadata_props.add(key="goodgood", value="goodgood")
    path.write_bytes(made.SerializeToString().replace(b"goodgood", b"good\xff\xff\xff\xff"))
    with pytest.raises(FileError, match="is not a name below the file"):
        load(path)
    made.graph.initializer[0].external_data[0].value = "good"
    path.write_bytes(made.SerializeToString().replace(b"goodgood", b"good\xff\xff\xff\xff"))
    with pytest.raises(FileError, match="classes are not a list of texts"):
        load(path)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """A name that is no UTF-8, however long, is shown in the message."""
    path = tmp_path / "model.onnx"
    made = chain(node("Relu", "x" * 100)).SerializeToString()
    path.write_bytes(made.replace(b"x" * 100, b"\xff" + b"x" * 99))
    with pytest.raises(FileError, match=r"needs '\\xffx+[.]{3}', which nothing before it makes"):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an ONNX model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not an ONNX model"),
        (b"hello, this is text\n" * 20, "not an ONNX model"),
        (base().SerializeToString()[:-40], "not an ONNX model"),
        (bytes(1000), "not an ONNX model"),
    ],
)
def test_files_of_another_kind(content: bytes, message: str, tmp_path: Path) -> None:
    """What is no ONNX file is refused."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        load(path)


def test_paths_that_are_no_files(folder: Path) -> None:
    """A missing path, a folder, a pipe and a file above the limit are refused."""
    rows = [
        ("gone", "cannot be opened"),
        ("folder", "this is not a file"),
        ("pipe", "this is not a file"),
    ]
    for name, message in rows:
        with pytest.raises(FileError, match=message):
            load(folder / name)
    with pytest.raises(FileError, match="not a legal name"):
        load("a\0b")
    with pytest.raises(LimitError, match="72 bytes, the limit is 10"):
        load(folder / "good", size_limit=10)


@pytest.mark.slow
def test_long_chains(tmp_path: Path) -> None:
    """A chain of ten thousand nodes is read without recursion; above the limit it is refused."""
    links = [helper.make_node("Relu", [f"v{n}"], [f"v{n + 1}"]) for n in range(10_000)]
    first, last = helper.make_node("Neg", ["x"], ["v0"]), node("Neg", "v10000")
    path = tmp_path / "model.onnx"
    path.write_bytes(chain(first, *links, last).SerializeToString())
    assert len(load(path).model.nodes) == 10_002
    model = chain(node("Relu", "x"))
    model.graph.node.extend([model.graph.node[0]] * 100_000)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(LimitError, match="100,001 nodes"):
        load(path)


def test_mutations(tmp_path: Path) -> None:
    """Bytes changed at random give a network or an error of ours, never anything else."""
    draw = np.random.default_rng(0)
    seeds = [base().SerializeToString(), local(lambda m: None)().SerializeToString()]
    path, refused = tmp_path / "model.onnx", 0
    for _ in range(600):
        data = bytearray(seeds[draw.integers(2)])
        for _ in range(draw.integers(1, 7)):
            where, kind = draw.integers(len(data)), draw.integers(3)
            if kind == 0:
                data[where] = draw.integers(256)
            elif kind == 1:
                del data[where : where + draw.integers(1, 9)]
            else:
                data[where:where] = (b"\xff\xff\xff\xff\x0f", b"\0", data[:16])[draw.integers(3)]
        path.write_bytes(data)
        told = ""
        try:
            load(path)
        except Error as error:
            told = str(error)
        refused += bool(told)
        assert not re.search(r"[\x00-\x1f\x7f]", told)
    assert refused > 300


def test_saving_refuses(tmp_path: Path) -> None:
    """What cannot be written is refused by name, and no file is left."""
    path = tmp_path / "model.onnx"
    net = nn.Linear(3, 2)
    rows: list[tuple[Any, dict[str, Any], str]] = [
        ((None, None), {}, "only the batch"),
        ((), {}, "shape is"),
        ((None, 3), {"input_name": "weight"}, "a parameter's"),
        ((None, 3), {"output_name": "input"}, "are both"),
        ((None, 4), {}, "in_features is 3"),
    ]
    for shape, names, message in rows:
        with pytest.raises(Error, match=message):
            save(net, path, shape, **names)
    with pytest.raises(UnsupportedError, match="cross_entropy is a loss"):
        save(lambda x: F.cross_entropy(x, np.zeros(2, np.int64)), path, (2, 3))
    spread = CorrelateTranspose(Window.forward((4,), (3,), input_dilation=(2,)))
    with pytest.raises(UnsupportedError, match="input_dilation"):
        save(lambda y: spread(y[:, :1, :3], y), path, (2, 2, *spread.window.output))
    with pytest.raises(FileError, match="cannot be written"):
        save(net, tmp_path / "gone" / "model.onnx", (None, 3))
    assert list(tmp_path.iterdir()) == []


def test_saving_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old file stays and nothing is left beside it."""
    path, net = tmp_path / "model.onnx", nn.Linear(3, 2)
    save(net, path, (None, 3))
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="no space left on device; free some space"):
        save(nn.Linear(3, 5), path, (None, 3))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


@slow
def test_imports() -> None:
    """The package and its networks load without onnx."""
    code = "import sys, allconv, allconv.nn; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
