"""Elements of a page of HTML, and the texts that no page may take for markup."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "input", "hr", "img", "link"}


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202e'


class Page(HTMLParser):
    """Elements of a page, and whether they are closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def having(self, attribute: str) -> list[str]:
        """The values of an attribute, wherever it is."""
        return [attrs[attribute] or "" for _, attrs in self.elements if attribute in attrs]

    def classes(self, name: str) -> int:
        """How many elements are of a class."""
        return sum(name in each.split() for each in self.having("class"))
