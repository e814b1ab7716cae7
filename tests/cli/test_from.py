"""`allconv train --from`, and `predict` on files from elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from allconv import functional, nn, onnx

from .conftest import photos
from .running import done, run

BASE = ("--epochs", "2", "--batch-size", "8")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A file that says nothing about itself."""
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.GlobalAvgPool2d(),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
    onnx.save(net.initialize(1), tmp_path / "foreign.onnx", (None, 3, 8, 8))
    return tmp_path / "foreign.onnx"


def test_goes_on_from_a_run_with_a_new_class(trained: Path) -> None:
    """The classes that it knows are counted; the result is a run like others, and goes on."""
    folder = photos(Path("more"))
    shutil.copytree(folder / "dark", folder / "night")
    result = done("train", folder, "--from", trained, "--out", "next", *BASE)
    assert "2 of 3 classes are known to it" in result.out
    assert "the layers below stay as they are" in result.out
    names = sorted(path.name for path in Path("next").iterdir())
    assert names == sorted(path.name for path in trained.iterdir())
    kept = json.loads(Path("next/options.json").read_text())
    assert kept["base"] == str(trained.absolute())
    done("predict", "next/model.onnx", folder / "dark")
    first = (Path("next") / "model.onnx").read_bytes()
    done("train", "--resume", "next")
    assert (Path("next") / "model.onnx").read_bytes() == first


def test_a_stopped_run_goes_on_to_the_same_bits(foreign: Path) -> None:
    """With the options that it was begun with, numbers included."""
    folder = photos(Path("photos"))
    given = ("--from", foreign, "--mean", "0.1,0.2,0.3", "--std", "1,1,1", "--schedule", "constant")
    for more in ((), ("--unfreeze",)):
        for name, epochs in (("whole", "4"), ("part", "2")):
            out = ("--out", f"{name}{len(more)}")
            done("train", folder, *given, *more, "--batch-size", "8", "--epochs", epochs, *out)
        done("train", "--resume", f"part{len(more)}", "--epochs", "4")
        models = [Path(f"{name}{len(more)}/model.onnx").read_bytes() for name in ("whole", "part")]
        assert models[0] == models[1]


def test_predicts_with_a_preset_and_labels(foreign: Path) -> None:
    """Names from a file, a line each or JSON; as many as there are classes."""
    folder = photos(Path("photos"))
    Path("names.txt").write_text("cat\ndog\n")
    Path("names.json").write_text('["cat", "dog"]')
    for labels in ("names.txt", "names.json"):
        result = done("predict", foreign, folder / "dark", "--preset", "tf", "--labels", labels)
        assert "cat" in result.out or "dog" in result.out
    Path("names.txt").write_text("cat\ndog\nhorse\n")
    result = run("predict", foreign, folder, "--preset", "tf", "--labels", "names.txt")
    assert result.status == 1
    assert "names.txt names 3 classes" in result.err
    Path("names.txt").write_text("\n")
    assert (
        "no names" in run("predict", foreign, folder, "--preset", "tf", "--labels", "names.txt").err
    )


class Behind(nn.Module):
    """A network whose channels come last, in the order of BGR."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def forward(self, x: Any) -> Any:
        x = x.transpose((0, 3, 1, 2))
        return self.net(functional.concatenate([x[:, n : n + 1] for n in (2, 1, 0)], 1))


def test_predicts_with_channels_last_and_turned(tmp_path: Path) -> None:
    """The same network, given its images otherwise, says the same."""
    folder = photos(Path("photos"))
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    onnx.save(net, "front.onnx", (None, 3, 8, 8))
    onnx.save(Behind(net), "behind.onnx", (None, 8, 8, 3))
    mean = ",".join(str(n / 255) for n in (123.68, 116.779, 103.939))
    std = ",".join([str(1 / 255)] * 3)
    front = run("predict", "front.onnx", folder, "--mean", mean, "--std", std, "--json")
    for more in ((), ("--layout", "nhwc")):
        behind = done("predict", "behind.onnx", folder, "--preset", "imagenet-bgr", "--json", *more)
        pairs = zip(front.out.splitlines(), behind.out.splitlines(), strict=True)
        for one, other in (map(json.loads, pair) for pair in pairs):
            a, b = one["predictions"][0], other["predictions"][0]
            assert a["class"] == b["class"]
            assert a["probability"] == pytest.approx(b["probability"], abs=1e-3)
    done("train", folder, "--from", "behind.onnx", "--preset", "imagenet-bgr", *BASE)
    done("predict", "run/model.onnx", folder)
    wrong = run("predict", "run/model.onnx", folder, "--layout", "nhwc")
    assert "leave --layout out" in wrong.err


def test_photographs_for_a_network_of_gray_images(tmp_path: Path) -> None:
    """They are read in gray, in training and in prediction."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.GlobalAvgPool2d(), nn.Flatten())
    onnx.save(nn.Sequential(net, nn.Linear(4, 2)), "gray.onnx", (None, 1, 8, 8))
    folder = photos(Path("photos"), 20)
    result = done("train", folder, "--from", "gray.onnx", "--preset", "unit", *BASE)
    assert "used as 8 x 8 grey" in result.out
    done("predict", "run/model.onnx", folder)


def test_refusals(foreign: Path, trained: Path) -> None:
    """Options that do not go together, files that do not fit: a sentence, and no folder."""
    folder = photos(Path("photos"))
    Path("text.onnx").write_text("text")
    shutil.copytree(trained, "stopped")
    Path("stopped/model.onnx").unlink()
    for arguments, said in (
        (("--from", foreign), "does not say how images are prepared; give --preset, or --mean"),
        (("--from", foreign, "--mean", "0,0,0"), "--mean and --std go together"),
        (("--from", foreign, "--mean", "0,0", "--std", "1,1"), "takes 3 channels"),
        (("--from", foreign, "--preset", "nonsense"), "one of imagenet"),
        (("--from", foreign, "--preset", "tf", "--layout", "nhwc"), "takes 8 channels as NHWC"),
        (("--from", foreign, "--preset", "tf", "--model", "plain"), "--model and --from"),
        (("--from", trained, "--preset", "tf"), "says how images are prepared"),
        (("--from", "text.onnx"), "text.onnx: this is not an ONNX model"),
        (("--from", "missing.onnx"), "missing.onnx"),
        (("--from", "resnet-18"), "--model resnet-18 trains that network from random weights"),
        (("--from", folder), "holds no model.onnx; the folder of a run or an .onnx file"),
        (("--from", "stopped"), "to finish it: allconv train --resume stopped"),
        (("--unfreeze",), "--unfreeze is for a network to begin from"),
        (("--preset", "tf"), "--preset is for a network to begin from"),
    ):
        result = run("train", folder, *arguments, *BASE)
        assert result.status in (1, 2), result.out
        assert said in result.err, result.err
        assert len(result.said) == 1
    assert not Path("run-2").exists()
