"""Tables of values as HTML for notebooks: no script, their own colours, of bounded length.

A notebook has rules for tables of its own, which differ between its light and dark looks;
`for_notebook` puts ours on its own paper, scoped by a class, so that neither reaches the other's.
Where styles are taken out, as on GitHub, plain tables are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from allconv.picture.markup import SANS, Markup, element, joined
from allconv.picture.palette import ROLES, stylesheet

SIZE = 32_000
"""Bytes that the rows of a table take at most; what notebooks keep stays below 40,000."""

MOST_ROWS = 24
"""Rows of a table up to which it is open."""

Cell: TypeAlias = str | int
"""Text, markup, or a whole number, which stands at the right."""

SCOPE = "div.allconv.allconv.allconv"  # thrice: it outweighs a notebook's own rules for tables

_RULES = {
    "": f"background:var(--paper);color:var(--ink);font:13px/1.5 {SANS};padding:8px 12px;"
    "width:fit-content;max-width:100%;overflow-x:auto;box-sizing:border-box",
    " p": "margin:0 0 6px;color:inherit;font:inherit",
    " table": "border-collapse:collapse;border:0;margin:0 0 8px;background:none;color:inherit;"
    "font:inherit;width:auto;table-layout:auto",
    " tr": "background:none;border:0",
    " :is(th,td)": "border:0;padding:2px 18px 2px 0;text-align:left;vertical-align:top;"
    "background:none;color:inherit;font-weight:400;max-width:42em;white-space:normal;"
    "overflow-wrap:break-word",
    " thead th": "color:var(--soft);border-bottom:1px solid var(--line)",
    " tfoot :is(th,td)": "border-top:1px solid var(--line)",
    " .n": "text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums",
    " .soft": "color:var(--soft)",
    " i": "font-style:normal",
    " summary": "cursor:pointer;margin:0 0 4px;color:inherit;display:list-item",
}
_RULES |= {f" .{role}": f"color:var(--{role})" for role in ROLES}
STYLE = "".join(f"{SCOPE}{name}{{{rule}}}" for name, rule in _RULES.items())


def for_notebook(*parts: str, theme: str = "auto") -> Markup:
    """Tables and lines as a notebook shows them.

    theme   "auto" (what the reader's system has), "light" or "dark"
    """
    sheet = Markup(stylesheet(SCOPE, theme) + STYLE)
    return element("div", element("style", sheet), *parts, class_="allconv")


def rolled(picture: Markup) -> Markup:
    """A picture that is moved sideways where the page is narrower."""
    return element("div", picture, style="overflow-x:auto;max-width:100%")


def line(*inside: str, kind: str | None = None) -> Markup:
    """A line above or below a table."""
    return element("p", *inside, class_=kind)


def coloured(role: str, text: str) -> Markup:
    """Text in the colour of a role, "x", "w" or "y"; of another as it is.

    >>> coloured("x", "x[0]"), coloured("b", "<")
    ('<i class="x">x[0]</i>', '&lt;')
    """
    return element("i", text, class_=role) if role in ROLES else joined(text)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    foot: Sequence[Cell] = (),
    count: int | None = None,
    size: int = SIZE,
    more: str = "",
) -> Markup:
    """A table. Rows that do not fit in `size` bytes are counted instead.

    count   how many rows there are; None: those given
    more    what the line about rows that are left out ends with
    """
    lines: list[Markup] = []
    left = 0
    numbers: set[int] = set()
    given = iter(rows)
    for row in given:
        drawn = _row("td", row)
        size -= len(drawn.encode())
        if size < 0 and lines:
            left = 1 + sum(1 for _ in given) if count is None else count - len(lines)
            break
        lines.append(drawn)
        numbers.update(n for n, cell in enumerate(row) if not isinstance(cell, str))
    else:
        left = 0 if count is None else count - len(lines)
    if left > 0:
        said = element("td", f"… {left:,} more{more}", class_="soft", colspan=len(head))
        lines.append(element("tr", said))
    top = element("tr", *(_cell("th", each, n in numbers) for n, each in enumerate(head)))
    parts = [element("thead", top), element("tbody", *lines)]
    if foot:
        parts.append(element("tfoot", _row("td", foot)))
    return element("table", *parts)


def _row(kind: str, row: Sequence[Cell]) -> Markup:
    return element("tr", *(_cell(kind, cell, not isinstance(cell, str)) for cell in row))


def _cell(kind: str, cell: Cell, is_number: bool) -> Markup:
    text = cell if isinstance(cell, str) else f"{cell:,}"
    return element(kind, text, class_="n" if is_number else None)


@dataclass(frozen=True)
class LongTable:
    """Many rows of one form: a table, or above `MOST_ROWS` a row a kind that opens all of them.

    what    what a row is, in the plural: "layers"
    kinds   the kind of every row, and the numbers of it that are added up for each kind
    row     the cells of a row by its number, made when they are shown
    sums    the names of the numbers that are added up
    """

    what: str
    head: Sequence[str]
    kinds: Sequence[tuple[str, tuple[int, ...]]]
    row: Callable[[int], Sequence[Cell]]
    kind: str = "kind"
    sums: Sequence[str] = ()
    foot: Sequence[Cell] = ()

    def html(self) -> Markup:
        """The table, or both."""
        rows = map(self.row, range(len(self.kinds)))
        whole = table(self.head, rows, foot=self.foot, count=len(self.kinds), size=SIZE * 3 // 4)
        if len(self.kinds) <= MOST_ROWS:
            return whole
        opened = element("summary", f"all {len(self.kinds):,} {self.what}")
        return joined(self._by_kind(), element("details", opened, whole))

    def _by_kind(self) -> Markup:
        found: dict[str, list[int]] = {}
        total = [0] * (1 + len(self.sums))
        for kind, numbers in self.kinds:
            held = found.setdefault(kind, [0] * len(total))
            for n, number in enumerate((1, *numbers)):
                held[n] += number
                total[n] += number
        most = sorted(found.items(), key=lambda item: -item[1][-1])  # sorting keeps equal ones
        rows: list[tuple[Cell, ...]] = [(kind, *numbers) for kind, numbers in most]
        head = (self.kind, self.what, *self.sums)
        return table(head, rows, foot=("all", *total), count=len(most), size=SIZE // 4)
