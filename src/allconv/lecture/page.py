"""The lecture as one page: prose, every example beside its slide, live figures, pictures.

Everything on it is computed when it is written, but for what `kept.json` holds. Without scripts it
reads the same; the figures stand still then.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from inspect import getdoc, isfunction, signature
from typing import Any

from allconv.lecture import check, prose
from allconv.lecture.cells import grids, words
from allconv.lecture.example import MISSING, NO, SLIP, Example, Result
from allconv.lecture.figures import ELSEWHERE, Figure, figure_of
from allconv.lecture.listings import PREAMBLE, Listing, listing
from allconv.lecture.pictures import PICTURES
from allconv.lecture.prose import LecturePart, Piece, Show
from allconv.picture.markup import Markup, element, joined
from allconv.show.page.document import document
from allconv.show.page.modules import module_text
from allconv.show.page.shared import shared_data
from allconv.show.stage.svg import stage_svg
from allconv.text import printable
from allconv.version import __version__

TITLE = "The convolution lecture, worked out"
STYLES = ("page.css", "stage.css", "explain.css", "lecture.css")
TELLING = (
    "jacobian-input",
    "jacobian-weight",
    "weight-gradient-letters",
    "input-gradient-letters",
    "conv2d-shapes",
)
"""Examples whose slide is their result."""

LONGEST = 2000  # letters of what a slide says

_STYLE = re.compile("<style>.*?</style>", re.DOTALL)


def lecture_page(results: Sequence[Result] | None = None, *, theme: str = "auto") -> str:
    """The page as HTML.

    results   what `lecture.check` found, of all examples or of some (None: it is asked now)
    theme     "auto" (the reader's), "light" or "dark"
    """
    found = {result.example.name: result for result in (check() if results is None else results)}
    main = element("main", *(_part(part, found, theme) for part in prose.PLAN))
    return document(
        TITLE,
        _header(list(found.values())),
        element("div", _contents(), main, class_="lecture"),
        element(
            "footer",
            f"Written by allconv {__version__}. Nothing is fetched by this page. The slides are "
            "“Deep Learning (for Computer Vision)” by Arjun Jain; quoted from them are what the "
            "examples compute and print.",
        ),
        styles=STYLES,
        script=module_text("lecture.js"),
        data={"shared": shared_data()},
        theme=theme,
    )


def _header(results: Sequence[Result]) -> Markup:
    agree = sum(result.verdict not in (NO, MISSING) for result in results)
    slips = sum(result.verdict == SLIP for result in results)
    missing = sum(result.verdict == MISSING for result in results)
    said = f"{agree} of {len(results)} examples agree with the slides"
    if slips:
        said += f", {slips} of them but for a slip on the slide"
    if missing:
        said += f"; {missing} cannot be recomputed, since the slides do not print all inputs"
    switch = element(
        "button", "Cover the results", type="button", id="cover", aria_pressed="false", hidden=True
    )
    return joined(
        element(
            "header", element("div", element("h1", TITLE), element("p", prose.LEAD, class_="lead"))
        ),
        element("div", *(element("p", words(each)) for each in prose.READING), class_="reading"),
        element("p", f"{said}.", class_="soft"),
        element("div", switch, class_="switch"),
    )


def _contents() -> Markup:
    links = (element("li", element("a", part.name, href=f"#{part.anchor}")) for part in prose.PLAN)
    return element("nav", element("ol", *links), class_="contents", aria_label="Contents")


def _part(part: LecturePart, found: dict[str, Result], theme: str) -> Markup:
    """A section; examples of it that the prose does not name come at its end."""
    named = {piece.name for piece in part.pieces if isinstance(piece, Show)}
    others = [
        r for r in found.values() if r.example.part == part.name and r.example.name not in named
    ]
    inside = [_piece(piece, found, theme) for piece in part.pieces]
    rest = [example_block(result, theme) for result in others]
    return element("section", element("h2", part.name), *inside, *rest, id=part.anchor)


def _piece(piece: Piece, found: dict[str, Result], theme: str) -> Markup:
    if isinstance(piece, prose.Say):
        said = element("p", words(piece.text))
        return element("div", said, class_="answer") if piece.is_answer else said
    if isinstance(piece, prose.Draw):
        picture = element("div", PICTURES[piece.name](), class_="wide", tabindex=0)
        drawn = _captioned(picture, piece.caption)
        return element("div", drawn, class_="answer") if piece.is_answer else drawn
    if isinstance(piece, prose.Live):
        live = Figure(piece.address, piece.parts)
        name = sha256(piece.address.encode()).hexdigest()[:8]
        return _captioned(_stage(live, name, theme), piece.caption)
    if isinstance(piece, prose.Listed):
        if piece.name == "preamble":
            return element("pre", element("code", PREAMBLE), tabindex=0)
        return _program(listing(piece.name))
    return example_block(found[piece.name], theme) if piece.name in found else Markup("")


def _captioned(picture: Markup, caption: str) -> Markup:
    return element("figure", picture, element("figcaption", words(caption)), class_="drawn")


def _stage(figure: Figure, name: str, theme: str) -> Markup:
    """A figure that becomes live where scripts run; its name is its own in the page."""
    drawn = stage_svg(figure.state, theme=theme, name=f"still-{name}")
    picture = Markup(_STYLE.sub("", drawn, count=1))  # the page has these rules once for all
    still = element("div", picture, class_="first")
    return element(
        "div", still, class_="figure", data_address=figure.address, data_parts=figure.parts
    )


def _program(given: Listing) -> Markup:
    """A listing: what the slide has, what it is here, what that prints, and its trick."""
    return element(
        "article",
        element("h3", given.title),
        element("p", "The slide:", class_="soft label"),
        element("pre", element("code", given.slide), class_="slide", tabindex=0),
        element("p", "Here:", class_="soft label"),
        element("pre", element("code", given.code), tabindex=0),
        element("div", element("pre", element("samp", given.output)), class_="answer"),
        *(element("p", words(each)) for each in given.trick),
        class_="listing",
        id=given.name,
    )


def example_block(result: Result, theme: str) -> Markup:
    """An example: what the slide says, its figure, what is printed beside what is ours."""
    example = result.example
    parts = [element("h3", example.title), slide_text(example), note_text(example)]
    figure = figure_of(example)
    if figure is not None:
        parts.append(_stage(figure, example.name, theme))
    elif example.name in ELSEWHERE:
        other = ELSEWHERE[example.name]
        parts.append(
            element("p", words(f"Its numbers are those of [this figure](#{other})."), class_="soft")
        )
    parts.append(_beside(result))
    if example.code:
        parts.append(_calls(example))
    return element("article", *parts, class_="example", id=example.name)


def slide_text(example: Example) -> Markup:
    """What the slide says; covered with the results where it tells them."""
    lines = "\n".join(printable(line) for line in example.slide[:LONGEST].splitlines())
    label = element("b", "Slide: ") if example.is_on_slide else ""
    said = element("p", label, lines, class_="slide")
    return element("div", said, class_="answer") if example.name in TELLING else said


def note_text(example: Example) -> Markup:
    """What the slide leaves open, and is taken here."""
    if not example.note:
        return Markup("")
    return element("p", element("b", "Here: "), printable(example.note, LONGEST), class_="slide")


def _calls(example: Example) -> Markup:
    """The calls, folded, and what the names in them are that only the lecture has."""
    names = [
        element("p", "where ", element("code", name), ": ", said, class_="soft label")
        for name, said in own_names(example).items()
    ]
    code = element("pre", element("code", example.code), tabindex=0)
    return element("details", element("summary", "the calls"), code, *names)


def own_names(example: Example) -> dict[str, str]:
    """The names in the calls that only the lecture has, in their order: functions by the first
    paragraph of their docstrings, constants by their values.

    >>> from allconv.lecture import find
    >>> own_names(find("two-layers"))["plain(side)"]
    'A network of two linear layers with 64 hidden units.'
    """
    known = getattr(example.compute, "__globals__", {})
    names = [node for node in ast.walk(ast.parse(example.code)) if isinstance(node, ast.Name)]
    found = {}
    for name in sorted(names, key=lambda node: (node.lineno, node.col_offset)):
        value = known.get(name.id)
        if isfunction(value) and value.__module__.startswith("allconv.lecture"):
            said = (getdoc(value) or "").split("\n\n")[0]
            found[f"{name.id}({_parameters(value)})"] = " ".join(said.split())
        elif isinstance(value, int | tuple):
            found[name.id] = f"{value}."
    return found


def _parameters(function: Callable[..., Any]) -> str:
    """The names of a function's parameters."""
    given = signature(function).parameters.values()
    return ", ".join("**" * (each.kind == each.VAR_KEYWORD) + each.name for each in given)


def _beside(result: Result) -> Markup:
    """The printed result, ours, and the verdict: one answer that is covered as a whole."""
    example = result.example
    columns = [_column(example.source, grids(result.printed, slips=example.slips))]
    if result.ours is not None:
        columns.append(_column("ours", grids(result.written().astype(str), "y")))
    verdict = element("p", verdict_text(result), class_=f"verdict {result.verdict}")
    return element("div", element("div", *columns, class_="beside"), verdict, class_="answer")


def _column(heading: str, shown: Markup) -> Markup:
    return element("div", element("p", heading, class_="soft label"), shown)


def verdict_text(result: Result) -> str:
    """The verdict as a sentence."""
    reason = printable(result.reason, LONGEST)
    if result.verdict == MISSING:
        return f"Cannot be recomputed: {reason}."
    if result.verdict == NO:
        return f"Does not agree: {reason}."
    if result.verdict == SLIP:
        return f"Agrees but for a slip: {reason.replace('-', '−')}."
    how = ", as TensorFlow computed it in float32" if result.example.single else ""
    return f"Agrees{how}."
