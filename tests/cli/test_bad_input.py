"""What users give that cannot be right: a sentence, an exit status, and nothing left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from data import making

from .conftest import QUICK, photos
from .running import Result, done, run, run_apart, run_on_small_disk


@dataclass(frozen=True)
class Row:
    """One mistake: what is there (files are made in the current folder), what is called, what is
    said. `{run}` in the arguments is a finished run."""

    name: str
    arguments: str
    status: int
    says: tuple[str, ...]
    files: Callable[[Path], object] = lambda folder: None
    runner: Callable[..., Result] = run
    settings: tuple[tuple[str, str], ...] = ()


def _one_class(folder: Path) -> None:
    making.class_folders(folder / "photos", {"cats": 5})


def _with(name: str, content: bytes) -> Callable[[Path], object]:
    """Photographs with one file that is none."""

    def make(folder: Path) -> None:
        photos(folder / "photos", 6)
        (folder / "photos" / "dark" / name).write_bytes(content)

    return make


def _with_huge(folder: Path) -> None:
    photos(folder / "photos", 6)
    making.png_header(folder / "photos" / "dark" / "huge.png", 20_000, 20_000)


def _only_broken(folder: Path) -> None:
    for name in ("cats", "dogs"):
        (folder / "photos" / name).mkdir(parents=True)
        (folder / "photos" / name / "1.jpg").write_bytes(b"\xff\xd8\xff broken")


def _idx(images: int, labels: int, cut: int = 0) -> Callable[[Path], object]:
    """MNIST's files, with so many images and labels, and bytes missing at the end."""

    def make(folder: Path) -> None:
        (folder / "mnist").mkdir()
        pixels = making.idx(np.zeros((images, 8, 8), np.uint8))
        (folder / "mnist" / "train-images-idx3-ubyte").write_bytes(pixels[: len(pixels) - cut])
        numbers = making.idx(np.arange(labels, dtype=np.uint8) % 2)
        (folder / "mnist" / "train-labels-idx1-ubyte").write_bytes(numbers)

    return make


def _npz(**arrays: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: np.savez(folder / "data.npz", **arrays)


def _cut_npz(folder: Path) -> None:
    np.savez(folder / "data.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    whole = (folder / "data.npz").read_bytes()
    (folder / "data.npz").write_bytes(whole[: len(whole) // 2])


def _no_model(folder: Path) -> None:
    making.save(folder / "a.png", making.pattern(8, 8))
    (folder / "model.onnx").write_bytes(b"this is a letter, not a network")


def _options(**changes: object) -> Callable[[Path], object]:
    """Change the options that a run was made with, as if it had been another."""

    def make(folder: Path) -> None:
        path = folder / "run" / "options.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return make


def _cut_checkpoint(folder: Path) -> None:
    path = folder / "run" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _photos(folder: Path) -> None:
    photos(folder / "photos", 6)


def _file(folder: Path) -> None:
    (folder / "file").write_text("a file, no folder")


IMAGES = np.zeros((20, 8, 8), np.uint8)
LABELS = np.arange(20) % 2
OBJECTS = np.array([{"a": 1}] * 20, object)

ROWS = [
    Row("empty folder", "train photos", 1, ("photos",), lambda f: (f / "photos").mkdir()),
    Row("no folder", "train photos", 1, ("photos: no such file or folder",)),
    Row("one class", "train photos", 1, ("only one class, 'cats'", "two or more"), _one_class),
    Row("all images broken", "train photos", 1, ("photos", "unreadable"), _only_broken),
    Row(
        "a corrupt image, strictly", "train photos --strict", 1,
        ("bad.png", "without strict"), _with("bad.png", b"\x89PNG\r\n\x1a\n and no more"),
    ),
    Row(
        "a HEIC image, strictly", "train photos --strict", 1,
        ("IMG_1.heic", "HEIC", "JPEG"), _with("IMG_1.heic", b"\0\0\0\x18ftypheic" + bytes(30)),
    ),
    Row(
        "an image of 20,000 x 20,000, strictly", "train photos --strict", 1,
        ("huge.png", "20000 x 20000", "100,000,000"), _with_huge,
    ),
    Row("a truncated IDX file", "train mnist", 1, ("train-images",), _idx(20, 20, cut=100)),
    Row("labels that do not match", "train mnist", 1, ("20", "19"), _idx(20, 19)),
    Row("a truncated npz file", "train data.npz", 1, ("data.npz",), _cut_npz),
    Row("an npz file with pickles", "train data.npz", 1, ("data.npz",), _npz(x=IMAGES, y=OBJECTS)),
    Row("an npz file without labels", "train data.npz", 1, ("data.npz", "y"), _npz(x=IMAGES)),
    Row(
        "an npz file with too few labels", "train data.npz", 1, ("20", "19"),
        _npz(x=IMAGES, y=LABELS[:-1]),
    ),
    Row("a model of text", "predict model.onnx a.png", 1, ("not an ONNX model",), _no_model),
    Row("a model that is not there", "predict model.onnx a.png", 1, ("model.onnx",)),
    Row("a network of no such name", "inspect lenet", 2, ("lenet", "convnet")),
    Row("no image", "predict {run}/model.onnx", 2, ("IMAGE", "predict --help")),
    Row(
        "an empty folder of images", "predict {run}/model.onnx photos", 1, ("holds no image",),
        lambda f: (f / "photos").mkdir(),
    ),
    Row(
        "preprocessing that the file has", "predict {run}/model.onnx a.png --size 8", 2,
        ("--size", "leave"),
    ),
    Row(
        "a checkpoint of another network", "train --resume run", 1, ("another network",),
        _options(model="local"),
    ),
    Row(
        "a checkpoint that is cut", "train --resume run", 1, ("not a usable checkpoint",),
        _cut_checkpoint,
    ),
    Row(
        "a run of no such kind", "train --resume run", 1, ("options.json", "--epochs"),
        _options(epochs=0),
    ),
    Row(
        "options of another version", "train --resume run", 1, ("options.json",),
        _options(speed=3),
    ),
    Row("other options than before", "train --resume run --lr 0.5", 2, ("--lr", "not set")),
    Row("other data than before", "train photos --resume run", 2, ("other", "data"), _photos),
    Row("no run to resume", "train --resume nowhere", 1, ("nowhere holds no run",)),
    Row("resume and out", "train --resume run --out other", 2, ("--out", "--resume")),
    Row(
        "a full disk while saving", "train photos --model plain --epochs 1", 1,
        ("cannot be written", "last.safetensors"), _photos, run_on_small_disk,
    ),
    Row("an out folder below a file", "train photos --out file/run", 1, ("file/run", "--out"),
        lambda f: (_photos(f), _file(f))),
    Row(
        "an unwritable cache folder", "cache", 0, ("warning", "not kept on disk"), _file,
        settings=(("ALLCONV_CACHE", "file/cache"),),
    ),
    Row(
        "a wrong number of threads outside", "train photos", 2, ("ALLCONV_THREADS", "'many'"),
        _photos, run_apart, (("ALLCONV_THREADS", "many"),),
    ),
    Row(
        "images too small for the network", "train photos --model local --image-size 5", 2,
        ("--image-size", "7 x 7"), _photos,
    ),
    Row("a learning rate too large", "train photos --lr 1e30 --optimizer sgd --no-augment", 1,
        ("smaller --lr than",), _photos),
    Row("no such command", "tarin photos", 2, ("no such command 'tarin'", "--help")),
    Row("no such option", "train --epoch 3", 2, ("--epoch",)),
    Row("two folders", "train photos more", 2, ("more", "--help")),
    Row("epochs 0", "train --epochs 0", 2, ("--epochs is 0", "at least 1")),
    Row("epochs in words", "train --epochs ten", 2, ("--epochs is ten", "whole number")),
    Row("batch size 0", "train --batch-size 0", 2, ("--batch-size is 0",)),
    Row("learning rate nan", "train --lr nan", 2, ("--lr is nan", "above 0")),
    Row("learning rate 0", "train --lr 0", 2, ("--lr is 0", "above 0")),
    Row("weight decay below 0", "train --weight-decay -1", 2, ("--weight-decay is -1",)),
    Row("label smoothing 1", "train --label-smoothing 1", 2, ("--label-smoothing is 1", "below 1")),
    Row("clip -1", "train --clip -1", 2, ("--clip is -1",)),
    Row("patience 0", "train --patience 0", 2, ("--patience is 0",)),
    Row("threads 0", "train --threads 0", 2, ("--threads is 0", "1 to 1024")),
    Row("image size 3", "train --image-size 3", 2, ("--image-size is 3", "4 to 4096")),
    Row("image size of three", "train --image-size 8x8x3", 2, ("8x8x3", "HEIGHTxWIDTH")),
    Row("samples 0", "train --samples 0", 2, ("--samples is 0",)),
    Row("samples below the classes", "train --samples 3", 2, ("3", "10"),),
    Row("seed below 0", "train --seed -1", 2, ("--seed is -1",)),
    Row("seed too large", f"train --seed {2**63}", 2, ("--seed is",)),
    Row("pixel limit 0", "train --pixel-limit 0", 2, ("--pixel-limit is 0",)),
    Row("no such network", "train --model resnet", 2, ("--model is resnet", "convnet")),
    Row("no such optimizer", "train --optimizer lion", 2, ("--optimizer is lion", "adamw")),
    Row("top 0", "predict {run}/model.onnx a.png --top 0", 2, ("--top is 0",)),
    Row("mean in words", "predict {run}/model.onnx a.png --mean grey", 2, ("--mean is grey",)),
    Row("compare one that is none", "compare --model resnet", 2, ("--model is resnet",)),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_mistakes_are_told_in_a_sentence(
    row: Row, tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that names the thing, the right status, no traceback, the folder as it was."""
    if "--resume run" in row.arguments:
        shutil.copytree(finished / "run", tmp_path / "run")
    row.files(tmp_path)
    for name, value in row.settings:
        monkeypatch.setenv(name, value)
    before = making.tree(tmp_path)
    result = row.runner(*row.arguments.format(run=finished / "run").split())
    assert result.status == row.status
    assert len(result.said) == 1
    (said,) = result.said
    assert said.startswith("allconv")
    assert "fault of allconv" not in said
    for words in row.says:
        assert words in said
    assert making.tree(tmp_path) == before


def test_quick_options_are_right(finished: Path) -> None:
    """The run that the mistakes are made with is a good one, so that nothing else is refused."""
    assert (finished / "run" / "model.onnx").exists()
    done("train", finished / "photos", *QUICK)
