"""The confusion matrix: every number leads to the images that it counts.

A number is a link to a panel beside the matrix; the browser shows the panel that its address names
(`:target`), so that no script is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from allconv.picture.markup import Markup, between, element, joined
from allconv.show.report.album import Album
from allconv.show.report.pieces import TAKEN, class_name, class_text, paragraph, parted
from allconv.show.report.samples import Indices, Samples
from allconv.text import counted

MOST = 20
"""Classes up to which each has a row of its own."""

OWN = 15
"""Of more classes, those confused most often that have one; one more is for all the others."""

PICTURES = 8  # of a number
PAIRS = 3  # of classes that are named as confused most often
PALEST, DEEPEST = 6, 30  # percent of colour behind the numbers


@dataclass(frozen=True)
class ClassRows:
    """Which row of the matrix each class is in.

    `own` are the classes that have one, in their order; `of[k]` is the row of class k. `others` is
    how many classes share the last row.
    """

    own: tuple[int, ...]
    of: Indices
    others: int

    def __len__(self) -> int:
        return len(self.own) + (self.others > 0)


def rows_of(samples: Samples) -> ClassRows:
    """All classes, or those with the most mistakes."""
    count = len(samples.classes)
    if count <= MOST:
        return ClassRows(tuple(range(count)), np.arange(count), 0)
    wrong = samples.wrong
    met = np.bincount(samples.labels[wrong], minlength=count)
    met += np.bincount(samples.predicted[wrong], minlength=count)
    own = np.sort(np.argsort(-met, kind="stable")[:OWN])
    of = np.full(count, OWN, np.int64)
    of[own] = np.arange(OWN)
    return ClassRows(tuple(own.tolist()), of, count - OWN)


class ConfusionMatrix:
    """How many images of each true class (rows) are taken for each class (columns)."""

    def __init__(self, samples: Samples) -> None:
        self.samples, self.rows = samples, rows_of(samples)
        size = len(self.rows)
        cells = self.rows.of[samples.labels] * size + self.rows.of[samples.predicted]
        self.counts: npt.NDArray[np.int64] = np.bincount(cells, minlength=size * size).reshape(
            size, size
        )
        own = self.counts[: len(self.rows.own), : len(self.rows.own)]
        self.most_confused = max(int((own - np.diag(own.diagonal())).max()), 1)
        order = np.lexsort((_first_wrong_then_unsure(samples), cells))
        ends = np.cumsum(self.counts.ravel())[:-1]
        self.members: list[Indices] = np.split(order, ends)

    def markup(self, album: Album) -> Markup:
        """The matrix, and the panels of its numbers beside it."""
        hint = paragraph("Choose a number: images that it counts are shown here.", kind="soft")
        back = paragraph(element("a", "Back to the numbers", href="#confusion"), kind="back")
        panels = element("div", hint, *self._panels(album), back, class_="panels")
        table = element("div", self._table(), class_="wide", tabindex=0)
        return joined(*self._left_out(), element("div", table, panels, class_="matrix"))

    def _left_out(self) -> list[Markup]:
        if not self.rows.others:
            return []
        return [
            paragraph(
                f"Of {len(self.samples.classes):,} classes the {len(self.rows.own)} that are "
                "confused most often have a row of their own; the last row is for all others."
            )
        ]

    def _name(self, row: int, longest: int) -> str:
        if row == len(self.rows.own):
            return counted(self.rows.others, "other class", "other classes")
        return class_text(self.samples.classes[self.rows.own[row]], longest)

    def _table(self) -> Markup:
        size = range(len(self.rows))
        names = [element("bdi", self._name(k, 18)) for k in size]
        corner = element("td", "true ↓ taken for →", class_="corner")
        head = element(
            "tr",
            corner,
            *(element("th", element("span", n), scope="col", class_="turned") for n in names),
        )
        body = [
            element("tr", element("th", names[i], scope="row"), *(self._cell(i, j) for j in size))
            for i in size
        ]
        return element("table", element("thead", head), element("tbody", *body), class_="confusion")

    def _cell(self, i: int, j: int) -> Markup:
        count = int(self.counts[i, j])
        if not count:
            return element("td", "·", class_="none")
        most = int(self.counts[i].sum()) if i == j else self.most_confused
        share = PALEST + (DEEPEST - PALEST) * sqrt(min(count / most, 1.0))
        kind = "right" if i == j else "wrong"
        words = "".join(self._words(i, j))
        link = element("a", f"{count:,}", href=f"#{self._id(i, j)}", title=words)
        return element("td", link, class_=kind, style=f"--share:{share:.0f}%")

    def _id(self, i: int, j: int) -> str:
        return f"cell-{i}-{j}"

    def _words(self, i: int, j: int) -> tuple[str, str, str]:
        """What a number counts: a name, what happened to it, and perhaps another name."""
        name = self._name(i, 24)
        if i != j:
            return name, TAKEN, self._name(j, 24)
        verb = ", recognised" if i < len(self.rows.own) else ", taken for one another"
        return name, verb, ""

    def _panels(self, album: Album) -> list[Markup]:
        """A panel for each number; each gets a picture before any gets a second one."""
        size = len(self.rows)
        cells = [divmod(int(n), size) for n in np.flatnonzero(self.counts.ravel())]
        cells.sort(key=lambda at: (at[0] == at[1], -self.counts[at]))
        figures: dict[tuple[int, int], list[Markup]] = {at: [] for at in cells}
        for turn, at in ((turn, at) for turn in range(PICTURES) for at in cells):
            members = self.members[at[0] * size + at[1]]
            if turn >= len(members):
                continue
            mixed = size - 1 in at and self.rows.others > 0
            figure = album.take(self.samples.shot(int(members[turn]), brief=not mixed))
            if figure is None:
                break
            figures[at].append(figure)
        # The most frequent mistake between two classes is shown before a number is chosen.
        first = next((at for at in cells if max(at) < len(self.rows.own)), None)
        return [self._panel(*at, figures[at], is_first=at == first) for at in sorted(cells)]

    def _panel(self, i: int, j: int, figures: list[Markup], *, is_first: bool) -> Markup:
        count, (name, verb, other) = int(self.counts[i, j]), self._words(i, j)
        left = count - len(figures)
        said = counted(count, "image")
        if left and figures:
            said += f"; {left:,} of them are not shown"
        elif left:
            said += "; none is shown, the page would become too large"
        order = "the least sure first" if i == j else "the surest mistakes first"
        if len(figures) > 1:
            said += f"; {order}"
        return element(
            "div",
            element("h3", element("bdi", name), verb, element("bdi", other)),
            paragraph(said, kind="soft"),
            element("div", *figures, class_="shots"),
            class_="panel first" if is_first else "panel",
            id=self._id(i, j),
        )


def _first_wrong_then_unsure(samples: Samples) -> Indices:
    """A key by which mistakes come first, the surest first, then the others, the least sure first.

    Within a number of the matrix, and in the last row, which holds both.
    """
    key = np.empty(len(samples), np.int64)
    order = samples.unsure[samples.labels[samples.unsure] == samples.predicted[samples.unsure]]
    key[samples.wrong] = np.arange(len(samples.wrong))
    key[order] = len(samples.wrong) + np.arange(len(order))
    return key


def confused(samples: Samples) -> Markup | None:
    """The pairs of classes confused most often, as a sentence; None where there is none."""
    pairs = samples.found.confusions(PAIRS)
    if not pairs:
        return None
    said = []
    for pair in pairs:
        names = [class_name(samples.classes[k]) for k in (pair.true, pair.predicted)]
        said.append(joined(parted(names), f" ({pair.times:,})"))
    return paragraph("Most often: ", *between(said, ", "), ".")
