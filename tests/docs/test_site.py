"""The site of docs/ and the docstrings: it builds without a warning, and every link holds."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tiers import slow

ROOT = Path(__file__).resolve().parents[2]
LINKS: dict[str, Any] = runpy.run_path(str(ROOT / "scripts/site_links"))
PAGES = ("index", "start", "guides/own-folder", "how-it-works", "reference/functional", "hosts")


def checked(folder: Path, **pages: str) -> list[str]:
    """What is wrong with a folder of these pages, whose names have no ending."""
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    wrong: list[str] = LINKS["check"](folder).wrong
    return wrong


@slow
@pytest.mark.skipif(
    not all(map(find_spec, ("sphinx", "myst_parser", "furo"))),
    reason="needs sphinx: pip install 'allconv[docs]'",
)
def test_the_site_builds_strictly_and_every_link_holds(tmp_path: Path) -> None:
    """No warning, no dead link or anchor, and nothing that a page loads from elsewhere."""
    python = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    made = subprocess.run(
        [ROOT / "scripts/docs", tmp_path / "site"],
        capture_output=True, check=False, encoding="utf-8", env={**os.environ, "PATH": python},
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    for page in PAGES:
        assert (tmp_path / "site" / f"{page}.html").is_file()
    report = LINKS["check"](tmp_path / "site")
    assert report.wrong == []
    assert report.anchors > len(PAGES)
    text = (tmp_path / "site/reference/functional.html").read_text("utf-8")
    assert 'id="allconv.functional.conv2d"' in text
    assert (
        "`" not in text.split("<article")[1].split("</article>")[0]
    )  # no name is left in backticks


def test_a_folder_that_holds_other_files_is_left_alone(tmp_path: Path) -> None:
    """The builder removes what it made itself, and nothing else."""
    (tmp_path / "thesis.tex").write_text("years of work", "utf-8")
    made = subprocess.run(
        [ROOT / "scripts/docs", tmp_path], capture_output=True, check=False, encoding="utf-8"
    )
    assert made.returncode == 2
    assert "holds other files" in made.stderr
    assert (tmp_path / "thesis.tex").read_text("utf-8") == "years of work"


def test_links_that_hold_are_counted(tmp_path: Path) -> None:
    """Links to pages, to anchors of this page and of others, with signs that addresses escape."""
    page = '<h1 id="a b"></h1><a href="#a%20b">1</a><a href="b.html#c">2</a><a href="b.html">3</a>'
    assert checked(tmp_path, a=page, b='<p id="c"><a href="https://example.org">4</a>') == []
    report = LINKS["check"](tmp_path)
    assert (report.pages, report.internal, report.anchors) == (2, 3, 2)
    assert report.external == {"https://example.org": "b.html"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<a href="gone.html">', "names no file"),
        ('<a href="a.html#gone">', "names no anchor"),
        ('<a href="#gone">', "names no anchor"),
        ('<a href="/a.html">', "begins at the root"),
        ('<a href="../a.html">', "leads out of the folder"),
        ('<a href=".">', "names no file"),
        ('<img src="gone.png">', "names no file"),
        ('<img srcset="a.html 1x, gone.png 2x">', "names no file"),
        ('<script src="https://example.org/a.js"></script>', "loaded from elsewhere"),
        ('<script src="//example.org/a.js"></script>', "loaded from elsewhere"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "loaded from elsewhere"),
        ('<link rel="preconnect" href="https://example.org">', "loaded from elsewhere"),
        ('<img src="http://example.org/a.png">', "loaded from elsewhere"),
        ('<iframe src="https://example.org"></iframe>', "loaded from elsewhere"),
        ('<p style="background: url(https://example.org/a.png)">', "loaded from elsewhere"),
        ("<style>@import 'https://example.org/a.css';</style>", "loaded from elsewhere"),
        (
            "<style>@font-face { src: url('https://example.org/f') }</style>",
            "loaded from elsewhere",
        ),
        ('<svg><image xlink:href="https://example.org/a.png"/></svg>', "loaded from elsewhere"),
    ],
)
def test_what_does_not_hold_is_told(tmp_path: Path, text: str, said: str) -> None:
    """Every kind of dead link, and everything that a page may load."""
    (told,) = checked(tmp_path, a=text)
    assert told.startswith("a.html: ")
    assert said in told


def test_what_stands_in_the_page_itself_is_no_link(tmp_path: Path) -> None:
    """Data addresses and comments of styles load nothing."""
    style = "/* url(https://example.org) */ p { background: url(data:image/png;base64,AA) }"
    page = f'<style>{style}</style><img src="data:image/png;base64,AA">'
    assert checked(tmp_path, a=page) == []


def test_the_state_of_a_page_is_no_anchor(tmp_path: Path) -> None:
    """It stands behind `#` as well, but names its settings; the page must be there."""
    assert checked(tmp_path, a='<a href="#op=conv&amp;dim=1">', b='<a href="a.html#op=conv">') == []
    assert len(checked(tmp_path, b='<a href="gone.html#op=conv">')) == 1


def test_styles_in_files_are_looked_at_too(tmp_path: Path) -> None:
    """A font or picture that a style loads."""
    (tmp_path / "a.css").write_text("@font-face { src: url(https://example.org/f.woff2) }", "utf-8")
    (told,) = checked(tmp_path, a='<link rel="stylesheet" href="a.css">')
    assert told == "a.css: https://example.org/f.woff2 is loaded from elsewhere"
