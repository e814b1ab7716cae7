"""Bars where there is a terminal, lines where there is none."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import ClassVar

import pytest

from allconv.cli import main
from allconv.cli.epochs import EpochLines
from allconv.cli.output import Screen, screen
from allconv.engine import cache, compiler, target
from allconv.engine.kernels.copy import Copy
from allconv.text import duration
from allconv.train.callbacks import BeginInfo, StepInfo
from allconv.train.history import Record

from .conftest import QUICK
from .terminal import Terminal


def test_a_bar_shows_where_training_is(finished: Path, terminal: Terminal) -> None:
    """Loss, accuracy, images a second and the time left, then one line an epoch."""
    with redirect_stdout(terminal), redirect_stderr(terminal), pytest.raises(SystemExit) as ended:
        main(["train", str(finished / "photos"), *QUICK])
    assert ended.value.code == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert re.search(
        r"epoch 1/1 ━+.* loss \d\.\d+  accuracy [\d.]+ %  [\d,]+ images/s  [\d.]+ s left", shown
    )
    assert re.search(r"\nepoch 1/1  loss .* validation [\d.]+ % .*\n", shown.replace("\r", "\n"))
    assert "\x1b[?25h" in terminal.getvalue()  # the cursor is shown again


def test_lines_stand_above_a_bar(terminal: Terminal) -> None:
    """A line that is written while a bar is shown is kept whole, whatever is in it."""
    with redirect_stdout(terminal), screen() as shown:
        shown.show("reading", 1, 3)
        shown.line("[bold]as it is[/bold] " + 40 * "long ")
        shown.hide()
        shown.line("after")
    text = terminal.getvalue()
    assert "[bold]as it is[/bold] " + 40 * "long " in text
    assert text.endswith("after\n")


def test_without_a_terminal_there_is_no_bar() -> None:
    """Nothing but the lines."""
    out = io.StringIO()
    with redirect_stdout(out), screen() as shown:
        shown.show("reading", 1, 3)
        shown.line("a line")
        shown.hide()
    assert out.getvalue() == "a line\n"


def test_without_a_terminal_long_silence_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing was written for long, progress is a line; a short time shows none."""
    out, now = io.StringIO(), iter(range(0, 1000, 20))
    monkeypatch.setattr("allconv.cli.output.time.monotonic", lambda: float(next(now)))
    with redirect_stdout(out), screen() as shown:
        for step in range(1, 6):
            shown.show("epoch 1/3", step, 8, "2 s left")
        shown.show("reading", 3, None)
    assert out.getvalue() == "epoch 1/3  25.0 %  2 s left\nepoch 1/3  50.0 %  2 s left\nreading\n"


def test_compiling_is_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kernels that are compiled say so once, however long it takes; those of the cache do not."""
    monkeypatch.setenv("ALLCONV_CACHE", str(tmp_path / "kernels"))
    hours = (3600.0 * n for n in range(1000))
    monkeypatch.setattr("allconv.cli.output.time.monotonic", lambda: next(hours))
    monkeypatch.setattr(Screen, "SILENCE", 10 * 3600.0)
    said = []
    for _ in range(2):
        monkeypatch.setattr(cache, "_loaded", {})
        out = io.StringIO()
        with redirect_stdout(out), screen():
            for dtype in ("float32", "float64"):
                cache.load(Copy(target.host(), dtype))
        said.append(out.getvalue())
    assert said == ["compiling kernels for this machine, once ...\n", ""]


def test_compiling_is_counted_on_a_terminal(terminal: Terminal) -> None:
    """The bar counts the kernels."""
    with redirect_stdout(terminal), screen():
        for _ in range(3):
            compiler.on_compile[-1](Copy(target.host(), "float32"))
    assert "compiling kernels for this machine, once: 3" in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (7262, "2 h 1 min"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    """Never 60 s, never 60 min."""
    assert duration(seconds) == said


def test_many_short_epochs_have_few_lines() -> None:
    """The first, the last, those that are better than all before, and each tenth."""

    class Shown(Screen):
        said: ClassVar[list[str]] = []

        def line(self, text: str = "") -> None:
            self.said.append(text)

    lines = EpochLines(Shown(), every=10)
    lines.on_begin(BeginInfo(epochs=23, first=2, steps=1, samples=9, batch_size=9))
    for epoch in range(2, 24):
        right = 0.9 if epoch == 15 else 0.5
        lines.on_epoch(Record(epoch, 1.0, 0.5, 1.0, right, 0.1, 0.0, 0.1, 0.0))
    assert [int(said.split()[1].split("/")[0]) for said in Shown.said] == [2, 10, 15, 20, 23]


def test_the_time_that_is_left_is_that_of_the_run() -> None:
    """What is left of this epoch, and the epochs after it at the same speed."""

    class Shown(Screen):
        note = ""

        def show(self, what: str, done: int, total: int | None, note: str = "") -> None:
            self.note = note

    shown = Shown()
    lines = EpochLines(shown)
    lines.on_begin(BeginInfo(epochs=3, first=1, steps=10, samples=600, batch_size=60))
    lines.on_step(StepInfo(1, 5, 10, 0.5, 0.75, images_per_second=100.0, seconds_left=3.0))
    assert shown.note == "loss 0.500  accuracy 75.0 %  100 images/s  15.0 s left"
