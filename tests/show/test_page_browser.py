"""The operator page in a browser: it runs, fits, obeys the keyboard, and reads without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from page_browser import Browser, key, needs_browser, quiet, run, step

from tiers import slow, slowed

STATES = {
    "correlation": "",
    "slides": "#op=conv&dim=1&input=6&kernel=3&padding=half&letters=slides&leave=w",
    "channels": "#op=conv&input=5x5&kernel=3x3&stride=2x2&padding=same&channels=2-2&bias=1&leave=x",
    "depthwise": "#op=true_conv&input=6x5&kernel=2x3&dilation=2x1&channels=4-4&groups=4",
    "transposed": "#op=conv_transpose&input=3x3&kernel=3x3&stride=2x2&output_padding=1x1&bias=1",
    "local": "#op=local&input=4x4&kernel=3x3&leave=w",
    "linear": "#op=linear&input=3x3&channels=2-8",
    "maximum": "#op=max_pool&input=4x4&kernel=2x2&stride=2x2&leave=x",
    "mean": "#op=avg_pool&input=5x5&kernel=2x2&stride=2x2&padding=1,1&ceil=1&count_padding=0",
    "largest": "#op=conv&input=9x9&kernel=5x5&padding=full&channels=2-2",
    "refused": "#op=conv&input=2x2&kernel=5x5",
}
HOSTILE = (
    "#op=%ZZ&input=NaNx-5&kernel=1e9&stride=0&padding=,,&channels=-&leave=q&at=-1&x=1e999,,<b>&w=;",
    "#op=constructor&padding=__proto__&letters=toString&groups=999&dim=7&g=0x10,Infinity,NaN",
    "#" + "&".join(["op=conv"] * 2000),
)
WIDTHS = (320, 375, 480, 619, 621, 768, 1024, 1440, 1920, 2560)
HASH = run("location.hash")

pytestmark = needs_browser()


@pytest.mark.parametrize("name", slowed(STATES, "channels"))
def test_states_are_drawn_and_step(name: str, browser: Browser, page: Path) -> None:
    """No error and no request, whatever is left out and wherever the step is."""
    keys = map(key, ("ArrowRight", "2", "ArrowDown", "3", "End", "1"))
    cells = "document.querySelectorAll('#explain [data-cell]').length"
    is_live = run("document.documentElement.classList.contains('live')")
    visit = browser.visit(page, is_live, *keys, run(cells), address=STATES[name])
    assert quiet(visit).results[0] is True
    assert (visit.results[-1] > 0) == (name != "refused")


def test_more_kernels_than_a_page_can_draw(browser: Browser, page: Path) -> None:
    """A local layer of 115,600 weights: its picture of them stops, and the page says where."""
    address = "#op=local&input=9x9&kernel=5x5&channels=4-4&padding=8,8,8,8"
    said = run("document.querySelector('.multiples p:not([hidden]) + p').innerText")
    visit = quiet(browser.visit(page, said, address=address))
    assert visit.results == ["A place has 16, one for each pair of channels; drawn: 1."]


@pytest.mark.parametrize("address", HOSTILE)
def test_addresses_that_mean_nothing_show_a_page(
    address: str, browser: Browser, page: Path
) -> None:
    count = run("document.querySelectorAll('#explain [data-cell]').length")
    assert quiet(browser.visit(page, count, address=address)).results[0] > 0


@pytest.mark.parametrize("name", slowed(STATES, "depthwise"))
def test_no_width_scrolls_sideways(name: str, browser: Browser, page: Path) -> None:
    """From a small telephone to a large screen, in every view."""
    measure = run("[document.documentElement.scrollWidth, innerWidth]")
    steps = [
        each
        for width in WIDTHS
        for each in (step("viewport", width=width), measure)
    ]  # fmt: skip
    visit = quiet(browser.visit(page, *steps, address=STATES[name], width=WIDTHS[0]))
    widths = [result for result in visit.results if result]
    assert [inner for _, inner in widths] == list(WIDTHS)
    assert [(scroll, inner) for scroll, inner in widths if scroll > inner] == []


@needs_browser("axe-core")
@pytest.mark.parametrize("theme", slowed(["light", "dark"], "light"))
@pytest.mark.parametrize("name", slowed(STATES, "maximum"))
def test_axe_finds_no_serious_fault(name: str, theme: str, browser: Browser, page: Path) -> None:
    """Roles, names, contrasts."""
    media = step("media", features={"prefers-color-scheme": theme})
    opened = "for (const each of document.querySelectorAll('details')) each.open = true"
    visit = browser.visit(
        page, media, run(opened), step("settle"), step("axe"),
        address=STATES[name],
    )  # fmt: skip
    found = [fault for fault in visit.results[-1] if fault["impact"] in ("serious", "critical")]
    assert found == []


@needs_browser("axe-core")
def test_axe_finds_what_is_wrong(browser: Browser, page: Path) -> None:
    """A control without a name is a fault that it is sure of."""
    code = "document.querySelector('main').append(document.createElement('button'))"
    (*_, faults) = browser.visit(page, run(code), step("axe")).results
    assert "button-name" in [fault["id"] for fault in faults]


@pytest.mark.parametrize("name", slowed(STATES, "mean"))
def test_tab_comes_to_every_control(name: str, browser: Browser, page: Path) -> None:
    """Each has a name, and is seen where it stands."""
    (walk,) = quiet(browser.visit(page, step("walk"), address=STATES[name])).results
    assert walk["missed"] == []
    assert [stop for stop in walk["stops"] if not stop["name"] or not stop["seen"]] == []
    assert len(walk["stops"]) > 15


def test_the_keyboard_alone_steps_and_switches_the_view(browser: Browser, page: Path) -> None:
    steps = [
        each
        for name in ("ArrowRight", "ArrowDown", "End", "3", "2", "1")
        for each in (key(name), HASH)
    ]
    visit = quiet(browser.visit(page, *steps))
    addresses = [result for result in visit.results if result]
    assert [a.rpartition("at=")[2] for a in addresses[:3]] == ["1", "4", "8"]
    assert [a.partition("leave=")[2][0] for a in addresses[3:]] == ["w", "x", "y"]


def test_the_keyboard_alone_edits_a_number_and_undoes_it(browser: Browser, page: Path) -> None:
    visit = browser.visit(
        page,
        step("tab_to", name="x"),
        key("ArrowRight"),
        key("Enter"),
        step("type", text="77"),
        key("Enter"),
        HASH,
        step("focused"),
        key("z", held=["Control"]),
        HASH,
        key("z", held=["Control", "Shift"]),
        HASH,
    )
    edited, where, undone, again = (quiet(visit).results[n] for n in (5, 6, 8, 10))
    assert edited.partition("&x=")[2].split(",")[1] == "77"
    assert where["name"].startswith("x")
    assert "&x=" not in undone
    assert again == edited


def test_the_keyboard_alone_changes_the_geometry(browser: Browser, page: Path) -> None:
    """A number of the form, and one that cannot be: the sentence, then the picture again."""
    said = run("document.querySelector('[role=alert]').textContent")
    visit = browser.visit(
        page,
        step("tab_to", name="kernel, rows"),
        key("ArrowUp"),
        HASH,
        step("tab_to", name="input, rows"),
        step("type", text="1"),
        said,
        key("Backspace"),
        step("type", text="5"),
        said,
    )
    assert "kernel=4x3" in quiet(visit).results[2]
    assert "does not fit" in visit.results[5]
    assert visit.results[8] == ""


def test_arrows_scroll_what_is_wider_than_its_place(browser: Browser, page: Path) -> None:
    """Left and right, where it has the keyboard; elsewhere they step."""
    visit = browser.visit(
        page,
        step("focus", at=".matrices figure:last-child"),
        key("ArrowRight", times=3),
        step("wait", until="document.querySelector('.matrices figure:last-child').scrollLeft > 0"),
        HASH,
        key("ArrowDown"),
        HASH,
        address=STATES["largest"],
        width=320,
    )
    assert [quiet(visit).results[n].rpartition("at=")[2] for n in (3, 5)] == ["0", "13"]


def test_playing_ends_at_the_last_cell(browser: Browser, page: Path) -> None:
    visit = browser.visit(
        page,
        step("media", features={"prefers-reduced-motion": "reduce"}),
        key(" "),
        step("wait", until="location.hash.endsWith('at=1')"),
        run("document.getAnimations().length"),
        address="#op=conv&dim=1&input=4&kernel=3",
    )
    assert quiet(visit).results[-1] == 0


def test_without_scripts_a_picture_and_a_table_are_seen(browser: Browser, page: Path) -> None:
    code = """['#explain svg', '#explain table'].map((each) => {
        const { width, height } = document.querySelector(each).getBoundingClientRect();
        return width > 100 && height > 50;
    })"""
    wide = run("document.documentElement.scrollWidth")
    live = run("document.documentElement.classList.contains('live')")
    for width in (320, 1280):
        visit = browser.visit(page, run(code), wide, live, javascript=False, width=width)
        assert quiet(visit).results == [[True, True], width, False]


@slow
def test_the_page_prints(browser: Browser, page: Path, tmp_path: Path) -> None:
    paper: Any = browser.visit(page, step("print", path=str(tmp_path / "page.pdf"))).results[0]
    assert paper["begins"] == "%PDF-"
    assert paper["bytes"] > 5000


def test_what_goes_wrong_is_reported(browser: Browser, tmp_path: Path) -> None:
    """Errors, requests and steps that fail: the tests above could fail."""
    path = tmp_path / "wrong.html"
    path.write_text(
        "<!doctype html><title>Wrong</title><img src='file:///none.png'>"
        "<script>console.error('said'); setTimeout(() => none(), 0)</script>"
    )
    visit = browser.visit(path, step("settle"))
    assert any("said" in error for error in visit.errors)
    assert any("none is not defined" in error for error in visit.errors)
    assert visit.requests == ["file:///none.png"]
    with pytest.raises(AssertionError, match="step 0"):
        browser.visit(path, step("click", at="#none"))
