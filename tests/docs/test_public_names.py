"""Public names and signatures are those of the list: none goes, and none changes, unnoticed."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_public_names_are_as_listed() -> None:
    """After a change that is meant: scripts/public_names --write."""
    script = runpy.run_path(str(ROOT / "scripts/public_names"))
    listed = (ROOT / "tests/public_names.txt").read_text("utf-8").splitlines()
    assert script["page"]().splitlines() == listed


def test_types_of_layers_are_those_of_the_code() -> None:
    """After a change that is meant: scripts/layer_types --write."""
    script = runpy.run_path(str(ROOT / "scripts/layer_types"))
    written = (ROOT / "src/allconv/nn/__init__.pyi").read_text("utf-8")
    assert script["stub"]() == written
