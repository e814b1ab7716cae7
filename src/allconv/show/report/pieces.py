"""What several parts of a report are made of: names, numbers, sections, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan

from allconv.picture.markup import Markup, between, element, joined
from allconv.show.page.document import document
from allconv.text import duration as plain_duration
from allconv.text import percent as plain_percent
from allconv.text import printable
from allconv.version import __version__

LONGEST = 32  # letters of a name of a class
LONGEST_FILE = 40
TAKEN = " taken for "
NO_BREAK = "\u00a0"  # a space at which no line ends
LONGEST_TOLD = 400  # of other text from outside


def class_text(name: str, longest: int = LONGEST) -> str:
    """The name of a class as text on one line.

    >>> class_text("two" + chr(10) + "lines"), class_text("a" * 40, 8)
    ('two\\\\nlines', 'aaaaa...')
    """
    return printable(name, longest)


def class_name(name: str, longest: int = LONGEST) -> Markup:
    """The name of a class; its direction of writing does not reach what stands beside it."""
    return element("bdi", class_text(name, longest))


def parted(names: Sequence[Markup]) -> Markup:
    """The name of a class, or of one that is taken for another."""
    return joined(*between(names, TAKEN))


def file_text(name: str, longest: int = LONGEST_FILE) -> str:
    """The name of a file as text on one line; of a long one the middle is left out.

    >>> file_text("a" * 30 + "b" * 30 + ".png", 20)
    'aaaaa...bbbbbbbb.png'
    """
    if len(name) > longest:
        begin = longest // 4
        name = f"{name[:begin]}...{name[len(name) - (longest - begin - 3) :]}"
    return printable(name)


def one_line(text: str) -> str:
    """Other text from outside on one line."""
    return printable(text, LONGEST_TOLD)


def percent(share: float) -> str:
    """A share as a percentage, a dash for NaN; no line ends before the sign.

    >>> percent(0.912).split(), percent(float("nan"))
    (['91.2', '%'], '–')
    """
    return "–" if isnan(share) else plain_percent(share).replace(" ", NO_BREAK)


def duration(seconds: float) -> str:
    """Seconds as `allconv.text.duration` writes them, a dash for NaN."""
    return "–" if isnan(seconds) else plain_duration(seconds)


def page(title: str, *parts: Markup) -> str:
    """A report, which says at its end what wrote it."""
    end = f"Written by allconv {__version__}. Nothing is fetched by this page."
    styles = ("page.css", "report.css")
    return document(title, *parts, element("footer", end), styles=styles)


def section(name: str, title: str, *inside: str) -> Markup:
    """A section with its heading, to which `#name` leads."""
    return element("section", element("h2", title), *inside, id=name)


def paragraph(*inside: str, kind: str | None = None) -> Markup:
    """A paragraph."""
    return element("p", *inside, class_=kind)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> Markup:
    """A table: the first `left` columns are text, the others numbers."""

    def kind(column: int) -> str | None:
        return None if column < left else "number"

    top = element(
        "tr", *(element("th", each, scope="col", class_=kind(n)) for n, each in enumerate(head))
    )
    lines = []
    for row in rows:
        first = element("th", row[0], scope="row")
        rest = (element("td", each, class_=kind(n)) for n, each in enumerate(row[1:], 1))
        lines.append(element("tr", first, *rest))
    body = joined(element("thead", top), element("tbody", *lines))
    return element("div", element("table", body), class_="wide", tabindex=0)


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Names and what they are, as a list of descriptions."""
    parts = [part for name, value in pairs for part in (element("dt", name), element("dd", value))]
    return element("dl", *parts, class_="facts")


def details(summary: str, *inside: str) -> Markup:
    """What is shown when its line is opened."""
    return element("details", element("summary", summary), *inside)


def program(text: str) -> Markup:
    """Lines of a program or of a shell."""
    return element("pre", element("code", text), tabindex=0)
