"""Images as small pictures inside a page, until the page is as large as it may become."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

from allconv.data.images import Pixels
from allconv.picture.markup import Markup, element

SIDE = 64
"""Pixels to which the longer side of an image is scaled down."""

SHOWN_SIDE = 72  # at which it is shown
QUALITY = 80  # of JPEG
LENGTH = 560_000
"""Characters of all pictures of a page with their captions."""


@dataclass(frozen=True)
class Shot:
    """An image uint8 (H, W, C), what it shows in words, and what stands below it.

    name: of its file, shown when the pointer rests on it.
    """

    image: Pixels
    words: str
    caption: str
    name: str = ""

    def figure(self) -> Markup:
        """The picture with its caption."""
        height, width = self.image.shape[:2]
        scale = SHOWN_SIDE / max(height, width)
        picture = element(
            "img",
            src=picture_of(self.image),
            alt=self.words,
            title=self.name or None,
            width=max(1, round(width * scale)),
            height=max(1, round(height * scale)),
        )
        caption = [element("figcaption", self.caption)] if self.caption else []
        return element("figure", picture, *caption, class_="shot")


class Album:
    """Pictures of one page, which together have at most so many characters."""

    def __init__(self, length: int = LENGTH) -> None:
        self.left = length

    def take(self, shot: Shot) -> Markup | None:
        """The figure of an image, None where there is no room for it."""
        figure = shot.figure()
        if len(figure) > self.left:
            return None
        self.left -= len(figure)
        return figure

    def row(self, shots: Iterable[Shot]) -> tuple[Markup, int]:
        """Figures beside each other, up to the first without room; how many they are."""
        figures: list[Markup] = []
        for shot in shots:
            figure = self.take(shot)
            if figure is None:
                break
            figures.append(figure)
        return element("div", *figures, class_="shots"), len(figures)


def picture_of(image: Pixels) -> str:
    """An image uint8 (H, W, C), scaled down to `SIDE`, as a data: URI: PNG, or JPEG if smaller.

    >>> import numpy as np
    >>> picture_of(np.zeros((100, 50, 3), np.uint8))[:22]
    'data:image/png;base64,'
    """
    from PIL import Image

    plain = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    if max(plain.size) > SIDE:
        plain.thumbnail((SIDE, SIDE))
    found = {}
    for kind, settings in (("png", {"optimize": True}), ("jpeg", {"quality": QUALITY})):
        file = io.BytesIO()
        plain.save(file, kind, **settings)
        found[kind] = file.getvalue()
    kind = min(found, key=lambda each: len(found[each]))
    return f"data:image/{kind};base64,{base64.b64encode(found[kind]).decode()}"
