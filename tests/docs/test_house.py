"""The house as its imports draw it: no circles, files that can be read, and the picture of it."""

from __future__ import annotations

import ast
import runpy
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = runpy.run_path(str(ROOT / "scripts/house"))
MODULES: dict[str, Path] = HOUSE["modules"]()
LONGEST = 400  # lines of a file


def test_no_file_imports_itself_by_way_of_others() -> None:
    """Functions that import count, too; types that checkers alone see do not."""
    graph = {name: set(HOUSE["imports"](path, MODULES)) - {name} for name, path in MODULES.items()}
    assert sum(map(len, graph.values())) > 2 * len(graph)
    TopologicalSorter(graph).prepare()
    graph["allconv.errors"].add("allconv.cli")
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()


def test_every_file_says_what_it_is() -> None:
    """A file begins with a docstring, and is short enough to be read."""
    texts = {name: path.read_text("utf-8") for name, path in MODULES.items()}
    assert [name for name, text in texts.items() if not ast.get_docstring(ast.parse(text))] == []
    assert [name for name, text in texts.items() if text.count("\n") > LONGEST] == []


def test_the_picture_is_that_of_the_imports() -> None:
    """scripts/house --write draws it anew."""
    page = (ROOT / "docs/how-it-works.md").read_text("utf-8")
    assert HOUSE["picture"]() in page
