"""`allconv lecture`, as a user runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from allconv import lecture
from allconv.cli.group import WIDTH
from allconv.show.page.document import document

from .running import done, run

QUICK = ("correlation", "image-2x4x4", "gradient-tape", "forward-m", "half-padding")


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of the examples."""
    chosen = tuple(lecture.find(name) for name in QUICK)
    monkeypatch.setattr(lecture, "examples", lambda: chosen)


@pytest.mark.usefixtures("_quick")
def test_all_agree() -> None:
    """A row an example under its part; the slip and what is lacking are named; status 0."""
    result = run("lecture")
    assert (result.status, result.said) == (0, [])
    lines = result.out.splitlines()
    assert lines[0].split() == ["printed", "ours", "agree"]
    row = next(line for line in lines if line.startswith("  correlation "))
    assert row.split() == ["correlation", "14", "20*", "14", "20", "yes"]
    assert "4 of 5 agree with the slides" in lines
    assert "slip: the slide's -3.1 is 3.1 (image-2x4x4)" in lines
    assert "cannot be recomputed: forward-m (not printed: the weights of conv1)" in lines
    assert all(len(line) <= WIDTH for line in lines)


@pytest.mark.parametrize("name", [each.name for each in lecture.examples() if each.compute])
def test_one_other_input_is_status_1(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any example with one changed input: NO in its row, its name on stderr, status 1."""
    example = lecture.find(name)
    last, array = list(example.inputs.items())[-1]
    changed = array.copy()
    changed.flat[0] = 2 * changed.flat[0] + 9
    monkeypatch.setattr(lecture, "examples", lambda: (example.changed(**{last: changed}),))
    result = run("lecture")
    assert result.status == 1
    assert result.said == [f"allconv lecture: 1 of 1 do not agree: {name}"]
    assert f"does not agree: {name} (" in result.out
    assert " NO" in result.out


def test_show_tells_everything() -> None:
    """Inputs, the calls that compute it, what is printed and what is ours."""
    result = done("lecture", "--show", "image-2x4x4")
    for said in ("the slide:", "w =", "F.conv2d(x[None], w, b)[0]", "-12.9", "ours:"):
        assert said in result.out
    assert "agree: yes (slip): the slide's -3.1 is 3.1" in result.out
    assert "y[0,0,0,0] = 3.1, the sum of 8 terms and the bias" in result.out


@pytest.mark.parametrize("name", [each.name for each in lecture.examples()])
def test_show_of_every_example(name: str) -> None:
    """Each can be shown by the name that --list gives."""
    result = done("lecture", "--show", name)
    assert result.out.startswith(lecture.find(name).title)
    assert f"  {name} " in run("lecture", "--list").out
    shows_working = lecture.find(name).working is not None
    assert ("the working:" in result.out) is shows_working


def test_misuse() -> None:
    """Another name is refused with the names there are, and two things at once are."""
    unknown = run("lecture", "--show", "corelation")
    assert unknown.status == 2
    assert "there is no example 'corelation'; there are 51: correlation" in unknown.err
    both = run("lecture", "--show", "correlation", "--list")
    assert (both.status, both.out) == (2, "")


def test_short_rows_keep_at_least_one_cell() -> None:
    """A cell longer than the column is shown whole."""
    from allconv.cli.lecture import LONGEST, short

    assert short(np.array(["x" * 99, "y"])) == "x" * 99 + " .."
    assert short(np.array(["1", "2"])) == "1 2"
    assert len(short(np.array(["12345"] * 99))) <= LONGEST + 3


@pytest.mark.usefixtures("_quick")
def test_pages_are_written_where_they_are_named(tmp_path: Path) -> None:
    """Exactly those files; the last line says where the page is; an old page is replaced."""
    page, sheet = tmp_path / "lecture.html", tmp_path / "sheet.html"
    page.write_text(document("old"))
    result = run("lecture", "-o", page, "--worksheet", sheet)
    assert (result.status, result.said) == (0, [])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["lecture.html", "sheet.html"]
    lines = result.out.splitlines()
    assert lines[0] == "4 of 5 agree with the slides"
    assert lines[-1].startswith(f"result: {page} (")
    assert 'id="image-2x4x4"' in page.read_text("utf-8")
    assert 'id="answers"' in sheet.read_text("utf-8")


@pytest.mark.usefixtures("_quick")
def test_a_page_with_a_wrong_example_is_written_and_status_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = lecture.find("correlation").changed(x=[1.0, 2, 3, 5])
    monkeypatch.setattr(lecture, "examples", lambda: (wrong,))
    result = run("lecture", "-o", tmp_path / "page.html")
    assert result.status == 1
    assert result.said == ["allconv lecture: 1 of 1 do not agree: correlation"]
    assert "Does not agree" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize("option", ["-o", "--worksheet"])
@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("", 2, "is empty; the name of a file is expected"),
        (".", 1, ". is a folder; choose another name"),
        ("none/page.html", 1, "there is no folder none; make the folder first"),
        ("a" * 300, 1, "file name too long"),
        ("link.html", 1, "link.html is a symbolic link"),
    ],
    ids=["empty", "folder", "no folder", "long", "link"],
)
def test_places_that_cannot_be_written(
    option: str, name: str, status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    chosen = lecture.find("output-size")
    monkeypatch.setattr(lecture, "examples", lambda: (chosen,))
    (tmp_path / "link.html").symlink_to("elsewhere.html")
    result = run("lecture", option, name)
    assert result.status == status
    assert said in result.said[-1]
    assert [each.name for each in tmp_path.iterdir()] == ["link.html"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "a.html", "--worksheet", "./a.html"), "--out and --worksheet are both a.html"),
        (("-o", "a.html", "--list"), "--list and --show write text"),
        (("--worksheet", "a.html", "--show", "correlation"), "--list and --show write text"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("lecture", *arguments)
    assert result.status == 2
    assert said in result.said[-1]
    assert list(tmp_path.iterdir()) == []
