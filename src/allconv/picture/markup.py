"""Elements of SVG and HTML as text. Whatever is passed as text is escaped: names from files never
become markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TypeAlias

from allconv.picture.palette import stylesheet

SANS = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif'

Value: TypeAlias = str | int | float | bool | None

_UNSEEN = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], 0xFFFD
)
"""Characters that XML cannot hold."""


class Markup(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def element(name: str, /, *inside: str, **attributes: Value) -> Markup:
    """An element; attributes that are None or False are left out, `_` in names is "-".

    >>> element("a", "1 < 2", href="x.html", class_="here")
    '<a href="x.html" class="here">1 &lt; 2</a>'
    """
    head = name + "".join(map(_attribute, attributes, attributes.values()))
    body = joined(*inside)
    return Markup(f"<{head}>{body}</{name}>" if body or name not in _VOID else f"<{head}>")


_VOID = {"img", "meta", "br", "input", "hr", "link"}


def joined(*parts: str) -> Markup:
    """Parts after each other: markup as it is, text escaped."""
    return Markup("".join(p if isinstance(p, Markup) else text(p) for p in parts))


def between(parts: Iterable[str], joint: str) -> list[str]:
    """Parts with a joint between each two, for an element or `joined`.

    >>> joined(*between(["a", "b", "c"], " < "))
    'a &lt; b &lt; c'
    """
    return [each for part in parts for each in (joint, part)][1:]


def shortened(text: str, longest: int) -> str:
    """Text of at most so many letters, the last of them "…" where it is cut.

    >>> shortened("convolution", 5), shortened("pool", 5)
    ('conv…', 'pool')
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def text(given: object) -> Markup:
    """Text as markup: every sign that has a meaning there is escaped.

    >>> text("<b>")
    '&lt;b&gt;'
    """
    return Markup(escape(str(given).translate(_UNSEEN)))


def _attribute(name: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{text(short(value))}"'


def short(value: Value) -> str:
    """A number with at most two decimals, as coordinates are written.

    >>> short(2.0), short(1 / 3)
    ('2', '0.33')
    """
    if not isinstance(value, float):
        return str(value)
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def svg(
    width: float,
    height: float,
    *inside: str,
    label: str,
    style: str = "",
    theme: str = "auto",
    styled: bool = True,
    attributes: Mapping[str, Value] | None = None,
) -> Markup:
    """A picture that stands alone, in a file, a page or a notebook.

    label    what the picture says, for those who do not see it
    style    further CSS; the colours of the palette are there as variables
    styled   False: without any CSS, for a page that has it
    """
    sheet = stylesheet("svg.allconv", theme) + f"svg.allconv text{{font-family:{SANS}}}" + style
    return element(
        "svg",
        element("style", Markup(sheet)) if styled else Markup(""),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        class_="allconv",
        viewBox=f"0 0 {short(float(width))} {short(float(height))}",
        width=float(width),
        height=float(height),
        role="img",
        aria_label=label,
        **(attributes or {}),
    )
