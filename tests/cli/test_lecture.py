"""`allconv lecture`, as a user runs it."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import lecture
from allconv.cli.group import WIDTH

from .running import run

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
    result = run("lecture", "--show", "image-2x4x4")
    assert result.status == 0
    for said in ("the slide:", "w =", "F.conv2d(x[None], w, b)[0]", "-12.9", "ours:"):
        assert said in result.out
    assert "agree: yes (slip): the slide's -3.1 is 3.1" in result.out
    assert "y[0,0,0,0] = 3.1, the sum of 8 terms and the bias" in result.out


@pytest.mark.parametrize("name", [each.name for each in lecture.examples()])
def test_show_of_every_example(name: str) -> None:
    """Each can be shown by the name that --list gives."""
    result = run("lecture", "--show", name)
    assert result.status == 0
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
