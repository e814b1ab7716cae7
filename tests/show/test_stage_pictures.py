"""The stage as SVG, as a film and in words."""

from __future__ import annotations

import re
from io import BytesIO
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageSequence
from report_pages import read
from stage_states import drawn_state

from allconv.errors import Error, LimitError
from allconv.picture.palette import DARK, LIGHT, channels
from allconv.show.page.operator_page import operator_page
from allconv.show.stage import gif
from allconv.show.stage.picture import StagePicture
from allconv.show.stage.primitives import Path, Rect
from allconv.show.stage.state import State
from allconv.show.stage.step import spoken, step_of, step_table
from allconv.show.stage.svg import stage_svg

SVG = "{http://www.w3.org/2000/svg}"
FILMED = (
    "op=conv&dim=1&input=4&kernel=3",
    "op=conv&input=5x5&kernel=2x2&channels=1-2",
    "op=conv_transpose&input=2x2&kernel=3x3&stride=2x2&bias=1",
    "op=max_pool&input=4x4&kernel=2x2&stride=2x2&leave=x",
    "op=local&input=3x3&kernel=2x2&leave=w",
)


def drawable(numbers: range) -> list[State]:
    found = []
    for number in numbers:
        state = drawn_state(number)
        try:
            StagePicture.of(state)
        except Error:
            continue
        found.append(state)
    return found


def parsed(svg: str) -> ElementTree.Element:
    """A picture as XML."""
    return ElementTree.fromstring(svg)  # noqa: S314 (it was made here)


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_a_picture_is_xml_with_all_of_the_scene(theme: str) -> None:
    for state in drawable(range(0, 140, 7)):
        scene = StagePicture.of(state).scene()
        root = parsed(stage_svg(state, theme=theme))
        (group,) = root.findall(f"{SVG}g")
        shown = [item for item in scene.items if item.kind != "text" or item.text]
        assert [node.tag for node in group] == [f"{SVG}{item.kind}" for item in shown]
        assert [node.get("class") for node in group] == [item.classes for item in shown]
        texts = ["".join(node.itertext()) for node in group if node.tag == f"{SVG}text"]
        assert all(
            item.text in text
            for item, text in zip([i for i in shown if i.kind == "text"], texts, strict=True)
        )


def test_a_picture_stands_alone() -> None:
    """Nothing is fetched or run; every gradient that is named is there; it says what it shows."""
    svg = stage_svg(State(channels=(2, 2)), name="own")
    root = parsed(svg)
    defined = {node.get("id") for node in root.iter(f"{SVG}linearGradient")}
    assert set(re.findall(r"url\(#([\w-]+)\)", svg)) == defined == {"own-xw", "own-wy"}
    assert not re.search(
        r"<script|javascript:|@import|href|https?://(?!www\.w3\.org/2000/svg)", svg
    )
    assert root.get("role") == "img"
    assert "x: input 5 × 5, w: kernel 3 × 3, y: output 3 × 3" in root.get("aria-label", "")


def test_a_picture_has_room_for_what_reaches_beyond_its_edge() -> None:
    """Slots and captions lie within the view."""
    for state in drawable(range(70)):
        root = parsed(stage_svg(state))
        _, _, width, _ = map(float, root.get("viewBox", "").split())
        shift = float(re.findall(r"[\d.]+", root.find(f"{SVG}g").get("transform"))[0])
        for node in root.iter(f"{SVG}rect"):
            if (node.get("class") or "").startswith("slot"):
                x, wide = float(node.get("x", 0)) + shift, float(node.get("width", 0))
                assert x >= 0
                assert x + wide <= width


def test_colours_stand_in_a_picture_before_the_variables() -> None:
    """Programs that know no variables of CSS show the theme's colours."""
    for theme, colours in (("light", LIGHT), ("dark", DARK), ("auto", LIGHT)):
        svg = stage_svg(State(), theme=theme)
        assert f"fill:{colours.roles['y']};fill: var(--y);" in svg
        assert f'stop-color="{colours.roles["x"]}"' in svg


def test_panels_stand_below_each_other_where_there_is_little_room() -> None:
    wide, narrow = (StagePicture.of(State()).scene(width=width) for width in (900, 320))
    assert (wide.vertical, narrow.vertical) == (False, True)
    assert narrow.width == 320


def test_numbers_of_users_are_text() -> None:
    """Values come from addresses as numbers; nothing of an address is copied into a picture."""
    state = State.of_address("#op=conv&x=<script>,1&letters=<b>&leave=\"'>&padding=<i>")
    for shown in (stage_svg(state), step_table(state)):
        assert not re.search(r"<(script|b|i)\b", shown)


@pytest.mark.parametrize("address", FILMED)
def test_a_film_has_a_frame_an_output(address: str) -> None:
    state = State.of_address(address)
    with Image.open(BytesIO(gif.stage_gif(state))) as film:
        assert film.n_frames == StagePicture.of(state).count
        assert film.info["loop"] == 0
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(film)]
    assert all(one.tobytes() != other.tobytes() for one, other in pairwise(frames))
    assert {frame.getpixel((0, 0)) for frame in frames} == {frames[0].getpixel((0, 0))}


def test_a_film_fills_its_result() -> None:
    """The first frame hides all other outputs, the last one none."""
    picture = StagePicture.of(State())
    scenes = [picture.scene(cell, upto=cell) for cell in (0, picture.count - 1)]
    hidden = [sum("hidden" in item.classes for item in scene.items) for scene in scenes]
    assert hidden == [2 * (picture.count - 1), 0]  # a rectangle and a text each


def test_a_film_has_the_colours_of_the_stylesheet() -> None:
    """A chosen cell is filled with its role's colour, and the ground is paper."""
    image = gif.as_pixels(StagePicture.of(State(leave="y")).scene())
    colours = {colour for _, colour in image.getcolors(2**20) or []}
    assert channels(LIGHT.roles["y"]) in colours
    assert channels(LIGHT.paper) in colours


def test_rules_win_as_in_css() -> None:
    """More classes win over fewer, later rules over earlier ones."""
    assert gif.style_of("cell x lit chosen")["fill"] == LIGHT.roles["x"]
    assert gif.style_of("cell x")["fill"] == LIGHT.variables()["--x-cell"]
    assert gif.style_of("cell ghost lit")["fill"] == LIGHT.raised
    assert gif.style_of("number chosen")["font-weight"] == "700"
    assert gif.style_of("letter") == {}


def test_films_are_bounded() -> None:
    many = State(op="conv_transpose", input=(9, 9), kernel=(5, 5), stride=(2, 2), channels=(1, 4))
    with pytest.raises(LimitError, match="1,764 frames, one a cell of the result"):
        gif.stage_gif(many)
    wide = State(input=(9, 9), kernel=(5, 5), dilation=(2, 2), channels=(4, 4), padding="full")
    with pytest.raises(LimitError, match="use smaller sizes, or \\.html"):
        gif.stage_gif(wide)


def tables(state: State) -> tuple[list[str], list[list[list[str]]]]:
    """The captions of a state's tables, and their rows of texts."""
    found = read(step_table(state)).all("table")
    rows = [[[cell.text for cell in row.inside] for row in each.all("tr")] for each in found]
    return [each.all("caption")[0].text for each in found], rows


def test_tables_hold_the_step_and_the_whole_result() -> None:
    state = State.of_address("#op=conv&input=3x3&kernel=2x2&channels=1-2&x=1,2,3,4,5,6,7,8,9&at=1")
    picture = StagePicture.of(state)
    captions, rows = tables(state)
    assert captions == [f"y[0,0,1] = {int(picture.result[1])}", "y, channel 0", "y, channel 1"]
    head, *terms = rows[0]
    assert head == ["what meets", "", "numbers", "adds"]
    assert [row[0] for row in terms] == ["x[0,1]", "x[0,2]", "x[1,1]", "x[1,2]"]
    whole = [float(n.replace("−", "-")) for table in rows[1:] for row in table for n in row]
    assert whole == picture.result


def test_tables_of_every_state_hold_its_result() -> None:
    for state in drawable(range(0, 140, 3)):
        _, (first, *others) = tables(state)
        cells = sum(len(row) for table in others for row in table)
        assert cells == StagePicture.of(state).count
        assert len({len(row) for row in first}) == 1


@pytest.mark.parametrize(
    "address",
    [
        "op=conv&input=9x9&kernel=2x2&channels=4-4&padding=8,8,8,8&leave=x&bias=1",
        "op=linear&input=9x9&channels=4-8&leave=w",
        "op=conv_transpose&input=9x9&kernel=5x5&channels=4-4&stride=2x2",
        "op=local&input=9x9&kernel=5x5&channels=4-4&padding=8,8,8,8&leave=w",
    ],
)
def test_the_largest_pages_stay_small(address: str) -> None:
    """Below 400 kB, and every cell that the script draws is in the picture."""
    state = State.of_address(address)
    assert len(operator_page(state).encode()) < 400_000
    root = parsed(stage_svg(state, spare=True))
    outlines = [each.get("d", "") for each in root.iter(f"{SVG}path")]
    scene = StagePicture.of(state).scene()
    cells = [item for item in scene.items if isinstance(item, Rect) and "cell" in item.classes]
    ribbons = [item for item in scene.items if isinstance(item, Path)]
    assert sum(outline.count("M") for outline in outlines) == len(cells) + len(ribbons)


def test_small_pictures_spare_nothing() -> None:
    assert stage_svg(State(), spare=True) == stage_svg(State())


def test_a_result_that_is_too_long_for_a_table() -> None:
    state = State.of_address("op=local&input=9x9&kernel=5x5&channels=4-4&leave=w")
    assert "The result has 10,000 cells, too many for a table." in step_table(state)
    assert len(tables(state)[0]) == 1


def said_of(state: State) -> str:
    """The sentence above the tables of a state."""
    return step_table(state).partition('<p class="says">')[2].partition("</p>")[0].strip()


def test_steps_in_words() -> None:
    line = State(dim=1, input=(1, 4), kernel=(1, 3), padding="half")
    assert said_of(line) == "y[0] = 8, from 3 products added up."
    assert [
        (term.meets, term.numbers, term.product) for term in step_of(StagePicture.of(line)).terms
    ] == [
        (("padding",), "0 × 1", "0"),
        (("x[0]", "w[1]"), "1 × 2", "2"),
        (("x[1]", "w[2]"), "2 × 3", "6"),
    ]
    said = spoken(StagePicture.of(line))
    assert said == (
        "Correlation. x: input 4, w: kernel 3, y: output 4. y[0] = 8 from 0 × 1 + 1 × 2 + 2 × 3."
    )
    pool = State.of_address("#op=max_pool&dim=1&input=4&kernel=2&stride=2&x=5,5,1,2")
    assert said_of(pool).startswith("y[0] = 5, the largest of 2.")
    assert [term.product for term in step_of(StagePicture.of(pool)).terms] == ["the largest", ""]
    mean = State.of_address("#op=avg_pool&dim=1&input=4&kernel=2&stride=2&x=5,4,1,2")
    assert said_of(mean) == "y[0] = 4.5, from 2 cells added up, divided by 2."


def test_a_cell_that_nothing_meets_says_so() -> None:
    state = State.of_address("#op=conv&dim=1&input=5&kernel=1&stride=4&leave=x&at=2")
    assert said_of(state) == (
        "gx[2] = 0, which nothing meets. No place of the window reaches this cell."
    )
    empty = State.of_address("#op=max_pool&dim=1&input=1&kernel=2&dilation=2&padding=1")
    assert said_of(empty).startswith(
        "y[0] = −∞, which nothing meets. This place of the window lies"
    )


def test_a_cell_beyond_the_result_is_its_last_one() -> None:
    assert said_of(State(at=10**6)).startswith("y[2,2] = ")
