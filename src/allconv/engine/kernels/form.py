"""The one form as kernels see it: four axes, the last of which runs along the tile.

A kernel knows batch, groups, channels and four axes a0 ... a3 whose cells meet as
`source = offset + stride*m + dilation*t` (see `window.Phase`). Convolutions of one to three axes
fill the last ones. Where every output is a single cell (a linear layer) or every cell has weights
of its own (locally connected), the batch itself becomes the last axis: images fill the tile.
"""

from __future__ import annotations

from dataclasses import dataclass

from allconv.engine.place import Place
from allconv.window import Phase

AXES = 4
UNIT = Phase(0, 1, 1, 0, 1, 1, 0, 1, 1)


@dataclass(frozen=True, slots=True)
class Image:
    """An array (N, G*C, *S) as a kernel addresses it: counts, and strides in bytes."""

    place: Place
    images: int
    channels: int  # of a group
    image_stride: int
    group_stride: int
    channel_stride: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, place: Place, groups: int, *, batch: bool) -> Image:
        """The image at a place; with `batch` its images are the last axis."""
        n, channels = place.shape[:2]
        sizes, strides = place.shape[2:], place.strides[2:]
        if batch:
            sizes, strides = (*sizes, n), (*strides, place.strides[0])
        lead = AXES - len(sizes)
        step = place.item if channels == 1 else place.strides[1]
        return cls(
            place,
            images=1 if batch else n,
            channels=channels // groups,
            image_stride=0 if batch else place.strides[0],
            group_stride=step * (channels // groups),
            channel_stride=step,
            sizes=(1,) * lead + sizes,
            strides=(0,) * lead + strides,
        )

    def slots(self, name: str) -> dict[str, int]:
        """The strides as slots: `name` and n, g, c or the number of the axis."""
        named = {
            f"{name}n": self.image_stride,
            f"{name}g": self.group_stride,
            f"{name}c": self.channel_stride,
        }
        return named | {f"{name}{axis}": stride for axis, stride in enumerate(self.strides)}


def four(phases: tuple[Phase, ...], batch: int | None) -> tuple[Phase, ...]:
    """The phases of four axes; `batch` is its size where the batch is the last of them."""
    own = () if batch is None else (Phase(0, 1, batch, 0, 1, 1, 0, 1, 1),)
    axes = (*phases, *own)
    return (UNIT,) * (AXES - len(axes)) + axes


def output_slots(image: Image, phases: tuple[Phase, ...]) -> tuple[int, dict[str, int]]:
    """Where the cells of a phase lie in an output: the offset of the first, strides as slots."""
    offset = sum(p.out_start * s for p, s in zip(phases, image.strides, strict=True))
    slots = {"yn": image.image_stride, "yg": image.group_stride}
    for axis, (phase, stride) in enumerate(zip(phases, image.strides, strict=True)):
        slots[f"y{axis}"] = phase.out_step * stride
    return offset, slots


def split_evenly(total: int, at_most: int) -> int:
    """The least block that covers `total` in as few blocks as blocks of `at_most` do."""
    return -(-total // -(-total // max(1, min(at_most, total))))
