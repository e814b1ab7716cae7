"""What is said and written at the end of a training is fit for a terminal and a spreadsheet."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from allconv.cli.results import class_lines, confusion_line, save_mistakes
from allconv.train.evaluate import Evaluation

CLASSES = ("=1+cmd|' /C calc'!A0", "+SUM(1)", "two\nlines", "\x1b[2J", "plain, with a comma", "-1")
NAMES = tuple(f"{name}/{n}.png" for n, name in enumerate(CLASSES))


@pytest.fixture
def found() -> Evaluation:
    """Every image is taken for the next class."""
    labels = np.arange(len(CLASSES))
    return Evaluation(np.roll(np.eye(len(CLASSES)), 1, 1) * 5, labels)


def test_lines_are_lines(found):
    """Names with line ends and codes of terminals stay on their line, escaped."""
    lines = [*class_lines(found, CLASSES), confusion_line(found, CLASSES)]
    assert len(lines) == len(CLASSES) + 2
    assert all(line.isprintable() for line in lines)
    assert any(r"two\nlines" in line for line in lines)


def test_mistakes_are_no_formulas(found, tmp_path):
    """A row an image; no cell is computed by a spreadsheet, and the names can be read."""
    path = tmp_path / "mistakes.csv"
    assert save_mistakes(path, found, CLASSES, NAMES) == len(CLASSES)
    text = path.read_bytes().decode()
    assert len(text.splitlines()) == len(CLASSES) + 1
    rows = list(csv.reader(text.splitlines()))[1:]
    assert all(cell.isprintable() and cell[0] not in "=+-@" for row in rows for cell in row)
    assert {row[1] for row in rows} == {
        *(
            "'=1+cmd|' /C calc'!A0",
            "'+SUM(1)",
            r"two\nlines",
            r"\x1b[2J",
            "plain, with a comma",
            "'-1",
        )
    }
    assert {row[0].rpartition("/")[2] for row in rows} == {f"{n}.png" for n in range(len(CLASSES))}
