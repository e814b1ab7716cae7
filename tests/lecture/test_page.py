"""The lecture's page and its worksheet: complete, right, self-contained, whatever the inputs."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import replace

import numpy as np
import pytest

import allconv as ac
from allconv.lecture import Example, Result
from allconv.lecture.kept import ALL_CNN, kept
from allconv.lecture.listings import LISTINGS, PREAMBLE, Listing
from allconv.lecture.page import STYLES, lecture_page, own_names
from allconv.lecture.pictures import PICTURES
from allconv.lecture.prose import PLAN, Draw, Listed, Say, Show
from allconv.lecture.worksheet import worksheet_page

from .reading import HOSTILE, Page

EXAMPLES = ac.lecture.examples()
PIECES = [piece for part in PLAN for piece in part.pieces]


def test_every_example_has_its_place_once(text: str) -> None:
    """In the order of the lecture's parts, each in the section of its own."""
    shown = [piece.name for piece in PIECES if isinstance(piece, Show)]
    assert sorted(shown) == sorted(example.name for example in EXAMPLES)
    by_name = {example.name: example for example in EXAMPLES}
    for part in PLAN:
        assert {by_name[p.name].part for p in part.pieces if isinstance(p, Show)} == {part.name}
    ids = Page(text).having("id")
    assert set(shown) <= set(ids)


def test_every_part_teaches_before_it_asks() -> None:
    """Each begins with a paragraph; pictures and listings of the plan are all that there are."""
    assert all(isinstance(part.pieces[0], Say) for part in PLAN)
    assert {piece.name for piece in PIECES if isinstance(piece, Draw)} == set(PICTURES)
    named = {piece.name for piece in PIECES if isinstance(piece, Listed)}
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
    assert max(held.networks, key=lambda each: each.shifted_accuracy) is net
    assert net.part_accuracy >= plain.accuracy - 0.005
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
