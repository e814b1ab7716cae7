"""What the lecture's pictures are drawn with: SVG in the colours of the page around it."""

from __future__ import annotations

import numpy as np

from allconv.lecture.example import Example
from allconv.operators.base import Array
from allconv.picture.markup import Markup, Value, element

TEXT = 15.0  # pixels


def result_of(example: Example) -> Array:
    """What an example computes."""
    return np.asarray(example.check().ours)


def drawing(width: float, height: float, *inside: str, label: str) -> Markup:
    """A picture of so many pixels; the label says what it shows."""
    return element(
        "svg",
        *inside,
        class_="drawing",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
    )


def written(
    x: float, y: float, *inside: str, anchor: str = "start", kind: str = "", size: float = TEXT
) -> Markup:
    """A line of text; `y` is its middle."""
    return element(
        "text",
        *inside,
        x=x,
        y=y + 0.36 * size,
        text_anchor=None if anchor == "start" else anchor,
        class_=kind or None,
        font_size=size,
    )


def box(x: float, y: float, width: float, height: float, kind: str, **attributes: Value) -> Markup:
    """A rectangle."""
    return element("rect", x=x, y=y, width=width, height=height, class_=kind or None, **attributes)


def cell(
    x: float,
    y: float,
    side: float,
    kind: str,
    *inside: str,
    width: float | None = None,
    is_round: bool = False,
    size: float = TEXT,
) -> Markup:
    """A cell with what is written in it; round ones are gradients."""
    wide = side if width is None else width
    rect = box(
        x + 0.5, y + 0.5, wide - 1, side - 1, f"cell {kind}", rx=side * 0.48 if is_round else 2
    )
    label = written(x + wide / 2, y + side / 2, *inside, anchor="middle", size=size)
    return element("g", rect, label)


def letter(name: str, index: str = "") -> Markup:
    """A letter with its index, inside a text."""
    below = element("tspan", index, class_="index", dy=4) if index else ""
    back = element("tspan", "\u200b", dy=-4) if index else ""
    return element("tspan", element("tspan", name, class_="letter"), below, back)
