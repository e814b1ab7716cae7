"""Folders that are to be resumed and are no runs, or not the runs that they were."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from . import hostile
from .conftest import QUICK, photos
from .running import done, run

STRANGE = {
    "pipe": "options.json: is a pipe, not the options of a run",
    "folder": "options.json: is a folder, not the options of a run",
    "device": "options.json: is a device, not the options of a run",
    "sparse": "options.json: is not the options of a run of allconv train: it holds more than",
    "deep": "options.json is not JSON",
    "cut": "options.json is not JSON",
    "list": "was not written by this version",
    "null": "--model is null, which is not a value of this option",
    "wrong": "options.json",
    "checkpoint": "last.safetensors: is a pipe, not a checkpoint",
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_options_are_refused(name: str, trained: Path, tmp_path: Path) -> None:
    """Nothing is waited for, read without end or taken for what it is not."""
    hostile.make_runs(tmp_path / "runs", trained)
    result = run("train", "--resume", tmp_path / "runs" / name)
    assert result.status == 1
    assert len(result.said) == 1
    assert STRANGE[name] in result.said[0]
    assert "to go on" not in result.said[0]


@pytest.mark.parametrize("folder", [".", "", "photos", "nowhere", "options.json", "a\0b"])
def test_a_folder_that_is_no_run(folder: str, tmp_path: Path) -> None:
    """Not even the current one, which an empty name would be."""
    photos(tmp_path / "photos", 2)
    result = run("train", "--resume", folder)
    assert result.status == (1 if folder else 2)
    told = "holds no run of allconv train" if folder else "--resume is empty"
    assert told in result.said[0]


def test_the_current_folder_may_be_a_run(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is resumed from inside of it."""
    monkeypatch.chdir(trained)
    done("train", "--resume", ".")


@pytest.mark.parametrize("out", ["", ".", "..", "/", "photos/.."])
def test_an_out_folder_without_a_name(out: str, tmp_path: Path) -> None:
    """The name of a new folder is asked for, and nothing is made."""
    photos(tmp_path / "photos", 6)
    result = run("train", "photos", *QUICK, "--out", out)
    assert result.status == 2
    assert "--out is" in result.said[0]
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_folders_that_were_made_for_nothing_are_gone(tmp_path: Path) -> None:
    """Those above a run that fails before its first epoch, too."""
    photos(tmp_path / "photos", 6)
    result = run("train", "photos", "--lr", "1e30", "--optimizer", "sgd", "--out", "a/b/run")
    assert result.status == 1
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    """It is there again, and empty, when the run fails; one that holds something is left alone."""
    photos(tmp_path / "photos", 6)
    (tmp_path / "album").mkdir()
    assert run("train", "photos", "--lr", "1e30", "--optimizer", "sgd", "--out", "album").status
    assert not list((tmp_path / "album").iterdir())
    for expected in ("album", "album-2"):
        done("train", "photos", *QUICK, "--out", "album")
        assert (tmp_path / expected / "model.onnx").exists()
    assert not (tmp_path / "album-3").exists()


def test_a_class_that_is_gone_is_named(tmp_path: Path) -> None:
    """The classes of then and of now, and how to train on the images of now."""
    photos(tmp_path / "photos", 12)
    for name in ("dim", "dusk"):
        shutil.copytree(tmp_path / "photos" / "dark", tmp_path / "photos" / name)
    done("train", "photos", *QUICK)
    shutil.rmtree(tmp_path / "photos" / "dim")
    result = run("train", "--resume", "run")
    assert result.status == 2
    (said,) = result.said
    assert "with 4 classes (bright, dark, dim, dusk), now there are 3 classes" in said
    assert "(bright, dark, dusk)" in said
    assert said.endswith(f"a run of its own: allconv train {tmp_path / 'photos'}")


@pytest.mark.parametrize(
    ("gone", "told"),
    [(("model.onnx",), "has finished an epoch"),
     (("model.onnx", "history.jsonl"), "has not finished an epoch")],
)  # fmt: skip
def test_the_model_of_an_unfinished_run(gone: tuple[str, ...], told: str, trained: Path) -> None:
    """That it is not there yet, and how to finish the run."""
    for name in gone:
        (trained / name).unlink()
    result = run("predict", "run/model.onnx", "i.png")
    assert result.status == 1
    (said,) = result.said
    assert told in said
    assert said.endswith("to finish it: allconv train --resume run")
    assert not os.path.lexists(trained / "model.onnx")
