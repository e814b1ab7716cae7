"""The lecture's page and its worksheet: complete, right, self-contained, whatever the inputs."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import allconv as ac
from allconv.lecture import Example, Result
from allconv.lecture.calls import own_names
from allconv.lecture.figures import ELSEWHERE, FIGURES, Figure, figure_of
from allconv.lecture.kept import ALL_CNN, kept
from allconv.lecture.listings import LISTINGS, PREAMBLE, Listing
from allconv.lecture.page import STYLES, lecture_page
from allconv.lecture.parts import PARTS
from allconv.lecture.pictures import PICTURES
from allconv.lecture.pieces import Draw, Live, Program, Say, Show
from allconv.lecture.prose import PLAN
from allconv.lecture.worksheet import questions, worksheet_page
from allconv.show.stage.model import model_of
from allconv.show.stage.names import written
from allconv.show.stage.state import State
from allconv.show.stage.svg import stage_svg
from allconv.show.stage.values import values_of

EXAMPLES = ac.lecture.examples()
DRAWN = [example for example in EXAMPLES if example.name in FIGURES]
PIECES = [piece for part in PLAN for piece in part.pieces]
VOID = {"meta", "br", "input", "hr", "img", "link"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202e'


class Page(HTMLParser):
    """Elements of a page, and whether they are closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def having(self, attribute: str) -> list[str]:
        """The values of an attribute, wherever it is."""
        return [attrs[attribute] or "" for _, attrs in self.elements if attribute in attrs]

    def classes(self, name: str) -> int:
        """How many elements are of a class."""
        return sum(name in each.split() for each in self.having("class"))


@pytest.fixture(scope="module")
def results() -> tuple[Result, ...]:
    return ac.lecture.check()


@pytest.fixture(scope="module")
def text(results: tuple[Result, ...]) -> str:
    return lecture_page(results)


@pytest.fixture(scope="module")
def sheet(results: tuple[Result, ...]) -> str:
    return worksheet_page(results)


def test_every_example_has_its_place_once(text: str) -> None:
    """In the order of the lecture's parts, each in the section of its own."""
    shown = [piece.name for piece in PIECES if isinstance(piece, Show)]
    assert sorted(shown) == sorted(example.name for example in EXAMPLES)
    assert tuple(part.name for part in PLAN) == PARTS
    by_name = {example.name: example for example in EXAMPLES}
    for part in PLAN:
        assert {by_name[p.name].part for p in part.pieces if isinstance(p, Show)} == {part.name}
    ids = Page(text).having("id")
    assert set(shown) <= set(ids)


def test_every_part_teaches_before_it_asks() -> None:
    """Each begins with a paragraph; pictures and listings of the plan are all that there are."""
    assert all(isinstance(part.pieces[0], Say) for part in PLAN)
    assert {piece.name for piece in PIECES if isinstance(piece, Draw)} == set(PICTURES)
    named = {piece.name for piece in PIECES if isinstance(piece, Program)}
    assert named == {"preamble", *(each.name for each in LISTINGS)}


def test_an_example_that_the_prose_does_not_name_stands_at_the_end_of_its_part(
    results: tuple[Result, ...],
) -> None:
    other = replace(results[0], example=replace(results[0].example, name="another"))
    page = lecture_page([*results, other])
    start = page.index('id="networks"')
    assert start < page.index('id="another"') < page.index('id="counts"')


def test_ids_are_distinct_and_links_lead_somewhere(text: str, sheet: str) -> None:
    for page in map(Page, (text, sheet)):
        ids = page.having("id")
        assert len(set(ids)) == len(ids)
        links = page.having("href")
        assert all(link.startswith("#") and link[1:] in ids for link in links)
    contents = re.search(r"<nav.*?</nav>", text, re.DOTALL)
    assert contents is not None
    assert re.findall(r'href="#([\w-]+)"', contents[0]) == [part.anchor for part in PLAN]


def test_nothing_is_fetched(text: str, sheet: str) -> None:
    """No address but the names of XML, no element that loads, a policy that allows none."""
    for page in (text, sheet):
        known = page.replace("http://www.w3.org/2000/svg", "")
        assert re.search(r"https?:|//[a-z]|@import|url\((?!#)", known.split("<script>")[0]) is None
        parsed = Page(page)
        assert not {"img", "iframe", "link", "object", "embed"} & {
            tag for tag, _ in parsed.elements
        }
        assert parsed.having("content")[0].startswith("default-src 'none'")
    assert "<script" not in sheet


def test_a_page_is_well_formed_and_not_too_large(text: str, sheet: str) -> None:
    for page in map(Page, (text, sheet)):
        assert (page.wrong, page.open) == ([], [])
    assert len(text.encode()) <= 600 * 1024


@pytest.mark.parametrize("given", LISTINGS, ids=lambda given: given.name)
def test_every_listing_runs_and_prints_what_it_says(given: Listing) -> None:
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(PREAMBLE + given.code, {})  # noqa: S102 - what the page tells readers to run
    assert printed.getvalue() == given.output


def test_listings_stand_in_the_page_as_they_run(text: str) -> None:
    for given in LISTINGS:
        for line in given.code.splitlines():
            assert line.replace("&", "&amp;").replace(">", "&gt;").replace('"', "&quot;") in text


@pytest.mark.parametrize("example", DRAWN, ids=lambda example: example.name)
def test_a_figure_computes_what_its_example_does(example: Example) -> None:
    """Every number of the array that is left out is one of the example's; where it shows the whole
    result, it is that array."""
    figure = figure_of(example)
    assert figure is not None
    found = left_out(figure)
    if example.name in ("translation", "sparse-matrix", "densified"):
        return  # the image moved, a matrix in letters, a larger image: see below
    ours = np.asarray(example.check().ours, float)
    if example.name == "conv2d-listing":
        ours = np.moveaxis(ours, -1, 0)  # channels last, as TensorFlow prints them
    if found.size == ours.size:
        np.testing.assert_allclose(found, ours.ravel(), rtol=1e-12)
    else:
        assert all(np.isclose(ours, each).any() for each in found)


def left_out(figure: Figure) -> np.ndarray:
    """The numbers of the array that a figure computes."""
    values = values_of(figure.state, model_of(figure.state))
    return np.array({"y": values.y, "x": values.gx, "w": values.gw}[figure.state.leave])


def test_figures_of_moved_and_larger_images_hold_the_result() -> None:
    """The translated image holds the 3 x 3 results; the larger one the first cell, at its end."""
    ours = np.asarray(ac.lecture.find("translation").check().ours, float)
    moved, larger = (figure_of(ac.lecture.find(name)) for name in ("translation", "densified"))
    assert moved is not None
    assert larger is not None
    np.testing.assert_allclose(left_out(moved).reshape(2, 4, 4)[:, 1:, 1:], ours)
    assert left_out(larger)[-1] == pytest.approx(ours[0, 0, 0])


def test_every_operator_on_numbers_is_live(results: tuple[Result, ...]) -> None:
    """Examples with arrays of numbers have a figure, or name the one that has theirs."""
    for example in (result.example for result in results if result.ours is not None):
        has_arrays = any(
            array.ndim and array.dtype.kind == "f" for array in example.inputs.values()
        )
        if has_arrays:
            assert example.name in FIGURES or ELSEWHERE[example.name] in FIGURES


def test_the_page_holds_the_figures_and_their_pictures(text: str) -> None:
    """Each address is understood as it was meant, and drawn with the library's numbers."""
    expected = [figure_of(example) for example in EXAMPLES if example.name in FIGURES]
    expected += [Figure(p.address, p.parts) for p in PIECES if isinstance(p, Live)]
    addresses = Page(text).having("data-address")
    assert sorted(addresses) == sorted(figure.address for figure in expected if figure)
    for address in addresses:
        state = State.of_address(address)
        assert State.of_address(state.address()) == state
        shown = re.findall(r">([^<>]+)</text>", stage_svg(state))
        for value in left_out(Figure(address)).tolist():
            assert written(value) in shown
        given = {"y": "xw", "x": "wg", "w": "xg"}[state.leave]
        given = given.replace("w", "") if state.op == "local" else given  # a place at a time
        for name, value in state.edits.items():
            assert name[0] not in given or written(value) in shown


def test_figures_name_parts_that_there_are() -> None:
    script = lecture_page([]).split("<script>")[-1]
    known = set(re.findall(r"^\s+(\w+): \w+Part,", script, re.MULTILINE))
    named = {part for p in PIECES if isinstance(p, Live) for part in p.parts.split()}
    for example in DRAWN:
        figure = figure_of(example)
        assert figure is not None
        named |= set(figure.parts.split())
    assert "shift" in named
    assert named <= known


def test_printed_numbers_and_ours_stand_beside_each_other(
    text: str, results: tuple[Result, ...]
) -> None:
    """The slip is struck out; what cannot be recomputed says so."""
    assert text.count('class="verdict slip"') == sum(r.verdict == "slip" for r in results)
    assert text.count('<td class="slip">−3.1</td>') == 8
    assert "Agrees but for a slip: the slide&#x27;s −3.1 is 3.1." in text
    assert "Cannot be recomputed: not printed: imgC." in text
    block = text[text.index('id="max-pooling"') :]
    assert block.index("<td>1.1895669</td>") < block.index("ours") < block.index("−0.19861951")


def test_every_result_can_be_covered(text: str, results: tuple[Result, ...]) -> None:
    page = Page(text)
    assert page.classes("answer") >= len(results) + len(LISTINGS)
    assert ("button", "cover") in [(tag, attrs.get("id")) for tag, attrs in page.elements]


def test_without_scripts_everything_stands(text: str) -> None:
    """Pictures are in the HTML, nothing is hidden but the switch that needs the script."""
    still = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    page = Page(still)
    assert [attrs["id"] for _, attrs in page.elements if "hidden" in attrs] == ["cover"]
    figures = page.classes("figure")
    assert page.classes("first") == figures > 20
    assert sum(tag == "svg" for tag, _ in page.elements) == figures + len(PICTURES)


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, 1e308, -0.5, 123456.789], ids=lambda value: str(value)
)
def test_other_numbers_are_another_page(value: float, results: tuple[Result, ...]) -> None:
    """A changed input reaches figure and result; what the stage cannot show has no figure."""
    changed = [with_first(result.example, value) for result in results]
    with np.errstate(all="ignore"):
        quick = [each.check() for each in changed if each.name in FIGURES]
    page = Page(lecture_page(quick))
    assert (page.wrong, page.open) == ([], [])
    for address in page.having("data-address"):
        values_of(State.of_address(address), model_of(State.of_address(address)))


def with_first(example: Example, value: float) -> Example:
    """The example with another number in the first cell of its first array of numbers."""
    for name, array in example.inputs.items():
        if array.ndim and array.dtype.kind == "f":
            other = array.copy()
            other.flat[0] = value
            return example.changed(**{name: other})
    return example


@pytest.mark.parametrize("name", ["correlation", "image-2x4x4", "max-pooling", "conv2d-transpose"])
def test_a_changed_number_is_in_the_figure(name: str) -> None:
    figure = figure_of(with_first(ac.lecture.find(name), -0.5))
    assert figure is not None
    assert figure.state.edits["x0.0.0"] == -0.5


@pytest.mark.parametrize("length", [0, 1, 2, 17, 5000])
def test_sizes_beyond_the_stage_have_no_figure(length: int) -> None:
    """Too few cells for the kernel, or more than are drawn: the page stands without the figure."""
    example = ac.lecture.find("correlation").changed(x=np.ones(length))
    assert figure_of(example) is None
    page = Page(lecture_page([example.check()]))
    assert (page.wrong, page.open) == ([], [])


def test_texts_are_shown_as_text(results: tuple[Result, ...]) -> None:
    """Whatever an example or a verdict holds: no markup, no control characters."""
    one = results[0]
    hostile = replace(
        one,
        example=replace(one.example, title=HOSTILE, slide=HOSTILE * 90),
        printed=np.array([HOSTILE], dtype=object),
        ours=np.array([HOSTILE], dtype=object),
        reason=HOSTILE,
        verdict="no",
    )
    for page in (lecture_page([hostile]), worksheet_page([hostile])):
        assert "alert(1)&lt;/script&gt;" in page or page.startswith("<!doctype html>\n<html")
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "\x1b" not in page
        parsed = Page(page)
        assert (parsed.wrong, parsed.open) == ([], [])


def test_an_example_that_disagrees_says_so() -> None:
    wrong = ac.lecture.find("correlation").changed(x=[1.0, 2, 3, 5]).check()
    page = lecture_page([wrong])
    assert "Does not agree: 1 of 2 cells differ." in page
    assert "0 of 1 examples agree" in page


def test_the_worksheet_has_a_blank_for_each_answer(sheet: str, results: tuple[Result, ...]) -> None:
    """As many questions as answers, of the same shapes; what is blank is not given."""
    asked = questions(results)
    page = Page(sheet)
    assert page.classes("question") == page.classes("solution") == len(asked) > 25
    assert page.classes("blank") == sum(len(each.blanks) for each in asked)
    cells = page.classes("blank") + page.classes("given-cell")
    assert cells == sum(each.cells.size for each in asked)
    assert sheet.index('id="answers"') > sheet.rindex('class="question"')
    assert [each.number for each in asked] == list(range(1, len(asked) + 1))


def test_the_worksheet_does_not_tell_the_answers(sheet: str) -> None:
    """Nor the slide's slip, before the last pages."""
    questions_part, answers = sheet.split('id="answers"')
    for told in ("17.1", "−12.9", "1,600,000,000", '98.61191</td><td class="blank"'):
        assert told not in questions_part.split("<main>")[1]
    assert "The slide: the slide&#x27;s -3.1 is 3.1" not in questions_part
    assert "17.1" in answers


def test_the_same_question_is_asked_once(results: tuple[Result, ...]) -> None:
    """The slides show the 2x4x4 example and the transposed one in many forms."""
    named = [each.result.example.name for each in questions(results)]
    assert "image-2x4x4" in named
    assert not {"image-2x4x4-layer", "densified", "correlate-transpose"} & set(named)


def test_the_worksheet_says_what_its_questions_need(sheet: str) -> None:
    """Layers, sizes of pools, the order of cells; inputs by the letters of the slides."""
    asked = sheet.split('id="answers"')[0]
    blocks = {block.split("</h3>")[0]: block for block in asked.split('class="question"')[1:]}
    for title, told in (
        ("Parameters of two layers", ("64 hidden units", "8 kernels of 5x5", "First row: plain")),
        ("No parameters, and the depth", ("2x2 cells, 2 apart", "images, channels, rows")),
        ("in the place of a pooling", ("a convolution of 2x2",)),
        ("read in another order", ("a table a row of the image",)),
        ("The matrix of a 3x3 kernel", ("a column for each input cell", "counts from 0")),
    ):
        (block,) = (text for heading, text in blocks.items() if title in heading)
        assert all(each in block for each in told)
    assert re.search(r">x =|>gy =", asked) is None
    assert asked.count(">w =") == 1  # beside r, where W is the matrix
    assert asked.count(">I =") > 5


def test_what_is_not_on_the_slides_is_not_called_a_slide(text: str, sheet: str) -> None:
    for page in (text, sheet):
        assert "Not on the slides: SAME" in page
        assert "Slide: </b>Not" not in page


def test_an_expected_result_is_not_called_worked_out(text: str) -> None:
    """Whether a training's loss falls is nothing that a hand works out."""
    start = text.index('id="both-train"')
    block = text[start : text.index("</article>", start)]
    assert ">expected<" in block
    assert "worked out by hand" not in block


OWN = "plain|convolutional|learns|letters|counted|everywhere|matrix|classifier|pool"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_names_of_the_lecture_in_calls_are_explained(example: Example, text: str) -> None:
    """Its functions and its constants, each in a line below the calls."""
    code = re.sub("#.*", "", example.code)
    used = set(re.findall(rf"(?<![\w.])(?:(?:{OWN})\b(?=[(,])|[A-Z]{{3,}}\b)", code))
    assert {name.split("(")[0] for name in own_names(example)} == used
    block = text[text.index(f'id="{example.name}"') :].split("</article>")[0]
    assert block.count("where <code>") == len(used)


def test_all_figures_have_the_letters_of_the_slides(text: str) -> None:
    addresses = Page(text).having("data-address")
    assert {State.of_address(address).letters for address in addresses} == {"slides"}


def test_the_relation_is_introduced_before_it_is_used(text: str) -> None:
    """With where it counts from, and whose cell j is."""
    introduced = text.index("the one relation. Let")
    assert text.index('id="padding"') < introduced < text.index('href="#padding">the relation')
    assert "count from 0" in text[introduced : introduced + 1500]


def test_what_is_kept_is_what_the_prose_says() -> None:
    """Fewest weights and most recognised: the convolutional network, a tenth of the images as good
    as the plain one with all; moved images are recognised best by it."""
    held = kept()
    by_name = {each.name: each for each in held.networks}
    plain, net = by_name["plain"], by_name["convnet"]
    assert min(held.networks, key=lambda each: each.parameters) is net
    assert max(held.networks, key=lambda each: each.accuracy) is net
    assert max(held.networks, key=lambda each: each.shifted) is net
    assert net.part >= plain.accuracy - 0.005
    assert net.multiply_adds > 50 * plain.multiply_adds
    assert held.kernels.shape[1:] == (3, 3)
    assert [share for _, share in ALL_CNN] == [0.91, 0.822, 0.912]


def test_themes(results: tuple[Result, ...]) -> None:
    """A page in one theme only has the colours of that."""
    light, dark = (lecture_page(results[:1], theme=theme) for theme in ("light", "dark"))
    assert "prefers-color-scheme:dark" not in light.split("</style>")[0].split("<style>")[1]
    assert "color-scheme:dark" in dark


def test_styles_are_all_that_the_page_names() -> None:
    assert STYLES[-1] == "lecture.css"
    held = re.search(r'id="shared">(.*?)</script>', lecture_page([]), re.DOTALL)
    assert held is not None
    assert "limits" in json.loads(held[1])
