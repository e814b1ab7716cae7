"""A scene as SVG: a picture that stands alone, with the rules of `css/stage.css` in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from allconv.picture.markup import Markup, element, short, svg
from allconv.picture.palette import DARK, LIGHT
from allconv.show.page.document import style_text
from allconv.show.stage.picture import StagePicture
from allconv.show.stage.primitives import Circle, Path, Primitive, Rect, Scene, Text
from allconv.show.stage.settings import StageSettings
from allconv.show.stage.step import spoken

_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_DECLARATION = re.compile(r"([\w-]+):\s*([^;{}]*var\([^;{}]*)")
MOST_CELLS = 700
"""Above so many a scene is crowded."""

_GROUND = "svg.allconv{max-width:100%;height:auto}.ground{fill:var(--paper)}"


def stage_svg(
    state: StageSettings, *, theme: str = "auto", name: str = "still", spare: bool = False
) -> Markup:
    """The picture of a state.

    theme   "auto" (what the reader's system has), "light" or "dark"
    name    distinguishes its gradients from those of other pictures in a page
    spare   without the numbers of a crowded picture, for a page that is to stay small

    Errors are those of `model_of`: a geometry that cannot be, or is too large to draw.
    """
    picture = StagePicture.of(state)
    return scene_svg(picture.scene(), spoken(picture), theme=theme, name=name, spare=spare)


def scene_svg(
    scene: Scene,
    label: str,
    *,
    theme: str = "auto",
    name: str = "still",
    styled: bool = True,
    spare: bool = False,
) -> Markup:
    """The picture of a scene.

    label   says in words what it shows
    styled  with its rules; without them where the page around it has `css/stage.css`
    spare   as in `stage_svg`
    """
    colours = (DARK if theme == "dark" else LIGHT).variables()
    ribbons = [item for item in scene.items if isinstance(item, Path)]
    pairs = dict.fromkeys(_colors(item) for item in ribbons)
    gradients = [_gradient(f"{name}-{pair}", pair, scene.vertical, colours) for pair in pairs]
    is_crowded = sum(isinstance(item, Rect) for item in scene.items) > MOST_CELLS
    items = _in_few_bytes(scene.items) if spare and is_crowded else scene.items
    drawn = [item if isinstance(item, Markup) else _drawn(item, name) for item in items]
    style = _known_to_all(_GROUND + style_text("stage.css"), colours)
    left, right = scene.edges
    width = left + scene.width + right
    return svg(
        width,
        scene.height,
        element("defs", *gradients),
        *([element("rect", width=width, height=scene.height, class_="ground")] if styled else []),
        element("g", *drawn, transform=f"translate({short(left)} 0)"),
        label=label,
        style=style,
        theme=theme,
        styled=styled,
    )


def _colors(path: Path) -> str:
    """The two roles that a ribbon joins: "xw"."""
    return path.classes.split()[1]


def _gradient(name: str, pair: str, vertical: bool, colours: dict[str, str]) -> Markup:
    stops = [
        element(
            "stop", offset=n, stop_color=colours[f"--{role}"], style=f"stop-color:var(--{role})"
        )
        for n, role in enumerate(pair)
    ]
    x2, y2 = (0, 1) if vertical else (1, 0)
    return element("linearGradient", *stops, id=name, x2=x2, y2=y2)


def _drawn(item: Primitive, name: str) -> Markup:
    match item:
        case Rect():
            size = {"width": item.width, "height": item.height, "rx": item.radius}
            return element("rect", class_=item.classes, x=item.x, y=item.y, **size)
        case Text():
            return _text(item)
        case Circle():
            return element("circle", class_=item.classes, cx=item.x, cy=item.y, r=item.radius)
        case Path():
            fill = f"url(#{name}-{_colors(item)})"
            return element("path", class_=item.classes, d=_curve(item), fill=fill)


def _text(item: Text) -> Markup:
    if not item.text:
        return Markup("")
    letter = [element("tspan", item.letter, class_="letter"), "  "] if item.letter else []
    return element(
        "text",
        *letter,
        item.text,
        class_=item.classes,
        x=item.x,
        y=item.y,
        font_size=item.size,
        text_anchor=item.anchor,
    )


def _curve(path: Path) -> str:
    """The outline of a ribbon, a curve out of one box into another."""
    p = [short(float(value)) for value in path.points]
    if path.shape == "down":
        x1, y1, x2, y2, right2, right1 = p
        y = short((path.points[1] + path.points[3]) / 2)
        there, back = f"{x1} {y} {x2} {y} {x2} {y2}", f"{right2} {y} {right1} {y} {right1} {y1}"
        return f"M{x1} {y1}C{there}L{right2} {y2}C{back}Z"
    x1, y1, x2, y2, bottom2, bottom1 = p
    x = short((path.points[0] + path.points[2]) / 2)
    there, back = f"{x} {y1} {x} {y2} {x2} {y2}", f"{x} {bottom2} {x} {bottom1} {x1} {bottom1}"
    return f"M{x1} {y1}C{there}L{x2} {bottom2}C{back}Z"


def _known_to_all(css: str, colours: dict[str, str]) -> str:
    """The rules with each colour written out before its variable, for programs that know none."""

    def twice(match: re.Match[str]) -> str:
        plain = _VARIABLE.sub(lambda found: colours[found[1]], match[2])
        return f"{match[1]}:{plain};{match[0]}"

    return _DECLARATION.sub(twice, css)


def _in_few_bytes(items: Iterable[Primitive]) -> Iterator[Primitive | Markup]:
    """What is drawn, with paths for cells that follow each other; all else as it is."""
    for is_cell, run in groupby(items, _is_of_cell):
        if not is_cell:
            yield from run
            continue
        outlines: dict[str, list[str]] = {}
        for item in run:
            if isinstance(item, Rect):
                outlines.setdefault(item.classes, []).append(_outline(item))
        for classes, found in outlines.items():
            yield element("path", class_=classes, d="".join(found))


def _is_of_cell(item: Primitive) -> bool:
    """Whether this is a cell or its number."""
    return item.classes.split()[0] in ("cell", "number")


def _outline(cell: Rect) -> str:
    """A square, or a circle for a cell that is round."""
    x, y, side = (short(float(n)) for n in (cell.x, cell.y, cell.width))
    if "round" not in cell.classes.split():
        return f"M{x} {y}h{side}v{side}h-{side}z"
    radius = short(cell.width / 2)
    middle = short(cell.y + cell.height / 2)
    return f"M{x} {middle}a{radius} {radius} 0 1 0 {side} 0 {radius} {radius} 0 1 0-{side} 0"
