"""docs/operators.md is what the code says now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tiers import slow

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "operators_page"


@slow
def test_the_page_is_made_from_the_code() -> None:
    """Made again, the page is the one that is there."""
    made = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, check=True, encoding="utf-8"
    )
    page = (ROOT / "docs" / "operators.md").read_text("utf-8")
    assert made.stdout == page, "run scripts/operators_page --write"


@pytest.mark.slow
def test_other_arguments_are_told() -> None:
    """An argument that there is none of prints how the script is used."""
    made = subprocess.run(
        [sys.executable, SCRIPT, "--wirte"], capture_output=True, check=False, encoding="utf-8"
    )
    assert made.returncode == 1
    assert "--write" in made.stderr
