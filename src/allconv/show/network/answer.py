"""What a network says of a photograph: the likeliest classes, and what speaks for the first."""

from __future__ import annotations

from collections.abc import Sequence

from allconv.operators.base import Array
from allconv.picture.markup import Markup, element
from allconv.show.network.evidence import Evidence
from allconv.show.network.layers import DrawnLayer
from allconv.show.network.photo import HELD, kind
from allconv.show.network.pictures import heat, jpeg
from allconv.show.network.values import Photo, Scores
from allconv.text import printable

TOP = 5
LONGEST_CLASS = 80


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
