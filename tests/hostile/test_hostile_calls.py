"""Whatever is called with whatever: it runs, is refused by an error of ours, or does not fit.

A share of the calls by default; ALLCONV_HOSTILE_CALLS says how many, ALLCONV_HOSTILE_SEED which.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hostile.run import outcome
from hostile.values import WORDS

TESTS = Path(__file__).parents[1]
CALLS = int(os.environ.get("ALLCONV_HOSTILE_CALLS", "250"))
SEED = int(os.environ.get("ALLCONV_HOSTILE_SEED", "0"))


@pytest.mark.timeout(0)  # each call has a limit of its own
def test_hostile_calls() -> None:
    """Calls drawn by signature from a pool of hostile arguments, in a process of little memory."""
    command = [sys.executable, "-m", "hostile.run", str(SEED), str(CALLS)]
    setting = {**os.environ, "ALLCONV_THREADS": "1"}
    done = subprocess.run(command, cwd=TESTS, env=setting, capture_output=True, text=True)
    told = f"{done.stdout}\n{done.stderr[-2000:]}"
    assert done.returncode == 0, told
    counts = json.loads(done.stdout.splitlines()[-1])
    assert sum(counts.values()) == CALLS
    assert counts["ran"] > CALLS // 10
    print(f"seed {SEED}: {counts}")


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("F.relu(np.ones(3))", "ran"),
        ("F.relu('a')", "refused"),
        ("F.relu()", "signature"),
        ("F.relu(np.ones(3), slope=1)", "signature"),
        ("int('a')", "RAW ValueError"),
        ("None + 1", "RAW TypeError"),
        ("np.zeros(2**62)", "RAW"),
    ],
)
def test_outcomes_are_told_apart(text: str, ended: str) -> None:
    """What Python, NumPy or a bug of ours raises is no refusal."""
    assert outcome(text, WORDS).startswith(ended)


def test_floating_point_warnings_are_raw() -> None:
    """Where NumPy would raise for an overflow, a careful call ends as raw."""
    assert outcome("np.float32(3e38) * 10", WORDS, careful=True).startswith(
        "RAW FloatingPointError"
    )
