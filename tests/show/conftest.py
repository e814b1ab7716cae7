"""What several tests of the pages share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from page_node import JS


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the pages' modules that every version of Node takes for modules."""
    folder = tmp_path_factory.mktemp("page") / "js"
    shutil.copytree(JS, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder
