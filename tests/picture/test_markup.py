"""Markup: what is text stays text, whatever it holds."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_markup import Read

from allconv.picture.markup import Markup, element, joined, short, svg, text

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='a", "&lt;b>"]
ANY = st.text(st.characters(), max_size=40)  # surrogates and control characters, too
XML_HOLDS_NOT = {*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF}


@given(ANY)
def test_text_is_one_text_to_html(given: str) -> None:
    """No element begins in it, and nothing is lost but what XML cannot hold."""
    read = Read(element("p", given))
    assert [tag for tag, _ in read.elements] == ["p"]
    kept = [c for c in given if ord(c) not in XML_HOLDS_NOT]
    assert [c for c in read.text if c != "\ufffd"] == [c for c in kept if c != "\ufffd"]
    assert len(read.text) == len(given)


@given(ANY)
def test_an_attribute_does_not_end_early(given: str) -> None:
    """Quotes of both kinds are text."""
    ((tag, attributes),) = Read(element("p", title=given)).elements
    assert (tag, list(attributes)) == ("p", ["title"])
    assert len(attributes["title"]) == len(given)


@given(ANY)
def test_text_is_read_back_from_xml(given: str) -> None:
    """A picture is XML: what that cannot hold is seen as such; line ends become those of XML."""
    tree = ElementTree.fromstring(element("p", given))  # noqa: S314 (it is our own)
    held = "".join("\ufffd" if ord(c) in XML_HOLDS_NOT else c for c in given)
    assert (tree.text or "") == held.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("given", HOSTILE)
def test_what_looks_like_markup_is_text(given: str) -> None:
    """In text, in attributes and in the label of a picture."""
    assert Read(text(given)).elements == []
    assert Read(text(given)).text == given
    assert Read(joined(given, Markup("<b></b>"))).elements == [("b", {})]
    picture = svg(10, 10, given, label=given)
    tree = ElementTree.fromstring(picture)  # noqa: S314 (it is our own)
    assert tree.attrib["aria-label"] == given
    assert "".join(tree.itertext()).endswith(given)
    assert [each.tag.rpartition("}")[2] for each in tree.iter()] == ["svg", "style"]


def test_markup_is_not_escaped_twice() -> None:
    """Elements inside elements stay elements; adding to markup gives text again."""
    inner = element("b", "<")
    assert element("p", inner) == "<p><b>&lt;</b></p>"
    assert element("p", inner + "") == "<p>&lt;b&gt;&amp;lt;&lt;/b&gt;</p>"


def test_attributes() -> None:
    """None and False are left out, True is a name alone, `_` is "-", numbers are short."""
    found = element("rect", class_="a", fill_opacity=1 / 3, x=2.0, hidden=True, id=None, open=False)
    assert found == '<rect class="a" fill-opacity="0.33" x="2" hidden></rect>'
    assert element("br") == "<br>"
    assert short(-0.001) == "0"
