"""The lecture's worksheet: a blank for each answer, and none told."""

from __future__ import annotations

import re

from allconv.lecture import Result
from allconv.lecture.worksheet import questions

from .reading import Page


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
