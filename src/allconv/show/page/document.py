"""One self-contained HTML file: nothing is fetched, nothing leaves the page.

A content security policy allows no address at all; the one script that may run is named by its
hash. What a page is about stands in its HTML, so that it reads where scripts are off.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from allconv.picture.markup import Markup, element
from allconv.picture.palette import DARK, LIGHT, stylesheet
from allconv.text import json_text
from allconv.version import __version__

THEMES = ("auto", "light", "dark")


def document(
    title: str,
    *body: str,
    styles: tuple[str, ...] = ("page.css",),
    script: str = "",
    data: dict[str, Any] | None = None,
    theme: str = "auto",
) -> str:
    """An HTML page.

    title    shown by the browser, escaped
    body     markup; other text is escaped
    styles   files of `css/`, after the palette
    script   JavaScript of one module (see `modules.module_text`)
    data     by name, values as JSON, which scripts read with `JSON.parse`
    theme    "auto", "light" or "dark"
    """
    colour = [
        element("meta", name="theme-color", content=each.paper, media=media)
        for each, media in (
            (LIGHT, "(prefers-color-scheme: light)"),
            (DARK, "(prefers-color-scheme: dark)"),
        )
    ]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy(script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=f"allconv {__version__}"),
        element("meta", name="referrer", content="no-referrer"),
        *colour,
        element("title", title),
        element("style", Markup(stylesheet(theme=theme) + "".join(map(style_text, styles)))),
    )
    held = [json_script(name, value) for name, value in (data or {}).items()]
    # Not type="module": a module is never run from a file that an opaque origin holds.
    run = [element("script", Markup(script))] if script else []
    page = element("html", head, element("body", *body, *held, *run), lang="en")
    return f"<!doctype html>\n{page}\n"


def policy(script: str) -> str:
    """What a page may load: its own styles, pictures that it holds, and the script of this hash."""
    allowed = f"'sha256-{digest(script)}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def digest(script: str) -> str:
    """The SHA-256 of a script, as a policy names it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def json_script(name: str, value: Any) -> Markup:
    """A value that scripts find by its name; no text in it can end the element."""
    written = json_text(value).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return element("script", Markup(written), type="application/json", id=name)


def style_text(name: str) -> str:
    """A stylesheet of `css/`."""
    return (files("allconv.show.page") / "css" / name).read_text("utf-8")
