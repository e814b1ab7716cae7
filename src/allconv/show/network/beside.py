"""Two networks beside each other: what each holds and costs, and what each says of the image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from allconv.picture.markup import Markup, element
from allconv.show.network.layers import shape_text, shown_name
from allconv.show.network.photo import classes_table, evidence_figures
from allconv.text import bytes_text

if TYPE_CHECKING:
    from allconv.show.network.page import Subject

KINDS = 15  # operators that are counted in rows of their own


def facts_of(subject: Subject) -> dict[str, str]:
    """What is said of the whole of a network, by name."""
    layers = subject.network.layers
    facts = {
        "layers": f"{sum(not layer.is_end for layer in layers):,}",
        "parameters": f"{sum(layer.parameters for layer in layers):,}",
    }
    if subject.run is None:
        inputs = [each for layer in layers if not layer.sources for each in layer.outputs]
        shown = [text for text in map(shape_text, inputs[:4]) if text]
        return facts | ({"takes": ", ".join(shown)} if shown else {})
    graph = subject.run.recorded.graph
    return facts | {
        "multiply-adds for one image": f"{graph.cost():,}",
        "working memory": bytes_text(subject.run.program.prepare().arena.bytes),
        "takes": shape_text(graph.inputs[0].shape),
        "gives": ", ".join(shape_text(value.shape) for value in subject.run.recorded.results),
    }


def beside(one: Subject, other: Subject) -> Markup:
    """The section that holds a network against another one."""
    titles = [shown_name(each.network.title) for each in (one, other)]
    parts = [
        element("h2", f"Beside {titles[1]}"),
        element("div", _facts(one, other, titles), _operators(one, other, titles), class_="said"),
    ]
    parts += [
        element("p", f"{title} cannot run here: ", each.network.refusal, class_="refusal")
        for title, each in zip(titles, (one, other), strict=True)
        if each.network.refusal
    ]
    if other.photo is not None:
        parts.append(element("h3", f"What {titles[1]} says of the image"))
        parts += _answer(other)
    return element("section", *parts, id="beside")


def _facts(one: Subject, other: Subject, titles: list[str]) -> Markup:
    known, others = facts_of(one), facts_of(other)
    rows = [(name, known.get(name, ""), others.get(name, "")) for name in {**known, **others}]
    return _table(titles, rows)


def _operators(one: Subject, other: Subject, titles: list[str]) -> Markup:
    counts = [
        Counter(shown_name(layer.operator) for layer in each.network.layers if not layer.is_end)
        for each in (one, other)
    ]
    names = [name for name, _ in (counts[0] + counts[1]).most_common(KINDS)]
    rows: list[tuple[str, ...]] = [
        (name, f"{counts[0][name]:,}", f"{counts[1][name]:,}") for name in names
    ]
    rest = [f"{sum(each.values()) - sum(each[name] for name in names):,}" for each in counts]
    if any(each != "0" for each in rest):
        rows.append(("others", *rest))
    return _table(titles, rows)


def _table(titles: list[str], rows: Sequence[tuple[str, ...]]) -> Markup:
    head = element("tr", element("th"), *(element("th", title, scope="col") for title in titles))
    lines = [
        element(
            "tr",
            element("th", name, scope="row"),
            *(element("td", value, class_="number") for value in values),
        )
        for name, *values in rows
    ]
    return element("table", element("thead", head), element("tbody", *lines))


def _answer(subject: Subject) -> list[Markup]:
    if subject.photo is None or subject.scores is None:
        return [element("p", "It gives no scores for classes.")]
    parts = [classes_table(subject.photo, subject.scores)]
    if subject.evidence is not None:
        parts += evidence_figures(
            subject.photo, subject.scores, subject.evidence, subject.network.layers
        )
    return parts
