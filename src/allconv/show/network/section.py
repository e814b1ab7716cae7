"""What is said of one layer: facts, and pictures where there are some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from allconv.analysis.fields import Reach
from allconv.picture.markup import Markup, between, element, joined, text
from allconv.show.network.layers import OUTPUT, DrawnLayer, shape_text, shown_name
from allconv.show.network.record import Facts
from allconv.text import bytes_text

MOST_LINKS = 12  # to the layers before and after


@dataclass(frozen=True)
class Around:
    """Where a layer stands: the address of its drawing, the layers before and after it."""

    drawing: str
    before: Sequence[DrawnLayer]
    after: Sequence[DrawnLayer]


def section(
    layer: DrawnLayer,
    facts: Facts | None,
    around: Around,
    addresses: frozenset[str],
    *pictures: Markup,
) -> Markup:
    """One layer, at its address."""
    name = [element("code", shown_name(layer.name))] if layer.name else []
    head = element("h3", shown_name(layer.operator), " ", *name)
    said = [element("p", layer.note, class_="note")] if layer.note else []
    if layer.refusal:
        said.append(element("p", "It cannot run here: ", layer.refusal, class_="refusal"))
    return element(
        "article",
        head,
        *said,
        element("table", joined(*_rows(layer, facts, around, addresses))),
        *pictures,
        element("p", element("a", "to the drawing", href=f"#{around.drawing}"), class_="back"),
        id=layer.key,
        class_="layer",
    )


def _rows(
    layer: DrawnLayer, facts: Facts | None, around: Around, addresses: frozenset[str]
) -> Iterable[Markup]:
    takes = [shape_text(source.shape) or "unknown" for source in layer.sources]
    if takes:
        yield _row("input shape", ", ".join(dict.fromkeys(takes[:MOST_LINKS])))
    if layer.operator != OUTPUT:
        gives = [shape_text(shape) or "unknown" for shape in layer.outputs[:MOST_LINKS]]
        yield _row("output shape", ", ".join(gives) or "unknown")
    for name, value in layer.settings.items():
        yield _row(name, value)
    if layer.parameters:
        yield _row("parameters", f"{layer.parameters:,}")
    if facts is not None:
        yield from _fact_rows(facts)
    for title, layers in (("input from", around.before), ("output to", around.after)):
        if layers:
            yield _row(title, _links(layers, addresses))


def _fact_rows(facts: Facts) -> Iterable[Markup]:
    if facts.multiply_adds:
        yield _row("multiply-adds", f"{facts.multiply_adds:,}")
    yield _row("memory of the output", bytes_text(facts.bytes))
    if facts.seconds is not None:
        yield _row("time", f"{facts.seconds * 1000:.3g} ms")
    yield _row("computed by", facts.kernels)
    if facts.why:
        yield _row("algorithm", facts.why)
    if facts.field:
        yield _row("receptive field", " × ".join(_reach(reach) for reach in facts.field))
        steps = [str(reach.stride) for reach in facts.field if reach.along is not None]
        if steps:
            yield _row("step from unit to unit", f"{' × '.join(steps)} pixels")


def _reach(reach: Reach) -> str:
    size = min(reach.size, reach.input) if reach.along is None else reach.size
    return f"{size} of {reach.input}" if size <= reach.input else f"{size} (of {reach.input})"


def _row(name: str, value: str) -> Markup:
    return element("tr", element("th", name, scope="row"), element("td", value))


def _links(layers: Sequence[DrawnLayer], addresses: frozenset[str]) -> Markup:
    found = [
        element("a", layer.title, href=f"#{layer.key}")
        if layer.key in addresses
        else text(layer.title)
        for layer in layers[:MOST_LINKS]
    ]
    if len(layers) > MOST_LINKS:
        found.append(text(f"{len(layers) - MOST_LINKS:,} more"))
    return joined(*between(found, ", "))
