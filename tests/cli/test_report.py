"""Pages that `allconv train` and `allconv compare` write: where, when, and what they say."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import pytest

from allconv.show.report import run as page_of_a_run
from data import making

from .conftest import QUICK, photos
from .running import ESCAPE, done, run

TWO = ("--samples", "60", "--epochs", "1", "--model", "plain", "--model", "local")


def programs(page: Path) -> list[str]:
    """What a page says to run: commands, and programs in Python."""
    text = page.read_text("utf-8")
    return [
        unescape(each) for each in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", text, re.S)
    ]


def test_a_training_leaves_a_report_with_the_images_it_got_wrong(
    finished: Path, tmp_path: Path
) -> None:
    """As many mistakes as mistakes.csv has, by their files; the command names the page."""
    result = run("train", finished / "photos", *QUICK, "--out", "again")
    assert result.out.splitlines()[-2].startswith("report: again/report.html")
    page = (tmp_path / "again" / "report.html").read_text("utf-8")
    rows = (tmp_path / "again" / "mistakes.csv").read_text().splitlines()[1:]
    mistakes = page[page.index('id="mistakes"') : page.index("The images it is least sure of")]
    assert mistakes.count("<img ") == len(rows)
    for row in rows:
        assert row.split(",")[0] in mistakes


def test_what_a_report_says_to_run_runs(finished: Path, tmp_path: Path) -> None:
    """The commands, and the programs with allconv and with ONNX Runtime, as they stand."""
    done("train", finished / "photos", *QUICK)
    commands, python, onnx = programs(tmp_path / "run" / "report.html")
    for line in commands.splitlines():
        name, *arguments = shlex.split(line)
        result = run(*arguments)
        assert (name, result.status) == ("allconv", 0), result.err
    for text in (python, onnx):
        exec(text, {})  # noqa: S102 (this is what is tested)
    assert "epochs done</dt><dd>2" in (tmp_path / "run" / "report.html").read_text("utf-8")


@pytest.mark.parametrize("end", ["", "\u202e"])
def test_an_image_that_is_named_can_be_typed(end: str, tmp_path: Path) -> None:
    """Quotes and spaces in its name are quoted; where all hold what is not seen, none is named."""
    for n in range(10):
        for k, name in enumerate(("a 'b", 'c "d')):
            pixels = making.pattern(8, 8, seed=n + 100 * k)
            making.save(tmp_path / "its" / name / f"{n}{end}.png", pixels)
    done("train", "its", *QUICK)
    commands, python, _ = programs(tmp_path / "run" / "report.html")
    predict = shlex.split(commands.splitlines()[0])[1:]
    assert (predict[-1] == "IMAGE_OR_FOLDER") == bool(end)
    if not end:
        done(*predict)
    exec(python, {})  # noqa: S102 (this is what is tested)


def test_without_files_the_programs_take_the_arrays(tmp_path: Path) -> None:
    """Of images inside the package, and of an .npz file."""
    done("train", "--samples", "50", *QUICK)
    _, python, _ = programs(tmp_path / "run" / "report.html")
    assert "ac.data.load()" in python
    exec(python, {})  # noqa: S102 (this is what is tested)


def test_a_report_that_cannot_be_written_loses_nothing(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network and the mistakes are there; one line says what went wrong, and no more."""

    def fail(*given: object) -> str:
        raise ValueError("two\nlines\x1b[2J")

    monkeypatch.setattr(page_of_a_run, "run_report", fail)
    result = run("train", finished / "photos", *QUICK)
    assert (result.status, result.said) == (0, [])
    assert r"warning: there is no report: two lines\x1b[2J" in result.out.splitlines()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"model.onnx", "mistakes.csv"} <= names
    assert "report.html" not in names


def test_resuming_writes_the_report_anew(trained: Path) -> None:
    """A run that goes on has one page, of all of its epochs; a link in its place stays."""
    page = trained / "report.html"
    before = page.read_text("utf-8")
    done("train", "--resume", "run", "--epochs", "3")
    assert "of 3. " in page.read_text("utf-8")
    assert "of 1. " in before
    page.unlink()
    Path("other.html").write_text("mine")
    page.symlink_to(Path("other.html").absolute())
    result = done("train", "--resume", "run", "--epochs", "3")
    assert "report.html is a symbolic link" in result.out
    assert Path("other.html").read_text() == "mine"


def test_comparing_writes_a_page(tmp_path: Path) -> None:
    """The numbers of the table, and two lines a chart; nothing else is written."""
    result = done("compare", *TWO, "-o", "compared.html")
    assert result.out.splitlines()[-1].startswith("report: compared.html")
    assert not ESCAPE.search(result.out)
    assert [path.name for path in tmp_path.iterdir()] == ["compared.html"]
    page = Path("compared.html").read_text("utf-8")
    for said in ("203,530", "116,330", "2 networks compared", "Validation accuracy"):
        assert said in page
    assert page.count("<svg ") == 6
    assert page.count('class="line"') == 12


@pytest.mark.parametrize(
    ("status", "place"),
    [(1, "photos/a.html"), (1, "there.html"), (1, "no/a.html"), (2, "loop"), (2, "page.txt")],
)
def test_a_page_takes_nothing_elses_place(status: int, place: str, tmp_path: Path) -> None:
    """Refused before anything is trained: what is there, a folder that is not, another ending."""
    photos(tmp_path / "photos", 3)
    Path("photos/a.html").mkdir()
    Path("there.html").write_text("mine")
    Path("loop").symlink_to("nowhere")
    before = making.tree(tmp_path)
    result = run("compare", *TWO, "-o", place)
    assert result.status == status
    assert len(result.said) == 1
    assert place in result.said[0]
    assert result.out == ""
    assert making.tree(tmp_path) == before
