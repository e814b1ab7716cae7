"""The operator page: any geometry, forward and both gradients, in one file that opens anywhere.

Where scripts run it is live; where they do not it shows the state that it was written with, as a
picture and as a table.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allconv.picture.markup import Markup, element
from allconv.show.page.calls import calls_of
from allconv.show.page.document import document
from allconv.show.page.examples import EXAMPLES
from allconv.show.page.modules import module_text
from allconv.show.page.shared import shared_data
from allconv.show.stage.state import State
from allconv.show.stage.step import step_table
from allconv.show.stage.svg import stage_svg

TITLE = "One window, three arrays"
LEAD = (
    "Where a window stands, cells of an input, a kernel and an output meet. Multiply what meets, "
    "add it all up. Leave one array out, and sums of products of the other two give it."
)
KEYS = (
    (("←", "→", "↑", "↓"), "another cell"),
    (("space",), "play"),
    (("1", "2", "3"), "leave out y, x, w"),
    (("Tab",), "into an array; arrows there, Enter to change a number"),
    (("Ctrl Z",), "undo"),
)


def operator_page(state: State, *, theme: str = "auto", title: str = TITLE) -> str:
    """The page of a state, as HTML.

    theme   "auto" (the reader's), "light" or "dark"
    title   shown above the page and by the browser
    """
    examples = [{"title": each, "address": f"#{address}"} for each, address in EXAMPLES]
    first = element(
        "div", stage_svg(state, theme=theme, spare=True), step_table(state), class_="first"
    )
    return document(
        title,
        element(
            "header",
            element("div", element("h1", title), element("p", LEAD, class_="lead")),
            element("div", element("div", _relation(), class_="relation math"), id="relation"),
        ),
        element("main", first, id="explain"),
        _footer(),
        styles=("page.css", "stage.css", "explain.css"),
        script=module_text("app.js"),
        data={
            "shared": shared_data() | {"examples": examples},
            "page": {"address": state.address(), "calls": _calls(state)},
        },
        theme=theme,
    )


def _calls(state: State) -> list[dict[str, Any]]:
    """The calls of other frameworks, for the layer of the page and those of its examples; they are
    found by their geometry, so values are left out."""
    states = [state, *(State.of_address(address) for _, address in EXAMPLES)]
    return [
        {"address": replace(each, edits={}).address(), "calls": calls_of(each)} for each in states
    ]


def _relation() -> Markup:
    """The relation in letters, for readers without scripts."""
    roles = {"j": "x", "i": "y", "k": "w"}
    letter = {name: element("span", name, class_=f"c{role}") for name, role in roles.items()}
    return element(
        "div", "b·", letter["j"], " + p = s·", letter["i"], " + d·", letter["k"], class_="general"
    )


def _footer() -> Markup:
    keys = [
        element("span", *(element("kbd", key) for key in names), f" {does}") for names, does in KEYS
    ]
    end = element(
        "span",
        "Squares run forward, round cells are gradients. "
        "The address holds everything on this page.",
    )
    return element("footer", *keys, end)
