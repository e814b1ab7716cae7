"""The image on the page, held once: what a network says of it, what speaks for the first class,
and what a unit of a layer sees of it."""

from __future__ import annotations

from collections.abc import Sequence

from allconv.analysis.fields import Field, Reach
from allconv.operators.base import Array
from allconv.picture.markup import Markup, element, short
from allconv.show.network.evidence import Evidence
from allconv.show.network.layers import DrawnLayer
from allconv.show.network.pictures import heat, jpeg
from allconv.show.network.values import Photo, Scores
from allconv.text import printable

HELD = "photo"  # the address of the image on the page
TOP = 5  # classes
LONGEST_CLASS = 80
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
    rows, columns = (1 if reach.along is None else shape[reach.along] for reach in field)
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


def _numbers(reach: Reach) -> str:
    """Stride, first and last cell of unit 0, as a script reads them."""
    return " ".join(short(float(n)) for n in (reach.stride, reach.low, reach.high))


def answer(
    photo: Photo, scores: Scores | None, found: Evidence | None, layers: Sequence[DrawnLayer]
) -> Markup:
    """The section on the photograph."""
    height, width = photo.pixels.shape[:2]
    picture = element(
        "svg", element("use", href=f"#{HELD}"), viewBox=f"0 0 {width} {height}",
        class_=kind("photo", photo.pixels), role="img",
        aria_label=f"The image, {width} × {height} pixels, as the network takes it",
    )  # fmt: skip
    parts = [element("h2", "The image"), element("p", element("code", printable(photo.name, 120)))]
    if scores is None:
        parts += [picture, element("p", "The network gives no scores for classes.")]
        return element("section", *parts, id="answer")
    parts.append(element("div", picture, classes_table(photo, scores), class_="said"))
    if found is not None:
        parts += evidence_figures(photo, scores, found, layers)
    return element("section", *parts, id="answer")


def class_name(photo: Photo, scores: Scores, number: int) -> str:
    """The name of a class, else its number."""
    names = photo.classes
    if names is None or len(names) != len(scores.probabilities):
        return f"class {number}"
    return printable(names[number], LONGEST_CLASS)


def classes_table(photo: Photo, scores: Scores) -> Markup:
    """The likeliest classes with their probabilities."""
    rows = []
    for number in scores.likeliest(TOP):
        share = float(scores.probabilities[number])
        bar = element("span", class_="bar", style=f"width:{100 * share:.1f}%")
        rows.append(
            element(
                "tr",
                element("th", class_name(photo, scores, number), scope="row"),
                element("td", f"{100 * share:.1f} %", class_="number"),
                element("td", bar, class_="bars", aria_hidden="true"),
            )
        )
    caption = element("caption", f"The likeliest of {len(scores.probabilities):,} classes")
    return element("table", caption, *rows, class_="classes")


def evidence_figures(
    photo: Photo, scores: Scores, found: Evidence, layers: Sequence[DrawnLayer]
) -> list[Markup]:
    """What speaks for the chosen class, as pictures."""
    name = class_name(photo, scores, found.chosen)
    figures = []
    if found.saliency is not None:
        figures.append(
            _heat(
                photo,
                found.saliency,
                "Saliency",
                "where a small change of a pixel changes the score most",
            )
        )
    if found.cam is not None and found.layer is not None:
        last = layers[found.layer].title
        figures.append(
            _heat(
                photo, found.cam, "Grad-CAM", f"where the last convolution, {last}, speaks for it"
            )
        )
    if found.occlusion is not None:
        lost = f"{100 * found.most:.1f}"
        said = f"where covering a part lowers the probability most, by up to {lost} points"
        figures.append(_heat(photo, found.occlusion, "Occlusion", said))
    if not figures:
        said = "Neither gradients nor covering parts of the image show anything for this class."
        return [element("p", said)]
    return [
        element("h3", f"What speaks for {name}"),
        element("p", "Coarse hints of where to look; they prove nothing.", class_="soft"),
        element("div", *figures, class_="heats"),
    ]


def _heat(photo: Photo, share: Array, title: str, said: str) -> Markup:
    pixels = heat(photo.pixels, share)
    height, width = pixels.shape[:2]
    image = element(
        "img",
        src=jpeg(pixels),
        width=width,
        height=height,
        alt=f"{title}: {said}",
        class_=kind("heat", pixels),
    )
    caption = element("figcaption", element("strong", title), f": {said}.")
    return element("figure", image, caption)
