"""One level of a network as SVG: boxes that lead to what is said of them, shapes beside lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allconv.picture.markup import Markup, element, joined, short
from allconv.show.network.layer_groups import LayerGroup
from allconv.show.network.layers import DrawnLayer, Shape, shape_text, shown_name
from allconv.show.network.placement import BOX, Placed, place

TALL = 46.0  # height of a box
ROW = 84.0  # from row to row
EDGE = 12.0  # around all
LETTERS = 27  # of a name in a box
KINDS = {
    "window": ("Conv", "Local", "Correlate"),
    "pool": ("Pool",),
    "linear": ("Gemm", "MatMul", "Linear"),
    "join": ("Add", "Sum", "Concat", "Mul"),
}


@dataclass(frozen=True)
class Edge:
    """A line from a box of the drawing to another, with the shape of what it carries."""

    source: int
    target: int
    shape: Shape | None


def level(group: LayerGroup, layers: Sequence[DrawnLayer], addresses: frozenset[str]) -> Markup:
    """A group as a drawing: its members, and the lines between them.

    `addresses` are the parts of the page that boxes may lead to.
    """
    lines = lines_of(group, layers)
    placed = place(len(group.members), [(line.source, line.target) for line in lines])
    boxes = [_box(member, placed, number, addresses) for number, member in enumerate(group.members)]
    width, height = placed.width + 2 * EDGE, (placed.rows - 1) * ROW + TALL + 2 * EDGE
    count = len(group.members)
    return element(
        "svg",
        element("g", *(_path(way) for way in placed.lines.values()), class_="lines"),
        element("g", *_labels(lines, placed), class_="shapes", aria_hidden="true"),
        element("g", *boxes),
        class_="graph",
        viewBox=f"0 0 {short(width)} {short(height)}",
        width=width,
        height=height,
        role="group",
        aria_label=f"{count} boxes, from the input at the top to the output at the bottom",
    )


def lines_of(group: LayerGroup, layers: Sequence[DrawnLayer]) -> list[Edge]:
    """The lines between the members of a group, each once."""
    owners = {
        layer.number: number
        for number, member in enumerate(group.members)
        for layer in (member.layers() if isinstance(member, LayerGroup) else (member,))
    }
    found: dict[tuple[int, int], Edge] = {}
    for number, owner in owners.items():
        for source in layers[number].sources:
            start = owners.get(source.layer)
            if start is not None and start != owner:
                found.setdefault((start, owner), Edge(start, owner, source.shape))
    return list(found.values())


def _box(
    member: DrawnLayer | LayerGroup, placed: Placed, number: int, addresses: frozenset[str]
) -> Markup:
    x, row = placed.boxes[number]
    left, top = x + EDGE - BOX / 2, row * ROW + EDGE
    head, below, kind = _words(member)
    said = f"{head} {shown_name(member.name)}".strip() if isinstance(member, DrawnLayer) else head
    body = [
        element("title", said + (", cannot run here" if "refused" in kind else "")),
        *_frames(left, top, is_group=isinstance(member, LayerGroup)),
        element("text", head, x=left + 12, y=top + 19, class_="head"),
        element("text", below, x=left + 12, y=top + 36, class_="below") if below else Markup(""),
    ]
    if isinstance(member, DrawnLayer) and member.refusal:
        body.append(element("text", "cannot run", x=left + BOX - 10, y=top + 19, class_="refused"))
    address = f"#{member.key}" if member.key in addresses else None
    return element("a", *body, href=address, class_=f"box {kind}".rstrip())


def _frames(left: float, top: float, *, is_group: bool) -> list[Markup]:
    """The border of a box; that of a group looks like a pile."""
    behind = [
        element(
            "rect", x=left + 4, y=top + 4, width=BOX - 4, height=TALL - 2, rx=6, class_="behind"
        )
    ]
    front = element("rect", x=left, y=top, width=BOX, height=TALL, rx=6)
    return [*(behind if is_group else []), front]


def _words(member: DrawnLayer | LayerGroup) -> tuple[str, str, str]:
    """The two lines of a box, and its kind for colours."""
    if isinstance(member, LayerGroup):
        held = list(member.layers())
        kind = "group refused" if any(layer.refusal for layer in held) else "group"
        return _cut(shown_name(member.name)), f"{len(held):,} layers", kind
    name, operator = shown_name(member.name), shown_name(member.operator)
    if member.refusal:
        return _cut(operator[:16]), _cut(name), "refused"
    found = (kind for kind, words in KINDS.items() if any(w in member.operator for w in words))
    return _cut(operator), _cut(name), "end" if member.is_end else next(found, "")


def _cut(name: str) -> str:
    """A name that fits into a box: the middle is left out, as its end tells most.

    >>> _cut("features.denseblock1.denselayer1.conv1")
    'features.den…elayer1.conv1'
    """
    if len(name) <= LETTERS:
        return name
    half = LETTERS // 2
    return f"{name[: half - 1]}…{name[-half:]}"


def _path(way: Sequence[tuple[float, int]]) -> Markup:
    """A line through the rows: straight beside boxes, bent between rows."""
    x, row = way[0]
    y = row * ROW + TALL + EDGE
    parts = [f"M{short(x + EDGE)} {short(y)}"]
    for number, (x_next, row_next) in enumerate(way[1:], 1):
        end = row_next * ROW + EDGE
        middle = (y + end) / 2
        parts.append(
            f"C{short(x + EDGE)} {short(middle)} {short(x_next + EDGE)} {short(middle)} "
            f"{short(x_next + EDGE)} {short(end)}"
        )
        x, y = x_next, end
        if number < len(way) - 1:
            y = end + TALL
            parts.append(f"V{short(y)}")
    return element("path", d=" ".join(parts))


def _labels(lines: Sequence[Edge], placed: Placed) -> list[Markup]:
    """The shape of what each box gives, once, where its lines begin."""
    shapes: Mapping[int, str] = {
        line.source: shape_text(line.shape) for line in reversed(lines) if line.shape is not None
    }
    found = []
    for number, shape in shapes.items():
        x, row = placed.boxes[number]
        y = row * ROW + TALL + EDGE + 15
        found.append(element("text", shape, x=x + EDGE + 7, y=y))
    return [joined(*found)] if found else []
