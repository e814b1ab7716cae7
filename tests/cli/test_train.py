"""`allconv train`: what it says, what it leaves, and going on."""

from __future__ import annotations

import csv
import json
import signal
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allconv.data import load
from allconv.train import ImageClassifier
from allconv.train.recipe import BATCH, EPOCHS, Recipe
from data import making

from .conftest import QUICK, photos
from .running import ESCAPE, done, run, run_apart, start

SLOW = ("--model", "plain", "--epochs", "400", "--batch-size", "1", "--seed", "3")


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def test_reports_the_data_before_training_and_the_result_after_it(tmp_path: Path) -> None:
    """Counts, sizes, reasons and unreadable files; accuracy, confusions and what to do next."""
    photos(tmp_path / "photos", 20)
    (tmp_path / "photos" / "dark" / "broken.png").write_bytes(b"no image")
    result = done("train", "photos", *QUICK)
    text = result.out
    order = [
        "photos: 2 classes; images: 28 training, 6 validation, 6 test",
        "found 10 x 12 to 12 x 12 pixels; used as 8 x 8 colour: the middle of each image",
        "1 file left out, as unreadable:",
        "dark/broken.png",
        "training plain",
        "epoch 1/1  loss ",
        "class   accuracy",
        "confused",
        "test accuracy",
        "with the weights of epoch 1 of 1",
        "result: run/model.onnx",
        "report: run/report.html",
        "next: allconv predict run/model.onnx",
    ]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert not ESCAPE.search(result.out + result.err)


def test_leaves_one_folder_with_everything(trained: Path) -> None:
    """The model, the history a line an epoch, checkpoints, options, mistakes, the report."""
    names = sorted(path.name for path in trained.iterdir())
    assert names == [
        "best.safetensors", "history.jsonl", "last.safetensors", "mistakes.csv", "model.onnx",
        "options.json", "report.html",
    ]  # fmt: skip
    records = [json.loads(line) for line in (trained / "history.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1]
    assert json.loads((trained / "options.json").read_text())["model"] == "plain"


def test_the_accuracy_that_is_said_is_that_of_the_file(finished: Path, tmp_path: Path) -> None:
    """model.onnx is right on as many test images as was said, mistakes.csv has the rest."""
    result = run("train", finished / "photos", *QUICK, "--out", "again")
    data = load(finished / "photos")
    assert data.test is not None
    said = [_likeliest(tmp_path, finished / "photos" / name) for name in data.test.names or ()]
    true = [data.classes[k] for k in data.test.labels]
    right = np.mean([a == b for a, b in zip(said, true, strict=True)])
    assert f"test accuracy {100 * right:.1f} % of {len(data.test)} images" in result.out
    rows = list(csv.reader((tmp_path / "again" / "mistakes.csv").read_text().splitlines()))
    assert rows[0] == ["image", "class", "predicted", "probability"]
    assert len(rows) - 1 == round((1 - right) * len(data.test))


def _likeliest(folder: Path, image: Path) -> str:
    result = run("predict", folder / "again" / "model.onnx", image, "--json")
    return str(json.loads(result.out)["predictions"][0]["class"])


def test_is_fit_and_nothing_more(finished: Path) -> None:
    """ImageClassifier with the same settings has the same weights to the bit."""
    learnt = ImageClassifier("plain", epochs=1, batch_size=8).fit(finished / "photos")
    from safetensors.numpy import load_file

    kept = load_file(finished / "run" / "best.safetensors")
    state = learnt.network_.state_dict()
    assert kept.keys() == state.keys()
    assert all(np.array_equal(kept[name], state[name]) for name in kept)


def test_never_overwrites(trained: Path, finished: Path) -> None:
    """A folder that is there stays as it is; the next run is run-2, then run-3."""
    before = making.tree(trained)
    for wanted in ("run-2", "run-3"):
        assert f"{wanted}/model.onnx" in run("train", finished / "photos", *QUICK).out
        assert Path(wanted, "model.onnx").exists()
    assert making.tree(trained) == before


def test_options_reach_the_training(tmp_path: Path) -> None:
    """Each option is written down as it was given, and its effect is in the report."""
    photos(tmp_path / "photos", 20)
    result = done(
        "train", "photos", "--model", "plain", "--epochs", "3", "--batch-size", "4", "--lr", "0.01",
        "--optimizer", "sgd", "--schedule", "cosine", "--weight-decay", "0.001", "--clip", "1",
        "--label-smoothing", "0.1", "--patience", "1", "--no-augment", "--image-size", "9x11",
        "--samples", "10", "--seed", "5", "--threads", "1", "--out", "there",
    )  # fmt: skip
    assert "10 training" in result.out
    assert "used as 11 x 9 colour: as asked" in result.out
    options = json.loads(Path("there/options.json").read_text())
    assert options == {
        "data": str(tmp_path / "photos"), "model": "plain", "epochs": 3, "batch_size": 4,
        "lr": 0.01, "optimizer": "sgd", "schedule": "cosine", "weight_decay": 0.001, "clip": 1.0,
        "label_smoothing": 0.1, "patience": 1, "augment": False, "image_size": [9, 11],
        "samples": 10, "seed": 5, "strict": False, "pixel_limit": 100_000_000, "base": None,
        "unfreeze": False, "preset": None, "mean": None, "std": None, "layout": None,
    }  # fmt: skip


def test_photographs_of_all_kinds_are_the_normal_case(tmp_path: Path) -> None:
    """Alpha, palette, 16-bit grey, JPEG that lies on its side, all sizes: nothing is left out."""
    photos(tmp_path / "photos", 10)
    wide = np.linspace(0, 65535, 200).astype(np.uint16).reshape(10, 20)
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = Image.fromarray(making.pattern(15, 17))
    folder = tmp_path / "photos" / "dark"
    Image.fromarray(wide).save(folder / "deep.png")
    picture.convert("RGBA").save(folder / "clear.webp")
    picture.quantize(16).save(folder / "few.gif")
    Image.fromarray(making.pattern(40, 30)).save(folder / "phone.jpg", exif=turned)
    result = done("train", "photos", *QUICK)
    assert "left out" not in result.out
    assert "found 10 x 10 to 40 x 30 pixels" in result.out


@pytest.mark.parametrize("kind", ["npz", "idx"])
def test_trains_on_arrays_in_files(kind: str, tmp_path: Path) -> None:
    """An .npz of x and y, and a folder of IDX files, are data like any other."""
    x = np.arange(40 * 64, dtype=np.uint8).reshape(40, 8, 8)
    y = np.arange(40) % 2
    if kind == "npz":
        np.savez("data.npz", x=x, y=y)
    else:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "train-images-idx3-ubyte").write_bytes(making.idx(x))
        (tmp_path / "data" / "train-labels-idx1-ubyte").write_bytes(making.idx(y.astype(np.uint8)))
    done("train", "data.npz" if kind == "npz" else "data", *QUICK)
    assert Path("run/model.onnx").exists()


def test_resuming_a_finished_run_writes_the_same_model(trained: Path, tmp_path: Path) -> None:
    """The options are the run's own; what was trained is not trained again."""
    model = digest(trained / "model.onnx")
    (trained / "model.onnx").unlink()
    result = done("train", "--resume", "run")
    assert "epoch 1/1" not in result.out
    assert digest(trained / "model.onnx") == model
    assert not (tmp_path / "run-2").exists()


def test_resuming_with_more_epochs_goes_on(trained: Path) -> None:
    """Only the epochs that are left are trained, and they are added to the history."""
    result = done("train", "--resume", "run", "--epochs", "3")
    assert "epoch 2/3" in result.out
    assert "epoch 1/3" not in result.out
    assert len((trained / "history.jsonl").read_text().splitlines()) == 3


def test_data_that_moved_is_found_again(trained: Path, finished: Path, tmp_path: Path) -> None:
    """A folder of data may be given anew when a run goes on; that it is the same is checked."""
    (tmp_path / "moved").symlink_to(finished / "photos")
    done("train", "moved", "--resume", "run")


@pytest.mark.slow
def test_ctrl_c_saves_and_resumes_to_the_same_bits(finished: Path, tmp_path: Path) -> None:
    """Status 130, one sentence that says how to go on, and then the weights of an unbroken run."""
    shared = ["train", finished / "photos", *SLOW, "--epochs", "25"]
    broken = start([*shared, "--out", "broken"])
    _wait_for_epoch(tmp_path / "broken")
    broken.send_signal(signal.SIGINT)
    out, err = broken.communicate(timeout=120)
    assert broken.returncode == 130, out + err
    said = [line for line in err.splitlines() if not line.startswith("compiling")]
    assert said == [
        "allconv train: stopped, and saved in broken; to go on: allconv train --resume broken"
    ]
    assert not (tmp_path / "broken" / "model.onnx").exists()
    assert run_apart(*shared, "--out", "whole").status == 0
    resumed = run_apart("train", "--resume", "broken", "--threads", "1")
    assert resumed.status == 0, resumed.err
    assert digest(tmp_path / "broken" / "model.onnx") == digest(tmp_path / "whole" / "model.onnx")


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(finished: Path, tmp_path: Path) -> None:
    """kill -9 while training leaves a checkpoint that goes on to the weights of an unbroken run."""
    shared = ["train", finished / "photos", *SLOW, "--epochs", "25"]
    killed = start([*shared, "--out", "killed"])
    _wait_for_epoch(tmp_path / "killed")
    killed.kill()
    killed.communicate(timeout=120)
    assert run_apart("train", "--resume", "killed").status == 0
    assert run_apart(*shared, "--out", "whole").status == 0
    assert digest(tmp_path / "killed" / "model.onnx") == digest(tmp_path / "whole" / "model.onnx")


def _wait_for_epoch(run: Path) -> None:
    """Wait until a training in another process has finished an epoch."""
    history = run / "history.jsonl"
    for _ in range(6000):
        if history.exists() and history.stat().st_size:
            return
        time.sleep(0.01)
    raise AssertionError(f"{history} has no epoch after a minute")


def test_help_says_the_defaults_of_recipe() -> None:
    """Each default is said once; what the text of help repeats is compared."""
    text = " ".join(run("train", "--help").out.split())
    for name in ("optimizer", "schedule", "label_smoothing", "clip"):
        assert f"[default: {getattr(Recipe, name)}]" in text
    assert f"[default: {EPOCHS}, more where there are few images]" in text
    assert f"[default: {BATCH}, fewer where there are few images]" in text
