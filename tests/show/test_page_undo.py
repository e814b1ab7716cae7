"""What can be undone on the operator page: one step for each thing that the reader did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from page_browser import Browser, Visit, key, needs_browser, run, step
from page_node import asked, needs_node

MOST = 200
ARRIVALS = ("back", "forth", "giveUp")
HASH = run("location.hash")
ENTER, RIGHT = key("Enter"), key("ArrowRight")
UNDO = key("z", held=["Control"])
REDO = key("z", held=["Control", "Shift"])
FIELDS = run("document.querySelectorAll('.editor').length")
TOOL = """(name) => [...document.querySelectorAll('.tools button')]
    .find((button) => button.textContent === name)"""
CAN = run(f"""['Undo', 'Redo'].map({TOOL})
        .map((button) => button.getAttribute('aria-disabled') === 'false')""")
PEN = run(f"({TOOL})('Draw the input').click()")


def cell(name: str, at: int) -> str:
    """The selector of a cell of the stage."""
    return f".stage [data-cell='{name}:{at}']"


def click(name: str, at: int) -> dict[str, Any]:
    """The step of a click on a cell of the stage."""
    return step("click", at=cell(name, at))


def typed(text: str) -> dict[str, Any]:
    """The step of a text that is typed."""
    return step("type", text=text)


def arrived(modules: Path, *calls: list[Any]) -> list[Any]:
    """The states that a history leads to, call by call; other calls answer nothing that counts."""
    (answers,) = asked("history.mjs", modules, [calls])
    return [answer for call, answer in zip(calls, answers, strict=True) if call[0] in ARRIVALS]


@needs_node
def test_states_come_back_in_their_order(modules: Path) -> None:
    """Undone, done again, and nothing behind either end."""
    calls = [["leave", "a"], ["leave", "b"], ["back", "c"], ["back", "b"], ["back", "a"]]
    assert arrived(modules, *calls) == ["b", "a", None]
    again = [["forth", "a"], ["forth", "b"], ["forth", "c"]]
    assert arrived(modules, *calls, *again) == ["b", "a", None, "b", "c", None]


@needs_node
def test_a_change_forgets_what_was_undone(modules: Path) -> None:
    calls = [["leave", "a"], ["back", "b"], ["leave", "a"], ["forth", "c"], ["back", "c"]]
    assert arrived(modules, *calls) == ["a", None, "a"]


@needs_node
def test_changes_of_one_act_are_undone_together(modules: Path) -> None:
    """As long as nothing comes between: not another act, not an undo."""
    one = [["leave", "a", "pen"], ["leave", "b", "pen"], ["leave", "c", "pen"]]
    assert arrived(modules, *one, ["back", "d"], ["back", "a"]) == ["a", None]
    other = [*one, ["leave", "d", "field"], ["leave", "e", "pen"]]
    back = [["back", "f"], ["back", "e"], ["back", "d"], ["back", "a"]]
    assert arrived(modules, *other, *back) == ["e", "d", "a", None]
    after = [*one, ["back", "d"], ["leave", "a", "pen"], ["back", "e"]]
    assert arrived(modules, *after) == ["a", "a"]


@needs_node
def test_an_act_that_is_given_up_has_not_been(modules: Path) -> None:
    """What was undone before it can still be done again."""
    undone = [["leave", "a"], ["leave", "b"], ["back", "c"]]
    act = [["leave", "b", "field"], ["leave", "d", "field"], ["giveUp", "field"]]
    assert arrived(modules, *undone, *act, ["forth", "b"]) == ["b", "b", "c"]


@needs_node
def test_only_the_last_act_can_be_given_up(modules: Path) -> None:
    """One that changed nothing leaves everything as it is."""
    calls = [["leave", "a", "pen"], ["giveUp", "field"], ["leave", "b"], ["giveUp", "pen"]]
    assert arrived(modules, *calls, ["back", "c"], ["back", "b"]) == [None, None, "b", "a"]


@needs_node
def test_a_history_has_an_end(modules: Path) -> None:
    calls = [["leave", n] for n in range(MOST + 10)]
    back = [["back", n] for n in range(MOST + 1)]
    found = arrived(modules, *calls, *back)
    assert found == [*reversed(range(10, MOST + 10)), None]


browsers = needs_browser()


def answers(visit: Visit) -> list[Any]:
    """What the steps returned that return something, of a visit without errors."""
    assert visit.errors == []
    return [result for result in visit.results if result is not None]


def edits(address: str) -> str:
    """The values in an address that are not the usual ones."""
    return address.partition("&at=")[2].partition("&")[2]


@browsers
def test_nothing_can_be_undone_at_first(browser: Browser, page: Path) -> None:
    press = run("document.querySelector('.tools button').click()")
    first, can, *rest = answers(browser.visit(page, HASH, CAN, press, HASH, UNDO, REDO, HASH, CAN))
    assert rest == [first, first, [False, False]]
    assert can == [False, False]


@browsers
def test_what_is_counted_in_a_field_is_one_step(browser: Browser, page: Path) -> None:
    visit = browser.visit(
        page, HASH, click("x", 1), key("ArrowUp", times=5), HASH, ENTER, UNDO, HASH, CAN, REDO, HASH
    )
    first, counted, undone, can, again = answers(visit)
    assert edits(counted).startswith("x=1,9,1,")
    assert [undone, can, again] == [first, [False, True], counted]


@browsers
@pytest.mark.parametrize("text", ["", "7", "none"])
def test_escape_leaves_nothing_behind(text: str, browser: Browser, page: Path) -> None:
    """No number, no step, and what could be done again still can, whatever stands in the field."""
    undo = click("w", 0), typed("5"), ENTER, UNDO, HASH
    escape = click("x", 1), key("ArrowUp", times=2), HASH, typed(text), key("Escape"), HASH
    visit = browser.visit(page, *undo, *escape, CAN, FIELDS)
    before, counted, after, can, fields = answers(visit)
    assert edits(counted) != edits(before) == ""
    assert [after, can, fields] == [before, [False, True], 0]


@browsers
def test_a_number_that_is_counted_back_is_no_step(browser: Browser, page: Path) -> None:
    visit = browser.visit(page, click("x", 1), key("ArrowUp"), key("ArrowDown"), ENTER, CAN)
    assert answers(visit) == [[False, False]]


@browsers
def test_each_field_is_a_step(browser: Browser, page: Path) -> None:
    """Tab goes on to the next cell; undoing goes back one at a time."""
    count = key("ArrowUp", times=2)
    counted = click("x", 0), count, key("Tab"), count, ENTER, HASH
    visit = browser.visit(page, *counted, UNDO, HASH, UNDO, HASH)
    both, one, none = map(edits, answers(visit))
    assert both.startswith("x=3,6,1,")
    assert one.startswith("x=3,4,1,")
    assert none == ""


@browsers
def test_the_keyboard_goes_on_from_the_cell_that_it_edited(browser: Browser, page: Path) -> None:
    first, second = (RIGHT, ENTER, typed("8"), ENTER), (RIGHT, ENTER, typed("9"), ENTER)
    visit = browser.visit(page, step("tab_to", name="x"), *first, *second, HASH)
    assert edits(answers(visit)[-1]).startswith("x=1,8,9,")


@browsers
def test_a_stroke_of_the_pen_is_one_step(browser: Browser, page: Path) -> None:
    """Wherever it began."""
    first = step("drag", over=[cell("x", n) for n in (6, 12, 18)])
    second = step("drag", over=["h1", cell("x", 3)])
    visit = browser.visit(page, PEN, first, HASH, second, HASH, UNDO, HASH, UNDO, HASH, CAN)
    one, both, again, none, can = answers(visit)
    assert edits(one).startswith("x=1,4,1,0,1,1,1,")
    assert edits(both).startswith("x=1,4,1,1,1,1,1,")
    assert again == one
    assert [edits(none), can] == ["", [False, True]]


@browsers
def test_the_slider_keeps_what_a_field_holds(browser: Browser, page: Path) -> None:
    """The field closes, and the keyboard stays with the slider."""
    slide = step("tab_to", name="x"), ENTER, typed("8"), step("click", at=".player input")
    visit = browser.visit(page, *slide, FIELDS, step("focused"), HASH, UNDO, HASH)
    _, fields, focused, stepped, *_ = answers(visit)
    assert fields == 0
    assert focused["name"] == "step"
    assert "&at=4&x=8,4," in stepped


@browsers
def test_undo_takes_back_what_a_field_holds(browser: Browser, page: Path) -> None:
    """The press closes the field first."""
    visit = browser.visit(
        page, click("x", 3), typed("55"), step("click", at=".tools button"), FIELDS, HASH, CAN
    )
    fields, address, can = answers(visit)
    assert [fields, edits(address), can] == [0, "", [False, True]]


@browsers
def test_another_address_closes_a_field(browser: Browser, page: Path) -> None:
    """Its cell may be none of the next state's; undoing leads back to what it held."""
    visit = browser.visit(
        page,
        click("x", 20),
        typed("8"),
        run("location.hash = '#op=conv&dim=1&input=4&kernel=2', null"),
        step("wait", until="document.querySelectorAll('.editor').length === 0"),
        key("ArrowUp"),
        HASH,
        UNDO,
        HASH,
    )
    opened, undone = [each for each in answers(visit) if isinstance(each, str)]
    assert "dim=1&input=4&kernel=2" in opened
    assert "input=5x5" in undone
    assert ",8,4,4,2,1" in undone


@browsers
def test_a_field_stays_over_its_cell(browser: Browser, page: Path) -> None:
    """When the window becomes narrower."""
    apart = f"""((field, cell) => [field.x - cell.x, field.y - cell.y])(
        ...['.editor', "{cell("x", 20)}"].map((each) =>
            document.querySelector(each).getBoundingClientRect()))"""
    visit = browser.visit(page, click("x", 20), run(apart), step("viewport", width=600), run(apart))
    first, narrow = answers(visit)
    assert narrow == pytest.approx(first, abs=0.5)
