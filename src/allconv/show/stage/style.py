"""The rules of `css/stage.css` as Python reads them, for pictures of pixels: one place says what a
lit cell looks like."""

from __future__ import annotations

import re
from functools import cache

from allconv.picture.palette import LIGHT
from allconv.show.page.document import style_text

_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")


@cache
def style_of(classes: str) -> dict[str, str]:
    """The declarations for an element with these classes, in the light theme's colours.

    As in CSS the rule with most classes wins, of equal ones the last.

    >>> style_of("frame w")["stroke-width"]
    '2.25'
    """
    given, found = set(classes.split()), {}
    for _, names, declarations in sorted(_rules(), key=lambda rule: rule[0]):
        if names <= given:
            found.update(declarations)
    return found


@cache
def _rules() -> list[tuple[int, frozenset[str], dict[str, str]]]:
    """Each selector's count of classes, the classes, and its declarations. Those of parts of an
    element (".caption .letter") are left out."""
    colours, found = LIGHT.variables(), []
    for selectors, body in _RULE.findall(_COMMENT.sub("", style_text("stage.css"))):
        body = _VARIABLE.sub(lambda match: colours[match[1]], body)
        pairs = (each.split(":", 1) for each in body.split(";") if ":" in each)
        declarations = {name.strip(): value.strip() for name, value in pairs}
        for selector in selectors.split(","):
            names = selector.strip()
            if " " not in names:
                each = frozenset(names.removeprefix(".").split("."))
                found.append((len(each), each, declarations))
    return found
