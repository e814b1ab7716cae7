"""States as addresses: what is written reads back, and what is no address reads as something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from page_node import asked, needs_node, node
from stage_states import drawn_state

from allconv.errors import LimitError, ShapeError
from allconv.show.page.examples import EXAMPLES
from allconv.show.page.shared import shared_data
from allconv.show.stage.model import model_of
from allconv.show.stage.names import plain, written
from allconv.show.stage.state import State

HOSTILE = (
    "",
    "#",
    "#op=conv&input=3x",
    "#op=<script>&dim=3&input=-5xq&kernel=1e9x2&leave=z&at=-4",
    "#op=max_pool&leave=w&padding=-3,9&channels=9-1&groups=7&bias=1&ceil=1",
    "#op=linear&dim=1&input=99&channels=99-99&padding=same",
    "#padding=1,2,3,4,5&dim=1&stride=2x3&spread=2&dilation=0x0",
    "#padding=causal&groups=2&channels=3-3",
    "#x=1,two,NaN,Infinity,,7&w=1e400,-0,.5,5.,1e-7,0x10,1_0",
    "#x=%31,%zz&input=%32x%32&op=%E0%A4&kernel=%31",
    "#input=" + "9" * 400 + "&stride=" + "1" * 20 + "&at=" + "7" * 12,
    "#=1&&&op&__proto__=1&constructor=2&input=\u0663x3&kernel= +2x\u00a02",
    "#op=conv_transpose&output_padding=3x1&stride=4&padding=2,1,0,0&spread=3",
    "#op=avg_pool&dilation=2&padding=1,0,2,0&count_padding=0&letters=slides",
    "#b=5,6&channels=1-2",
    "#b=5,6&channels=1-2&bias=1&g=1",
)
NUMBERS = (0.0, -0.0, 1.0, -2.5, 1e21, 123456789.0, 1e20, 1.5e-7, 1e-6, 1 / 3, 5e-324, 1.7e308)


@pytest.mark.parametrize("number", range(0, 210, 3))
def test_an_address_reads_back_as_its_state(number: int) -> None:
    state = drawn_state(number).settled()
    address = state.address()
    again = State.of_address(address)
    assert again.address() == address
    settings = [name for name in state.__dataclass_fields__ if name != "edits"]
    assert [getattr(again, n) for n in settings] == [getattr(state, n) for n in settings]


@pytest.mark.parametrize(("title", "text"), EXAMPLES)
def test_the_lectures_examples_read_as_what_they_say(title: str, text: str) -> None:
    """Every field of an example is in the address of its state."""
    state = State.of_address(text)
    assert set(text.split("&")) <= {*state.address()[1:].split("&"), "at=0"}, title
    assert model_of(state).meetings


@needs_node
def test_hostile_addresses_read_as_on_the_page(modules: Path) -> None:
    """What is out of range or no number becomes the same in both languages."""
    texts = [each for each in HOSTILE if "0x10" not in each]  # decimals alone are read here
    sent = {"shared": shared_data(), "addresses": texts}
    for text, theirs in zip(texts, asked("models.mjs", modules, sent), strict=True):
        assert State.of_address(text).address() == theirs["again"], text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_addresses_read_as_states_that_pages_draw(text: str) -> None:
    state = State.of_address(State.of_address(text).address())  # a bias that is off goes here
    assert State.of_address(state.address()).address() == state.address()
    limits = state.limits()
    for name in ("input", "stride", "dilation", "spread", "output_padding"):
        low, high = limits[name]
        assert all(low <= number <= high for number in getattr(state, name)), name


def test_values_that_are_no_numbers_stay_as_they_were_drawn() -> None:
    edits = State.of_address("#x=1,two,NaN,Infinity,,7&w=1e400,-0,.5").edits
    assert edits == {"x0.0.0": 1.0, "x0.1.0": 7.0, "w0.0.1": 0.0, "w0.0.2": 0.5}


def test_a_geometry_that_cannot_be_keeps_its_settings() -> None:
    text = "#op=conv&dim=2&input=2x2&kernel=3x3&leave=y&at=0"
    state = State.of_address(f"{text}&x=1,2,3,4")
    assert (state.address(), state.edits) == (text, {})
    with pytest.raises(ShapeError, match="does not fit the padded input"):
        model_of(state)


def test_what_is_too_large_to_draw_is_refused() -> None:
    state = State(input=(9, 9), kernel=(1, 1), spread=(3, 3), padding=((8, 8), (8, 8)))
    with pytest.raises(LimitError, match="the longest side is 41; the page draws at most 26"):
        model_of(state)


@needs_node
def test_numbers_are_written_as_javascript_writes_them(tmp_path: Path) -> None:
    script = tmp_path / "numbers.mjs"
    script.write_text(
        'import { readFileSync } from "node:fs";\n'
        'const { question } = JSON.parse(readFileSync(0, "utf8"));\n'
        "process.stdout.write(JSON.stringify(question.map(String)));\n"
    )
    assert list(map(plain, NUMBERS)) == answered(script)


def answered(script: Path) -> Any:
    ran = node(script, given=json.dumps({"question": NUMBERS}))
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0625, "1.063"),  # a tie, away from 0 as JavaScript has it
        (-1.0625, "−1.063"),
        (123456.0, "123456"),
        (123456.7, "123500"),
        (1e-13, "0"),
        (1.5e-7, "1.5e−7"),
        (float("inf"), "∞"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_have_four_digits(value: float, text: str) -> None:
    assert written(value) == text
