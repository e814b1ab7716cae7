"""The page of a network: one HTML file that reads without scripts, of bounded size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from allconv.operators.base import Array
from allconv.picture.markup import Markup, element, joined, text
from allconv.show.network.beside import beside, facts_of
from allconv.show.network.draw import level
from allconv.show.network.evidence import Evidence
from allconv.show.network.figures import kernel_figures, layer_maps
from allconv.show.network.layer_groups import LayerGroup, grouped
from allconv.show.network.layers import DrawnLayer, DrawnNetwork, shown_name
from allconv.show.network.photo import answer, held_once, sees
from allconv.show.network.record import RunnableNetwork
from allconv.show.network.section import Around, section
from allconv.show.network.stage import Glimpse, stage_section
from allconv.show.network.values import Photo, Scores
from allconv.show.page.document import document

MOST_BYTES = 5_000_000
"""Of a page that is not asked for in full."""

LEAST_BYTES = 600  # of a layer: its box and its section


@dataclass(frozen=True)
class Detail:
    """How much a page shows: boxes of all its drawings, and channels of a layer."""

    boxes: int
    maps: int


@dataclass(frozen=True, eq=False)
class Subject:
    """What a page is about.

    run      None where the network cannot run; all that follows is empty then
    maps     the first channels of what each layer gives, by the layer's number
    windows  small parts of layers with their numbers, by the layer's number
    remark   a sentence about the weights or the image
    beside   another network to be held against it
    """

    network: DrawnNetwork
    run: RunnableNetwork | None = None
    photo: Photo | None = None
    scores: Scores | None = None
    evidence: Evidence | None = None
    maps: Mapping[int, Array] = field(default_factory=dict)
    windows: Mapping[int, Glimpse] = field(default_factory=dict)
    remark: str = ""
    beside: Subject | None = None


def page(subject: Subject, maps: int = 8, *, full: bool = False, theme: str = "auto") -> str:
    """The page. Unless it is asked for in full, it holds as much as fits into `MOST_BYTES`."""
    everything = Detail(10**9, 10**9 if full else maps)
    tries = [everything] if full else _tries(subject, everything)
    written, root = "", grouped(subject.network.layers)
    for detail in tries:
        written = _written(subject, root, detail, everything, theme)
        if len(written.encode()) <= MOST_BYTES:
            break
    return written


def _tries(subject: Subject, everything: Detail) -> list[Detail]:
    """Ever less; what no page of so many layers can hold is not tried."""
    fewer = [6, 4, 2, 0] if subject.maps else []
    tries = [everything, *(Detail(everything.boxes, n) for n in fewer if n < everything.maps)]
    if len(subject.network.layers) * LEAST_BYTES > MOST_BYTES:
        tries = []
    return [*tries, *(Detail(boxes, 0) for boxes in (3000, 1500, 700, 300, 100))]


def _written(subject: Subject, root: LayerGroup, detail: Detail, whole: Detail, theme: str) -> str:
    groups = _chosen(root, detail.boxes)
    parts = _Parts(subject, groups, detail)
    name = shown_name(subject.network.title)
    photo = subject.photo
    body = [
        held_once(photo.pixels) if photo else Markup(""),
        element(
            "main",
            _head(subject, _left_out(parts, detail, whole)),
            answer(photo, subject.scores, subject.evidence, subject.network.layers)
            if photo
            else Markup(""),
            beside(subject, subject.beside) if subject.beside else Markup(""),
            element(
                "div",
                element("nav", *parts.drawings(), class_="drawings", aria_label="The network"),
                element("div", *parts.sections(), class_="layers"),
                class_="panes",
            ),
        ),
    ]
    script = (files("allconv.show.page") / "js" / "network.js").read_text("utf-8")
    title = f"{name}, explained"
    return document(
        title, *body, styles=("page.css", "stage.css", "network.css"), script=script, theme=theme
    )


def _chosen(root: LayerGroup, most: int) -> list[LayerGroup]:
    """The groups that are drawn, outer ones first, with at most so many boxes beyond the first."""
    chosen, waiting, boxes = [root], [root], len(root.members)
    while waiting:
        group = waiting.pop(0)
        for member in group.members:
            if isinstance(member, LayerGroup) and boxes + len(member.members) <= most:
                boxes += len(member.members)
                chosen.append(member)
                waiting.append(member)
    return sorted(chosen, key=lambda group: group.number)


class _Parts:
    """The drawings and sections of a page."""

    def __init__(self, subject: Subject, groups: list[LayerGroup], detail: Detail) -> None:
        self._subject, self._groups, self._detail = subject, groups, detail
        self._layers = subject.network.layers
        self._drawing = {member.key: group for group in groups for member in group.members}
        shown = [layer.key for layer in self._layers if layer.key in self._drawing]
        self.addresses = frozenset([*shown, *(group.key for group in groups)])
        self.missing = len(self._layers) - len(shown)

    def drawings(self) -> Iterable[Markup]:
        """A drawing a group, the whole network first."""
        for group in self._groups:
            outer = self._drawing.get(group.key)
            title = shown_name(group.name) if outer else "The network"
            said = [] if outer else ["Press a layer to read what it does and what it gives."]
            way = [element("p", *self._way(group), class_="way")] if outer else []
            way += [element("p", each, class_="soft") for each in said]
            yield element(
                "section",
                element("h2", title),
                *way,
                element("div", level(group, self._layers, self.addresses), class_="wide"),
                id=group.key,
                class_="drawing",
            )

    def _way(self, group: LayerGroup) -> list[str]:
        """Links to the drawings around one."""
        found: list[str] = []
        outer = self._drawing.get(group.key)
        while outer is not None:
            name = shown_name(outer.name) or "the network"
            found[:0] = [element("a", name, href=f"#{outer.key}"), text(" › ")]
            outer = self._drawing.get(outer.key)
        return [*found, shown_name(group.name)]

    def sections(self) -> Iterable[Markup]:
        """What is said of each layer whose drawing is on the page."""
        subject, users = self._subject, self._subject.network.users()
        facts = subject.run.facts if subject.run else {}
        kernels = kernel_figures(subject.run) if subject.run else {}
        for layer in self._layers:
            if layer.key not in self._drawing:
                continue
            before = [self._layers[n] for n in dict.fromkeys(s.layer for s in layer.sources)]
            after = [self._layers[n] for n in users[layer.number]]
            around = Around(self._drawing[layer.key].key, before, after)
            yield section(
                layer,
                facts.get(layer.number),
                around,
                self.addresses,
                kernels.get(layer.number, Markup("")),
                *self._pictures(layer),
                *self._stage(layer),
            )

    def _pictures(self, layer: DrawnLayer) -> Iterable[Markup]:
        """The maps of a layer, and what one of its units sees."""
        subject = self._subject
        if subject.photo is None or subject.run is None or layer.value is None:
            return
        reaches = subject.run.fields.get(layer.number, ())
        axes = [reach.along for reach in reaches if reach.along is not None]
        axes = axes if len(axes) == 2 else [2, 3]
        if layer.number in subject.maps and self._detail.maps:
            yield layer_maps(layer, subject.maps[layer.number], self._detail.maps, axes)
        if not layer.is_end:
            yield sees(reaches, layer.value.shape, subject.photo.pixels.shape[:2])

    def _stage(self, layer: DrawnLayer) -> Iterable[Markup]:
        glimpse = self._subject.windows.get(layer.number)
        if glimpse is not None and self._detail.maps:
            yield stage_section(glimpse, layer.key)


def _left_out(parts: _Parts, detail: Detail, whole: Detail) -> str:
    """What a page lacks so that it is small."""
    lacking = []
    if detail.maps < whole.maps and parts._subject.maps:
        lacking.append(f"more than {detail.maps} maps of a layer" if detail.maps else "maps")
    if parts.missing:
        lacking.append(f"{parts.missing:,} layers inside of groups")
    if not lacking:
        return ""
    return f"Left out so that the page stays small: {' and '.join(lacking)}; --full shows all."


def _head(subject: Subject, left_out: str) -> Markup:
    """The title and what is said of the whole."""
    network = subject.network
    parts = [element("h1", shown_name(network.title))]
    lead = _totals(subject)
    parts.append(element("p", lead, class_="lead"))
    if network.note:
        parts.append(element("p", network.note, class_="note"))
    if network.refusal:
        parts.append(_refusal(network))
    parts += [element("p", each, class_="soft") for each in (subject.remark, left_out) if each]
    return element("header", *parts)


def _totals(subject: Subject) -> str:
    """The facts of the whole as a sentence."""
    facts = facts_of(subject)
    count = facts.pop("layers")
    said = [f"{count} layer{'s' * (count != '1')}", f"{facts.pop('parameters')} parameters"]
    if "multiply-adds for one image" in facts:
        said.append(f"{facts.pop('multiply-adds for one image')} multiply-adds for one image")
    ends = [f"{name} {facts.pop(name)}" for name in ("takes", "gives") if name in facts]
    said += [f"{name} {value}" for name, value in facts.items()]
    return "; ".join([*said, ", ".join(ends)] if ends else said) + "."


def _refusal(network: DrawnNetwork) -> Markup:
    counts = Counter(shown_name(layer.operator) for layer in network.layers if layer.refusal)
    refused = [layer for layer in network.layers if layer.refusal]
    said = [element("p", "It cannot run here: ", network.refusal)]
    if counts:
        listed = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(12))
        said.append(element("p", f"Marked in the drawing: {listed}."))
        said.append(element("p", "The first of them: ", refused[0].title, "."))
    return element("div", joined(*said), class_="refusal", role="note")
