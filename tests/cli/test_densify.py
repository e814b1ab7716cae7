"""`allconv densify`: from a classifier's file to one that slides."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from allconv import functional as F
from allconv import nn, onnx
from allconv.data import Preprocess
from allconv.operators.base import Array

from .running import done, run

CLASSES = ("a", "b", "c")


def write(path: Path, *, padding: int) -> nn.Module:
    """A classifier of colour images 10 x 8 as `allconv train` writes it."""
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=padding),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.5),
        nn.Conv2d(4, 5, 2),
        nn.GlobalAvgPool2d(),
        nn.Flatten(),
        nn.Linear(5, 3),
    )
    kind = Preprocess(10, 8, 3, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
    onnx.save(net, path, (None, 3, 10, 8), classes=CLASSES, preprocess=kind)
    return net


def pixels(*shape: int) -> Array:
    """Bytes of images (N, H, W, C)."""
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def by_crops(path: Path, x: Array, step: int) -> Array:
    """What a file says of every 10 x 8 crop of pixels, (N, classes, *P)."""
    net = onnx.load(path)
    rows, columns = range(0, x.shape[1] - 9, step), range(0, x.shape[2] - 7, step)
    answers = [[net(x[:, a : a + 10, b : b + 8]) for b in columns] for a in rows]
    return np.moveaxis(np.array(answers), (0, 1), (2, 3))


def check_program(lines: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be done next runs on a picture of 17 x 20."""
    monkeypatch.chdir(folder)
    Image.fromarray(pixels(17, 20, 3)).save("picture.png")
    space: dict[str, Array] = {}
    exec("\n".join(line.strip() for line in lines), space)  # noqa: S102 - this is what is tested
    assert space["scores"].shape == (1, 3, 4, 7)


def test_unpadded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file gives, for images of any size, the bits that the classifier gives for crops."""
    model, out = tmp_path / "model.onnx", tmp_path / "dense.onnx"
    write(model, padding=0)
    result = done("densify", model, "-o", out)
    told = result.out.splitlines()
    assert told[-6:-3] == [
        "no answer depends on padding: each is that for its part of the image alone",
        f"result: {out} takes images of 10 x 8 or larger; an answer every 2 pixels",
        "next: a map of scores (1, classes, *places) for a picture, in Python",
    ]
    check_program(told[-3:], tmp_path, monkeypatch)
    assert "gives a map, (1, 3, 1, 1) for one image" in run("predict", out, "picture.png").err
    dense = onnx.load(out)
    assert dense.classes == CLASSES
    session = ort.InferenceSession(out, providers=["CPUExecutionProvider"])
    for size in ((10, 8), (11, 13), (17, 20)):
        x = pixels(2, *size, 3)
        crops = by_crops(model, x, 2)
        assert np.array_equal(dense(x), crops)
        (theirs,) = session.run(None, {"input": x})
        np.testing.assert_allclose(theirs, crops, atol=1e-5)


def test_padded(tmp_path: Path) -> None:
    """Where the network pads, the command says by how much answers differ."""
    model, out = tmp_path / "model.onnx", tmp_path / "dense.onnx"
    write(model, padding=1)
    result = done("densify", model, "-o", out)
    assert "the network pads its images, so answers inside a larger image differ" in result.out
    x = pixels(1, 10, 8, 3)
    assert np.array_equal(onnx.load(out)(x)[..., 0, 0], onnx.load(model)(x))


def test_sizes_to_be_given(tmp_path: Path) -> None:
    """A float network says its size itself; its file takes (N, C, H, W)."""
    model, out = tmp_path / "model.onnx", tmp_path / "dense.onnx"
    net = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.Flatten(), nn.Linear(18, 3))
    onnx.save(net, model, (None, 1, 8, 8))
    done("densify", model, "-o", out)
    x = np.random.default_rng(0).standard_normal((1, 1, 13, 9)).astype(np.float32)
    crops = np.array([net(x[:, :, a : a + 8, :8]) for a in (0, 2, 4)])
    assert np.array_equal(onnx.load(out)(x)[..., 0], np.moveaxis(crops, 0, 2))


def test_refusals(tmp_path: Path) -> None:
    """A file that is there, and a network that is no classifier, are refused in one line."""
    model, out = tmp_path / "model.onnx", tmp_path / "dense.onnx"
    write(model, padding=0)
    result = run("densify", model, "-o", model)
    assert result.status == 2
    assert "is there already; give another name" in result.err
    onnx.save(nn.Sequential(nn.Conv2d(1, 2, 3)), tmp_path / "map.onnx", (None, 1, 8, 8))
    result = run("densify", tmp_path / "map.onnx", "-o", out)
    assert result.status == 1
    assert "a classifier gives (1, classes)" in result.err
    assert not out.exists()


@pytest.mark.parametrize("name", ["convnet", "all-cnn-c", "plain", "local"])
def test_networks_of_train(tmp_path: Path, name: str) -> None:
    """What `allconv train` writes for its networks can slide; its own size gives its answer."""
    model, out = tmp_path / "model.onnx", tmp_path / "dense.onnx"
    kind = Preprocess(12, 12, 1, (0.3,), (0.3,))
    net = nn.networks.build(name, 1, 12, 4)
    onnx.save(net, model, (None, 1, 12, 12), preprocess=kind)
    result = done("densify", model, "-o", out)
    assert ("parameters instead of" in result.out) == (name == "local")
    x = pixels(2, 12, 12, 1)
    np.testing.assert_allclose(onnx.load(out)(x)[..., 0, 0], onnx.load(model)(x), atol=1e-5)


def test_the_file_is_inspected(tmp_path: Path) -> None:
    """Without a size its layers are shown for the crop, with one for that; a smaller is refused."""
    model, out = tmp_path / "model.onnx", tmp_path / "dense.onnx"
    write(model, padding=1)
    done("densify", model, "-o", out)
    shown = done("inspect", out)
    assert "3 x 10 x 8" in shown.out
    assert re.search(r"\n\S+ \(Conv\) .* 3 x 1 x 1 ", shown.out)
    larger = run("inspect", out, "--size", "14x10")
    assert re.search(r"\n\S+ \(Conv\) .* 3 x 3 x 2 ", larger.out)
    smaller = run("inspect", out, "--size", "6")
    assert smaller.status == 2
    assert "does not fit" in smaller.err


class Squeezed(nn.Module):
    """Cells weighed by what is made of their means."""

    def __init__(self) -> None:
        self.conv, self.gate, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Linear(4, 3)

    def forward(self, x: Array) -> Array:
        y = self.conv(x)
        y = y * F.sigmoid(self.gate(F.adaptive_avg_pool2d(y, 1)))
        return self.last(F.max_pool2d(y, 2).mean((2, 3)))


def test_means_of_windows(tmp_path: Path) -> None:
    """Without --means it is refused and the option named; with it, it is said by how much."""
    model, out = tmp_path / "model.onnx", tmp_path / "dense.onnx"
    onnx.save(Squeezed(), model, (2, 3, 10, 8))
    refused = run("densify", model, "-o", out)
    assert refused.status == 1
    assert "(--means window) takes it over the training extent around each cell" in refused.err
    assert not out.exists()
    told = run("densify", model, "-o", out, "--means", "window").out.splitlines()
    assert told[-3].startswith("means of a whole image that the network gives back to its cells")
    net, dense = onnx.load(model), onnx.load(out)
    x = np.random.default_rng(0).standard_normal((2, 3, 10, 8)).astype(np.float32)
    np.testing.assert_allclose(dense(x)[..., 0, 0], net(x), rtol=0, atol=1e-5)
    assert dense(np.zeros((1, 3, 20, 21), np.float32)).shape == (1, 3, 6, 7)
