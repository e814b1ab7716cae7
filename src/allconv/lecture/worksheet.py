"""The lecture's examples as a sheet to print: blanks to fill in, and the answers at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from allconv.lecture import check
from allconv.lecture.cells import MOST, cell_text, grids, tables
from allconv.lecture.example import NO, CellIndex, Result
from allconv.lecture.page import STYLES, TELLING, note_text, slide_text
from allconv.lecture.prose import PLAN, Show
from allconv.operators.base import Array
from allconv.picture.markup import Markup, element, joined
from allconv.show.page.document import document
from allconv.text import printable
from allconv.version import __version__

TITLE = "The convolution lecture, to work out"
NOT_ASKED = (
    "both-train",
    "local-trains",
    "all-cnn-c",
    "shared-parameters",
    "translation",
    "half-padding-by-number",
    "conv2d-bias-shape",
)
"""Examples that nobody works out on paper, or that others ask already."""

LETTERS = {"x": "I", "w": "W", "gy": "LO"}
"""What the slides call an input."""

SHORT = 4  # letters of a number that is worked out by hand
MANY = 8  # columns, which are narrow then
FEW = 4  # cells that are asked for where the numbers are long


@dataclass(frozen=True, eq=False)
class Question:
    """An example as it is asked: its number, the right cells as text, and which are blank."""

    number: int
    result: Result
    cells: Array
    blanks: frozenset[CellIndex]


def worksheet_page(results: Sequence[Result] | None = None, *, theme: str = "auto") -> str:
    """The sheet as HTML; `results` as for `page.lecture_page`."""
    asked = questions(check() if results is None else results)
    parts = []
    for part in PLAN:
        own = [_asked(q) for q in asked if q.result.example.part == part.name]
        if own:
            parts.append(element("section", element("h2", part.name), *own))
    answers = element(
        "section",
        element("h2", "Answers"),
        *(_answered(question) for question in asked),
        class_="answers",
        id="answers",
    )
    lead = (
        "The examples of “Deep Learning (for Computer Vision)” by Arjun Jain. Fill in the empty "
        "cells. Indices count from 1 unless the question says otherwise. Where numbers are long, a "
        "calculator helps, and most cells are given. The answers are on the last pages."
    )
    return document(
        TITLE,
        element("header", element("div", element("h1", TITLE), element("p", lead, class_="lead"))),
        element("main", *parts, answers),
        element("footer", f"Written by allconv {__version__}."),
        styles=STYLES,
        theme=theme,
    )


def questions(results: Sequence[Result]) -> list[Question]:
    """What is asked, in the order of the page: each question once, though the slides have some of
    them in several forms."""
    order = [p.name for part in PLAN for p in part.pieces if isinstance(p, Show)]
    place = {name: n for n, name in enumerate(order)}
    found: list[Question] = []
    seen: set[tuple[object, ...]] = set()
    for result in sorted(results, key=lambda r: place.get(r.example.name, len(order))):
        key = _key(result)
        if _is_asked(result) and key not in seen:
            seen.add(key)
            cells = result.written().astype(str)
            found.append(Question(len(found) + 1, result, cells, _blanks(cells)))
    return found


def _is_asked(result: Result) -> bool:
    fits = result.ours is not None and 0 < result.ours.size <= MOST
    return fits and result.verdict != NO and result.example.name not in NOT_ASKED


def _key(result: Result) -> tuple[object, ...]:
    """Equal for examples with the same inputs and the same printed result."""
    inputs = sorted((array.tobytes(), array.shape) for array in result.example.inputs.values())
    return (tuple(inputs), *result.printed.ravel().tolist())


def _blanks(cells: Array) -> frozenset[CellIndex]:
    """All cells; a few of them where the numbers are long, so that the others can be given."""
    places = list(np.ndindex(cells.shape))
    longest = max(len(each.lstrip("-").replace(",", "")) for each in cells.ravel().tolist())
    is_number = all(each[:1] in "-.0123456789" for each in cells.ravel().tolist())
    if is_number and longest > SHORT + 1 and len(places) > FEW:
        chosen = np.linspace(0, len(places) - 1, FEW).round().astype(int).tolist()
        return frozenset(places[n] for n in chosen)
    return frozenset(places)


def _asked(question: Question) -> Markup:
    """The question: what the slide says, the inputs, and cells to fill in."""
    example = question.result.example
    inputs = [
        element("div", element("p", f"{printable(name, 20)} =", class_="soft label"), grids(array))
        for name, array in _shown(question).items()
    ]
    is_wide = question.cells.ndim > 0 and question.cells.shape[-1] > MANY
    kind = "cells many" if is_wide else "cells"
    return element(
        "div",
        element("h3", f"{question.number}. {example.title}"),
        "" if example.name in TELLING else slide_text(example),
        note_text(example),
        element("div", *inputs, class_="given"),
        element("p", "result =", class_="soft label"),
        tables(question.cells, partial(_cell, question), kind),
        class_="question",
    )


def _shown(question: Question) -> dict[str, Array]:
    """The inputs by the slides' letters, as texts: whole numbers without a point."""
    found = {}
    inputs = question.result.example.inputs
    letters = {} if "r" in inputs else LETTERS  # there W is a matrix, and w the kernel in it
    for name, array in inputs.items():
        texts = [
            f"{each:.9g}" if isinstance(each, float) else str(each)
            for each in array.ravel().tolist()
        ]
        found[letters.get(name, name)] = np.array(texts).reshape(array.shape)
    return found


def _cell(question: Question, spot: CellIndex, text: str) -> Markup:
    if spot in question.blanks:
        return element("td", class_="blank")
    return element("td", cell_text(text), class_="given-cell")


def _answered(question: Question) -> Markup:
    slips = question.result.example.slips
    note = f"The slide: {printable(question.result.reason)}." if slips else ""
    return element(
        "div",
        element("h3", f"{question.number}."),
        joined(grids(question.cells, "y")),
        element("p", note, class_="soft label") if note else "",
        class_="solution",
    )
