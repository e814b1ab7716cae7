"""The size that images are trained at, where none is given, and why."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low

from allconv.data.images import Header

LARGEST = 96
"""No size above this is chosen: a CPU trains on it in minutes, not hours."""

_SIDES = (8, 16, 24, 32, 48, 64, 96)


def choose_size(
    headers: Sequence[Header], asked: tuple[int, int] | None
) -> tuple[tuple[int, int], int, str]:
    """((height, width), channels, the reason as a phrase) for these images.

    One small size stays; otherwise a square of 8, 16, 24, 32, 48, 64 or 96 pixels, the greatest
    that the median short side reaches. Grey if every file is grey.
    """
    channels = 1 if all(header.gray for header in headers) else 3
    if asked is not None:
        return asked, channels, "as asked"
    sizes = {(header.height, header.width) for header in headers}
    if len(sizes) == 1 and max(size := next(iter(sizes))) <= LARGEST:
        return size, channels, "the size of all images"
    typical = median_low(min(header.height, header.width) for header in headers)
    side = max((side for side in _SIDES if side <= typical), default=_SIDES[0])
    reason = f"the middle of each image, for the median short side is {typical} pixels"
    if typical > LARGEST:
        reason += f", and {LARGEST} is the most that is chosen unless asked"
    return (side, side), channels, reason
