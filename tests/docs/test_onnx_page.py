"""docs/onnx.md is what the code says now."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_made_from_the_code() -> None:
    """Made again, the page is the one that is there, and it names what is read."""
    made = runpy.run_path(str(ROOT / "scripts" / "onnx_page"))["page"]()
    assert made == (ROOT / "docs" / "onnx.md").read_text("utf-8"), "run scripts/onnx_page --write"
    assert "`Conv`" in made
    assert "`Resize`" in made
