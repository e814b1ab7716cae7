"""A folder of small photographs, and a network trained on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from data import making

from .running import done
from .terminal import Terminal

QUICK = ("--model", "plain", "--epochs", "1", "--batch-size", "8")


def photos(root: Path, count: int = 12) -> Path:
    """Colour images of two classes that can be told apart: bright and dark."""
    for name, level in (("bright", 60), ("dark", 0)):
        for n in range(count):
            pixels = making.pattern(12, 10 + n % 3, seed=n) // 2 + np.uint8(level)
            making.save(root / name / f"{n:02}.png", pixels)
    return root


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `photos` and the folder `run` of a training on them."""
    folder = tmp_path_factory.mktemp("finished")
    photos(folder / "photos")
    done("train", folder / "photos", *QUICK, "--out", folder / "run")
    return folder


@pytest.fixture
def trained(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, in the current folder."""
    return Path(shutil.copytree(finished / "run", tmp_path / "run"))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 160 columns in place of stdout and stderr."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()
