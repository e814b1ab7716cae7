"""Markup as a browser would see it."""

from __future__ import annotations

from html.parser import HTMLParser


class Read(HTMLParser):
    """The elements, attributes and texts that a browser would see; styles apart."""

    def __init__(self, given: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text, self.styles, self.cells = "", "", []
        self._inside: list[str] = []
        self.feed(given)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self._inside.pop() == tag

    def handle_data(self, data):
        if self._inside and self._inside[-1] == "style":
            self.styles += data
            return
        self.text += data
        if {"td", "th"} & set(self._inside):
            self.cells[-1] += data
