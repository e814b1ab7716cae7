"""`allconv predict`: against ONNX Runtime, on files that are none, and on models of others."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import allconv as ac
from allconv import nn
from allconv.data import Preprocess, read_image
from data import making

from .running import COMMAND, ESCAPE, done, run, run_apart


def softmax(y: np.ndarray) -> np.ndarray:
    """Probabilities of logits (N, classes)."""
    e = np.exp(y - y.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def images(folder: Path) -> list[Path]:
    """The photographs of a finished run."""
    return sorted(folder.rglob("*.png"))


def test_equals_onnx_runtime(finished: Path) -> None:
    """The probabilities of every image are those that ONNX Runtime computes of the same file."""
    files = images(finished / "photos")
    model = finished / "run" / "model.onnx"
    result = run("predict", model, finished / "photos", "--json", "--top", "2")
    told = [json.loads(line) for line in result.out.splitlines()]
    assert [each["file"] for each in told] == [str(path) for path in files]
    session = onnxruntime.InferenceSession(str(model))
    pixels = np.stack([read_image(path, 3, (8, 8)) for path in files])
    (logits,) = session.run(None, {session.get_inputs()[0].name: pixels})
    classes = ("bright", "dark")
    for each, wanted in zip(told, softmax(logits), strict=True):
        found = {pair["class"]: pair["probability"] for pair in each["predictions"]}
        assert np.allclose([found[name] for name in classes], wanted, rtol=0, atol=1e-5)


def test_says_the_likeliest_classes(finished: Path) -> None:
    """A line an image, in the order given: the file, then as many classes as are asked for.

    The folder of a run stands for its model.
    """
    first, second = images(finished / "photos")[:2]
    result = done("predict", finished / "run", second, first, "--top", "7")
    lines = result.out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [str(second), str(first)]
    for line in lines:
        pairs = [pair.split(" ") for pair in line.split("  ")[1].split(", ")]
        assert sorted(name for name, *_ in pairs) == ["bright", "dark"]
        assert sum(float(number) for _, number, _ in pairs) == pytest.approx(100, abs=0.2)
    assert not ESCAPE.search(result.out)


def test_unreadable_images_are_named_and_the_others_predicted(
    finished: Path, tmp_path: Path
) -> None:
    """Each on its own line on stderr; at the end how many, with status 1."""
    good = images(finished / "photos")[0]
    Path("broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    arguments = ("predict", finished / "run" / "model.onnx", "gone.png", good, "broken.jpg")
    result = run(*arguments)
    assert result.status == 1
    assert [line.split(":")[0] for line in result.said] == [
        "gone.png", "broken.jpg", "allconv predict",
    ]  # fmt: skip
    assert result.said[-1] == "allconv predict: 2 images could not be predicted, 1 could"
    assert result.out.startswith(str(good))
    told = [json.loads(line) for line in run(*arguments, "--json").out.splitlines()]
    assert [sorted(each) for each in told] == [
        ["error", "file"], ["file", "predictions"], ["error", "file"],
    ]  # fmt: skip


def test_images_above_the_limit_are_named(finished: Path, tmp_path: Path) -> None:
    """A file that says it is huge is not decoded; the limit can be set."""
    making.png_header(tmp_path / "huge.png", 20_000, 20_000)
    result = run("predict", finished / "run" / "model.onnx", "huge.png")
    assert result.status == 1
    assert "more than the limit of 100,000,000 pixels" in result.said[0]
    result = run("predict", finished / "run" / "model.onnx", "huge.png", "--pixel-limit", 10**9)
    assert "limit" not in result.said[0]


def foreign(path: Path, *layers: nn.Module) -> nn.Module:
    """A classifier that does not say how images are prepared, in a file."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GlobalAvgPool2d(), nn.Flatten(), *layers)
    net.initialize(1)
    ac.onnx.save(net, path, (None, 3, 9, 7))
    return net


SETTINGS = ("--mean", "0.5,0.4,0.3", "--std", "0.2,0.2,0.25")


@pytest.mark.parametrize("is_softmax", [False, True])
def test_models_of_others_need_mean_and_std(is_softmax: bool, tmp_path: Path) -> None:
    """Numbers for classes; probabilities whether the network ends with softmax or before it."""
    net = foreign(tmp_path / "model.onnx", nn.Linear(4, 5), *[nn.Softmax(1)] * is_softmax)
    making.save(tmp_path / "a.png", making.pattern(30, 20))
    refused = run("predict", "model.onnx", "a.png")
    assert refused.status == 2
    assert "give --preset, or --mean and --std (--preset imagenet" in refused.said[0]
    result = done("predict", "model.onnx", "a.png", *SETTINGS, "--json", "--top", "5")
    pairs = json.loads(result.out)["predictions"]
    preprocess = Preprocess(9, 7, 3, (0.5, 0.4, 0.3), (0.2, 0.2, 0.25))
    y = net(preprocess.apply(read_image(tmp_path / "a.png", 3, (9, 7))[None]))
    wanted = y if is_softmax else softmax(y)
    found = [next(p["probability"] for p in pairs if p["class"] == str(k)) for k in range(5)]
    assert np.allclose(found, wanted[0], rtol=0, atol=1e-6)


def test_settings_that_do_not_fit_the_model(tmp_path: Path) -> None:
    """One mean a channel, and the size that the file fixes."""
    foreign(tmp_path / "model.onnx", nn.Linear(4, 5))
    gray = run("predict", "model.onnx", "a.png", "--mean", "0.5", "--std", "0.2")
    assert (gray.status, "takes 3 channels" in gray.said[0]) == (2, True)
    size = run("predict", "model.onnx", "a.png", *SETTINGS, "--size", "32")
    assert (size.status, "leave --size out" in size.said[0]) == (2, True)


def test_a_network_that_is_no_classifier_is_refused(tmp_path: Path) -> None:
    """The shape that it gives is named."""
    ac.onnx.save(nn.Conv2d(3, 4, 3), tmp_path / "model.onnx", (None, 3, 9, 7))
    result = run("predict", "model.onnx", "a.png", *SETTINGS)
    assert result.status == 1
    assert "(1, 4, 7, 5)" in result.said[0]


@pytest.mark.slow
def test_a_reader_that_stops_reading_is_no_error(finished: Path) -> None:
    """`allconv predict ... | head -1` ends without a word."""
    files = [str(path) for path in images(finished / "photos")] * 60
    command = [*COMMAND, "predict", str(finished / "run" / "model.onnx"), *files]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = [line for line in process.stderr if not line.startswith("compiling")]
    process.stderr.close()
    assert process.wait(timeout=120) == 1
    assert said == []


@pytest.mark.slow
def test_class_names_that_the_terminal_lacks(finished: Path, tmp_path: Path) -> None:
    """Letters that cannot be shown become escapes, which are told apart, and nothing fails."""
    for name in ("land", "海"):
        for n in range(4):
            making.save(tmp_path / "photos" / name / f"{n}.png", making.pattern(8, 8, seed=n))
    arguments = ("train", "photos", "--model", "plain", "--epochs", "1")
    result = run_apart(*arguments, variables={"PYTHONIOENCODING": "latin-1"})
    assert result.status == 0, result.err
    assert r"  \u6d77 " in result.out
