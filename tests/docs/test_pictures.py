"""The pictures of the docs are as the code draws them."""

from __future__ import annotations

import runpy
from pathlib import Path
from xml.etree import ElementTree

SCRIPT = runpy.run_path(str(Path(__file__).resolve().parents[2] / "scripts/pictures"))


def test_no_picture_is_stale() -> None:
    assert SCRIPT["stale"]() == [], "scripts/pictures --write"


def test_pictures_stand_alone() -> None:
    """Well-formed, named, and without anything to fetch or to run."""
    for path, text in SCRIPT["drawn"]().items():
        root = ElementTree.fromstring(text)  # noqa: S314 (our own text)
        assert root.get("aria-label"), path.name
        assert "<script" not in text
        assert "href" not in text


def test_a_change_is_noticed(tmp_path: Path) -> None:
    """A picture that was edited, and one that is drawn by nobody, are named."""
    drawn = SCRIPT["drawn"]()
    for path, text in drawn.items():
        (tmp_path / path.name).write_text(text, "utf-8")
    (tmp_path / "window.svg").write_text("<svg/>", "utf-8")
    (tmp_path / "nobody.svg").write_text("<svg/>", "utf-8")
    names = SCRIPT["stale"].__globals__
    before, names["FOLDER"] = names["FOLDER"], tmp_path
    try:
        assert SCRIPT["stale"]() == ["nobody.svg", "window.svg"]
    finally:
        names["FOLDER"] = before
