"""The image on the page, held once, and what a unit of a layer sees of it."""

from __future__ import annotations

from allconv.analysis.fields import Field, Reach
from allconv.operators.base import Array
from allconv.picture.markup import Markup, element, short
from allconv.show.network.pictures import jpeg

HELD = "photo"  # the address of the image on the page
SMALL = 112  # pixels of a side below which each is shown as it is


def kind(name: str, pixels: Array) -> str:
    """The class of a picture of the image: of a small one the pixels are shown, not smoothed."""
    return f"{name} pixels" if max(pixels.shape[:2]) < SMALL else name


def held_once(pixels: Array) -> Markup:
    """The image for all drawings of the page."""
    height, width = pixels.shape[:2]
    shown = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    image = element("image", id=HELD, href=jpeg(shown), width=width, height=height)
    return element(
        "svg", element("defs", image), width=0, height=0, class_="held", aria_hidden="true"
    )


def sees(field: Field, shape: tuple[int, ...], size: tuple[int, int]) -> Markup:
    """The image with what one unit of a layer sees: the one in the middle, until one is chosen.

    `shape` is that of the layer's value, `size` (height, width) of the image. Empty where units
    have no place in the image.
    """
    if len(field) != 2:
        return Markup("")
    height, width = size
    rows, columns = (_count(reach, shape) for reach in field)
    row, column = rows // 2, columns // 2
    down, along = field[0].cells(row), field[1].cells(column)
    if not len(down) or not len(along):
        return Markup("")
    said = (
        f"Unit {row}, {column} of {rows} × {columns} sees rows {down.start} to {down.stop - 1} and "
        f"columns {along.start} to {along.stop - 1}"
    )
    frame = element(
        "rect", x=along.start, y=down.start, width=len(along), height=len(down), class_="seen",
        vector_effect="non-scaling-stroke",
    )  # fmt: skip
    picture = element(
        "svg",
        element("use", href=f"#{HELD}"),
        element("path", d=_outside(down, along, size), class_="unseen", fill_rule="evenodd"),
        frame,
        viewBox=f"0 0 {width} {height}",
        class_="sees pixels" if max(size) < SMALL else "sees",
        role="img",
        aria_label=said,
        data_units=f"{rows} {columns}",
        data_rows=_numbers(field[0]),
        data_columns=_numbers(field[1]),
    )
    return element("figure", picture, element("figcaption", said + "."), class_="field")


def _outside(down: range, along: range, size: tuple[int, int]) -> str:
    """All of the image but a part, as a path."""
    height, width = size
    return (
        f"M0 0H{width}V{height}H0Z"
        f"M{along.start} {down.start}H{along.stop}V{down.stop}H{along.start}Z"
    )


def _count(reach: Reach, shape: tuple[int, ...]) -> int:
    return 1 if reach.along is None else shape[reach.along]


def _numbers(reach: Reach) -> str:
    """Stride, first and last cell of unit 0, as a script reads them."""
    return " ".join(short(float(n)) for n in (reach.stride, reach.low, reach.high))
