"""An image as numbers: small and grey, whole from 0 (black) to 9 (white), as pages make of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allconv.cli.failures import Misuse

if TYPE_CHECKING:
    from allconv.operators.base import Array

LARGEST_SIDE = 9  # of an input that a page draws
MOST_SIDE = 64  # of one that is shown as text
WHITE = 9


@dataclass(frozen=True)
class ImageNumbers:
    """An image file in the place of numbers, read when its size is known."""

    path: Path

    def array(self, size: int | tuple[int, ...] | None = None) -> Array:
        """The numbers, float64 (rows, columns).

        size  of the numbers: the middle of the image is scaled to it. None: the whole image, with
              9 on its longer side unless it is smaller
        Errors: `Misuse` for a size not of two axes, or too large; those of `read_image`.
        """
        import numpy as np

        from allconv.data.images import read_header, read_image

        if size is None:
            head = read_header(self.path)
            scale = min(1.0, LARGEST_SIDE / max(head.height, head.width))
            sides = [max(1, round(side * scale)) for side in (head.height, head.width)]
        else:
            sides = list(size) if isinstance(size, tuple) else [size, size]
            if len(sides) != 2 or min(sides) < 1 or max(sides) > MOST_SIDE:
                shown = "x".join(map(str, sides))
                raise Misuse(
                    f"--input-size is {shown}; for an image HxW is expected, each 1 to {MOST_SIDE}"
                )
        pixels = read_image(self.path, 1, (sides[0], sides[1]))[:, :, 0]
        return np.round(pixels.astype(np.float64) * WHITE / 255)


def with_image(given: dict[str, Any], input_size: Any) -> tuple[dict[str, Any], Any]:
    """Settings and --input-size, with the numbers of an image where the input is one."""
    image = given.get("x")
    if not isinstance(image, ImageNumbers):
        return given, input_size
    return {**given, "x": image.array(input_size)}, None
