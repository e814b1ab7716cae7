"""What several tests of the pages share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_browser import Browser
from page_node import JS

from allconv.show.page.operator_page import operator_page
from allconv.show.stage.state import State


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the pages' modules that every version of Node takes for modules."""
    folder = tmp_path_factory.mktemp("page") / "js"
    shutil.copytree(JS, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator page."""
    path = tmp_path_factory.mktemp("operator") / "page.html"
    path.write_text(operator_page(State()), "utf-8")
    return path
