"""Commands whose output goes nowhere, is full, or is read by somebody who leaves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tiers import slow

from .running import COMMAND, run_apart

SHOW = ("show", "conv", "--input", "1 2 3 4", "--kernel", "1 2 3")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell, in which $ALLCONV is the command."""
    variables = {**os.environ, "ALLCONV": " ".join(COMMAND)}
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, env=variables, timeout=120
    )


@slow
@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("$ALLCONV info >/dev/full", 1, "allconv info: no space left on device\n"),
        ("$ALLCONV info >&-", 0, ""),
        ("$ALLCONV info >&- 2>&-", 0, ""),
        ("$ALLCONV train nowhere >&- 2>&-", 1, ""),
        ("$ALLCONV train nowhere 2>/dev/full", 1, ""),
        ("$ALLCONV show linear --input - --kernel 1 <&-", 2, "there is no standard input\n"),
        ("printf '\\377' | $ALLCONV show linear --input - --kernel 1", 2, "not text\n"),
        ("$ALLCONV lecture --list | head -n 1; exit 0", 0, ""),
    ],
)
def test_streams_that_are_closed_or_full(line: str, status: int, says: str) -> None:
    """The status is that of any other run, and what is said is a sentence or nothing."""
    ended = shell(line)
    assert ended.returncode == status
    assert ended.stderr.endswith(says)
    assert len(ended.stderr.splitlines()) == (says != "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "variables",
    [
        {"COLUMNS": "1"},
        {"COLUMNS": "0", "LINES": "0"},
        {"COLUMNS": "many"},
        {"TERM": "dumb"},
        {"TERM": ""},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "utf-16"},
        {"NO_COLOR": "1", "FORCE_COLOR": "1"},
        {"HOME": "/nowhere", "TMPDIR": "/nowhere"},
    ],
    ids=lambda variables: ",".join(f"{name}={value}" for name, value in variables.items()),
)
def test_surroundings(variables: dict[str, str]) -> None:
    """Narrow and unknown terminals, other languages: the numbers are the same."""
    apart = {**variables}
    encoding = apart.get("PYTHONIOENCODING", "utf-8")
    process = subprocess.run(
        [*COMMAND, *SHOW], capture_output=True, env={**os.environ, **apart}, timeout=120
    )
    assert process.returncode == 0, process.stderr
    assert "y = 14 20" in process.stdout.decode(encoding)


@pytest.mark.slow
def test_a_folder_that_is_read_only_or_small(tmp_path: Path) -> None:
    """What cannot be written is told with the file and what would do."""
    target = Path("/proc/allconv")
    result = run_apart("train", "--samples", "20", "--out", target)
    assert result.status == 1
    assert "/proc/allconv cannot be made: " in result.said[-1]
