"""The lecture's page in a browser: figures live, results are covered and uncovered by keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_browser import Browser, key, needs_browser, quiet, run, step

from allconv.lecture import check, examples, find
from allconv.lecture.page import lecture_page

WIDTHS = (320, 375, 768, 1080, 1440, 2560)
LIVE = "document.querySelectorAll('.figure .mounted').length"
FIGURES = "document.querySelectorAll('.figure[data-address]').length"
TABLES = "#correlation .answer table"
SEEN = f"[...document.querySelectorAll('{TABLES}')].map(e => getComputedStyle(e).visibility)"
COVERED = "document.querySelectorAll('.answer[role=button]').length"

pytestmark = needs_browser()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page without the examples that train."""
    left_out = ("both-train", "local-trains")
    chosen = [each for each in examples() if each.name not in left_out]
    path = tmp_path_factory.mktemp("lecture") / "lecture.html"
    path.write_text(lecture_page(check(chosen)), "utf-8")
    return path


def test_every_figure_lives(browser: Browser, page: Path) -> None:
    visit = quiet(browser.visit(page, run(f"[{LIVE}, {FIGURES}]")))
    live, figures = visit.results[0]
    assert live == figures > 20


def test_no_width_scrolls_sideways(browser: Browser, page: Path) -> None:
    measure = run("[document.documentElement.scrollWidth, innerWidth]")
    steps = [each for width in WIDTHS for each in (step("viewport", width=width), measure)]
    visit = quiet(browser.visit(page, *steps, width=WIDTHS[0]))
    widths = [result for result in visit.results if result]
    assert [(scroll, inner) for scroll, inner in widths if scroll > inner] == []
    assert len(widths) == len(WIDTHS)


def test_results_are_covered_and_uncovered_by_the_keyboard(browser: Browser, page: Path) -> None:
    """The switch covers all, Enter uncovers one, and covering again begins anew."""
    cover = [step("focus", at="#cover"), key("Enter")]
    one = [step("focus", at="#correlation .answer"), key("Enter")]
    seen, count = run(SEEN), run(COVERED)
    visit = quiet(
        browser.visit(
            page, seen, count, *cover, seen, count, *one, seen, *cover, seen, *cover, seen
        )
    )
    found = [result for result in visit.results if result is not None]
    assert found[:2] == [["visible"] * 2, 0]
    assert found[2] == ["hidden"] * 2
    assert found[3] > 50
    assert found[4:] == [["visible"] * 2, ["visible"] * 2, ["hidden"] * 2]


def test_a_covered_figure_does_not_tell_its_result(browser: Browser, page: Path) -> None:
    total = "document.querySelector('#correlation .total').textContent"
    visit = quiet(browser.visit(page, run(total), step("click", at="#cover"), run(total)))
    assert [result for result in visit.results if result is not None] == ["14", "?"]


def test_without_scripts_pictures_and_tables_stand(browser: Browser, page: Path) -> None:
    code = "document.querySelectorAll('.figure .first svg').length"
    visit = browser.visit(page, run(f"[{code}, {FIGURES}]"), javascript=False)
    still, figures = quiet(visit).results[0]
    assert still == figures > 20


@needs_browser("axe-core")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(theme: str, browser: Browser, tmp_path: Path) -> None:
    """Of the page's own parts: roles, names, contrasts, also of what is covered."""
    path = tmp_path / "page.html"
    names = ("correlation", "image-2x4x4", "weight-gradient-drawn", "max-pooling", "forward-m")
    path.write_text(lecture_page(check(map(find, names))), "utf-8")
    media = step("media", features={"prefers-color-scheme": theme})
    visit = browser.visit(path, media, step("axe"), step("click", at="#cover"), step("axe"))
    for faults in (result for result in visit.results if isinstance(result, list)):
        assert [each for each in faults if each["impact"] in ("serious", "critical")] == []
