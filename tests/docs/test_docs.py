"""The pages of docs/ and the README do what they say: their blocks run, and print what is shown."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOUND = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
PAGES = ["README.md", *FOUND]
WITHOUT_PROGRAMS = ("docs/reference/",)  # their examples are those of the docstrings
BLOCK = re.compile(r"^(`{3,})([\w{}:=-]*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[int, str, str]]:
    """The line, language and text of every block of a page."""
    text = (ROOT / page).read_text("utf-8")
    found = BLOCK.finditer(text)
    return [(text.count("\n", 0, each.start(3)), each[2], each[3]) for each in found]


@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_a_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its `python` blocks run in order, in one namespace; a `text` block is what the one before
    printed."""
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {"__name__": "__main__"}
    ran, before, printed = 0, "", ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for line, language, text in blocks(page):
            if language == "python":
                code = compile("\n" * line + text, str(ROOT / page), "exec")
                exec(code, space)  # noqa: S102 - running the page is the test
                ran += 1
                printed = capsys.readouterr().out
            if language == "text" and before == "python":
                assert printed == text, f"{page}, line {line + 1}"
            before = language
    assert ran or page.startswith(WITHOUT_PROGRAMS)


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    """Every link to a file of the project names one that is there."""
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / target).exists(), target
