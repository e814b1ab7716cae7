"""Names that files and folders bring along: shown as they are read, and never obeyed."""

from __future__ import annotations

import csv
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

import allconv as ac
import onnx
from allconv.cli import main
from allconv.cli.output import Screen
from data import making
from onnx import numpy_helper

from .conftest import QUICK
from .running import Result, done, run, run_apart
from .terminal import Terminal

NAMES = (
    "\x1b[2J\x1b]0;title\x07",
    "two\nlines\rback",
    "\u202eturned\u200b",
    "\x9b31m",
    "=1+cmd",
    "+SUM(1)",
    "@here",
    "-2",
    "[red]x[",
    ":cat:",
    "猫",
    "{0} %s",
    "a,b",
    "'quoted\"",
)


def save_model(path: Path, classes: tuple[str, ...], value: float = 0.0) -> None:
    """A classifier with these classes whose weights are all one value."""
    x = np.zeros((8, 4, 4), np.uint8)
    x[4:] = 200
    labels = np.arange(8) % 2
    ac.ImageClassifier("plain", epochs=1, batch_size=4).fit(x, labels).save(path)
    proto = onnx.load(path)
    for entry in proto.metadata_props:
        if entry.key == "allconv.classes":
            entry.value = json.dumps(classes)
    for tensor in proto.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.ndim == 2:
            tensor.CopyFrom(numpy_helper.from_array(np.full_like(array, value), tensor.name))
    onnx.save(proto, path)


def is_plain(text: str) -> bool:
    """Whether text consists of lines of what can be seen."""
    return all(line.isprintable() for line in text.split("\n"))


def strictly(text: str) -> object:
    """JSON as the standard has it: without NaN and Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("pair", list(zip(NAMES[::2], NAMES[1::2], strict=True)))
def test_predict_shows_names_of_classes(pair: tuple[str, str], tmp_path: Path) -> None:
    """As text no line more and no code; as JSON the names themselves."""
    save_model(tmp_path / "model.onnx", pair)
    image = making.save(tmp_path / "a\n\x1b[2J.png", making.pattern(4, 4))
    told = done("predict", "model.onnx", image, "--top", "2")
    assert len(told.out.splitlines()) == 1
    assert is_plain(told.out + told.err)
    (line,) = run("predict", "model.onnx", image, "--top", "2", "--json").out.splitlines()
    assert line.isprintable()
    found = strictly(line)
    assert isinstance(found, dict)
    assert found["file"] == str(image)
    assert {each["class"] for each in found["predictions"]} == set(pair)


def test_a_terminal_gets_no_code_of_a_name(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is a bar, too: rich takes neither markup nor emoji nor codes from names."""
    save_model(tmp_path / "model.onnx", (NAMES[0], NAMES[3]))
    image = making.save(tmp_path / "i.png", making.pattern(4, 4))
    with redirect_stdout(terminal), redirect_stderr(terminal), pytest.raises(SystemExit):
        main(["predict", "model.onnx", str(image), "--top", "2"])
    with redirect_stdout(terminal):
        shown = Screen()
        shown.show(f"reading {NAMES[0]}", 1, 2, NAMES[3])
        for name in NAMES:
            shown.line(f"<{name}>")
        shown.hide()
    text = terminal.getvalue()
    for code in ("\x1b[2J", "\x1b]0;", "\x07", "\x9b", "\u202e"):
        assert code not in text
    assert "<[red]x[>" in text
    assert "<:cat:>" in text
    assert r"<\x1b[2J\x1b]0;title\x07>" in text


def test_training_shows_names_of_folders_and_files(tmp_path: Path) -> None:
    """Report, table, confusions and mistakes.csv, of which no cell is a formula."""
    names = [name for name in NAMES if "/" not in name]
    for k, name in enumerate(names):
        for n in range(6):
            pixels = making.pattern(8, 8, seed=20 * k + n)
            making.save(tmp_path / "photos" / name / f"{name}{n}.png", pixels)
    (tmp_path / "photos" / names[0] / "\x1b[2J.png").write_bytes(b"no image")
    result = done("train", "photos", *QUICK)
    assert is_plain(result.out + result.err)
    assert r"\x1b[2J.png" in result.out
    raw = Path("run/mistakes.csv").read_bytes().decode()
    assert is_plain(raw)
    rows = list(csv.reader(raw.splitlines()))
    assert len(rows) > 1
    for row in rows[1:]:
        for cell in row[:3]:
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    records = Path("run/history.jsonl").read_text().splitlines()
    assert all(isinstance(strictly(line), dict) for line in records)
    assert isinstance(strictly(Path("run/options.json").read_text()), dict)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("-")])
@pytest.mark.parametrize("command", ["train", "predict", "inspect", "compare", "train --resume"])
def test_messages_name_files_in_one_line(command: str, name: str) -> None:
    """A file that is not there is told by its name, on a line of what can be seen."""
    more = ("a.png",) if command == "predict" else ()
    result = run(*command.split(), name, *more)
    assert result.status in (1, 2)
    assert len(result.said) == 1
    assert is_plain(result.err)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_of_nan_gives_no_probabilities(value: float, tmp_path: Path) -> None:
    """What is no number is an error of the image, in text and in strict JSON."""
    save_model(tmp_path / "model.onnx", ("a", "b"), value)
    making.save(tmp_path / "i.png", making.pattern(4, 4))
    told = run("predict", "model.onnx", "i.png", "--json")
    assert told.status == 1
    assert strictly(told.out) == {
        "file": "i.png",
        "error": "the network gives NaN or infinity for it instead of numbers",
    }
    assert told.said[-1] == "allconv predict: 1 image could not be predicted, 0 could"


def _ascii(*arguments: str | Path) -> Result:
    return run_apart(*arguments, variables={"PYTHONIOENCODING": "ascii", "TERM": "dumb"})


@pytest.mark.slow
def test_where_there_is_only_ascii_letters_are_escapes(tmp_path: Path) -> None:
    """Text shows escapes, JSON its own, and messages do not fail."""
    save_model(tmp_path / "model.onnx", ("猫", "é"))
    making.save(tmp_path / "猫.png", making.pattern(4, 4))
    text, as_json, fault = (
        _ascii("predict", "model.onnx", "猫.png"),
        _ascii("predict", "model.onnx", "猫.png", "--json", "--top", "2"),
        _ascii("train", "猫"),
    )
    assert (text.status, as_json.status, fault.status) == (0, 0, 1)
    assert text.out.startswith(r"\u732b.png  ")
    assert as_json.out.isascii()
    found = strictly(as_json.out)
    assert isinstance(found, dict)
    assert found["file"] == "猫.png"
    assert {each["class"] for each in found["predictions"]} == {"猫", "é"}
    assert fault.said == [r"allconv train: \u732b: no such file or folder"]
